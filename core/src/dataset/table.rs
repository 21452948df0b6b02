//! A CSV file whose columns are found by name and whose every mistake is told with its line.
//!
//! The file is read at once: annotations of a million tracks are some hundred megabytes at most, and lines can then be counted exactly
//! (the csv crate counts them by record, which is off by one after CRLF and after blank lines).

use super::Error;
use crate::job::{Cancelled, Job};
use std::path::{Path, PathBuf};

/// A CSV file in memory with a checked header.
pub(super) struct Table {
    path: PathBuf,
    bytes: Vec<u8>,
    columns: Vec<(&'static str, usize)>,
}

/// One record of a [`Table`].
pub(super) struct Row<'a> {
    table: &'a Table,
    record: csv::StringRecord,
    line: u64,
}

impl Table {
    /// Reads a file and looks for `columns` in its header. Further columns are allowed and ignored.
    pub(super) fn read(path: &Path, columns: &[&'static str]) -> Result<Self, Error> {
        Self::read_with(path, columns, &[])
    }

    /// As [`Self::read`], with columns that need not be there and are then empty.
    pub(super) fn read_with(
        path: &Path,
        columns: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Self, Error> {
        let mut bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        let mut table = Self {
            path: path.to_path_buf(),
            bytes,
            columns: Vec::new(),
        };
        let wanted = columns.join(",");
        let mut records = table.records();
        let header = records.next().transpose()?;
        let line = header.as_ref().map_or(1, |(_, line)| *line);
        let names: Vec<String> = header
            .iter()
            .flat_map(|(record, _)| record.iter().map(|name| name.trim().to_owned()))
            .collect();
        drop(records);
        let wrong = |problem: String| Error::BadLine {
            problem,
            mend: format!("the header must be {wanted}"),
            file: path.to_path_buf(),
            line,
        };
        if names.is_empty() {
            return Err(wrong("the file is empty".into()));
        }
        for &column in columns.iter().chain(optional) {
            let mut places = (0..names.len()).filter(|&place| names[place] == column);
            match (places.next(), places.next()) {
                (Some(place), None) => table.columns.push((column, place)),
                (None, _) if optional.contains(&column) => {}
                (None, _) => {
                    return Err(wrong(format!("the header has no column `{column}`")));
                }
                (Some(_), Some(_)) => {
                    return Err(wrong(format!("the header has `{column}` twice")));
                }
            }
        }
        Ok(table)
    }

    /// The rows below the header.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, Error>> {
        self.rows_for(&Job::quiet())
    }

    /// The same, told to the job and stopped by it.
    pub(super) fn rows_for(
        &self,
        job: &Job,
    ) -> impl Iterator<Item = Result<Row<'_>, Error>> + use<'_> {
        let mut pace = Pace::new(job.clone(), &self.path, &self.bytes);
        self.records().skip(1).map(move |found| {
            let (record, line) = found?;
            pace.reach(line)?;
            Ok(Row {
                table: self,
                record,
                line,
            })
        })
    }

    fn records(&self) -> impl Iterator<Item = Result<(csv::StringRecord, u64), Error>> + '_ {
        let mut form = csv::ReaderBuilder::new();
        form.has_headers(false);
        let mut over = false;
        let mut records = records(&self.bytes, &form);
        std::iter::from_fn(move || {
            let (record, line) = records.next().filter(|_| !over)?;
            over = record.is_err();
            Some(match record {
                Ok(record) => Ok((record, line)),
                Err(error) => Err(self.unreadable(&error, line)),
            })
        })
    }

    fn unreadable(&self, error: &csv::Error, line: u64) -> Error {
        let (problem, mend) = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => (
                format!("the line has {len} fields, the header {expected_len}"),
                "put fields that hold commas or quotes in double quotes",
            ),
            csv::ErrorKind::Utf8 { .. } => (
                "the line is not UTF-8".to_owned(),
                "save the file with UTF-8 encoding",
            ),
            _ => (error.to_string(), "save the file as CSV (RFC 4180)"),
        };
        Error::BadLine {
            problem,
            mend: mend.into(),
            file: self.path.clone(),
            line,
        }
    }
}

/// Lines between two looks at the job.
const STRIDE: u64 = 4096;

/// How far the reading of a file is: tells the job every so many lines, and asks whether to go on.
pub(super) struct Pace {
    job: Job,
    what: String,
    n_lines: u64,
    next: u64,
}

impl Pace {
    /// At the start of a file of that content.
    pub(super) fn new(job: Job, file: &Path, bytes: &[u8]) -> Self {
        let n_lines = memchr::memchr_iter(b'\n', bytes).count();
        let name = file.file_name().unwrap_or_default();
        Self {
            job,
            what: format!("reading {}", name.display()),
            n_lines: n_lines as u64,
            next: 0,
        }
    }

    /// At a line, from 1.
    pub(super) fn reach(&mut self, line: u64) -> Result<(), Cancelled> {
        if line < self.next {
            return Ok(());
        }
        self.next = line + STRIDE;
        self.job.report(line, self.n_lines, &self.what);
        self.job.check()
    }
}

/// The records of a CSV file in memory, each with the line it starts on, from 1. An error ends nothing: what follows is read.
pub(super) fn records<'a>(
    bytes: &'a [u8],
    form: &csv::ReaderBuilder,
) -> impl Iterator<Item = (csv::Result<csv::StringRecord>, u64)> + use<'a> {
    let mut reader = form.from_reader(bytes);
    let (mut counted_to, mut line) = (0usize, 1u64);
    std::iter::from_fn(move || {
        // The record starts at the first byte that ends no line.
        let mut start = reader.position().byte() as usize;
        while matches!(bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        for &byte in &bytes[counted_to..start] {
            line += u64::from(byte == b'\n');
        }
        counted_to = start;
        let mut record = csv::StringRecord::new();
        match reader.read_record(&mut record) {
            Ok(true) => Some((Ok(record), line)),
            Ok(false) => None,
            Err(error) => Some((Err(error), line)),
        }
    })
}

impl Row<'_> {
    /// The line on which the row starts, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// A field without the blanks around it.
    ///
    /// `column` must be one of those the table was read with; one that need not be there is then empty.
    pub(super) fn text(&self, column: &str) -> &str {
        let place = self
            .table
            .columns
            .iter()
            .find(|(name, _)| *name == column)
            .map(|&(_, place)| place);
        place
            .and_then(|place| self.record.get(place))
            .unwrap_or_default()
            .trim()
    }

    /// A field that must not be empty.
    pub(super) fn required(&self, column: &str) -> Result<&str, Error> {
        let text = self.text(column);
        if text.is_empty() {
            return Err(self.wrong(
                format!("`{column}` is empty"),
                "fill it in or remove the line",
            ));
        }
        Ok(text)
    }

    /// A field that holds a time in seconds, not negative.
    pub(super) fn seconds(&self, column: &str) -> Result<f64, Error> {
        let text = self.required(column)?;
        text.parse()
            .ok()
            .filter(|secs: &f64| secs.is_finite() && *secs >= 0.0)
            .ok_or_else(|| {
                self.wrong(
                    format!("`{column}` is `{text}`"),
                    "write a time in seconds that is not negative, such as 12.5",
                )
            })
    }

    /// An error about this row.
    pub(super) fn wrong(&self, problem: String, mend: &str) -> Error {
        Error::BadLine {
            problem,
            mend: mend.to_owned(),
            file: self.table.path.clone(),
            line: self.line,
        }
    }
}
