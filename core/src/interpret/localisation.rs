//! How well a map points at the moments in which a tag is known to hold.
//!
//! Tokens are the cases: a token counts as true if the tag holds at its centre. Scores are taken tag by tag over the tokens of all songs
//! in which the tag is true somewhere; elsewhere there is nothing to find.

use super::{Grid, TokenMap};
use crate::metrics;
use std::ops::Range;

/// Which tokens a tag holds for: those whose centre lies in one of the spans (seconds).
pub(super) fn token_labels(grid: &Grid, spans_secs: &[Range<f64>]) -> Vec<bool> {
    (0..grid.n_tokens)
        .map(|token| {
            let centre = grid.centre_secs(token);
            spans_secs.iter().any(|span| span.contains(&centre))
        })
        .collect()
}

/// Gathers tokens of many songs, tag by tag.
#[derive(Clone, Debug)]
pub struct Localisation {
    tags: Vec<Gathered>,
}

#[derive(Clone, Debug, Default)]
struct Gathered {
    scores: Vec<f64>,
    labels: Vec<bool>,
    n_songs: usize,
    n_hits: usize,
}

/// How well a tag is found.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct TagLocalisation {
    /// Songs in which the tag holds at times.
    pub n_songs: usize,
    /// Area under the ROC curve over tokens; `None` if the tag holds everywhere or nowhere.
    pub roc_auc: Option<f64>,
    /// Average precision over tokens.
    pub average_precision: Option<f64>,
    /// Share of tokens for which the tag holds: the average precision of chance.
    pub prevalence: Option<f64>,
    /// Pointing game: share of songs whose highest token is a true one; `None` without songs.
    pub pointing: Option<f64>,
}

impl Localisation {
    /// For `n_tags` tags, no song yet.
    pub fn new(n_tags: usize) -> Self {
        Self {
            tags: vec![Gathered::default(); n_tags],
        }
    }

    /// Adds a tag's lane of a song and its true spans in seconds. Songs without a true token are left out.
    pub fn push(&mut self, tag_idx: usize, map: &TokenMap, spans_secs: &[Range<f64>]) {
        let labels = token_labels(&map.grid, spans_secs);
        let values = map.tag(tag_idx);
        let Some(gathered) = self.tags.get_mut(tag_idx) else {
            return;
        };
        if values.len() != labels.len() || !labels.contains(&true) {
            return;
        }
        let highest = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
        gathered.n_songs += 1;
        gathered.n_hits += usize::from(highest.is_some_and(|token| labels[token]));
        gathered
            .scores
            .extend(values.iter().map(|&value| f64::from(value)));
        gathered.labels.extend(labels);
    }

    /// The scores of a tag.
    pub fn tag(&self, tag_idx: usize) -> Option<TagLocalisation> {
        let Gathered {
            scores,
            labels,
            n_songs,
            n_hits,
        } = self.tags.get(tag_idx)?;
        let n_true = labels.iter().filter(|&&label| label).count();
        Some(TagLocalisation {
            n_songs: *n_songs,
            roc_auc: metrics::roc_auc(scores, labels),
            average_precision: metrics::average_precision(scores, labels),
            prevalence: (!labels.is_empty()).then(|| n_true as f64 / labels.len() as f64),
            pointing: (*n_songs > 0).then(|| *n_hits as f64 / *n_songs as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::Method;

    const GRID: Grid = Grid {
        samples_per_token: 1.0,
        first_centre_samples: 0.5,
        receptive_field_samples: 1.0,
        n_tokens: 6,
        sample_rate_hz: 1,
    };

    fn map(values: [f32; 6]) -> TokenMap {
        TokenMap {
            method: Method::Contribution,
            grid: GRID,
            tags: vec![0],
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_token_is_true_where_its_centre_is() {
        assert_eq!(
            token_labels(&GRID, &[0.6..2.5, 4.0..5.0]),
            [false, true, false, false, true, false]
        );
    }

    #[test]
    fn a_map_that_points_right_scores_one_and_its_opposite_none() {
        let truth = [2.0..4.0];
        for (values, auc, pointing) in [
            ([0.0, 0.1, 0.9, 0.8, 0.0, -1.0], 1.0, 1.0),
            ([0.9, 0.8, 0.0, -1.0, 0.7, 0.6], 0.0, 0.0),
        ] {
            let mut scores = Localisation::new(1);
            scores.push(0, &map(values), &truth);
            let found = scores.tag(0).unwrap();
            assert_eq!(
                (found.roc_auc, found.pointing, found.n_songs),
                (Some(auc), Some(pointing), 1)
            );
            assert_eq!(found.prevalence, Some(2.0 / 6.0));
        }
    }

    #[test]
    fn songs_without_the_tag_are_left_out_and_no_number_is_made_up() {
        let mut scores = Localisation::new(1);
        scores.push(0, &map([0.0; 6]), &[]);
        let found = scores.tag(0).unwrap();
        assert_eq!(
            (found.n_songs, found.roc_auc, found.pointing),
            (0, None, None)
        );
        assert!(scores.tag(1).is_none());
    }
}
