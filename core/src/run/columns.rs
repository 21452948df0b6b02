//! The files under `scalars/`: one per column, values of fixed width in little endian, one per training step.
//!
//! A row counts once it stands in every column. Columns only grow, so that whatever a killed writer leaves behind is a
//! prefix; the next writer cuts them to the same number of rows before it goes on. A scalar whose file is missing (a run of
//! an older version) was not measured.

use super::{Error, Scalar, StepScalars};
use crate::workspace::write_whole;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const FOLDER: &str = "scalars";

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnKind {
    Step,
    Epoch,
    AtUnixMs,
    Value(Scalar),
}

impl ColumnKind {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Step, Self::Epoch, Self::AtUnixMs]
            .into_iter()
            .chain(Scalar::ALL.map(Self::Value))
    }

    fn width(self) -> u64 {
        match self {
            Self::Step | Self::AtUnixMs => 8,
            Self::Epoch | Self::Value(_) => 4,
        }
    }

    fn path(self, run_folder: &Path) -> PathBuf {
        let name = match self {
            Self::Step => "step.u64".to_owned(),
            Self::Epoch => "epoch.u32".to_owned(),
            Self::AtUnixMs => "at_unix_ms.u64".to_owned(),
            Self::Value(scalar) => format!("{}.f32", scalar.name()),
        };
        run_folder.join(FOLDER).join(name)
    }

    fn append_to(self, bytes: &mut Vec<u8>, row: &StepScalars, at_unix_ms: u64) {
        match self {
            Self::Step => bytes.extend(row.step.to_le_bytes()),
            Self::Epoch => bytes.extend(row.epoch.to_le_bytes()),
            Self::AtUnixMs => bytes.extend(at_unix_ms.to_le_bytes()),
            Self::Value(scalar) => bytes.extend(row.raw(scalar).to_le_bytes()),
        }
    }
}

/// Appends rows to the columns of one run.
#[derive(Debug)]
pub(super) struct ColumnWriter {
    columns: Vec<OpenColumn>,
    rows_on_disk: u64,
    rows_pending: u64,
}

#[derive(Debug)]
struct OpenColumn {
    kind: ColumnKind,
    path: PathBuf,
    file: File,
    pending: Vec<u8>,
}

impl ColumnWriter {
    /// Opens the columns, makes those that are missing, and cuts all to the rows that stand in every one.
    pub(super) fn open(run_folder: &Path) -> Result<Self, Error> {
        let folder = run_folder.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let n_rows = complete_rows(run_folder).map_err(Error::io(&folder))?;
        let columns = ColumnKind::all()
            .map(|kind| {
                let path = kind.path(run_folder);
                open_column(kind, &path, n_rows)
                    .map(|file| OpenColumn {
                        kind,
                        path: path.clone(),
                        file,
                        pending: Vec::new(),
                    })
                    .map_err(Error::io(path))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            columns,
            rows_on_disk: n_rows,
            rows_pending: 0,
        })
    }

    /// Rows appended so far, those that wait to be flushed among them.
    pub(super) fn n_rows(&self) -> u64 {
        self.rows_on_disk + self.rows_pending
    }

    pub(super) fn n_pending(&self) -> u64 {
        self.rows_pending
    }

    pub(super) fn push(&mut self, row: &StepScalars, at_unix_ms: u64) {
        for column in &mut self.columns {
            column.kind.append_to(&mut column.pending, row, at_unix_ms);
        }
        self.rows_pending += 1;
    }

    /// Hands the waiting rows to the system. After an error (a full disk) they still wait, and the next flush writes
    /// them again at the same place.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.rows_pending == 0 {
            return Ok(());
        }
        for column in &mut self.columns {
            let at = self.rows_on_disk * column.kind.width();
            let written = column
                .file
                .seek(SeekFrom::Start(at))
                .and_then(|_| column.file.write_all(&column.pending));
            written.map_err(Error::io(&column.path))?;
        }
        for column in &mut self.columns {
            column.pending.clear();
        }
        self.rows_on_disk += self.rows_pending;
        self.rows_pending = 0;
        Ok(())
    }
}

fn open_column(kind: ColumnKind, path: &Path, n_rows: u64) -> io::Result<File> {
    if n_rows > 0 && matches!(kind, ColumnKind::Value(_)) && !path.exists() {
        // Earlier rows did not measure it. Whole or absent: a part would void the rows of all other columns.
        let unknown = f32::NAN.to_le_bytes().repeat(n_rows as usize);
        write_whole(path, |file| file.write_all(&unknown))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_len(n_rows * kind.width())?;
    Ok(file)
}

/// How many rows stand in every column; 0 without columns.
fn complete_rows(run_folder: &Path) -> io::Result<u64> {
    let mut n_rows = None;
    for kind in ColumnKind::all() {
        match std::fs::metadata(kind.path(run_folder)) {
            Ok(metadata) => {
                let rows = metadata.len() / kind.width();
                n_rows = Some(n_rows.map_or(rows, |n: u64| n.min(rows)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !matches!(kind, ColumnKind::Value(_)) {
                    n_rows = Some(0);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(n_rows.unwrap_or(0))
}

/// Rows read from the columns of one run, column by column.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) steps: Vec<u64>,
    /// When each was done, in milliseconds since 1970; as long as `steps`.
    pub(super) at_unix_ms: Vec<u64>,
    /// In the order of [`Scalar::ALL`]; as long as `steps`.
    pub(super) values: Vec<Vec<f32>>,
}

/// Reads all complete rows from row `from` on; `None` if there are fewer than `from` (the files were cut).
pub(super) fn read_rows(run_folder: &Path, from: u64) -> Result<Option<Rows>, Error> {
    let folder = run_folder.join(FOLDER);
    let total = complete_rows(run_folder).map_err(Error::io(folder))?;
    let Some(n_rows) = total.checked_sub(from) else {
        return Ok(None);
    };
    if n_rows == 0 {
        return Ok(Some(Rows {
            steps: Vec::new(),
            at_unix_ms: Vec::new(),
            values: vec![Vec::new(); Scalar::ALL.len()],
        }));
    }
    let read = |kind: ColumnKind| {
        let path = kind.path(run_folder);
        read_range(&path, from * kind.width(), n_rows * kind.width()).map_err(Error::io(path))
    };
    let mut steps: Vec<u64> = to_values(&read(ColumnKind::Step)?, u64::from_le_bytes);
    let mut at_unix_ms: Vec<u64> = to_values(&read(ColumnKind::AtUnixMs)?, u64::from_le_bytes);
    let mut values = Vec::with_capacity(Scalar::ALL.len());
    let mut n_whole = steps.len().min(at_unix_ms.len());
    for scalar in Scalar::ALL {
        let column = match read(ColumnKind::Value(scalar)) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                vec![f32::NAN; steps.len()]
            }
            bytes => to_values(&bytes?, f32::from_le_bytes),
        };
        n_whole = n_whole.min(column.len());
        values.push(column);
    }
    // The files may have been cut between looking and reading.
    steps.truncate(n_whole);
    at_unix_ms.truncate(n_whole);
    for column in &mut values {
        column.truncate(n_whole);
    }
    Ok(Some(Rows {
        steps,
        at_unix_ms,
        values,
    }))
}

/// When each step was done, in milliseconds since 1970; of a step that was done again, the last time.
pub(super) fn read_times(run_folder: &Path) -> Result<BTreeMap<u64, u64>, Error> {
    let folder = run_folder.join(FOLDER);
    let n_rows = complete_rows(run_folder).map_err(Error::io(folder))?;
    if n_rows == 0 {
        return Ok(BTreeMap::new());
    }
    let read = |kind: ColumnKind| -> Result<Vec<u64>, Error> {
        let path = kind.path(run_folder);
        let bytes = read_range(&path, 0, n_rows * kind.width()).map_err(Error::io(path))?;
        Ok(to_values(&bytes, u64::from_le_bytes))
    };
    let (steps, times) = (read(ColumnKind::Step)?, read(ColumnKind::AtUnixMs)?);
    Ok(steps.into_iter().zip(times).collect())
}

/// The last value of the step column and the number of its rows, without reading the rest.
pub(super) fn last_step(run_folder: &Path) -> Option<(u64, u64)> {
    let path = ColumnKind::Step.path(run_folder);
    let n_rows = std::fs::metadata(&path).ok()?.len() / 8;
    let bytes = read_range(&path, n_rows.checked_sub(1)? * 8, 8).ok()?;
    Some((n_rows, u64::from_le_bytes(bytes.try_into().ok()?)))
}

fn read_range(path: &Path, from: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::with_capacity(n_bytes as usize);
    file.take(n_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn to_values<const WIDTH: usize, T>(bytes: &[u8], from: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
    let (values, _) = bytes.as_chunks::<WIDTH>();
    values.iter().map(|&value| from(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64) -> StepScalars {
        StepScalars::new(step, 0).with(Scalar::Loss, step as f64 / 2.0)
    }

    fn write(folder: &Path, steps: std::ops::Range<u64>) {
        let mut writer = ColumnWriter::open(folder).unwrap();
        for step in steps {
            writer.push(&row(step), 0);
        }
        writer.flush().unwrap();
    }

    #[test]
    fn a_row_counts_once_it_stands_in_every_column() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..10);
        let loss = ColumnKind::Value(Scalar::Loss).path(folder.path());
        let bytes = std::fs::read(&loss).unwrap();
        // Six whole values and a torn one.
        std::fs::write(&loss, &bytes[..6 * 4 + 3]).unwrap();
        let rows = read_rows(folder.path(), 2).unwrap().unwrap();
        assert_eq!(rows.steps, [2, 3, 4, 5]);
        assert_eq!(rows.values[0], [1.0, 1.5, 2.0, 2.5]);
        assert!(read_rows(folder.path(), 7).unwrap().is_none());
        // The next writer goes on after the last whole row.
        write(folder.path(), 20..22);
        let rows = read_rows(folder.path(), 0).unwrap().unwrap();
        assert_eq!(rows.steps, [0, 1, 2, 3, 4, 5, 20, 21]);
        assert_eq!(rows.values[0][6..], [10.0, 10.5]);
        assert_eq!(last_step(folder.path()), Some((8, 21)));
    }

    #[test]
    fn a_scalar_that_an_older_version_did_not_know_is_not_a_number() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..3);
        std::fs::remove_file(ColumnKind::Value(Scalar::GradientNorm).path(folder.path())).unwrap();
        let norm = Scalar::GradientNorm.index();
        let rows = read_rows(folder.path(), 0).unwrap().unwrap();
        assert!(rows.steps.len() == 3 && rows.values[norm].iter().all(|v| v.is_nan()));
        write(folder.path(), 3..4);
        let rows = read_rows(folder.path(), 0).unwrap().unwrap();
        assert_eq!(rows.steps, [0, 1, 2, 3]);
    }
}
