//! `attune runs list --group-but` and `--group-by`: means, spreads and numbers of runs put together.

use super::super::{Console, Failure};
use super::list::{heading, number_text};
use super::table;
use attune_core::run::{Field, Group, Grouping, RunSummary, Spread};
use serde::Serialize;
use std::collections::BTreeMap;

/// Groups of runs with the fields that are told of them.
pub(super) struct Groups<'a> {
    put_together: Vec<Group>,
    runs: Vec<&'a RunSummary>,
    columns: &'a [Field],
}

#[derive(Serialize)]
struct GroupJson<'a> {
    label: &'a str,
    /// Their ids.
    runs: Vec<&'a str>,
    fields: BTreeMap<String, FieldJson>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FieldJson {
    Mean {
        mean: f64,
        sd: Option<f64>,
        se: Option<f64>,
        n: usize,
    },
    /// All have it in common.
    Common(String),
}

impl<'a> Groups<'a> {
    pub(super) fn of(grouping: &Grouping, runs: &'a [RunSummary], columns: &'a [Field]) -> Self {
        let runs: Vec<&RunSummary> = runs.iter().collect();
        Self {
            put_together: grouping.of(&runs),
            runs,
            columns,
        }
    }

    pub(super) fn json(&self, console: &Console) -> Result<(), Failure> {
        let groups = self.put_together.iter().map(|group| GroupJson {
            label: &group.label,
            runs: (group.members.iter())
                .map(|&member| self.runs[member].id.as_str())
                .collect(),
            fields: self
                .columns
                .iter()
                .filter_map(|field| Some((field.to_string(), self.field(group, field)?)))
                .collect(),
        });
        console.json(&groups.collect::<Vec<_>>())
    }

    fn field(&self, group: &Group, field: &Field) -> Option<FieldJson> {
        if field.is_number() {
            let statistic = group.statistic(field, &self.runs)?;
            return Some(FieldJson::Mean {
                mean: statistic.mean,
                sd: statistic.sd,
                se: statistic.standard_error(),
                n: statistic.n,
            });
        }
        let common = group.common(field, &self.runs)?;
        Some(FieldJson::Common(common.to_string()))
    }

    pub(super) fn print(&self, spread: Spread, console: &Console) -> Result<(), Failure> {
        let (words, numbers): (Vec<&Field>, Vec<&Field>) =
            self.columns.iter().partition(|field| !field.is_number());
        let columns: Vec<&Field> = words.iter().chain(&numbers).copied().collect();
        let names = ["runs".to_owned()].into_iter();
        let names = names.chain(words.iter().map(|field| heading(field)));
        let names = names.chain(["N".to_owned()]);
        let header: Vec<String> = names
            .chain(
                numbers
                    .iter()
                    .map(|field| format!("{} ±{}", heading(field), spread.label())),
            )
            .collect();
        let rows = self.put_together.iter().map(|group| {
            let mut row = vec![group.label.clone()];
            for field in &columns {
                if row.len() == 1 + words.len() {
                    row.push(group.members.len().to_string());
                }
                row.push(self.cell(group, field, spread));
            }
            if numbers.is_empty() {
                row.push(group.members.len().to_string());
            }
            row
        });
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        table(&rows, 1 + words.len(), console)
    }

    fn cell(&self, group: &Group, field: &Field, spread: Spread) -> String {
        if !field.is_number() {
            let common = group.common(field, &self.runs);
            return common.map_or("-".to_owned(), |value| value.to_string());
        }
        let Some(statistic) = group.statistic(field, &self.runs) else {
            return "-".to_owned();
        };
        let mut text = number_text(field, statistic.mean);
        if let Some(spread) = spread.of(&statistic) {
            text += &format!(" ±{}", number_text(field, spread));
        }
        if statistic.n < group.members.len() {
            // A mean of fewer than all says so.
            text += &format!(" ({} of {})", statistic.n, group.members.len());
        }
        text
    }
}
