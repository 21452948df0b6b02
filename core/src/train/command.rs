//! What a training run can be told while it runs. Each command is answered within one step, by an event in the log.

use crate::run;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A wish of the user's. As a line of `commands.jsonl`: `{"command":"pause"}`, `{"command":"set-learning-rate","value":0.001}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", content = "value", rename_all = "kebab-case")]
pub enum Command {
    /// Wait, after a checkpoint.
    Pause,
    /// Go on after a pause.
    Continue,
    /// End, after a checkpoint; the run can be resumed later.
    Stop,
    /// Use another base learning rate from the next step on: the one that the recipe's schedule scales, so that a constant schedule uses it as it is.
    SetLearningRate(f64),
    /// Publish the current weights to the window and keep a copy in the run folder.
    Snapshot,
    /// Validate now.
    Validate,
}

impl Command {
    /// Sends it to whatever process trains the run in `run_folder`, on this machine or another that shares the folder. A stop or a
    /// snapshot that is asked for while the run validates is done between two tracks.
    ///
    /// Fails with [`run::Error::NoWriter`], and writes nothing, if nobody trains it.
    pub fn post(self, run_folder: &Path) -> Result<(), run::Error> {
        run::post(run_folder, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_line_that_one_can_type() {
        for (line, command) in [
            (r#"{"command":"stop"}"#, Command::Stop),
            (r#"{"command":"validate"}"#, Command::Validate),
            (
                r#"{"command":"set-learning-rate","value":0.001}"#,
                Command::SetLearningRate(0.001),
            ),
        ] {
            assert_eq!(serde_json::to_string(&command).unwrap(), line);
            assert_eq!(serde_json::from_str::<Command>(line).unwrap(), command);
        }
        assert!(serde_json::from_str::<Command>(r#"{"command":"levitate"}"#).is_err());
        assert!(serde_json::from_str::<Command>(r#"{"command":"set-learning-rate"}"#).is_err());
    }
}
