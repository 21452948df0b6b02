//! A table of answers in memory, and where it disagrees with labels.

use super::list::condensed;
use super::{About, Error, read_table};
use crate::job::Job;
use std::collections::HashMap;
use std::path::Path;

/// What a model said about many tracks: four bytes a track and tag, and where each track lies.
///
/// A row is about a file. Ids are the same in many data sets (`0001`), so that a row goes by its id only where it names no file, or one that
/// is not on this machine and is called like the one asked for: the table came from elsewhere, or the folder was moved.
#[derive(Debug)]
pub struct Answers {
    /// What they were made with.
    pub about: About,
    /// `[tracks, tags]`.
    probabilities: Vec<f32>,
    /// Row by a hash of what it goes by.
    rows: HashMap<u64, u32>,
}

/// By its file.
fn by_path(path: &Path) -> u64 {
    condensed(&[path.as_os_str().as_encoded_bytes()])
}

/// By its id, and what its file is called.
fn by_id(id: &str, path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default();
    condensed(&[id.as_bytes(), name.as_encoded_bytes()])
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
            // Some write the file into the column of the id.
            let file = Path::new(if row.path.is_empty() {
                &row.id
            } else {
                &row.path
            });
            rows.insert(by_path(file), n_rows);
            if row.path.is_empty() || !(file.is_absolute() && file.exists()) {
                rows.insert(by_id(&row.id, Path::new(&row.path)), n_rows);
            }
            n_rows += 1;
            Ok(())
        })?;
        Ok(Self {
            about,
            probabilities,
            rows,
        })
    }

    /// `[tags]` of a track, by its file, else by its id. `None` if the table does not have it.
    pub fn of(&self, id: &str, path: &Path) -> Option<&[f32]> {
        let keys = [by_path(path), by_id(id, path), by_id(id, Path::new(""))];
        let row = *keys.iter().find_map(|key| self.rows.get(key))? as usize;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_by_its_file_and_by_its_id_only_where_that_file_is_not_here() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for set in ["one", "other"] {
            std::fs::create_dir(at(set)).unwrap();
            std::fs::write(at(set).join("1.wav"), "").unwrap();
        }
        let table = at("t.csv");
        let here = at("one/1.wav");
        let text = format!(
            "id,path,rock\n1,{},0.5\n2,/server/set/2.wav,0.25\n3,,0.125\n",
            here.display()
        );
        std::fs::write(&table, text).unwrap();
        let answers = Answers::read(&table, &Job::quiet()).unwrap();
        let of = |id: &str, path: &Path| answers.of(id, path).map(|row| row[0]);
        assert_eq!(of("1", &here), Some(0.5));
        assert_eq!(of("renamed", &here), Some(0.5));
        assert_eq!(of("1", &at("other/1.wav")), None, "of another data set");
        assert_eq!(of("2", &at("other/2.wav")), Some(0.25), "moved");
        assert_eq!(of("2", &at("other/b.wav")), None);
        assert_eq!(of("3", &at("other/3.wav")), Some(0.125), "names no file");
    }
}
