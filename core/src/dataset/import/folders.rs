//! A tree of folders in which the name of a folder is the genre of what lies in it.
//!
//! `genre/song.mp3`, or, where the first folders are called train, valid and test, `train/genre/song.mp3`. Without such folders nobody has
//! said how the files are to be divided, and a split is made.

use super::audio::{find_missing, is_audio, is_audio_of_any_kind};
use super::gathering::{Parts, Recordings, collection, folder_name, made_split, vocabulary};
use super::report::Report;
use super::{Folders, Layout, Wanted};
use crate::dataset::{
    Check, Collection, Error, Finding, Labelling, Problem, ProblemKind, Severity, Split, TagIdx,
};
use std::path::{Path, PathBuf};

/// How deep below a genre files are looked for, and how many there may be.
const MOST_LEVELS: usize = 6;
const MOST_FILES: usize = 2_000_000;

pub(super) struct GenreFolders;

/// The part that a folder is called after.
fn part_of(folder: &str) -> Option<Split> {
    match folder.to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
        "test" | "testing" => Some(Split::Test),
        "unlabelled" | "unlabeled" => Some(Split::Unlabelled),
        _ => None,
    }
}

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
        let parts = first.iter().filter(|(name, _)| part_of(name).is_some());
        let second: Vec<PathBuf> = parts
            .flat_map(|(_, part)| folders_in(part))
            .map(|(_, path)| path)
            .collect();
        let first = first.into_iter().map(|(_, path)| path);
        first.chain(second).chain([folder.to_path_buf()]).collect()
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>) -> Result<Collection, Error> {
        let root = at.audio.as_ref().unwrap_or(&at.annotations);
        let mut report = Report::default();
        let first = folders_in(root);
        let has_parts = first.iter().all(|(name, _)| part_of(name).is_some());
        let mut genres: Vec<(Option<Split>, String, PathBuf)> = Vec::new();
        for (name, path) in first {
            match part_of(&name).filter(|_| has_parts) {
                // What is unlabelled needs no folders of genres.
                Some(Split::Unlabelled) => {
                    genres.push((Some(Split::Unlabelled), String::new(), path))
                }
                Some(part) => genres.extend(
                    folders_in(&path)
                        .into_iter()
                        .map(|(genre, path)| (Some(part), genre, path)),
                ),
                None => genres.push((None, name, path)),
            }
        }
        let mut recordings = Recordings::default();
        let mut parts = Parts::default();
        let mut genre_of: Vec<String> = Vec::new();
        let mut problems = Vec::new();
        for (part, genre, folder) in genres {
            for path in files_below(&folder) {
                let Some(id) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
                    continue;
                };
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
        if genre_of.len() >= MOST_FILES {
            let message = format!("only the first {MOST_FILES} files of a folder are read");
            report.tell(Finding::new(Check::Counts, Severity::Warning, message).of_file(root));
        }
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
        let labelling = Labelling {
            labels: labels.collect(),
            tags,
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

/// Audio files below a folder, sorted. Links to folders are not followed, so that none is gone through for ever.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut waiting = vec![(folder.to_path_buf(), 0)];
    let mut found = Vec::new();
    while let Some((folder, level)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && level < MOST_LEVELS {
                waiting.push((path, level + 1));
            } else if !is_folder && is_audio_of_any_kind(&path) && found.len() < MOST_FILES {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
