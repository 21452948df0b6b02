//! A sweep for papers and for other programs: a figure, a table, JSON.

use super::break_point::{BreakPoint, Breaks, Threshold};
use super::sweep::{Sweep, SweptModel};
use crate::figure::{Axis, Figure, Layer, Panel, Stroke, palette};
use serde::Serialize;
use std::io::{self, Write};

/// Told by the field `version`; goes up when a field changes its meaning or goes away.
const VERSION: u32 = 1;
/// Curves in a figure at most, as many as its colours.
const MOST_CURVES: usize = 7;

/// A sweep and what of it is shown.
#[derive(Clone, Debug)]
pub struct ShownSweep<'a> {
    /// The sweep.
    pub sweep: &'a Sweep,
    /// What the clip is of.
    pub song: &'a str,
    /// Where the clip begins in the song, in seconds.
    pub start_secs: f64,
    /// Names of the tags to show, in this order; a model that does not know one has no curve for it.
    pub tags: &'a [String],
    /// The threshold that was asked for, if one was.
    pub threshold: Option<f32>,
}

impl ShownSweep<'_> {
    /// The shown tags with their place among a model's.
    fn tags_of<'a>(
        &'a self,
        model: &'a SweptModel,
    ) -> impl Iterator<Item = (usize, &'a str, usize)> {
        let tags = self.tags.iter().enumerate();
        tags.filter_map(|(shown, name)| {
            let place = model.tags.iter().position(|tag| tag == name)?;
            Some((shown, name.as_str(), place))
        })
    }

    /// The curves of the shown tags (the first seven), the first model's solid, the second's dashed, with break points as dots.
    pub fn figure(&self) -> Figure {
        let (plan, sweep) = (&self.sweep.plan, self.sweep);
        let parameter = plan.parameter();
        let mut x = Axis::new(capital(parameter.label), parameter.unit);
        if parameter.logarithmic && plan.values().first().is_some_and(|low| *low > 0.0) {
            x = x.log();
        }
        let mut panel = Panel::new(Axis::new("Probability", "").range(0.0, 1.0)).height(230.0);
        let mut levels: Vec<f32> = Vec::new();
        for (at, model) in sweep.models.iter().enumerate() {
            for (shown, name, tag) in self
                .tags_of(model)
                .filter(|(shown, ..)| *shown < MOST_CURVES)
            {
                let colour = palette(shown);
                let curve = sweep.curve(at, tag);
                let points = curve.iter().map(|&(x, p)| [f64::from(x), f64::from(p)]);
                let (label, stroke) = if at == 0 {
                    (name.to_owned(), Stroke::Solid)
                } else {
                    (String::new(), Stroke::Dashed)
                };
                panel = panel.layer(Layer::Line {
                    label,
                    colour,
                    stroke,
                    points: points.collect(),
                });
                let (threshold, breaks) = sweep.breaks(at, tag, self.threshold);
                let lost = [breaks.down, breaks.up].into_iter().flatten();
                let lost = lost.filter_map(|one| match one {
                    BreakPoint::At(x) => Some([f64::from(x), f64::from(threshold.probability())]),
                    BreakPoint::Before(_) | BreakPoint::Never(_) => None,
                });
                panel = panel.layer(Layer::Dots {
                    label: String::new(),
                    colour,
                    points: lost.collect(),
                });
                if !matches!(threshold, Threshold::HalfOfClean(_)) {
                    levels.push(threshold.probability());
                }
            }
        }
        if let Some(&level) = levels.first() {
            panel = panel.layer(Layer::Level {
                label: "threshold".to_owned(),
                y: f64::from(level),
            });
        }
        let names: Vec<&str> = sweep
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        let models = match names[..] {
            [first, second] => format!("{first} (solid) and {second} (dashed)"),
            _ => names.join(", "),
        };
        let title = format!("{}, {}: {models}", self.song, plan.kind().label());
        Figure::new(title, x).with(panel)
    }

    /// Writes `model,tag,PARAMETER,probability,threshold`, tag by tag, where PARAMETER is the name of the number that ran (`cents`); the clean clip's line has an empty value.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        let parameter = self.sweep.plan.parameter();
        writer.write_record(["model", "tag", parameter.name, "probability", "threshold"])?;
        for (at, model) in self.sweep.models.iter().enumerate() {
            for (_, name, tag) in self.tags_of(model) {
                let (threshold, _) = self.sweep.breaks(at, tag, self.threshold);
                let threshold = threshold.probability().to_string();
                let mut line = |value: String, probability: f32| {
                    writer.write_record([
                        model.name.as_str(),
                        name,
                        &value,
                        &probability.to_string(),
                        &threshold,
                    ])
                };
                line(String::new(), model.clean[tag])?;
                for (value, probability) in self.sweep.curve(at, tag) {
                    line(value.to_string(), probability)?;
                }
            }
        }
        writer.flush()
    }

    /// Writes all numbers with the break points as JSON.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let plan = &self.sweep.plan;
        let parameter = plan.parameter();
        let of_model = |(at, model): (usize, &'_ SweptModel)| ModelEntry {
            name: model.name.clone(),
            fingerprint: model.fingerprint.clone(),
            tags: self
                .tags_of(model)
                .map(|(_, name, tag)| {
                    let (threshold, breaks) = self.sweep.breaks(at, tag, self.threshold);
                    TagEntry {
                        tag: name.to_owned(),
                        clean: model.clean[tag],
                        threshold,
                        breaks,
                        probability: self.sweep.curve(at, tag).iter().map(|(_, p)| *p).collect(),
                    }
                })
                .collect(),
        };
        let file = File {
            format: "attune-sweep",
            version: VERSION,
            attune_version: env!("CARGO_PKG_VERSION"),
            song: self.song,
            start_s: self.start_secs,
            effect: plan.kind().name(),
            parameter: parameter.name,
            unit: parameter.unit,
            weakest: plan.weakest(),
            values: &plan.values()[..self.sweep.n_done],
            models: self.sweep.models.iter().enumerate().map(of_model).collect(),
        };
        serde_json::to_writer_pretty(&mut *out, &file)?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct File<'a> {
    format: &'static str,
    version: u32,
    attune_version: &'static str,
    song: &'a str,
    start_s: f64,
    effect: &'static str,
    parameter: &'static str,
    unit: &'static str,
    /// Where the effect does nothing, or least.
    weakest: f32,
    values: &'a [f32],
    models: Vec<ModelEntry>,
}

#[derive(Serialize)]
struct ModelEntry {
    name: String,
    fingerprint: String,
    tags: Vec<TagEntry>,
}

#[derive(Serialize)]
struct TagEntry {
    tag: String,
    /// Probability without the effect.
    clean: f32,
    threshold: Threshold,
    #[serde(flatten)]
    breaks: Breaks,
    /// At each of the values.
    probability: Vec<f32>,
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
