//! `attune data check`: the doctor on the command line.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::dataset::doctor::{Entry, Notebook, Options, Report, examine};
use attune_core::dataset::{Check, Collection, Error, Place, Severity};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, clap::Args)]
#[command(
    about = "Listen to every file of a data set and read its annotations again: what is wrong, and how to mend it",
    after_help = "Examples:\n  attune data check ~/music/tunes\n  attune data check ~/music/mtat --report check.json --mending rules.toml\n  \
    attune data split ~/music/mtat --clean rules.toml --shares train=0.8,valid=0.1,test=0.1 --out ~/music/mtat-clean\n\n\
    While files are decoded, errors and warnings are told on stderr as they are found; copies, leaks and odd lengths are known at the end.\n\
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
    /// Show at most so many findings of each check, as they are found and in the table; 0 shows all
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
    let (job, lines) = console.job_with_lines();
    let told = Told::default();
    let tell = |entry: &Entry| {
        if args.shows(entry.finding.check) && told.is_worth_a_line(entry, args.n_shown()) {
            let finding = &entry.finding;
            let words = words(entry);
            lines.say(&format!(
                "{:<8} {:<16} {words}",
                finding.severity, finding.check
            ));
        }
    };
    let split = place.split.as_deref();
    let report = examine(&collection, split, &options, &mut notebook, &tell, &job);
    drop(job);
    if let Err(Error::Cancelled(_)) = &report {
        console.say("stopped; what was heard is kept, and the next check goes on from there");
    }
    let report = report.bad_input()?;
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

impl Args {
    fn shows(&self, check: Check) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == check.name())
    }

    /// So many findings of each check are shown.
    fn n_shown(&self) -> usize {
        match self.show {
            0 => usize::MAX,
            n => n,
        }
    }
}

/// How many findings of each check were told before the report.
#[derive(Default)]
struct Told(Mutex<BTreeMap<Check, usize>>);

impl Told {
    /// Counts a finding; whether it is grave enough, and among the first `n_shown` of its check.
    fn is_worth_a_line(&self, entry: &Entry, n_shown: usize) -> bool {
        if entry.finding.severity == Severity::Note {
            return false;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(entry.finding.check).or_default();
        *count += 1;
        *count <= n_shown
    }
}

/// A finding on a line, with the track if it is about one.
fn words(entry: &Entry) -> String {
    match entry.finding.tracks.as_slice() {
        [track] => format!("{track}: {}", entry.finding.message),
        _ => entry.finding.message.clone(),
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
    if let Some(secs) = files.compared_secs {
        let why = "because there are so many";
        console.line(&format!(
            "copies were looked for in the first {secs:.1} s of each file, {why}"
        ))?;
    }
    if args.checksums {
        let n = files.n_compared;
        console.line(&format!("{n} files compared with published checksums"))?;
    }
    console.line(&match by_gravity(&report.entries) {
        counts if counts.is_empty() => "nothing was found".to_owned(),
        counts => counts,
    })?;
    for counted in report.by_check() {
        let check = counted.check;
        if !args.shows(check) {
            continue;
        }
        let entries = report.entries.iter();
        let entries: Vec<&Entry> = entries
            .filter(|entry| entry.finding.check == check)
            .collect();
        let counts = by_gravity(entries.iter().copied());
        console.line(&format!("\n{:<16} {counts}", check.name()))?;
        let shown = &entries[..entries.len().min(args.n_shown())];
        for (entry, next) in shown
            .iter()
            .zip(shown.iter().skip(1).map(Some).chain([None]))
        {
            console.line(&format!("  {}", words(entry)))?;
            // Below all that it mends.
            let mend = &entry.finding.mend;
            if !mend.is_empty() && next.is_none_or(|next| next.finding.mend != *mend) {
                console.line(&format!("  → {mend}"))?;
            }
        }
        if entries.len() > shown.len() {
            console.line(&format!(
                "  … {} more (--show 0 shows all)",
                entries.len() - shown.len()
            ))?;
        }
    }
    Ok(())
}

/// How many findings there are, the gravest first: "2 errors, 1 note". Empty if there are none.
fn by_gravity<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.finding.severity).or_default() += 1;
    }
    let counts = counts.iter().rev().map(|(severity, n)| {
        let plural = if *n == 1 { "" } else { "s" };
        format!("{n} {severity}{plural}")
    });
    counts.collect::<Vec<_>>().join(", ")
}
