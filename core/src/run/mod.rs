//! The event log of a training run, and the history folded from it.
