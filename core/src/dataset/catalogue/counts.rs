//! How often tags occur: in each part of a split, and together.

use super::index::NO_PART;
use super::{Bits, Index, SplitColumn};
use crate::dataset::Split;
use serde::Serialize;

/// How tags and artists are spread over the parts of a split. Arrays are in the order of [`Split::ALL`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// Tracks of each part.
    pub tracks: [usize; 4],
    /// Seconds of each part, as far as lengths are stated.
    pub secs: [f64; 4],
    /// Artists of each part; tracks without one do not count.
    pub artists: [usize; 4],
    /// Artists that are in both of two parts; `[parts][parts]`.
    pub shared_artists: [[usize; 4]; 4],
    /// Tracks with each tag, by part; `[tags of the vocabulary]`.
    pub tags: Vec<[usize; 4]>,
    /// Tracks without any tag of the vocabulary, by part.
    pub untagged: [usize; 4],
    /// Tracks that take no part.
    pub outside: usize,
}

impl Balance {
    /// Share of a part's tracks that carry a tag; `None` if the part is empty.
    pub fn share(&self, tag: usize, part: usize) -> Option<f64> {
        (self.tracks[part] > 0).then(|| self.tags[tag][part] as f64 / self.tracks[part] as f64)
    }

    /// Tracks with a tag in all parts.
    pub fn total(&self, tag: usize) -> usize {
        self.tags[tag].iter().sum()
    }

    /// The largest share among train, valid and test over the smallest: 1 where a tag is spread evenly. `None` with fewer than two
    /// such parts; infinite where a part has none.
    pub fn unevenness(&self, tag: usize) -> Option<f64> {
        let labelled = [Split::Train, Split::Valid, Split::Test];
        let places = (0..Split::ALL.len()).filter(|&part| labelled.contains(&Split::ALL[part]));
        let shares: Vec<f64> = places.filter_map(|part| self.share(tag, part)).collect();
        let (least, most) = shares
            .iter()
            .fold((f64::INFINITY, 0.0f64), |(least, most), &share| {
                (least.min(share), most.max(share))
            });
        (shares.len() >= 2 && most > 0.0).then(|| most / least)
    }
}

/// Which tags occur together. Only pairs that do are held: of a vocabulary of a hundred thousand tags, most never meet.
#[derive(Clone, Debug, PartialEq)]
pub struct CoOccurrence {
    /// How many tracks were counted.
    pub n_tracks: usize,
    /// Where the pairs of each tag end in `others` and `counts`; `[tags]`.
    ends: Vec<usize>,
    /// The other tag of each pair: ascending within a tag, from the tag itself on.
    others: Vec<u32>,
    /// Tracks that carry both; of a tag with itself, those that carry it.
    counts: Vec<u32>,
}

impl CoOccurrence {
    /// How many tags there are.
    pub fn n_tags(&self) -> usize {
        self.ends.len()
    }

    fn pairs_of(&self, tag: usize) -> std::ops::Range<usize> {
        let start = tag.checked_sub(1).map_or(0, |last| self.ends[last]);
        start..self.ends[tag]
    }

    /// Tracks that carry both tags; of a tag with itself, those that carry it.
    pub fn count(&self, one: usize, other: usize) -> u32 {
        let pairs = self.pairs_of(one.min(other));
        let place = self.others[pairs.clone()].binary_search(&(one.max(other) as u32));
        place.map_or(0, |place| self.counts[pairs.start + place])
    }

    /// Pairs of different tags that occur together, each once, the lower tag first, with how many tracks carry both.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        (0..self.n_tags()).flat_map(move |one| {
            let pairs = self.pairs_of(one);
            let others = pairs.map(|at| (self.others[at] as usize, self.counts[at]));
            let others = others.filter(move |(other, _)| *other != one);
            others.map(move |(other, count)| (one, other, count))
        })
    }

    /// Share of the tracks with tag `one` that carry `other`, too; `None` if there are none.
    pub fn share(&self, one: usize, other: usize) -> Option<f64> {
        let all = self.count(one, one);
        (all > 0).then(|| f64::from(self.count(one, other)) / f64::from(all))
    }

    /// How many times as often two tags occur together as they would if they knew nothing of each other. `None` if one never occurs.
    pub fn lift(&self, one: usize, other: usize) -> Option<f64> {
        let expected = f64::from(self.count(one, one)) * f64::from(self.count(other, other));
        let found = f64::from(self.count(one, other)) * self.n_tracks as f64;
        (expected > 0.0).then(|| found / expected)
    }
}

impl Index {
    /// How tags and artists are spread over the parts of a split, among these rows. Without a split, all rows count as unlabelled.
    pub fn balance(&self, rows: &Bits, split: Option<&SplitColumn>) -> Balance {
        let vocabulary = self.vocabulary_of(split);
        let mut balance = Balance {
            tracks: [0; 4],
            secs: [0.0; 4],
            artists: [0; 4],
            shared_artists: [[0; 4]; 4],
            tags: vec![[0; 4]; vocabulary.len()],
            untagged: [0; 4],
            outside: 0,
        };
        let mut parts_of = vec![0u8; self.artists.written.len()];
        for row in rows.rows() {
            let row = row as usize;
            let part = split.map_or(NO_PART - 1, |split| split.parts[row]) as usize;
            if part == NO_PART as usize {
                balance.outside += 1;
                continue;
            }
            balance.tracks[part] += 1;
            if !self.secs[row].is_nan() {
                balance.secs[part] += self.secs[row];
            }
            parts_of[self.artists.of[row] as usize] |= 1 << part;
            let mut n_tags = 0;
            for &tag in self.tags_of(row) {
                if let Some(tag) = (tag as usize).checked_sub(vocabulary.start)
                    && let Some(counts) = balance.tags.get_mut(tag)
                {
                    counts[part] += 1;
                    n_tags += 1;
                }
            }
            balance.untagged[part] += usize::from(n_tags == 0);
        }
        for (name, parts) in self.artists.written.iter().zip(parts_of) {
            let has = |part: usize| parts >> part & 1 == 1;
            for one in (0..4).filter(|&part| !name.is_empty() && has(part)) {
                balance.artists[one] += 1;
                for other in (0..4).filter(|&other| other != one && has(other)) {
                    balance.shared_artists[one][other] += 1;
                }
            }
        }
        balance
    }

    /// Which tags of a split's vocabulary occur together, among these rows.
    pub fn co_occurrence(&self, rows: &Bits, split: Option<&SplitColumn>) -> CoOccurrence {
        let tags = self.vocabulary_of(split);
        let mut together = CoOccurrence {
            n_tracks: rows.count(),
            ends: Vec::with_capacity(tags.len()),
            others: Vec::new(),
            counts: Vec::new(),
        };
        // Of the tag that is looked at, with each other one.
        let mut met_times = vec![0; tags.len()];
        let mut met = Vec::new();
        for one in tags.clone() {
            let carriers = self.carriers[one].iter().map(|&row| row as usize);
            for row in carriers.filter(|&row| rows.has(row)) {
                for &other in self.tags_of(row) {
                    let other = other as usize;
                    if other >= one && other < tags.end {
                        let times = &mut met_times[other - tags.start];
                        if *times == 0 {
                            met.push((other - tags.start) as u32);
                        }
                        *times += 1;
                    }
                }
            }
            met.sort_unstable();
            for other in met.drain(..) {
                let times = std::mem::take(&mut met_times[other as usize]);
                together.others.push(other);
                together.counts.push(times);
            }
            together.ends.push(together.others.len());
        }
        together
    }
}
