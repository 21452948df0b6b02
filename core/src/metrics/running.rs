//! Scores over the last clips that training has seen: a curve between two validations.

use super::rank::{Ranking, order_f32};
use super::scores::Scores;
use rayon::prelude::*;

/// The newest clips' probabilities and labels in a ring, scored on demand.
///
/// A query ranks every tag anew, spread over the tags: 50 tags × 2,000 clips take about a millisecond
/// (see `benches`), so that it may be asked every few steps.
#[derive(Clone, Debug)]
pub struct RunningScores {
    n_tags: usize,
    capacity: usize,
    /// Clips seen in all; the newest stands in row `(n_seen - 1) % capacity`.
    n_seen: usize,
    /// `[n_tags, capacity]`: sortable score and label of a clip; `None` where the score was not a number.
    columns: Vec<Option<(u32, bool)>>,
}

impl RunningScores {
    /// How many clips the running scores cover unless told otherwise.
    pub const DEFAULT_CAPACITY: usize = 2000;

    /// Scores over the last `capacity` clips, at least one.
    pub fn new(n_tags: usize, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            n_tags,
            capacity,
            n_seen: 0,
            columns: vec![None; n_tags * capacity],
        }
    }

    /// Adds clips: `probabilities` and `labels` are row-major `[clips, n_tags]`. Panics if the shapes do not fit.
    pub fn push(&mut self, probabilities: &[f32], labels: &[bool]) {
        super::scores::check_shape(probabilities.len(), labels.len(), self.n_tags);
        if self.n_tags == 0 {
            return;
        }
        let clips = probabilities
            .chunks_exact(self.n_tags)
            .zip(labels.chunks_exact(self.n_tags));
        for (clip_scores, clip_labels) in clips {
            let row = self.n_seen % self.capacity;
            for (tag_idx, (&score, &label)) in clip_scores.iter().zip(clip_labels).enumerate() {
                self.columns[tag_idx * self.capacity + row] =
                    order_f32(score).map(|key| (key, label));
            }
            self.n_seen += 1;
        }
    }

    /// How many clips the scores cover now.
    pub fn n_clips(&self) -> usize {
        self.n_seen.min(self.capacity)
    }

    /// All that the scores depend on, to be kept with a checkpoint: for each clip, the oldest first, and each tag the key by which
    /// its score is ranked, and a mark (0: not a number, 1: negative, 2: positive); both `[clips, n_tags]`.
    pub fn snapshot(&self) -> (Vec<u32>, Vec<u8>) {
        let n_clips = self.n_clips();
        let cells = (self.n_seen - n_clips..self.n_seen).flat_map(|clip| {
            let row = clip % self.capacity;
            (0..self.n_tags).map(move |tag_idx| self.columns[tag_idx * self.capacity + row])
        });
        cells
            .map(|cell| cell.map_or((0, 0), |(key, label)| (key, 1 + u8::from(label))))
            .unzip()
    }

    /// Takes up what [`Self::snapshot`] gave, in place of all clips so far. False, and nothing is changed, if it does not fit.
    #[must_use]
    pub fn restore(&mut self, keys: &[u32], marks: &[u8]) -> bool {
        let cells = self.n_tags.max(1);
        if keys.len() != marks.len()
            || !keys.len().is_multiple_of(cells)
            || keys.len() / cells > self.capacity
            || marks.iter().any(|&mark| mark > 2)
        {
            return false;
        }
        self.n_seen = keys.len() / cells;
        for (i, (&key, &mark)) in keys.iter().zip(marks).enumerate() {
            self.columns[i % cells * self.capacity + i / cells] =
                (mark > 0).then_some((key, mark == 2));
        }
        true
    }

    /// Scores over the clips in the ring. A clip whose score of a tag is not a number does not count for that tag.
    pub fn scores(&self) -> Scores {
        let n_clips = self.n_clips();
        let (roc_auc, average_precision) = (0..self.n_tags)
            .into_par_iter()
            .map_init(
                || (Vec::with_capacity(n_clips), Ranking::default()),
                |(pairs, ranking), tag_idx| {
                    let column = &self.columns[tag_idx * self.capacity..][..n_clips];
                    pairs.clear();
                    pairs.extend(column.iter().flatten().copied());
                    ranking.rank(pairs);
                    (ranking.roc_auc(), ranking.average_precision())
                },
            )
            .unzip();
        Scores::from_tags(roc_auc, average_precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::score;
    use crate::rng::{Address, Purpose};

    #[test]
    fn only_the_newest_clips_count() {
        let n_tags = 3;
        let mut draws = Address::new(1, Purpose::Check, 0).stream();
        let scores: Vec<f32> = (0..50 * n_tags).map(|_| draws.uniform()).collect();
        let labels: Vec<bool> = (0..50 * n_tags).map(|_| draws.chance(0.4)).collect();
        let mut running = RunningScores::new(n_tags, 20);
        // Batches of an odd size, so that one wraps around the end of the ring.
        for (batch, batch_labels) in scores.chunks(7 * n_tags).zip(labels.chunks(7 * n_tags)) {
            running.push(batch, batch_labels);
        }
        assert_eq!(running.n_clips(), 20);
        let newest = 30 * n_tags..;
        assert_eq!(
            running.scores(),
            score(&scores[newest.clone()], &labels[newest], n_tags)
        );
    }

    #[test]
    fn nothing_seen_has_no_scores() {
        let mut running = RunningScores::new(2, 10);
        assert_eq!(running.scores().roc_auc_macro, None);
        running.push(&[0.1, 0.9, 0.8, 0.2], &[false, true, true, false]);
        assert_eq!(running.scores().roc_auc_macro, Some(1.0));
    }

    #[test]
    fn a_snapshot_goes_on_like_the_original() {
        let n_tags = 2;
        let mut draws = Address::new(2, Purpose::Check, 0).stream();
        let mut clip = || {
            let scores = [
                draws.uniform(),
                if draws.chance(0.1) { f32::NAN } else { 0.5 },
            ];
            (scores, [draws.chance(0.4), draws.chance(0.4)])
        };
        let mut running = RunningScores::new(n_tags, 10);
        for _ in 0..17 {
            let (scores, labels) = clip();
            running.push(&scores, &labels);
        }
        let (keys, marks) = running.snapshot();
        let mut restored = RunningScores::new(n_tags, 10);
        assert!(restored.restore(&keys, &marks));
        for _ in 0..6 {
            let (scores, labels) = clip();
            running.push(&scores, &labels);
            restored.push(&scores, &labels);
            assert_eq!(restored.scores(), running.scores());
        }
        assert!(!restored.restore(&keys[1..], &marks[1..]), "half a clip");
        assert!(
            !RunningScores::new(n_tags, 9).restore(&keys, &marks),
            "too many"
        );
    }
}
