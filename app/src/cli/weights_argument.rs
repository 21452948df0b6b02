//! The argument WEIGHTS of many commands: a file of weights, a run, or a model that comes with Attune.

use super::{Console, Failure, ResultExt};
use attune_core::predict::Model;
use attune_core::train::open_model;
use std::path::Path;

/// Loads the model that `argument` names; see [`open_model`].
pub(super) fn resolve_model(argument: &Path, console: &Console) -> Result<Model, Failure> {
    open_model(argument, &console.workspace).bad_input()
}
