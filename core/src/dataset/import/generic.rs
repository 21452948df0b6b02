//! The generic data set format: a folder with `tracks.csv` and, where known, `labels.csv`, `tags.txt`, `timelines.csv`.
//!
//! | file | columns, found by name |
//! |---|---|
//! | `tracks.csv` | `track_id,path,artist,split,duration_s,source,license`, and if one likes `album,title` |
//! | `labels.csv` | `track_id,tag`: one row per positive label |
//! | `tags.txt` | one tag a line, in the order of the model's outputs |
//! | `timelines.csv` | `track_id,tag,start_s,end_s` |
//!
//! CSV is RFC 4180 (quotes, CRLF or LF, a byte order mark is allowed), UTF-8. Paths are relative to the folder and stay within it.
//! Without `tags.txt` the vocabulary is the sorted set of tags that occur. Wrong annotations are errors with file and line, because
//! guessing would falsify results; audio files that are not there are [`Problem`]s, because annotations are of use without them.

use super::audio::{count_audio, find_missing, is_within};
use super::gathering::folder_name;
use super::{Folders, Layout, Wanted};
use crate::dataset::table::{Row, Table};
use crate::dataset::{Collection, Error, Labelling, NamedSplit, Recording, Span, Split, TagIdx};
use crate::job::Job;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The columns of `tracks.csv`.
pub(in crate::dataset) const TRACK_COLUMNS: [&str; 7] = [
    "track_id",
    "path",
    "artist",
    "split",
    "duration_s",
    "source",
    "license",
];

/// Those of its columns that need not be there.
pub(in crate::dataset) const OPTIONAL_COLUMNS: [&str; 2] = ["album", "title"];

/// The generic form.
pub(super) struct Generic;

impl Layout for Generic {
    fn id(&self) -> &'static str {
        "generic"
    }

    fn title(&self) -> &'static str {
        "Folder with tracks.csv"
    }

    fn origin(&self) -> &'static str {
        "your own: tracks.csv (track_id,path,artist,split,duration_s,source,license), labels.csv, tags.txt, timelines.csv"
    }

    fn recognises(&self, folder: &Path) -> bool {
        folder.join("tracks.csv").is_file() || is_tracks_file(folder)
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let folder = if is_tracks_file(folder) {
            folder.parent().unwrap_or(folder)
        } else {
            folder
        };
        let names = ["tracks.csv", "labels.csv", "tags.txt", "timelines.csv"];
        names.map(|name| folder.join(name)).to_vec()
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        open(&at.annotations, at.audio.as_deref(), job)
    }
}

fn is_tracks_file(path: &Path) -> bool {
    path.is_file() && path.file_name().is_some_and(|name| name == "tracks.csv")
}

/// Reads the folder; `folder` may also be its `tracks.csv`. Paths are relative to the audio's folder, if that is another one.
fn open(folder: &Path, audio: Option<&Path>, job: &Job) -> Result<Collection, Error> {
    let folder = if is_tracks_file(folder) {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    if !folder.is_dir() {
        return Err(Error::NotAFolder(folder.to_path_buf()));
    }
    let root = std::path::absolute(folder).map_err(Error::io("find", folder))?;
    let tracks_file = root.join("tracks.csv");
    if !tracks_file.is_file() {
        return Err(Error::NoTracksFile {
            n_audio: count_audio(&root),
            folder: root,
            columns: TRACK_COLUMNS.join(","),
        });
    }
    let (recordings, parts, by_id) = read_tracks(audio.unwrap_or(&root), &tracks_file, job)?;
    let labels = read_if_there(&root.join("labels.csv"), &["track_id", "tag"])?;
    let timelines = read_if_there(
        &root.join("timelines.csv"),
        &["track_id", "tag", "start_s", "end_s"],
    )?;
    let tags_file = root.join("tags.txt");
    let tags = if tags_file.is_file() {
        read_tags(&tags_file)?
    } else {
        let mut found = BTreeSet::new();
        for table in [&labels, &timelines].into_iter().flatten() {
            for row in table.rows_for(job) {
                found.insert(row?.required("tag")?.to_owned());
            }
        }
        found.into_iter().collect()
    };
    let vocabulary = Vocabulary {
        by_name: tags
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), TagIdx(index as u32)))
            .collect(),
        by_id,
    };
    let mut labelling = Labelling {
        tags,
        ..Labelling::default()
    };
    if let Some(table) = &labels {
        for row in table.rows_for(job) {
            let row = row?;
            let label = (vocabulary.track(&row)?, vocabulary.tag(&row)?);
            labelling.labels.push(label);
        }
    }
    if let Some(table) = &timelines {
        for row in table.rows_for(job) {
            let row = row?;
            let recording = vocabulary.track(&row)?;
            let span = read_span(&row, vocabulary.tag(&row)?)?;
            labelling.spans.push((recording, span));
        }
    }
    Ok(Collection {
        name: folder_name(&root),
        layout: Generic.id(),
        root,
        problems: find_missing(&recordings),
        recordings,
        labellings: vec![labelling],
        splits: vec![NamedSplit {
            name: String::new(),
            labelling: 0,
            parts,
        }],
        findings: Vec::new(),
    })
}

/// The names that labels and timelines may use.
struct Vocabulary {
    by_name: HashMap<String, TagIdx>,
    by_id: HashMap<String, u32>,
}

impl Vocabulary {
    fn track(&self, row: &Row<'_>) -> Result<u32, Error> {
        let id = row.required("track_id")?;
        self.by_id.get(id).copied().ok_or_else(|| {
            row.wrong(
                format!("unknown track `{id}`"),
                "add it to tracks.csv or remove this line",
            )
        })
    }

    fn tag(&self, row: &Row<'_>) -> Result<TagIdx, Error> {
        let name = row.required("tag")?;
        self.by_name.get(name).copied().ok_or_else(|| {
            row.wrong(
                format!("unknown tag `{name}`"),
                "add it to tags.txt or remove this line",
            )
        })
    }
}

fn read_if_there(path: &Path, columns: &[&'static str]) -> Result<Option<Table>, Error> {
    path.is_file()
        .then(|| Table::read(path, columns))
        .transpose()
}

/// The recordings, their parts, and the number of each by its id.
type Tracks = (Vec<Recording>, Vec<(u32, Split)>, HashMap<String, u32>);

fn read_tracks(root: &Path, file: &Path, job: &Job) -> Result<Tracks, Error> {
    let table = Table::read_with(file, &TRACK_COLUMNS, &OPTIONAL_COLUMNS)?;
    let mut recordings = Vec::new();
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    let mut by_id = HashMap::new();
    for row in table.rows_for(job) {
        let row = row?;
        let id = row.required("track_id")?.to_owned();
        if let Some(&earlier) = by_id.get(&id) {
            let line: u64 = lines[earlier as usize];
            return Err(row.wrong(
                format!("duplicate track id `{id}`, already on line {line}"),
                "give every track an id of its own",
            ));
        }
        let written = row.required("split")?;
        let split = written.parse().map_err(|_unknown| {
            row.wrong(
                format!("unknown split `{written}`"),
                &format!("use {}", Split::ALL.map(Split::name).join(", ")),
            )
        })?;
        let recording = Recording {
            path: root.join(relative_path(&row)?),
            artist: row.text("artist").to_owned(),
            album: row.text("album").to_owned(),
            title: row.text("title").to_owned(),
            duration_secs: match row.text("duration_s") {
                "" => None,
                _ => Some(row.seconds("duration_s")?),
            },
            source: row.text("source").to_owned(),
            license: row.text("license").to_owned(),
            id: id.clone(),
        };
        let number = recordings.len() as u32;
        by_id.insert(id, number);
        lines.push(row.line());
        recordings.push(recording);
        parts.push((number, split));
    }
    Ok((recordings, parts, by_id))
}

/// The `path` column, if it is relative and stays within the folder.
fn relative_path(row: &Row<'_>) -> Result<PathBuf, Error> {
    let text = row.required("path")?;
    let path = Path::new(text);
    if is_within(path) {
        Ok(path.to_path_buf())
    } else {
        Err(row.wrong(
            format!("path `{text}` leads out of the data set's folder"),
            "give it relative to the folder, without `..` (a link within the folder may point elsewhere)",
        ))
    }
}

fn read_span(row: &Row<'_>, tag: TagIdx) -> Result<Span, Error> {
    let span = Span {
        tag,
        start_secs: row.seconds("start_s")?,
        end_secs: row.seconds("end_s")?,
    };
    if span.end_secs < span.start_secs {
        return Err(row.wrong(
            format!(
                "the span ends at {} s before it starts at {} s",
                span.end_secs, span.start_secs
            ),
            "exchange start_s and end_s",
        ));
    }
    Ok(span)
}

fn read_tags(file: &Path) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let mut seen = HashMap::new();
    let mut tags = Vec::new();
    for (line, name) in (1u64..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let name = name.trim();
        if name.is_empty() {
            continue;
        }
        if let Some(earlier) = seen.insert(name, line) {
            return Err(Error::BadLine {
                problem: format!("duplicate tag `{name}`, already on line {earlier}"),
                mend: "name every tag once".into(),
                file: file.to_path_buf(),
                line,
            });
        }
        tags.push(name.to_owned());
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "track_id,path,artist,split,duration_s,source,license\r\n";

    /// Opens a folder with these files, and an (empty) audio file `a.wav`.
    fn open_files(files: &[(&str, &str)]) -> Result<crate::dataset::Dataset, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wav"), "").unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        crate::dataset::Dataset::open(folder.path()).map_err(|error| error.to_string())
    }

    /// Opening must fail, naming the file with the line and the problem.
    fn check_refused(files: &[(&str, &str)], place: &str, problem: &str) {
        let message = open_files(files).unwrap_err();
        assert!(message.contains(place), "{message} should name {place}");
        assert!(message.contains(problem), "{message} should say {problem}");
    }

    fn tracks(rows: &str) -> String {
        format!("{HEADER}{rows}")
    }

    #[test]
    fn quotes_crlf_byte_order_mark_and_column_order_are_all_read() {
        let dataset = open_files(&[
            (
                "tracks.csv",
                "\u{feff}path,track_id,split,artist,license,source,duration_s,mood,title\r\n\
                 a.wav,one,train,\"Simon, \"\"Art\"\"\",CC0,\"two\r\nlines\",1.5,glad,Air\r\n\
                 b.wav,two,unlabelled,,,,,,\r\n",
            ),
            (
                "labels.csv",
                "tag,track_id\nslow,one\npiano,one\nslow,one\n",
            ),
            ("tags.txt", "slow\r\npiano\r\n"),
            (
                "timelines.csv",
                "track_id,tag,start_s,end_s\none,piano,0.50,1\none,piano,0,0.25\n",
            ),
        ])
        .unwrap();
        assert_eq!(dataset.tags, ["slow", "piano"]);
        let track = &dataset.tracks[0];
        assert_eq!(track.artist, "Simon, \"Art\"");
        assert_eq!((track.title.as_str(), track.album.as_str()), ("Air", ""));
        assert_eq!(track.duration_secs, Some(1.5));
        assert_eq!(
            track.tags,
            [TagIdx(0), TagIdx(1)],
            "a repeated label counts once"
        );
        assert_eq!(
            track.timeline[0].end_secs, 0.25,
            "spans are in order of time"
        );
        assert_eq!(dataset.tracks[1].duration_secs, None);
        assert_eq!(dataset.problems.len(), 1, "b.wav is missing");
        assert_eq!(dataset.problems[0].track, "two");
    }

    #[test]
    fn without_tags_txt_the_vocabulary_is_what_occurs() {
        let dataset = open_files(&[
            ("tracks.csv", &tracks("one,a.wav,x,train,,,\n")),
            ("labels.csv", "track_id,tag\none,zither\none,alto\n"),
        ])
        .unwrap();
        assert_eq!(dataset.tags, ["alto", "zither"]);
        assert_eq!(dataset.labels_of(0), [true, true]);
    }

    #[test]
    fn wrong_headers_are_told_with_the_header_that_is_wanted() {
        check_refused(
            &[(
                "tracks.csv",
                "id,path,artist,split,duration_s,source,license\n",
            )],
            "tracks.csv, line 1",
            "no column `track_id`; the header must be track_id,path",
        );
        check_refused(&[("tracks.csv", "")], "tracks.csv, line 1", "empty");
        check_refused(
            &[("tracks.csv", HEADER), ("labels.csv", "track,tag\n")],
            "labels.csv, line 1",
            "track_id",
        );
    }

    #[test]
    fn wrong_tracks_are_told_with_their_line() {
        // Blank lines and fields with line breaks count as the lines they are.
        let before = "one,a.wav,x,train,1,\"a\r\nb\",\r\n\r\n";
        for (row, problem) in [
            (
                "one,a.wav,x,train,1,,",
                "duplicate track id `one`, already on line 2",
            ),
            ("two,a.wav,x,dev,1,,", "unknown split `dev`"),
            ("two,../a.wav,x,train,1,,", "leads out"),
            ("two,/etc/passwd,x,train,1,,", "leads out"),
            ("two,a.wav,x,train,-1,,", "`duration_s` is `-1`"),
            ("two,,x,train,1,,", "`path` is empty"),
            (",a.wav,x,train,1,,", "`track_id` is empty"),
            ("two,a.wav,x,train,1,", "6 fields"),
        ] {
            let text = tracks(&format!("{before}{row}\r\n"));
            check_refused(&[("tracks.csv", &text)], "tracks.csv, line 5", problem);
        }
    }

    #[test]
    fn wrong_annotations_are_told_with_their_line() {
        let base = tracks("one,a.wav,x,train,1,,\n");
        for (file, text, line, problem) in [
            (
                "labels.csv",
                "track_id,tag\none,slow\ntwo,slow\n",
                3,
                "unknown track `two`",
            ),
            (
                "labels.csv",
                "track_id,tag\none,sloww\n",
                2,
                "unknown tag `sloww`",
            ),
            (
                "timelines.csv",
                "track_id,tag,start_s,end_s\none,slow,2,1\n",
                2,
                "ends at 1 s",
            ),
            (
                "timelines.csv",
                "track_id,tag,start_s,end_s\none,slow,-2,1\n",
                2,
                "`-2`",
            ),
            (
                "timelines.csv",
                "track_id,tag,start_s,end_s\none,slow,NaN,1\n",
                2,
                "`NaN`",
            ),
            (
                "timelines.csv",
                "track_id,tag,start_s,end_s\none,loud,0,1\n",
                2,
                "`loud`",
            ),
        ] {
            check_refused(
                &[("tracks.csv", &base), ("tags.txt", "slow\n"), (file, text)],
                &format!("{file}, line {line}"),
                problem,
            );
        }
        check_refused(
            &[("tracks.csv", &base), ("tags.txt", "slow\nfast\n\nslow\n")],
            "tags.txt, line 4",
            "duplicate tag `slow`",
        );
    }

    #[test]
    fn a_folder_of_audio_without_tracks_csv_says_what_is_expected() {
        let message = open_files(&[]).unwrap_err();
        assert!(message.contains("1 audio files"), "{message}");
        assert!(message.contains("track_id,path,artist,split"), "{message}");
        let nowhere = open(Path::new("/nowhere/at/all"), None, &Job::quiet())
            .unwrap_err()
            .to_string();
        assert!(nowhere.contains("/nowhere/at/all"), "{nowhere}");
    }

    #[test]
    fn asking_for_an_empty_split_names_those_that_are_there() {
        let dataset = open_files(&[("tracks.csv", &tracks("one,a.wav,x,train,1,,\n"))]).unwrap();
        assert_eq!(dataset.split(Split::Train).unwrap(), [0]);
        let message = dataset.split(Split::Test).unwrap_err().to_string();
        assert!(
            message.contains("`test`") && message.contains("train (1)"),
            "{message}"
        );
    }

    #[test]
    fn the_fingerprint_follows_content_and_not_place() {
        let labelled = |tag: &str| {
            open_files(&[
                ("tracks.csv", &tracks("one,a.wav,x,train,1,,\n")),
                ("tags.txt", "slow\nfast\n"),
                ("labels.csv", &format!("track_id,tag\none,{tag}\n")),
            ])
            .unwrap()
            .fingerprint()
        };
        assert_eq!(labelled("slow"), labelled("slow"), "two folders");
        assert_ne!(labelled("slow"), labelled("fast"));
    }
}
