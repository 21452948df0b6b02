//! What searching, sorting and counting need of a data set, in memory: about 100 bytes a track. The rest is read row by row.
//!
//! ```text
//! import: Collection ──Index::of──► Index ──► blobs in `columns`          open: blobs ──Index::load──► Index
//! ```

use super::rows::path_of;
use super::stored::{self, damaged};
use super::texts::{Texts, plain};
use super::{Bits, Status, TextField};
use crate::dataset::{Collection, Split};
use rayon::prelude::*;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::path::PathBuf;

/// The columns of a data set that are searched and counted. Rows are numbered as the recordings of its [`Collection`].
#[derive(Clone, Debug)]
pub struct Index {
    /// Number of the data set in the catalogue.
    pub dataset: i64,
    /// What it is called.
    pub name: String,
    /// Its folder.
    pub root: PathBuf,
    /// Which import it was made by: rows have other numbers after the next one.
    pub(super) import: i64,
    pub(super) ids: Texts,
    pub(super) titles: Texts,
    pub(super) artists: Names,
    pub(super) albums: Names,
    pub(super) sources: Names,
    pub(super) licences: Names,
    /// NaN where nobody says.
    pub(super) secs: Vec<f64>,
    pub(super) statuses: Vec<u32>,
    vocabularies: Vec<Vocabulary>,
    pub(super) tags: Vec<Tag>,
    /// Where the tags of each row end in `labels`; `[rows]`.
    label_ends: Vec<usize>,
    /// Tags of the rows, numbers in `tags`, ascending within a row.
    labels: Vec<u32>,
    /// Rows of each tag, ascending; `[tags]`.
    pub(super) carriers: Vec<Vec<u32>>,
    pub(super) splits: Vec<SplitColumn>,
    pub(super) by_id: Vec<u32>,
    pub(super) by_title: Vec<u32>,
    pub(super) by_secs: Vec<u32>,
}

/// A vocabulary of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// What it is called; empty if it is the only one.
    pub name: String,
    /// Its tags: a stretch of [`Index::tags`].
    pub tags: std::ops::Range<usize>,
}

/// A tag of one of the vocabularies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it is called.
    pub name: String,
    /// Number of its vocabulary.
    pub vocabulary: usize,
}

/// Which part each row belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitColumn {
    /// What the split is called; empty if it is the only one.
    pub name: String,
    /// Number of the vocabulary that goes with it.
    pub vocabulary: usize,
    /// Place in [`Split::ALL`] by row, [`NO_PART`] where the row takes no part.
    pub(super) parts: Vec<u32>,
}

/// A row takes no part in a split.
pub(super) const NO_PART: u32 = Split::ALL.len() as u32;

/// Texts that many rows share.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// As they are written; sorted by their lower case.
    pub(super) written: Vec<String>,
    /// The same in lower case.
    pub(super) plain: Texts,
    /// Number of the name by row.
    pub(super) of: Vec<u32>,
}

impl Names {
    fn of<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut number_of: HashMap<&str, u32> = HashMap::new();
        for text in texts.clone() {
            number_of.entry(text).or_default();
        }
        let mut sorted: Vec<(String, &str)> =
            number_of.keys().map(|&name| (plain(name), name)).collect();
        sorted.par_sort_unstable();
        for (number, (_, name)) in sorted.iter().enumerate() {
            number_of.insert(name, number as u32);
        }
        Self {
            plain: Texts::of(sorted.iter().map(|(_, name)| *name)),
            written: sorted.iter().map(|(_, name)| (*name).to_owned()).collect(),
            of: texts.map(|text| number_of[text]).collect(),
        }
    }

    /// What is written in a row.
    pub(super) fn at(&self, row: usize) -> &str {
        &self.written[self.of[row] as usize]
    }
}

impl Index {
    /// Makes the index of a collection that has no number yet, and of whose files nothing is known.
    pub(super) fn of(collection: &Collection) -> Self {
        let recordings = &collection.recordings;
        let secs: Vec<f64> = recordings
            .iter()
            .map(|recording| recording.duration_secs.unwrap_or(f64::NAN))
            .collect();
        let ids = Texts::of(recordings.iter().map(|recording| recording.id.as_str()));
        let titles = Texts::of(recordings.iter().map(|recording| recording.title.as_str()));
        let names = |of: fn(&crate::dataset::Recording) -> &String| {
            Names::of(
                recordings
                    .iter()
                    .map(move |recording| of(recording).as_str()),
            )
        };
        let mut index = Self {
            dataset: 0,
            name: collection.name.clone(),
            root: collection.root.clone(),
            import: 0,
            by_id: sorted_rows(recordings.len(), |one, other| {
                ids.get(one).cmp(ids.get(other))
            }),
            by_title: sorted_rows(recordings.len(), |one, other| {
                titles.get(one).cmp(titles.get(other))
            }),
            by_secs: sorted_rows(recordings.len(), |one, other| {
                // Unknown lengths come first, as if they were none.
                let known = |row: usize| if secs[row].is_nan() { -1.0 } else { secs[row] };
                known(one).total_cmp(&known(other))
            }),
            ids,
            titles,
            artists: names(|recording| &recording.artist),
            albums: names(|recording| &recording.album),
            sources: names(|recording| &recording.source),
            licences: names(|recording| &recording.license),
            secs,
            statuses: vec![Status::default().number(); recordings.len()],
            vocabularies: Vec::new(),
            tags: Vec::new(),
            label_ends: Vec::new(),
            labels: Vec::new(),
            carriers: Vec::new(),
            splits: Vec::new(),
        };
        for labelling in &collection.labellings {
            index.add_vocabulary(&labelling.name, &labelling.tags);
        }
        index.splits = collection
            .splits
            .iter()
            .map(|split| SplitColumn {
                name: split.name.clone(),
                vocabulary: split.labelling,
                parts: {
                    let mut parts = vec![NO_PART; recordings.len()];
                    for &(recording, part) in &split.parts {
                        parts[recording as usize] = number_of(part);
                    }
                    parts
                },
            })
            .collect();
        index.label(collection);
        index
    }

    fn add_vocabulary(&mut self, name: &str, tags: &[String]) {
        let start = self.tags.len();
        let vocabulary = self.vocabularies.len();
        self.tags.extend(tags.iter().map(|tag| Tag {
            name: tag.clone(),
            vocabulary,
        }));
        self.vocabularies.push(Vocabulary {
            name: name.to_owned(),
            tags: start..self.tags.len(),
        });
    }

    /// Lays the labels of all vocabularies out by row.
    fn label(&mut self, collection: &Collection) {
        let n_rows = collection.recordings.len();
        let all = || {
            let labellings = collection.labellings.iter().zip(&self.vocabularies);
            labellings.flat_map(|(labelling, vocabulary)| {
                let start = vocabulary.tags.start as u32;
                let labels = labelling.labels.iter();
                labels.map(move |&(row, tag)| (row as usize, start + tag.0))
            })
        };
        let mut starts = vec![0usize; n_rows + 1];
        for (row, _) in all() {
            starts[row + 1] += 1;
        }
        for row in 0..n_rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut labels = vec![0; starts[n_rows]];
        for (row, tag) in all() {
            labels[next[row]] = tag;
            next[row] += 1;
        }
        // The same label twice says nothing new.
        let mut n_kept = 0;
        self.label_ends = Vec::with_capacity(n_rows);
        for row in 0..n_rows {
            labels[starts[row]..starts[row + 1]].sort_unstable();
            let first = n_kept;
            for at in starts[row]..starts[row + 1] {
                if n_kept == first || labels[n_kept - 1] != labels[at] {
                    labels[n_kept] = labels[at];
                    n_kept += 1;
                }
            }
            self.label_ends.push(n_kept);
        }
        labels.truncate(n_kept);
        self.labels = labels;
        self.collect_carriers();
    }

    fn collect_carriers(&mut self) {
        let mut counts = vec![0; self.tags.len()];
        for &tag in &self.labels {
            counts[tag as usize] += 1;
        }
        let mut carriers: Vec<Vec<u32>> = counts.into_iter().map(Vec::with_capacity).collect();
        for row in 0..self.len() {
            for &tag in self.tags_of(row) {
                carriers[tag as usize].push(row as u32);
            }
        }
        self.carriers = carriers;
    }

    /// Whether rows have the same numbers in both: what is known of their files may differ.
    pub fn is_of_same_import(&self, other: &Self) -> bool {
        (self.dataset, self.import) == (other.dataset, other.import)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.secs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.secs.is_empty()
    }

    /// All tags of all vocabularies, one vocabulary after another.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The vocabularies.
    pub fn vocabularies(&self) -> &[Vocabulary] {
        &self.vocabularies
    }

    /// Numbers of a row's tags in [`Index::tags`], ascending.
    pub fn tags_of(&self, row: usize) -> &[u32] {
        let start = row.checked_sub(1).map_or(0, |last| self.label_ends[last]);
        &self.labels[start..self.label_ends[row]]
    }

    /// The named splits; the first is taken where none is named.
    pub fn splits(&self) -> &[SplitColumn] {
        &self.splits
    }

    /// The named split of that name, the first if none is named.
    pub fn split(&self, name: Option<&str>) -> Option<&SplitColumn> {
        match name {
            None => self.splits.first(),
            Some(name) => self.splits.iter().find(|split| split.name == name),
        }
    }

    /// Artists, sorted; empty names are left out.
    pub fn artists(&self) -> impl Iterator<Item = &str> {
        let written = self.artists.written.iter().map(String::as_str);
        written.filter(|name| !name.is_empty())
    }

    /// Whether any track says anything in a field.
    pub fn has_text(&self, field: TextField) -> bool {
        let named = |names: &Names| names.written.iter().any(|name| !name.is_empty());
        match field {
            TextField::Id => true,
            TextField::Title => self.titles.as_bytes().iter().any(|&byte| byte != b'\n'),
            TextField::Artist => named(&self.artists),
            TextField::Album => named(&self.albums),
            TextField::Source => named(&self.sources),
            TextField::Licence => named(&self.licences),
        }
    }

    /// What is known of the file of a row.
    pub fn status_of(&self, row: usize) -> Status {
        Status::stored(self.statuses[row]).unwrap_or_default()
    }

    pub(super) fn set_statuses(&mut self, statuses: &[Status]) {
        self.statuses = statuses.iter().map(|status| status.number()).collect();
    }

    /// How many tracks have each status, in the order of [`Status::ALL`].
    pub fn status_counts(&self) -> [usize; Status::ALL.len()] {
        let mut counts = [0; Status::ALL.len()];
        for &status in &self.statuses {
            counts[status as usize] += 1;
        }
        counts
    }

    /// Reads the index of a data set.
    pub(super) fn load(connection: &Connection, dataset: i64) -> rusqlite::Result<Self> {
        let (name, root, n_rows, import) = connection.query_row(
            "SELECT name, root, n_tracks, import FROM datasets WHERE dataset = ?1",
            [dataset],
            |row| {
                let n_rows = row.get::<_, i64>(2)? as usize;
                Ok((row.get(0)?, path_of(row, 1)?, n_rows, row.get(3)?))
            },
        )?;
        let column = |name: &str, below: usize| -> rusqlite::Result<Vec<u32>> {
            let values = read_column(connection, dataset, name)?;
            let fits = values.len() == n_rows && values.iter().all(|&it| (it as usize) < below);
            fits.then_some(values).ok_or_else(|| damaged(name))
        };
        let texts = |name: &str| -> rusqlite::Result<Texts> {
            let texts = Texts::stored(read_blob(connection, dataset, name)?);
            let texts = texts.filter(|texts| texts.len() == n_rows);
            texts.ok_or_else(|| damaged(name))
        };
        let names = |field: &str| -> rusqlite::Result<Names> {
            let written: Vec<String> = connection
                .prepare_cached(
                    "SELECT name FROM names WHERE dataset = ?1 AND field = ?2 ORDER BY number",
                )?
                .query_map(params![dataset, field], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Names {
                plain: Texts::of(written.iter().map(String::as_str)),
                of: column(field, written.len())?,
                written,
            })
        };
        let mut index = Self {
            dataset,
            name,
            root,
            import,
            ids: texts("id")?,
            titles: texts("title")?,
            artists: names("artist")?,
            albums: names("album")?,
            sources: names("source")?,
            licences: names("licence")?,
            secs: stored::read_seconds(&read_blob(connection, dataset, "seconds")?)
                .filter(|secs| secs.len() == n_rows)
                .ok_or_else(|| damaged("seconds"))?,
            statuses: column("status", Status::ALL.len())?,
            vocabularies: Vec::new(),
            tags: Vec::new(),
            label_ends: Vec::new(),
            labels: Vec::new(),
            carriers: Vec::new(),
            splits: Vec::new(),
            by_id: column("by id", n_rows)?,
            by_title: column("by title", n_rows)?,
            by_secs: column("by seconds", n_rows)?,
        };
        index.load_tags(connection)?;
        index.label_ends = column("label counts", usize::MAX)?
            .iter()
            .scan(0, |end, &count| {
                *end += count as usize;
                Some(*end)
            })
            .collect();
        index.labels = read_column(connection, dataset, "labels")?;
        let n_labels = index.label_ends.last().copied().unwrap_or(0);
        let n_tags = index.tags.len();
        if index.labels.len() != n_labels || index.labels.iter().any(|&tag| tag as usize >= n_tags)
        {
            return Err(damaged("labels"));
        }
        index.collect_carriers();
        let splits: Vec<(String, usize)> = connection
            .prepare("SELECT name, vocabulary FROM splits WHERE dataset = ?1 ORDER BY split")?
            .query_map([dataset], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (number, (name, vocabulary)) in splits.into_iter().enumerate() {
            index.splits.push(SplitColumn {
                parts: column(&split_column(number), NO_PART as usize + 1)?,
                name,
                vocabulary,
            });
        }
        Ok(index)
    }

    fn load_tags(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let vocabularies: Vec<(i64, String)> = connection
            .prepare("SELECT vocabulary, name FROM vocabularies WHERE dataset = ?1 ORDER BY 1")?
            .query_map([self.dataset], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut tags = connection
            .prepare("SELECT name FROM tags WHERE dataset = ?1 AND vocabulary = ?2 ORDER BY tag")?;
        for (number, name) in vocabularies {
            let tags: Vec<String> = tags
                .query_map([self.dataset, number], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            self.add_vocabulary(&name, &tags);
        }
        Ok(())
    }

    /// Writes the columns; the data set has none yet.
    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let write =
            |name: &str, content: &[u8]| write_column(connection, self.dataset, name, content);
        write("id", self.ids.as_bytes())?;
        write("title", self.titles.as_bytes())?;
        write("seconds", &stored::seconds(&self.secs))?;
        let counts: Vec<u32> = (0..self.len())
            .map(|row| self.tags_of(row).len() as u32)
            .collect();
        for (name, values) in [
            ("artist", &self.artists.of),
            ("album", &self.albums.of),
            ("source", &self.sources.of),
            ("licence", &self.licences.of),
            ("status", &self.statuses),
            ("label counts", &counts),
            ("labels", &self.labels),
            ("by id", &self.by_id),
            ("by title", &self.by_title),
            ("by seconds", &self.by_secs),
        ] {
            write(name, &stored::numbers(values))?;
        }
        for (number, split) in self.splits.iter().enumerate() {
            write(&split_column(number), &stored::numbers(&split.parts))?;
        }
        Ok(())
    }
}

impl SplitColumn {
    /// The part a row belongs to.
    pub fn part_of(&self, row: usize) -> Option<Split> {
        Split::ALL.get(self.parts[row] as usize).copied()
    }

    /// How many tracks each part has, in the order of [`Split::ALL`].
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; NO_PART as usize + 1];
        for &part in &self.parts {
            counts[part as usize] += 1;
        }
        [counts[0], counts[1], counts[2], counts[3]]
    }

    /// Rows that take part.
    pub(super) fn members(&self) -> Bits {
        Bits::of(self.parts.len(), |row| self.parts[row] != NO_PART)
    }
}

/// Place of a part in [`Split::ALL`].
pub(super) fn number_of(part: Split) -> u32 {
    let place = Split::ALL.iter().position(|&other| other == part);
    place.map_or(NO_PART, |place| place as u32)
}

fn sorted_rows(
    n_rows: usize,
    compare: impl Fn(usize, usize) -> std::cmp::Ordering + Sync,
) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..n_rows as u32).collect();
    rows.par_sort_by(|&one, &other| compare(one as usize, other as usize));
    rows
}

fn split_column(number: usize) -> String {
    format!("split {number}")
}

fn read_blob(connection: &Connection, dataset: i64, name: &str) -> rusqlite::Result<Vec<u8>> {
    connection
        .prepare_cached("SELECT content FROM columns WHERE dataset = ?1 AND name = ?2")?
        .query_row(params![dataset, name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| damaged(name))
}

pub(super) fn read_column(
    connection: &Connection,
    dataset: i64,
    name: &str,
) -> rusqlite::Result<Vec<u32>> {
    stored::read_numbers(&read_blob(connection, dataset, name)?).ok_or_else(|| damaged(name))
}

pub(super) fn write_column(
    connection: &Connection,
    dataset: i64,
    name: &str,
    content: &[u8],
) -> rusqlite::Result<()> {
    let content: &dyn ToSql = &content;
    connection
        .prepare_cached(
            "INSERT INTO columns (dataset, name, content) VALUES (?1, ?2, ?3)
             ON CONFLICT (dataset, name) DO UPDATE SET content = excluded.content",
        )?
        .execute(params![dataset, name, content])?;
    Ok(())
}
