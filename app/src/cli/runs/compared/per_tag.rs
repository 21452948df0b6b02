//! `attune runs per-tag`: runs against tags, as a table, a CSV file or a heat map.

use super::{Console, Failure, Fault, ResultExt, folders, id, number, table};
use crate::cli::print_arguments::PrintArguments;
use anyhow::anyhow;
use attune_core::dataset::{Dataset, Split};
use attune_core::run::{
    self, ColumnOrder, Filter, RowOrder, RunTagScores, ScoredOn, TagMeasure, TagTable,
};
use attune_core::train::RunFile;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs per-tag demo-3 demo-4 --measure pr-auc --on test
  attune runs per-tag --filter tag:paper --baseline demo-1 --rows mean --columns spread --out map.pdf
  attune runs per-tag --filter \"model:tiny lr<1e-3\" --csv map.csv")]
pub(in crate::cli::runs) struct Args {
    /// Ids, beginnings of ids, or run folders
    #[arg(required_unless_present = "filter", value_name = "RUN")]
    runs: Vec<String>,
    /// All runs for which this holds, besides those named: as for `attune runs list`
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// roc-auc or pr-auc
    #[arg(long, default_value = "roc-auc")]
    measure: String,
    /// Which scores: best (the validation with the lowest loss), last (validation) or test
    #[arg(long, default_value = "best")]
    on: String,
    /// Tell each score less that of this run, which is one of those shown
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// Sort the runs: given, mean, or a tag
    #[arg(long, default_value = "given", value_name = "BY")]
    rows: String,
    /// Sort the tags: given, name, score, spread or positives
    #[arg(long, default_value = "given", value_name = "BY")]
    columns: String,
    /// Write the table, a row a run
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw the heat map: .svg, .png, .pdf or .tex (pgfplots)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    print: PrintArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    let measure = named(&TagMeasure::ALL, TagMeasure::name, &args.measure, "measure")?;
    let on = named(&ScoredOn::ALL, ScoredOn::name, &args.on, "kind of score")?;
    let columns = named(
        &ColumnOrder::ALL,
        ColumnOrder::name,
        &args.columns,
        "order of tags",
    )?;
    let mut folders = folders(&args.runs, console)?;
    if let Some(filter) = &args.filter {
        let filter = Filter::parse(filter).fault(Fault::Usage)?;
        let list = run::list(&console.workspace.runs());
        let found = list.into_iter().filter(|run| filter.matches(run));
        for run in found {
            if !folders.contains(&run.folder) {
                folders.push(run.folder);
            }
        }
    }
    if folders.is_empty() {
        console.say("none of the runs is what was asked for");
        return Ok(());
    }
    let ids: Vec<String> = folders.iter().map(|folder| id(folder)).collect();
    let scores = folders
        .iter()
        .map(|folder| RunTagScores::read(folder).bad_input())
        .collect::<Result<Vec<_>, _>>()?;
    let pairs = ids.iter().map(String::as_str).zip(&scores);
    let whole = TagTable::of(pairs, on, measure);
    let whole = match &args.baseline {
        None => whole,
        Some(baseline) => {
            let folder = run::find(&console.workspace.runs(), baseline).bad_input()?;
            whole.less(&id(&folder)).ok_or_else(|| {
                let why = anyhow!("the baseline {} is not one of the runs shown", id(&folder));
                Failure::new(Fault::Usage, why)
            })?
        }
    };
    let row_order = match args.rows.as_str() {
        "given" => RowOrder::AsGiven,
        "mean" => RowOrder::Mean,
        tag if whole.tags.iter().any(|other| other == tag) => RowOrder::Tag(tag.to_owned()),
        other => {
            let why =
                anyhow!("no order of runs: {other} (there are given, mean, or the name of a tag)");
            return Err(Failure::new(Fault::Usage, why));
        }
    };
    let positives = if columns == ColumnOrder::Positives {
        positives(&folders, on)?
    } else {
        BTreeMap::new()
    };
    let places = (
        whole.row_order(&row_order),
        whole.column_order(columns, &positives),
    );
    let shown = whole.arranged(&places.0, &places.1);
    let words = format!("{}, {}", measure.label(), on.label().to_lowercase());
    if let Some(path) = &args.csv {
        shown.write_csv(path).failed()?;
    }
    if let Some(path) = &args.out {
        let figure = args.print.print().apply(&shown.figure(&words));
        figure.write(path).failed()?;
    }
    for path in [&args.csv, &args.out].into_iter().flatten() {
        console.say(&format!("wrote {}", path.display()));
    }
    if args.json {
        let cells = |row: &run::TagRow| -> BTreeMap<String, Option<f64>> {
            let cells = row.cells.iter().map(|cell| cell.ok());
            shown.tags.iter().cloned().zip(cells).collect()
        };
        let rows: Vec<_> = shown
            .rows
            .iter()
            .map(|row| serde_json::json!({ "run": row.id, "mean": row.mean, "tags": cells(row) }))
            .collect();
        return console.json(&serde_json::json!({
            "measure": measure.name(),
            "on": on.name(),
            "baseline": shown.baseline,
            "tags": shown.tags,
            "runs": rows,
        }));
    }
    print(&shown, console)
}

/// A row a tag, a column a run: there are more tags than runs in what one reads.
fn print(shown: &TagTable, console: &Console) -> Result<(), Failure> {
    let score = |value: Option<f64>| match (value, &shown.baseline) {
        (Some(value), Some(_)) => format!("{value:+.4}"),
        (value, _) => number(value),
    };
    let header = std::iter::once("tag".to_owned());
    let header = header.chain(shown.rows.iter().map(|row| row.id.clone()));
    let mut rows: Vec<Vec<String>> = vec![header.collect()];
    for (at, tag) in shown.tags.iter().enumerate() {
        let cells = shown.rows.iter().map(|row| score(row.cells[at].ok()));
        rows.push(std::iter::once(tag.clone()).chain(cells).collect());
    }
    let means = shown.rows.iter().map(|row| score(row.mean));
    rows.push(std::iter::once("mean".to_owned()).chain(means).collect());
    table(&rows, 1, console)
}

/// How many tracks have a tag, in the data set of the first run whose data set is there.
fn positives(folders: &[PathBuf], on: ScoredOn) -> Result<BTreeMap<String, usize>, Failure> {
    let open = |folder: &Path| Dataset::open(&RunFile::read(folder).ok()?.data.folder).ok();
    let Some(dataset) = folders.iter().find_map(|folder| open(folder)) else {
        let why = anyhow!(
            "the data set of none of the runs is there, so that positives cannot be counted: sort by score, spread or name"
        );
        return Err(Failure::new(Fault::BadInput, why));
    };
    let split = match on {
        ScoredOn::Evaluation => Split::Test,
        _ => Split::Valid,
    };
    let counts = dataset.tag_counts(Some(split));
    Ok(dataset.tags.into_iter().zip(counts).collect())
}

fn named<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    word: &str,
    what: &str,
) -> Result<T, Failure> {
    let found = all.iter().copied().find(|one| name(*one) == word);
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        let why = anyhow!("no such {what}: {word} (there are {})", names.join(", "));
        Failure::new(Fault::Usage, why)
    })
}
