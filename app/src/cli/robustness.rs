//! `attune robustness`: how the scores of a model fall as augmentations grow stronger.

use super::curve_files::CurveFiles;
use super::weights_argument::resolve_model;
use super::{Console, Failure, Fault, ResultExt};
use crate::robustness_files::write_robustness;
use anyhow::anyhow;
use attune_core::augment::{Kind, Ladder};
use attune_core::metrics::Difference;
use attune_core::predict::Model;
use attune_core::train::{
    CLIP_RATE_HZ, DataChoice, EffectScores, Robustness, RobustnessPlan, open_cache_at, open_data,
    robustness, scoring_rate_hz, tags_in_common,
};
use std::path::PathBuf;

/// Scores a model on a split with every effect at several strengths: macro ROC-AUC and PR-AUC, and their difference from the clean figures
/// with a 95 % interval (paired bootstrap over the tracks).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune robustness tunes --data ~/music/tunes
  attune robustness my-run --against tunes --data ~/music/tunes --effects pitch gain --strengths 9 --csv robust.csv --svg robust.svg
  attune robustness demo --data demo --max-tracks 50 --json robust.json

What is done is kept in the workspace: a table that was stopped goes on where it was. A star marks differences whose interval does not hold
zero. With --svg, --png, --pdf and --tex there is a picture for each effect, named FILE.EFFECT.svg; per tag, all figures stand in the CSV and JSON files.")]
pub(super) struct Args {
    /// A run (id or folder; its best checkpoint), a weights file, or `tunes` or `demo`, which come with Attune
    model: PathBuf,
    /// Data set: `demo`, or a folder in the generic format
    #[arg(long, value_name = "DIR")]
    data: String,
    /// Another model beside it
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Effects, by name, or `all` (default: the paper's eight)
    #[arg(long, value_name = "EFFECT", num_args = 1.., value_delimiter = ',')]
    effects: Vec<String>,
    /// Strengths of each effect
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    strengths: u16,
    /// Split to score: train, valid or test
    #[arg(long, default_value = "test")]
    split: String,
    /// So many tracks at most, chosen by the seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tracks: Option<u32>,
    /// Seed of the noise and of the choice of tracks
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Resamples of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// Compute everything anew, and keep it in the place of what is kept from before
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    files: CurveFiles,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let files = args.files.named()?;
    let plan = plan(&args)?;
    let model = resolve_model(&args.model, console)?;
    let other = args.against.as_ref();
    let other = other
        .map(|other| resolve_model(other, console))
        .transpose()?;
    let job = console.job();
    let dataset =
        open_data(&DataChoice::parse(&args.data), &console.workspace, &job).bad_input()?;
    if let Some(other) = &other {
        // Before tracks are decoded in vain.
        tags_in_common([&model, other], &dataset).bad_input()?;
    }
    let named = std::iter::once((&args.model, &model)).chain(args.against.iter().zip(&other));
    let rates = named.map(|(name, model)| scoring_rate_hz(name, model, &console.workspace));
    let rate_hz = rates.max().unwrap_or(CLIP_RATE_HZ);
    let cache = open_cache_at(&console.workspace, rate_hz).failed()?;
    let (track_idxs, problems) = plan.decode(&dataset, &cache, &job).bad_input()?;
    for problem in problems {
        console.say(&problem.to_string());
    }
    let models: Vec<&Model> = std::iter::once(&model).chain(&other).collect();
    let keep_in = console.workspace.cache().join("robustness");
    let table = robustness(
        &models,
        &dataset,
        &cache,
        &track_idxs,
        &plan,
        Some(&keep_in),
        &job,
        &|_| (),
    )
    .failed()?;
    drop(job);
    for warning in cache.take_warnings() {
        console.say(&warning);
    }
    print(&table, console)?;
    for path in files {
        let written = write_robustness(&table, path, &args.files.print()).failed()?;
        if written.is_empty() {
            console.say(&format!(
                "{}: no picture drawn, because no effect has more than one strength",
                path.display()
            ));
        }
        for path in written {
            console.say(&format!("written: {}", path.display()));
        }
    }
    Ok(())
}

fn plan(args: &Args) -> Result<RobustnessPlan, Failure> {
    let mut plan = RobustnessPlan::new(args.strengths.into());
    let all = Ladder::all(args.strengths.into());
    if args.effects == ["all"] {
        plan.ladders = all;
    } else if !args.effects.is_empty() {
        let known: Vec<&str> = all.iter().map(|ladder| ladder.kind.name()).collect();
        let known = known.join(", ");
        let mut ladders = Vec::new();
        for name in &args.effects {
            let kind = Kind::from_name(name).fault(Fault::Usage)?;
            let found = all.iter().find(|ladder| ladder.kind == kind);
            let ladder: &Ladder = found.ok_or_else(|| {
                let why = anyhow!(
                    "{name} cannot be applied to a clip by itself; those that can are {known}"
                );
                Failure::new(Fault::Usage, why)
            })?;
            if !ladders.contains(ladder) {
                ladders.push(ladder.clone());
            }
        }
        plan.ladders = ladders;
    }
    plan.split = args.split.parse().fault(Fault::Usage)?;
    plan.max_tracks = args.max_tracks.map(|n| n as usize);
    plan.seed = args.seed;
    plan.n_resamples = args.resamples;
    plan.is_fresh = args.fresh;
    Ok(plan)
}

fn print(table: &Robustness, console: &Console) -> Result<(), Failure> {
    for (at, model) in table.models.iter().enumerate() {
        if at > 0 {
            console.line("")?;
        }
        if table.models.len() > 1 {
            console.line(&model.name)?;
        }
        console.line(&format!(
            "{:<18}  {:>14}  {:>7}  {:<25}  {:>7}  {:<25}",
            "effect", "strength", "ROC-AUC", "from clean (95 %)", "PR-AUC", "from clean (95 %)"
        ))?;
        let clean = &model.scores;
        console.line(&format!(
            "{:<18}  {:>14}  {:>7}  {:<25}  {:>7}",
            "clean",
            "",
            score(clean.roc_auc_macro),
            "",
            score(clean.average_precision_macro)
        ))?;
        for effect in &table.effects {
            for (nth, rung) in effect.rungs.iter().enumerate() {
                let of = &rung.models[at];
                console.line(&format!(
                    "{:<18}  {:>14}  {:>7}  {:<25}  {:>7}  {}",
                    if nth == 0 { effect.label } else { "" },
                    strength(effect, rung.value),
                    score(of.scores.roc_auc_macro),
                    change(of.change.roc_auc_macro),
                    score(of.scores.average_precision_macro),
                    change(of.change.average_precision_macro)
                ))?;
            }
        }
    }
    if let [first, second] = &table.models[..] {
        console.line(&format!(
            "\n{} less {}, macro (95 %)",
            second.name, first.name
        ))?;
        for effect in &table.effects {
            for (nth, rung) in effect.rungs.iter().enumerate() {
                let Some(between) = &rung.between else {
                    continue;
                };
                console.line(&format!(
                    "{:<18}  {:>14}  ROC-AUC {:<25}  PR-AUC {}",
                    if nth == 0 { effect.label } else { "" },
                    strength(effect, rung.value),
                    change(between.roc_auc_macro),
                    change(between.average_precision_macro)
                ))?;
            }
        }
    }
    console.line(&format!(
        "{} tracks of split {}",
        table.n_tracks, table.split
    ))?;
    if !table.left_out.is_empty() {
        console.say(&format!(
            "not scored, because one of the models does not know it: {}",
            table.left_out.join(", ")
        ));
    }
    Ok(())
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn change(difference: Difference) -> String {
    match (difference.value, difference.interval) {
        (Some(value), Some(range)) => {
            let star = if difference.is_significant() { "*" } else { "" };
            format!("{value:+.3} [{:+.3}, {:+.3}]{star}", range.low, range.high)
        }
        (Some(value), None) => format!("{value:+.3}"),
        _ => "-".to_owned(),
    }
}

/// "600 cents", "0.45", "1000 Hz".
fn strength(effect: &EffectScores, value: Option<f32>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    let unit = if effect.unit.len() <= 5 {
        effect.unit
    } else {
        ""
    };
    let text = format!("{value} {unit}");
    text.trim_end().to_owned()
}
