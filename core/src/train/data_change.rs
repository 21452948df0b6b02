//! Whether the data sets of a run are still what they were when it began, and what has changed, in words.
//!
//! A run that goes on with other data has curves of two data sets, and two runs on different data cannot be compared by their scores. So it is
//! said before one presses Resume. `run.toml` has a fingerprint of each data set and, since parts are condensed apart, can tell more.

use super::checkpoint::{DataRecord, RunFile};
use crate::dataset::{Dataset, import};
use crate::message::full_message;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// So many tags are named.
const NAMED: usize = 3;

/// A data set is no longer what it was when the run began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataChange {
    /// What the data set is called.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What is different; at least one thing.
    pub differences: Vec<Difference>,
}

/// What is different in a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Difference {
    /// It cannot be opened.
    Gone {
        /// Why, in words.
        why: String,
    },
    /// The vocabulary. A run cannot go on with another one.
    Tags {
        /// How many tags there were.
        then: usize,
        /// How many there are.
        now: usize,
        /// Those that came.
        new: Vec<String>,
        /// Those that went.
        gone: Vec<String>,
    },
    /// The number of tracks.
    NTracks {
        /// How many there were.
        then: u64,
        /// How many there are.
        now: u64,
    },
    /// As many tracks, and not the same: ids, files, artists or their order.
    Tracks,
    /// In which split tracks are.
    Splits,
    /// Which tags tracks have.
    Labels,
    /// When tags sound.
    Timelines,
    /// Something in its tables; the run is from before there was more to tell by.
    Tables,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { why } => write!(f, "it cannot be opened ({why})"),
            Self::Tags {
                then,
                now,
                new,
                gone,
            } => {
                write!(f, "its tags are others ({then} then, {now} now")?;
                for (word, tags) in [("new", new), ("gone", gone)] {
                    if !tags.is_empty() {
                        let named = tags[..tags.len().min(NAMED)].join(", ");
                        let more = if tags.len() > NAMED { ", …" } else { "" };
                        write!(f, "; {word}: {named}{more}")?;
                    }
                }
                f.write_str(")")
            }
            Self::NTracks { then, now } => write!(f, "it had {then} tracks and has {now}"),
            Self::Tracks => f.write_str("some tracks are others (ids, files, artists or order)"),
            Self::Splits => f.write_str("tracks are in other splits"),
            Self::Labels => f.write_str("tracks have other tags"),
            Self::Timelines => f.write_str("its timelines are others"),
            Self::Tables => {
                f.write_str("its tables are others (tracks, splits, labels or timelines)")
            }
        }
    }
}

impl fmt::Display for DataChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the data set {} has changed since the run began: ",
            self.name
        )?;
        for (at, difference) in self.differences.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{difference}")?;
        }
        Ok(())
    }
}

impl DataChange {
    /// Whether a run can go on nevertheless: its data can be opened and has the same tags.
    pub fn can_go_on(&self) -> bool {
        !self.differences.iter().any(|difference| {
            matches!(
                difference,
                Difference::Gone { .. } | Difference::Tags { .. }
            )
        })
    }

    /// What has changed from `then` to `now`; `None` if nothing has.
    pub(super) fn between(then: &DataRecord, now: &Dataset) -> Option<Self> {
        if then.fingerprint == now.fingerprint() {
            return None;
        }
        let mut differences = Vec::new();
        let has_same_tags = then.tags == now.tags;
        if !has_same_tags {
            let without = |all: &[String], other: &[String]| -> Vec<String> {
                let missing = all.iter().filter(|tag| !other.contains(tag));
                missing.cloned().collect()
            };
            differences.push(Difference::Tags {
                then: then.tags.len(),
                now: now.tags.len(),
                new: without(&now.tags, &then.tags),
                gone: without(&then.tags, &now.tags),
            });
        }
        if let Some(then) = &then.contents {
            let now = now.contents();
            if then.tracks == now.tracks {
                // With other tracks, all that is told track by track is different.
                let parts = [
                    (then.listed != now.listed, Difference::Tracks),
                    (then.splits != now.splits, Difference::Splits),
                    // Labels are kept by the places of their tags: with other tags they cannot be compared.
                    (
                        has_same_tags && then.labels != now.labels,
                        Difference::Labels,
                    ),
                    (
                        has_same_tags && then.timelines != now.timelines,
                        Difference::Timelines,
                    ),
                ];
                let parts = parts.into_iter().filter(|(differs, _)| *differs);
                differences.extend(parts.map(|(_, difference)| difference));
            } else {
                differences.push(Difference::NTracks {
                    then: then.tracks,
                    now: now.tracks,
                });
            }
        }
        if differences.is_empty() {
            differences.push(Difference::Tables);
        }
        Some(Self {
            name: then.name.clone(),
            folder: then.folder.clone(),
            differences,
        })
    }

    fn of(then: &DataRecord) -> Option<Self> {
        match Dataset::open(&then.folder) {
            Ok(now) => Self::between(then, &now),
            Err(error) => Some(Self {
                name: then.name.clone(),
                folder: then.folder.clone(),
                differences: vec![Difference::Gone {
                    why: full_message(&error),
                }],
            }),
        }
    }
}

impl RunFile {
    /// Which of the run's data sets on the disk are no longer what they were when it began. Opens them, which takes a moment.
    pub fn data_changes(&self) -> Vec<DataChange> {
        let records = std::iter::once(&self.data).chain(&self.unlabelled);
        records.filter_map(DataChange::of).collect()
    }
}

/// Keeps an eye on the data sets of a run: opened again only if one of their tables was written since.
#[derive(Clone, Debug, Default)]
pub struct DataWatch {
    run_file: Option<RunFile>,
    stamps: Vec<Stamp>,
    changes: Vec<DataChange>,
}

/// When a table was written and how long it is; `None` if it is not there.
type Stamp = Option<(SystemTime, u64)>;

impl DataWatch {
    /// What the last look found.
    pub fn changes(&self) -> &[DataChange] {
        &self.changes
    }

    /// What has changed since the run in `run_folder` began. What cannot be read of the run itself is not the data's fault: nothing.
    pub fn look(&mut self, run_folder: &Path) -> &[DataChange] {
        if self.run_file.is_none() {
            self.run_file = RunFile::read(run_folder).ok();
            self.stamps.clear();
        }
        let Some(run_file) = &self.run_file else {
            return &[];
        };
        let records = std::iter::once(&run_file.data).chain(&run_file.unlabelled);
        let stamps: Vec<Stamp> = records.flat_map(|record| stamps(&record.folder)).collect();
        if stamps != self.stamps {
            self.changes = run_file.data_changes();
            self.stamps = stamps;
        }
        &self.changes
    }
}

/// Of a folder that lies in for its files (folders named by genre), the time says when one came or went.
fn stamps(place: &Path) -> Vec<Stamp> {
    let files = import::annotation_files(place).into_iter();
    let stamp = |file: PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::tracks::record;

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::write(folder.join(name), text).unwrap();
    }

    fn data() -> (tempfile::TempDir, DataRecord) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let tracks = "track_id,path,artist,split,duration_s,source,license\na,a.wav,x,train,1,,\nb,b.wav,y,valid,1,,\n";
        write(at, "tracks.csv", tracks);
        write(at, "labels.csv", "track_id,tag\na,low\nb,high\n");
        write(at, "tags.txt", "low\nhigh\n");
        let record = record(&Dataset::open(at).unwrap());
        (folder, record)
    }

    fn differences(then: &DataRecord) -> Vec<Difference> {
        DataChange::of(then).map_or_else(Vec::new, |change| change.differences)
    }

    #[test]
    fn what_has_changed_is_told_as_far_as_it_is_known() {
        let (folder, then) = data();
        assert_eq!(differences(&then), []);
        write(folder.path(), "labels.csv", "track_id,tag\na,low\nb,low\n");
        assert_eq!(differences(&then), [Difference::Labels]);
        let old = DataRecord {
            contents: None,
            ..then.clone()
        };
        assert_eq!(differences(&old), [Difference::Tables]);
        write(folder.path(), "tags.txt", "low\nhigh\nnoisy\n");
        let change = DataChange::of(&then).unwrap();
        assert!(!change.can_go_on());
        let words = change.to_string();
        assert!(words.contains("2 then, 3 now; new: noisy"), "{words}");
        let tracks = std::fs::read_to_string(folder.path().join("tracks.csv")).unwrap();
        write(
            folder.path(),
            "tracks.csv",
            &(tracks + "c,c.wav,z,train,1,,\n"),
        );
        let words = DataChange::of(&then).unwrap().to_string();
        assert!(words.contains("had 2 tracks and has 3"), "{words}");
        std::fs::remove_file(folder.path().join("tracks.csv")).unwrap();
        let change = DataChange::of(&then).unwrap();
        assert!(matches!(change.differences[..], [Difference::Gone { .. }]));
    }
}
