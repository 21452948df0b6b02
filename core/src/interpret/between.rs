//! Windows between two chunks of the evaluation, from what the model heard in the chunks.
//!
//! A network hears in convolutions, which cost most of an answer, and reads in attention. Neighbouring chunks hold all that a
//! window between them hears but for the joint, where the tokens of both have heard the chunk's edge instead of what goes on behind it; these
//! are heard anew. The two chunks do not start a whole number of tokens apart, so that behind the joint the tokens lie up to half a
//! token beside their place: 46 ms in the Music Tagging Transformer, whose tokens hear 0.77 s. The chunks themselves stay exact.

use super::{Error, Explainer, Method};
use crate::predict::{SlidingWindows, Tokens};
use std::ops::Range;

/// Where the tokens of windows between chunks are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    samples_per_token: usize,
    /// Tokens of a window.
    n_tokens: usize,
    /// So many tokens at an edge have heard it.
    edge: usize,
}

/// The tokens of a window: those of the chunk before, of the joint, of the chunk behind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    before: Range<usize>,
    joint: Range<usize>,
    behind: Range<usize>,
}

impl Between {
    /// Of a model; `None` if it hears no tokens, or windows are so short that hearing a joint is no less than hearing a window.
    pub(super) fn of(model: &dyn Explainer) -> Option<Self> {
        if !model.hears_tokens() {
            return None;
        }
        let grid = model.grid(Method::Attention, model.window_samples());
        let half = 0.5 * grid.receptive_field_samples / grid.samples_per_token;
        let between = Self {
            samples_per_token: grid.samples_per_token as usize,
            n_tokens: grid.n_tokens,
            // One more, because a frame reaches beyond its own hop.
            edge: half.ceil() as usize + 1,
        };
        (4 * between.edge + 1 < between.n_tokens).then_some(between)
    }

    /// Starts the windows between chunks a whole number of tokens behind a chunk.
    pub(super) fn align(&self, windows: &mut SlidingWindows) {
        let mut chunk = 0;
        let mut chunks = windows.chunks.iter().copied().peekable();
        for (idx, start) in windows.starts.iter_mut().enumerate() {
            if chunks.next_if_eq(&idx).is_some() {
                chunk = *start;
            } else {
                *start = chunk + self.tokens(*start - chunk) * self.samples_per_token;
            }
        }
    }

    /// Whole tokens in so many samples, rounded.
    fn tokens(&self, n_samples: usize) -> usize {
        (n_samples + self.samples_per_token / 2) / self.samples_per_token
    }

    /// Tokens of the joint between chunks so many samples apart.
    fn n_joint(&self, gap: usize) -> usize {
        (self.tokens(gap) + 2 * self.edge).saturating_sub(self.n_tokens)
    }

    /// What must be heard anew between two chunks; an empty range if nothing.
    fn strip(&self, chunk: usize, next: usize) -> Range<usize> {
        let n_joint = self.n_joint(next - chunk);
        let start = chunk + (self.n_tokens - 2 * self.edge) * self.samples_per_token;
        let n_tokens = if n_joint > 0 {
            n_joint + 2 * self.edge
        } else {
            0
        };
        start..start + n_tokens * self.samples_per_token
    }

    /// The tokens of the joint between two chunks.
    pub(super) fn joint(
        &self,
        model: &dyn Explainer,
        wave: &[f32],
        chunk: usize,
        next: usize,
    ) -> Result<Option<Tokens>, Error> {
        let strip = self.strip(chunk, next);
        let Some(strip) = wave.get(strip).filter(|strip| !strip.is_empty()) else {
            return Ok(None);
        };
        let n_joint = self.n_joint(next - chunk);
        let heard = model.hear(strip)?;
        let inside = heard.map(|heard| Tokens::join(&[(&heard, self.edge..self.edge + n_joint)]));
        inside.transpose().map_err(super::model::failed)
    }

    /// Of which tokens a window consists that starts `from_chunk` samples behind a chunk, the next one being `gap` behind it.
    fn parts(&self, from_chunk: usize, gap: usize) -> Parts {
        let (n, edge) = (self.n_tokens, self.edge);
        let skipped = self.tokens(from_chunk);
        let until_next = self.tokens(gap).saturating_sub(skipped);
        // Places in the window up to which the chunk before, and from which the chunk behind can be used.
        let before_ends = (n - edge).saturating_sub(skipped);
        let behind_starts = (until_next + edge).min(n);
        let (before_ends, behind_starts) = if behind_starts < before_ends {
            let middle = usize::midpoint(before_ends, behind_starts);
            (middle, middle)
        } else {
            (before_ends, behind_starts)
        };
        // The first token of the joint is that behind the chunk's last good one.
        let joint_from = (skipped + before_ends).saturating_sub(n - edge);
        Parts {
            before: skipped..skipped + before_ends,
            joint: joint_from..joint_from + behind_starts - before_ends,
            behind: behind_starts - until_next.min(behind_starts)..n - until_next.min(n),
        }
    }

    /// The tokens of a window that starts `from_chunk` samples behind a chunk, from those of the chunk, of the joint, and of the next
    /// chunk, which starts `gap` behind the first.
    pub(super) fn window(
        &self,
        from_chunk: usize,
        gap: usize,
        chunk: &Tokens,
        joint: Option<&Tokens>,
        next: &Tokens,
    ) -> Result<Tokens, Error> {
        let parts = self.parts(from_chunk, gap);
        let mut tokens = vec![(chunk, parts.before)];
        if let Some(joint) = joint {
            tokens.push((joint, parts.joint));
        }
        tokens.push((next, parts.behind));
        Tokens::join(&tokens).map_err(super::model::failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Tokens are told apart by the sample in which they start: in every window they lie side by side, at most half a token beside their
        /// place, and none of them has heard the edge of a chunk.
        #[test]
        fn the_tokens_of_a_window_lie_at_their_places(
            n_samples in 9_000usize..60_000, n_tokens in 26usize..80, edge in 1usize..6, hop in 0.125f64..0.9,
        ) {
            let p = 100;
            let between = Between { samples_per_token: p, n_tokens, edge };
            let window = n_tokens * p + 37;
            let mut windows = SlidingWindows::new(n_samples, window, (hop * window as f64) as usize);
            between.align(&mut windows);
            prop_assert!(windows.starts.windows(2).all(|pair| pair[0] < pair[1]));
            for pair in windows.chunks.windows(2) {
                let (a, b) = (windows.starts[pair[0]], windows.starts[pair[1]]);
                let strip = between.strip(a, b);
                prop_assert!(strip.is_empty() || (strip.start >= a && strip.end <= n_samples));
                for &start in &windows.starts[pair[0] + 1..pair[1]] {
                    let parts = between.parts(start - a, b - a);
                    let of_joint = |token: usize| strip.start + (edge + token) * p;
                    let starts: Vec<usize> = parts.before.clone().map(|token| a + token * p)
                        .chain(parts.joint.clone().map(of_joint))
                        .chain(parts.behind.clone().map(|token| b + token * p))
                        .collect();
                    prop_assert_eq!(starts.len(), n_tokens);
                    for (token, &found) in starts.iter().enumerate() {
                        prop_assert!(found.abs_diff(start + token * p) <= p / 2, "{token}: {found}");
                    }
                    prop_assert!(parts.before.is_empty() || parts.before.end + edge <= n_tokens);
                    prop_assert!(parts.behind.is_empty() || parts.behind.start >= edge);
                    prop_assert!(parts.joint.end <= between.n_joint(b - a) || parts.joint.is_empty());
                    prop_assert_eq!(parts.joint.is_empty() || !strip.is_empty(), true);
                }
            }
        }
    }
}
