//! Processor, memory, disk and graphics processor over the time of training.

use super::chart::{Entry, chart_ui, legend_ui};
use super::figure;
use crate::theme::{self, Palette};
use crate::widgets::{bytes_text, duration_text, number_text, save_plot_button};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::runs::RunView;
use crate::workbench::{Command, Ctx};
use attune_core::machine::Activity;
use attune_core::run::{Sample, utc_text};
use egui::{Color32, RichText, Ui};
use egui_plot::{Line, LineStyle, PlotPoint, PlotPoints, PlotUi, VLine};
use std::sync::Arc;

/// Where the pointer is, in seconds of training.
#[derive(Debug, Default)]
pub(super) struct State {
    cursor: Option<f64>,
}

/// A curve: its name, colour, what it means and its value.
pub(super) type Curve = (
    &'static str,
    fn(&Palette) -> Color32,
    &'static str,
    fn(&Sample) -> Option<f64>,
);

/// Curves on one axis.
pub(super) struct Chart {
    pub(super) title: &'static str,
    unit: &'static str,
    hint: &'static str,
    curves: &'static [Curve],
    /// Where the axis ends at least.
    pub(super) top: fn(&Activity) -> Option<f64>,
    text: fn(f64) -> String,
    /// Unit of a printed axis, and how many of it are in one of the values.
    pub(super) on_paper: (&'static str, f64),
    /// Whether a run on the processor has nothing to do with it.
    is_of_gpu: bool,
}

impl Chart {
    /// The curves that have values.
    pub(super) fn known_curves<'a>(
        &'a self,
        samples: &'a [Sample],
    ) -> impl Iterator<Item = &'a Curve> + 'a {
        let curves = self.curves.iter();
        curves.filter(|curve| samples.iter().any(|sample| (curve.3)(sample).is_some()))
    }
}

pub(super) const CHARTS: [Chart; 5] = [
    Chart {
        title: "Processor",
        unit: "cores",
        hint: "How many cores were busy. The axis ends with all that the machine has.",
        curves: &[
            (
                "Attune",
                |p| p.of_series(0),
                "Cores that this process kept busy, with all its threads",
                |s| s.activity.process_cores,
            ),
            (
                "machine",
                |p| p.of_series(1),
                "Cores that anybody kept busy",
                |s| s.activity.busy_cores,
            ),
        ],
        top: |activity| activity.cores,
        text: |cores| number_text((cores * 100.0).round() / 100.0),
        on_paper: ("cores", 1.0),
        is_of_gpu: false,
    },
    Chart {
        title: "Memory",
        unit: "",
        hint: "Memory of the process, and all that is taken on the machine. The axis ends with all that the machine has.",
        curves: &[
            (
                "Attune",
                |p| p.of_series(0),
                "Memory that this process holds",
                |s| s.activity.resident_bytes.map(|bytes| bytes as f64),
            ),
            (
                "machine",
                |p| p.of_series(1),
                "Memory that the machine cannot give away any more",
                |s| {
                    let (total, free) = s.activity.total_bytes.zip(s.activity.available_bytes)?;
                    Some(total.saturating_sub(free) as f64)
                },
            ),
        ],
        top: |activity| activity.total_bytes.map(|bytes| bytes as f64),
        text: |bytes| bytes_text(bytes.max(0.0) as u64),
        on_paper: ("GB", 1e-9),
        is_of_gpu: false,
    },
    Chart {
        title: "Disk",
        unit: "read in a second",
        hint: "What this process had the disk read; what the system had in its cache does not count.",
        curves: &[(
            "Attune",
            |p| p.of_series(0),
            "Read from the disk for this process, in a second",
            |s| Some(s.activity.read_bytes? as f64 / s.seconds.max(1e-3)),
        )],
        top: |_| None,
        text: |bytes| bytes_text(bytes.max(0.0) as u64),
        on_paper: ("MB/s", 1e-6),
        is_of_gpu: false,
    },
    Chart {
        title: "Graphics processor",
        unit: "% of the time",
        hint: "The share of the time in which the GPU that the run computed on was busy, whoever kept it so.",
        curves: &[(
            "GPU",
            |p| p.of_series(1),
            "Share of the time in which it computed, for Attune or anybody else",
            |s| Some(s.activity.gpu.as_ref()?.busy_share? * 100.0),
        )],
        top: |_| Some(100.0),
        text: |percent| format!("{} %", number_text(percent.round())),
        on_paper: ("%", 1.0),
        is_of_gpu: true,
    },
    Chart {
        title: "GPU memory",
        unit: "",
        hint: "Memory of the GPU that the run computed on. The axis ends with all that it has.",
        curves: &[
            (
                "Attune",
                |p| p.of_series(0),
                "GPU memory that the run's numbers hold, and what is kept for the next ones",
                |s| Some(s.activity.gpu.as_ref()?.process_bytes? as f64),
            ),
            (
                "GPU",
                |p| p.of_series(1),
                "GPU memory that is taken, whoever by",
                |s| Some(s.activity.gpu.as_ref()?.used_bytes? as f64),
            ),
        ],
        top: |activity| Some(activity.gpu.as_ref()?.total_bytes? as f64),
        text: |bytes| bytes_text(bytes.max(0.0) as u64),
        on_paper: ("GB", 1e-9),
        is_of_gpu: true,
    },
];

impl State {
    /// Draws the charts, or says why there are none.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, run: &Arc<RunView>, height: f32) {
        let palette = theme::palette(ui.visuals());
        let samples = &run.system.samples;
        if let Some(problem) = &run.system.problem {
            let text = format!("Processor and memory cannot be read: {problem}");
            ui.label(RichText::new(text).color(palette.error));
        }
        let Some(newest) = samples.last() else {
            let text = "Processor and memory are not known: they are recorded while a run trains, about once a second, by this version of \
                        Attune and on Linux, where the system tells.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        let sittings = sittings(samples);
        let under_cursor = self.cursor.and_then(|at| sample_at(&sittings, at));
        let (sample, at) = match under_cursor {
            Some(found) => found,
            None => (newest.clone(), f64::NAN),
        };
        let place = if at.is_nan() {
            format!("{} UTC, the newest", utc_text(sample.at_unix_ms))
        } else {
            format!(
                "{} UTC, after {} of training",
                utc_text(sample.at_unix_ms),
                duration_text(at)
            )
        };
        let mut saved = ui.horizontal(|ui| {
            ui.label(RichText::new(place).color(palette.text));
            save_plot_button(ui, "the machine")
        });
        // Also of what was known for a part of the time only.
        let end: f64 = samples.iter().map(|sample| sample.seconds).sum();
        let mut cursor = None;
        let mut range = None;
        for chart in &CHARTS {
            let curves: Vec<&Curve> = chart.known_curves(samples).collect();
            if curves.is_empty() {
                if chart.is_of_gpu && newest.activity.gpu.is_none() {
                    continue;
                }
                let text = format!("{}: the system does not tell.", chart.title);
                ui.label(RichText::new(text).small().color(palette.weak));
                continue;
            }
            let entries: Vec<Entry> = curves
                .iter()
                .map(|(name, colour, hint, value)| Entry {
                    name,
                    colour: colour(palette),
                    value: value(&sample).map_or_else(|| "–".to_owned(), chart.text),
                    hint,
                })
                .collect();
            legend_ui(ui, chart.title, chart.unit, chart.hint, &entries);
            let top = (chart.top)(&newest.activity).unwrap_or(0.0);
            let lines = lines(&curves, &sittings, palette);
            let starts: Vec<f64> = sittings.iter().skip(1).map(|s| s.begins).collect();
            let line = palette.line;
            let draw = move |plot: &mut PlotUi<'_>| {
                for at in starts {
                    let mark = VLine::new("resumed", at).color(line);
                    plot.vline(mark.style(LineStyle::dotted_loose()).allow_hover(false));
                }
                for line in lines {
                    plot.line(line);
                }
            };
            let answer = chart_ui(
                ui,
                chart.title,
                "machine",
                height,
                end,
                top,
                duration_text,
                chart.text,
                palette,
                draw,
            );
            cursor = cursor.or(answer.pointer);
            saved.inner |= answer.is_saved;
            range = range.or(Some(answer.range));
        }
        self.cursor = cursor;
        if let Some(seconds) = range.filter(|_| saved.inner) {
            let run = Arc::clone(run);
            let name = format!("{} machine", run.id);
            let draw = move || Ok(figure::machine(&run, &seconds));
            let ask = plots::Command::Ask(Drawing::new(name, draw));
            ctx.send(Command::Plots(ask));
        }
        let names = gpu_names(samples);
        let text = if names.is_empty() {
            "Graphics processor: the run computed on the processor alone.".to_owned()
        } else {
            format!("Graphics processor: {}.", names.join(", then "))
        };
        ui.label(RichText::new(text).small().color(palette.weak));
    }
}

/// The graphics processors that the run computed on, one after the other.
fn gpu_names(samples: &[Sample]) -> Vec<&str> {
    let gpus = samples.iter().filter_map(|s| s.activity.gpu.as_ref());
    let mut names: Vec<&str> = gpus.map(|gpu| &*gpu.name).collect();
    names.dedup();
    names
}

/// Samples that follow each other without a gap, and where their time begins, in seconds of training.
pub(super) struct Sitting<'a> {
    pub(super) begins: f64,
    samples: &'a [Sample],
}

impl Sitting<'_> {
    /// The samples with the ends of their times.
    pub(super) fn timed(&self) -> impl Iterator<Item = (f64, &Sample)> {
        self.samples.iter().scan(self.begins, |at, sample| {
            *at += sample.seconds;
            Some((*at, sample))
        })
    }
}

/// The time in which nobody trained is left out.
pub(super) fn sittings(samples: &[Sample]) -> Vec<Sitting<'_>> {
    let mut begins = 0.0;
    let groups = samples.chunk_by(|one, next| next.follows(one));
    groups
        .map(|samples| {
            let sitting = Sitting { begins, samples };
            begins += samples.iter().map(|sample| sample.seconds).sum::<f64>();
            sitting
        })
        .collect()
}

/// The sample in whose time `at` lies, and its end.
fn sample_at(sittings: &[Sitting<'_>], at: f64) -> Option<(Sample, f64)> {
    let mut timed = sittings.iter().flat_map(Sitting::timed);
    timed
        .find(|(end, _)| at >= 0.0 && *end >= at)
        .map(|(end, sample)| (sample.clone(), end))
}

fn lines(curves: &[&Curve], sittings: &[Sitting<'_>], palette: &Palette) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, colour, _, value) in curves {
        for sitting in sittings {
            let points = sitting
                .timed()
                .filter_map(|(at, sample)| Some(PlotPoint::new(at, value(sample)?)));
            let line = Line::new(*name, PlotPoints::Owned(points.collect()));
            let line = line.color(colour(palette)).width(theme::CURVE_WIDTH);
            lines.push(line.allow_hover(false));
        }
    }
    lines
}
