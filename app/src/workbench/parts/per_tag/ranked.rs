//! Predictions of the shown runs, ranked tag by tag and reduced to what can be drawn.

use crate::workbench::parts::library::Shelf;
use attune_core::job::{Cancelled, Job};
use attune_core::message::full_message;
use attune_core::metrics::{Counts, CurveKind, CurvePoint, OperatingPoints, Outcome};
use attune_core::train::{Judged, Predictions, Ranked};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Parts of the width of a small chart; in each a curve has two points at most.
const COLUMNS: usize = 160;

/// A run, and what its ranked predictions depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) folder: PathBuf,
    /// Where its data set lies, if the run says so.
    pub(super) data: Option<PathBuf>,
    /// When it was scored on the test split last, in milliseconds since 1970.
    pub(super) tested_unix_ms: Option<u64>,
    pub(super) look: u64,
}

/// The shown runs, in the order in which they are drawn.
#[derive(Debug)]
pub struct RankedRuns {
    asked: Vec<Asked>,
    /// Each, or why not.
    pub runs: Vec<Result<Arc<RankedRun>, Unranked>>,
    /// All their tags, in the order in which they are first met.
    pub tags: Vec<String>,
}

/// A run that has no predictions to rank.
#[derive(Clone, Debug)]
pub struct Unranked {
    /// Its folder.
    pub folder: PathBuf,
    /// Its id.
    pub id: String,
    /// What is wrong with its file; `None` if there is none.
    pub error: Option<String>,
}

/// A run's ranked predictions, with its data set.
#[derive(Debug)]
pub struct RankedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// Its id.
    pub id: String,
    /// The predictions.
    pub ranked: Ranked,
    /// The threshold for all tags with the best mean F1, and that mean.
    pub best_shared: Option<(f64, f64)>,
    /// The data set that it was trained on, or why it is not there.
    pub shelf: Result<Arc<Shelf>, String>,
    /// `[tags]`, as they are drawn.
    drawn: Vec<Drawn>,
}

/// What is drawn of a tag.
#[derive(Debug, Default)]
struct Drawn {
    roc: Vec<CurvePoint>,
    precision_recall: Vec<CurvePoint>,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    best_f1: Option<(f64, Counts)>,
}

impl RankedRuns {
    /// Reads and ranks those that are not in `before` as they are now. Fails if it is cancelled.
    pub(super) fn read(
        asked: &[Asked],
        before: Option<&Self>,
        in_use: Option<Arc<Shelf>>,
        job: &Job,
    ) -> Result<Self, Cancelled> {
        let known = before.map_or(&[][..], |before| &before.runs);
        let known_asked = before.map_or(&[][..], |before| &before.asked);
        let mut shelves: BTreeMap<PathBuf, Result<Arc<Shelf>, String>> = BTreeMap::new();
        let known_shelves = known
            .iter()
            .flatten()
            .filter_map(|run| run.shelf.clone().ok());
        for shelf in known_shelves.chain(in_use) {
            shelves.insert(shelf.dataset.place.clone(), Ok(shelf));
        }
        let mut runs = Vec::new();
        for (at, one) in asked.iter().enumerate() {
            job.check()?;
            job.report(at as u64, asked.len() as u64, "ranking predictions");
            let same = known_asked.iter().position(|other| other == one);
            runs.push(match same.and_then(|same| known.get(same)) {
                Some(Ok(run)) => Ok(Arc::clone(run)),
                _ => read(one, &mut shelves),
            });
        }
        let mut tags: Vec<String> = Vec::new();
        for run in runs.iter().flatten() {
            for tag in &run.ranked.predictions.tags {
                if !tags.contains(tag) {
                    tags.push(tag.clone());
                }
            }
        }
        Ok(Self {
            asked: asked.to_vec(),
            runs,
            tags,
        })
    }

    /// The run in a folder, if it is ranked.
    pub fn run(&self, folder: &std::path::Path) -> Option<&Arc<RankedRun>> {
        self.runs.iter().flatten().find(|run| run.folder == folder)
    }
}

fn read(
    asked: &Asked,
    shelves: &mut BTreeMap<PathBuf, Result<Arc<Shelf>, String>>,
) -> Result<Arc<RankedRun>, Unranked> {
    let folder = asked.folder.clone();
    let id = folder.file_name().unwrap_or_default();
    let id = id.to_string_lossy().into_owned();
    let is_there = Predictions::path(&folder).is_file();
    let predictions = Predictions::read(&folder).map_err(|error| Unranked {
        folder: folder.clone(),
        id: id.clone(),
        error: is_there.then(|| full_message(&error)),
    })?;
    let shelf = match &asked.data {
        None => Err("the run does not say which data set it was trained on".to_owned()),
        Some(data) => shelves
            .entry(data.clone())
            .or_insert_with(|| match Shelf::open(data) {
                Ok(shelf) => Ok(Arc::new(shelf)),
                Err(error) => Err(format!("{error:#}")),
            })
            .clone(),
    };
    let ranked = Ranked::of(predictions);
    let drawn = ranked.points.iter().map(|points| {
        let Some(points) = points else {
            return Drawn::default();
        };
        Drawn {
            roc: points.curve(CurveKind::Roc, Some(COLUMNS)),
            precision_recall: points.curve(CurveKind::PrecisionRecall, Some(COLUMNS)),
            roc_auc: points.roc_auc(),
            average_precision: points.average_precision(),
            best_f1: points.best_f1(),
        }
    });
    Ok(Arc::new(RankedRun {
        best_shared: ranked.best_shared_threshold(),
        drawn: drawn.collect(),
        folder,
        id,
        ranked,
        shelf,
    }))
}

impl RankedRun {
    /// The tracks ranked by a tag, if the run knows it.
    pub fn points(&self, tag: &str) -> Option<&OperatingPoints> {
        self.ranked.tag(tag)
    }

    /// A tag's curve, thinned; empty where it is not defined.
    pub fn curve(&self, tag: &str, kind: CurveKind) -> &[CurvePoint] {
        self.drawn(tag).map_or(&[], |drawn| match kind {
            CurveKind::Roc => &drawn.roc,
            CurveKind::PrecisionRecall => &drawn.precision_recall,
        })
    }

    /// The area under it.
    pub fn area(&self, tag: &str, kind: CurveKind) -> Option<f64> {
        self.drawn(tag).and_then(|drawn| match kind {
            CurveKind::Roc => drawn.roc_auc,
            CurveKind::PrecisionRecall => drawn.average_precision,
        })
    }

    /// The threshold with the best F1 of a tag, and what it makes of the tracks.
    pub fn best_f1(&self, tag: &str) -> Option<(f64, Counts)> {
        self.drawn(tag)?.best_f1
    }

    /// The tracks behind a point of a tag's curve, the worst or surest first.
    pub fn judged(&self, tag: &str, outcome: Outcome, threshold: f64) -> Vec<(Outcome, Judged)> {
        let predictions = &self.ranked.predictions;
        let Some((tag_idx, points)) = predictions.tag_idx(tag).zip(self.points(tag)) else {
            return Vec::new();
        };
        let shelf = self.shelf.as_ref().ok();
        let rows = points.clips(outcome, threshold);
        let judged = predictions.judged(tag_idx, &rows, |id| {
            let shelf = shelf?;
            shelf.dataset.tracks.get(*shelf.by_id.get(id)?)
        });
        judged.into_iter().map(|judged| (outcome, judged)).collect()
    }

    fn drawn(&self, tag: &str) -> Option<&Drawn> {
        self.drawn.get(self.ranked.predictions.tag_idx(tag)?)
    }
}
