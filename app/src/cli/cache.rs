//! `attune data cache`: decoded audio, made ahead of training, looked at and kept small.

use super::{Console, Failure, ResultExt};
use attune_core::dataset::pcm_cache::{self, Trimmed};
use attune_core::dataset::{Dataset, Limit, Problem, SourceRates, bytes_from_gb};
use attune_core::device::USUAL_LOADER_MEMORY;
use attune_core::message::bytes_text;
use attune_core::train::{self, CLIP_RATE_HZ, DataChoice};
use serde::Serialize;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attune data cache build ~/music/tunes\n  attune data cache build ~/music/mtat --rate source\n  attune data cache budget 100\n  \
    attune data cache info\n\n\
    Training decodes what is missing by itself; `build` does it ahead. Everything here can be made again: the folder may be deleted at any time. \
    With a budget, what was unused for longest is thrown away first, never what a process uses. The budget is kept in the workspace \
    (cache.toml) and holds for window and terminal; the variable ATTUNE_CACHE_GB goes before it."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Decode all tracks of a data set that are not in the cache yet; after Ctrl-C the same command goes on
    Build {
        /// Folder with tracks.csv, or `demo`
        #[arg(value_name = "DIR")]
        data: String,
        /// Rate in hertz, or `source`: of each file its own. Training uses that of the recipe (--clip-rate)
        #[arg(long, value_name = "HZ", default_value_t = RateChoice::Hz(CLIP_RATE_HZ))]
        rate: RateChoice,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say what is in the cache
    #[command(visible_alias = "status")]
    Info {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Compare everything with its checksums; what is damaged is decoded again when it is needed next
    Verify {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Throw away what was unused for longest, until the rest fits
    Trim {
        /// Into so many gigabytes (10⁹ bytes); without it, into the budget
        #[arg(long, value_name = "GB")]
        to: Option<f64>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Throw everything away that no process uses
    Clear {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show or set what the cache may take on disk
    Budget {
        /// Gigabytes (10⁹ bytes), or `none`
        #[arg(value_name = "GB")]
        gigabytes: Option<String>,
    },
}

/// A sample rate, or that of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RateChoice {
    /// In hertz.
    Hz(u32),
    /// Each file's own.
    Source,
}

impl FromStr for RateChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "source" => Ok(Self::Source),
            number => match number.parse() {
                Ok(rate_hz @ 4_000..=192_000) => Ok(Self::Hz(rate_hz)),
                _ => Err("a rate is `source` or lies between 4000 and 192000 Hz".into()),
            },
        }
    }
}

impl std::fmt::Display for RateChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hz(rate_hz) => rate_hz.fmt(f),
            Self::Source => f.write_str("source"),
        }
    }
}

/// The one rate of a data set's files.
pub(super) fn rate_of_files(data: &DataChoice, console: &Console) -> Result<u32, Failure> {
    let job = console.job();
    let dataset = train::open_data(data, &console.workspace, &job).bad_input()?;
    let all: Vec<usize> = (0..dataset.tracks.len()).collect();
    let rates = SourceRates::of(&dataset, &all, &job).bad_input()?;
    rates.only().bad_input()
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let root = console.workspace.pcm_cache();
    match args.what {
        What::Build { data, rate, json } => build(&data, rate, json, console),
        What::Info { json } => info(json, console),
        What::Verify { json } => {
            let verified = pcm_cache::verify(&root, &console.job()).failed()?;
            if json {
                return console.json(&verified);
            }
            for file in &verified.damaged {
                console.line(&format!(
                    "damaged: {} ({} {}; {})",
                    file.path.display(),
                    file.n_tracks,
                    if file.n_tracks == 1 {
                        "track"
                    } else {
                        "tracks"
                    },
                    file.why
                ))?;
            }
            console.line(&match verified.n_damaged {
                0 => format!(
                    "all {} tracks ({}) are as they were written",
                    verified.n_tracks,
                    bytes_text(verified.bytes)
                ),
                n => format!(
                    "{n} of {} tracks were damaged; they are decoded again when they are needed next. If this happens again, look after the \
                     disk and the memory of this machine",
                    verified.n_tracks
                ),
            })
        }
        What::Trim { to, json } => {
            let budget = match to {
                Some(gigabytes) => Limit::parse(&gigabytes.to_string()),
                None => Ok(Limit::CACHE.of(&console.workspace).bad_input()?),
            };
            let budget = budget.map_err(anyhow::Error::msg).bad_input()?;
            let Some(bytes) = budget.map(bytes_from_gb) else {
                let why = "there is no budget: say --to GB, or set one with `attune data cache budget GB`";
                return Err(anyhow::Error::msg(why)).bad_input();
            };
            let trimmed = pcm_cache::trim(&root, bytes).failed()?;
            told(&trimmed, bytes, json, console)
        }
        What::Clear { json } => {
            let cleared = pcm_cache::clear(&root).failed()?;
            told(&cleared, 0, json, console)
        }
        What::Budget { gigabytes } => {
            if let Some(text) = gigabytes {
                let budget_gb = Limit::parse(&text).map_err(anyhow::Error::msg);
                let budget_gb = budget_gb.bad_input()?;
                Limit::CACHE.save(&console.workspace, budget_gb).failed()?;
            }
            let budget_gb = Limit::CACHE.of(&console.workspace).bad_input()?;
            console.line(&budget_text(budget_gb))
        }
    }
}

/// `attune data loader-memory`.
pub(super) fn loader_memory(gigabytes: Option<&str>, console: &Console) -> Result<(), Failure> {
    if let Some(text) = gigabytes {
        let memory_gb = Limit::parse(text).map_err(anyhow::Error::msg).bad_input()?;
        let saved = Limit::LOADER_MEMORY.save(&console.workspace, memory_gb);
        saved.failed()?;
    }
    let memory_gb = Limit::LOADER_MEMORY.of(&console.workspace).bad_input()?;
    console.line(&match memory_gb {
        Some(gigabytes) => format!("batches may take {gigabytes} GB of memory"),
        None => format!(
            "batches may take {:.2} GB of memory (nothing was set)",
            USUAL_LOADER_MEMORY as f64 / 1e9
        ),
    })
}

/// What `attune data cache build --json` prints.
#[derive(Debug, Serialize)]
struct Built {
    rates: Vec<BuiltRate>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct BuiltRate {
    rate_hz: u32,
    decoded: usize,
    cached: usize,
}

fn build(data: &str, rate: RateChoice, json: bool, console: &Console) -> Result<(), Failure> {
    let job = console.job();
    let dataset: Dataset =
        train::open_data(&DataChoice::parse(data), &console.workspace, &job).bad_input()?;
    let all: Vec<usize> = (0..dataset.tracks.len()).collect();
    let rates = match rate {
        RateChoice::Hz(rate_hz) => SourceRates {
            tracks: [(rate_hz, all)].into(),
            problems: Vec::new(),
        },
        RateChoice::Source => SourceRates::of(&dataset, &all, &job).failed()?,
    };
    let mut built = Built {
        rates: Vec::new(),
        problems: rates.problems,
        warnings: Vec::new(),
    };
    for (rate_hz, tracks) in rates.tracks {
        let cache = train::open_cache_at(&console.workspace, rate_hz).bad_input()?;
        let report = cache.prepare(&dataset, &tracks, &job).failed()?;
        built.rates.push(BuiltRate {
            rate_hz,
            decoded: report.n_decoded,
            cached: report.n_cached,
        });
        built.problems.extend(report.problems);
        built.warnings.extend(cache.take_warnings());
    }
    drop(job);
    if json {
        return console.json(&built);
    }
    for rate in &built.rates {
        console.line(&format!(
            "{} Hz: {} files decoded, {} tracks were there already",
            rate.rate_hz, rate.decoded, rate.cached
        ))?;
    }
    for problem in &built.problems {
        console.say(&format!("problem: {problem}"));
    }
    for warning in &built.warnings {
        console.say(&format!("warning: {warning}"));
    }
    Ok(())
}

/// What `attune data cache info --json` prints.
#[derive(Debug, Serialize)]
struct Info {
    folder: PathBuf,
    budget_gb: Option<f64>,
    bytes: u64,
    rates: Vec<pcm_cache::RateContents>,
}

fn info(json: bool, console: &Console) -> Result<(), Failure> {
    let budget_gb = Limit::CACHE.of(&console.workspace).bad_input()?;
    let folder = console.workspace.pcm_cache();
    let rates = pcm_cache::contents(&folder).failed()?;
    let info = Info {
        budget_gb,
        bytes: rates.iter().map(|rate| rate.bytes).sum(),
        rates,
        folder,
    };
    if json {
        return console.json(&info);
    }
    console.line(&format!(
        "{} of decoded audio in {}; {}",
        bytes_text(info.bytes),
        info.folder.display(),
        budget_text(info.budget_gb)
    ))?;
    for rate in &info.rates {
        let hours = rate.n_samples as f64 / f64::from(rate.rate_hz) / 3600.0;
        console.line(&format!(
            "{:>7} Hz{:>9} files{hours:>10.2} hours{:>12} in {}, last used {} ago",
            rate.rate_hz,
            rate.n_tracks,
            bytes_text(rate.bytes),
            shards_text(rate.n_shards),
            ago(rate.unused_seconds)
        ))?;
    }
    Ok(())
}

fn told(
    trimmed: &Trimmed,
    wanted_bytes: u64,
    json: bool,
    console: &Console,
) -> Result<(), Failure> {
    if json {
        return console.json(trimmed);
    }
    console.line(&format!(
        "{} thrown away ({}), {} left",
        bytes_text(trimmed.removed_bytes),
        shards_text(trimmed.n_removed),
        bytes_text(trimmed.kept_bytes)
    ))?;
    if trimmed.kept_bytes > wanted_bytes {
        console.say(&format!(
            "{} more than that stayed: {} in use by a running Attune; do it again once that has ended",
            bytes_text(trimmed.kept_bytes - wanted_bytes),
            shards_text(trimmed.n_in_use)
        ));
    }
    Ok(())
}

fn shards_text(n_shards: usize) -> String {
    match n_shards {
        1 => "1 shard".to_owned(),
        n => format!("{n} shards"),
    }
}

fn budget_text(budget_gb: Option<f64>) -> String {
    match budget_gb {
        Some(gigabytes) => format!("the cache may take {gigabytes} GB"),
        None => "the cache may take what the disk has (no budget)".to_owned(),
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
