//! The robustness table for papers and other programs: a table of all figures, and curves against strength.

use super::{EffectScores, Robustness};
use crate::figure::{Axis, Figure, Layer, Panel, Stroke, palette};
use crate::metrics::{Difference, Interval, PairedDifferences, Scores};
use std::io::{self, Write};

/// The macro mean has this name among the tags.
const MACRO: &str = "macro";

/// Writes `model,effect,parameter,value,unit,tag,` and then for ROC-AUC and PR-AUC the score, its difference from the clean one and both
/// ends of the 95 % interval of that. The tag `macro` is the mean over tags. Clean scores have the effect `clean` and no difference.
/// Undefined figures are empty.
pub fn write_robustness_csv(table: &Robustness, out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "model",
        "effect",
        "parameter",
        "value",
        "unit",
        "tag",
        "roc_auc",
        "roc_auc_change",
        "roc_auc_change_low",
        "roc_auc_change_high",
        "pr_auc",
        "pr_auc_change",
        "pr_auc_change_low",
        "pr_auc_change_high",
    ])?;
    let tags = || std::iter::once((MACRO, None)).chain(named(&table.tags));
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    for (at, model) in table.models.iter().enumerate() {
        for (tag, idx) in tags() {
            let [roc, precision] = of(&model.scores, idx).map(text);
            let none = String::new;
            writer.write_record([
                model.name.clone(),
                "clean".to_owned(),
                none(),
                none(),
                none(),
                tag.to_owned(),
                roc,
                none(),
                none(),
                none(),
                precision,
                none(),
                none(),
                none(),
            ])?;
        }
        for effect in &table.effects {
            for rung in &effect.rungs {
                for (tag, idx) in tags() {
                    let scored = &rung.models[at];
                    let change = &scored.change;
                    let changes = match idx {
                        None => [change.roc_auc_macro, change.average_precision_macro],
                        Some(idx) => [
                            change.roc_auc_per_tag[idx],
                            change.average_precision_per_tag[idx],
                        ],
                    };
                    let mut record = vec![
                        model.name.clone(),
                        effect.effect.to_owned(),
                        effect.parameter.to_owned(),
                        rung.value
                            .map_or_else(String::new, |value| value.to_string()),
                        effect.unit.to_owned(),
                        tag.to_owned(),
                    ];
                    for (score, change) in of(&scored.scores, idx).into_iter().zip(changes) {
                        let (low, high) = ends(change);
                        record.extend([score, change.value, low, high].map(text));
                    }
                    writer.write_record(record)?;
                }
            }
        }
    }
    writer.flush()
}

fn named(tags: &[String]) -> impl Iterator<Item = (&str, Option<usize>)> {
    tags.iter()
        .enumerate()
        .map(|(idx, tag)| (tag.as_str(), Some(idx)))
}

fn of(scores: &Scores, tag: Option<usize>) -> [Option<f64>; 2] {
    match tag {
        None => [scores.roc_auc_macro, scores.average_precision_macro],
        Some(idx) => [
            scores.roc_auc_per_tag[idx],
            scores.average_precision_per_tag[idx],
        ],
    }
}

fn ends(change: Difference) -> (Option<f64>, Option<f64>) {
    let interval = change.interval;
    (interval.map(|one| one.low), interval.map(|one| one.high))
}

/// A mean over the tags that can be drawn against strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawnScore {
    /// ROC-AUC.
    RocAuc,
    /// Average precision.
    PrAuc,
}

impl DrawnScore {
    fn label(self) -> &'static str {
        match self {
            Self::RocAuc => "Macro ROC-AUC",
            Self::PrAuc => "Macro PR-AUC",
        }
    }

    fn of(self, scores: &Scores) -> Option<f64> {
        match self {
            Self::RocAuc => scores.roc_auc_macro,
            Self::PrAuc => scores.average_precision_macro,
        }
    }

    fn change(self, change: &PairedDifferences) -> Difference {
        match self {
            Self::RocAuc => change.roc_auc_macro,
            Self::PrAuc => change.average_precision_macro,
        }
    }
}

/// A macro score against strength, a panel for each effect that has more than one: the first model solid, the second dashed, with the 95 %
/// intervals of the difference from the clean figure, which is a level.
///
/// Effects have units of their own, so each panel has its own figure; they are given in the order of the table with the effect's name.
pub fn robustness_figure(table: &Robustness, effect: &EffectScores, score: DrawnScore) -> Figure {
    let unit = if effect.unit.len() <= 5 {
        effect.unit
    } else {
        ""
    };
    let mut x = Axis::new(
        format!("{}: {}", effect.label, effect.parameter_label),
        unit,
    );
    if effect.logarithmic {
        x = x.log();
    }
    let mut panel = Panel::new(Axis::new(score.label(), "")).height(200.0);
    for (at, model) in table.models.iter().enumerate() {
        let clean = score.of(&model.scores);
        if let Some(clean) = clean {
            panel = panel.layer(Layer::Level {
                label: if at == 0 {
                    "clean".to_owned()
                } else {
                    String::new()
                },
                y: clean,
            });
        }
        let colour = palette(at);
        // Where the curve passes through the clean tracks there is nothing to be unsure of.
        let points = effect.curve();
        let band = points.iter().filter_map(|(x, rung)| {
            let change = match rung {
                Some(rung) => score.change(&rung.models[at].change).interval?,
                None => Interval {
                    low: 0.0,
                    high: 0.0,
                },
            };
            Some([f64::from(*x), clean? + change.low, clean? + change.high])
        });
        let line = points.iter().filter_map(|(x, rung)| {
            let value = match rung {
                Some(rung) => score.of(&rung.models[at].scores),
                None => clean,
            };
            Some([f64::from(*x), value?])
        });
        let line: Vec<[f64; 2]> = line.collect();
        panel = panel
            .layer(Layer::Band {
                label: String::new(),
                colour,
                points: band.collect(),
            })
            .layer(Layer::Line {
                label: model.name.clone(),
                colour,
                stroke: if at == 0 {
                    Stroke::Solid
                } else {
                    Stroke::Dashed
                },
                points: line.clone(),
            })
            .layer(Layer::Dots {
                label: String::new(),
                colour,
                points: line,
            });
    }
    let title = format!(
        "{}, {} tracks of the {} split",
        table.data, table.n_tracks, table.split
    );
    Figure::new(title, x).with(panel)
}
