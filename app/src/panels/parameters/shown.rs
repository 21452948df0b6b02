//! What is plotted, made once for all frames in which nothing changes.

use crate::theme::{ColourMap, map_colour};
use attune_core::run::{Brush, Field, FieldAxis, Measure, Pick, RunSummary, differing};
use egui::Color32;

/// More settings than this are not chosen by themselves: their axes would stand too close.
const MOST_SETTINGS: usize = 6;

/// What the plot depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// Of this reading of the list.
    pub(super) reading: u64,
    pub(super) filter: String,
    pub(super) axes: Vec<Field>,
    pub(super) scatter: [Option<Field>; 2],
    pub(super) colour: Field,
    pub(super) brushes: Vec<Brush>,
}

impl Asked {
    /// Whether the same is plotted, whatever is marked.
    pub(super) fn is_but_for_brushes(&self, other: &Self) -> bool {
        let brushes = self.brushes.clone();
        Self {
            brushes,
            ..other.clone()
        } == *self
    }
}

/// What is plotted.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) asked: Asked,
    /// Places of the runs in the list.
    pub(super) runs: Vec<usize>,
    /// Their names.
    pub(super) ids: Vec<String>,
    pub(super) axes: Vec<FieldAxis>,
    pub(super) x: FieldAxis,
    pub(super) y: FieldAxis,
    pub(super) colour: FieldAxis,
    /// Of each run.
    pub(super) colours: Vec<Color32>,
    /// Whether each run lies in all brushes.
    pub(super) is_bright: Vec<bool>,
    /// What is wrong with the filter.
    pub(super) problem: Option<String>,
    /// Fields that any run has, for the choices.
    pub(super) fields: Vec<Field>,
}

impl Shown {
    pub(super) fn of(asked: Asked, list: &[RunSummary]) -> Self {
        let (runs, problem) = crate::panels::runs::filtered(list, &asked.filter);
        let plotted: Vec<&RunSummary> = runs.iter().map(|&at| &list[at]).collect();
        let settings = differing(plotted.iter().map(|run| &run.settings));
        let mut settings: Vec<Field> = settings.into_iter().map(Field::Setting).collect();
        settings.retain(|field| *field != Field::Setting("name".to_owned()));
        let axes = if asked.axes.is_empty() {
            usual(&settings)
        } else {
            asked.axes.clone()
        };
        let axis = |field: &Field| FieldAxis::of(field, &plotted);
        let colour = axis(&asked.colour);
        let [x, y] = &asked.scatter;
        let x = x.as_ref().or(settings.first()).unwrap_or(&Field::Started);
        let mut shown = Self {
            ids: plotted.iter().map(|run| run.id.clone()).collect(),
            axes: axes.iter().map(axis).collect(),
            x: axis(x),
            y: axis(y.as_ref().unwrap_or(&Field::Duration)),
            colours: colour
                .places
                .iter()
                .map(|place| match place {
                    // The lightest yellow is lost on a light ground, the darkest blue on a dark one.
                    Some(place) => map_colour(ColourMap::Viridis, 0.12 + 0.76 * *place as f32),
                    None => Color32::GRAY,
                })
                .collect(),
            colour,
            is_bright: Vec::new(),
            fields: Field::known().into_iter().chain(settings).collect(),
            runs,
            problem,
            asked,
        };
        shown.mark(list);
        shown
    }

    /// The same with other brushes, while one is being dragged; what is plotted stays.
    pub(super) fn with_brushes(mut self, brushes: &[Brush], list: &[RunSummary]) -> Self {
        self.asked.brushes = brushes.to_vec();
        self.mark(list);
        self
    }

    fn mark(&mut self, list: &[RunSummary]) {
        let brushes = &self.asked.brushes;
        let is_bright = |at: &usize| brushes.iter().all(|brush| brush.matches(&list[*at]));
        self.is_bright = self.runs.iter().map(is_bright).collect();
    }

    pub(super) fn n_bright(&self) -> usize {
        self.is_bright
            .iter()
            .filter(|&&is_bright| is_bright)
            .count()
    }

    /// The runs that are marked, or all if nothing is.
    pub(super) fn bright_runs<'a>(
        &'a self,
        list: &'a [RunSummary],
    ) -> impl Iterator<Item = &'a RunSummary> {
        let bright = self.runs.iter().zip(&self.is_bright);
        let bright = bright.filter(|(_, is_bright)| **is_bright);
        bright.filter_map(|(&at, _)| list.get(at))
    }

    /// What is told of a run under the pointer.
    pub(super) fn hint(&self, run: usize, axes: &[&FieldAxis], list: &[RunSummary]) -> String {
        let summary = self.runs.get(run).and_then(|&at| list.get(at));
        let values = axes.iter().map(|axis| {
            let value = summary.and_then(|run| axis.field.of(run));
            let text = value.map_or("–".to_owned(), |value| value.to_string());
            format!("{}: {text}", axis.field.label())
        });
        let lines: Vec<String> = std::iter::once(self.ids[run].clone())
            .chain(values)
            .collect();
        format!("{}\nClick: show this run", lines.join("\n"))
    }
}

/// The settings that differ, then the scores.
fn usual(settings: &[Field]) -> Vec<Field> {
    let at_best = |measure| Field::Validation(measure, Pick::AtBest);
    let scores = [Measure::Loss, Measure::RocAuc, Measure::AveragePrecision];
    let settings = settings.iter().take(MOST_SETTINGS).cloned();
    settings.chain(scores.map(at_best)).collect()
}
