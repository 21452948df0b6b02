//! What a data set is in memory: tracks with their tags, splits and timelines.

use super::{Error, Finding, Recording};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Number of a tag within its data set's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TagIdx(pub u32);

impl TagIdx {
    /// The number as an index into [`Dataset::tags`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which part of a data set a track belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For the gradient.
    Train,
    /// For early stopping and thresholds.
    Valid,
    /// For the reported scores.
    Test,
    /// Without labels: for noisy students, playing and tagging.
    Unlabelled,
}

impl Split {
    /// All splits, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Train, Self::Valid, Self::Test, Self::Unlabelled];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
            Self::Unlabelled => "unlabelled",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(name: &str) -> Result<Self, UnknownSplit> {
        Self::ALL
            .into_iter()
            .find(|split| split.name() == name)
            .ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

/// A word that names no split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown split `{0}`: there are train, valid, test and unlabelled")]
pub struct UnknownSplit(pub String);

/// A stretch of time in which something sounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// What sounds.
    pub tag: TagIdx,
    /// Where it starts, in seconds from the start of the track.
    pub start_secs: f64,
    /// Where it ends; not before `start_secs`.
    pub end_secs: f64,
}

/// One recording or clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The id, unique within the data set.
    pub id: String,
    /// The audio file, absolute.
    pub path: PathBuf,
    /// Artist, score, or whatever must not be on both sides of a split.
    pub artist: String,
    /// Album; empty where nobody says.
    pub album: String,
    /// Title; empty where nobody says.
    pub title: String,
    /// Where it belongs.
    pub split: Split,
    /// Length as the data set states it; the audio file decides.
    pub duration_secs: Option<f64>,
    /// Where it comes from, in words.
    pub source: String,
    /// Its licence, in words.
    pub license: String,
    /// Its tags, ascending, each once.
    pub tags: Vec<TagIdx>,
    /// When which tag sounds, ascending by start; empty where nobody says.
    pub timeline: Vec<Span>,
}

/// Something about a track that the data set's reader or the cache could not use, and went on without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Id of the track.
    pub track: String,
    /// Its audio file.
    pub path: PathBuf,
    /// What kind of problem.
    pub kind: ProblemKind,
    /// What is wrong, in words.
    pub message: String,
}

/// What kind of problem a track has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// There is no such file.
    Missing,
    /// The file is there and cannot be decoded at all.
    Broken,
    /// It could be decoded in part: cut off, packets skipped. The track is used.
    Damaged,
}

impl ProblemKind {
    /// Whether the track is left out because of it.
    pub fn is_skipped(self) -> bool {
        self != Self::Damaged
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({})",
            self.track,
            self.message,
            self.path.display()
        )
    }
}

/// Tracks, their vocabulary, and what is wrong with them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called: the folder's name.
    pub name: String,
    /// Its folder, or the description of it, absolute.
    pub root: PathBuf,
    /// How it is opened again: its folder, with the named split if it was opened by one (`FOLDER#SPLIT`).
    pub place: PathBuf,
    /// What its labelling is called among those of the same data set; empty if it is the only one.
    pub labelling: String,
    /// The vocabulary, in the order of the columns of labels and probabilities.
    pub tags: Vec<String>,
    /// The tracks in the order of `tracks.csv`.
    pub tracks: Vec<Track>,
    /// What opening it found wrong.
    pub problems: Vec<Problem>,
    /// What reading its annotations found.
    pub findings: Vec<Finding>,
}

impl Track {
    /// A recording in its part of a split, as yet without labels.
    pub fn new(recording: Recording, split: Split) -> Self {
        Self {
            id: recording.id,
            path: recording.path,
            artist: recording.artist,
            album: recording.album,
            title: recording.title,
            split,
            duration_secs: recording.duration_secs,
            source: recording.source,
            license: recording.license,
            tags: Vec::new(),
            timeline: Vec::new(),
        }
    }
}

impl Dataset {
    /// Size of the vocabulary.
    pub fn n_tags(&self) -> usize {
        self.tags.len()
    }

    /// Number of a tag by its name.
    pub fn tag(&self, name: &str) -> Option<TagIdx> {
        let index = self.tags.iter().position(|tag| tag == name)?;
        Some(TagIdx(index as u32))
    }

    /// Number of a track by its id.
    pub fn track_idx(&self, id: &str) -> Option<usize> {
        self.tracks.iter().position(|track| track.id == id)
    }

    /// Numbers of the tracks of a split, ascending. Fails if there are none.
    pub fn split(&self, split: Split) -> Result<Vec<usize>, Error> {
        let found: Vec<usize> = (0..self.tracks.len())
            .filter(|&idx| self.tracks[idx].split == split)
            .collect();
        if found.is_empty() {
            let present: Vec<String> = self
                .split_counts()
                .into_iter()
                .map(|(split, count)| format!("{split} ({count})"))
                .collect();
            return Err(Error::EmptySplit {
                split,
                name: self.name.clone(),
                present: present.join(", "),
            });
        }
        Ok(found)
    }

    /// How many tracks each split has; splits without tracks are left out.
    pub fn split_counts(&self) -> BTreeMap<Split, usize> {
        let mut counts = BTreeMap::new();
        for track in &self.tracks {
            *counts.entry(track.split).or_insert(0) += 1;
        }
        counts
    }

    /// How many tracks of `split` (of all, if `None`) carry each tag; `[tags]`.
    pub fn tag_counts(&self, split: Option<Split>) -> Vec<usize> {
        let mut counts = vec![0; self.n_tags()];
        for track in &self.tracks {
            if split.is_none_or(|split| track.split == split) {
                for tag in &track.tags {
                    counts[tag.index()] += 1;
                }
            }
        }
        counts
    }

    /// Names of a track's tags, in the order of the vocabulary.
    pub fn tag_names(&self, track_idx: usize) -> impl Iterator<Item = &str> {
        let tags = self.tracks[track_idx].tags.iter();
        tags.map(|tag| self.tags[tag.index()].as_str())
    }

    /// Which tags a track has; `[tags]`.
    pub fn labels_of(&self, track_idx: usize) -> Vec<bool> {
        let mut labels = vec![false; self.n_tags()];
        for tag in &self.tracks[track_idx].tags {
            labels[tag.index()] = true;
        }
        labels
    }

    /// The folder that paths are told relative to: that of the data set or, where audio lies elsewhere, the deepest that holds all of it.
    pub(super) fn audio_base(&self) -> PathBuf {
        let mut paths = self.tracks.iter().map(|track| track.path.as_path());
        if paths.clone().all(|path| path.starts_with(&self.root)) {
            return self.root.clone();
        }
        let first = paths.next().and_then(Path::parent);
        let mut base = first.unwrap_or(&self.root).to_path_buf();
        for path in paths {
            while !path.starts_with(&base) && base.pop() {}
        }
        base
    }

    /// Condenses everything that training depends on (vocabulary, ids, paths, artists, splits, labels, timelines) except the sound
    /// itself; 32 hexadecimal digits. The same wherever the folder lies.
    pub fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        put(&(self.tags.len() as u64).to_le_bytes());
        for tag in &self.tags {
            put(tag.as_bytes());
        }
        let base = self.audio_base();
        for track in &self.tracks {
            put(track.id.as_bytes());
            let path = track.path.strip_prefix(&base).unwrap_or(&track.path);
            put(path.as_os_str().as_encoded_bytes());
            put(track.artist.as_bytes());
            put(track.split.name().as_bytes());
            put(&track
                .tags
                .iter()
                .flat_map(|tag| tag.0.to_le_bytes())
                .collect::<Vec<u8>>());
            put(&track
                .timeline
                .iter()
                .flat_map(|span| {
                    let [start, end] = [span.start_secs, span.end_secs].map(f64::to_le_bytes);
                    [&span.tag.0.to_le_bytes()[..], &start, &end].concat()
                })
                .collect::<Vec<u8>>());
        }
        hash.finalize().to_hex()[..32].to_owned()
    }
}
