//! What an explanation is, whatever the method: a value for every tag and every token, and where the tokens lie in time.

use super::Method;

/// Where the tokens of a sound lie.
///
/// Token `t` covers `samples_per_token` samples, its centre lies at `first_centre_samples + t * samples_per_token`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Samples between two tokens (2,048 for the Music Tagging Transformer: 4 frames of 512).
    pub samples_per_token: f64,
    /// Centre of token 0 in samples (768 there: 1.5 frames).
    pub first_centre_samples: f64,
    /// What one token sees of the sound, in samples, around its centre (0.77 s there).
    pub receptive_field_samples: f64,
    /// Tokens.
    pub n_tokens: usize,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl Grid {
    /// Seconds between two tokens.
    pub fn token_secs(&self) -> f64 {
        self.samples_per_token / f64::from(self.sample_rate_hz)
    }

    /// Centre of a token in seconds.
    pub fn centre_secs(&self, token: usize) -> f64 {
        (self.first_centre_samples + token as f64 * self.samples_per_token)
            / f64::from(self.sample_rate_hz)
    }

    /// What one token sees, in seconds around its centre: no map is honest to less than this.
    pub fn receptive_field_secs(&self) -> f64 {
        self.receptive_field_samples / f64::from(self.sample_rate_hz)
    }

    /// The token whose centre is nearest to a time; `None` where there is none within one token.
    pub fn token_at_secs(&self, secs: f64) -> Option<usize> {
        let position = (secs * f64::from(self.sample_rate_hz) - self.first_centre_samples)
            / self.samples_per_token;
        let token = position.round();
        if self.n_tokens == 0 || !(-1.0..=self.n_tokens as f64).contains(&token) {
            return None;
        }
        Some((token.max(0.0) as usize).min(self.n_tokens - 1))
    }
}

/// The values of one method, so that a tag's lane is one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenMap {
    /// How the values came about.
    pub method: Method,
    /// Where they lie in time.
    pub grid: Grid,
    /// The tags (indices) of the rows; empty: one row that holds for all.
    pub tags: Vec<usize>,
    /// `[rows, tokens]`, row-major, in the method's unit.
    pub values: Vec<f32>,
}

impl TokenMap {
    /// Of `values` `[rows, tokens]`, the rows being `tags`, or one for all if there are none. As many tokens as there are values for.
    pub fn new(method: Method, grid: Grid, tags: Vec<usize>, values: Vec<f32>) -> Self {
        let n_rows = if method.is_shared() {
            1
        } else {
            tags.len().max(1)
        };
        let grid = Grid {
            n_tokens: values.len() / n_rows,
            ..grid
        };
        Self {
            method,
            grid,
            tags,
            values,
        }
    }

    /// A tag's values, one per token; empty for a tag that does not exist or was not asked for.
    pub fn tag(&self, tag_idx: usize) -> &[f32] {
        if self.tags.is_empty() {
            return &self.values;
        }
        // As a rule the rows are all tags in their order.
        let row = match self.tags.get(tag_idx) {
            Some(&tag) if tag == tag_idx => Some(tag_idx),
            _ => self.tags.iter().position(|&tag| tag == tag_idx),
        };
        let n = self.grid.n_tokens;
        row.and_then(|row| self.values.get(row * n..(row + 1) * n))
            .unwrap_or_default()
    }

    /// A tag's lane less that of another map, whose tags have their own numbers and whose tokens lie elsewhere: on this map's tokens,
    /// the other one's values between two of its tokens being linear. Empty if one of them has no such lane.
    pub fn less(&self, tag_idx: usize, other: &Self, other_tag_idx: usize) -> Vec<f32> {
        let (values, others) = (self.tag(tag_idx), other.tag(other_tag_idx));
        let Some(last) = others.len().checked_sub(1) else {
            return Vec::new();
        };
        let difference = values.iter().enumerate().map(|(token, value)| {
            let secs = self.grid.centre_secs(token);
            let at = (secs - other.grid.centre_secs(0)) / other.grid.token_secs();
            let at = at.clamp(0.0, last as f64);
            let (before, share) = (at as usize, at.fract() as f32);
            let here = others[before];
            let there = if share > 0.0 {
                others[before + 1]
            } else {
                here
            };
            value - (here + (there - here) * share)
        });
        difference.collect()
    }

    /// A tag's evidence for it: the positive part of its values.
    pub fn evidence(&self, tag_idx: usize) -> Vec<f32> {
        self.tag(tag_idx)
            .iter()
            .map(|value| value.max(0.0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MTT: Grid = Grid {
        samples_per_token: 2048.0,
        first_centre_samples: 768.0,
        receptive_field_samples: 16_384.0,
        n_tokens: 107,
        sample_rate_hz: 22_050,
    };

    #[test]
    fn a_difference_is_taken_at_the_same_times() {
        // The other one's tokens are twice as far apart and begin later.
        let other_grid = Grid {
            samples_per_token: 4096.0,
            first_centre_samples: 2816.0,
            ..MTT
        };
        let ramp = |grid: Grid, n: usize, scale: f32| {
            let values = (0..n).map(|token| scale * grid.centre_secs(token) as f32);
            TokenMap::new(
                Method::Contribution,
                grid,
                vec![0, 1],
                [vec![0.0; n], values.collect()].concat(),
            )
        };
        let (one, other) = (ramp(MTT, 20, 3.0), ramp(other_grid, 12, 1.0));
        for (token, value) in one.less(1, &other, 1).iter().enumerate().skip(1) {
            let secs = MTT.centre_secs(token) as f32;
            assert!((value - 2.0 * secs).abs() < 1e-4, "{token}: {value}");
        }
        assert_eq!(one.less(1, &one, 1), [0.0; 20]);
        assert!(one.less(7, &one, 1).is_empty() && one.less(1, &one, 7).is_empty());
    }

    #[test]
    fn the_grid_of_the_music_tagging_transformer_is_where_the_notes_say() {
        assert!((MTT.token_secs() - 0.0929).abs() < 1e-4);
        assert!((MTT.centre_secs(10) - (4.0 * 10.0 + 1.5) * 512.0 / 22_050.0).abs() < 1e-12);
        for token in 0..MTT.n_tokens {
            assert_eq!(MTT.token_at_secs(MTT.centre_secs(token)), Some(token));
        }
        assert_eq!(MTT.token_at_secs(0.0), Some(0));
        assert_eq!(MTT.token_at_secs(11.0), None);
    }
}
