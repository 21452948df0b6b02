//! Tag probabilities over the time of a song: a window of the model's length slides over it.
//!
//! The windows are the chunks of the evaluation (whose mean is the song's answer) and, between two of them, as many
//! more as are needed so that neighbours lie no further apart than the wanted hop. So the whole-song answer costs nothing
//! extra and agrees with `tag_track`, and no two neighbouring windows merely touch.

use super::{Error, Model, chunk_starts};
use crate::job::Job;

/// Where the windows of a song start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindows {
    /// First sample of each window, ascending; the first is 0, the last window ends with the song
    /// (or the song is shorter than one window, and there is one).
    pub starts: Vec<usize>,
    /// Which of the windows are the evaluation's chunks (indices into `starts`, ascending).
    pub chunks: Vec<usize>,
    /// Length of every window in samples.
    pub window_samples: usize,
}

impl SlidingWindows {
    /// Windows of `window_samples` over `n_samples`, neighbours at most `max_hop_samples` apart (at least one sample).
    pub fn new(n_samples: usize, window_samples: usize, max_hop_samples: usize) -> Self {
        let max_hop = max_hop_samples.max(1);
        let chunk_starts = chunk_starts(n_samples, window_samples);
        let (mut starts, mut chunks) = (Vec::new(), Vec::new());
        for (idx, &chunk) in chunk_starts.iter().enumerate() {
            chunks.push(starts.len());
            starts.push(chunk);
            if let Some(next) = chunk_starts.get(idx + 1) {
                let gap = next - chunk;
                let n_parts = gap.div_ceil(max_hop);
                starts
                    .extend((1..n_parts).map(|part| chunk + (gap * part + n_parts / 2) / n_parts));
            }
        }
        Self {
            starts,
            chunks,
            window_samples,
        }
    }

    /// The last chunk (index into [`Self::chunks`]) that starts at or before a sample.
    pub fn chunk_at(&self, sample: usize) -> usize {
        let behind = self
            .chunks
            .partition_point(|&chunk| self.starts[chunk] <= sample);
        behind.saturating_sub(1)
    }

    /// The samples of window `idx`, with zeros behind the end of a song that is shorter than one window.
    pub fn cut<'a>(&self, wave: &'a [f32], idx: usize) -> std::borrow::Cow<'a, [f32]> {
        let start = self.starts.get(idx).copied().unwrap_or(0).min(wave.len());
        let end = (start + self.window_samples).min(wave.len());
        if end - start == self.window_samples {
            return wave[start..end].into();
        }
        let mut padded = wave[start..end].to_vec();
        padded.resize(self.window_samples, 0.0);
        padded.into()
    }
}

/// Windows in one pass through the network.
const BATCH: usize = 6;

/// Tags a song over time: `wave` is mono at the model's rate, neighbouring windows lie at most `max_hop_secs` apart.
///
/// Fails with [`Error::Empty`] if there are no samples, [`Error::Cancelled`] if the caller stopped it.
pub fn over_time(
    model: &Model,
    wave: &[f32],
    max_hop_secs: f64,
    job: &Job,
) -> Result<TagTimeline, Error> {
    if wave.is_empty() {
        return Err(Error::Empty);
    }
    let max_hop = (max_hop_secs * f64::from(model.sample_rate_hz())) as usize;
    let windows = SlidingWindows::new(wave.len(), model.input_samples, max_hop);
    let n_windows = windows.starts.len();
    let mut probabilities = Vec::with_capacity(n_windows * model.tags.len());
    for first in (0..n_windows).step_by(BATCH) {
        job.check()?;
        job.report(first as u64, n_windows as u64, "tagging over time");
        let cut: Vec<_> = (first..(first + BATCH).min(n_windows))
            .map(|idx| windows.cut(wave, idx))
            .collect();
        let waves: Vec<&[f32]> = cut.iter().map(|wave| &**wave).collect();
        probabilities.extend(model.probabilities(&waves)?.into_iter().flatten());
    }
    Ok(TagTimeline::new(
        &windows,
        model.sample_rate_hz(),
        model.tags.len(),
        probabilities,
    ))
}

/// Tag probabilities over the time of a song, one row per window.
#[derive(Clone, Debug, PartialEq)]
pub struct TagTimeline {
    /// Centre of each window in seconds, ascending.
    pub centres_secs: Vec<f64>,
    /// Length of a window in seconds: what a row speaks of lies half of it before and behind its centre.
    pub window_secs: f64,
    /// Tags per row.
    pub n_tags: usize,
    /// `[windows, tags]`, row-major, in 0..=1.
    pub probabilities: Vec<f32>,
    /// `[tags]`: the answer for the whole song, the mean over the evaluation's chunks.
    pub whole_song: Vec<f32>,
}

impl TagTimeline {
    /// From the answers to `windows`, `[windows, tags]`.
    pub fn new(
        windows: &SlidingWindows,
        rate_hz: u32,
        n_tags: usize,
        probabilities: Vec<f32>,
    ) -> Self {
        let rate = f64::from(rate_hz);
        let half = windows.window_samples as f64 / 2.0;
        let mut sums = vec![0.0f64; n_tags];
        for &chunk in &windows.chunks {
            for (sum, &p) in sums.iter_mut().zip(&probabilities[chunk * n_tags..]) {
                *sum += f64::from(p);
            }
        }
        let n_chunks = windows.chunks.len().max(1) as f64;
        Self {
            centres_secs: windows
                .starts
                .iter()
                .map(|&start| (start as f64 + half) / rate)
                .collect(),
            window_secs: 2.0 * half / rate,
            n_tags,
            probabilities,
            whole_song: sums.iter().map(|sum| (sum / n_chunks) as f32).collect(),
        }
    }

    /// Windows.
    pub fn n_windows(&self) -> usize {
        self.centres_secs.len()
    }

    /// Probability of tag `tag_idx` in window `window`; `None` outside.
    pub fn get(&self, window: usize, tag_idx: usize) -> Option<f32> {
        if tag_idx >= self.n_tags {
            return None;
        }
        self.probabilities
            .get(window * self.n_tags + tag_idx)
            .copied()
    }

    /// Probability of a tag at a time in seconds: linear between the two nearest centres, constant before the first and
    /// behind the last. `None` if there is no window or no such tag.
    pub fn at_secs(&self, secs: f64, tag_idx: usize) -> Option<f32> {
        let after = self.centres_secs.partition_point(|&centre| centre <= secs);
        let before = after.saturating_sub(1);
        let after = after.min(self.n_windows().checked_sub(1)?);
        let (low, high) = (self.get(before, tag_idx)?, self.get(after, tag_idx)?);
        let (from, to) = (self.centres_secs[before], self.centres_secs[after]);
        if to <= from {
            return Some(low);
        }
        let share = ((secs - from) / (to - from)).clamp(0.0, 1.0) as f32;
        Some(low + (high - low) * share)
    }

    /// Tag indices by falling whole-song probability (ties by index).
    pub fn by_probability(&self) -> Vec<usize> {
        by_probability(&self.whole_song)
    }
}

/// Tags (indices) of an answer, the most probable first.
pub fn by_probability(answer: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..answer.len()).collect();
    order.sort_by(|&a, &b| answer[b].total_cmp(&answer[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_the_chunks_of_the_evaluation_and_leave_no_gap_wider_than_the_hop() {
        for (n_samples, window, hop) in [
            (1000, 100, 50),
            (1001, 100, 30),
            (250, 100, 7),
            (100, 100, 50),
        ] {
            let windows = SlidingWindows::new(n_samples, window, hop);
            let chunks: Vec<_> = windows.chunks.iter().map(|&i| windows.starts[i]).collect();
            assert_eq!(chunks, chunk_starts(n_samples, window));
            assert_eq!(windows.starts[0], 0);
            assert_eq!(windows.starts.last().unwrap() + window, n_samples);
            assert!(
                windows
                    .starts
                    .windows(2)
                    .all(|w| w[0] < w[1] && w[1] - w[0] <= hop),
                "{windows:?}"
            );
        }
    }

    #[test]
    fn a_short_song_is_one_window_with_zeros_behind_it() {
        let windows = SlidingWindows::new(3, 5, 2);
        assert_eq!(windows.starts, [0]);
        assert_eq!(*windows.cut(&[1.0, 2.0, 3.0], 0), [1.0, 2.0, 3.0, 0.0, 0.0]);
        assert_eq!(SlidingWindows::new(0, 5, 2).starts, [0]);
    }

    #[test]
    fn a_probability_between_two_windows_lies_between_theirs() {
        let timeline = TagTimeline {
            centres_secs: vec![1.0, 3.0],
            window_secs: 2.0,
            n_tags: 2,
            probabilities: vec![0.0, 1.0, 0.5, 0.2],
            whole_song: vec![0.25, 0.6],
        };
        assert_eq!(timeline.at_secs(0.0, 0), Some(0.0));
        assert_eq!(timeline.at_secs(2.0, 0), Some(0.25));
        assert_eq!(timeline.at_secs(9.0, 1), Some(0.2));
        assert_eq!(timeline.at_secs(2.0, 2), None);
        assert_eq!(timeline.by_probability(), [1, 0]);
    }
}
