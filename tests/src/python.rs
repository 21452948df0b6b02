//! Other programs' own readers, in Python, where there is one.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The Python with which scripts under `tests/reference` are run: `ATTUNE_PYTHON`, else `python3`. `None`, said loudly, if it has no `module`.
pub fn with(module: &str) -> Option<String> {
    let python = std::env::var("ATTUNE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let asked = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output();
    if asked.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    // Past the test's capture, which would hide it.
    let text =
        format!("SKIPPED: {python} has no {module}, so that what it reads was not compared\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    None
}

/// What a script under `tests/reference` prints about `path`. Panics if it fails.
pub fn printed(python: &str, script: &str, path: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(script);
    let output = Command::new(python).arg(script).arg(path).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}
