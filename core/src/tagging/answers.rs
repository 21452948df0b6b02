//! A table of answers in memory, and where it disagrees with labels.

use super::{About, Error, ToTag, read_table};
use crate::job::Job;
use std::collections::HashMap;
use std::path::Path;

/// What a model said about many tracks: four bytes a track and tag, and where each track lies.
#[derive(Debug)]
pub struct Answers {
    /// What they were made with.
    pub about: About,
    /// `[tracks, tags]`.
    probabilities: Vec<f32>,
    /// Row by a hash of the id, and of the path.
    rows: HashMap<u64, u32>,
}

fn hash(name: &str) -> u64 {
    let id = name.to_owned();
    let path = std::path::PathBuf::new();
    ToTag { id, path }.key()
}

impl Answers {
    /// Reads a table. Tracks that could not be tagged are left out.
    pub fn read(path: &Path, job: &Job) -> Result<Self, Error> {
        let mut probabilities: Vec<f32> = Vec::new();
        let (mut rows, mut n_rows) = (HashMap::new(), 0u32);
        let about = read_table(path, &mut |_, row| {
            if row.probabilities.is_empty() {
                return Ok(());
            }
            if n_rows.is_multiple_of(1000) {
                job.check()?;
                job.report(n_rows.into(), 0, "reading answers");
            }
            probabilities.extend(&row.probabilities);
            rows.insert(hash(&row.id), n_rows);
            // A file may be known under another id elsewhere.
            rows.entry(hash(&row.path)).or_insert(n_rows);
            n_rows += 1;
            Ok(())
        })?;
        Ok(Self {
            about,
            probabilities,
            rows,
        })
    }

    /// `[tags]` of a track, by its id, else by its file. `None` if the table does not have it.
    pub fn of(&self, id: &str, path: &Path) -> Option<&[f32]> {
        let by_path = || self.rows.get(&hash(&path.to_string_lossy()));
        let row = *self.rows.get(&hash(id)).or_else(by_path)? as usize;
        let n_tags = self.about.tags.len();
        self.probabilities.get(row * n_tags..(row + 1) * n_tags)
    }

    /// Place of a tag.
    pub fn tag(&self, name: &str) -> Option<usize> {
        self.about.tags.iter().position(|tag| tag == name)
    }
}

/// How much an answer disagrees with a label, 0 to 1: 1 if the model is sure of the contrary.
pub fn disagreement(probability: f32, has_tag: bool) -> f32 {
    (probability - f32::from(u8::from(has_tag))).abs()
}
