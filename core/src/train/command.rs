//! What a training run can be told while it runs. Each command is answered within one step, by an event in the log.

/// A wish of the user's.
#[derive(Clone, Copy, Debug, PartialEq)]
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
