//! A split of one's own as a folder that opens like a data set: it names the data set it divides and holds no audio and no labels.
//!
//! | file | what |
//! |---|---|
//! | `split.toml` | `source`: the data set, as `FOLDER` or `FOLDER#SPLIT`; `[[tags]]`: the vocabulary, if not that of the source; `[made]`: how it was made |
//! | `parts.csv` | `track_id,part`: one row per track that takes part |
//!
//! So published data stay as they are, a split weighs a few megabytes and can be given to others, and everything that takes the folder of
//! a data set takes it: training, scoring, the window, the catalogue.

use crate::dataset::import::{self, Folders, Layout, Wanted, annotation_files};
use crate::dataset::table::Table;
use crate::dataset::{
    Check, Collection, Dataset, Description, Error, Finding, Labelling, NamedSplit, Recording,
    Severity, Split, TagIdx,
};
use crate::job::Job;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

const DESCRIPTION: &str = "split.toml";
const PARTS: &str = "parts.csv";
/// How many splits may be made of one another; more is a circle.
const MAX_DEPTH: usize = 8;

/// What `split.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitFolder {
    /// The data set that is divided: `FOLDER` or `FOLDER#SPLIT`, absolute or relative to the folder of this file.
    pub source: PathBuf,
    /// The vocabulary in the order of the columns, if it is not that of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeptTag>,
    /// How it was made, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
}

/// A tag of the split's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTag {
    /// Its name.
    pub name: String,
    /// The tags of the source that count as it.
    pub of: Vec<String>,
}

/// How a split was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// What was kept on one side.
    pub by: super::By,
    /// The shares that were asked for.
    pub shares: String,
    /// The seed.
    pub seed: u64,
    /// What cleaning took away, a line per rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleaning: Vec<String>,
}

impl SplitFolder {
    /// Writes a split into `folder`, which must be new or empty: `parts` names each track and its part.
    pub fn write<'a>(
        &self,
        folder: &Path,
        parts: impl Iterator<Item = (&'a str, Split)>,
    ) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        let mut entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
        if entries.next().is_some() {
            return Err(Error::BadConfig(format!(
                "a split is written into a new or empty folder, and this one holds files: {}",
                folder.display()
            )));
        }
        let file = folder.join(PARTS);
        let mut table = csv::WriterBuilder::new().from_writer(Vec::new());
        let failed = |error: csv::Error| Error::io("write", &file)(std::io::Error::other(error));
        table.write_record(["track_id", "part"]).map_err(failed)?;
        for (id, part) in parts {
            table.write_record([id, part.name()]).map_err(failed)?;
        }
        let bytes = table
            .into_inner()
            .map_err(|error| Error::io("write", &file)(std::io::Error::other(error.to_string())))?;
        write_whole(&file, |out| out.write_all(&bytes)).map_err(Error::io("write", &file))?;
        let file = folder.join(DESCRIPTION);
        let text = toml::to_string_pretty(self)
            .map_err(|error| Error::io("write", &file)(std::io::Error::other(error)))?;
        let head = "# A split of another data set, made by `attune data split`; the folder opens like a data set.\n";
        write_whole(&file, |out| {
            out.write_all(head.as_bytes())?;
            out.write_all(text.as_bytes())
        })
        .map_err(Error::io("write", &file))
    }

    /// Reads `split.toml`.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(DESCRIPTION);
        let text = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        toml::from_str(&text).map_err(|error| {
            let before = error
                .span()
                .map_or("", |span| text.get(..span.start).unwrap_or(""));
            Error::BadLine {
                problem: error.message().to_owned(),
                mend: "a split has `source`, and where need be `[[tags]]` with `name` and `of`"
                    .into(),
                line: before.matches('\n').count() as u64 + 1,
                file,
            }
        })
    }

    /// The data set that is divided, as it is opened.
    fn source_of(&self, folder: &Path) -> PathBuf {
        folder.join(&self.source)
    }
}

/// The layout of such folders.
#[derive(Debug)]
pub struct OwnSplit;

impl Layout for OwnSplit {
    fn id(&self) -> &'static str {
        "own-split"
    }

    fn title(&self) -> &'static str {
        "Split of another data set"
    }

    fn origin(&self) -> &'static str {
        "split.toml and parts.csv, as `attune data split` writes them"
    }

    fn recognises(&self, folder: &Path) -> bool {
        folder.join(DESCRIPTION).is_file()
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = vec![folder.join(DESCRIPTION), folder.join(PARTS)];
        // A circle is told by reading it.
        if check_depth(folder).is_ok()
            && let Ok(description) = SplitFolder::read(folder)
        {
            files.extend(annotation_files(&description.source_of(folder)));
        }
        files
    }

    fn folders(&self, at: &Folders) -> Vec<PathBuf> {
        let own = &at.annotations;
        let mut folders = vec![own.clone()];
        if check_depth(own).is_ok()
            && let Ok(description) = SplitFolder::read(own)
        {
            folders.extend(import::folders(&description.source_of(own)));
        }
        folders
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = at.annotations.as_path();
        check_depth(folder)?;
        let description = SplitFolder::read(folder)?;
        let source = Dataset::open_with(&description.source_of(folder), job)?;
        let tags: Vec<KeptTag> = if description.tags.is_empty() {
            let same = |name: &String| KeptTag {
                name: name.clone(),
                of: vec![name.clone()],
            };
            source.tags.iter().map(same).collect()
        } else {
            description.tags
        };
        let mut findings = source.findings.clone();
        // About parts that do not count here.
        findings.retain(|finding| !matches!(finding.check, Check::MadeSplit | Check::SplitOverlap));
        let own_tag = own_tags(folder, &tags, &source, &mut findings);
        let numbers: HashMap<&str, usize> = (source.tracks.iter().map(|track| track.id.as_str()))
            .zip(0..)
            .collect();
        let rows = read_parts(&folder.join(PARTS), &numbers, &mut findings)?;
        let root = std::path::absolute(folder).map_err(Error::io("find", folder))?;
        let mut collection = Collection {
            name: root.file_name().map_or_else(
                || source.name.clone(),
                |name| name.to_string_lossy().into_owned(),
            ),
            layout: self.id(),
            root,
            recordings: Vec::with_capacity(rows.len()),
            labellings: Vec::new(),
            splits: Vec::new(),
            problems: source.problems,
            findings,
        };
        let mut labelling = Labelling {
            tags: tags.into_iter().map(|tag| tag.name).collect(),
            ..Labelling::default()
        };
        let mut parts = Vec::with_capacity(rows.len());
        let mut part_of: Vec<Option<Split>> = vec![None; source.tracks.len()];
        for (idx, part) in rows {
            part_of[idx] = Some(part);
        }
        for (track, part) in source.tracks.into_iter().zip(part_of) {
            let Some(part) = part else {
                continue;
            };
            let number = collection.recordings.len() as u32;
            let own = |tag: TagIdx| own_tag[tag.index()];
            labelling.labels.extend(
                track
                    .tags
                    .iter()
                    .filter_map(|&tag| Some((number, own(tag)?))),
            );
            labelling
                .spans
                .extend(track.timeline.iter().filter_map(|&span| {
                    let tag = own(span.tag)?;
                    Some((number, crate::dataset::Span { tag, ..span }))
                }));
            parts.push((number, part));
            collection.recordings.push(Recording {
                id: track.id,
                path: track.path,
                artist: track.artist,
                album: track.album,
                title: track.title,
                duration_secs: track.duration_secs,
                source: track.source,
                license: track.license,
            });
        }
        collection.labellings.push(labelling);
        collection.splits.push(NamedSplit {
            name: String::new(),
            labelling: 0,
            parts,
        });
        Ok(collection)
    }
}

/// Follows splits of splits, so that a circle is an error and no overflow.
fn check_depth(folder: &Path) -> Result<(), Error> {
    let mut at = folder.to_path_buf();
    for _ in 0..MAX_DEPTH {
        if Description::is_one(&at) {
            at = Description::read(&at)?.annotations;
        }
        if !OwnSplit.recognises(&at) {
            return Ok(());
        }
        let source = SplitFolder::read(&at)?.source_of(&at);
        at = crate::dataset::Place::parse(&source).folder;
    }
    Err(Error::BadConfig(format!(
        "this split is made of another, that of another, and so on in a circle; mend `source` in {}",
        folder.join(DESCRIPTION).display()
    )))
}

/// The own tag of each tag of the source. `[source tags]`
fn own_tags(
    folder: &Path,
    tags: &[KeptTag],
    source: &Dataset,
    findings: &mut Vec<Finding>,
) -> Vec<Option<TagIdx>> {
    let mut own_tag = vec![None; source.n_tags()];
    let by_name: HashMap<&str, usize> = (source.tags.iter().map(String::as_str)).zip(0..).collect();
    let mut absent = Vec::new();
    for (number, tag) in (0u32..).zip(tags) {
        for name in &tag.of {
            match by_name.get(name.as_str()) {
                Some(&place) => own_tag[place] = Some(TagIdx(number)),
                None => absent.push(name.as_str()),
            }
        }
    }
    if !absent.is_empty() {
        findings.push(Finding {
            check: Check::Counts,
            severity: Severity::Error,
            tracks: Vec::new(),
            n_concerned: absent.len(),
            file: Some(folder.join(DESCRIPTION)),
            line: None,
            message: format!("the data set no longer has the tags {}", absent.join(", ")),
            mend: "make the split again, or name the data set that it was made of".into(),
        });
    }
    own_tag
}

fn read_parts(
    file: &Path,
    numbers: &HashMap<&str, usize>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<(usize, Split)>, Error> {
    let table = Table::read(file, &["track_id", "part"])?;
    let mut rows = Vec::new();
    let mut is_named = vec![false; numbers.len()];
    let (mut absent, mut n_absent) = (Vec::new(), 0);
    for row in table.rows() {
        let row = row?;
        let id = row.required("track_id")?;
        let written = row.required("part")?;
        let part = written.parse().map_err(|_unknown| {
            row.wrong(
                format!("unknown part `{written}`"),
                &format!("use {}", Split::ALL.map(Split::name).join(", ")),
            )
        })?;
        match numbers.get(id) {
            Some(&idx) if std::mem::replace(&mut is_named[idx], true) => {
                return Err(row.wrong(
                    format!("track `{id}` is listed twice"),
                    "remove one of the lines",
                ));
            }
            Some(&idx) => rows.push((idx, part)),
            None => {
                n_absent += 1;
                if absent.len() < 1000 {
                    absent.push(id.to_owned());
                }
            }
        }
    }
    if n_absent > 0 {
        findings.push(Finding {
            check: Check::Counts,
            severity: Severity::Error,
            message: format!(
                "{n_absent} tracks of the split are not in the data set any more, for example {}",
                absent[0]
            ),
            tracks: absent,
            n_concerned: n_absent,
            file: Some(file.to_path_buf()),
            line: None,
            mend: "make the split again, or name the data set that it was made of in split.toml"
                .into(),
        });
    }
    Ok(rows)
}
