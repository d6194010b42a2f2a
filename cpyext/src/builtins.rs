//! What exists from the beginning: types, the objects that exist once, exceptions, the module `builtins`.

use crate::answer::Res;
use crate::err;
use crate::type_ready::PyType_Ready;
use crate::{exc, import, long, module, object, types};
use handfast_cpyext_macros::contract;

#[contract]
unsafe fn make() -> Res<()> {
    long::init();
    for ty in types::builtin() {
        PyType_Ready(ty)?;
    }
    object::init();
    exc::init()?;
    import::init()?;
    let builtins = module::PyModule_New(c"builtins".as_ptr())?;
    for ty in types::builtin() {
        module::PyModule_AddObjectRef(builtins.ob(), (*ty).tp_name, ty.cast())?;
    }
    for (name, ty) in exc::all() {
        module::PyModule_AddObjectRef(builtins.ob(), name.as_ptr(), ty)?;
    }
    module::PyModule_AddObjectRef(builtins.ob(), c"None".as_ptr(), object::none())?;
    module::PyModule_AddObjectRef(builtins.ob(), c"True".as_ptr(), object::bool_ob(true))?;
    module::PyModule_AddObjectRef(builtins.ob(), c"False".as_ptr(), object::bool_ob(false))?;
    import::add("builtins", builtins.ob())
}

/// Makes everything.
///
/// # Panics
/// When memory is out, or a table of this crate is wrong.
#[contract]
pub unsafe fn init() {
    if make().is_err() {
        panic!("the built-in types could not be made: {}", err::describe().unwrap_or_default());
    }
}
