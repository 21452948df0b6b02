//! The tracks behind a point of a tag's curve: what a run's best model got wrong on the test split, with what the data set knows of each.

use super::checkpoint::{Checkpoints, RunFile};
use super::prepare::{decode_split, open_cache_at};
use super::{Error, Predictions, evaluate};
use crate::dataset::{Dataset, PlaylistEntry, Split, Track, write_playlist};
use crate::job::Job;
use crate::metrics::{OperatingPoints, Outcome};
use crate::predict::Model;
use crate::run;
use crate::workspace::Workspace;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A track that a threshold has judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Its id.
    pub track: String,
    /// Probability of the tag.
    pub probability: f32,
    /// Artist, if the data set is there and says so.
    pub artist: Option<String>,
    /// The audio file, if the data set is there and has the track.
    pub path: Option<PathBuf>,
    /// Length in seconds, if known.
    pub duration_secs: Option<f64>,
}

impl Predictions {
    /// Place of a tag among the columns.
    pub fn tag_idx(&self, tag: &str) -> Option<usize> {
        self.tags.iter().position(|other| other == tag)
    }

    /// The probability of a tag for the track in a row.
    pub fn probability(&self, row: usize, tag_idx: usize) -> f32 {
        self.probabilities[row * self.tags.len() + tag_idx]
    }

    /// The tracks ranked by a tag. `None` if a probability is not a number.
    pub fn operating_points(&self, tag_idx: usize) -> Option<OperatingPoints> {
        let rows = (tag_idx..self.probabilities.len()).step_by(self.tags.len());
        let (scores, labels): (Vec<f32>, Vec<bool>) = rows
            .map(|at| (self.probabilities[at], self.labels[at]))
            .unzip();
        OperatingPoints::of(&scores, &labels)
    }

    /// What is known of the tracks in these rows, in this order. `track` finds a track of the data set by its id.
    pub fn judged<'a>(
        &self,
        tag_idx: usize,
        rows: &[u32],
        track: impl Fn(&str) -> Option<&'a Track>,
    ) -> Vec<Judged> {
        let judged = rows.iter().map(|&row| {
            let id = &self.tracks[row as usize];
            let known = track(id);
            Judged {
                track: id.clone(),
                probability: self.probability(row as usize, tag_idx),
                artist: known
                    .map(|known| known.artist.clone())
                    .filter(|artist| !artist.is_empty()),
                path: known.map(|known| known.path.clone()),
                duration_secs: known.and_then(|known| known.duration_secs),
            }
        });
        judged.collect()
    }

    /// Scores the test split with the best model of a run that has kept no predictions, and keeps them in its folder.
    ///
    /// Fails if the run is being trained, has no checkpoint, if its data set is gone, has other tags or no test split, or if `job` is cancelled.
    pub fn make(run_folder: &Path, workspace: &Workspace, job: &Job) -> Result<Self, Error> {
        if run::has_writer(run_folder) {
            return Err(run::Error::Locked(run_folder.to_owned()).into());
        }
        let best = Checkpoints::of(run_folder).best();
        if !best.is_file() {
            let run = run_folder.to_owned();
            return Err(Error::NoCheckpoint { run });
        }
        let run_file = RunFile::read(run_folder)?;
        let dataset = Dataset::open(&run_file.data.folder)?;
        if run_file.data.tags != dataset.tags {
            return Err(Error::DataChanged {
                then: run_file.data.tags.len(),
                now: dataset.n_tags(),
            });
        }
        let model = Model::load(&best)?;
        let cache = open_cache_at(workspace, run_file.config.clip_rate_hz)?;
        let (track_idxs, _) = decode_split(&dataset, Split::Test, &cache, job)?;
        let evaluation = evaluate(&model, &dataset, &cache, &track_idxs, job)?;
        let predictions = Self::of(&evaluation, &dataset);
        predictions.save(run_folder)?;
        Ok(predictions)
    }
}

/// Writes the tracks behind a point as a list for any player. Gives how many are in it: those whose audio file is known.
pub fn write_mistakes(
    path: &Path,
    title: &str,
    tag: &str,
    judged: &[(Outcome, Judged)],
) -> Result<usize, Error> {
    let entries: Vec<PlaylistEntry> = judged
        .iter()
        .filter_map(|(outcome, judged)| {
            let artist = judged.artist.as_ref();
            let artist = artist.map_or(String::new(), |artist| format!("{artist} - "));
            let kind = match outcome {
                Outcome::FalsePositive => "false positive",
                Outcome::FalseNegative => "false negative",
                Outcome::TruePositive => "true positive",
                Outcome::TrueNegative => "true negative",
            };
            Some(PlaylistEntry {
                path: judged.path.clone()?,
                secs: judged.duration_secs,
                words: format!(
                    "{artist}{} ({kind}, {tag} {:.3})",
                    judged.track, judged.probability
                ),
            })
        })
        .collect();
    Ok(write_playlist(path, title, &entries)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_mistakes_come_first_and_go_into_a_list_for_players() {
        let predictions = Predictions {
            probabilities: vec![0.9, 0.1, 0.2, 0.8, 0.6, 0.3, 0.7, 0.2],
            labels: vec![false, true, true, true, false, false, true, false],
            tracks: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            tags: ["calm", "loud"].map(str::to_owned).to_vec(),
        };
        let calm = predictions.tag_idx("calm").unwrap();
        let points = predictions.operating_points(calm).unwrap();
        let known = Track {
            id: "a".to_owned(),
            path: "/music/a.ogg".into(),
            artist: "Ann".to_owned(),
            album: String::new(),
            title: String::new(),
            split: Split::Test,
            duration_secs: Some(30.0),
            source: String::new(),
            license: String::new(),
            tags: Vec::new(),
            timeline: Vec::new(),
        };
        let rows = points.clips(Outcome::FalsePositive, 0.5);
        let wrong = predictions.judged(calm, &rows, |id| (id == "a").then_some(&known));
        let told: Vec<_> = wrong
            .iter()
            .map(|judged| (judged.track.as_str(), judged.probability))
            .collect();
        assert_eq!(told, [("a", 0.9), ("c", 0.6)]);
        assert_eq!(wrong[0].artist.as_deref(), Some("Ann"));
        let missed = points.clips(Outcome::FalseNegative, 0.5);
        assert_eq!(missed, [1]);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calm.m3u8");
        let wrong: Vec<_> = wrong
            .into_iter()
            .map(|judged| (Outcome::FalsePositive, judged))
            .collect();
        assert_eq!(write_mistakes(&path, "calm", "calm", &wrong).unwrap(), 1);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = "#EXTINF:30,Ann - a (false positive, calm 0.900)\n/music/a.ogg\n";
        assert!(text.ends_with(line), "{text}");
    }
}
