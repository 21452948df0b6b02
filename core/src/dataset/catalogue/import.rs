//! Taking a data set into the catalogue: everything in one transaction, so that whoever looks sees the old state or the new one.

use super::index::Index;
use super::rows::stored_path;
use super::status::{FileMark, Status};
use super::{Catalogue, number_of_root, schema, stamp, told};
use crate::dataset::patient::PATIENCE;
use crate::dataset::{Collection, Error};
use crate::job::Job;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// Tracks written between two looks at the job.
const STRIDE: usize = 4096;

/// How long one attempt to get the turn to write waits; between attempts the job is asked whether to stop.
const ATTEMPT: Duration = Duration::from_millis(250);

/// Attempts to get the turn: five minutes, longer than another process takes for a million tracks.
const N_ATTEMPTS: u32 = 1200;

impl Catalogue {
    /// Reads a folder, whatever its layout, and puts it into the catalogue; what the catalogue knew of the same folder is replaced, except
    /// what decoding found of files that are unchanged. A stopped import leaves the old state. Returns the data set's number and what was read.
    pub fn import_folder(&mut self, folder: &Path, job: &Job) -> Result<(i64, Collection), Error> {
        job.report(0, 0, "reading the annotations");
        let folder = std::path::absolute(folder).map_err(Error::io("find", folder))?;
        // Taken before reading: what changes in between is then read again later, never missed.
        let stamp = if folder.exists() {
            stamp::of(&folder, job)?
        } else {
            String::new()
        };
        let collection = Collection::open_with(&folder, job)?;
        job.check()?;
        let dataset = self.import_stamped(&collection, &stamp, job)?;
        Ok((dataset, collection))
    }

    /// Puts a data set that was read before into the catalogue, as [`Catalogue::import_folder`] does. Whether it is still
    /// current is unknown, so that a window reads it once more when it is opened.
    pub fn import(&mut self, collection: &Collection, job: &Job) -> Result<i64, Error> {
        self.import_stamped(collection, "", job)
    }

    fn import_stamped(
        &mut self,
        collection: &Collection,
        stamp: &str,
        job: &Job,
    ) -> Result<i64, Error> {
        job.report(0, 0, "sorting the tracks");
        // Sorted and condensed before anybody has to wait for this transaction.
        let mut index = Index::of(collection);
        let fingerprint = collection.fingerprint();
        job.check()?;
        let path = self.path.clone();
        let transaction = self.wait_for_turn(job)?;
        let facts = Facts {
            stamp,
            fingerprint: &fingerprint,
        };
        let dataset = replace(&transaction, collection, &mut index, &facts, job)
            .map_err(|error| error.in_file(&path))?;
        job.check()?;
        transaction.commit().map_err(told(&path))?;
        Ok(dataset)
    }

    /// Waits while another process imports, as long as the job goes on. The turn that was got is kept: given back, another could take it.
    fn wait_for_turn(&self, job: &Job) -> Result<Transaction<'_>, Error> {
        let told = || told(&self.path);
        self.connection.busy_timeout(ATTEMPT).map_err(told())?;
        let mut n_left = N_ATTEMPTS;
        let outcome = loop {
            if let Err(stopped) = job.check() {
                break Err(stopped.into());
            }
            n_left -= 1;
            let begun =
                Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
            match begun {
                Err(rusqlite::Error::SqliteFailure(code, _))
                    if code.code == ErrorCode::DatabaseBusy && n_left > 0 =>
                {
                    job.report(0, 0, "waiting for another import");
                }
                other => break other.map_err(told()),
            }
        };
        self.connection.busy_timeout(PATIENCE).map_err(told())?;
        outcome
    }
}

struct Facts<'a> {
    stamp: &'a str,
    fingerprint: &'a str,
}

/// Why a transaction did not come to its end.
enum Ended {
    Sql(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for Ended {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Ended {
    fn in_file(self, path: &Path) -> Error {
        match self {
            Self::Sql(error) => told(path)(error),
            Self::Other(error) => error,
        }
    }
}

fn replace(
    connection: &Connection,
    collection: &Collection,
    index: &mut Index,
    facts: &Facts<'_>,
    job: &Job,
) -> Result<i64, Ended> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let dataset = if let Some(known) = number_of_root(connection, &collection.root)? {
        job.report(0, 0, "clearing the old state");
        for table in schema::REPLACED {
            connection.execute(&format!("DELETE FROM {table} WHERE dataset = ?1"), [known])?;
        }
        known
    } else {
        connection.execute(
            "INSERT INTO datasets (name, root, layout, fingerprint, stamp, imported_at_unix_s, n_tracks, n_tags, n_artists, n_problems, total_secs)
             VALUES ('', ?1, '', '', '', 0, 0, 0, 0, 0, 0)",
            [stored_path(&collection.root)],
        )?;
        connection.last_insert_rowid()
    };
    // Never one that was used before, also not by a data set that had this number and was forgotten.
    let last: i64 = connection.query_row(
        "SELECT import FROM datasets WHERE dataset = ?1",
        [dataset],
        |row| row.get(0),
    )?;
    (index.dataset, index.import) = (dataset, (last + 1).max(now.as_micros() as i64));
    let (statuses, messages) = statuses(connection, dataset, collection)?;
    let n_problems = statuses.iter().filter(|status| status.is_problem()).count();
    index.set_statuses(&statuses);
    let secs = collection
        .recordings
        .iter()
        .filter_map(|it| it.duration_secs);
    connection.execute(
        "UPDATE datasets SET name = ?2, layout = ?3, fingerprint = ?4, stamp = ?5, imported_at_unix_s = ?6, n_tracks = ?7, n_tags = ?8,
            n_artists = ?9, n_problems = ?10, total_secs = ?11, import = ?12 WHERE dataset = ?1",
        params![
            dataset,
            collection.name,
            collection.layout,
            facts.fingerprint,
            facts.stamp,
            now.as_secs() as i64,
            collection.recordings.len() as i64,
            index.tags().len() as i64,
            index.artists().count() as i64,
            n_problems as i64,
            secs.sum::<f64>(),
            index.import,
        ],
    )?;
    write_words(connection, dataset, collection, index)?;
    index.save(connection)?;
    write_tracks(connection, collection, index, job)?;
    let mut problem = connection.prepare("INSERT INTO problems VALUES (?1, ?2, ?3)")?;
    for (row, message) in messages {
        problem.execute(params![dataset, row as i64, message])?;
    }
    Ok(dataset)
}

/// What is known of each file, and what there is to say about some beyond that: what reading the data set found and, of files that have not
/// changed since, what decoding found.
fn statuses<'a>(
    connection: &Connection,
    dataset: i64,
    collection: &'a Collection,
) -> rusqlite::Result<(Vec<Status>, BTreeMap<usize, String>)> {
    let mut statuses = vec![Status::Unchecked; collection.recordings.len()];
    let mut messages = BTreeMap::new();
    let known: Vec<(String, String, String, FileMark)> = connection
        .prepare(
            "SELECT track_id, status, message, bytes, modified_ns FROM checked WHERE dataset = ?1",
        )?
        .query_map([dataset], |row| {
            let mark = FileMark {
                bytes: row.get(3)?,
                modified_ns: row.get(4)?,
            };
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, mark))
        })?
        .collect::<rusqlite::Result<_>>()?;
    if known.is_empty() && collection.problems.is_empty() {
        return Ok((statuses, messages));
    }
    let ids = collection.recordings.iter().map(|it| it.id.as_str());
    let row_of: HashMap<&'a str, usize> = ids.zip(0..).collect();
    let mut note = |row: usize, status: Status, message: String| {
        statuses[row] = status;
        messages.remove(&row);
        if !message.is_empty() && message != status.about() {
            messages.insert(row, message);
        }
    };
    for (id, status, message, mark) in known {
        let row = row_of.get(id.as_str()).copied();
        if let (Some(row), Ok(status)) = (row, status.parse())
            && FileMark::of(&collection.recordings[row].path) == mark
        {
            note(row, status, message);
        }
    }
    for problem in &collection.problems {
        if let Some(&row) = row_of.get(problem.track.as_str()) {
            note(row, problem.kind.into(), problem.message.clone());
        }
    }
    Ok((statuses, messages))
}

/// Vocabularies, names, splits and findings.
fn write_words(
    connection: &Connection,
    dataset: i64,
    collection: &Collection,
    index: &Index,
) -> rusqlite::Result<()> {
    let mut vocabulary = connection.prepare("INSERT INTO vocabularies VALUES (?1, ?2, ?3)")?;
    let mut tag = connection.prepare("INSERT INTO tags VALUES (?1, ?2, ?3, ?4)")?;
    for (number, labelling) in (0i64..).zip(&collection.labellings) {
        vocabulary.execute(params![dataset, number, labelling.name])?;
        for (position, name) in (0i64..).zip(&labelling.tags) {
            tag.execute(params![dataset, number, position, name])?;
        }
    }
    let mut name = connection.prepare("INSERT INTO names VALUES (?1, ?2, ?3, ?4)")?;
    for (field, names) in [
        ("artist", &index.artists),
        ("album", &index.albums),
        ("source", &index.sources),
        ("licence", &index.licences),
    ] {
        for (number, written) in (0i64..).zip(&names.written) {
            name.execute(params![dataset, field, number, written])?;
        }
    }
    let mut split = connection.prepare("INSERT INTO splits VALUES (?1, ?2, ?3, ?4)")?;
    for (number, named) in (0i64..).zip(&collection.splits) {
        split.execute(params![dataset, number, named.name, named.labelling as i64])?;
    }
    let mut insert = connection.prepare("INSERT INTO findings VALUES (?1, ?2, ?3)")?;
    for (number, finding) in (0i64..).zip(&collection.findings) {
        // JSON holds no path that is not UTF-8: people read it, nothing opens it.
        let mut finding = finding.clone();
        finding.file = finding
            .file
            .map(|file| file.to_string_lossy().into_owned().into());
        let text = serde_json::to_string(&finding)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        insert.execute(params![dataset, number, text])?;
    }
    Ok(())
}

fn write_tracks(
    connection: &Connection,
    collection: &Collection,
    index: &Index,
    job: &Job,
) -> Result<(), Ended> {
    let dataset = index.dataset;
    let mut insert = connection
        .prepare("INSERT INTO tracks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    let n_all = collection.recordings.len();
    for (row, recording) in collection.recordings.iter().enumerate() {
        if row % STRIDE == 0 {
            job.report(row as u64, n_all as u64, "importing the tracks");
            job.check()
                .map_err(|stopped| Ended::Other(stopped.into()))?;
        }
        let path = recording.path.strip_prefix(&collection.root);
        insert.execute(params![
            dataset,
            row as i64,
            recording.id,
            stored_path(path.unwrap_or(&recording.path)),
            recording.title,
            index.artists.of[row],
            index.albums.of[row],
            index.sources.of[row],
            index.licences.of[row],
            recording.duration_secs,
        ])?;
    }
    let mut span = connection.prepare("INSERT INTO timelines VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (number, labelling) in (0i64..).zip(&collection.labellings) {
        for (row, sound) in &labelling.spans {
            let (tag, start, end) = (sound.tag.0, sound.start_secs, sound.end_secs);
            span.execute(params![dataset, row, number, tag, start, end])?;
        }
    }
    Ok(())
}

impl Collection {
    /// Condenses all it says: vocabularies, recordings with their paths, labels, timelines, parts of all splits; 32 hexadecimal digits. The
    /// same wherever the folder lies. (A run depends on one split; its fingerprint is [`crate::dataset::Dataset::fingerprint`].)
    pub fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for recording in &self.recordings {
            let path = recording.path.strip_prefix(&self.root);
            let path = path.unwrap_or(&recording.path).as_os_str();
            put(recording.id.as_bytes());
            put(path.as_encoded_bytes());
            for text in [
                &recording.artist,
                &recording.album,
                &recording.title,
                &recording.source,
                &recording.license,
            ] {
                put(text.as_bytes());
            }
            put(&recording.duration_secs.unwrap_or(f64::NAN).to_le_bytes());
        }
        for labelling in &self.labellings {
            put(labelling.name.as_bytes());
            for tag in &labelling.tags {
                put(tag.as_bytes());
            }
            let mut labels = labelling.labels.clone();
            labels.sort_unstable();
            labels.dedup();
            for (row, tag) in labels {
                put(&[row.to_le_bytes(), tag.0.to_le_bytes()].concat());
            }
            for (row, span) in &labelling.spans {
                let [start, end] = [span.start_secs, span.end_secs].map(f64::to_le_bytes);
                let numbers = [row.to_le_bytes(), span.tag.0.to_le_bytes()];
                put(&[&numbers.concat()[..], &start, &end].concat());
            }
        }
        for split in &self.splits {
            put(split.name.as_bytes());
            put(&(split.labelling as u64).to_le_bytes());
            for (row, part) in &split.parts {
                put(&row.to_le_bytes());
                put(part.name().as_bytes());
            }
        }
        hash.finalize().to_hex()[..32].to_owned()
    }
}
