//! Invariants and workflows of `attune-core` that no single module can hold.

mod decoding;
mod explanations;
mod run_log;
