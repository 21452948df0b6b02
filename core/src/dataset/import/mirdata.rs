//! Folders with an index of mirdata: a JSON file that names each track's files with their sums.
//!
//! ```json
//! {"version": "1.0", "tracks": {"ID": {"audio": ["audio/ID.wav", "md5"], "beats": ["beats/ID.txt", "md5"]}}, "metadata": {"metadata": ["info.csv", "md5"]}}
//! ```
//!
//! Older indexes are the tracks alone. The index says where audio lies; what the tracks are called, and their labels, each data set keeps in
//! tables of its own. Those with a column of ids are read by the names of their columns; what is written otherwise is left to mirdata.

use super::audio::{is_audio_of_any_kind, is_within, settle};
use super::gathering::{
    Parts, Recordings, collection, folder_name, made_split, part_named, vocabulary,
};
use super::report::{Report, bad_file};
use super::sheet::{Form, Sheet};
use super::{Folders, Layout, Wanted};
use crate::dataset::literal::{self, Literal};
use crate::dataset::{
    Check, Checksum, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx,
};
use crate::job::Job;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Columns that hold ids, labels, parts and words, in any case. Of several columns of ids, and of parts, the first of these is taken.
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

/// An index file, by its name: `NAME_index_VERSION.json`.
#[derive(Debug)]
struct Index {
    path: PathBuf,
    /// The data set.
    name: String,
    /// The numbers of the version: 1.10 is later than 1.9.
    version: Vec<u64>,
    /// Whether it lists a few tracks only, for trying out or for mirdata's own tests.
    is_sample: bool,
}

impl Index {
    fn of(path: PathBuf) -> Option<Self> {
        let stem = path.file_stem()?.to_string_lossy().to_lowercase();
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        let (name, version) = stem.split_once("index").filter(|_| is_json)?;
        let numbers = version.split(|letter: char| !letter.is_ascii_digit());
        let mut words = version.split(|letter: char| !letter.is_ascii_alphabetic());
        Some(Self {
            name: name.trim_end_matches(['_', '-', ' ']).to_owned(),
            version: numbers.filter_map(|number| number.parse().ok()).collect(),
            is_sample: words.any(|word| matches!(word, "sample" | "test")),
            path,
        })
    }
}

/// Index files of a folder, the one to read first: whole ones before samples, the newest version first. Those in the folder itself count; of
/// those that lie together elsewhere (a checkout of mirdata has one for each of its data sets), those of the data set that the folder is
/// called after.
fn indexes(folder: &Path) -> Vec<Index> {
    let own = folder_name(folder).to_lowercase();
    for below in ["", "indexes", "mirdata/datasets/indexes"] {
        let entries = std::fs::read_dir(folder.join(below)).into_iter();
        let paths = entries.flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<Index> = paths
            .filter(|path| path.is_file())
            .filter_map(Index::of)
            .collect();
        if found.iter().any(|index| index.name == own) {
            found.retain(|index| index.name == own);
        }
        found.sort_by(|a, b| {
            let by_version = b.version.cmp(&a.version).then(b.path.cmp(&a.path));
            a.is_sample.cmp(&b.is_sample).then(by_version)
        });
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// How many data sets the indexes are of.
fn n_data_sets(indexes: &[Index]) -> usize {
    let names: HashSet<&str> = indexes.iter().map(|index| index.name.as_str()).collect();
    names.len()
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
        let mut files: Vec<PathBuf> = indexes(folder)
            .into_iter()
            .map(|index| index.path)
            .collect();
        files.extend(tables_in(folder));
        files
    }

    fn checksums(&self, at: &Folders) -> Vec<Checksum> {
        let all = indexes(&at.annotations);
        // One that cannot be read is told when the data set is opened.
        let Some(index) = all.first().and_then(|index| read_index(&index.path).ok()) else {
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

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let all = indexes(folder);
        let file = all
            .first()
            .map_or_else(|| folder.join("index.json"), |index| index.path.clone());
        if n_data_sets(&all) > 1 && file.parent() != Some(folder.as_path()) {
            return Err(bad_file(
                &file,
                format!(
                    "indexes of {} data sets lie here, and none is called like the folder",
                    n_data_sets(&all)
                ),
                "copy the index of the data set into the folder of its audio, and open that",
            ));
        }
        let mut report = Report::new(job);
        let name = file.file_name().unwrap_or_default().display();
        if all.len() > 1 {
            let severity = if n_data_sets(&all) > 1 {
                Severity::Warning
            } else {
                Severity::Note
            };
            let message = format!("there are {} indexes; {name} is read", all.len());
            let finding = Finding::new(Check::Counts, severity, message);
            report.tell(finding.mend("move the others away").of_file(&file));
        }
        if all.first().is_some_and(|index| index.is_sample) {
            let message = format!("{name} lists a sample of the data set only");
            let finding = Finding::new(Check::Counts, Severity::Warning, message);
            let mend = "take the whole index from mirdata (mirdata/datasets/indexes)";
            report.tell(finding.mend(mend).of_file(&file));
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
        let by_file = Files::of(&paths);
        let mut tables: Vec<PathBuf> = metadata_of(&index).map(|path| folder.join(path)).collect();
        for table in tables_in(folder) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        for table in tables.iter().filter(|table| table.is_file()) {
            words.read(table, &mut recordings, &by_file, &mut report);
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
        "tsv" => Some(Form::AnyTsv),
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

/// Recordings by the files they lie in: some tables name these, and not tracks.
struct Files<'a>(HashMap<&'a str, Option<u32>>);

impl<'a> Files<'a> {
    /// By path, and by bare name where only one file is called so.
    fn of(paths: &'a [String]) -> Self {
        let mut numbers = HashMap::new();
        for (number, path) in (0..).zip(paths) {
            if let Some(name) = Path::new(path).file_name().and_then(|name| name.to_str()) {
                let both = numbers.contains_key(name);
                numbers.insert(name, Some(number).filter(|_| !both));
            }
        }
        for (number, path) in (0..).zip(paths).filter(|(_, path)| path.contains('/')) {
            numbers.insert(path, Some(number));
        }
        Self(numbers)
    }
}

/// Words and how often each was met, a few of them in words.
fn counted(words: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<(&String, &usize)> = words.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let shown = sorted.iter().take(8);
    let shown: Vec<String> = shown.map(|(word, n)| format!("`{word}` ({n})")).collect();
    let more = if sorted.len() > shown.len() {
        " …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
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
        by_file: &Files<'_>,
        report: &mut Report,
    ) {
        let form = form_of(file).unwrap_or(Form::Csv);
        let sheet = match Sheet::read(file, form, 1) {
            Ok(sheet) => sheet,
            Err(error) => {
                report.unusable(&error, file, "what it says is not known");
                return;
            }
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
        let first_of = |wanted: &[&str]| {
            let mut wanted = wanted.iter();
            wanted.find_map(|wanted| names.iter().position(|name| name == wanted))
        };
        let Some(id_at) = first_of(&ID_COLUMNS) else {
            return;
        };
        let (tag_columns, part_at) = (places(&TAG_COLUMNS), first_of(&PART_COLUMNS));
        let texts = [
            places(&["artist", "artist_name"]),
            places(&["album"]),
            places(&["title", "name"]),
        ];
        let mut n_known = 0;
        let (mut ambiguous, mut no_parts) = (BTreeMap::new(), BTreeMap::new());
        for line in sheet.rows(report.job()) {
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
            let number = match (recordings.find(id), by_file.0.get(id)) {
                (Some(number), _) | (None, Some(&Some(number))) => number,
                (None, Some(None)) => {
                    *ambiguous.entry(id.to_owned()).or_insert(0) += 1;
                    continue;
                }
                (None, None) => continue,
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
            let Some(word) = part_at.map(|at| fields[at].trim()) else {
                continue;
            };
            match part_named(word) {
                Some(part) => {
                    self.parts.put(number, part);
                    self.has_parts = true;
                }
                None => *no_parts.entry(word.to_owned()).or_insert(0) += 1,
            }
        }
        let tell = |report: &mut Report, words: &BTreeMap<String, usize>, what: String, mend| {
            if !words.is_empty() {
                let mut finding = Finding::new(Check::BadLine, Severity::Warning, what);
                finding.n_concerned = words.values().sum();
                report.tell(finding.mend(mend).of_file(file));
            }
        };
        let what = format!(
            "lines go by names of files that several tracks have, and are left out: {}",
            counted(&ambiguous)
        );
        tell(
            report,
            &ambiguous,
            what,
            "write the files' whole paths, as in the index, or the tracks' ids",
        );
        let what = format!(
            "the column `{}` says what is no part of a split; these tracks are put into none by it: {}",
            part_at.map_or("", |at| &names[at]),
            counted(&no_parts)
        );
        tell(
            report,
            &no_parts,
            what,
            "parts are train, valid, test and unlabelled; of folds, write a tracks.csv with the parts that you want",
        );
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
            let labelled: HashSet<u32> = self.tags.iter().map(|(number, _)| *number).collect();
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
