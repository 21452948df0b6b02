//! What is tagged already, a record a track, appended as tracks come, beside the table that is written from it in the end.
//!
//! A line of JSON (the [`About`]) and records: length, checksum, key of the track, outcome. Read up to the last whole record: what a killed
//! process or a power cut tore is cut off and done again. The latest record of a track counts.

use super::table::{About, Row, beside};
use super::{Error, ToTag};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Longer records are nonsense: those of a thousand tags and the longest message are far shorter.
const LONGEST: u32 = 1 << 24;

/// A journal that is open, locked against other processes.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
    /// Where the record of a track lies, by its key: of those that were tagged, and those that failed in this sitting.
    places: HashMap<u64, u64>,
}

impl Journal {
    /// Opens the journal of the table `out`, made if it is not there. What it holds of a model that gives other answers is an error, or
    /// forgotten with `overwrite`.
    pub(super) fn open(out: &Path, about: &About, overwrite: bool) -> Result<Self, Error> {
        let path = Self::path_of(out);
        if let Some(folder) = out.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(out.to_path_buf())),
            // Where there are no locks, there is nobody to ask.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        let mut journal = Self {
            file,
            path,
            end: 0,
            places: HashMap::new(),
        };
        if !overwrite {
            journal.read(about)?;
        }
        let told = Error::io("write", journal.path.clone());
        let start = |journal: &mut Self| {
            journal.file.set_len(journal.end)?;
            journal.file.seek(SeekFrom::Start(journal.end))?;
            if journal.end == 0 {
                let mut line = serde_json::to_vec(about)?;
                line.push(b'\n');
                journal.file.write_all(&line)?;
                journal.end = line.len() as u64;
            }
            Ok(())
        };
        start(&mut journal).map_err(told)?;
        Ok(journal)
    }

    pub(super) fn path_of(out: &Path) -> PathBuf {
        beside(out, ".journal")
    }

    fn read(&mut self, about: &About) -> Result<(), Error> {
        let told = |error| Error::io("read", &self.path)(error);
        let mut reader = BufReader::new(&self.file);
        let mut header = Vec::new();
        reader.read_until(b'\n', &mut header).map_err(told)?;
        if header.pop() != Some(b'\n') {
            // Killed before anything was done.
            return Ok(());
        }
        let found: About = serde_json::from_slice(&header)
            .map_err(|error| Error::not_a_table(&self.path, error))?;
        about.check_same(&found, &self.path)?;
        let mut end = header.len() as u64 + 1;
        let mut places = HashMap::new();
        while let Some(payload) = next_record(&mut reader).map_err(told)? {
            let Some((key, row)) = row_of(&payload) else {
                break;
            };
            if row.error.is_empty() {
                places.insert(key, end);
            }
            end += 8 + payload.len() as u64;
        }
        (self.end, self.places) = (end, places);
        Ok(())
    }

    /// Whether a track need not be tagged.
    pub(super) fn has(&self, key: u64) -> bool {
        self.places.contains_key(&key)
    }

    /// Whether anything is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts a track's outcome at the end; it is with the system when this returns.
    pub(super) fn append(&mut self, key: u64, row: &Row) -> Result<(), Error> {
        let payload = payload_of(key, row);
        let mut record = Vec::with_capacity(payload.len() + 8);
        record.extend((payload.len() as u32).to_le_bytes());
        record.extend(checksum(&payload));
        record.extend(&payload);
        let told = Error::io("write", &self.path);
        self.file.write_all(&record).map_err(told)?;
        self.places.insert(key, self.end);
        self.end += record.len() as u64;
        Ok(())
    }

    /// The rows of a list, in its order, by the keys of its tracks; tracks without a record are left out.
    pub(super) fn rows<'a>(
        &'a self,
        list: &'a [ToTag],
        keys: &'a [u64],
    ) -> impl Iterator<Item = Result<Row, Error>> + 'a {
        list.iter().zip(keys).filter_map(|(track, key)| {
            let place = *self.places.get(key)?;
            let read = || {
                let mut file = &self.file;
                file.seek(SeekFrom::Start(place))?;
                next_record(&mut file)
            };
            let found = read().map_err(Error::io("read", &self.path));
            let row = found.and_then(|payload| {
                let changed = || Error::not_a_table(&self.path, "somebody else has written to it");
                let (_, row) = payload.as_deref().and_then(row_of).ok_or_else(changed)?;
                Ok(Row {
                    id: track.id.clone(),
                    path: track.path.to_string_lossy().into_owned(),
                    ..row
                })
            });
            Some(row)
        })
    }

    /// Takes it away: the table is whole.
    pub(super) fn remove(self) -> Result<(), Error> {
        std::fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}

fn checksum(payload: &[u8]) -> [u8; 4] {
    let mut sum = [0; 4];
    sum.copy_from_slice(&blake3::hash(payload).as_bytes()[..4]);
    sum
}

/// The payload of the record at the reader's place; `None` if no whole one follows.
fn next_record(reader: &mut impl io::Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 8];
    let mut payload = Vec::new();
    match reader.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [a, b, c, d, sum @ ..] = head;
    let length = u32::from_le_bytes([a, b, c, d]);
    if length > LONGEST {
        return Ok(None);
    }
    reader.take(length.into()).read_to_end(&mut payload)?;
    let is_whole = payload.len() == length as usize && checksum(&payload) == sum;
    Ok(is_whole.then_some(payload))
}

fn payload_of(key: u64, row: &Row) -> Vec<u8> {
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.extend(row.duration_secs.unwrap_or(f64::NAN).to_le_bytes());
    for text in [&row.error, &row.warning] {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(row.probabilities.iter().flat_map(|p| p.to_le_bytes()));
    bytes
}

/// Key and outcome, without the names that the list knows.
fn row_of(payload: &[u8]) -> Option<(u64, Row)> {
    let (key, rest) = payload.split_first_chunk()?;
    let (secs, mut rest) = rest.split_first_chunk()?;
    let mut text = || {
        let (length, behind) = rest.split_first_chunk()?;
        let (text, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = behind;
        String::from_utf8(text.to_vec()).ok()
    };
    let (error, warning) = (text()?, text()?);
    let secs = f64::from_le_bytes(*secs);
    let (numbers, []) = rest.as_chunks() else {
        return None;
    };
    let row = Row {
        duration_secs: (!secs.is_nan()).then_some(secs),
        probabilities: numbers
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
        error,
        warning,
        ..Row::default()
    };
    Some((u64::from_le_bytes(*key), row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            model: "m".into(),
            fingerprint: "f".into(),
            evaluation: "e".into(),
            version: "1".into(),
            tags: vec!["a".into(), "b".into()],
        }
    }

    fn row(p: f32) -> Row {
        Row {
            duration_secs: Some(f64::from(p) * 10.0),
            probabilities: vec![p, 1.0 - p],
            warning: "cut off".into(),
            ..Row::default()
        }
    }

    fn list() -> Vec<ToTag> {
        let track = |id: &str| ToTag::file(format!("/x/{id}").into());
        ["one", "two", "three"].map(track).to_vec()
    }

    fn keys() -> Vec<u64> {
        list().iter().map(ToTag::key_now).collect()
    }

    fn ids(journal: &Journal) -> Vec<String> {
        let (list, keys) = (list(), keys());
        let rows = journal.rows(&list, &keys);
        rows.map(|row| row.unwrap().id).collect()
    }

    #[test]
    fn a_journal_torn_at_any_byte_is_read_up_to_its_last_whole_record() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/t.csv");
        let mut journal = Journal::open(&out, &about(), false).unwrap();
        let mut ends = vec![journal.end];
        for (&key, p) in keys().iter().rev().zip([0.5, 0.25, 0.125]) {
            journal.append(key, &row(p)).unwrap();
            ends.push(journal.end);
        }
        assert_eq!(ids(&journal), ["/x/one", "/x/two", "/x/three"]);
        drop(journal);
        let path = Journal::path_of(&out);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut journal = Journal::open(&out, &about(), false).unwrap();
            let n = ends.iter().filter(|&&end| end as usize <= length).count();
            assert_eq!(journal.places.len(), n.saturating_sub(1), "{length} bytes");
            journal.append(keys()[0], &row(0.125)).unwrap();
            let (list, keys) = (list(), keys());
            let first = journal.rows(&list, &keys).next().unwrap().unwrap();
            let expected = Row {
                id: "/x/one".into(),
                path: "/x/one".into(),
                ..row(0.125)
            };
            assert_eq!(first, expected);
        }
    }

    #[test]
    fn what_failed_is_tried_again_and_another_model_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("t.csv");
        let mut journal = Journal::open(&out, &about(), false).unwrap();
        let failed = Row {
            error: "broken".into(),
            ..Row::default()
        };
        journal.append(keys()[1], &failed).unwrap();
        assert_eq!(ids(&journal), ["/x/two"], "this sitting knows of it");
        let busy = Journal::open(&out, &about(), false).unwrap_err();
        assert!(matches!(busy, Error::Busy(_)), "{busy}");
        drop(journal);
        let journal = Journal::open(&out, &about(), false).unwrap();
        assert!(!journal.has(keys()[1]) && journal.is_empty());
        drop(journal);
        let other = About {
            fingerprint: "g".into(),
            ..about()
        };
        let refused = Journal::open(&out, &other, false).unwrap_err();
        assert!(matches!(refused, Error::OtherModel { .. }), "{refused}");
        assert!(Journal::open(&out, &other, true).unwrap().is_empty());
    }
}
