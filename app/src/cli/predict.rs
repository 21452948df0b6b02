//! `attune predict`

use super::{Console, Failure, Fault};

#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args, _console: &Console) -> Result<(), Failure> {
    Err(Failure::new(
        Fault::Failed,
        anyhow::anyhow!("not built yet"),
    ))
}
