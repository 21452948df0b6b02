//! The argument WEIGHTS of many commands: a file of weights, a run, or a model that comes with Attune.

use super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::predict::{Model, Shipped};
use std::path::{Path, PathBuf};

/// Loads the model that `argument` names: `tunes` or `demo`, which come with Attune, a file of weights (safetensors or PyTorch's), a run's folder, or a run's id (its best checkpoint).
pub(super) fn resolve_model(argument: &Path, console: &Console) -> Result<Model, Failure> {
    if let Some(shipped) = argument.to_str().and_then(Shipped::of_name) {
        return shipped.load().failed();
    }
    let path = if argument.is_file() {
        argument.to_path_buf()
    } else if argument.is_dir() {
        best_checkpoint(argument)?
    } else {
        let run = console.workspace.runs().join(argument);
        if !run.is_dir() {
            return Err(Failure::new(
                Fault::BadInput,
                anyhow!(
                    "no such weights: {0} is neither a file, nor a run's folder, nor the id of a run in {1} \
                     (nor `tunes` or `demo`, the models that come with Attune)",
                    argument.display(),
                    console.workspace.runs().display()
                ),
            ));
        }
        best_checkpoint(&run)?
    };
    Model::load(&path).bad_input()
}

/// The best checkpoint of a run, else its last.
fn best_checkpoint(run: &Path) -> Result<PathBuf, Failure> {
    ["best", "last"]
        .into_iter()
        .map(|kind| {
            run.join("checkpoints")
                .join(kind)
                .with_extension("safetensors")
        })
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::new(
                Fault::BadInput,
                anyhow!("the run has no checkpoint yet: {}", run.display()),
            )
        })
}
