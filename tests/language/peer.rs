//! A Python with torch and transformers, if there is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a script exits with where a package that it needs is not installed.
const NOT_INSTALLED: i32 = 3;

/// A script in this folder.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/language").join(name)
}

/// The Python to run: `REC_PYTHON`, or that of the project's virtual environment.
fn python() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    std::env::var_os("REC_PYTHON").map_or_else(own, PathBuf::from)
}

/// Runs a script. `None`, with a message, where there is no Python with the packages; but a
/// `REC_PYTHON` that was named must have them.
pub(crate) fn run(name: &str, arguments: &[&str]) -> Option<()> {
    let named = std::env::var_os("REC_PYTHON").is_some();
    let python = python();
    match Command::new(&python).arg(script(name)).args(arguments).output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) if output.status.code() == Some(NOT_INSTALLED) && !named => {
            skip(&format!("{} lacks a package: {}", python.display(), text(&output)))
        }
        Ok(output) => panic!("{name} failed:\n{}", text(&output)),
        Err(error) if named => panic!("{}: {error}", python.display()),
        Err(error) => skip(&format!("{}: {error}", python.display())),
    }
}

fn skip(why: &str) -> Option<()> {
    eprintln!("skipped: needs REC_PYTHON with torch and transformers ({why})");
    None
}

fn text(output: &Output) -> String {
    let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    format!("{}\n{}", read(&output.stdout), read(&output.stderr))
}
