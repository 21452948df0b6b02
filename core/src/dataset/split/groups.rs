//! Which tracks belong together, so that they must not be on both sides of a split.

use crate::dataset::{Dataset, Track};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What must not be on both sides of a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The artist.
    #[default]
    Artist,
    /// The album (of the same artist).
    Album,
    /// Nothing: tracks are divided one by one.
    None,
}

/// Words that stand for "nobody knows" or for many, folded as [`known_name`] does.
const NO_NAMES: [&str; 16] = [
    "",
    "-",
    "?",
    "n/a",
    "na",
    "nan",
    "none",
    "null",
    "unknown",
    "[unknown]",
    "<unknown>",
    "unknown artist",
    "unknown album",
    "various",
    "various artists",
    "va",
];

/// An artist's or album's name as names are compared: without case and superfluous blanks. `None` where it names nobody: two tracks of an unknown
/// artist are not by the same one.
pub fn known_name(written: &str) -> Option<String> {
    let folded = written
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    (!NO_NAMES.contains(&folded.as_str())).then_some(folded)
}

/// What a track shares with those it must not be parted from; `None` if nobody says.
pub(super) fn key(track: &Track, by: By) -> Option<String> {
    match by {
        By::Artist => known_name(&track.artist),
        // Many artists have a "Greatest Hits".
        By::Album => known_name(&track.album).map(|album| {
            let artist = known_name(&track.artist).unwrap_or_default();
            format!("{artist}\n{album}")
        }),
        By::None => None,
    }
}

/// Tracks in groups.
pub(super) struct Groups {
    /// Number of each track's group. `[tracks]`
    pub(super) of_track: Vec<u32>,
    /// How many groups there are.
    pub(super) n: usize,
    /// Tracks without a known artist (album).
    pub(super) n_unknown: usize,
}

impl Groups {
    /// Groups by artist or album, joined where tracks of two groups are in one list of `together`.
    pub(super) fn of(dataset: &Dataset, by: By, together: &[Vec<usize>]) -> Self {
        let n_tracks = dataset.tracks.len();
        let mut leader: Vec<u32> = (0..n_tracks as u32).collect();
        let mut first_of: HashMap<String, u32> = HashMap::new();
        let mut n_unknown = 0;
        for (idx, track) in dataset.tracks.iter().enumerate() {
            match key(track, by) {
                Some(key) => {
                    let first = *first_of.entry(key).or_insert(idx as u32);
                    join(&mut leader, first, idx as u32);
                }
                None => n_unknown += usize::from(by != By::None),
            }
        }
        for list in together {
            for pair in list.windows(2) {
                if pair.iter().all(|&idx| idx < n_tracks) {
                    join(&mut leader, pair[0] as u32, pair[1] as u32);
                }
            }
        }
        let mut number: Vec<Option<u32>> = vec![None; n_tracks];
        let mut n_groups = 0;
        let of_track = (0..n_tracks as u32)
            .map(|idx| {
                let root = find(&mut leader, idx) as usize;
                *number[root].get_or_insert_with(|| {
                    n_groups += 1;
                    n_groups - 1
                })
            })
            .collect();
        Self {
            of_track,
            n: n_groups as usize,
            n_unknown,
        }
    }
}

fn find(leader: &mut [u32], mut idx: u32) -> u32 {
    while leader[idx as usize] != idx {
        let above = leader[leader[idx as usize] as usize];
        leader[idx as usize] = above;
        idx = above;
    }
    idx
}

fn join(leader: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(leader, a), find(leader, b));
    leader[a.max(b) as usize] = a.min(b);
}
