//! `attune data split`: divides a data set anew.

use super::{Console, Failure, ResultExt};
use attune_core::dataset::clean::{Rules, Step};
use attune_core::dataset::doctor::{Notebook, copies_by_notebook};
use attune_core::dataset::split::{Balance, By, Division, Made, Plan, Shares, SplitFolder, divide};
use attune_core::dataset::{Dataset, Place, Split};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(
    about = "Divide a data set anew: no artist on both sides, tags balanced, cleaned by rules",
    after_help = "Examples:\n  attune data split ~/music/mtat --shares train=0.8,valid=0.1,test=0.1 --out ~/music/mtat-own\n  \
    attune data split ~/music/msd --clean rules.toml --unlabelled 0.3 --seed 7 --out ~/music/msd-own\n  attune train --data ~/music/mtat-own\n\n\
    The new folder holds split.toml and parts.csv, no audio and no labels, and opens like a data set; the old one stays as it is.\n\
    Tracks without a tag become the unlabelled pool, less those whose artist is in valid or test, whatever --by says.\n\n\
    Rules (TOML, all below [clean], worked off in this order): include = [ids], include_file, exclude = [{ why, ids }], exclude_file,\n\
    report + drop_found = [\"unreadable\", …], min_secs, max_secs, known_artist, merge = { name = [tags] }, merge_spellings,\n\
    drop_tags, keep_tags, require_any, require_all, without, max_tags, top_tags, min_tracks_per_tag, min_tags,\n\
    min_tracks_per_artist, max_tracks_per_artist. Id files hold one id a line; # behind a blank, or first, begins a comment unless it belongs to an id.\n\
    A report is taken for the data set that it is of."
)]
pub(super) struct Args {
    /// Folder of the data set, or FOLDER#SPLIT
    #[arg(value_name = "DIR")]
    place: PathBuf,
    /// New folder for the split; without it, only what would come out is shown
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Parts with their shares of the labelled tracks
    #[arg(
        long,
        value_name = "PART=SHARE,…",
        default_value = "train=0.8,valid=0.1,test=0.1"
    )]
    shares: String,
    /// Share of the labelled tracks that become unlabelled as well, 0 to below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    unlabelled: f64,
    /// What must not be on both sides
    #[arg(long, value_enum, default_value = "artist")]
    by: ByArgument,
    /// Decides between divisions that are equally good
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Rules about which tracks and tags take part
    #[arg(long, value_name = "FILE")]
    clean: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ByArgument {
    Artist,
    Album,
    None,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    out: Option<&'a Path>,
    cleaning: &'a [Step],
    balance: &'a Balance,
    n_left_out: usize,
    n_unknown: usize,
    n_copies: usize,
    n_unheard: usize,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    if !(0.0..1.0).contains(&args.unlabelled) {
        let why = anyhow::anyhow!(
            "--unlabelled is a share from 0 to below 1, not {}",
            args.unlabelled
        );
        return Err(Failure::new(super::Fault::Usage, why));
    }
    let shares = Shares::parse(&args.shares)
        .and_then(|shares| shares.with(Split::Unlabelled, args.unlabelled))
        .fault(super::Fault::Usage)?;
    let rules = match &args.clean {
        Some(file) => Rules::read(file).bad_input()?,
        None => Rules::default(),
    };
    let dataset = Dataset::open(&args.place).bad_input()?;
    let changes_tags = !dataset.tags.is_empty();
    let cleaned = rules.apply(dataset).bad_input()?;
    let job = console.job();
    let notebook = Notebook::open(&console.workspace).failed()?;
    let files = cleaned.dataset.tracks.iter();
    let files = files.map(|track| track.path.as_path());
    let copies = copies_by_notebook(files, &notebook, &job).failed()?;
    let n_unheard = copies.is_heard.iter().filter(|heard| !**heard).count();
    let plan = Plan {
        shares,
        by: match args.by {
            ByArgument::Artist => By::Artist,
            ByArgument::Album => By::Album,
            ByArgument::None => By::None,
        },
        seed: args.seed,
        together: copies.lists,
    };
    let division = divide(&cleaned.dataset, &plan, &job).bad_input()?;
    drop(job);
    if let Some(out) = &args.out {
        let folder = SplitFolder {
            source: source(&args.place).failed()?,
            tags: if changes_tags {
                cleaned.vocabulary.clone()
            } else {
                Vec::new()
            },
            made: Some(Made {
                by: plan.by,
                shares: plan.shares.to_string(),
                seed: plan.seed,
                cleaning: cleaned.steps.iter().map(Step::words).collect(),
            }),
        };
        let parts = cleaned.dataset.tracks.iter().zip(&division.parts);
        let parts = parts.filter_map(|(track, part)| Some((track.id.as_str(), (*part)?)));
        folder.write(out, parts).failed()?;
    }
    if args.json {
        return console.json(&Outcome {
            out: args.out.as_deref(),
            cleaning: &cleaned.steps,
            balance: &division.balance,
            n_left_out: division.n_left_out,
            n_unknown: division.n_unknown,
            n_copies: plan.together.len(),
            n_unheard,
        });
    }
    show(&cleaned.steps, &division, &plan, n_unheard, console)?;
    match &args.out {
        Some(out) => console.say(&format!("wrote {}", out.display())),
        None => console.say("nothing was written; --out DIR writes the split"),
    }
    Ok(())
}

/// The data set as the new folder names it.
fn source(written: &Path) -> std::io::Result<PathBuf> {
    let place = Place::parse(written);
    let folder = std::path::absolute(&place.folder)?;
    Ok(Place::new(&folder, place.split.as_deref()).into_path())
}

fn show(
    steps: &[Step],
    division: &Division,
    plan: &Plan,
    n_unheard: usize,
    console: &Console,
) -> Result<(), Failure> {
    for step in steps {
        console.line(&format!(
            "{}; {} tracks and {} tags are left",
            step.words(),
            step.n_tracks,
            step.n_tags
        ))?;
    }
    let groups = match plan.by {
        By::Artist => "artists",
        By::Album => "albums",
        By::None => "groups",
    };
    console.line(&format!(
        "{:<12}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "part", "tracks", "labelled", groups, "share", "wanted"
    ))?;
    for part in &division.balance.parts {
        console.line(&format!(
            "{:<12}{:>10}{:>10}{:>10}{:>9.2}%{:>9.2}%",
            part.part,
            part.n_tracks,
            part.n_labelled,
            part.n_groups,
            100.0 * part.share,
            100.0 * part.wanted
        ))?;
    }
    for (n, what) in [
        (
            division.n_left_out,
            "tracks were left out of the unlabelled pool: their artist, or a copy, is in valid or test",
        ),
        (
            division.n_unknown,
            "tracks have no known artist (album); each was dealt out alone",
        ),
        (
            plan.together.len(),
            "recordings are there in copies, which stay on one side",
        ),
        (
            n_unheard,
            "tracks have files that were not listened to: copies of them are kept together after `attune data check`",
        ),
    ] {
        if n > 0 {
            console.line(&format!("{n} {what}"))?;
        }
    }
    if let Some(mean) = division.balance.mean_off() {
        let heads: String = division
            .balance
            .parts
            .iter()
            .map(|part| format!("{:>12}", part.part))
            .collect();
        console.line(&format!(
            "\n{:<24}{heads}{:>12}",
            "tracks with the tag", "off by"
        ))?;
        for tag in &division.balance.tags {
            let counts: String = tag
                .counts
                .iter()
                .map(|count| format!("{count:>12}"))
                .collect();
            let off = match (tag.off_by, tag.off_in) {
                (Some(off), Some(part)) => format!("{:>+11.1}% in {part}", 100.0 * off),
                _ => format!("{:>12}", "–"),
            };
            console.line(&format!("{:<24}{counts}{off}", tag.tag))?;
        }
        console.line(&format!(
            "\nA tag is off by {:.1} % in the mean: so much oftener or rarer is it in the part that is off most than in all.", 100.0 * mean
        ))?;
    }
    Ok(())
}
