//! `attune experiment`: plans of many runs, worked through, shown and exported.

mod progress;
mod words;

use super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::experiment::{
    self, Ending, Experiment, Failed, Format, Handle, Overrides, Plan, Table,
};
use attune_core::train::DataChoice;
use attune_core::workspace::write_whole;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Plans: tables of runs, trained one after the other, with what the paper found beside.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune experiment list
  attune experiment run table5-quick
  attune experiment run table4 --name mine --data ~/music/tunes --unlabelled ~/music/other --seeds 1,2,3 --set epochs=30
  attune experiment show mine
  attune experiment export mine --format latex --out table.tex

Ctrl-C stops the run at work after a checkpoint; the same command goes on. So it does after a crash.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the plans that come with Attune, and the experiments of the workspace
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what a plan would train, or where an experiment stands
    #[command(after_help = "\
Examples:
  attune experiment show table4-quick
  attune experiment show mine --json | jq '.rows[].measures'")]
    Show {
        /// An experiment of the workspace, a plan that comes with Attune, or a plan's file
        #[arg(value_name = "NAME|PLAN")]
        which: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Train what an experiment's plan asks for and is not done yet
    Run(RunArgs),
    /// Write an experiment's table as Markdown, CSV or LaTeX
    #[command(after_help = "\
Examples:
  attune experiment export mine --format markdown
  attune experiment export mine --format csv --out mine.csv
  attune experiment export mine --format latex --out mine.tex   # needs \\usepackage{booktabs,graphicx}")]
    Export {
        /// The experiment
        name: String,
        /// How it is written
        #[arg(long, value_enum, default_value = "markdown")]
        format: FormatArgument,
        /// Where to (default: standard output)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FormatArgument {
    Markdown,
    Csv,
    Latex,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune experiment run table5-quick
  attune experiment run table4 --name mine --data ~/music/tunes --unlabelled ~/music/other --set epochs=30
  attune experiment run mine --seeds 1,2,3,4       # more seeds for an experiment that was begun
  attune experiment run my-plan.toml --retry-failed

What is given beside the plan is kept with the experiment: to go on, name the experiment.")]
struct RunArgs {
    /// A plan that comes with Attune, a plan's file (.toml), or an experiment of the workspace
    #[arg(value_name = "PLAN|NAME")]
    plan: String,
    /// Name of the experiment (default: the plan's)
    #[arg(long)]
    name: Option<String>,
    /// Data set of all cells: `demo`, or a folder in the generic format
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Data sets whose tracks are unlabelled ones for noisy student training
    #[arg(long, value_name = "DIR", num_args = 1..)]
    unlabelled: Vec<PathBuf>,
    /// Seeds, with commas between them
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    seeds: Option<Vec<u64>>,
    /// A setting of all cells, with the keys of a recipe; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Try runs again that failed
    #[arg(long)]
    retry_failed: bool,
    /// Print the table as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.command {
        Command::List { json } => list(json, console),
        Command::Show { which, json } => show(&which, json, console),
        Command::Run(args) => work(&args, console),
        Command::Export { name, format, out } => export(&name, format, out.as_deref(), console),
    }
}

/// What `list --json` tells of a plan.
#[derive(Serialize)]
struct Listed {
    name: String,
    title: String,
    cells: usize,
    seeds: usize,
    runs: usize,
    effort: String,
    needs: String,
}

impl Listed {
    fn of(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            title: plan.title.clone(),
            cells: plan.cells.len(),
            seeds: plan.seeds.len(),
            runs: plan.tasks().len(),
            effort: plan.effort.clone(),
            needs: plan.needs.clone(),
        }
    }
}

/// What `list --json` tells of an experiment.
#[derive(Serialize)]
struct Begun {
    name: String,
    title: String,
    runs: usize,
    done: usize,
    failed: usize,
    is_worked_on: bool,
}

fn list(json: bool, console: &Console) -> Result<(), Failure> {
    let plans: Vec<Listed> = experiment::shipped()
        .failed()?
        .iter()
        .map(Listed::of)
        .collect();
    let mut begun = Vec::new();
    for name in Experiment::list(&console.workspace) {
        let table = Experiment::open(&console.workspace, &name).and_then(|one| one.table());
        match table {
            Ok(table) => begun.push(Begun {
                title: table.title,
                runs: table.n_runs,
                done: table.n_done,
                failed: table.n_failed,
                is_worked_on: table.is_worked_on,
                name,
            }),
            Err(error) => console.say(&format!("{name}: {:#}", anyhow!(error))),
        }
    }
    if json {
        return console.json(&serde_json::json!({ "plans": plans, "experiments": begun }));
    }
    console.line("plan           cells  seeds  runs  title and effort")?;
    for plan in plans {
        console.line(&format!(
            "{:<13}  {:>5}  {:>5}  {:>4}  {}",
            plan.name, plan.cells, plan.seeds, plan.runs, plan.title
        ))?;
        console.line(&format!("{:34}{}", "", plan.effort))?;
        if !plan.needs.is_empty() {
            console.line(&format!("{:34}needs {} (--data)", "", plan.needs))?;
        }
    }
    if !begun.is_empty() {
        console.line("\nexperiment                done  failed  title")?;
    }
    for one in begun {
        console.line(&format!(
            "{:<20}  {:>8}  {:>6}  {}{}",
            one.name,
            format!("{}/{}", one.done, one.runs),
            one.failed,
            one.title,
            if one.is_worked_on { " (at work)" } else { "" }
        ))?;
    }
    Ok(())
}

/// The plan that comes with Attune, or of a file; `None` if the argument can only be an experiment's name.
fn plan(argument: &str) -> Option<Result<Plan, experiment::Error>> {
    let path = Path::new(argument);
    let is_file = path
        .extension()
        .is_some_and(|extension| extension == "toml")
        || path.components().count() > 1;
    if is_file {
        return Some(Plan::read(path));
    }
    match Plan::shipped(argument) {
        Err(experiment::Error::UnknownPlan { .. }) => None,
        other => Some(other),
    }
}

/// The experiment of that name.
fn open(name: &str, console: &Console) -> Result<Experiment, Failure> {
    Experiment::open(&console.workspace, name).bad_input()
}

fn show(which: &str, json: bool, console: &Console) -> Result<(), Failure> {
    let is_begun = Experiment::list(&console.workspace)
        .iter()
        .any(|name| name == which);
    if is_begun {
        let experiment = open(which, console)?;
        let table = experiment.finished_table(&console.job()).failed()?;
        return print(&table, json, console);
    }
    let Some(plan) = plan(which) else {
        if let Err(unknown) = Plan::shipped(which) {
            console.say(&unknown.to_string());
        }
        return open(which, console).map(drop);
    };
    let plan = plan.bad_input()?;
    if json {
        return console.json(&plan);
    }
    words::print_plan(&plan, console)
}

fn print(table: &Table, json: bool, console: &Console) -> Result<(), Failure> {
    if json {
        console.json(table)
    } else {
        words::print_table(table, console)
    }
}

fn work(args: &RunArgs, console: &Console) -> Result<(), Failure> {
    let mut overrides = Overrides {
        data: args.data.as_deref().map(DataChoice::parse),
        unlabelled: args.unlabelled.clone(),
        seeds: args.seeds.clone(),
        ..Overrides::default()
    };
    for setting in &args.set {
        let (key, value) = Overrides::parse_setting(setting).fault(Fault::Usage)?;
        overrides.set.insert(key, value);
    }
    let (plan, name) = match plan(&args.plan) {
        Some(plan) => (plan.bad_input()?, args.name.clone()),
        None if Experiment::list(&console.workspace).contains(&args.plan) => {
            let name = args.name.clone().unwrap_or_else(|| args.plan.clone());
            (open(&args.plan, console)?.plan, Some(name))
        }
        None => (Plan::shipped(&args.plan).fault(Fault::Usage)?, None),
    };
    let experiment = Experiment::take(&plan, name.as_deref(), &overrides, &console.workspace);
    let experiment = experiment.map_err(|error| match error {
        experiment::Error::NoData { .. }
        | experiment::Error::Name { .. }
        | experiment::Error::OtherPlan { .. } => Failure::new(Fault::Usage, error),
        experiment::Error::Write { .. } | experiment::Error::Locked { .. } => {
            Failure::new(Fault::Failed, error)
        }
        other => Failure::new(Fault::BadInput, other),
    })?;
    let failed = if args.retry_failed {
        Failed::Retry
    } else {
        Failed::Leave
    };
    let handle = experiment::start(experiment, failed, || ()).failed()?;
    attend(handle, args.json, console)
}

/// Shows how the work goes until it ends, then the table.
pub(super) fn attend(handle: Handle, json: bool, console: &Console) -> Result<(), Failure> {
    let experiment = handle.experiment.clone();
    let ending = progress::follow(handle, console)?;
    let table = experiment.table().failed()?;
    print(&table, json, console)?;
    let name = &experiment.name;
    match ending {
        Ending::Complete => Ok(()),
        Ending::WithFailures => {
            let why = anyhow!(
                "{} of {} runs failed or wait for one that did (see above); try them again with: attune experiment run {name} --retry-failed",
                table.n_failed,
                table.n_runs
            );
            Err(Failure::new(Fault::Failed, why))
        }
        Ending::Stopped => {
            let advice = anyhow!("stopped; go on with: attune experiment run {name}");
            Err(Failure::new(Fault::Cancelled, advice))
        }
    }
}

fn export(
    name: &str,
    format: FormatArgument,
    out: Option<&Path>,
    console: &Console,
) -> Result<(), Failure> {
    let experiment = open(name, console)?;
    let table = experiment.finished_table(&console.job()).failed()?;
    let text = table.export(match format {
        FormatArgument::Markdown => Format::Markdown,
        FormatArgument::Csv => Format::Csv,
        FormatArgument::Latex => Format::Latex,
    });
    match out {
        None => console.line(text.trim_end()),
        Some(path) => {
            write_whole(path, |file| file.write_all(text.as_bytes()))
                .map_err(|error| anyhow!(error).context(format!("cannot write {}", path.display())))
                .failed()?;
            console.line(&path.display().to_string())
        }
    }
}
