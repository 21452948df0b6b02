//! A log-mel spectrogram made ready for drawing: bytes instead of decibels, and coarser levels for looking from afar.
//!
//! Level `l` holds the loudest of `2^l` frames, so that a short bang stays visible in a view of an hour; averaging would wash it out. Made
//! once in a background job; a frame only colours the tiles that it has not shown before.

use std::ops::Range;

/// Decibels below the loudest value that are still shown.
const RANGE_DB: f32 = 80.0;

/// A spectrogram in levels.
#[derive(Clone, Debug)]
pub struct Picture {
    n_mels: usize,
    secs_per_frame: f64,
    loudest_db: f32,
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    n_columns: usize,
    /// `[mels, columns]`; 0 is `RANGE_DB` below the loudest, 255 the loudest.
    values: Vec<u8>,
}

impl Picture {
    /// From decibels, `[n_mels, n_frames]`, row-major; frame `f` is centred at `f * secs_per_frame`.
    pub fn new(decibels: &[f32], n_mels: usize, secs_per_frame: f64) -> Self {
        let n_frames = decibels.len().checked_div(n_mels).unwrap_or(0);
        let loudest_db = decibels
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .fold(f32::NEG_INFINITY, f32::max);
        let byte = |value: &f32| ((value - loudest_db + RANGE_DB) / RANGE_DB * 255.0) as u8;
        let mut levels = vec![Level {
            n_columns: n_frames,
            values: decibels.iter().map(byte).collect(),
        }];
        while let Some(finer) = levels.last()
            && finer.n_columns > 256
        {
            levels.push(finer.coarser());
        }
        Self {
            n_mels,
            secs_per_frame,
            loudest_db,
            levels,
        }
    }

    /// Mel bands.
    pub fn n_mels(&self) -> usize {
        self.n_mels
    }

    /// Levels, at least one; the last one is coarse enough to be drawn whole at any time.
    pub fn n_levels(&self) -> usize {
        self.levels.len()
    }

    /// Columns of a level.
    pub fn n_columns(&self, level: usize) -> usize {
        self.levels.get(level).map_or(0, |level| level.n_columns)
    }

    /// Seconds per column of a level.
    pub fn secs_per_column(&self, level: usize) -> f64 {
        self.secs_per_frame * (1u64 << level) as f64
    }

    /// Where column `column` of a level begins. Frame 0 is centred at second 0, so that it begins a little before.
    pub fn secs_from_column(&self, level: usize, column: usize) -> f64 {
        column as f64 * self.secs_per_column(level) - 0.5 * self.secs_per_frame
    }

    /// The level whose columns are as wide as a pixel, or narrower by less than one half.
    pub fn level_for(&self, secs_per_pixel: f64) -> usize {
        let ratio = secs_per_pixel / self.secs_per_frame;
        let level = if ratio > 1.0 {
            ratio.log2() as usize
        } else {
            0
        };
        level.min(self.n_levels() - 1)
    }

    /// The values of `columns` of a level as picture lines, the highest band first.
    pub fn lines(&self, level: usize, columns: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let Level { n_columns, values } = &self.levels[level];
        let columns = columns.start.min(*n_columns)..columns.end.min(*n_columns);
        (0..self.n_mels)
            .rev()
            .map(move |mel| &values[mel * n_columns..(mel + 1) * n_columns][columns.clone()])
    }

    /// Decibels below the loudest at a time and band (within the step of the bytes, a third of a decibel).
    pub fn decibels_at(&self, secs: f64, mel: usize) -> Option<f32> {
        let Level { n_columns, values } = self.levels.first()?;
        let frame = (secs / self.secs_per_frame).round();
        if mel >= self.n_mels || frame < 0.0 || frame as usize >= *n_columns {
            return None;
        }
        let byte = values[mel * n_columns + frame as usize];
        Some(self.loudest_db + f32::from(byte) / 255.0 * RANGE_DB - RANGE_DB)
    }

    /// The loudest band at a time: its number and level in decibels.
    pub fn loudest_at(&self, secs: f64) -> Option<(usize, f32)> {
        (0..self.n_mels)
            .filter_map(|mel| Some((mel, self.decibels_at(secs, mel)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl Level {
    fn coarser(&self) -> Self {
        let n_columns = self.n_columns.div_ceil(2);
        let values = self
            .values
            .chunks_exact(self.n_columns)
            .flat_map(|row| {
                row.chunks(2)
                    .map(|pair| pair.iter().copied().max().unwrap_or(0))
            })
            .collect();
        Self { n_columns, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        // Two bands, 1001 frames: the low one silent but for a bang in frame 700, the high one rising.
        let low = (0..1001).map(|f| if f == 700 { 10.0 } else { -100.0 });
        let high = (0..1001).map(|f| -70.0 + 80.0 * f as f32 / 1000.0);
        Picture::new(&low.chain(high).collect::<Vec<_>>(), 2, 0.02)
    }

    #[test]
    fn a_bang_is_seen_from_afar() {
        let picture = picture();
        assert!(picture.n_levels() >= 3);
        for level in 0..picture.n_levels() {
            let low = picture
                .lines(level, 0..picture.n_columns(level))
                .nth(1)
                .unwrap();
            assert_eq!(low.iter().filter(|&&v| v > 254).count(), 1, "level {level}");
            let column = low.iter().position(|&v| v == 255).unwrap();
            let (from, to) = (
                picture.secs_from_column(level, column),
                picture.secs_from_column(level, column + 1),
            );
            assert!((from..to).contains(&14.0), "level {level}: {from}..{to}");
        }
    }

    #[test]
    fn decibels_come_back_within_the_step() {
        let picture = picture();
        let found = picture.decibels_at(10.0, 1).unwrap();
        assert!((found - -30.0).abs() < 0.4, "{found}");
        assert_eq!(picture.loudest_at(14.0).unwrap().0, 0);
        assert_eq!(picture.decibels_at(30.0, 0), None);
        assert_eq!(picture.decibels_at(1.0, 2), None);
    }

    #[test]
    fn the_level_fits_the_zoom() {
        let picture = picture();
        assert_eq!(picture.level_for(0.001), 0);
        assert_eq!(picture.level_for(0.039), 0);
        assert_eq!(picture.level_for(0.041), 1);
        assert_eq!(picture.level_for(1e9), picture.n_levels() - 1);
    }

    #[test]
    fn nothing_at_all_is_no_crash() {
        let picture = Picture::new(&[], 128, 0.02);
        assert_eq!((picture.n_levels(), picture.n_columns(0)), (1, 0));
        assert_eq!(picture.loudest_at(0.0), None);
    }
}
