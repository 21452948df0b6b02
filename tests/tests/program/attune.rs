//! Starting the program as a user does, and taking what it prints.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// The program, told to keep its things in `workspace`.
pub fn at(workspace: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-under-test"));
    command.arg("--workspace").arg(workspace);
    command
}

/// The program in `folder`, which has the workspace `workspace`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = at(&folder.join("workspace"));
    command.args(arguments).current_dir(folder);
    command
}

/// How [`command`] ended, well or not.
pub fn output(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// What [`command`] printed. Panics if it fails.
pub fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = output(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON that [`command`] printed. Panics if it fails.
pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(folder, arguments)).unwrap()
}

/// The exit code of [`command`], and what it complained about.
pub fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = output(folder, arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}
