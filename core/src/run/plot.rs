//! Curves of runs drawn over each other, a panel for each measure.

use super::{History, Ruler, Scalar, Series, Smoothed, Validation, XAxis};
use crate::figure::{Axis, Figure, Layer, Panel, Stroke, Ticks, palette};

/// What can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plotted {
    /// Training loss, raw and smoothed, and validation loss.
    Loss,
    /// Validation loss alone.
    ValidationLoss,
    /// Macro ROC-AUC on the validation split.
    RocAuc,
    /// Macro average precision on the validation split.
    PrAuc,
    /// ROC-AUC of localisation on the validation split.
    Localisation,
    /// A measure of every step, raw and smoothed.
    Step(Scalar),
}

/// How curves are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// A panel for each.
    pub measures: Vec<Plotted>,
    /// The horizontal axis.
    pub along: XAxis,
    /// How much of the old average stays at each step, 0..1; 0 does not smooth.
    pub smoothing: f64,
    /// Whether vertical axes are logarithmic.
    pub is_logarithmic: bool,
    /// What of the horizontal axis is shown; `None`: all.
    pub range: Option<[f64; 2]>,
}

impl Plotted {
    /// The measures of validations.
    const OF_VALIDATIONS: [Self; 5] = [
        Self::Loss,
        Self::ValidationLoss,
        Self::RocAuc,
        Self::PrAuc,
        Self::Localisation,
    ];

    /// All of them; of training losses the one that goes with the validation loss stands for the scalar.
    pub fn all() -> impl Iterator<Item = Self> {
        let scalars = Scalar::ALL
            .into_iter()
            .filter(|scalar| *scalar != Scalar::Loss);
        Self::OF_VALIDATIONS
            .into_iter()
            .chain(scalars.map(Self::Step))
    }

    /// Name for the command line: `roc-auc`, `gradient-norm`.
    pub fn name(self) -> String {
        match self {
            Self::Loss => "loss".to_owned(),
            Self::ValidationLoss => "validation-loss".to_owned(),
            Self::RocAuc => "roc-auc".to_owned(),
            Self::PrAuc => "pr-auc".to_owned(),
            Self::Localisation => "localisation".to_owned(),
            Self::Step(scalar) => scalar.name().replace('_', "-"),
        }
    }

    fn axis(self) -> Axis {
        match self {
            Self::Loss => Axis::new("Loss", ""),
            Self::ValidationLoss => Axis::new("Validation loss", ""),
            Self::RocAuc => Axis::new("ROC-AUC", ""),
            Self::PrAuc => Axis::new("PR-AUC", ""),
            Self::Localisation => Axis::new("Localisation ROC-AUC", ""),
            Self::Step(scalar) => Axis::new(scalar.label(), scalar.unit()),
        }
    }

    fn scalar(self) -> Option<Scalar> {
        match self {
            Self::Loss => Some(Scalar::Loss),
            Self::Step(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn of(self, validation: &Validation) -> Option<f64> {
        match self {
            Self::Loss | Self::ValidationLoss => Some(validation.loss),
            Self::RocAuc => validation.scores.roc_auc_macro,
            Self::PrAuc => validation.scores.average_precision_macro,
            Self::Localisation => validation.localisation_roc_auc(),
            Self::Step(_) => None,
        }
    }
}

impl Plot {
    /// Draws the runs, each under its name. Of a measure that no run has there is an empty panel: it is not made up.
    pub fn figure(&self, runs: &[(String, History)]) -> Figure {
        let mut x = Axis::new(self.along.label(), "");
        if matches!(self.along, XAxis::Step | XAxis::Clips) {
            x = x.ticks(Ticks::Whole);
        }
        x.range = self.range;
        let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
        let mut figure = Figure::new(if runs.len() == 1 { names[0] } else { "" }, x);
        for (at, &measure) in self.measures.iter().enumerate() {
            let mut axis = measure.axis();
            if self.is_logarithmic {
                axis = axis.log();
            }
            let mut panel = Panel::new(axis);
            for (run_idx, (name, history)) in runs.iter().enumerate() {
                // One legend is enough for the runs.
                let name = if at == 0 { name.as_str() } else { "" };
                let looks = Looks {
                    run_idx,
                    name,
                    is_alone: runs.len() == 1,
                };
                panel = self.run(panel, measure, history, &looks);
            }
            figure = figure.with(panel);
        }
        figure
    }

    fn run(
        &self,
        mut panel: Panel,
        measure: Plotted,
        history: &History,
        looks: &Looks<'_>,
    ) -> Panel {
        let ruler = Ruler::of(history, self.along);
        let place = |step: f64| ruler.x(step);
        let on_axis = |series: &Series| -> Vec<[f64; 2]> {
            let points = series.iter();
            points
                .map(|(step, value)| [place(step as f64), f64::from(value)])
                .collect()
        };
        let values = history.validations().iter();
        let values = values.filter_map(|v| Some([place(v.step as f64), measure.of(v)?]));
        let validated: Vec<[f64; 2]> = values.collect();
        let raw = measure.scalar().map(|scalar| history.series(scalar));
        if let Some(raw) = raw.filter(|raw| !raw.is_empty()) {
            let name = looks.named("training");
            let colour = palette(looks.run_idx);
            // Beside the validation's solid line training is dashed, unless the one run has colours for both.
            let is_beside = !looks.is_alone && !validated.is_empty();
            let stroke = if is_beside {
                Stroke::Dashed
            } else {
                Stroke::Solid
            };
            if self.smoothing > 0.0 {
                panel = panel.layer(Layer::Line {
                    label: String::new(),
                    colour,
                    stroke: Stroke::Faint,
                    points: on_axis(raw),
                });
                let mut smoothed = Smoothed::new(self.smoothing);
                smoothed.follow(raw);
                panel = panel.layer(Layer::Line {
                    label: name,
                    colour,
                    stroke,
                    points: on_axis(smoothed.series()),
                });
            } else {
                panel = panel.layer(Layer::Line {
                    label: name,
                    colour,
                    stroke,
                    points: on_axis(raw),
                });
            }
        }
        if !validated.is_empty() {
            let is_second = looks.is_alone && measure.scalar().is_some();
            let colour = palette(looks.run_idx + usize::from(is_second));
            let label = looks.named("validation");
            panel = panel
                .line(label, colour, validated.clone())
                .layer(Layer::Dots {
                    label: String::new(),
                    colour,
                    points: validated,
                });
        }
        panel
    }
}

struct Looks<'a> {
    run_idx: usize,
    /// Empty where the legend has it already.
    name: &'a str,
    is_alone: bool,
}

impl Looks<'_> {
    /// Of several runs their names matter, of one what is measured.
    fn named(&self, what: &str) -> String {
        match (self.is_alone, self.name.is_empty()) {
            (true, _) => what.to_owned(),
            (false, true) => String::new(),
            (false, false) => format!("{}, {what}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scores;
    use crate::run::{Event, RunLog, StepScalars};

    fn history(folder: &std::path::Path) -> History {
        let mut log = RunLog::create(folder, &toml::Table::new()).unwrap();
        for epoch in 0..3u32 {
            log.event(u64::from(epoch) * 10, epoch, Event::EpochStarted)
                .unwrap();
            for step in 1..=10u64 {
                let step = u64::from(epoch) * 10 + step;
                let row = StepScalars::new(step, epoch).with(Scalar::Loss, 1.0 / step as f64);
                log.step(&row).unwrap();
            }
            let event = Event::Validated {
                loss: 0.5 - 0.1 * f64::from(epoch),
                scores: Scores::from_tags(vec![Some(0.75)], vec![None]),
                seconds: 1.0,
                localisation: None,
            };
            log.event(u64::from(epoch + 1) * 10, epoch, event).unwrap();
        }
        log.event(30, 2, Event::Finished).unwrap();
        History::open(folder).unwrap()
    }

    #[test]
    fn a_plot_has_a_panel_for_each_measure_and_a_line_for_each_run() {
        let folder = tempfile::tempdir().unwrap();
        let runs: Vec<(String, History)> = ["a", "b"]
            .map(|name| (name.to_owned(), history(&folder.path().join(name))))
            .into();
        let plot = Plot {
            measures: vec![Plotted::Loss, Plotted::RocAuc, Plotted::PrAuc],
            along: XAxis::Epoch,
            smoothing: 0.5,
            is_logarithmic: true,
            range: Some([1.0, 3.0]),
        };
        let figure = plot.figure(&runs);
        let labels = |at: usize| -> Vec<&str> {
            let layers = figure.panels[at].layers.iter();
            layers
                .filter_map(|layer| match layer {
                    Layer::Line { label, .. } if !label.is_empty() => Some(label.as_str()),
                    _ => None,
                })
                .collect()
        };
        assert_eq!(
            labels(0),
            [
                "a, training",
                "a, validation",
                "b, training",
                "b, validation"
            ]
        );
        assert_eq!(
            figure.panels[1].layers.len(),
            4,
            "line and dots of each run"
        );
        assert!(figure.panels[2].layers.is_empty(), "PR-AUC is not defined");
        assert_eq!(figure.x.range, Some([1.0, 3.0]));
        // A validation at the end of the first epoch lies at 1, at the end of the last at 3.
        let Layer::Dots { points, .. } = &figure.panels[1].layers[1] else {
            panic!("{:?}", figure.panels[1].layers)
        };
        let places: Vec<f64> = points.iter().map(|point| point[0]).collect();
        assert_eq!(places, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn names_are_of_their_own() {
        let names: Vec<String> = Plotted::all().map(Plotted::name).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len(), "{names:?}");
        assert!(names.contains(&"gradient-norm".to_owned()));
    }
}
