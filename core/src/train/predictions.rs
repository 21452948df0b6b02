//! What a model said about every track of the test split, kept in the run folder when the run is tested.
//!
//! Macro scores alone cannot tell whether two runs differ by more than chance: that takes the predictions on the same tracks. The file
//! is one that `attune metrics` reads, with the ids of the tracks and the names of the tags beside.

use super::{Error, Evaluation};
use crate::dataset::Dataset;
use crate::metrics::file;
use crate::workspace::write_whole;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const TRACKS_KEY: &str = "attune.tracks";
const TAGS_KEY: &str = "attune.tags";

/// Probabilities and labels of scored tracks.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// `[tracks, tags]`, row by row.
    pub probabilities: Vec<f32>,
    /// `[tracks, tags]`, row by row.
    pub labels: Vec<bool>,
    /// Ids of the tracks, in the order of the rows.
    pub tracks: Vec<String>,
    /// Names of the tags, in the order of the columns.
    pub tags: Vec<String>,
}

impl Predictions {
    /// Those of an evaluation on tracks of `dataset`.
    pub fn of(evaluation: &Evaluation, dataset: &Dataset) -> Self {
        let tracks = &evaluation.track_idxs;
        Self {
            probabilities: evaluation.probabilities.clone(),
            labels: tracks
                .iter()
                .flat_map(|&idx| dataset.labels_of(idx))
                .collect(),
            tracks: tracks
                .iter()
                .map(|&idx| dataset.tracks[idx].id.clone())
                .collect(),
            tags: dataset.tags.clone(),
        }
    }

    /// The file of a run: `scores/test.safetensors`.
    pub fn path(run_folder: &Path) -> PathBuf {
        run_folder.join("scores").join("test.safetensors")
    }

    /// Writes the file of the run in `run_folder`, whole or not at all.
    pub fn save(&self, run_folder: &Path) -> Result<(), Error> {
        let path = Self::path(run_folder);
        let shape = vec![self.tracks.len(), self.tags.len()];
        let scores: Vec<u8> = self
            .probabilities
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let labels: Vec<u8> = self.labels.iter().map(|&label| u8::from(label)).collect();
        let bytes = || -> io::Result<Vec<u8>> {
            let metadata = HashMap::from([
                (TRACKS_KEY.to_owned(), serde_json::to_string(&self.tracks)?),
                (TAGS_KEY.to_owned(), serde_json::to_string(&self.tags)?),
            ]);
            let tensors = [
                (
                    "scores",
                    TensorView::new(Dtype::F32, shape.clone(), &scores),
                ),
                ("labels", TensorView::new(Dtype::U8, shape, &labels)),
            ];
            let tensors = tensors
                .into_iter()
                .map(|(name, view)| Ok((name, view.map_err(io::Error::other)?)))
                .collect::<io::Result<Vec<_>>>()?;
            safetensors::serialize(tensors, Some(metadata)).map_err(io::Error::other)
        };
        let written =
            bytes().and_then(|bytes| write_whole(&path, |writer| writer.write_all(&bytes)));
        written.map_err(|source| Error::Write { path, source })
    }

    /// Reads the file of the run in `run_folder`. Fails if it is not there, or if it is not one that [`Self::save`] wrote.
    pub fn read(run_folder: &Path) -> Result<Self, Error> {
        let path = Self::path(run_folder);
        let labelled = file::read(&path)?;
        let bytes = std::fs::read(&path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        let unusable = |why: &str| Error::Predictions {
            path: path.clone(),
            why: why.to_owned(),
        };
        let (_, header) = SafeTensors::read_metadata(&bytes)
            .map_err(|source| unusable(&format!("its header is not readable ({source})")))?;
        let names = header.metadata().clone().unwrap_or_default();
        let tracks: Vec<String> =
            list(&names, TRACKS_KEY).ok_or_else(|| unusable("it does not name its tracks"))?;
        let tags: Vec<String> =
            list(&names, TAGS_KEY).ok_or_else(|| unusable("it does not name its tags"))?;
        if labelled.n_tags != tags.len() || labelled.labels.len() != tags.len() * tracks.len() {
            return Err(unusable("it names other tracks or tags than it holds"));
        }
        Ok(Self {
            // They were written in single precision.
            probabilities: labelled.scores.iter().map(|&score| score as f32).collect(),
            labels: labelled.labels,
            tracks,
            tags,
        })
    }

    /// Whether rows and columns, and what is true of them, are the same, so that both can be scored on the same resamples.
    pub fn are_of_the_same_tracks(&self, other: &Self) -> bool {
        self.tracks == other.tracks && self.tags == other.tags && self.labels == other.labels
    }
}

fn list<T: DeserializeOwned>(names: &HashMap<String, String>, key: &str) -> Option<T> {
    serde_json::from_str(names.get(key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_survive_their_file_and_metrics_reads_it_too() {
        let folder = tempfile::tempdir().unwrap();
        let predictions = Predictions {
            probabilities: vec![0.1, 0.9, 0.25, 0.5, 1.0, 0.0],
            labels: vec![false, true, false, true, true, false],
            tracks: ["a", "b, \"c\"", "ü"].map(str::to_owned).to_vec(),
            tags: ["calm", "loud"].map(str::to_owned).to_vec(),
        };
        predictions.save(folder.path()).unwrap();
        let read = Predictions::read(folder.path()).unwrap();
        assert_eq!(read, predictions);
        assert!(read.are_of_the_same_tracks(&predictions));
        let labelled = file::read(&Predictions::path(folder.path())).unwrap();
        assert_eq!((labelled.n_tags, labelled.labels.len()), (2, 6));
        let mut other = read.clone();
        other.tracks.swap(0, 1);
        assert!(!read.are_of_the_same_tracks(&other));
    }

    #[test]
    fn a_run_that_was_not_tested_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Predictions::read(folder.path()).is_err());
    }
}
