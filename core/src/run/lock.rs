//! One writer per run folder.
