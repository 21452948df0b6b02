//! Where the decisions about a data set lie, and what lies there under older names.
//!
//! A journal belongs to a data set and a labelling of it, whatever named split was open: a track has the same tags in all splits that share a
//! vocabulary, while a mark of another vocabulary would say that it has none of this one's. Earlier versions had a journal for each way of
//! writing a split (`FOLDER`, `FOLDER#SPLIT`). These stay where they are; the first journal under today's name begins with what they hold.

use super::ledger::{Ledger, Line};
use crate::dataset::place::Place;
use crate::dataset::{Collection, Dataset, Error};
use crate::file_lock::{Hold, open_locked};
use crate::workspace::{Workspace, write_whole};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Digits of the hash in today's names, and in those of earlier versions.
const DIGITS: usize = 12;
const OLDER_DIGITS: usize = 8;

/// The name for people, and digits that tell places apart.
fn file_of(workspace: &Workspace, dataset: &Dataset, place: &[u8], digits: usize) -> PathBuf {
    let hash = blake3::hash(place).to_hex();
    let name = dataset.name.replace(['/', '\\', '\0'], "-");
    let file = format!("{name}-{}.jsonl", &hash.as_str()[..digits]);
    workspace.corrections().join(file)
}

/// The journal of a data set.
pub(super) fn path_of(workspace: &Workspace, dataset: &Dataset) -> PathBuf {
    let mut place = dataset.root.as_os_str().as_encoded_bytes().to_vec();
    place.push(0);
    place.extend(dataset.labelling.as_bytes());
    file_of(workspace, dataset, &place, DIGITS)
}

/// The journals that earlier versions left of this data set and labelling.
pub(super) fn older(workspace: &Workspace, dataset: &Dataset) -> Result<Vec<PathBuf>, Error> {
    let of = |place: &Path| {
        let place = place.as_os_str().as_encoded_bytes();
        file_of(workspace, dataset, place, OLDER_DIGITS)
    };
    // Most often there is none, and then no need to know all splits, for which everything has to be read.
    let ending_digits = OLDER_DIGITS + ".jsonl".len();
    let stem = of(&dataset.root);
    let stem = stem.file_name().unwrap_or_default().as_encoded_bytes();
    let stem = &stem[..stem.len().saturating_sub(ending_digits)];
    let folder = workspace.corrections();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let is_like = |name: &std::ffi::OsStr| {
        let bytes = name.as_encoded_bytes();
        bytes.len() == stem.len() + ending_digits && bytes.starts_with(stem)
    };
    if !entries.flatten().any(|entry| is_like(&entry.file_name())) {
        return Ok(Vec::new());
    }
    let collection = Collection::open(&dataset.root)?;
    let mut places = Vec::new();
    for (number, split) in collection.splits.iter().enumerate() {
        let labelling = collection.labellings.get(split.labelling);
        if labelling.is_some_and(|labelling| labelling.name == dataset.labelling) {
            if number == 0 {
                places.push(dataset.root.clone());
            }
            places.push(Place::new(&dataset.root, Some(&split.name)).into_path());
        }
    }
    let files = places.iter().map(|place| of(place));
    Ok(files.filter(|file| file.exists()).collect())
}

/// What older journals hold, as one: of a single one everything; of several what counts in each, in the order in which it was decided. What
/// had been taken back in these cannot be done again, but still stands in them.
pub(super) fn joined(older: &[PathBuf]) -> Result<Vec<u8>, Error> {
    let mut decided = Vec::new();
    for path in older {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let (lines, end) = lines_of(&bytes, path)?;
        if let [_only] = older {
            return Ok(bytes[..end as usize].to_vec());
        }
        decided.extend(Line::that_count(lines));
    }
    decided.sort_by_key(Line::at_unix_ms);
    let mut bytes = Vec::new();
    for line in decided {
        bytes.extend(line.to_bytes()?);
    }
    Ok(bytes)
}

/// The whole lines of a journal, and where they end.
pub(super) fn lines_of(bytes: &[u8], path: &Path) -> Result<(Vec<Line>, u64), Error> {
    let mut lines = Vec::new();
    let mut end = 0;
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let Some((b'\n', text)) = line.split_last() else {
            // Torn by a kill or a power cut.
            break;
        };
        let line_read = serde_json::from_slice(text).map_err(|error| Error::BadLine {
            problem: format!("a decision cannot be read ({error})"),
            mend: "mend or remove this line".to_owned(),
            file: path.to_path_buf(),
            line: number,
        })?;
        lines.push(line_read);
        end += line.len() as u64;
    }
    Ok((lines, end))
}

/// What the whole lines of a journal lead to, and where they end.
pub(super) fn fold(bytes: &[u8], path: &Path) -> Result<(Ledger, u64), Error> {
    let (lines, end) = lines_of(bytes, path)?;
    let mut ledger = Ledger::default();
    for line in lines {
        ledger.apply(line);
    }
    Ok((ledger, end))
}

/// Opens a journal for appending, locked; one that is not there begins with what older ones hold.
pub(super) fn open(workspace: &Workspace, dataset: &Dataset) -> Result<(File, PathBuf), Error> {
    let path = path_of(workspace, dataset);
    let folder = workspace.corrections();
    std::fs::create_dir_all(&folder).map_err(Error::io("make", folder))?;
    if !path.exists() {
        let older = older(workspace, dataset)?;
        // As long as they are held, nobody else begins the new one, and no earlier version adds to them.
        let held = older.iter().map(|file| hold(file, dataset));
        let _held: Vec<File> = held.collect::<Result<_, _>>()?;
        if !older.is_empty() && !path.exists() {
            let bytes = joined(&older)?;
            write_whole(&path, |file| file.write_all(&bytes)).map_err(Error::io("write", &path))?;
        }
    }
    let file = hold(&path, dataset)?;
    Ok((file, path))
}

fn hold(path: &Path, dataset: &Dataset) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true).create(true);
    match open_locked(path, options, Hold::Exclusive) {
        Ok(file) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::BadConfig(format!(
            "another window or command has the corrections of {} open; close it first: {}",
            dataset.name,
            path.display()
        ))),
        // Where there are no locks, there is nobody to ask.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            options.open(path).map_err(Error::io("open", path))
        }
        Err(TryLockError::Error(error)) => Err(Error::io("open", path)(error)),
    }
}
