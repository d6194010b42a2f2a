//! Modules: made from a definition in one step or in several (PEP 489).

use crate::answer::{Raised, Res};
use crate::dict;
use crate::err;
use crate::exc;
use crate::layout::{Ob, PyMethodDef, PyModuleDef, PyObject, PyTypeObject, type_of};
use crate::method;
use crate::names;
use crate::own::{Own, xdecref};
use crate::types::{PyModule_Type, PyModuleDef_Type, PyType_IsSubtype};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::mem::{offset_of, transmute};
use std::ptr::{self, null_mut};

const MOD_CREATE: c_int = 1;
const MOD_EXEC: c_int = 2;

/// A module.
#[repr(C)]
#[derive(Debug)]
pub struct PyModuleObject {
    ob_base: PyObject,
    md_dict: Ob,
    md_def: *mut PyModuleDef,
    md_state: *mut c_void,
    md_name: Ob,
}

/// Where a module has its dict.
pub const DICT: usize = offset_of!(PyModuleObject, md_dict);

#[contract]
unsafe fn head<'a>(ob: Ob) -> &'a mut PyModuleObject {
    &mut *ob.cast()
}

/// Whether an object is a module.
#[contract]
pub unsafe fn is_module(ob: Ob) -> bool {
    PyType_IsSubtype(type_of(ob), &raw mut PyModule_Type) != 0
}

#[contract]
unsafe fn check(ob: Ob) -> Res<()> {
    if ob.is_null() || !is_module(ob) { err::bad_internal_call("a module was expected") } else { Ok(()) }
}

/// A module with a name.
#[contract]
pub unsafe fn new(name: Ob) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PyModule_Type, 0)?;
    let this = head(ob.ob());
    this.md_name = Own::share(name).into_raw();
    this.md_dict = dict::new()?.into_raw();
    dict::set(this.md_dict, names::get("__name__").ob(), name)?;
    dict::set(this.md_dict, names::get("__doc__").ob(), crate::object::none())?;
    Ok(ob)
}

/// Frees a module.
#[slot]
pub unsafe fn module_dealloc(ob: Ob) {
    let this = head(ob);
    if !this.md_def.is_null()
        && let Some(free) = (*this.md_def).m_free
    {
        free(ob.cast());
    }
    libc::free(this.md_state);
    let (dict, name) = (this.md_dict, this.md_name);
    crate::types::free(ob);
    xdecref(dict);
    xdecref(name);
}

/// The name as Rust text.
#[contract]
pub unsafe fn name_text(ob: Ob) -> String {
    crate::unicode::to_text(head(ob).md_name)
}

/// The state that the definition asked for.
#[contract]
pub unsafe fn state_of(ob: Ob) -> *mut c_void {
    head(ob).md_state
}

/// The definition, or null.
#[contract]
pub unsafe fn definition_of(ob: Ob) -> *mut PyModuleDef {
    head(ob).md_def
}

/// `<module 'name'>`
#[slot]
pub unsafe fn module_repr(ob: Ob) -> Res<Own> {
    crate::unicode::from_str(&format!("<module '{}'>", name_text(ob)))
}

/// An attribute of a module.
#[slot]
pub unsafe fn module_getattro(ob: Ob, name: Ob) -> Res<Own> {
    match crate::attr::find(ob, name)? {
        Some(value) => Ok(value),
        None => {
            let (module, name) = (name_text(ob), crate::unicode::to_text(name));
            err::attribute_error(&format!("module '{module}' has no attribute '{name}'"))
        }
    }
}

#[contract]
unsafe fn from_definition(definition: *mut PyModuleDef, name: Ob) -> Res<Own> {
    let module = new(name)?;
    adorn(module.ob(), definition)?;
    Ok(module)
}

#[contract]
unsafe fn adorn(module: Ob, definition: *mut PyModuleDef) -> Res<()> {
    let this = head(module);
    this.md_def = definition;
    if !(*definition).m_methods.is_null() {
        PyModule_AddFunctions(module, (*definition).m_methods)?;
    }
    if !(*definition).m_doc.is_null() {
        PyModule_SetDocString(module, (*definition).m_doc)?;
    }
    Ok(())
}

#[contract]
unsafe fn make_state(module: Ob) -> Res<()> {
    let this = head(module);
    if !this.md_def.is_null() && (*this.md_def).m_size > 0 && this.md_state.is_null() {
        this.md_state = libc::calloc(1, (*this.md_def).m_size as usize);
        if this.md_state.is_null() {
            return err::no_memory();
        }
    }
    Ok(())
}

/// A module in one step.
#[capi]
pub unsafe fn PyModule_Create2(definition: *mut PyModuleDef, _version: c_int) -> Res<Own> {
    if !(*definition).m_slots.is_null() {
        let name = CStr::from_ptr((*definition).m_name).to_string_lossy();
        return err::raise(
            exc::PyExc_SystemError,
            &format!("module {name}: PyModule_Create is incompatible with m_slots"),
        );
    }
    // The name that the loader imports it by, if it is the last part of that one.
    let short = CStr::from_ptr((*definition).m_name).to_string_lossy();
    let name = crate::import::current().filter(|full| full.rsplit('.').next() == Some(&short));
    let name = crate::unicode::from_str(name.as_deref().unwrap_or(&short))?;
    let module = from_definition(definition, name.ob())?;
    make_state(module.ob())?;
    Ok(module)
}

/// The first step of several: the definition itself, as an object.
#[capi]
pub unsafe fn PyModuleDef_Init(definition: *mut PyModuleDef) -> Ob {
    let head = &raw mut (*definition).m_base.ob_base;
    if (*head).ob_type.is_null() {
        (*head).ob_type = &raw mut PyModuleDef_Type;
    }
    crate::runtime::adopt_static(head, size_of::<PyModuleDef>());
    head
}

/// The second step: a module of a definition, with the name that a specification has.
#[capi]
pub unsafe fn PyModule_FromDefAndSpec2(definition: *mut PyModuleDef, spec: Ob, _version: c_int) -> Res<Own> {
    let name = crate::attr::PyObject_GetAttr(spec, names::get("name").ob())?;
    let mut create = None;
    let mut slot = (*definition).m_slots;
    while !slot.is_null() && (*slot).slot != 0 {
        match (*slot).slot {
            MOD_CREATE => {
                create =
                    Some(transmute::<*mut c_void, unsafe extern "C" fn(Ob, *mut PyModuleDef) -> Ob>((*slot).value));
            }
            MOD_EXEC => {}
            other => {
                return err::raise(exc::PyExc_SystemError, &format!("a module uses unknown slot ID {other}"));
            }
        }
        slot = slot.add(1);
    }
    let Some(create) = create else { return from_definition(definition, name.ob()) };
    let module = crate::answer::owned(create(spec, definition))?;
    if is_module(module.ob()) {
        adorn(module.ob(), definition)?;
    }
    Ok(module)
}

/// The third step: runs what the definition says.
#[capi]
pub unsafe fn PyModule_ExecDef(module: Ob, definition: *mut PyModuleDef) -> Res<()> {
    if is_module(module) {
        make_state(module)?;
    }
    let mut slot = (*definition).m_slots;
    while !slot.is_null() && (*slot).slot != 0 {
        if (*slot).slot == MOD_EXEC {
            let run = transmute::<*mut c_void, unsafe extern "C" fn(Ob) -> c_int>((*slot).value);
            if run(module) != 0 {
                if !err::is_raised() {
                    let name = name_text(module);
                    return err::raise(
                        exc::PyExc_SystemError,
                        &format!("execution of module {name} failed without setting an exception"),
                    );
                }
                return Err(Raised);
            }
        }
        slot = slot.add(1);
    }
    Ok(())
}

/// Adds functions to a module.
#[capi]
pub unsafe fn PyModule_AddFunctions(module: Ob, functions: *mut PyMethodDef) -> Res<()> {
    let name = Own::share(head(module).md_name);
    let mut entry = functions;
    while !(*entry).ml_name.is_null() {
        let function = method::new(entry, module, name.ob(), null_mut())?;
        PyModule_AddObjectRef(module, (*entry).ml_name, function.ob())?;
        entry = entry.add(1);
    }
    Ok(())
}

/// Sets the documentation.
#[capi]
pub unsafe fn PyModule_SetDocString(module: Ob, doc: *const c_char) -> Res<()> {
    let text = crate::unicode::PyUnicode_FromString(doc)?;
    dict::set(head(module).md_dict, names::get("__doc__").ob(), text.ob())
}

/// Adds an object under a name.
#[capi]
pub unsafe fn PyModule_AddObjectRef(module: Ob, name: *const c_char, value: Ob) -> Res<()> {
    check(module)?;
    if value.is_null() {
        if err::is_raised() {
            return Err(Raised);
        }
        return err::raise(
            exc::PyExc_SystemError,
            "PyModule_AddObjectRef() must be called with an exception raised if value is NULL",
        );
    }
    let key = crate::unicode::PyUnicode_InternFromString(name)?;
    dict::set(head(module).md_dict, key.ob(), value)
}

/// Adds an object under a name; steals the reference if it could.
#[capi]
pub unsafe fn PyModule_AddObject(module: Ob, name: *const c_char, value: Ob) -> Res<()> {
    PyModule_AddObjectRef(module, name, value)?;
    xdecref(value);
    Ok(())
}

/// Adds an int.
#[capi]
pub unsafe fn PyModule_AddIntConstant(module: Ob, name: *const c_char, value: c_long) -> Res<()> {
    let value = crate::long::from_i64(value)?;
    PyModule_AddObjectRef(module, name, value.ob())
}

/// Adds a str.
#[capi]
pub unsafe fn PyModule_AddStringConstant(module: Ob, name: *const c_char, value: *const c_char) -> Res<()> {
    let value = crate::unicode::PyUnicode_FromString(value)?;
    PyModule_AddObjectRef(module, name, value.ob())
}

/// Makes a type ready and adds it under its name.
#[capi]
pub unsafe fn PyModule_AddType(module: Ob, ty: *mut PyTypeObject) -> Res<()> {
    crate::type_ready::PyType_Ready(ty)?;
    let full = CStr::from_ptr((*ty).tp_name).to_bytes_with_nul();
    let short = full.iter().rposition(|&c| c == b'.').map_or(0, |dot| dot + 1);
    PyModule_AddObjectRef(module, full[short..].as_ptr().cast(), ty.cast())
}

/// An empty module.
#[capi]
pub unsafe fn PyModule_New(name: *const c_char) -> Res<Own> {
    let name = crate::unicode::PyUnicode_FromString(name)?;
    new(name.ob())
}

/// An empty module.
#[capi]
pub unsafe fn PyModule_NewObject(name: Ob) -> Res<Own> {
    new(name)
}

/// The dict, borrowed.
#[capi]
pub unsafe fn PyModule_GetDict(module: Ob) -> Res<Ob> {
    check(module)?;
    Ok(head(module).md_dict)
}

/// The name.
#[capi]
pub unsafe fn PyModule_GetNameObject(module: Ob) -> Res<Own> {
    check(module)?;
    Ok(Own::share(head(module).md_name))
}

/// The name.
#[capi]
pub unsafe fn PyModule_GetName(module: Ob) -> Res<*const c_char> {
    check(module)?;
    crate::unicode::PyUnicode_AsUTF8(head(module).md_name)
}

/// The state.
#[capi]
pub unsafe fn PyModule_GetState(module: Ob) -> Res<*mut c_void> {
    check(module)?;
    Ok(head(module).md_state)
}

/// The definition.
#[capi]
pub unsafe fn PyModule_GetDef(module: Ob) -> Res<*mut PyModuleDef> {
    check(module)?;
    Ok(head(module).md_def)
}

/// Whether an object is a module's definition.
pub fn is_definition(ob: Ob) -> bool {
    ptr::eq(type_of(ob), &raw mut PyModuleDef_Type)
}
