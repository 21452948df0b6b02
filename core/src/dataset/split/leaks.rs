//! What is on both sides of a split: artists, albums, one file under two ids, copies of a recording.
//!
//! An artist's songs sound alike, and a copy sounds the same: a score on a part that shares them with the training part is too high. The
//! conventional split of the Million Song Dataset shares artists (paper, section 3).

use super::groups::{By, key};
use crate::dataset::{Dataset, Split, Track};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeakKind {
    /// The artist.
    Artist,
    /// The album (of the same artist).
    Album,
    /// The audio file.
    File,
    /// The recording, in two files.
    Recording,
}

impl LeakKind {
    /// In words, as many as say.
    pub fn words(self, n: usize) -> &'static str {
        match (self, n == 1) {
            (Self::Artist, true) => "artist",
            (Self::Artist, false) => "artists",
            (Self::Album, true) => "album",
            (Self::Album, false) => "albums",
            (Self::File, true) => "file",
            (Self::File, false) => "files",
            (Self::Recording, true) => "recording",
            (Self::Recording, false) => "recordings",
        }
    }
}

/// One kind of thing that two parts share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// What is shared.
    pub kind: LeakKind,
    /// The part that learns.
    pub from: Split,
    /// The part that is scored on.
    pub into: Split,
    /// How many artists, albums, files, recordings are shared.
    pub n_shared: usize,
    /// How many tracks of `into` are concerned.
    pub n_tracks: usize,
    /// Of how many.
    pub n_all: usize,
    /// The shared ones with most tracks in `into`, at most ten.
    pub examples: Vec<LeakExample>,
    /// Numbers of the tracks of `from` that would have to go, ascending.
    #[serde(skip)]
    pub from_tracks: Vec<usize>,
}

/// One shared artist, album, file or recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakExample {
    /// Its name as it is written at its first track.
    pub name: String,
    /// How many tracks of `from` have it.
    pub n_from: usize,
    /// How many tracks of `into` have it.
    pub n_into: usize,
    /// Id of a track of `from` and one of `into`.
    pub tracks: [String; 2],
}

impl Leak {
    /// The share of the tracks of `into` that are concerned, 0 to 1.
    pub fn share(&self) -> f64 {
        self.n_tracks as f64 / self.n_all.max(1) as f64
    }

    /// In words: "3 artists of train are in test as well: 12 of its 100 tracks (12.0 %)".
    pub fn words(&self) -> String {
        format!(
            "{} {} of {} {} in {} as well: {} of its {} tracks ({:.1} %)",
            self.n_shared,
            self.kind.words(self.n_shared),
            self.from,
            if self.n_shared == 1 { "is" } else { "are" },
            self.into,
            self.n_tracks,
            self.n_all,
            100.0 * self.share()
        )
    }
}

/// The parts between which nothing may be shared: what learns, and what is scored on.
const PAIRS: [(Split, Split); 5] = [
    (Split::Train, Split::Test),
    (Split::Train, Split::Valid),
    (Split::Valid, Split::Test),
    (Split::Unlabelled, Split::Test),
    (Split::Unlabelled, Split::Valid),
];

/// Everything that is on both sides. `copies` lists tracks (by number) that are copies of one recording, as far as that is known.
///
/// Tracks whose artist or album is unknown share it with nobody.
pub fn find_leaks(dataset: &Dataset, copies: &[Vec<usize>]) -> Vec<Leak> {
    let mut n_in: BTreeMap<Split, usize> = BTreeMap::new();
    for track in &dataset.tracks {
        *n_in.entry(track.split).or_default() += 1;
    }
    let mut leaks = Vec::new();
    for kind in [
        LeakKind::Artist,
        LeakKind::Album,
        LeakKind::File,
        LeakKind::Recording,
    ] {
        let (holders, of_track) = holders(dataset, kind, copies);
        for (from, into) in PAIRS {
            if let Some(mut leak) = between(dataset, kind, &holders, from, into, &n_in) {
                leak.from_tracks = (0..dataset.tracks.len())
                    .filter(|&idx| dataset.tracks[idx].split == from)
                    .filter(|&idx| of_track[idx].is_some_and(|place| holders[place].is_in(into)))
                    .collect();
                leaks.push(leak);
            }
        }
    }
    leaks
}

/// How many tracks of a data set nobody says the artist or the album of: whether these are on both sides cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unnamed {
    /// All tracks.
    pub n_tracks: usize,
    /// Those without a known artist.
    pub n_without_artist: usize,
    /// Those without a known album.
    pub n_without_album: usize,
}

impl Unnamed {
    /// Counts them.
    pub fn of(dataset: &Dataset) -> Self {
        let without = |by: By| {
            let tracks = dataset.tracks.iter();
            tracks.filter(|track| key(track, by).is_none()).count()
        };
        Self {
            n_tracks: dataset.tracks.len(),
            n_without_artist: without(By::Artist),
            n_without_album: without(By::Album),
        }
    }

    /// Whether no artist at all is known, so that nothing can be said about them.
    pub fn is_blind(&self) -> bool {
        self.n_tracks > 0 && self.n_without_artist == self.n_tracks
    }

    /// In words what cannot be seen; `None` if every artist and album is known.
    pub fn words(&self) -> Option<String> {
        let of = |n: usize, what: &str| {
            let all = self.n_tracks;
            let share = 100.0 * n as f64 / all.max(1) as f64;
            (n > 0).then(|| format!("the {what} of {n} of its {all} tracks ({share:.1} %)"))
        };
        let unknown = [
            of(self.n_without_artist, "artist"),
            of(self.n_without_album, "album"),
        ];
        let unknown: Vec<String> = unknown.into_iter().flatten().collect();
        (!unknown.is_empty()).then(|| {
            format!(
                "nobody says {}: whether these are on both sides cannot be seen",
                unknown.join(" and ")
            )
        })
    }
}

/// Who has one artist (album, file, recording): counts and a first track per part.
#[derive(Clone, Default)]
struct Holder {
    counts: [usize; Split::ALL.len()],
    first: [Option<usize>; Split::ALL.len()],
}

impl Holder {
    fn is_in(&self, split: Split) -> bool {
        self.counts[split as usize] > 0
    }

    fn take(&mut self, idx: usize, split: Split) {
        self.counts[split as usize] += 1;
        self.first[split as usize].get_or_insert(idx);
    }
}

/// What is shared, and which of these each track has.
fn holders(
    dataset: &Dataset,
    kind: LeakKind,
    copies: &[Vec<usize>],
) -> (Vec<Holder>, Vec<Option<usize>>) {
    let mut of_track = vec![None; dataset.tracks.len()];
    let mut holders: Vec<Holder> = Vec::new();
    if kind == LeakKind::Recording {
        for list in copies {
            let tracks = list
                .iter()
                .filter_map(|&idx| Some((idx, dataset.tracks.get(idx)?)));
            let mut paths = tracks.clone().map(|(_, track)| &track.path);
            // Several tracks of one file are a leak of another kind.
            let first = paths.next();
            if paths.all(|path| Some(path) == first) {
                continue;
            }
            let mut holder = Holder::default();
            for (idx, track) in tracks {
                holder.take(idx, track.split);
                of_track[idx] = Some(holders.len());
            }
            holders.push(holder);
        }
        return (holders, of_track);
    }
    let key_of = |track: &Track| match kind {
        LeakKind::Artist => key(track, By::Artist),
        LeakKind::Album => key(track, By::Album),
        _ => Some(track.path.to_string_lossy().into_owned()),
    };
    let mut number: HashMap<String, usize> = HashMap::new();
    for (idx, track) in dataset.tracks.iter().enumerate() {
        if let Some(key) = key_of(track) {
            let place = *number.entry(key).or_insert_with(|| {
                holders.push(Holder::default());
                holders.len() - 1
            });
            holders[place].take(idx, track.split);
            of_track[idx] = Some(place);
        }
    }
    (holders, of_track)
}

fn between(
    dataset: &Dataset,
    kind: LeakKind,
    holders: &[Holder],
    from: Split,
    into: Split,
    n_in: &BTreeMap<Split, usize>,
) -> Option<Leak> {
    let mut shared: Vec<(&Holder, usize, usize)> = holders
        .iter()
        .filter_map(|holder| {
            let firsts = [from, into].map(|part| holder.first[part as usize]);
            match firsts {
                [Some(a), Some(b)] => Some((holder, a, b)),
                _ => None,
            }
        })
        .collect();
    if shared.is_empty() {
        return None;
    }
    shared.sort_by_key(|(holder, a, _)| (std::cmp::Reverse(holder.counts[into as usize]), *a));
    let examples = shared.iter().take(10).map(|&(holder, a, b)| {
        let track = &dataset.tracks[a];
        LeakExample {
            name: match kind {
                LeakKind::Artist => track.artist.clone(),
                LeakKind::Album => track.album.clone(),
                LeakKind::File | LeakKind::Recording => track.path.display().to_string(),
            },
            n_from: holder.counts[from as usize],
            n_into: holder.counts[into as usize],
            tracks: [a, b].map(|idx| dataset.tracks[idx].id.clone()),
        }
    });
    Some(Leak {
        kind,
        from,
        into,
        n_shared: shared.len(),
        n_tracks: shared
            .iter()
            .map(|(holder, ..)| holder.counts[into as usize])
            .sum(),
        n_all: n_in.get(&into).copied().unwrap_or(0),
        examples: examples.collect(),
        from_tracks: Vec::new(),
    })
}
