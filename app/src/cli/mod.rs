//! The command line: one file per subcommand. Results alone go to stdout, all else to stderr.

mod augment;
mod cache;
mod chains;
mod compare;
mod console;
mod curve_files;
mod data;
mod data_check;
mod data_leaks;
mod data_split;
mod demo;
mod evaluate;
mod exit;
mod experiment;
mod explain;
mod export;
mod features;
mod forward;
mod labels;
mod metrics;
mod models;
mod predict;
mod print_arguments;
mod queue;
mod replay;
mod report;
mod robustness;
mod runs;
mod slow_loader;
mod student_arguments;
mod sweep;
mod train;
mod training_console;
mod validation_arguments;
mod watch;
mod weights;
mod weights_argument;
mod window;

pub use console::Console;
pub use exit::{Failure, Fault, ResultExt};

use attune_core::dataset::{Limit, bytes_from_gb};
use attune_core::device::set_loader_memory;
use attune_core::nn::DeviceName;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Workbench for music-tagging research: train, listen, and see where a tagger attends.
///
/// Without a subcommand the window opens.
#[derive(Debug, Parser)]
#[command(name = "attune", version, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input file, 130 cancelled.")]
struct Arguments {
    /// Folder for everything that Attune writes (default: $ATTUNE_HOME, else $XDG_DATA_HOME/attune)
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Worker threads for training and tagging (default: one per core)
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// What networks are trained and asked on: cpu, or with a build that has GPUs (`--features cuda`) cuda or cuda:N, the NVIDIA GPU of that number from 0. Where it cannot be used, the reason is told and the processor is taken
    #[arg(long, global = true, value_name = "NAME", default_value_t)]
    device: DeviceName,
    /// Threads that prepare training clips (default: a quarter of the cores, at least one); the numbers of a run do not depend on it
    #[arg(long, global = true, value_name = "N")]
    loader_threads: Option<std::num::NonZeroUsize>,
    /// What batches of training clips that lie ready may take in memory, in gigabytes (default: that of `attune data loader-memory`, else 1.07); less means fewer batches, then fewer threads
    #[arg(long, global = true, value_name = "GB")]
    loader_memory: Option<f64>,
    /// Open the window on a run that another process trains, also on another machine: its folder, a folder of runs or a workspace
    #[arg(long, value_name = "DIR")]
    watch: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the window, with files, a run or a data set if named
    Window(window::Args),
    /// Make the demo data set, train on it, show the result (in the terminal where there is no display)
    Demo(demo::Args),
    /// Train a model without a window
    Train(Box<train::Args>),
    /// Put runs into the queue, and work it off one run after the other
    Queue(queue::Args),
    /// Follow a run that another process trains, also on another machine, while it grows
    Watch(watch::Args),
    /// Plans of many runs: the paper's tables, worked through, shown and exported
    Experiment(experiment::Args),
    /// Score a model on a split of a data set
    Evaluate(evaluate::Args),
    /// Compare two models on a split of a data set, tag by tag
    Compare(compare::Args),
    /// How the scores of a model fall as augmentations grow stronger, on a split of a data set
    Robustness(Box<robustness::Args>),
    /// Tag audio files
    Predict(predict::Args),
    /// Show which moments of a song make a model give a tag
    Explain(explain::Args),
    /// Write a model for other programs, as ONNX or safetensors
    Export(export::Args),
    /// Apply augmentations to an audio file
    Augment(augment::Args),
    /// Make a training clip of a run again
    Replay(replay::Args),
    /// List augmentation chains, show one, compare two, keep one under a name, delete one
    Chains(chains::Args),
    /// How strong an effect may get before a model loses the tags of a song
    Sweep(Box<sweep::Args>),
    /// Compute the log-mel spectrogram of an audio file
    Features(features::Args),
    /// Run a network on tensors from a file
    Forward(forward::Args),
    /// List the networks
    Models(models::Args),
    /// Look into a file of weights (safetensors, PyTorch), and convert it
    Weights(weights::Args),
    /// ROC-AUC and average precision of scores in a file
    Metrics(metrics::Args),
    /// Look at data sets and import them
    Data(data::Args),
    /// Write a run, or several compared, as one web page with curves, tables and sound
    Report(report::Args),
    /// List and show training runs, and steer those in training
    Runs(runs::Args),
}

/// Parses the command line, runs the command and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse_from(data::with_minus_signs(std::env::args_os()));
    if arguments.watch.is_some() && arguments.command.is_some() {
        let why = "--watch opens the window and goes with no command; in the terminal there is `attune watch DIR`";
        return Failure::new(Fault::Usage, anyhow::anyhow!(why)).report();
    }
    if let Some(n_threads) = arguments.threads {
        attune_core::device::set_threads(n_threads);
    }
    if let Some(n_threads) = arguments.loader_threads {
        attune_core::device::set_loader_threads(n_threads.get());
    }
    if let Err(error) = attune_core::device::choose(arguments.device) {
        eprintln!("attune: {error}; computing on the processor");
    }
    let loader_memory = arguments.loader_memory;
    let console = Console::new(arguments.workspace);
    let console = console.inspect(|console| limit_loader_memory(loader_memory, console));
    let outcome = console.and_then(|console| match arguments.command {
        None => {
            let opening = arguments.watch.map(window::Args::opening);
            window::run(opening.unwrap_or_default(), &console)
        }
        Some(Command::Window(args)) => window::run(args, &console),
        Some(Command::Demo(args)) => demo::run(args, &console),
        Some(Command::Train(args)) => train::run(*args, &console),
        Some(Command::Queue(args)) => queue::run(args, &console),
        Some(Command::Watch(args)) => watch::run(args, &console),
        Some(Command::Experiment(args)) => experiment::run(args, &console),
        Some(Command::Evaluate(args)) => evaluate::run(args, &console),
        Some(Command::Compare(args)) => compare::run(args, &console),
        Some(Command::Robustness(args)) => robustness::run(*args, &console),
        Some(Command::Predict(args)) => predict::run(args, &console),
        Some(Command::Explain(args)) => explain::run(args, &console),
        Some(Command::Export(args)) => export::run(args, &console),
        Some(Command::Augment(args)) => augment::run(args, &console),
        Some(Command::Replay(args)) => replay::run(args, &console),
        Some(Command::Chains(args)) => chains::run(args, &console),
        Some(Command::Sweep(args)) => sweep::run(*args, &console),
        Some(Command::Features(args)) => features::run(args, &console),
        Some(Command::Forward(args)) => forward::run(args, &console),
        Some(Command::Models(args)) => models::run(args, &console),
        Some(Command::Weights(args)) => weights::run(args, &console),
        Some(Command::Metrics(args)) => metrics::run(args, &console),
        Some(Command::Data(args)) => data::run(args, &console),
        Some(Command::Report(args)) => report::run(args, &console),
        Some(Command::Runs(args)) => runs::run(args, &console),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// What loaders may take in memory: as said for this command, else as said for all.
fn limit_loader_memory(said: Option<f64>, console: &Console) {
    let limit = match said {
        Some(gigabytes) => Ok(Some(gigabytes)),
        None => Limit::LOADER_MEMORY.of(&console.workspace),
    };
    match limit {
        // Too little is refused by the loader, with what it needs.
        Ok(Some(gigabytes)) => set_loader_memory(bytes_from_gb(gigabytes).max(1)),
        Ok(None) => {}
        Err(error) => console.say(&format!(
            "{}; the usual 1.07 GB hold",
            attune_core::message::full_message(&error)
        )),
    }
}
