//! Curves of runs drawn over each other, a panel for each measure; of runs that are put together the mean with its band.

use super::{
    Group, History, Ruler, Scalar, Series, Smoothed, Spread, Validation, XAxis, mean_curve,
};
use crate::figure::{Axis, Colour, Figure, Layer, Panel, Stroke, Ticks, palette};

/// A mean is drawn at so many places at most.
const MOST_PLACES: usize = 1600;

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
    /// Whether the horizontal axis is.
    pub is_x_logarithmic: bool,
    /// What the bands of groups show.
    pub spread: Spread,
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
        let alone = runs.iter().enumerate().map(|(at, (name, _))| Group {
            label: name.clone(),
            members: vec![at],
        });
        self.figure_of_groups(runs, &alone.collect::<Vec<_>>())
    }

    /// Draws groups of the runs: each as the mean of its members with a band, thin where fewer than all of them reach, and their number in the
    /// legend. A group of one is that run.
    pub fn figure_of_groups(&self, runs: &[(String, History)], groups: &[Group]) -> Figure {
        let mut x = Axis::new(self.along.label(), "");
        if matches!(self.along, XAxis::Step | XAxis::Clips) {
            x = x.ticks(Ticks::Whole);
        }
        if self.is_x_logarithmic {
            x = x.log();
        }
        x.range = self.range;
        let title = match groups {
            [group] => group.label.as_str(),
            _ => "",
        };
        let mut figure = Figure::new(title, x);
        for (at, &measure) in self.measures.iter().enumerate() {
            let mut axis = measure.axis();
            if self.is_logarithmic {
                axis = axis.log();
            }
            let mut panel = Panel::new(axis);
            for (idx, group) in groups.iter().enumerate() {
                let name = match group.members.len() {
                    1 => group.label.clone(),
                    n => format!("{} (N={n}, ± {})", group.label, self.spread.label()),
                };
                let looks = Looks {
                    idx,
                    // One legend is enough for the runs.
                    name: if at == 0 { &name } else { "" },
                    is_alone: groups.len() == 1,
                };
                panel = if let [run] = group.members[..] {
                    self.run(panel, measure, &runs[run].1, &looks)
                } else {
                    let members = group.members.iter().map(|run| &runs[*run].1);
                    self.group(panel, measure, &members.collect::<Vec<_>>(), &looks)
                };
            }
            figure = figure.with(panel);
        }
        figure
    }

    /// Means of the training curve and of the validations.
    fn group(
        &self,
        mut panel: Panel,
        measure: Plotted,
        members: &[&History],
        looks: &Looks<'_>,
    ) -> Panel {
        let end = members.iter().map(|history| {
            let ruler = Ruler::of(history, self.along);
            ruler.x(history.last_step() as f64)
        });
        let whole = [0.0, end.fold(0.0, f64::max)];
        let trained: Vec<Vec<[f64; 2]>> = members
            .iter()
            .filter_map(|history| {
                let raw = history.series(measure.scalar()?);
                let ruler = Ruler::of(history, self.along);
                if self.smoothing > 0.0 {
                    let mut smoothed = Smoothed::new(self.smoothing);
                    smoothed.follow(raw);
                    return Some(self.reduced(smoothed.series(), &ruler, whole));
                }
                Some(self.reduced(raw, &ruler, whole))
            })
            .filter(|curve: &Vec<_>| !curve.is_empty())
            .collect();
        let validated: Vec<Vec<[f64; 2]>> = members
            .iter()
            .map(|history| self.validated(measure, history))
            .filter(|curve| !curve.is_empty())
            .collect();
        let is_beside = !looks.is_alone && !validated.is_empty();
        if !trained.is_empty() {
            let stroke = if is_beside {
                Stroke::Dashed
            } else {
                Stroke::Solid
            };
            let label = looks.named("training");
            panel = self.mean(panel, &trained, palette(looks.idx), label, stroke);
        }
        if !validated.is_empty() {
            let is_second = looks.is_alone && !trained.is_empty();
            let colour = palette(looks.idx + usize::from(is_second));
            let label = looks.named("validation");
            panel = self.mean(panel, &validated, colour, label, Stroke::Solid);
        }
        panel
    }

    /// As in the window: the line is thin where fewer than all curves reach.
    fn mean(
        &self,
        panel: Panel,
        curves: &[Vec<[f64; 2]>],
        colour: Colour,
        mut label: String,
        stroke: Stroke,
    ) -> Panel {
        let on_axis = |x: f64| if self.is_x_logarithmic { x.log10() } else { x };
        let from_axis = |at: f64| {
            if self.is_x_logarithmic {
                10f64.powf(at)
            } else {
                at
            }
        };
        let curves: Vec<Vec<[f64; 2]>> = curves
            .iter()
            .map(|curve| {
                let points = curve.iter().map(|[x, y]| [on_axis(*x), *y]);
                points.filter(|[at, _]| at.is_finite()).collect()
            })
            .collect();
        let points = mean_curve(&curves, MOST_PLACES);
        let band = points.iter().map(|point| {
            let [low, high] = point.band(self.spread, self.is_logarithmic);
            [from_axis(point.x), low, high]
        });
        let mut panel = panel.layer(Layer::Band {
            label: String::new(),
            colour,
            points: band.collect(),
        });
        let most = points.iter().map(|point| point.of.n).max().unwrap_or(0);
        for stretch in points.chunk_by(|one, other| (one.of.n == most) == (other.of.n == most)) {
            let is_of_all = stretch[0].of.n == most;
            let line = stretch
                .iter()
                .map(|point| [from_axis(point.x), point.of.mean]);
            panel = panel.layer(Layer::Line {
                label: if is_of_all {
                    std::mem::take(&mut label)
                } else {
                    String::new()
                },
                colour,
                stroke: if is_of_all { stroke } else { Stroke::Thin },
                points: line.collect(),
            });
        }
        panel
    }

    /// A series on the axis, as the means of so many parts of what is shown of it.
    fn reduced(&self, series: &Series, ruler: &Ruler, whole: [f64; 2]) -> Vec<[f64; 2]> {
        let [from, to] = self.range.unwrap_or(whole);
        let part = (to - from) / MOST_PLACES as f64;
        let edges = (0..=MOST_PLACES).map(|n| ruler.step(from + part * n as f64));
        let columns = series.min_max_between(&edges.collect::<Vec<_>>());
        let points = columns.iter();
        points
            .map(|column| [ruler.x(column.x), f64::from(column.mean)])
            .collect()
    }

    fn validated(&self, measure: Plotted, history: &History) -> Vec<[f64; 2]> {
        let ruler = Ruler::of(history, self.along);
        let values = history.validations().iter();
        values
            .filter_map(|v| Some([ruler.x(v.step as f64), measure.of(v)?]))
            .collect()
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
        let validated = self.validated(measure, history);
        let raw = measure.scalar().map(|scalar| history.series(scalar));
        if let Some(raw) = raw.filter(|raw| !raw.is_empty()) {
            let name = looks.named("training");
            let colour = palette(looks.idx);
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
            let colour = palette(looks.idx + usize::from(is_second));
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
    /// Which run or group.
    idx: usize,
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
        scaled(folder, 1.0)
    }

    /// A run whose training loss is `factor / step`.
    fn scaled(folder: &std::path::Path, factor: f64) -> History {
        let mut log = RunLog::create(folder, &toml::Table::new()).unwrap();
        for epoch in 0..3u32 {
            log.event(u64::from(epoch) * 10, epoch, Event::EpochStarted)
                .unwrap();
            for step in 1..=10u64 {
                let step = u64::from(epoch) * 10 + step;
                let row = StepScalars::new(step, epoch).with(Scalar::Loss, factor / step as f64);
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
            is_x_logarithmic: false,
            spread: Spread::Deviation,
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
    fn a_group_is_drawn_as_the_mean_of_its_runs_with_a_band() {
        let folder = tempfile::tempdir().unwrap();
        let runs: Vec<(String, History)> = [("a", 1.0), ("b", 3.0), ("c", 1.0)]
            .map(|(name, factor)| {
                let folder = folder.path().join(name);
                (name.to_owned(), scaled(&folder, factor))
            })
            .into();
        let groups = [("one", vec![0, 1]), ("other", vec![2])].map(|(label, members)| Group {
            label: label.to_owned(),
            members,
        });
        let plot = Plot {
            measures: vec![Plotted::Loss],
            along: XAxis::Step,
            smoothing: 0.0,
            is_logarithmic: false,
            is_x_logarithmic: true,
            spread: Spread::Deviation,
            range: None,
        };
        let figure = plot.figure_of_groups(&runs, &groups);
        assert_eq!(figure.x.scale, crate::figure::Scale::Log);
        let layers = &figure.panels[0].layers;
        let band = layers.iter().find_map(|layer| match layer {
            Layer::Band { points, .. } => Some(points),
            _ => None,
        });
        let line = layers.iter().find_map(|layer| match layer {
            Layer::Line { label, points, .. } if label == "one (N=2, ± sd), training" => {
                Some(points)
            }
            _ => None,
        });
        let (band, line) = (band.unwrap(), line.unwrap());
        // Losses 1 / step and 3 / step: mean 2 / step, deviation √2 / step.
        for (step, (line, band)) in (1..=30).zip(line.iter().zip(band)) {
            let step = f64::from(step);
            for (found, wanted) in [
                (line[0], step),
                (line[1], 2.0 / step),
                (band[1], (2.0 - 2f64.sqrt()) / step),
                (band[2], (2.0 + 2f64.sqrt()) / step),
            ] {
                assert!(
                    (found - wanted).abs() < 1e-5,
                    "{step}: {found} not {wanted}"
                );
            }
        }
        assert_eq!(line.len(), 30);
        let labels = layers
            .iter()
            .any(|layer| matches!(layer, Layer::Line { label, .. } if label == "other, training"));
        assert!(labels, "a group of one is that run");
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
