//! How long frames take, for `attune window --frame-stats FILE`.
//!
//! Counted is what the window's thread does by itself: logic, ui and tessellation. Painting depends on the graphics card (or
//! its imitation in software) and is reported apart, as eframe measures it.

use egui::{Context, FullOutput, Plugin};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One frame, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct FrameTimes {
    logic_ms: f64,
    ui_ms: f64,
    tessellate_ms: f64,
    /// All that eframe counts: ours and painting.
    whole_ms: Option<f64>,
    trains: bool,
}

impl FrameTimes {
    fn own_ms(&self) -> f64 {
        self.logic_ms + self.ui_ms + self.tessellate_ms
    }
}

/// What is known so far. Clones share.
#[derive(Clone, Debug)]
pub struct FrameStats(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    since: Instant,
    first_frame_ms: Option<f64>,
    now: FrameTimes,
    frames: Vec<FrameTimes>,
}

/// A distribution of times.
#[expect(
    clippy::struct_field_names,
    reason = "they are the keys of the file, and say their unit"
)]
#[derive(Debug, PartialEq, Serialize)]
struct Times {
    median_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Times {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            values.get(((values.len() as f64 * part).ceil() as usize).saturating_sub(1))
        };
        Some(Self {
            median_ms: *at(0.5)?,
            p99_ms: *at(0.99)?,
            max_ms: *values.last()?,
        })
    }
}

/// What is written.
#[derive(Debug, Serialize)]
struct Summary {
    first_frame_ms: Option<f64>,
    frames: usize,
    frames_while_training: usize,
    /// Logic, ui and tessellation.
    own: Option<Times>,
    own_while_training: Option<Times>,
    logic: Option<Times>,
    ui: Option<Times>,
    tessellate: Option<Times>,
    /// With painting.
    whole: Option<Times>,
    whole_while_training: Option<Times>,
    memory_bytes: Option<u64>,
}

impl FrameStats {
    /// Counts from `since`, the start of the process.
    pub fn new(since: Instant) -> Self {
        Self(Arc::new(Mutex::new(Known {
            since,
            first_frame_ms: None,
            now: FrameTimes::default(),
            frames: Vec::new(),
        })))
    }

    /// Measures tessellation too. It is done once more for that, in this mode only.
    pub fn watch(&self, ctx: &Context) {
        ctx.add_plugin(self.clone());
    }

    /// A frame begins; the one before took `whole_ms` with painting, if known.
    pub fn begin(&self, whole_secs: Option<f32>, trains: bool) {
        let mut known = self.known();
        if known.now.ui_ms > 0.0 {
            let done = FrameTimes {
                whole_ms: whole_secs.map(|secs| f64::from(secs) * 1e3),
                ..known.now
            };
            if known.frames.is_empty() {
                known.first_frame_ms = Some(known.since.elapsed().as_secs_f64() * 1e3);
            }
            known.frames.push(done);
        }
        known.now = FrameTimes {
            trains,
            ..FrameTimes::default()
        };
    }

    /// Logic took from `since` to now.
    pub fn logic(&self, since: Instant) {
        self.known().now.logic_ms += since.elapsed().as_secs_f64() * 1e3;
    }

    /// Ui took from `since` to now.
    pub fn ui(&self, since: Instant) {
        self.known().now.ui_ms += since.elapsed().as_secs_f64() * 1e3;
    }

    /// The figures as JSON.
    pub fn to_json(&self, memory_bytes: Option<u64>) -> String {
        let known = self.known();
        // The first frames build fonts and textures; they are told as first_frame_ms.
        let frames = known.frames.get(3..).unwrap_or_default();
        let all = |value: fn(&FrameTimes) -> Option<f64>| {
            Times::of(frames.iter().filter_map(value).collect())
        };
        let training = |value: fn(&FrameTimes) -> Option<f64>| {
            Times::of(
                frames
                    .iter()
                    .filter(|frame| frame.trains)
                    .filter_map(value)
                    .collect(),
            )
        };
        let summary = Summary {
            first_frame_ms: known.first_frame_ms,
            frames: known.frames.len(),
            frames_while_training: frames.iter().filter(|frame| frame.trains).count(),
            own: all(|frame| Some(frame.own_ms())),
            own_while_training: training(|frame| Some(frame.own_ms())),
            logic: all(|frame| Some(frame.logic_ms)),
            ui: all(|frame| Some(frame.ui_ms)),
            tessellate: all(|frame| Some(frame.tessellate_ms)),
            whole: all(|frame| frame.whole_ms),
            whole_while_training: training(|frame| frame.whole_ms),
            memory_bytes,
        };
        serde_json::to_string_pretty(&summary).unwrap_or_default()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugin for FrameStats {
    fn debug_name(&self) -> &'static str {
        "frame stats"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let since = Instant::now();
        let shapes = ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        let took = since.elapsed().as_secs_f64() * 1e3;
        drop(shapes);
        self.known().now.tessellate_ms += took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p99_of_a_hundred_frames_is_the_second_slowest() {
        let times = Times::of((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!(
            (times.median_ms, times.p99_ms, times.max_ms),
            (50.0, 99.0, 100.0)
        );
        assert_eq!(Times::of(Vec::new()), None);
    }
}
