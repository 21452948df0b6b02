//! `attune runs export`: runs for other programs.

use super::super::{Console, Failure, Fault, ResultExt};
use super::open;
use anyhow::anyhow;
use attune_core::run;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ids, beginnings of ids, or run folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// `tensorboard` (an event file per run in OUT/RUN), `mlflow` (OUT is, or becomes, a file store: `mlflow ui --backend-store-uri OUT`) or `csv` (tables of steps, validations and tags in OUT/RUN)
    #[arg(long, required = true, num_args = 2, value_names = ["FORMAT", "OUT"])]
    to: Vec<String>,
}

/// Writes the runs and prints what was written, a line each.
pub(super) fn export(args: &Args, console: &Console) -> Result<(), Failure> {
    let [format, out] = &args.to[..] else {
        return Err(usage("--to takes a format and a folder".to_owned()));
    };
    if !["tensorboard", "mlflow", "csv"].contains(&format.as_str()) {
        let why = format!("no such format: {format} (there are tensorboard, mlflow and csv)");
        return Err(usage(why));
    }
    let out = Path::new(out);
    // All runs are found before anything is written.
    let histories = args.runs.iter().map(|run| open(run, console));
    let histories = histories.collect::<Result<Vec<_>, _>>()?;
    let mut ids = BTreeSet::new();
    for history in &histories {
        if !ids.insert(history.id()) {
            let why = format!("two of the runs are called {}", history.id());
            return Err(usage(why));
        }
    }
    for history in &histories {
        let written = match format.as_str() {
            "tensorboard" => {
                vec![run::write_tensorboard(history, &out.join(history.id())).failed()?]
            }
            "mlflow" => vec![run::write_mlflow(history, out).failed()?],
            _ => run::write_csv(history, &out.join(history.id())).failed()?,
        };
        for path in written {
            console.line(&path.display().to_string())?;
        }
    }
    Ok(())
}

fn usage(why: String) -> Failure {
    Failure::new(Fault::Usage, anyhow!(why))
}
