//! Loads extension modules: shared objects with a `PyInit_NAME`.

use crate::answer::{Raised, Res};
use crate::err;
use crate::exc;
use crate::import;
use crate::layout::{Ob, PyModuleDef};
use crate::module;
use crate::names;
use crate::own::Own;
use handfast_cpyext_macros::contract;
use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::path::{Path, PathBuf};

/// Why an extension could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    NoFile(PathBuf),
    /// It needs a function or object of the API that does not exist here.
    NoSymbol {
        /// The file.
        path: PathBuf,
        /// The first that is missing.
        symbol: String,
    },
    /// It is no shared object, or another one that it needs is missing: what the loader says.
    NoLibrary {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// It has no `PyInit_NAME`.
    NoInit {
        /// The file.
        path: PathBuf,
        /// The function.
        function: String,
    },
    /// Its initialisation raised.
    Raised {
        /// The module.
        module: String,
        /// The exception.
        exception: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::NoFile(path) => write!(f, "{}: no such file", path.display()),
            LoadError::NoSymbol { path, symbol } => {
                write!(f, "{}: needs {symbol}, which handfast-cpyext does not have", path.display())
            }
            LoadError::NoLibrary { path, reason } => write!(f, "{}: not a loadable library: {reason}", path.display()),
            LoadError::NoInit { path, function } => {
                write!(f, "{}: not an extension module: it has no function {function}", path.display())
            }
            LoadError::Raised { module, exception } => write!(f, "importing {module}: {exception}"),
        }
    }
}

impl std::error::Error for LoadError {}

fn dl_error() -> String {
    // SAFETY: [X7] answers a C string of this thread's, or null.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: [X7] as above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn open(path: &Path) -> Result<*mut c_void, LoadError> {
    if !path.is_file() {
        return Err(LoadError::NoFile(path.into()));
    }
    let absolute = path.canonicalize().map_err(|_| LoadError::NoFile(path.into()))?;
    let Ok(name) = CString::new(absolute.as_os_str().as_encoded_bytes()) else {
        return Err(LoadError::NoFile(path.into()));
    };
    // All symbols at once: what is missing is told here, not in the middle of a call.
    // SAFETY: [X7] a C string; what the library runs when it is loaded is the caller's choice.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if !library.is_null() {
        return Ok(library);
    }
    let reason = dl_error();
    Err(match reason.split_once("undefined symbol: ") {
        Some((_, symbol)) => {
            let symbol = symbol.split([' ', ',', '\n']).next().unwrap_or(symbol).to_owned();
            LoadError::NoSymbol { path: path.into(), symbol }
        }
        None => LoadError::NoLibrary { path: path.into(), reason },
    })
}

/// Loads the extension module `name` (with dots, if it is in a package) from a file. The calling thread has entered the
/// runtime. A module is never unloaded.
///
/// # Errors
/// [`LoadError`].
///
/// # Safety
/// The library is a C extension that keeps the API's rules.
pub unsafe fn load(path: &Path, name: &str) -> Result<Own, LoadError> {
    let library = open(path)?;
    let function = format!("PyInit_{}", name.rsplit('.').next().unwrap_or(name));
    let symbol = CString::new(function.as_str()).unwrap_or_default();
    // SAFETY: [X7] an open library and a C string.
    let init = unsafe { libc::dlsym(library, symbol.as_ptr()) };
    if init.is_null() {
        return Err(LoadError::NoInit { path: path.into(), function });
    }
    // SAFETY: [X1] the caller's promise: it is what its name says.
    let module = import::while_loading(name, || unsafe {
        let init = std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> Ob>(init);
        initialise(init(), name)
    });
    module.map_err(|Raised| LoadError::Raised {
        module: name.into(),
        // SAFETY: [X1] on an entered thread.
        exception: unsafe { err::describe() }.unwrap_or_default(),
    })
}

/// What `PyInit` answered becomes a module: at once, or in steps.
#[contract]
unsafe fn initialise(answer: Ob, name: &str) -> Res<Own> {
    let Some(answer) = Own::new(answer) else {
        if err::is_raised() {
            return Err(Raised);
        }
        return err::raise(
            exc::PyExc_SystemError,
            &format!("initialization of {name} failed without raising an exception"),
        );
    };
    if !module::is_definition(answer.ob()) {
        import::add(name, answer.ob())?;
        return Ok(answer);
    }
    let definition: *mut PyModuleDef = answer.into_raw().cast();
    let full = crate::unicode::from_str(name)?;
    // What a specification has that modules ask for is its name.
    let spec = module::new(full.ob())?;
    crate::attr::PyObject_SetAttr(spec.ob(), names::get("name").ob(), full.ob())?;
    let made = module::PyModule_FromDefAndSpec2(definition, spec.ob(), 1013)?;
    import::add(name, made.ob())?;
    module::PyModule_ExecDef(made.ob(), definition)?;
    Ok(made)
}
