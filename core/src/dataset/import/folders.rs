//! A tree of folders in which the name of a folder is the genre of what lies in it.
//!
//! `genre/song.mp3`, or, where the first folders are called train, valid and test, `train/genre/song.mp3`. Without such folders nobody has
//! said how the files are to be divided, and a split is made.

use super::audio::{find_missing, is_audio, is_audio_of_any_kind};
use super::gathering::{
    Parts, Recordings, collection, folder_name, made_split, part_named, vocabulary,
};
use super::report::Report;
use super::{Folders, Layout, Wanted};
use crate::dataset::{
    Check, Collection, Error, Finding, Labelling, Problem, ProblemKind, Severity, Split, TagIdx,
};
use crate::job::Job;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How deep below a genre files are looked for, and how many there may be.
const MOST_LEVELS: usize = 6;
const MOST_FILES: usize = 2_000_000;

/// Vocabularies of genres are smaller than this; folders named by artists or albums are more.
const MANY_TAGS: usize = 200;

/// Of genres, most have more files than this; of artists and albums, most have fewer.
const FEW_FILES: usize = 30;

pub(super) struct GenreFolders;

/// Sub-folders with names that can be shown, sorted. Links are followed: they are on the first level only.
fn folders_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, path)| !name.starts_with('.') && path.is_dir())
        .collect();
    found.sort();
    found
}

/// Whether there is audio in the folder or in one right below it; cheap.
fn has_audio(folder: &Path) -> bool {
    let has = |folder: &Path| {
        let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.any(|entry| is_audio_of_any_kind(&entry.path()))
    };
    has(folder)
        || folders_in(folder)
            .iter()
            .take(20)
            .any(|(_, folder)| has(folder))
}

/// Whether there is audio anywhere below, as deep as files are looked for. Ends at the first.
fn holds_audio(folder: &Path) -> bool {
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, level)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // As files are read: below a part, a genre may be a link.
            let is_folder = if level == 0 {
                path.is_dir()
            } else {
                entry.file_type().is_ok_and(|kind| kind.is_dir())
            };
            if is_folder && level <= MOST_LEVELS {
                waiting.push((path, level + 1));
            } else if !is_folder && is_audio_of_any_kind(&path) {
                return true;
            }
        }
    }
    false
}

/// Audio that has no genre or cannot be read, told with its number.
#[derive(Default)]
struct LeftOut {
    /// Files directly in the folder of the data set or of a part: nobody says of which genre they are.
    without_genre: usize,
    /// Folders deeper than files are looked for.
    too_deep: usize,
    /// Links to folders below a genre.
    links: usize,
    /// Files and folders whose names are no text.
    unnamed: usize,
    /// Files beyond [`MOST_FILES`].
    beyond: usize,
}

impl LeftOut {
    fn tell(&self, root: &Path, report: &mut Report) {
        let levels = format!(
            "folders lie more than {MOST_LEVELS} levels below their genre and are not looked into"
        );
        let beyond = format!("audio files beyond the first {MOST_FILES} are left out");
        for (n, what, mend) in [
            (
                self.without_genre,
                "audio files lie in no folder of a genre and are left out",
                "put them into folders named by genre, or into `unlabelled` beside train, valid and test",
            ),
            (self.too_deep, levels.as_str(), "move what lies there up"),
            (
                self.links,
                "links to folders within genres are not followed",
                "move the folders themselves there",
            ),
            (
                self.unnamed,
                "folders and audio files have names that are not UTF-8 and are left out",
                "rename them",
            ),
            (self.beyond, beyond.as_str(), "divide the folder"),
        ] {
            if n > 0 {
                let message = format!("{n} {what}");
                let mut finding = Finding::new(Check::UnlistedFile, Severity::Warning, message);
                finding.n_concerned = n;
                report.tell(finding.mend(mend).of_file(root));
            }
        }
    }

    /// Counts what lies directly in a folder: audio, and folders whose names are no text.
    fn count_in(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.unnamed += usize::from(entry.file_name().to_str().is_none());
            } else {
                self.without_genre += usize::from(is_audio_of_any_kind(&path));
            }
        }
    }
}

/// Names of folders, a few of them in words.
fn few(names: &[&str]) -> String {
    let more = if names.len() > 3 { " …" } else { "" };
    format!("{}{more}", names[..names.len().min(3)].join(", "))
}

/// Says that folders are called after parts and after genres, both; or that there are too many for genres.
fn tell_doubts(first: &[(String, PathBuf)], report: &mut Report, root: &Path) {
    let names = first.iter().map(|(name, _)| name.as_str());
    let (parts, genres): (Vec<&str>, Vec<&str>) =
        names.partition(|name| part_named(name).is_some());
    if !parts.is_empty() && !genres.is_empty() {
        let message = format!(
            "some folders are called like parts of a split ({}), others are not ({}): all are taken as tags",
            few(&parts),
            few(&genres)
        );
        let finding = Finding::new(Check::TagOrder, Severity::Error, message);
        let mend =
            "put every genre into train, valid or test, or move what is no genre somewhere else";
        report.tell(finding.mend(mend).of_file(root));
    }
}

/// Says that the folders can hardly be genres.
fn tell_many(n_of: &[usize], report: &mut Report, root: &Path) {
    if n_of.len() <= MANY_TAGS {
        return;
    }
    let n_small = n_of.iter().filter(|n| **n < FEW_FILES).count();
    let (severity, doubt) = if 2 * n_small > n_of.len() {
        (Severity::Error, "they look like artists or albums")
    } else {
        (Severity::Warning, "that is much for genres")
    };
    let message = format!(
        "the names of {} folders are taken as tags, of which {n_small} hold fewer than {FEW_FILES} files: {doubt}",
        n_of.len()
    );
    let mend = "put the songs into folders named by genre, or write a tracks.csv and labels.csv; to tag them with a model, nothing is to be done";
    report.tell(
        Finding::new(Check::Counts, severity, message)
            .mend(mend)
            .of_file(root),
    );
}

impl Layout for GenreFolders {
    fn id(&self) -> &'static str {
        "folders"
    }

    fn title(&self) -> &'static str {
        "Folders named by genre"
    }

    fn origin(&self) -> &'static str {
        "your own: GENRE/song.mp3, or train/GENRE/song.mp3, valid/…, test/…; the folder's name is the tag"
    }

    fn recognises(&self, folder: &Path) -> bool {
        let folders = folders_in(folder);
        let with_audio = folders.iter().filter(|(_, folder)| has_audio(folder));
        with_audio.take(2).count() == 2
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        // A folder is written when a file in it comes or goes.
        let first = folders_in(folder);
        let parts = first.iter().filter(|(name, _)| part_named(name).is_some());
        let second: Vec<PathBuf> = parts
            .flat_map(|(_, part)| folders_in(part))
            .map(|(_, path)| path)
            .collect();
        let first = first.into_iter().map(|(_, path)| path);
        first.chain(second).chain([folder.to_path_buf()]).collect()
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let root = at.audio.as_ref().unwrap_or(&at.annotations);
        let mut report = Report::new(job);
        let mut left = LeftOut::default();
        left.count_in(root);
        // A folder of notes or pictures says nothing about the others.
        let mut first = folders_in(root);
        first.retain(|(_, folder)| holds_audio(folder));
        let has_parts = first.iter().all(|(name, _)| part_named(name).is_some());
        tell_doubts(&first, &mut report, root);
        let mut genres: Vec<(Option<Split>, String, PathBuf)> = Vec::new();
        for (name, path) in first {
            match part_named(&name).filter(|_| has_parts) {
                // What is unlabelled needs no folders of genres.
                Some(Split::Unlabelled) => {
                    genres.push((Some(Split::Unlabelled), String::new(), path))
                }
                Some(part) => {
                    left.count_in(&path);
                    let below = folders_in(&path).into_iter();
                    genres.extend(below.map(|(genre, path)| (Some(part), genre, path)));
                }
                None => genres.push((None, name, path)),
            }
        }
        let mut recordings = Recordings::default();
        let mut parts = Parts::default();
        let mut genre_of: Vec<String> = Vec::new();
        let mut problems = Vec::new();
        for (part, genre, folder) in genres {
            job.report(genre_of.len() as u64, 0, "looking for the audio files");
            for path in files_below(&folder, &mut left, job) {
                let Some(id) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
                    left.unnamed += 1;
                    continue;
                };
                if genre_of.len() >= MOST_FILES {
                    left.beyond += 1;
                    continue;
                }
                let (number, _) = recordings.number(id);
                let recording = recordings.get_mut(number);
                let stem = path.file_stem().unwrap_or_default();
                recording.title = stem.to_string_lossy().into_owned();
                recording.path.clone_from(&path);
                genre_of.push(genre.clone());
                if let Some(part) = part {
                    parts.put(number, part);
                }
                if !is_audio(&path) {
                    problems.push(Problem {
                        track: id.to_owned(),
                        kind: ProblemKind::Broken,
                        message:
                            "Attune cannot decode files of this format; convert it to WAV or FLAC"
                                .into(),
                        path,
                    });
                }
            }
        }
        left.tell(root, &mut report);
        let (tags, number_of) = vocabulary(
            genre_of
                .iter()
                .map(String::as_str)
                .filter(|genre| !genre.is_empty()),
        );
        let message = format!(
            "the tags are the names of folders: {} tags for {} files",
            tags.len(),
            genre_of.len()
        );
        report.tell(
            Finding::new(Check::Counts, Severity::Note, message)
                .mend("artists are not known; write a tracks.csv to say more"),
        );
        let labels = (0..)
            .zip(&genre_of)
            .filter_map(|(number, genre)| Some((number, TagIdx(*number_of.get(genre)?))));
        let labels: Vec<(u32, TagIdx)> = labels.collect();
        let mut n_of = vec![0; tags.len()];
        for (_, tag) in &labels {
            n_of[tag.index()] += 1;
        }
        tell_many(&n_of, &mut report, root);
        let labelling = Labelling {
            tags,
            labels,
            ..Labelling::default()
        };
        let list = recordings.list;
        let split = if has_parts {
            parts.finish("", 0, &list, &mut report)
        } else {
            made_split(&list, &mut report)
        };
        problems.extend(find_missing(&list));
        Ok(collection(
            self.id(),
            &folder_name(root),
            at,
            list,
            (vec![labelling], vec![split]),
            problems,
            report,
        ))
    }
}

/// Audio files below a folder, sorted; of a file that cannot be decoded and a converted one beside it, that one. Links to folders are not
/// followed, so that none is gone through for ever.
fn files_below(folder: &Path, left: &mut LeftOut, job: &Job) -> Vec<PathBuf> {
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    let mut found = Vec::new();
    while let Some((folder, level)) = waiting.pop() {
        if job.cancel.is_cancelled() {
            break;
        }
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if level < MOST_LEVELS {
                    waiting.push((path, level + 1));
                } else {
                    left.too_deep += 1;
                }
            } else if is_audio_of_any_kind(&path) {
                found.push(path);
            } else if path.is_dir() {
                left.links += 1;
            }
        }
    }
    found.sort();
    let decoded = found.iter().filter(|path| is_audio(path));
    let decoded: HashSet<PathBuf> = decoded.map(|path| path.with_extension("")).collect();
    found.retain(|path| is_audio(path) || !decoded.contains(&path.with_extension("")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes empty files and reads the folder.
    fn read(files: &[String]) -> Collection {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let at = Folders {
            annotations: folder.path().to_path_buf(),
            audio: None,
        };
        GenreFolders.read(&at, Wanted::All, &Job::quiet()).unwrap()
    }

    fn severity(collection: &Collection, part: &str) -> Option<Severity> {
        let mut findings = collection.findings.iter();
        let found = findings.find(|finding| finding.message.contains(part));
        found.map(|finding| finding.severity)
    }

    fn named(files: &[&str]) -> Vec<String> {
        files.iter().map(|&file| file.to_owned()).collect()
    }

    #[test]
    fn a_folder_without_audio_does_not_make_tags_of_parts() {
        let files = [
            "docs/deep/notes.txt",
            "train/rock/a.mp3",
            "test/jazz/b.mp3",
            "test/c.mp3",
            "d.mp3",
        ];
        let read = read(&named(&files));
        assert_eq!(read.labellings[0].tags, ["jazz", "rock"]);
        assert_eq!(
            read.splits[0]
                .parts
                .iter()
                .map(|it| it.1)
                .collect::<Vec<_>>(),
            [Split::Test, Split::Train]
        );
        assert_eq!(
            severity(&read, "2 audio files lie in no folder of a genre"),
            Some(Severity::Warning)
        );
    }

    #[test]
    fn parts_among_genres_are_an_error_in_words() {
        let read = read(&named(&["train/a.mp3", "rock/b.mp3"]));
        assert_eq!(
            severity(
                &read,
                "like parts of a split (train), others are not (rock)"
            ),
            Some(Severity::Error)
        );
    }

    #[test]
    fn what_lies_too_deep_and_a_converted_twin_are_seen() {
        let files = [
            "rock/1/2/3/4/5/6/a.mp3",
            "rock/1/2/3/4/5/6/7/b.mp3",
            "jazz/c.au",
            "jazz/c.wav",
            "jazz/d.au",
        ];
        let read = read(&named(&files));
        let ids: Vec<&str> = read.recordings.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["jazz/c.wav", "jazz/d.au", "rock/1/2/3/4/5/6/a.mp3"]);
        assert!(severity(&read, "1 folders lie more than 6 levels").is_some());
        assert_eq!(read.problems.len(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_no_text_are_counted() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        for genre in ["rock", "jazz"] {
            std::fs::create_dir(folder.path().join(genre)).unwrap();
            std::fs::write(folder.path().join(genre).join("a.mp3"), "").unwrap();
        }
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.mp3");
        std::fs::write(folder.path().join("rock").join(odd), "").unwrap();
        let at = Folders {
            annotations: folder.path().to_path_buf(),
            audio: None,
        };
        let read = GenreFolders.read(&at, Wanted::All, &Job::quiet()).unwrap();
        assert_eq!(read.recordings.len(), 2);
        assert!(severity(&read, "1 folders and audio files have names").is_some());
    }

    #[test]
    fn folders_of_artists_are_told_from_genres() {
        let files = (0..=MANY_TAGS).map(|n| format!("artist {n}/album/song.mp3"));
        let read = read(&files.collect::<Vec<_>>());
        assert_eq!(
            severity(&read, "they look like artists or albums"),
            Some(Severity::Error)
        );
    }
}
