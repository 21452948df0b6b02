//! `attune explain --evaluate` and `--splice`: how far each method can be trusted.

use super::super::{Console, Failure, ResultExt};
use super::Args;
use attune_core::dataset::Dataset;
use attune_core::interpret::{
    self, Evaluation, EvaluationSettings, Faithfulness, Method, MethodRow, SpliceSettings,
    SpliceTest,
};
use attune_core::predict::Model;
use attune_core::workspace::write_whole;
use std::io::Write;
use std::path::Path;

/// Measures the methods over a split and prints the table.
pub(super) fn evaluate(
    args: &Args,
    model: &Model,
    methods: Vec<Method>,
    folder: &Path,
    console: &Console,
) -> Result<(), Failure> {
    let dataset = Dataset::open(folder).bad_input()?;
    let settings = EvaluationSettings {
        methods,
        split: args.split,
        max_tracks: args.max_tracks,
        seed: args.seed,
    };
    let job = console.job();
    let found = interpret::evaluate(model, &dataset, &settings, &job).failed()?;
    drop(job);
    if let Some(out) = &args.out {
        write(&out.join("methods.csv"), &csv_of(&found), console)?;
    }
    if args.json {
        return console.json(&found);
    }
    console.line(&format!(
        "{} on the {} split of {}: {} answers in the middle windows of {} tracks\n",
        model.name, args.split, dataset.name, found.n_answers, found.n_tracks
    ))?;
    console.line(
        "                      true to the model                    like    like itself with   finds what sounds",
    )?;
    console.line(
        "method                deletion  insertion   compr.  suff.   first  new head  all new   ROC-AUC     AP  pointing        ms",
    )?;
    for row in &found.rows {
        console.line(&line_of(row))?;
    }
    let faithful = |name: &str, measures: &Faithfulness| {
        format!(
            "{name:<20}    {:>6.3}     {:>6.3}   {:>6.3} {:>6.3}",
            measures.deletion, measures.insertion, measures.comprehensiveness, measures.sufficiency
        )
    };
    let [low, high] = &found.random_range;
    console.line(&faithful("random orders", &found.random))?;
    console.line(&faithful("  lowest of twenty", low))?;
    console.line(&faithful("  highest of twenty", high))?;
    if let Some(prevalence) = found.prevalence {
        console.line(&format!(
            "\nAP by chance: {prevalence:.3} (how much of the time a tag that sounds at times does sound)"
        ))?;
    }
    console.line(
        "\nDeletion and sufficiency are good if low, insertion and comprehensiveness if high; within the range of the random orders they say \
         nothing.\nLike itself: size of the rank correlation with the map of the same network with another last layer, or with all weights drawn \
         anew; small is good.\nms: for a window and all tags; for one answer where each tag costs passes of its own.",
    )?;
    tell_skipped(&found.skipped, console);
    for row in &found.rows {
        if let Some(error) = row.completeness_error {
            console.line(&format!(
                "{}: the parts sum to the whole within {:.2} %",
                row.method.name(),
                100.0 * error
            ))?;
        }
    }
    Ok(())
}

fn line_of(row: &MethodRow) -> String {
    let number = |value: Option<f64>, width: usize| match value {
        Some(value) => format!("{value:>width$.3}"),
        None => format!("{:>width$}", "-"),
    };
    let measures = &row.faithfulness;
    let localised = row.localised.as_ref();
    format!(
        "{:<20}    {:>6.3}     {:>6.3}   {:>6.3} {:>6.3}  {}    {}     {}   {}  {}   {}  {:>9.1}",
        row.method.name(),
        measures.deletion,
        measures.insertion,
        measures.comprehensiveness,
        measures.sufficiency,
        number(row.agreement, 6),
        number(row.fresh_head, 6),
        number(row.fresh_weights, 6),
        number(localised.and_then(|found| found.roc_auc), 7),
        number(localised.and_then(|found| found.average_precision), 5),
        number(localised.and_then(|found| found.pointing), 7),
        1000.0 * row.seconds
    )
}

fn csv_of(found: &Evaluation) -> String {
    let mut text = "method,deletion,insertion,comprehensiveness,sufficiency,agreement,new_head,new_model,roc_auc,average_precision,pointing,\
                    seconds\n"
        .to_owned();
    let or_empty = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut line = |name: &str, measures: &Faithfulness, rest: [Option<f64>; 7]| {
        let mut words = vec![
            name.to_owned(),
            measures.deletion.to_string(),
            measures.insertion.to_string(),
            measures.comprehensiveness.to_string(),
            measures.sufficiency.to_string(),
        ];
        words.extend(rest.map(or_empty));
        text.push_str(&(words.join(",") + "\n"));
    };
    for row in &found.rows {
        let localised = row.localised.as_ref();
        line(
            row.method.name(),
            &row.faithfulness,
            [
                row.agreement,
                row.fresh_head,
                row.fresh_weights,
                localised.and_then(|found| found.roc_auc),
                localised.and_then(|found| found.average_precision),
                localised.and_then(|found| found.pointing),
                Some(row.seconds),
            ],
        );
    }
    line("random", &found.random, [None; 7]);
    line("random-lowest", &found.random_range[0], [None; 7]);
    line("random-highest", &found.random_range[1], [None; 7]);
    text
}

/// Joins clips and prints where the evidence lies.
pub(super) fn splice(
    args: &Args,
    model: &Model,
    methods: Vec<Method>,
    folder: &Path,
    console: &Console,
) -> Result<(), Failure> {
    let dataset = Dataset::open(folder).bad_input()?;
    let settings = SpliceSettings {
        methods,
        split: args.split,
        n_pairs: args.pairs,
        seed: args.seed,
    };
    let job = console.job();
    let found = interpret::splice(model, &dataset, &settings, &job).failed()?;
    drop(job);
    if let Some(out) = &args.out {
        write(&out.join("splice.csv"), &csv_of_splice(&found), console)?;
    }
    if args.json {
        return console.json(&found);
    }
    console.line(&format!(
        "{} on the {} split of {}: {} pairs ({} tried), {} tags\n",
        model.name, args.split, dataset.name, found.n_pairs, found.n_tried, found.n_tags
    ))?;
    console.line("method                pairs  share in the right half  95 % interval   pairs with most of it there")?;
    for row in &found.rows {
        let interval = row.interval.map_or_else(
            || "-".to_owned(),
            |interval| {
                format!(
                    "{:.1} to {:.1} %",
                    100.0 * interval.low,
                    100.0 * interval.high
                )
            },
        );
        console.line(&format!(
            "{:<20}  {:>5}  {:>21.1} %  {interval:>15}  {:>17.1} %",
            row.method.name(),
            row.n_pairs,
            100.0 * row.share,
            100.0 * row.right
        ))?;
    }
    tell_skipped(&found.skipped, console);
    console.line("\nA half is chance. Tracks come up in several pairs: the intervals are for pairs drawn from these tracks.")
}

fn tell_skipped(skipped: &[String], console: &Console) {
    for problem in skipped {
        console.say(&format!("left out: {problem}"));
    }
}

fn csv_of_splice(found: &SpliceTest) -> String {
    let mut text = "method,tag,pairs,share\n".to_owned();
    for row in &found.rows {
        let name = row.method.name();
        text.push_str(&format!("{name},,{},{}\n", row.n_pairs, row.share));
        for (tag, (share, n)) in &row.tags {
            text.push_str(&format!(
                "{name},\"{}\",{n},{share}\n",
                tag.replace('"', "\"\"")
            ));
        }
    }
    text
}

fn write(path: &Path, text: &str, console: &Console) -> Result<(), Failure> {
    write_whole(path, |file| file.write_all(text.as_bytes()))
        .map_err(|error| anyhow::anyhow!(error).context(format!("cannot write {}", path.display())))
        .failed()?;
    console.say(&format!("wrote {}", path.display()));
    Ok(())
}
