//! The part of Attune that needs no window and no sound card: everything that can be tested without a person.
//!
//! Modules stand on floors; each uses only floors below its own (`tests/tests/tidy.rs` watches over it).
//!
//! ```text
//! 7  experiment  queue  report          plans: tables of runs, worked through and reported | runs that wait for their turn | runs as one web page
//! 6  train                              recipes, trainer thread, checkpoints
//! 5  interpret  tagging                 explanations | many tracks tagged into a table
//! 4  predict                            chunk a song, run a model, stitch or average
//! 3  models   dataset                   networks | tracks, splits, loader
//! 2  weights  features  augment  run    files of weights | what networks take in | draws and effects | event log, history
//! 1  audio  metrics  figure             decode, resample | scores | plots as data
//! 0  device  job  message  workspace    where tensors live | cancel and progress | errors in words | folders
//!    machine  file_lock                 processor, memory and disk of this machine | files locked by their path
//!    nn  rng                            from the crate `attune-nn`: operations | addressed randomness
//! ```

pub mod audio;
pub mod augment;
pub mod dataset;
pub mod device;
pub mod experiment;
pub mod features;
pub mod figure;
mod file_lock;
pub mod interpret;
pub mod job;
pub mod machine;
pub mod message;
pub mod metrics;
pub mod models;
pub use attune_nn as nn;
pub mod predict;
pub mod queue;
pub mod report;
pub use attune_nn::rng;
pub mod run;
pub mod tagging;
pub mod train;
pub mod weights;
pub mod workspace;
