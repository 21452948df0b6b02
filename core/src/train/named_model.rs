//! A model by what people call it.

use super::{Checkpoints, Error};
use crate::predict::{Model, Shipped};
use crate::run;
use crate::workspace::Workspace;
use std::path::Path;

/// Loads the model that `name` means: `tunes` or `demo`, which come with Attune, a file of weights (safetensors or PyTorch's), a
/// run's folder, or a run's id or an unmistakable beginning of it (the best checkpoint, else the last).
pub fn open_model(name: &Path, workspace: &Workspace) -> Result<Model, Error> {
    if let Some(shipped) = name.to_str().and_then(Shipped::of_name) {
        return Ok(shipped.load()?);
    }
    if name.is_file() {
        return Ok(Model::load(name)?);
    }
    let run =
        run::find(&workspace.runs(), &name.to_string_lossy()).map_err(|source| Error::NoModel {
            name: name.to_owned(),
            source,
        })?;
    let checkpoints = Checkpoints::of(&run);
    let path = [checkpoints.best(), checkpoints.last()]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or(Error::NoCheckpoint { run })?;
    Ok(Model::load(&path)?)
}
