//! A song's explanation in the making: what is there after some of its windows.

use super::stitch::Stitcher;
use super::{Explainer, SongExplanation, TokenMap, WindowExplanation};
use crate::predict::{SlidingWindows, TagTimeline};

/// A song's explanation in the making: sums of weighted window values.
pub(super) struct Song<'a> {
    model: &'a dyn Explainer,
    n_samples: usize,
    windows: &'a SlidingWindows,
    /// Windows that are in it.
    pub(super) n_added: usize,
    /// `[windows, tags]`, NaN where there is none yet; likewise the next.
    pub(super) probabilities: Vec<f32>,
    self_attention: Vec<f32>,
    maps: Vec<(Stitcher, TokenMap)>,
    completeness_error: Option<f32>,
}

impl<'a> Song<'a> {
    pub(super) fn new(
        model: &'a dyn Explainer,
        n_samples: usize,
        windows: &'a SlidingWindows,
    ) -> Self {
        let n_windows = windows.starts.len();
        Self {
            model,
            n_samples,
            windows,
            n_added: 0,
            probabilities: vec![f32::NAN; n_windows * model.tags().len()],
            self_attention: Vec::new(),
            maps: Vec::new(),
            completeness_error: None,
        }
    }

    /// Nothing yet, in the rows of a window's map.
    fn empty(&self, of_window: &TokenMap) -> (Stitcher, TokenMap) {
        let mut grid = self.model.grid(of_window.method, self.n_samples);
        grid.n_tokens = grid.n_tokens.max(1);
        let n_rows = of_window.values.len() / of_window.grid.n_tokens.max(1);
        let map = TokenMap {
            method: of_window.method,
            grid,
            tags: of_window.tags.clone(),
            values: vec![0.0; n_rows * grid.n_tokens],
        };
        (Stitcher::new(grid.n_tokens), map)
    }

    pub(super) fn add(&mut self, window: usize, answer: &WindowExplanation) {
        self.n_added += 1;
        let n_tags = answer.probabilities.len();
        self.probabilities[window * n_tags..][..n_tags].copy_from_slice(&answer.probabilities);
        if let Some(own) = answer.self_attention {
            self.self_attention
                .resize(self.windows.starts.len(), f32::NAN);
            self.self_attention[window] = own;
        }
        if let Some(error) = answer.completeness_error {
            let worst = self.completeness_error.unwrap_or(0.0);
            self.completeness_error = Some(worst.max(error));
        }
        if self.maps.is_empty() {
            self.maps = answer.maps.iter().map(|map| self.empty(map)).collect();
        }
        for ((stitcher, map), of_window) in self.maps.iter_mut().zip(&answer.maps) {
            let n_window_tokens = of_window.grid.n_tokens.max(1);
            let offset = self.windows.starts[window] as f64 / map.grid.samples_per_token;
            let place = stitcher.place(offset, n_window_tokens);
            let rows = map.values.chunks_exact_mut(map.grid.n_tokens);
            for (row, values) in rows.zip(of_window.values.chunks(n_window_tokens)) {
                place.add(row, |token| values[token]);
            }
        }
    }

    pub(super) fn so_far(&self) -> SongExplanation {
        let maps = self.maps.iter().map(|(stitcher, map)| {
            let mut map = map.clone();
            for row in map.values.chunks_exact_mut(map.grid.n_tokens) {
                stitcher.so_far(row);
            }
            map
        });
        self.with(maps.collect())
    }

    pub(super) fn finish(mut self) -> SongExplanation {
        let maps = std::mem::take(&mut self.maps).into_iter();
        let maps = maps.map(|(stitcher, mut map)| {
            for row in map.values.chunks_exact_mut(map.grid.n_tokens) {
                stitcher.finish(row);
            }
            map
        });
        let maps = maps.collect();
        self.with(maps)
    }

    fn with(&self, maps: Vec<TokenMap>) -> SongExplanation {
        let (rate_hz, n_tags) = (self.model.sample_rate_hz(), self.model.tags().len());
        let is_known = |&chunk: &usize| {
            let answer = self.probabilities.get(chunk * n_tags);
            answer.is_some_and(|answer| !answer.is_nan())
                || self.n_added == self.windows.starts.len()
        };
        let windows = SlidingWindows {
            chunks: self
                .windows
                .chunks
                .iter()
                .copied()
                .filter(is_known)
                .collect(),
            ..self.windows.clone()
        };
        SongExplanation {
            tags: self.model.tags().to_vec(),
            grid: maps[0].grid,
            duration_secs: self.n_samples as f64 / f64::from(rate_hz),
            over_time: TagTimeline::new(&windows, rate_hz, n_tags, self.probabilities.clone()),
            self_attention: self.self_attention.clone(),
            maps,
            completeness_error: self.completeness_error,
        }
    }
}
