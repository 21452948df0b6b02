//! Runs for other programs: TensorBoard's event files, MLflow's file store, CSV.
//!
//! All of them are made of the same rows ([`rows`]), scores ([`measures`]) and settings ([`settings`]), under the same names.
//! TensorBoard's file may also be written beside a run while it trains ([`tensorboard::EventFile`]).

mod csv;
mod measures;
mod mlflow;
mod rows;
mod settings;
pub(super) mod tensorboard;

pub use csv::write_csv;
pub use mlflow::write_mlflow;
pub use tensorboard::write_tensorboard;
