//! What models said of the tracks at each strength, kept so that stopped work goes on: a file of JSON lines for each model and choice of
//! tracks. A line is written whole; one that was cut off by a crash is passed over and made again.

use super::super::Error;
use crate::predict::Model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The answers of a model that are known.
pub(super) struct Kept {
    path: PathBuf,
    answers: BTreeMap<String, Vec<f32>>,
    /// The file does not end with a whole line.
    is_cut_off: bool,
}

fn path_of(folder: &Path, model: &Model, key: &str) -> PathBuf {
    folder.join(format!("{}-{key}.jsonl", model.fingerprint))
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// The effect as text, or `clean`.
    effect: String,
    /// `[tracks, tags of the model]`
    probabilities: Vec<f32>,
}

impl Kept {
    /// Reads what is known; `key` stands for tracks, seed and version.
    pub(super) fn open(folder: &Path, model: &Model, key: &str) -> Result<Self, Error> {
        let path = path_of(folder, model, key);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        Ok(Self {
            answers: lines
                .map(|line: Line| (line.effect, line.probabilities))
                .collect(),
            is_cut_off: !text.is_empty() && !text.ends_with('\n'),
            path,
        })
    }

    /// Throws away what is known.
    pub(super) fn forget(folder: &Path, model: &Model, key: &str) -> Result<(), Error> {
        let path = path_of(folder, model, key);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Write { path, source })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn get(&self, effect: &str) -> Option<&[f32]> {
        self.answers.get(effect).map(Vec::as_slice)
    }

    /// Writes an answer down.
    pub(super) fn add(&mut self, effect: &str, probabilities: &[f32]) -> Result<(), Error> {
        let failed = |source: std::io::Error| Error::Write {
            path: self.path.clone(),
            source,
        };
        let line = Line {
            effect: effect.to_owned(),
            probabilities: probabilities.to_vec(),
        };
        let mut text = serde_json::to_string(&line).map_err(|error| failed(error.into()))?;
        text.push('\n');
        if std::mem::take(&mut self.is_cut_off) {
            text.insert(0, '\n');
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(failed)
    }
}
