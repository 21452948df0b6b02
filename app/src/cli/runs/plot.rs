//! `attune runs plot`: curves of runs drawn over each other, or of groups of them.

use super::super::print_arguments::PrintArguments;
use super::super::{Console, Failure, Fault, ResultExt};
use super::group_arguments::GroupArguments;
use anyhow::anyhow;
use attune_core::figure::Format;
use attune_core::run::{About, Grouping, History, Plot, Plotted, RunSummary, XAxis};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune runs plot demo-3 demo-4 --measure loss,roc-auc --x epoch --out curves.pdf
  attune runs plot demo-1 demo-2 demo-3 --group-but seed --spread se --log-x --out means.svg

Groups are drawn as in the window: the mean of the runs with its band, thin where fewer than all of them reach.")]
pub(super) struct Args {
    /// Ids, beginnings of ids, or run folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// What to draw, a plot for each; several with commas between them
    #[arg(long, value_name = "MEASURE,…", value_delimiter = ',', value_parser = measure, default_values = ["loss", "roc-auc"])]
    measure: Vec<Plotted>,
    /// What lies along the horizontal axis: `step`, `epoch`, `time` (of work) or `clips`
    #[arg(long, value_name = "AXIS", default_value_t = XAxis::Step)]
    x: XAxis,
    /// What of it is shown
    #[arg(long, value_name = "X", num_args = 2, value_names = ["FROM", "TO"])]
    range: Vec<f64>,
    /// How much of the old average stays at each step, 0 to 0.9999; the raw values stay visible, pale
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    smoothing: f64,
    /// Draw vertical axes logarithmic
    #[arg(long)]
    log_y: bool,
    /// Draw the horizontal axis logarithmic
    #[arg(long)]
    log_x: bool,
    #[command(flatten)]
    group: GroupArguments,
    /// Where to: .svg, .png, .pdf, .tex (pgfplots) or .csv (the numbers)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    print: PrintArguments,
}

fn measure(name: &str) -> Result<Plotted, String> {
    let found = Plotted::all().find(|measure| measure.name() == name);
    found.ok_or_else(|| {
        let names: Vec<String> = Plotted::all().map(Plotted::name).collect();
        format!("there are {}", names.join(", "))
    })
}

pub(super) fn run(args: &Args, console: &Console) -> Result<(), Failure> {
    let usage = |why: anyhow::Error| Failure::new(Fault::Usage, why);
    Format::of(&args.out).map_err(|error| usage(error.into()))?;
    if !(0.0..1.0).contains(&args.smoothing) {
        return Err(usage(anyhow!("--smoothing lies between 0 and 0.9999")));
    }
    let range = match args.range[..] {
        [from, to] if from < to => Some([from, to]),
        [] => None,
        _ => {
            return Err(usage(anyhow!(
                "--range goes from a smaller to a greater number"
            )));
        }
    };
    let mut runs = Vec::new();
    for run in &args.runs {
        let history = super::open(run, console)?;
        let title = About::read(history.folder()).bad_input()?.title;
        let name = if title.is_empty() {
            history.id().to_owned()
        } else {
            title
        };
        runs.push((name, history));
    }
    if args.log_x && range.is_some_and(|[from, _]| from <= 0.0) {
        return Err(usage(anyhow!(
            "a logarithmic axis begins above 0: say so in --range"
        )));
    }
    let plot = Plot {
        measures: args.measure.clone(),
        along: args.x,
        smoothing: args.smoothing,
        is_logarithmic: args.log_y,
        is_x_logarithmic: args.log_x,
        spread: args.group.spread(),
        range,
    };
    let figure = match args.group.grouping() {
        Grouping::Single => plot.figure(&runs),
        grouping => {
            let read = |(_, history): &(String, History)| RunSummary::read(history.folder());
            let summaries = runs.iter().map(read).collect::<Result<Vec<_>, _>>();
            let summaries = summaries.bad_input()?;
            let groups = grouping.of(&summaries.iter().collect::<Vec<_>>());
            plot.figure_of_groups(&runs, &groups)
        }
    };
    let figure = args.print.print().apply(&figure);
    figure.write(&args.out).failed()?;
    console.line(&args.out.display().to_string())
}
