//! How well a division came out: sizes of the parts, and how often each tag occurs in each.

use super::Shares;
use super::groups::Groups;
use crate::dataset::{Dataset, Split};
use serde::Serialize;

/// Sizes and tags of a division. Tracks of the pool count for sizes only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// The parts that were asked for, then the pool if it is none of them.
    pub parts: Vec<PartBalance>,
    /// Each tag, the one that is off most first.
    pub tags: Vec<TagBalance>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartBalance {
    /// Which.
    pub part: Split,
    /// How many tracks it has.
    pub n_tracks: usize,
    /// Of these, how many were dealt out by their tags; the rest is the pool.
    pub n_labelled: usize,
    /// How many groups (artists, albums) it has.
    pub n_groups: usize,
    /// The share of the labelled tracks that was asked for.
    pub wanted: f64,
    /// The share it got.
    pub share: f64,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagBalance {
    /// Its name.
    pub tag: String,
    /// How many tracks of each part have it, in the order of [`Balance::parts`].
    pub counts: Vec<usize>,
    /// How much oftener (above 0) or rarer it is in the part that is off most than in all parts together; 0.1 is by a tenth. `None` if no track has it.
    pub off_by: Option<f64>,
    /// In which part.
    pub off_in: Option<Split>,
}

impl Balance {
    /// Counts a division; `parts[t]` is the part of track `t`.
    pub(super) fn of(
        dataset: &Dataset,
        parts: &[Option<Split>],
        is_labelled: &[bool],
        groups: &Groups,
        shares: &Shares,
    ) -> Self {
        let mut columns: Vec<(Split, f64)> = shares.parts().to_vec();
        let has_pool = parts.contains(&Some(Split::Unlabelled));
        if has_pool && !columns.iter().any(|(part, _)| *part == Split::Unlabelled) {
            columns.push((Split::Unlabelled, 0.0));
        }
        let column_of = |part: Split| columns.iter().position(|(other, _)| *other == part);
        let mut counts = vec![vec![0usize; columns.len()]; dataset.n_tags()];
        let mut n_tracks = vec![0usize; columns.len()];
        let mut n_labelled = vec![0usize; columns.len()];
        let mut seen = vec![vec![false; groups.n]; columns.len()];
        let mut n_groups = vec![0usize; columns.len()];
        for (idx, part) in parts.iter().enumerate() {
            let Some(column) = part.and_then(column_of) else {
                continue;
            };
            n_tracks[column] += 1;
            let group = groups.of_track[idx] as usize;
            n_groups[column] += usize::from(!std::mem::replace(&mut seen[column][group], true));
            if is_labelled[idx] {
                n_labelled[column] += 1;
                for tag in &dataset.tracks[idx].tags {
                    counts[tag.index()][column] += 1;
                }
            }
        }
        let all_labelled = n_labelled.iter().sum::<usize>().max(1) as f64;
        let mut tags: Vec<TagBalance> = dataset
            .tags
            .iter()
            .zip(counts)
            .map(|(tag, counts)| {
                let all = counts.iter().sum::<usize>() as f64;
                let off = columns.iter().zip(&counts).zip(&n_labelled);
                let worst = off
                    .filter(|(_, n)| **n > 0 && all > 0.0)
                    .map(|(((part, _), &count), &n)| {
                        (count as f64 / n as f64 / (all / all_labelled) - 1.0, *part)
                    })
                    .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
                TagBalance {
                    tag: tag.clone(),
                    counts,
                    off_by: worst.map(|(off, _)| off),
                    off_in: worst.map(|(_, part)| part),
                }
            })
            .collect();
        let size = |tag: &TagBalance| tag.off_by.map_or(-1.0, f64::abs);
        tags.sort_by(|a, b| size(b).total_cmp(&size(a)));
        Self {
            parts: columns
                .iter()
                .enumerate()
                .map(|(column, &(part, wanted))| PartBalance {
                    part,
                    n_tracks: n_tracks[column],
                    n_labelled: n_labelled[column],
                    n_groups: n_groups[column],
                    wanted,
                    share: n_labelled[column] as f64 / all_labelled,
                })
                .collect(),
            tags,
        }
    }

    /// By how much the tags are off in the mean, without sign; `None` without tags.
    pub fn mean_off(&self) -> Option<f64> {
        let offs: Vec<f64> = self
            .tags
            .iter()
            .filter_map(|tag| tag.off_by)
            .map(f64::abs)
            .collect();
        (!offs.is_empty()).then(|| offs.iter().sum::<f64>() / offs.len() as f64)
    }
}
