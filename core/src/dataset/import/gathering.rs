//! A collection in the making: recordings by id, parts of splits, and the parts that Attune chooses where nobody published any.

use super::Folders;
use super::report::Report;
use crate::dataset::{
    Check, Collection, Finding, Labelling, NamedSplit, Problem, Recording, Severity, Split,
};
use std::collections::{BTreeMap, HashMap};
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
    /// Recordings that were put into another part as well, with that part; and the first line that does so, where lists have lines.
    twice: BTreeMap<u32, Split>,
    first_line: Option<(PathBuf, u64)>,
}

impl Parts {
    /// Puts a recording into a part.
    pub(super) fn put(&mut self, recording: u32, part: Split) {
        let kept = *self.of.entry(recording).or_insert(part);
        if kept != part {
            self.twice.entry(recording).or_insert(part);
        }
    }

    /// The same of a list with lines.
    pub(super) fn put_from(&mut self, recording: u32, part: Split, (file, line): (&Path, u64)) {
        let n_before = self.twice.len();
        self.put(recording, part);
        if self.twice.len() > n_before {
            self.first_line
                .get_or_insert_with(|| (file.to_path_buf(), line));
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
        if let Some((first, other)) = self.twice.first_key_value() {
            let id = |number: &u32| recordings[*number as usize].id.as_str();
            let of_split = if name.is_empty() {
                String::new()
            } else {
                format!(" {name}")
            };
            let message = format!(
                "{} recordings are in two parts of the split{of_split}, for example {}, which is in {other} and counts for {}",
                self.twice.len(),
                id(first),
                self.of[first]
            );
            let mut finding = Finding::new(Check::SplitOverlap, Severity::Error, message)
                .about(self.twice.keys().map(id));
            if let Some((file, line)) = &self.first_line {
                finding = finding.of_file(file).on_line(*line);
            }
            report.tell(finding.mend("use the published files, or leave these recordings out"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    #[test]
    fn a_recording_in_two_parts_is_told_once_with_the_part_it_counts_for_and_the_line() {
        let mut recordings = Recordings::default();
        for id in ["a", "b", "c"] {
            recordings.number(id);
        }
        let file = Path::new("train.tsv");
        let mut parts = Parts::default();
        parts.put(0, Split::Train);
        parts.put_from(1, Split::Test, (file, 1));
        parts.put_from(1, Split::Train, (file, 7));
        parts.put_from(1, Split::Valid, (file, 8));
        parts.put_from(0, Split::Train, (file, 9));
        parts.put_from(2, Split::Test, (file, 10));
        parts.put_from(2, Split::Train, (file, 11));
        let mut report = Report::new(&Job::quiet());
        let split = parts.finish("own", 0, &recordings.list, &mut report);
        let counted = [(0, Split::Train), (1, Split::Test), (2, Split::Test)];
        assert_eq!(split.parts, counted);
        let findings = report.into_findings();
        assert_eq!(findings.len(), 1);
        let finding = &findings[0];
        assert_eq!(finding.check, Check::SplitOverlap);
        assert_eq!(
            (&finding.tracks[..], finding.n_concerned),
            (&["b".to_owned(), "c".to_owned()][..], 2)
        );
        assert_eq!(
            (finding.file.as_deref(), finding.line),
            (Some(file), Some(7))
        );
        assert_eq!(
            finding.message,
            "2 recordings are in two parts of the split own, for example b, which is in train and counts for test"
        );
    }
}
