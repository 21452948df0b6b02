//! The demo data set: songs that Attune composes and renders by itself.

use super::Error;
use crate::job::Job;
use crate::workspace::Workspace;
use std::path::PathBuf;

/// Makes the demo data set unless the workspace has it already, and gives its folder, which is in the generic format.
pub fn ensure(_workspace: &Workspace, _job: &Job) -> Result<PathBuf, Error> {
    unimplemented!()
}
