//! A table of answers as CSV. Numbers stand with as few digits as give back the same f32.

use super::Error;
use super::table::{About, FIXED, Layout, Row, beside};
use crate::workspace::write_whole;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

fn about_file(path: &Path) -> PathBuf {
    beside(path, ".json")
}

pub(super) fn write(
    path: &Path,
    about: &About,
    rows: &mut dyn Iterator<Item = Result<Row, Error>>,
) -> Result<(), Error> {
    let mut failed = None;
    let written = write_whole(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(about.columns())?;
        let mut fields: Vec<String> = Vec::new();
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    failed = Some(error);
                    return Err(io::Error::other("no more rows"));
                }
            };
            fields.clear();
            let secs = row.duration_secs.map(|secs| secs.to_string());
            fields.extend([row.id, row.path, secs.unwrap_or_default()]);
            fields.extend([row.error, row.warning]);
            fields.extend(row.probabilities.iter().map(f32::to_string));
            fields.resize(FIXED.len() + about.tags.len(), String::new());
            writer.write_record(&fields)?;
        }
        writer.flush()?;
        drop(writer);
        describe(path, about)
    });
    match failed {
        Some(error) => Err(error),
        None => written.map_err(Error::io("write", path)),
    }
}

/// Writes what the table was made with, right before the table comes into its place. Between the two, a table that lies there already must not be
/// taken for one of this model: if it is not, it goes first.
fn describe(path: &Path, about: &About) -> io::Result<()> {
    let found = read_about(path).ok().flatten();
    if found.as_ref() == Some(about) {
        return Ok(());
    }
    let is_same = found.is_some_and(|found| about.check_same(&found, path).is_ok());
    if !is_same && path.exists() {
        std::fs::remove_file(path)?;
    }
    let described = serde_json::to_vec_pretty(about)?;
    write_whole(&about_file(path), |file| file.write_all(&described))
}

/// What the file beside a table says; `None` if there is none.
fn read_about(path: &Path) -> Result<Option<About>, Error> {
    match std::fs::read(about_file(path)) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::not_a_table(about_file(path), error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", about_file(path))(error)),
    }
}

pub(super) fn read(
    path: &Path,
    visit: &mut dyn FnMut(&About, Row) -> Result<(), Error>,
) -> Result<About, Error> {
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    let mut reader = csv::Reader::from_reader(io::BufReader::new(file));
    let wrong = |error: csv::Error| Error::not_a_table(path, error);
    let header = reader.headers().map_err(wrong)?;
    let columns: Vec<String> = header
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let layout = Layout::of(path, &columns, read_about(path)?)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(wrong)? {
        let line = record.position().map_or(0, csv::Position::line);
        let text = |place: Option<usize>| {
            let found = place.and_then(|place| record.get(place));
            found.unwrap_or_default().to_owned()
        };
        let [id, file, secs, error, warning] = layout.fixed.map(text);
        let number = |place: usize| -> Result<f32, Error> {
            let text = record.get(place).unwrap_or_default();
            text.parse().map_err(|_not_a_number| {
                let name = &columns[place];
                let why = format!("line {line}, column `{name}`: `{text}` is no number");
                Error::not_a_table(path, why)
            })
        };
        // A row whose tags are all empty is one that could not be tagged.
        let is_tagged = layout
            .tags
            .iter()
            .any(|&place| record.get(place).is_some_and(|text| !text.is_empty()));
        let probabilities = if is_tagged {
            let numbers = layout.tags.iter().map(|&place| number(place));
            numbers.collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        let row = Row {
            duration_secs: secs.parse().ok(),
            id: if layout.fixed[0].is_some() {
                id
            } else {
                file.clone()
            },
            path: file,
            probabilities,
            error,
            warning,
        };
        visit(&layout.about, row)?;
    }
    Ok(layout.about)
}
