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

/// Recordings between two reports of how far the search is.
const STRIDE: usize = 4096;

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
/// folders that are looked into within the audio folder, 31 at most; the one that has most comes first. Files of another format, but of the
/// same name, count; a file that can be decoded goes before one that cannot. A stopped job ends the search early.
pub(super) fn settle(
    recordings: &mut [Recording],
    at: &Folders,
    below: &[&str],
    candidates: &dyn Fn(usize, &Recording, &mut Vec<String>),
    report: &mut Report,
) -> Vec<Problem> {
    let root = at.audio.as_ref().unwrap_or(&at.annotations);
    let mut roots: Vec<PathBuf> = below.iter().map(|below| root.join(below)).collect();
    roots.retain(|base| base.is_dir());
    if !roots.contains(root) {
        roots.push(root.clone());
    }
    let mut bases: Vec<Base> = roots.into_iter().map(Base::new).collect();
    let mut wanted = Vec::new();
    // In which of the folders each recording lies, a bit for each. Every recording is asked for in all of them: of a million, there may be
    // twenty on the disk.
    let (job, n_all) = (report.job(), recordings.len());
    let lies_in: Vec<u32> = recordings
        .iter()
        .enumerate()
        .take_while(|(number, _)| {
            if number % STRIDE == 0 {
                job.report(*number as u64, n_all as u64, "looking for the audio files");
            }
            !job.cancel.is_cancelled()
        })
        .map(|(number, recording)| {
            ask(number, recording, candidates, &mut wanted);
            let mut bits = 0;
            for (at, base) in bases.iter_mut().enumerate() {
                if base.first(&wanted).is_some() {
                    base.n_hits += 1;
                    bits |= 1 << at;
                }
            }
            bits
        })
        .collect();
    let mut order: Vec<usize> = (0..bases.len()).collect();
    // Stable: of equals the first.
    order.sort_by_key(|&at| std::cmp::Reverse(bases[at].n_hits));
    let usual = order.first().map(|&at| bases[at].root.clone());
    let usual = usual.unwrap_or_else(|| root.clone());
    let mut problems = Vec::new();
    for ((number, recording), bits) in recordings.iter_mut().enumerate().zip(lies_in) {
        ask(number, recording, candidates, &mut wanted);
        let mut found = None;
        for &at in order.iter().filter(|&&at| bits & (1 << at) != 0) {
            let path = bases[at].first(&wanted);
            if path.as_deref().is_some_and(is_audio) {
                found = path;
                break;
            }
            found = found.or(path);
        }
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
                recording.path = usual.join(published);
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

/// Where a recording may lie.
fn ask(
    number: usize,
    recording: &Recording,
    candidates: &dyn Fn(usize, &Recording, &mut Vec<String>),
    wanted: &mut Vec<String>,
) {
    wanted.clear();
    candidates(number, recording, wanted);
    wanted.retain(|relative| is_within(Path::new(relative)));
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

/// A folder that audio may lie in, as far as it was looked into.
struct Base {
    root: PathBuf,
    /// By their paths relative to `root`; `None`: there is no such folder.
    folders: HashMap<String, Option<Listing>>,
    n_hits: usize,
}

/// What lies in one folder.
#[derive(Default)]
struct Listing {
    names: HashSet<String>,
    /// Audio files by their names without ending; those that can be decoded before the others.
    by_stem: HashMap<String, String>,
}

impl Base {
    fn new(root: PathBuf) -> Self {
        Self {
            root,
            folders: HashMap::new(),
            n_hits: 0,
        }
    }

    /// The first of some places at which there is a file that can be decoded; without such a one, the first at which there is any.
    fn first(&mut self, wanted: &[String]) -> Option<PathBuf> {
        let mut other = None;
        for relative in wanted {
            let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
            if !self.folders.contains_key(folder) {
                let listing = Listing::of(&self.root.join(folder));
                self.folders.insert(folder.to_owned(), listing);
            }
            let listing = self.folders.get(folder).and_then(Option::as_ref);
            let Some(name) = listing.and_then(|listing| listing.find(name)) else {
                continue;
            };
            let is_decoded = is_audio(Path::new(name));
            if is_decoded || other.is_none() {
                let path = self.root.join(relative).with_file_name(name);
                if is_decoded {
                    return Some(path);
                }
                other = Some(path);
            }
        }
        other
    }
}

impl Listing {
    /// `None` if there is no such folder.
    fn of(folder: &Path) -> Option<Self> {
        let mut listing = Self::default();
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
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
        Some(listing)
    }

    /// The name under which a file is there: its own, unless another one of the same stem can be decoded and it cannot.
    fn find(&self, name: &str) -> Option<&str> {
        let own = self.names.get(name).map(String::as_str);
        if own.is_some_and(|own| is_audio(Path::new(own))) {
            return own;
        }
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let alike = self.by_stem.get(stem).map(String::as_str);
        match own {
            Some(_) => alike.filter(|alike| is_audio(Path::new(alike))).or(own),
            None => alike,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::import::gathering::Recordings;
    use crate::job::Job;

    /// Settles recordings called by number at `N.au`, and says which are missing or broken.
    fn settled(folder: &Path, n: usize) -> (Vec<Recording>, Vec<Problem>) {
        let mut recordings = Recordings::default();
        for number in 0..n {
            recordings.number(&number.to_string());
        }
        let at = Folders {
            annotations: folder.to_path_buf(),
            audio: None,
        };
        let problems = settle(
            &mut recordings.list,
            &at,
            &["", "one", "other"],
            &|number, _, wanted| wanted.push(format!("{:02}/{number}.au", number % 100)),
            &mut Report::new(&Job::quiet()),
        );
        (recordings.list, problems)
    }

    fn put(folder: &Path, file: &str) {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn a_few_files_of_very_many_are_found_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        // Between those that a sample of two thousand would look at.
        put(folder.path(), "other/31/54331.wav");
        put(folder.path(), "one/07/7.mp3");
        put(folder.path(), "one/09/9.mp3");
        let (recordings, problems) = settled(folder.path(), 100_000);
        assert_eq!(problems.len(), 99_997);
        assert!(recordings[54_331].path.ends_with("other/31/54331.wav"));
        assert!(recordings[9].path.ends_with("one/09/9.mp3"));
        assert!(
            recordings[8].path.ends_with("one/08/8.au"),
            "looked for where most are"
        );
    }

    #[test]
    fn a_converted_file_goes_before_the_original_that_cannot_be_decoded() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["00/0.au", "00/0.wav", "01/1.au", "one/02/2.au", "02/2.au"] {
            put(folder.path(), file);
        }
        put(folder.path(), "other/02/2.flac");
        let (recordings, problems) = settled(folder.path(), 3);
        assert!(recordings[0].path.ends_with("00/0.wav"));
        assert!(recordings[2].path.ends_with("other/02/2.flac"));
        let kinds: Vec<_> = problems.iter().map(|it| (&*it.track, it.kind)).collect();
        assert_eq!(kinds, [("1", ProblemKind::Broken)]);
    }
}
