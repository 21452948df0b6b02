//! `attune data check`: the doctor on the command line.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::doctor::{Notebook, Options, Report, examine};
use attune_core::dataset::{Check, Collection, Place, Severity};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    about = "Listen to every file of a data set and read its annotations again: what is wrong, and how to mend it",
    after_help = "Examples:\n  attune data check ~/music/tunes\n  attune data check ~/music/mtat --report check.json --mending rules.toml\n  \
    attune data split ~/music/mtat --clean rules.toml --shares train=0.8,valid=0.1,test=0.1 --out ~/music/mtat-clean\n\n\
    Files that have not changed since the last check are not decoded again, also if that was stopped.\n\
    Exit codes: 0 no errors (there may be warnings and notes), 3 errors were found, 130 stopped."
)]
pub(super) struct Args {
    /// Folder of the data set, or FOLDER#SPLIT for one split of it
    #[arg(value_name = "DIR")]
    place: PathBuf,
    /// Write all findings to a JSON file, with where to hear them and what to leave out
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write rules that leave out what is faulty, for `attune data split --clean`
    #[arg(long, value_name = "FILE")]
    mending: Option<PathBuf>,
    /// Print the report as one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Show only these checks, such as duplicate-audio,clipped (exit code and files stay complete)
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,
    /// Show at most so many findings of each check; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 5)]
    show: usize,
    /// Sample rate that all files should have, in Hz (default: what most have)
    #[arg(long, value_name = "HZ")]
    rate: Option<u32>,
    /// Shorter files are reported as too short, in seconds (default: clearly shorter than clips of one length, and below 1 s)
    #[arg(long, value_name = "S")]
    min_secs: Option<f64>,
    /// Do not decode anything; what is known from earlier checks counts
    #[arg(long)]
    no_audio: bool,
    /// Compare files with the checksums that were published with the data set (FMA, MTG-Jamendo, mirdata); reads all of them, once
    #[arg(long)]
    checksums: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    for name in &args.only {
        check_named(name)?;
    }
    let place = Place::parse(&args.place);
    let collection = Collection::open(&place.folder).bad_input()?;
    let mut notebook = Notebook::open(&console.workspace).failed()?;
    let options = Options {
        listen: !args.no_audio,
        rate_hz: args.rate,
        min_secs: args.min_secs,
        checksums: args.checksums,
    };
    let job = console.job();
    let report = examine(
        &collection,
        place.split.as_deref(),
        &options,
        &mut notebook,
        &job,
    )
    .bad_input()?;
    drop(job);
    if let Some(file) = &args.report {
        report.write(file).failed()?;
        console.say(&format!("wrote {}", file.display()));
    }
    if let Some(file) = &args.mending {
        report.write_mending(file).failed()?;
        console.say(&format!("wrote {}", file.display()));
    }
    if args.json {
        console.json(&report)?;
    } else {
        table(&report, &args, console)?;
    }
    match report.count(Severity::Error) {
        0 => Ok(()),
        1 => Err(found("1 error was found")),
        n => Err(found(&format!("{n} errors were found"))),
    }
}

fn found(why: &str) -> Failure {
    Failure::new(Fault::BadInput, anyhow::anyhow!(why.to_owned()))
}

/// Refuses the name of a check that there is not.
fn check_named(name: &str) -> Result<(), Failure> {
    let known: Result<Check, _> =
        serde_json::from_value(serde_json::Value::String(name.to_owned()));
    known.map(|_check| ()).map_err(|_unknown| {
        let why =
            format!("there is no check `{name}`; without --only all are shown with their names");
        Failure::new(Fault::Usage, anyhow::anyhow!(why))
    })
}

fn table(report: &Report, args: &Args, console: &Console) -> Result<(), Failure> {
    let files = &report.files;
    console.line(&format!(
        "{} ({}): {} files, {} there, {} heard now, {} known from before, {:.2} hours",
        report.name,
        report.root.display(),
        files.n_listed,
        files.n_there,
        files.n_decoded,
        files.n_known,
        files.hours
    ))?;
    if args.checksums {
        let n = files.n_compared;
        console.line(&format!("{n} files compared with published checksums"))?;
    }
    console.line(&format!(
        "{} errors, {} warnings, {} notes",
        report.count(Severity::Error),
        report.count(Severity::Warning),
        report.count(Severity::Note)
    ))?;
    for counted in report.by_check() {
        let name = counted.check.name();
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        console.line(&format!(
            "\n{:<8} {name:<16} {:>5} finding{}",
            counted.severity.name(),
            counted.n_entries,
            if counted.n_entries == 1 { "" } else { "s" }
        ))?;
        let entries = report
            .entries
            .iter()
            .filter(|entry| entry.finding.check == counted.check);
        let shown = if args.show == 0 {
            usize::MAX
        } else {
            args.show
        };
        let mut mends: Vec<&str> = Vec::new();
        for entry in entries.take(shown) {
            let finding = &entry.finding;
            let track = match (finding.tracks.as_slice(), entry.sounds.as_slice()) {
                ([track], _) => format!("{track}: "),
                _ => String::new(),
            };
            console.line(&format!("  {track}{}", finding.message))?;
            if !finding.mend.is_empty() && !mends.contains(&finding.mend.as_str()) {
                mends.push(&finding.mend);
            }
        }
        if counted.n_entries > shown {
            console.line(&format!(
                "  … {} more (--show 0 shows all)",
                counted.n_entries - shown
            ))?;
        }
        for mend in mends.iter().take(3) {
            console.line(&format!("  → {mend}"))?;
        }
    }
    Ok(())
}
