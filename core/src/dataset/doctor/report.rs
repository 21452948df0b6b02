//! What the doctor found: for people a table, for programs JSON, for the mending a file of rules.

use crate::dataset::clean::{Exclusion, Rules};
use crate::dataset::finding::MOST_TRACKS;
use crate::dataset::{Check, Error, Finding, Severity};
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Version of the report's form. Keys may be added under one version; what a key means stays.
const FORMAT: u32 = 1;

/// Everything that was found about a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// Name of the data set.
    pub name: String,
    /// Its folder.
    pub root: PathBuf,
    /// The named split that was looked at; `None`: all.
    pub split: Option<String>,
    /// What was listened to.
    pub files: Files,
    /// The findings, the gravest first.
    pub entries: Vec<Entry>,
}

/// What was listened to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// Files that the annotations name.
    pub n_listed: usize,
    /// Of these, files that are there.
    pub n_there: usize,
    /// Files that were decoded now.
    pub n_decoded: usize,
    /// Files that had not changed since they were decoded before.
    pub n_known: usize,
    /// Files that were compared with published checksums.
    #[serde(default)]
    pub n_compared: usize,
    /// How much sound that is, in hours.
    pub hours: f64,
    /// Copies were looked for in so much of each file's beginning, in seconds, because there are so many; `None`: in all of a fingerprint.
    #[serde(default)]
    pub compared_secs: Option<f64>,
}

/// A finding, with where to hear it and what would mend it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The same for the same finding of the next report: the check, and what it is about.
    pub key: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Where it is heard; of copies, each.
    pub sounds: Vec<Sound>,
    /// Ids of tracks without which the finding would be gone; empty where leaving out tracks mends nothing, or would lose more than it mends.
    pub leave_out: Vec<String>,
}

/// A place in an audio file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// Id of the track.
    pub track: String,
    /// Its file.
    pub path: PathBuf,
    /// Where to begin to listen, in seconds.
    pub start_secs: f64,
}

impl Entry {
    /// An entry about `what` (a track, a tag, a file …).
    pub(super) fn new(
        check: Check,
        severity: Severity,
        what: &str,
        message: String,
        mend: &str,
    ) -> Self {
        Self {
            key: format!("{check}/{what}"),
            finding: Finding {
                check,
                severity,
                tracks: Vec::new(),
                n_concerned: 0,
                file: None,
                line: None,
                message,
                mend: mend.to_owned(),
            },
            sounds: Vec::new(),
            leave_out: Vec::new(),
        }
    }

    /// Says which tracks are concerned; the finding names the first thousand.
    pub(super) fn about(mut self, tracks: impl IntoIterator<Item = String>) -> Self {
        for track in tracks {
            self.finding.n_concerned += 1;
            if self.finding.tracks.len() < MOST_TRACKS {
                self.finding.tracks.push(track);
            }
        }
        self
    }

    /// Says which tracks are to be left out; the finding names the first thousand of them. How many are concerned is said elsewhere.
    pub(super) fn without(mut self, tracks: Vec<String>) -> Self {
        self.finding.tracks = tracks.iter().take(MOST_TRACKS).cloned().collect();
        self.leave_out = tracks;
        self
    }

    /// What was found while the data set in `root` was read.
    pub(super) fn of_reader(finding: &Finding, root: &Path) -> Self {
        // The same words of two lines, or of two files, are two findings.
        let file = finding.file.as_deref().map(|file| {
            let file = file.strip_prefix(root).unwrap_or(file).display();
            match finding.line {
                Some(line) => format!("{file}, line {line}: "),
                None => format!("{file}: "),
            }
        });
        let leave_out = match finding.check {
            Check::SplitOverlap => finding.tracks.clone(),
            _ => Vec::new(),
        };
        Self {
            key: format!(
                "{}/{}{}",
                finding.check,
                file.unwrap_or_default(),
                finding.message
            ),
            finding: finding.clone(),
            sounds: Vec::new(),
            leave_out,
        }
    }
}

/// How many findings of a check there are, and about how many tracks, tags or files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What was looked at.
    pub check: Check,
    /// The gravest of them.
    pub severity: Severity,
    /// Findings.
    pub n_entries: usize,
    /// What they concern.
    pub n_concerned: usize,
}

impl Report {
    pub(super) fn new(
        name: String,
        root: PathBuf,
        split: Option<&str>,
        files: Files,
        entries: Vec<Entry>,
    ) -> Self {
        let mut entries = told_once(entries);
        entries.sort_by(|a, b| {
            let graver = b.finding.severity.cmp(&a.finding.severity);
            graver.then_with(|| (a.finding.check, &a.key).cmp(&(b.finding.check, &b.key)))
        });
        Self {
            format: FORMAT,
            name,
            root,
            split: split.map(str::to_owned),
            files,
            entries,
        }
    }

    /// How many findings are that grave.
    pub fn count(&self, severity: Severity) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.finding.severity == severity)
            .count()
    }

    /// The findings by check, the gravest checks first.
    pub fn by_check(&self) -> Vec<Counted> {
        let mut counted: BTreeMap<Check, Counted> = BTreeMap::new();
        for entry in &self.entries {
            let Finding {
                check,
                severity,
                n_concerned,
                ..
            } = entry.finding;
            let count = counted.entry(check).or_insert(Counted {
                check,
                severity,
                n_entries: 0,
                n_concerned: 0,
            });
            count.severity = count.severity.max(severity);
            count.n_entries += 1;
            count.n_concerned += n_concerned;
        }
        let mut counted: Vec<Counted> = counted.into_values().collect();
        counted.sort_by_key(|count| (std::cmp::Reverse(count.severity), count.check));
        counted
    }

    /// Rules that leave out what the errors and warnings say to leave out, each track for the first reason, and merge other spellings of tags.
    ///
    /// Of a recording that is there more than once one track stays, unless something else speaks against every one of them.
    pub fn mending(&self) -> Rules {
        let mut listed: HashSet<&str> = HashSet::new();
        let mut rules = Rules::default();
        for entry in &self.entries {
            let Finding {
                check, severity, ..
            } = entry.finding;
            if severity == Severity::Note {
                continue;
            }
            rules.merge_spellings |= check == Check::TagSpelling;
            let ids = entry
                .leave_out
                .iter()
                .filter(|id| listed.insert(id.as_str()))
                .cloned();
            let ids: Vec<String> = ids.collect();
            if ids.is_empty() {
                continue;
            }
            match rules
                .exclude
                .last_mut()
                .filter(|last| last.why == check.name())
            {
                Some(last) => last.ids.extend(ids),
                None => rules.exclude.push(Exclusion {
                    why: check.name().to_owned(),
                    ids,
                }),
            }
        }
        rules
    }

    /// Writes the report as JSON.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        write_whole(file, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            std::io::Write::write_all(out, b"\n")
        })
        .map_err(Error::io("write", file))
    }

    /// Writes [`Self::mending`] as a file for `attune data split --clean`.
    pub fn write_mending(&self, file: &Path) -> Result<(), Error> {
        let text = self.mending().to_toml()?;
        let head = format!(
            "# What the doctor found in {}: rules for `attune data split --clean`.\n",
            self.name
        );
        write_whole(file, |out| {
            std::io::Write::write_all(out, head.as_bytes())?;
            std::io::Write::write_all(out, text.as_bytes())
        })
        .map_err(Error::io("write", file))
    }

    /// Reads a report that [`Self::write`] wrote.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        let wrong = |problem: String| {
            Error::BadConfig(format!(
                "this is no report of `attune data check --report`: {problem} ({})",
                file.display()
            ))
        };
        let report: Self =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if report.format != FORMAT {
            return Err(wrong(format!(
                "its form is {}, this Attune knows {FORMAT}",
                report.format
            )));
        }
        Ok(report)
    }
}

/// Without what is said twice in all words, as of a vocabulary that several splits have. Different findings get different keys.
fn told_once(entries: Vec<Entry>) -> Vec<Entry> {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    let mut told: Vec<Entry> = Vec::new();
    for mut entry in entries {
        let same_key = places.entry(entry.key.clone()).or_default();
        let says_the_same = |&at: &usize| {
            let other: &Entry = &told[at];
            (&other.finding, &other.sounds, &other.leave_out)
                == (&entry.finding, &entry.sounds, &entry.leave_out)
        };
        if same_key.iter().any(says_the_same) {
            continue;
        }
        if !same_key.is_empty() {
            entry.key += &format!(" ({})", same_key.len() + 1);
        }
        same_key.push(told.len());
        told.push(entry);
    }
    told
}
