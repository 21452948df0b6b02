//! Two named splits of a data set, beside each other: who moved, which artists stand on other sides, how the tags are spread.

use super::index::NO_PART;
use super::{Bits, Index, SplitColumn};
use serde::Serialize;
use std::collections::HashMap;

/// Parts of a split, and outside of it; the last place of each array.
const N: usize = NO_PART as usize + 1;

/// Two splits compared. Arrays are in the order of [`crate::dataset::Split::ALL`] with a last place for tracks that take no part;
/// `[parts of the first][parts of the second]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first split.
    pub first: SplitSide,
    /// The second split.
    pub second: SplitSide,
    /// Where the tracks are in the one and in the other.
    pub tracks: [[usize; N]; N],
    /// Artists with a track in this part of the first and one in that part of the second. Off the diagonal they are leaks, if a
    /// model that was trained by one split is scored by the other.
    pub artists: [[usize; N]; N],
    /// Tags of both vocabularies, those of the first in their order.
    pub tags: Vec<TagShares>,
}

/// One of two splits that are compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitSide {
    /// What it is called.
    pub name: String,
    /// Tracks of each part.
    pub tracks: [usize; 4],
    /// Artists of each part.
    pub artists: [usize; 4],
    /// Artists that are in both of two parts of it.
    pub shared_artists: [[usize; 4]; 4],
}

/// A tag in two splits. `None` where the vocabulary does not have it, or the part is empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagShares {
    /// What it is called.
    pub name: String,
    /// Share of each part's tracks in the first split, 0..=1.
    pub first: [Option<f64>; 4],
    /// The same in the second.
    pub second: [Option<f64>; 4],
}

impl Comparison {
    /// Tracks that take part in both and are in another part.
    pub fn n_moved(&self) -> usize {
        let pairs = (0..4).flat_map(|from| (0..4).map(move |to| (from, to)));
        let moved = pairs.filter(|(from, to)| from != to);
        moved.map(|(from, to)| self.tracks[from][to]).sum()
    }
}

impl Index {
    /// Compares two splits of the data set.
    pub fn compare(&self, first: &SplitColumn, second: &SplitColumn) -> Comparison {
        let mut tracks = [[0; N]; N];
        // A bit for each pair of parts.
        let mut pairs_of = vec![0u32; self.artists.written.len()];
        let mut parts_of = vec![[0u8; 2]; self.artists.written.len()];
        for row in 0..self.len() {
            let (from, to) = (first.parts[row] as usize, second.parts[row] as usize);
            tracks[from][to] += 1;
            let artist = self.artists.of[row] as usize;
            parts_of[artist][0] |= 1 << from;
            parts_of[artist][1] |= 1 << to;
        }
        for (pairs, [from, to]) in pairs_of.iter_mut().zip(parts_of) {
            for one in (0..N).filter(|one| from >> one & 1 == 1) {
                *pairs |= u32::from(to) << (one * N);
            }
        }
        let mut artists = [[0; N]; N];
        for (name, pairs) in self.artists.written.iter().zip(pairs_of) {
            for (one, row) in artists.iter_mut().enumerate() {
                for (other, count) in row.iter_mut().enumerate() {
                    let is_in = pairs >> (one * N + other) & 1 == 1;
                    *count += usize::from(is_in && !name.is_empty());
                }
            }
        }
        let everything = Bits::all(self.len());
        let balances = [first, second].map(|split| self.balance(&everything, Some(split)));
        let side = |number: usize, split: &SplitColumn| SplitSide {
            name: split.name.clone(),
            tracks: balances[number].tracks,
            artists: balances[number].artists,
            shared_artists: balances[number].shared_artists,
        };
        let vocabularies = [first, second].map(|split| self.vocabulary_of(Some(split)));
        let names = |number: usize| {
            let tags = self.tags[vocabularies[number].clone()].iter();
            tags.map(|tag| tag.name.as_str())
        };
        let places = [0, 1].map(|number| names(number).zip(0..).collect::<HashMap<&str, usize>>());
        let share_of = |number: usize, name: &str| {
            let place = places[number].get(name).copied();
            std::array::from_fn(|part| balances[number].share(place?, part))
        };
        let only_second = names(1).filter(|name| !places[0].contains_key(name));
        let tags = names(0)
            .chain(only_second)
            .map(|name| TagShares {
                name: name.to_owned(),
                first: share_of(0, name),
                second: share_of(1, name),
            })
            .collect();
        Comparison {
            first: side(0, first),
            second: side(1, second),
            tracks,
            artists,
            tags,
        }
    }
}
