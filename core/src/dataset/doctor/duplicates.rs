//! The same recording twice: first by the digest of the decoded sound, then by fingerprints.
//!
//! Two files of one recording share many fingerprint words exactly, at one distance in time. So all words of all files are sorted, equal
//! ones propose a pair with a distance, a short look around the place rejects chance, and what remains is compared bit by bit over all that
//! overlaps. 100,000 clips of half a minute are 32 million words: 256 MB and some seconds.

use super::fingerprint::{HOP_SECS, NOTHING};
use crate::job::{Cancelled, Job};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Two files are the same recording if fewer of their bits differ. Re-encoded copies differ in 0.05 to 0.2, other music in 0.4 to 0.5.
const MAX_ERROR: f64 = 0.28;
/// The same for the shortest overlap, of which chance makes more: two songs over one chord are alike for a while.
const MAX_ERROR_SHORT: f64 = 0.2;
/// From so many words on [`MAX_ERROR`] counts: 15 s.
const LONG_OVERLAP: usize = 162;
/// At a first look around the place.
const MAX_ERROR_AROUND: f64 = 0.34;
/// Words on either side at the first look.
const AROUND: usize = 20;
/// Words that must overlap: 5 s, or most of a shorter file.
const MIN_OVERLAP: usize = 54;
/// Shorter ones are not compared: 1.5 s.
const MIN_WORDS: usize = 16;
/// A word that more files share says nothing.
const MAX_SHARING: usize = 100;
/// Words in the index at most; of larger collections those that their content chooses.
const MAX_INDEXED: usize = 48 << 20;

/// Files that are the same recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Copies {
    /// Their numbers, ascending.
    pub members: Vec<usize>,
    /// Of each, how it compares with the first; empty for the first itself. `[members]`
    pub matches: Vec<Option<Match>>,
}

/// How a file compares with another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Share of the fingerprint's bits that differ; 0 if the samples are the same.
    pub error: f64,
    /// Whether the decoded samples are the same.
    pub is_exact: bool,
    /// Where in this file the other one's first sample lies, in seconds; negative if the other one begins earlier.
    pub offset_secs: f64,
    /// How much was compared, in seconds.
    pub overlap_secs: f64,
}

/// A file as this module sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<'a> {
    pub(super) digest: &'a str,
    pub(super) print: &'a [u32],
    pub(super) secs: f64,
    /// From beginning to end.
    pub(super) is_silent: bool,
}

/// Groups of files that are one recording. `None` and silent files are like no other.
pub(super) fn find(files: &[Option<Listed<'_>>], job: &Job) -> Result<Vec<Copies>, Cancelled> {
    job.report(0, 0, "looking for copies");
    let mut of_digest: HashMap<&str, Vec<usize>> = HashMap::new();
    for (idx, file) in files.iter().enumerate() {
        if let Some(file) = file.filter(|file| !file.is_silent) {
            of_digest.entry(file.digest).or_default().push(idx);
        }
    }
    let mut exact: Vec<Vec<usize>> = of_digest.into_values().collect();
    exact.sort_unstable();
    // One of each is compared with the others.
    let heads: Vec<usize> = exact.iter().map(|group| group[0]).collect();
    let prints: Vec<&[u32]> = heads
        .iter()
        .map(|&idx| files[idx].map_or(&[][..], |file| file.print))
        .collect();
    let pairs = similar(&prints, job)?;
    let mut leader: Vec<usize> = (0..heads.len()).collect();
    for &(a, b) in pairs.keys() {
        let (a, b) = (root(&leader, a as usize), root(&leader, b as usize));
        leader[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for head in 0..heads.len() {
        groups.entry(root(&leader, head)).or_default().push(head);
    }
    let mut found = Vec::new();
    for group in groups.into_values() {
        let mut members: Vec<(usize, Option<Match>)> = Vec::new();
        let first = group[0];
        for &head in &group {
            let to_first = (head != first)
                .then(|| pairs.get(&(first as u32, head as u32)).copied())
                .flatten()
                // A copy of a copy.
                .or_else(|| {
                    (head != first)
                        .then(|| compare_any(prints[first], prints[head]))
                        .flatten()
                });
            for &idx in &exact[head] {
                let own = if head == first {
                    (idx != heads[first]).then(|| Match {
                        error: 0.0,
                        is_exact: true,
                        offset_secs: 0.0,
                        overlap_secs: files[idx].map_or(0.0, |file| file.secs),
                    })
                } else {
                    to_first
                };
                members.push((idx, own));
            }
        }
        if members.len() > 1 {
            members.sort_by_key(|(idx, _)| *idx);
            found.push(Copies {
                members: members.iter().map(|(idx, _)| *idx).collect(),
                matches: members.into_iter().map(|(_, own)| own).collect(),
            });
        }
    }
    Ok(found)
}

fn root(leader: &[usize], mut idx: usize) -> usize {
    while leader[idx] != idx {
        idx = leader[idx];
    }
    idx
}

/// Pairs of prints that are alike, the smaller number first.
fn similar(prints: &[&[u32]], job: &Job) -> Result<BTreeMap<(u32, u32), Match>, Cancelled> {
    let mut starts = vec![0usize];
    for print in prints {
        starts.push(starts[starts.len() - 1] + print.len());
    }
    let n_words = starts[prints.len()];
    // Chosen by content, so that both files of a pair keep the same words.
    let keep_one_in = n_words.div_ceil(MAX_INDEXED).next_power_of_two() as u32;
    let is_kept =
        |word: u32| word != NOTHING && word.wrapping_mul(0x9E37_79B1) >> 8 & (keep_one_in - 1) == 0;
    let mut index: Vec<u64> = Vec::with_capacity(n_words / keep_one_in as usize);
    for (print, &start) in prints.iter().zip(&starts) {
        if print.len() < MIN_WORDS {
            continue;
        }
        let places = (start as u64..).zip(print.iter());
        index.extend(
            places
                .filter(|(_, word)| is_kept(**word))
                .map(|(place, &word)| u64::from(word) << 32 | place),
        );
    }
    job.check()?;
    index.par_sort_unstable();
    job.check()?;
    let file_of = |place: usize| starts.partition_point(|&start| start <= place) - 1;
    let groups: Vec<&[u64]> = index.chunk_by(|a, b| a >> 32 == b >> 32).collect();
    let found: Vec<HashMap<(u32, u32), Match>> = groups
        .par_chunks(4096)
        .map(|groups| {
            let mut found: HashMap<(u32, u32), Match> = HashMap::new();
            let mut refused: HashSet<(u32, u32, i64)> = HashSet::new();
            if job.check().is_err() {
                return found;
            }
            for group in groups
                .iter()
                .filter(|group| (2..=MAX_SHARING).contains(&group.len()))
            {
                let places: Vec<(u32, i64)> = group
                    .iter()
                    .map(|entry| {
                        let place = (entry & 0xFFFF_FFFF) as usize;
                        let file = file_of(place);
                        (file as u32, (place - starts[file]) as i64)
                    })
                    .collect();
                for (number, &(a, at_a)) in places.iter().enumerate() {
                    for &(b, at_b) in &places[number + 1..] {
                        let (offset, key) = (at_b - at_a, (a, b));
                        if a == b || found.contains_key(&key) || refused.contains(&(a, b, offset)) {
                            continue;
                        }
                        let (one, other) = (prints[a as usize], prints[b as usize]);
                        if error_around(one, other, at_a as usize, at_b as usize) > MAX_ERROR_AROUND
                        {
                            continue;
                        }
                        match compare(one, other, offset) {
                            Some(same) => drop(found.insert(key, same)),
                            None => drop(refused.insert((a, b, offset))),
                        }
                    }
                }
            }
            found
        })
        .collect();
    job.check()?;
    let mut pairs = BTreeMap::new();
    for (key, same) in found.into_iter().flatten() {
        let best = pairs.entry(key).or_insert(same);
        if (same.error, same.offset_secs) < (best.error, best.offset_secs) {
            *best = same;
        }
    }
    Ok(pairs)
}

/// Share of differing bits around two places.
fn error_around(a: &[u32], b: &[u32], at_a: usize, at_b: usize) -> f64 {
    let before = AROUND.min(at_a).min(at_b);
    let after = AROUND.min(a.len() - at_a).min(b.len() - at_b);
    let pairs = a[at_a - before..at_a + after]
        .iter()
        .zip(&b[at_b - before..at_b + after]);
    let (mut n_bits, mut n_off) = (0, 0);
    for (x, y) in pairs.filter(|(x, y)| **x != NOTHING && **y != NOTHING) {
        n_bits += 32;
        n_off += (x ^ y).count_ones();
    }
    f64::from(n_off) / f64::from(n_bits.max(1))
}

/// Compares all that overlaps if `b` is `offset` words later than `a` (and one more or less, whichever fits best). `None` unless they are alike.
fn compare(a: &[u32], b: &[u32], offset: i64) -> Option<Match> {
    let best = (offset - 1..=offset + 1)
        .filter_map(|offset| Some((error_at(a, b, offset)?, offset)))
        .min_by(|x, y| x.0.0.total_cmp(&y.0.0))?;
    let ((error, n_words), offset) = best;
    let longer = n_words.saturating_sub(MIN_OVERLAP) as f64 / (LONG_OVERLAP - MIN_OVERLAP) as f64;
    let limit = MAX_ERROR_SHORT + (MAX_ERROR - MAX_ERROR_SHORT) * longer.min(1.0);
    (error <= limit).then_some(Match {
        error,
        is_exact: false,
        offset_secs: offset as f64 * HOP_SECS,
        overlap_secs: n_words as f64 * HOP_SECS,
    })
}

/// The best of all offsets, for the few pairs that nothing else says it of.
fn compare_any(a: &[u32], b: &[u32]) -> Option<Match> {
    let offsets = -(a.len() as i64)..b.len() as i64;
    let matches = offsets.filter_map(|offset| compare(a, b, offset));
    matches.min_by(|x, y| x.error.total_cmp(&y.error))
}

/// Share of differing bits and number of words compared; `None` if too little overlaps.
fn error_at(a: &[u32], b: &[u32], offset: i64) -> Option<(f64, usize)> {
    let start_a = (-offset).max(0) as usize;
    let start_b = offset.max(0) as usize;
    let n_overlap = a
        .len()
        .checked_sub(start_a)?
        .min(b.len().checked_sub(start_b)?);
    let (mut n_words, mut n_off) = (0usize, 0u32);
    for (x, y) in a[start_a..start_a + n_overlap]
        .iter()
        .zip(&b[start_b..start_b + n_overlap])
    {
        if *x != NOTHING && *y != NOTHING {
            n_words += 1;
            n_off += (x ^ y).count_ones();
        }
    }
    let needed = MIN_OVERLAP
        .min(a.len().min(b.len()) * 4 / 5)
        .max(MIN_WORDS * 3 / 4);
    (n_words >= needed).then(|| (f64::from(n_off) / (32 * n_words) as f64, n_words))
}
