//! The modules that are loaded, and where they come from.
//!
//! There is no import of Python code: a module is an extension that the host has loaded, or `builtins`.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob};
use crate::own::Own;
use handfast_cpyext_macros::{capi, contract};
use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::ptr;

/// `sys.modules`: set when the runtime starts, never freed.
static mut MODULES: Ob = NULL;

thread_local! {
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes the table.
#[contract]
pub unsafe fn init() -> Res<()> {
    MODULES = crate::dict::new()?.into_raw();
    Ok(())
}

/// The full name of the module that this thread is loading.
pub fn current() -> Option<String> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs `f` while a module of this name is being loaded.
pub fn while_loading<T>(name: &str, f: impl FnOnce() -> T) -> T {
    let before = CURRENT.replace(Some(name.to_owned()));
    let answer = f();
    CURRENT.set(before);
    answer
}

/// Enters a module into the table.
#[contract]
pub unsafe fn add(name: &str, module: Ob) -> Res<()> {
    let key = crate::unicode::from_str(name)?;
    crate::dict::set(MODULES, key.ob(), module)
}

/// A module of the table.
#[contract]
pub unsafe fn find(name: &str) -> Res<Option<Own>> {
    let key = crate::unicode::from_str(name)?;
    Ok(crate::dict::get(MODULES, key.ob())?.map(Own::share))
}

#[contract]
unsafe fn import(name: &str) -> Res<Own> {
    match find(name)? {
        Some(module) => Ok(module),
        None => {
            let shown = crate::text::str_repr(name.chars().map(u32::from));
            err::raise(exc::PyExc_ModuleNotFoundError, &format!("No module named {shown}"))
        }
    }
}

/// A module that is loaded.
#[capi]
pub unsafe fn PyImport_ImportModule(name: *const c_char) -> Res<Own> {
    import(&CStr::from_ptr(name).to_string_lossy())
}

/// A module that is loaded.
#[capi]
pub unsafe fn PyImport_Import(name: Ob) -> Res<Own> {
    import(&crate::unicode::to_text(name))
}

/// `sys.modules`, borrowed.
#[capi]
pub unsafe fn PyImport_GetModuleDict() -> Ob {
    MODULES
}

/// A module under a name, borrowed; an empty one is made when there is none.
#[capi]
pub unsafe fn PyImport_AddModule(name: *const c_char) -> Res<Ob> {
    let text = CStr::from_ptr(name).to_string_lossy();
    if let Some(module) = find(&text)? {
        // The table keeps it.
        return Ok(module.ob());
    }
    let module = crate::module::PyModule_New(name)?;
    add(&text, module.ob())?;
    Ok(module.ob())
}

/// The module that a definition has made, borrowed.
#[capi]
pub unsafe fn PyState_FindModule(definition: *mut crate::layout::PyModuleDef) -> Ob {
    let mut at = 0;
    while let Some((_, module, _)) = crate::dict::next(MODULES, &mut at) {
        if crate::module::is_module(module) && ptr::eq(crate::module::definition_of(module), definition) {
            return module;
        }
    }
    NULL
}

/// The module of this name that is loaded; NULL without an exception when there is none.
#[capi]
pub unsafe fn PyImport_GetModule(name: Ob) -> Res<Option<Own>> {
    crate::unicode::check(name)?;
    find(&crate::unicode::to_text(name))
}
