//! The scores of all runs, tag by tag. A log is gone through once and again only when it has grown.

use attune_core::dataset::{Dataset, Split};
use attune_core::job::{Cancelled, Job};
use attune_core::message::full_message;
use attune_core::run::{RunTagScores, ScoredOn};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The scores of runs.
#[derive(Debug)]
pub struct TagMap {
    runs: BTreeMap<PathBuf, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    log_bytes: Option<u64>,
    scores: Result<Arc<RunTagScores>, String>,
    data: Option<PathBuf>,
}

impl TagMap {
    /// Reads those whose logs are not as in `before`. Fails if it is cancelled.
    pub(super) fn read(
        runs: &[PathBuf],
        before: Option<&Self>,
        job: &Job,
    ) -> Result<Self, Cancelled> {
        let mut read = BTreeMap::new();
        for (at, folder) in runs.iter().enumerate() {
            job.check()?;
            if at % 16 == 0 {
                job.report(at as u64, runs.len() as u64, "reading scores");
            }
            let log_bytes = RunTagScores::log_bytes(folder);
            let known = before.and_then(|before| before.runs.get(folder));
            let known = known.filter(|known| known.log_bytes == log_bytes);
            let entry = known.cloned().unwrap_or_else(|| Entry {
                log_bytes,
                scores: match RunTagScores::read(folder) {
                    Ok(scores) => Ok(Arc::new(scores)),
                    Err(error) => Err(full_message(&error)),
                },
                data: data_folder(folder),
            });
            read.insert(folder.clone(), entry);
        }
        Ok(Self { runs: read })
    }

    /// The scores of a run; `None` if it was not there when the list was read.
    pub fn scores(&self, folder: &Path) -> Option<&Result<Arc<RunTagScores>, String>> {
        Some(&self.runs.get(folder)?.scores)
    }

    /// Where the data set of a run lies, if the run says so.
    pub fn data_folder(&self, folder: &Path) -> Option<&Path> {
        self.runs.get(folder)?.data.as_deref()
    }

    pub(super) fn data_folders(&self) -> Vec<PathBuf> {
        let folders = self.runs.values().filter_map(|entry| entry.data.clone());
        folders.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn data_folder(run: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(run.join("run.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let folder = table.get("data")?.get("folder")?.as_str()?;
    Some(PathBuf::from(folder))
}

/// How many tracks have a tag, by its name.
type TagCounts = Arc<BTreeMap<String, usize>>;

/// How many tracks of data sets have each tag.
#[derive(Debug, Default)]
pub struct Counted {
    /// By folder; `None` where the data set is not there. In the validation and in the test split.
    by_folder: BTreeMap<PathBuf, Option<[TagCounts; 2]>>,
}

impl Counted {
    /// Counts those that are not in `before`. Fails if it is cancelled.
    pub(super) fn read(
        folders: &[PathBuf],
        before: Option<&Self>,
        job: &Job,
    ) -> Result<Self, Cancelled> {
        let mut by_folder = BTreeMap::new();
        for folder in folders {
            job.check()?;
            let known = before.and_then(|before| before.by_folder.get(folder)?.clone());
            let counts = known.or_else(|| {
                let dataset = Dataset::open(folder).ok()?;
                Some([Split::Valid, Split::Test].map(|split| {
                    let counts = dataset.tag_counts(Some(split));
                    Arc::new(dataset.tags.iter().cloned().zip(counts).collect())
                }))
            });
            by_folder.insert(folder.clone(), counts);
        }
        Ok(Self { by_folder })
    }

    /// The counts of a data set, in the split on which runs were scored.
    pub fn of(&self, folder: &Path, on: ScoredOn) -> Option<&Arc<BTreeMap<String, usize>>> {
        let [valid, test] = self.by_folder.get(folder)?.as_ref()?;
        Some(if on == ScoredOn::Evaluation {
            test
        } else {
            valid
        })
    }
}
