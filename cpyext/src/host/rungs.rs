//! The rungs: what `cpyext/rungs/rungs.toml` says of them, and where their files are.

use handfast_cpyext::eval;
use std::path::PathBuf;

/// An extension.
#[derive(Debug)]
pub struct Rung {
    /// Its name.
    pub name: String,
    /// The dotted name of its module.
    pub module: String,
    /// Objects that it loses in one replay, by its own mistake.
    pub loses: u64,
    /// Exceptions that it looks up in modules of Python: `(module, names)`.
    exceptions: Vec<(String, Vec<String>)>,
}

fn root() -> PathBuf {
    // The program runs from the repository; from elsewhere, where it was built.
    let here = PathBuf::from("target/cpyext");
    if here.is_dir() { here } else { PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/cpyext") }
}

/// All rungs, in the order of the ladder.
pub fn all() -> Vec<Rung> {
    let table: toml::Table = include_str!("../../rungs/rungs.toml").parse().expect("rungs.toml is TOML");
    let text =
        |rung: &toml::Value, field: &str| rung.get(field).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let names = |list: &toml::Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|v| v.as_str()).map(str::to_owned).collect()
    };
    let rungs = table.get("rung").and_then(|rungs| rungs.as_array()).expect("rungs.toml has rungs");
    rungs
        .iter()
        .map(|rung| Rung {
            name: text(rung, "name"),
            module: text(rung, "module"),
            loses: rung
                .get("loses")
                .and_then(|table| table.get("handfast"))
                .and_then(|count| count.as_integer())
                .map_or(0, |count| count as u64),
            exceptions: rung
                .get("exceptions")
                .and_then(|table| table.as_table())
                .into_iter()
                .flatten()
                .map(|(module, list)| (module.clone(), names(list)))
                .collect(),
        })
        .collect()
}

/// The rung of a name.
pub fn find(name: &str) -> Result<Rung, String> {
    let rungs = all();
    let known: Vec<String> = rungs.iter().map(|rung| rung.name.clone()).collect();
    rungs
        .into_iter()
        .find(|rung| rung.name == name)
        .ok_or_else(|| format!("no rung {name}; there are {}", known.join(", ")))
}

impl Rung {
    /// Its shared object, compiled against our headers.
    pub fn library(&self) -> PathBuf {
        root().join("handfast").join(&self.name).join(self.module.replace('.', "/") + ".so")
    }

    /// The recording of its test suite.
    pub fn recording(&self) -> PathBuf {
        root().join("recordings").join(&self.name).with_extension("jsonl")
    }

    /// Makes the modules that it imports, with the exceptions that it looks for.
    pub fn prepare(&self) -> Result<(), String> {
        for (module, names) in &self.exceptions {
            for name in names {
                eval::add_exception(module, name).map_err(|raised| raised.to_string())?;
            }
        }
        Ok(())
    }
}
