//! A collection in the making: recordings by id, parts of splits, and the parts that Attune chooses where nobody published any.

use super::Folders;
use super::report::Report;
use crate::dataset::{
    Check, Collection, Finding, Labelling, NamedSplit, Problem, Recording, Severity, Split,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Recordings, each id once.
#[derive(Default)]
pub(super) struct Recordings {
    pub(super) list: Vec<Recording>,
    by_id: HashMap<String, u32>,
}

impl Recordings {
    /// The number of a recording, made if it is new; whether it is.
    pub(super) fn number(&mut self, id: &str) -> (u32, bool) {
        if let Some(&number) = self.by_id.get(id) {
            return (number, false);
        }
        let number = self.list.len() as u32;
        self.by_id.insert(id.to_owned(), number);
        self.list.push(Recording {
            id: id.to_owned(),
            path: PathBuf::new(),
            artist: String::new(),
            album: String::new(),
            title: String::new(),
            duration_secs: None,
            source: String::new(),
            license: String::new(),
        });
        (number, true)
    }

    /// The number of a recording that is there.
    pub(super) fn find(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Recording {
        &mut self.list[number as usize]
    }
}

/// Which part each recording belongs to. A recording stays in the part it was put into first: put test in first, train last.
#[derive(Default)]
pub(super) struct Parts {
    of: HashMap<u32, Split>,
    twice: Vec<u32>,
}

impl Parts {
    /// Puts a recording into a part.
    pub(super) fn put(&mut self, recording: u32, part: Split) {
        let kept = *self.of.entry(recording).or_insert(part);
        if kept != part {
            self.twice.push(recording);
        }
    }

    /// How many recordings a part has.
    pub(super) fn count(&self, part: Split) -> usize {
        self.of.values().filter(|&&other| other == part).count()
    }

    /// The split, with a finding about recordings that are in two parts.
    pub(super) fn finish(
        self,
        name: &str,
        labelling: usize,
        recordings: &[Recording],
        report: &mut Report,
    ) -> NamedSplit {
        if !self.twice.is_empty() {
            let message = format!(
                "{} recordings are in two parts of the split {name}; they count for test before valid before train",
                self.twice.len()
            );
            let ids = self
                .twice
                .iter()
                .map(|&n| recordings[n as usize].id.as_str());
            let finding = Finding::new(Check::BadLine, Severity::Error, message).about(ids);
            report.tell(finding.mend("use the published files"));
        }
        let mut parts: Vec<(u32, Split)> = self.of.into_iter().collect();
        parts.sort_unstable_by_key(|&(recording, _)| recording);
        NamedSplit {
            name: name.to_owned(),
            labelling,
            parts,
        }
    }
}

/// What the made split is called.
const MADE: &str = "random";

/// A split that follows from the ids alone: 80 % train, 10 % valid, 10 % test. A recording stays where it is whatever is added or taken
/// away. Said in a finding, because clips of one artist may be on both sides.
pub(super) fn made_split(recordings: &[Recording], report: &mut Report) -> NamedSplit {
    let part_of = |id: &str| {
        let hash = blake3::hash(id.as_bytes());
        let [a, b, c, d, ..] = *hash.as_bytes();
        match u32::from_le_bytes([a, b, c, d]) % 10 {
            0 => Split::Test,
            1 => Split::Valid,
            _ => Split::Train,
        }
    };
    let message = "nobody published a split of these files: Attune took 80 % for train, 10 % for valid, 10 % for test by a hash of their names";
    let finding = Finding::new(Check::MadeSplit, Severity::Warning, message);
    let mend = "artists may be on both sides, so that scores come out too good; write a tracks.csv with a split of your own";
    report.tell(finding.mend(mend));
    NamedSplit {
        name: MADE.to_owned(),
        labelling: 0,
        parts: (0..)
            .zip(recordings)
            .map(|(number, recording)| (number, part_of(&recording.id)))
            .collect(),
    }
}

/// The part that a word means, as folders and tables write it.
pub(super) fn part_named(word: &str) -> Option<Split> {
    match word.to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
        "test" | "testing" => Some(Split::Test),
        "unlabelled" | "unlabeled" => Some(Split::Unlabelled),
        _ => None,
    }
}

/// The vocabulary of names: sorted, each once; and a name's number in it.
pub(super) fn vocabulary<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> (Vec<String>, HashMap<String, u32>) {
    let mut tags: Vec<String> = names.into_iter().map(str::to_owned).collect();
    tags.sort_unstable();
    tags.dedup();
    let by_name = tags.iter().cloned().zip(0..).collect();
    (tags, by_name)
}

/// The last step of every importer.
pub(super) fn collection(
    layout: &'static str,
    name: &str,
    at: &Folders,
    recordings: Vec<Recording>,
    (labellings, splits): (Vec<Labelling>, Vec<NamedSplit>),
    problems: Vec<Problem>,
    report: Report,
) -> Collection {
    Collection {
        name: name.to_owned(),
        layout,
        root: at.annotations.clone(),
        recordings,
        labellings,
        splits,
        problems,
        findings: report.into_findings(),
    }
}

/// A folder's name in words.
pub(super) fn folder_name(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || "data set".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}
