//! `attune runs list`: filtered, sorted, with the columns that one asks for.

use super::super::{Console, Failure, Fault, ResultExt};
use super::group_arguments::GroupArguments;
use super::groups::Groups;
use super::table;
use attune_core::run::{self, Field, Filter, Grouping, Measure, Pick, RunSummary, differing};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to look for: words, `field:word`, `field<number`, `field:low..high`, `tag:paper`, `is:archived`; all must hold
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Leave out runs for which one of these holds, written as above
    #[arg(long, value_name = "FILTER", num_args = 1..)]
    without: Vec<String>,
    /// Sort by this field, the best or newest first (default: started)
    #[arg(long, value_name = "FIELD")]
    sort: Option<String>,
    /// Sort the other way round
    #[arg(long)]
    reverse: bool,
    /// Columns to print besides the run's id: measures (`roc-auc`, `roc-auc.best`, `roc-auc.last`, `test-pr-auc` …), facts (`title`,
    /// `tags`, `duration` …) and settings (`learning_rate`, `model.preset` …)
    #[arg(long, value_name = "FIELD", num_args = 1.., value_delimiter = ',')]
    columns: Vec<String>,
    /// Add the settings in which these runs differ
    #[arg(long)]
    differing: bool,
    #[command(flatten)]
    group: GroupArguments,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// What is printed if nothing is asked for.
fn usual() -> Vec<Field> {
    let at_best = |measure| Field::Validation(measure, Pick::AtBest);
    vec![
        Field::Status,
        Field::Started,
        Field::Model,
        Field::Data,
        Field::Epochs,
        Field::Steps,
        at_best(Measure::Loss),
        at_best(Measure::RocAuc),
        at_best(Measure::AveragePrecision),
    ]
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    // Each word of the shell is one: what was quoted there stays together.
    let quoted = args.filter.iter().map(|word| quote(word));
    let without = args.without.iter().map(|word| format!("-{}", quote(word)));
    let quoted = quoted.chain(without);
    let filter = Filter::parse(&quoted.collect::<Vec<_>>().join(" ")).fault(Fault::Usage)?;
    let folder = console.workspace.runs();
    let all = run::list(&folder);
    let mut columns: Vec<Field> = args.columns.iter().map(|name| Field::named(name)).collect();
    let sort = args.sort.as_deref().map_or(Field::Started, Field::named);
    let named = columns.iter().chain([&sort]);
    let is_unknown = |field: &&Field| {
        matches!(field, Field::Setting(_)) && all.iter().all(|run| field.of(run).is_none())
    };
    let unknown = filter.unknown_fields(&all);
    for field in unknown.into_iter().chain(named.filter(is_unknown)) {
        console.say(&format!("no run has a setting `{field}`"));
    }
    let n_archived = all.iter().filter(|run| run.about.is_archived).count();
    let n_all = all.len();
    let mut runs: Vec<RunSummary> = all.into_iter().filter(|run| filter.matches(run)).collect();
    sort.sort(&mut runs, sort.is_largest_first() != args.reverse, |run| {
        run
    });
    let grouping = args.group.grouping();
    if args.json && grouping == Grouping::Single {
        return console.json(&runs);
    }
    if runs.is_empty() && !args.json {
        console.say(&match n_all {
            0 => format!("no runs in {}", folder.display()),
            n => format!(
                "none of {n} runs is what was asked for ({n_archived} archived: is:archived)"
            ),
        });
        return Ok(());
    }
    // Runs on data sets of other names are told apart by a column.
    let mut versions = run::data_versions(runs.iter().filter_map(RunSummary::data_version));
    let names: Vec<String> = versions.iter().map(|it| it.name.clone()).collect();
    versions.retain(|it| names.iter().filter(|name| **name == it.name).count() > 1);
    if let Some(words) = run::different_data_words(&versions) {
        console.say(&format!("note: {words}"));
    }
    if columns.is_empty() {
        columns = usual();
    }
    if args.differing {
        let differing = differing(runs.iter().map(|run| &run.settings));
        let settings = differing.into_iter().map(Field::Setting);
        columns.extend(settings.filter(|field| !args.columns.contains(&field.to_string())));
    }
    match grouping {
        Grouping::Single => print(&runs, &columns, console),
        grouping => {
            let groups = Groups::of(&grouping, &runs, &columns);
            if args.json {
                groups.json(console)
            } else {
                groups.print(args.group.spread(), console)
            }
        }
    }
}

fn print(runs: &[RunSummary], columns: &[Field], console: &Console) -> Result<(), Failure> {
    // Words to the left, numbers to the right.
    let (words, numbers): (Vec<&Field>, Vec<&Field>) =
        columns.iter().partition(|field| !field.is_number());
    let columns: Vec<&Field> = words.iter().chain(&numbers).copied().collect();
    let header = std::iter::once("run".to_owned());
    let header = header.chain(columns.iter().map(|field| heading(field)));
    let cell = |run: &RunSummary, field: &Field| match (field, field.of(run)) {
        (_, None) => "-".to_owned(),
        (field, Some(value)) => match value.number().filter(|_| is_score(field)) {
            Some(number) => number_text(field, number),
            None => value.to_string(),
        },
    };
    let rows = runs.iter().map(|run| {
        let cells = columns.iter().map(|field| cell(run, field));
        std::iter::once(run.id.clone()).chain(cells).collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(header.collect()).chain(rows).collect();
    table(&rows, 1 + words.len(), console)
}

fn is_score(field: &Field) -> bool {
    matches!(
        field,
        Field::Validation(..) | Field::TestRocAuc | Field::TestAveragePrecision
    )
}

/// A number of a field, as tables show it.
pub(super) fn number_text(field: &Field, number: f64) -> String {
    match field {
        field if is_score(field) => format!("{number:.4}"),
        Field::Duration => format!("{number:.0} s"),
        _ if number.fract() == 0.0 => format!("{number}"),
        _ => format!("{number:.1}"),
    }
}

/// What stands above a column.
pub(super) fn heading(field: &Field) -> String {
    match field {
        Field::Started => "started (UTC)".to_owned(),
        Field::Setting(_) => field.to_string(),
        field => lower_first(&field.label()),
    }
}

/// "state", but "ROC-AUC".
fn lower_first(label: &str) -> String {
    let is_word = label.chars().nth(1).is_some_and(char::is_lowercase);
    let mut chars = label.chars();
    match chars.next() {
        Some(first) if is_word => first.to_lowercase().chain(chars).collect(),
        _ => label.to_owned(),
    }
}

fn quote(word: &str) -> String {
    if word.contains(char::is_whitespace) && !word.contains('"') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
