//! What the tests share: where reference data lies, small data sets made on the spot, and starting the program.

pub mod acoustics;
pub mod browser;
pub mod bursts;
pub mod faults;
pub mod published;
pub mod python;
pub mod small_data;
pub mod small_models;
pub mod small_runs;
pub mod soft_renderer;
pub mod torch_file;
pub mod window;

use std::path::{Path, PathBuf};

/// The folder of reference data and data sets, if this checkout has one beside it.
///
/// A user's checkout has none. Tests that need it call this, and return if it gives `None`; it says so loudly.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("ATTUNE_SHARED")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
            PathBuf::from,
        )
        .join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: {} is not there (set ATTUNE_SHARED to the folder that has {what})",
        path.display()
    );
    None
}

/// A file under `tests/golden/`.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}
