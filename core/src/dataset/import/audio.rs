//! Where the audio of a published data set lies: beside its annotations or elsewhere, under the published name or converted.
//!
//! Whole folders are listed at once, which is much faster than asking for a million files one by one.

use super::Folders;
use super::report::Report;
use crate::dataset::{Check, Finding, Problem, ProblemKind, Recording, Severity};
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

/// Extensions of the files that can be decoded.
const DECODED: [&str; 11] = [
    "mp3", "ogg", "oga", "opus", "flac", "wav", "aac", "m4a", "mp4", "aiff", "aif",
];

/// Extensions of audio that is published and that Attune cannot decode.
const NOT_DECODED: [&str; 2] = ["au", "wma"];

/// So many recordings decide which folder the audio lies in.
const N_PROBED: usize = 2000;

/// Whether a file can be audio that Attune decodes, by its name.
pub fn is_audio(path: &Path) -> bool {
    has_extension(path, &DECODED)
}

/// Whether a file is audio that may or may not be decoded, by its name.
pub(super) fn is_audio_of_any_kind(path: &Path) -> bool {
    is_audio(path) || has_extension(path, &NOT_DECODED)
}

fn has_extension(path: &Path, among: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| among.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Whether a published path stays within the folder it is relative to.
pub(super) fn is_within(relative: &Path) -> bool {
    let mut parts = relative.components();
    parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Gives each recording the path of its audio file, and says which are missing or cannot be decoded.
///
/// `candidates` puts down where a recording (by its number) may lie, the published place first, relative and with `/`. `below` are the
/// folders that are looked into within the audio folder; files of another format, but of the same name, count.
pub(super) fn settle(
    recordings: &mut [Recording],
    at: &Folders,
    below: &[&str],
    candidates: &dyn Fn(usize, &Recording, &mut Vec<String>),
    report: &mut Report,
) -> Vec<Problem> {
    let root = at.audio.as_ref().unwrap_or(&at.annotations);
    let mut listings = Listings::default();
    let mut bases: Vec<PathBuf> = below.iter().map(|below| root.join(below)).collect();
    bases.retain(|base| base.is_dir());
    if !bases.contains(root) {
        bases.push(root.clone());
    }
    let mut wanted = Vec::new();
    let step = (recordings.len() / N_PROBED).max(1);
    let mut hits: Vec<(usize, PathBuf)> = Vec::new();
    for base in bases {
        let mut n_hits = 0;
        for (number, recording) in recordings.iter().enumerate().step_by(step) {
            wanted.clear();
            candidates(number, recording, &mut wanted);
            n_hits += usize::from(listings.first(&base, &wanted).is_some());
        }
        hits.push((n_hits, base));
    }
    // Stable: of equals the first.
    hits.sort_by_key(|(n_hits, _)| std::cmp::Reverse(*n_hits));
    // Asking every folder for a million files that are in none of them takes long.
    let n_used = hits.iter().filter(|(n_hits, _)| *n_hits > 0).count();
    hits.truncate(n_used.max(1));
    let mut problems = Vec::new();
    for (number, recording) in recordings.iter_mut().enumerate() {
        wanted.clear();
        candidates(number, recording, &mut wanted);
        wanted.retain(|relative| is_within(Path::new(relative)));
        let found = hits
            .iter()
            .find_map(|(_, base)| listings.first(base, &wanted));
        let (kind, message) = match found {
            Some(path) => {
                recording.path = path;
                if is_audio(&recording.path) {
                    continue;
                }
                let ending = recording.path.extension().unwrap_or_default();
                let message = format!(
                    "Attune cannot decode .{0} files; convert it, for example: ffmpeg -i FILE.{0} FILE.wav",
                    ending.display()
                );
                (ProblemKind::Broken, message)
            }
            None => {
                let published = wanted.first().unwrap_or(&recording.id);
                recording.path = hits[0].1.join(published);
                let message = "the audio file is missing".to_owned();
                (ProblemKind::Missing, message)
            }
        };
        problems.push(Problem {
            track: recording.id.clone(),
            path: recording.path.clone(),
            kind,
            message,
        });
    }
    tell(&problems, recordings.len(), root, report);
    problems
}

fn tell(problems: &[Problem], n_recordings: usize, root: &Path, report: &mut Report) {
    let of_kind = |kind: ProblemKind| {
        let found = problems.iter().filter(move |problem| problem.kind == kind);
        found.map(|problem| problem.track.as_str())
    };
    let n_missing = of_kind(ProblemKind::Missing).count();
    if n_missing > 0 {
        let (message, mend) = if n_missing == n_recordings {
            (
                format!(
                    "none of the {n_recordings} audio files is in {}",
                    root.display()
                ),
                "say where the audio lies: attune data import DIR --audio FOLDER --save-as set.toml; until then the annotations can be looked at",
            )
        } else {
            (
                format!(
                    "{n_missing} of {n_recordings} audio files are missing; training leaves them out"
                ),
                "download them again; `attune data info --json` lists them as problems",
            )
        };
        let finding = Finding::new(Check::MissingFile, Severity::Warning, message);
        report.tell(finding.mend(mend).about(of_kind(ProblemKind::Missing)));
    }
    let n_broken = of_kind(ProblemKind::Broken).count();
    if n_broken > 0 {
        let message = format!("{n_broken} audio files are of a format that Attune cannot decode");
        let finding = Finding::new(Check::MissingFile, Severity::Warning, message);
        let mend = "convert them to WAV or FLAC beside the originals, under the same names";
        report.tell(finding.mend(mend).about(of_kind(ProblemKind::Broken)));
    }
}

/// What lies in the folders that were looked into.
#[derive(Default)]
struct Listings(HashMap<PathBuf, Listing>);

#[derive(Default)]
struct Listing {
    names: HashSet<String>,
    /// Audio files by their names without ending; those that can be decoded before the others.
    by_stem: HashMap<String, String>,
}

impl Listings {
    /// The first of some places at which there is a file.
    fn first(&mut self, base: &Path, wanted: &[String]) -> Option<PathBuf> {
        wanted.iter().find_map(|relative| {
            let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
            let folder = if folder.is_empty() {
                base.to_path_buf()
            } else {
                base.join(folder)
            };
            let listing = self
                .0
                .entry(folder)
                .or_insert_with_key(|folder| Listing::of(folder));
            let name = if listing.names.contains(name) {
                name
            } else {
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
                listing.by_stem.get(stem)?
            };
            Some(base.join(relative).with_file_name(name))
        })
    }
}

impl Listing {
    fn of(folder: &Path) -> Self {
        let mut listing = Self::default();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = Path::new(&name);
            if is_audio_of_any_kind(path)
                && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
                && (is_audio(path) || !listing.by_stem.contains_key(stem))
            {
                // One name of several, and always the same.
                let kept = listing
                    .by_stem
                    .entry(stem.to_owned())
                    .or_insert_with(|| name.clone());
                if !is_audio(Path::new(&*kept)) || (is_audio(path) && name < *kept) {
                    kept.clone_from(&name);
                }
            }
            listing.names.insert(name);
        }
        listing
    }
}

/// Files that are not there, of recordings that have their paths.
pub(super) fn find_missing(recordings: &[Recording]) -> Vec<Problem> {
    let mut folders: HashMap<&Path, HashSet<std::ffi::OsString>> = HashMap::new();
    let mut problems = Vec::new();
    for track in recordings {
        let (Some(folder), Some(name)) = (track.path.parent(), track.path.file_name()) else {
            continue;
        };
        let names = folders.entry(folder).or_insert_with(|| {
            std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.file_name()))
                .collect()
        });
        // A folder or a dangling link of that name is found out when it is decoded.
        if !names.contains(name) {
            problems.push(Problem {
                track: track.id.clone(),
                path: track.path.clone(),
                kind: ProblemKind::Missing,
                message: "the audio file is missing".into(),
            });
        }
    }
    problems
}

/// Counts audio files below `root`, as far as a thousand.
pub(super) fn count_audio(root: &Path) -> usize {
    let mut waiting = vec![root.to_path_buf()];
    let (mut count, mut n_folders) = (0, 0);
    while let Some(folder) = waiting.pop() {
        n_folders += 1;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && n_folders < 1000 => waiting.push(entry.path()),
                _ => count += usize::from(is_audio(&entry.path())),
            }
        }
        if count >= 1000 {
            break;
        }
    }
    count
}
