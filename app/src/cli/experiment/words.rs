//! An experiment's table and a plan in the terminal.

use super::super::{Console, Failure};
use attune_core::experiment::{Plan, Row, State, Table};
use indicatif::HumanDuration;
use std::time::Duration;

/// The table with states and what has to be said below it; runs by cell.
pub(super) fn print_table(table: &Table, console: &Console) -> Result<(), Failure> {
    console.line(&table.title)?;
    console.line("")?;
    for line in lines(table) {
        console.line(&line)?;
    }
    for note in table.grid().notes {
        console.line("")?;
        console.line(&note)?;
    }
    let with_runs = table.rows.iter().filter(|row| row.same_runs_as.is_none());
    let mut runs = with_runs
        .map(|row| (row, ids(row)))
        .filter(|(_, ids)| !ids.is_empty())
        .peekable();
    if runs.peek().is_some() {
        console.line("\nRuns (attune runs show ID):")?;
    }
    for (row, ids) in runs {
        console.line(&format!("  {}: {}", row.label, ids.join(", ")))?;
    }
    Ok(())
}

fn ids(row: &Row) -> Vec<&str> {
    let ids = row.runs.iter().filter_map(|run| run.run.as_deref());
    ids.collect()
}

/// The table itself, a line for each cell, states in the last column.
pub(super) fn lines(table: &Table) -> Vec<String> {
    let grid = table.grid();
    let mut head = grid.head;
    head.push("state".to_owned());
    let rows = grid.rows.into_iter().zip(&table.rows);
    let rows = rows.map(|((_, mut words), row)| {
        words.push(state(row));
        words
    });
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let widths = all.iter().map(|words| words[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..all[0].len()).map(width).collect();
    let last = widths.len() - 1;
    all.iter()
        .map(|words| {
            let padded = words.iter().zip(&widths).enumerate();
            let padded = padded.map(|(column, (word, &width))| match column {
                0 => format!("{word:<width$}"),
                column if column == last => word.clone(),
                _ => format!("{word:>width$}"),
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

/// `seed 2: epoch 3 of 12, step 40 of 180, 2 minutes left`
fn state(row: &Row) -> String {
    let n_seeds = row.runs.iter().filter(|run| run.counts).count();
    let at_work = row.runs.iter().find(|run| run.state == row.state);
    let seed = at_work.map_or(0, |run| run.seed);
    match &row.state {
        State::Running {
            step,
            steps,
            seconds_left,
            ..
        } => {
            let mut text = format!("seed {seed}: {}, step {step} of {steps}", row.state.label());
            if let Some(left) = seconds_left {
                text.push_str(&format!(", {} left", human(*left)));
            }
            text
        }
        State::Preparing | State::Interrupted | State::Failed { .. } | State::Blocked { .. } => {
            format!("seed {seed}: {}", row.state.label())
        }
        State::Waiting if row.n_done() > 0 => format!("{} of {n_seeds} done", row.n_done()),
        State::Waiting | State::Done => row.state.label(),
    }
}

/// `3 of 8 runs done, about 12 minutes left`
pub(super) fn summary(table: &Table) -> String {
    let mut text = format!("{} of {} runs done", table.n_done, table.n_runs);
    if table.n_failed > 0 {
        text.push_str(&format!(
            ", {} failed or waiting for one that did",
            table.n_failed
        ));
    }
    if let Some(left) = table.seconds_left.filter(|left| *left > 0.0) {
        text.push_str(&format!(", about {} left", human(left)));
    }
    text
}

fn human(seconds: f64) -> HumanDuration {
    HumanDuration(Duration::from_secs(seconds.max(0.0).round() as u64))
}

/// What a plan would train.
pub(super) fn print_plan(plan: &Plan, console: &Console) -> Result<(), Failure> {
    console.line(&plan.title)?;
    console.line(&plan.about.split_whitespace().collect::<Vec<_>>().join(" "))?;
    console.line("")?;
    let seeds: Vec<String> = plan.seeds.iter().map(ToString::to_string).collect();
    console.line(&format!("runs    {}", plan.tasks().len()))?;
    console.line(&format!("seeds   {}", seeds.join(", ")))?;
    if !plan.effort.is_empty() {
        console.line(&format!("effort  {}", plan.effort))?;
    }
    if !plan.needs.is_empty() {
        console.line(&format!("needs   {}", plan.needs))?;
    }
    console.line("")?;
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let ids = width(&mut plan.cells.iter().map(|cell| cell.id.len()));
    let labels = width(&mut plan.cells.iter().map(|cell| cell.label.chars().count()));
    for cell in &plan.cells {
        let paper: Vec<String> = plan
            .report
            .metrics
            .iter()
            .filter_map(|metric| {
                let figure = cell.paper.get(metric)?;
                Some(format!("{} {figure:.4}", metric.label()))
            })
            .collect();
        let mut line = format!("{:<ids$}  {:<labels$}", cell.id, cell.label);
        if !paper.is_empty() {
            line.push_str(&format!("  paper: {}", paper.join(", ")));
        }
        console.line(line.trim_end())?;
    }
    Ok(())
}
