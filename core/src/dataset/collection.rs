//! A data set as it was published, whole: recordings, one or more labellings of them, any number of named splits.
//!
//! Training, scoring and playing look at one split with one vocabulary, a [`Dataset`]; the catalogue knows the collection.

use super::{Dataset, Error, Finding, Problem, Span, Split, TagIdx, Track};
use std::path::PathBuf;

/// A published data set.
#[derive(Clone, Debug)]
pub struct Collection {
    /// What it is called.
    pub name: String,
    /// Id of the [`super::import::Layout`] that read it.
    pub layout: &'static str,
    /// What opens it again, absolute: the folder of its annotations, or the description that names it.
    pub root: PathBuf,
    /// Its recordings, each id once.
    pub recordings: Vec<Recording>,
    /// What is said about them; most data sets have one labelling.
    pub labellings: Vec<Labelling>,
    /// Its splits; the first is taken where none is named.
    pub splits: Vec<NamedSplit>,
    /// Audio files that are not there.
    pub problems: Vec<Problem>,
    /// What reading it found.
    pub findings: Vec<Finding>,
}

/// A recording, apart from what it is used for.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The id, unique within the collection.
    pub id: String,
    /// The audio file, absolute.
    pub path: PathBuf,
    /// Artist, score, or whatever must not be on both sides of a split; empty where nobody says.
    pub artist: String,
    /// Album; empty where nobody says.
    pub album: String,
    /// Title; empty where nobody says.
    pub title: String,
    /// Length as the data set states it.
    pub duration_secs: Option<f64>,
    /// Where it comes from, in words.
    pub source: String,
    /// Its licence, in words.
    pub license: String,
}

/// A vocabulary and which recordings it says what about.
#[derive(Clone, Debug, Default)]
pub struct Labelling {
    /// What it is called ("top50tags"); empty if it is the only one.
    pub name: String,
    /// The vocabulary, in the order of the columns of labels and probabilities.
    pub tags: Vec<String>,
    /// Positive labels: number of the recording and of the tag. In any order; twice is once.
    pub labels: Vec<(u32, TagIdx)>,
    /// When tags sound: number of the recording, and the stretch.
    pub spans: Vec<(u32, Span)>,
}

/// One way of dividing the recordings.
#[derive(Clone, Debug)]
pub struct NamedSplit {
    /// What it is called ("top50tags/split-0"); empty if it is the only one.
    pub name: String,
    /// Number of the labelling it goes with.
    pub labelling: usize,
    /// Number of each recording that takes part, ascending, and the part it belongs to.
    pub parts: Vec<(u32, Split)>,
}

impl Collection {
    /// That there is no split of that name, with those that there are.
    pub(super) fn no_split(&self, name: &str) -> Error {
        let names = self.splits.iter().map(|split| split.name.as_str());
        Error::NoSuchSplit {
            name: name.to_owned(),
            folder: self.root.clone(),
            present: names.collect::<Vec<_>>().join(", "),
        }
    }

    /// The data set of one named split, of the first if `None`. Fails if there is no split of that name; the message lists those there are.
    pub fn into_dataset(self, split: Option<&str>) -> Result<Dataset, Error> {
        let found = match split {
            None => self.splits.first(),
            Some(name) => self.splits.iter().find(|split| split.name == name),
        };
        let Some(chosen) = found else {
            return Err(self.no_split(split.unwrap_or_default()));
        };
        let mut place_of = vec![None; self.recordings.len()];
        for (place, &(recording, part)) in chosen.parts.iter().enumerate() {
            place_of[recording as usize] = Some((place, part));
        }
        let mut tracks: Vec<Track> = Vec::with_capacity(chosen.parts.len());
        for (recording, place) in self.recordings.into_iter().zip(&place_of) {
            if let Some((_, split)) = *place {
                tracks.push(Track::new(recording, split));
            }
        }
        let (mut tags, mut name) = (Vec::new(), String::new());
        if let Some(labelling) = self.labellings.into_iter().nth(chosen.labelling) {
            let of = |recording: u32| place_of.get(recording as usize).copied().flatten();
            for (recording, tag) in labelling.labels {
                if let Some((place, _)) = of(recording) {
                    tracks[place].tags.push(tag);
                }
            }
            for (recording, span) in labelling.spans {
                if let Some((place, _)) = of(recording) {
                    tracks[place].timeline.push(span);
                }
            }
            (tags, name) = (labelling.tags, labelling.name);
        }
        for track in &mut tracks {
            track.tags.sort_unstable();
            // The same label twice says nothing new.
            track.tags.dedup();
            track.timeline.sort_by(|a, b| {
                let by_start = a.start_secs.total_cmp(&b.start_secs);
                by_start.then(a.tag.cmp(&b.tag))
            });
        }
        let is_here: std::collections::HashSet<&str> =
            tracks.iter().map(|track| track.id.as_str()).collect();
        let mut problems = self.problems;
        problems.retain(|problem| is_here.contains(problem.track.as_str()));
        Ok(Dataset {
            name: self.name,
            place: super::place::Place::new(&self.root, split).into_path(),
            root: self.root,
            labelling: name,
            tags,
            tracks,
            problems,
            findings: self.findings,
        })
    }
}
