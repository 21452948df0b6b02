//! Folders with an index of mirdata: a JSON file that names each track's files with their sums.
//!
//! ```json
//! {"version": "1.0", "tracks": {"ID": {"audio": ["audio/ID.wav", "md5"], "beats": ["beats/ID.txt", "md5"]}}, "metadata": {"metadata": ["info.csv", "md5"]}}
//! ```
//!
//! Older indexes are the tracks alone. The index says where audio lies; what the tracks are called, and their labels, each data set keeps in
//! tables of its own. Those with a column of ids are read by the names of their columns; what is written otherwise is left to mirdata.

use super::audio::{is_audio_of_any_kind, is_within, settle};
use super::gathering::{Parts, Recordings, collection, folder_name, made_split, vocabulary};
use super::report::{Report, bad_file};
use super::sheet::{Form, Sheet};
use super::{Folders, Layout, Wanted};
use crate::dataset::literal::{self, Literal};
use crate::dataset::{
    Check, Checksum, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx,
};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Columns that hold ids, labels, parts and words, in any case.
const ID_COLUMNS: [&str; 7] = [
    "track_id", "trackid", "id", "track", "clip_id", "filename", "file",
];
const TAG_COLUMNS: [&str; 9] = [
    "tags",
    "tag",
    "genre",
    "genres",
    "labels",
    "label",
    "style",
    "mood",
    "instrument",
];
const PART_COLUMNS: [&str; 4] = ["split", "subset", "set", "fold"];

/// Keys under which an index names the sound to listen to, the usual ones first.
const AUDIO_KEYS: [&str; 5] = ["audio", "audio_path", "audio_mix", "mix", "audio_stereo"];

/// Where audio lies below the folder.
const AUDIO_BELOW: [&str; 3] = ["", "audio", "data"];

/// An index is a small part of its data set.
const MOST_BYTES: u64 = 512 << 20;

pub(super) struct Mirdata;

/// Index files of a folder, the newest version (the last name) first.
fn indexes(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for below in ["", "indexes", "mirdata/datasets/indexes"] {
        for entry in std::fs::read_dir(folder.join(below))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let name = path
                .file_stem()
                .map(|name| name.to_string_lossy().to_lowercase());
            let is_json = path.extension().is_some_and(|ending| ending == "json");
            if is_json && name.is_some_and(|name| name.contains("index")) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found.reverse();
    found
}

impl Layout for Mirdata {
    fn id(&self) -> &'static str {
        "mirdata"
    }

    fn title(&self) -> &'static str {
        "Folder with an index of mirdata"
    }

    fn origin(&self) -> &'static str {
        "NAME_index_VERSION.json (mirdata's datasets/indexes) in the folder that mirdata downloaded (data_home), with its tables of metadata"
    }

    fn recognises(&self, folder: &Path) -> bool {
        !indexes(folder).is_empty()
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = indexes(folder);
        files.extend(tables_in(folder));
        files
    }

    fn checksums(&self, at: &Folders) -> Vec<Checksum> {
        let all = indexes(&at.annotations);
        // One that cannot be read is told when the data set is opened.
        let Some(index) = all.first().and_then(|file| read_index(file).ok()) else {
            return Vec::new();
        };
        let root = at.audio.as_ref().unwrap_or(&at.annotations);
        let bases = AUDIO_BELOW.map(|below| root.join(below));
        let own = format!("{}/", folder_name(&at.annotations));
        let of_tracks = tracks_of(&index).flat_map(|(_, files)| files.values());
        let of_set = index.get("metadata").and_then(Value::as_object);
        let entries = of_tracks.chain(of_set.into_iter().flat_map(Map::values));
        let mut seen = HashSet::new();
        let published = entries.filter_map(|entry| {
            let (path, sum) = (path_of(entry)?, entry.get(1)?.as_str()?);
            let places = [Some(path), path.strip_prefix(own.as_str())];
            let here = places.into_iter().flatten().find_map(|path| {
                let mut places = bases.iter().map(|base| base.join(path));
                places.find(|path| path.is_file())
            })?;
            seen.insert(here.clone())
                .then(|| Checksum::new(here, sum))?
        });
        published.collect()
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let all = indexes(folder);
        let file = all
            .first()
            .cloned()
            .unwrap_or_else(|| folder.join("index.json"));
        let mut report = Report::default();
        if all.len() > 1 {
            let message = format!("there are {} indexes; the last by name is read", all.len());
            let finding = Finding::new(Check::Counts, Severity::Note, message);
            report.tell(finding.mend("move the others away").of_file(&file));
        }
        let index = read_index(&file)?;
        let mut recordings = Recordings::default();
        let mut paths = Vec::new();
        let mut without = Vec::new();
        for (id, files) in tracks_of(&index) {
            match audio_of(files) {
                Some(path) => {
                    recordings.number(id);
                    paths.push(path);
                }
                None => without.push(id.as_str()),
            }
        }
        if recordings.list.is_empty() {
            return Err(bad_file(
                &file,
                "the index names no audio file",
                "use an index of mirdata (mirdata/datasets/indexes)",
            ));
        }
        if !without.is_empty() {
            let message = format!(
                "{} entries of the index have no audio file and are left out",
                without.len()
            );
            let finding = Finding::new(Check::MissingFile, Severity::Note, message);
            report.tell(finding.about(without).of_file(&file));
        }
        let mut words = Words::default();
        let mut tables: Vec<PathBuf> = metadata_of(&index).map(|path| folder.join(path)).collect();
        for table in tables_in(folder) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        for table in tables.iter().filter(|table| table.is_file()) {
            words.read(table, &mut recordings, &paths, &mut report);
        }
        let (labelling, split) = words.finish(&recordings, &mut report, &file);
        // The index may begin with the folder's own name, or lie beside it.
        let own = format!("{}/", folder_name(folder));
        let problems = settle(
            &mut recordings.list,
            at,
            &AUDIO_BELOW,
            &|number, _, wanted| {
                let path: &String = &paths[number];
                wanted.push(path.clone());
                wanted.extend(path.strip_prefix(&own).map(str::to_owned));
            },
            &mut report,
        );
        Ok(collection(
            self.id(),
            &folder_name(folder),
            at,
            recordings.list,
            (vec![labelling], vec![split]),
            problems,
            report,
        ))
    }
}

fn read_index(file: &Path) -> Result<Value, Error> {
    let length = std::fs::metadata(file)
        .map_err(Error::io("read", file))?
        .len();
    if length > MOST_BYTES {
        return Err(bad_file(
            file,
            "this is too long for an index",
            "move it away",
        ));
    }
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        bad_file(
            file,
            format!("the index cannot be read: {error}"),
            "use an index of mirdata (mirdata/datasets/indexes)",
        )
    })
}

fn tracks_of(index: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let tracks = index.get("tracks").unwrap_or(index).as_object();
    let entries = tracks.into_iter().flatten();
    entries.filter_map(|(id, files)| Some((id, files.as_object()?)))
}

/// The path of `[path, md5]`, if it stays within the folder.
fn path_of(entry: &Value) -> Option<&str> {
    let path = entry.get(0)?.as_str()?;
    Some(path).filter(|path| is_within(Path::new(path)))
}

fn audio_of(files: &Map<String, Value>) -> Option<String> {
    let usual = AUDIO_KEYS.iter().filter_map(|key| files.get(*key));
    let found = usual.chain(files.values()).filter_map(path_of);
    found
        .into_iter()
        .find(|path| is_audio_of_any_kind(Path::new(path)))
        .map(str::to_owned)
}

/// Tables that the index names for the data set as a whole.
fn metadata_of(index: &Value) -> impl Iterator<Item = &str> {
    let entries = index.get("metadata").and_then(Value::as_object);
    let paths = entries
        .into_iter()
        .flat_map(Map::values)
        .filter_map(path_of);
    paths.filter(|path| form_of(Path::new(path)).is_some())
}

fn form_of(table: &Path) -> Option<Form> {
    match table.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Form::Csv),
        "tsv" => Some(Form::QuotedTsv),
        _ => None,
    }
}

fn tables_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| form_of(path).is_some())
        .collect();
    found.sort();
    found
}

/// What the tables say about the tracks.
#[derive(Default)]
struct Words {
    tags: Vec<(u32, String)>,
    parts: Parts,
    n_tables: usize,
    has_parts: bool,
}

impl Words {
    fn read(
        &mut self,
        file: &Path,
        recordings: &mut Recordings,
        paths: &[String],
        report: &mut Report,
    ) {
        let form = form_of(file).unwrap_or(Form::Csv);
        let Ok(sheet) = Sheet::read(file, form, 1) else {
            report.bad_line(
                file,
                1,
                "the table has no header",
                "see what mirdata makes of it",
            );
            return;
        };
        let names: Vec<String> = sheet
            .header(0)
            .iter()
            .map(|name| name.to_lowercase().replace(' ', "_"))
            .collect();
        let places = |wanted: &[&str]| -> Vec<usize> {
            (0..names.len())
                .filter(|&at| wanted.contains(&names[at].as_str()))
                .collect()
        };
        let Some(&id_at) = places(&ID_COLUMNS).first() else {
            return;
        };
        // Some tables name files, not tracks.
        let by_file: HashMap<&str, u32> = (0..)
            .zip(paths)
            .filter_map(|(n, path): (u32, &String)| {
                Some((Path::new(path).file_name()?.to_str()?, n))
            })
            .collect();
        let (tag_columns, part_columns) = (places(&TAG_COLUMNS), places(&PART_COLUMNS));
        let texts = [
            places(&["artist", "artist_name"]),
            places(&["album"]),
            places(&["title", "name"]),
        ];
        let mut n_known = 0;
        for line in sheet.rows() {
            let (fields, line) = match line {
                Ok(line) => line,
                Err((problem, line)) => {
                    report.bad_line(file, line, &problem, "download the table again");
                    continue;
                }
            };
            if fields.len() != names.len() {
                report.bad_line(
                    file,
                    line,
                    "the line has another number of fields than the header",
                    "download the table again",
                );
                continue;
            }
            let id = fields[id_at].trim();
            let Some(number) = recordings.find(id).or_else(|| by_file.get(id).copied()) else {
                continue;
            };
            n_known += 1;
            let recording = recordings.get_mut(number);
            let targets = [
                &mut recording.artist,
                &mut recording.album,
                &mut recording.title,
            ];
            for (target, places) in targets.into_iter().zip(&texts) {
                if let Some(&at) = places.first() {
                    fields[at].trim().clone_into(target);
                }
            }
            for &at in &tag_columns {
                self.tags
                    .extend(tags_in(&fields[at]).into_iter().map(|tag| (number, tag)));
            }
            let part = part_columns.first().and_then(|&at| {
                match fields[at].trim().to_ascii_lowercase().as_str() {
                    "train" | "training" => Some(Split::Train),
                    "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
                    "test" | "testing" => Some(Split::Test),
                    _ => None,
                }
            });
            if let Some(part) = part {
                self.parts.put(number, part);
                self.has_parts = true;
            }
        }
        self.n_tables += usize::from(n_known > 0);
    }

    fn finish(
        self,
        recordings: &Recordings,
        report: &mut Report,
        file: &Path,
    ) -> (Labelling, NamedSplit) {
        let (tags, number_of) = vocabulary(self.tags.iter().map(|(_, tag)| tag.as_str()));
        let labels = self
            .tags
            .iter()
            .map(|(number, tag)| (*number, TagIdx(number_of[tag])))
            .collect();
        let split = if self.has_parts {
            self.parts.finish("published", 0, &recordings.list, report)
        } else if tags.is_empty() {
            let message = if self.n_tables == 0 {
                "no table with a column of ids was found: tracks have no labels and are unlabelled"
            } else {
                "no table has a column of tags: tracks have no labels and are unlabelled"
            };
            let finding = Finding::new(Check::MissingFile, Severity::Warning, message);
            report.tell(
                finding
                    .mend("write labels.csv and tracks.csv from what mirdata reads")
                    .of_file(file),
            );
            let parts = (0..recordings.list.len() as u32).map(|number| (number, Split::Unlabelled));
            NamedSplit {
                name: "unlabelled".into(),
                labelling: 0,
                parts: parts.collect(),
            }
        } else {
            // Tracks that no table speaks of have no labels; they would count as having no tag.
            let labelled: std::collections::HashSet<u32> =
                self.tags.iter().map(|(number, _)| *number).collect();
            let mut split = made_split(&recordings.list, report);
            split
                .parts
                .iter_mut()
                .filter(|(number, _)| !labelled.contains(number))
                .for_each(|(_, part)| *part = Split::Unlabelled);
            split
        };
        let labelling = Labelling {
            tags,
            labels,
            ..Labelling::default()
        };
        (labelling, split)
    }
}

/// The tags of a cell: one, several behind commas, semicolons or bars, or a list of Python's.
fn tags_in(cell: &str) -> Vec<String> {
    let cell = cell.trim();
    if let Some(Literal::List(items)) = literal::parse(cell) {
        let texts = items.into_iter().filter_map(|item| match item {
            Literal::Text(text) => Some(text),
            _ => None,
        });
        return texts.collect();
    }
    let tags = cell.split([',', ';', '|']).map(|tag| tag.trim().to_owned());
    tags.filter(|tag| !tag.is_empty()).collect()
}
