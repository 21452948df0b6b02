//! Ids without files, files without ids, and traps in the text of annotation files.

use super::examination::Patient;
use super::report::{Entry, Sound};
use crate::dataset::import::Layout as _;
use crate::dataset::import::{annotation_files, is_audio};
use crate::dataset::split::OwnSplit;
use crate::dataset::{Check, Collection, Finding, ProblemKind, Severity};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Annotation files above this size are not looked through for blanks, in bytes.
const MAX_TEXT: u64 = 256 << 20;

pub(super) fn check(collection: &Collection, patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
    missing(collection, patients, entries);
    if collection.layout != OwnSplit.id() {
        unlisted(collection, entries);
        text_forms(&collection.root, entries);
    }
}

fn missing(collection: &Collection, patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
    let here: HashSet<&str> = patients.iter().map(|patient| patient.id).collect();
    let missing: Vec<&crate::dataset::Problem> = (collection.problems.iter())
        .filter(|problem| {
            problem.kind == ProblemKind::Missing && here.contains(problem.track.as_str())
        })
        .collect();
    let Some(first) = missing.first() else {
        return;
    };
    let (n, n_tracks, path) = (missing.len(), patients.len(), first.path.display());
    let message = match n {
        1 => format!("1 of {n_tracks} tracks has no file: {path} is not there"),
        n => {
            format!("{n} of {n_tracks} tracks have no file; the first that is not there is {path}")
        }
    };
    let mend = "get the files, or leave the tracks out; annotations can be looked at without them";
    let ids = missing.iter().map(|problem| problem.track.clone());
    let mut entry = Entry::new(
        Check::MissingFile,
        Severity::Warning,
        "files",
        message,
        mend,
    )
    .about(ids.clone());
    entry.finding.file = Some(first.path.clone());
    entry.leave_out = ids.collect();
    // The reader's own word for it, if it has one, says the same. Missing annotations and formats that cannot be decoded are other findings
    // under this check: these name a file, or tracks whose files are there.
    let problems = collection.problems.iter();
    let all_missing: HashSet<&str> = problems
        .filter(|problem| problem.kind == ProblemKind::Missing)
        .map(|problem| problem.track.as_str())
        .collect();
    entries.retain(|entry| {
        let Finding {
            check,
            file,
            tracks,
            ..
        } = &entry.finding;
        let is_same = *check == Check::MissingFile
            && file.is_none()
            && tracks.iter().any(|id| all_missing.contains(id.as_str()));
        !is_same
    });
    entries.push(entry);
}

fn unlisted(collection: &Collection, entries: &mut Vec<Entry>) {
    let listed: HashSet<&Path> = collection
        .recordings
        .iter()
        .map(|recording| recording.path.as_path())
        .collect();
    let mut roots = vec![collection.root.clone()];
    if let Some(audio) = common_folder(&listed)
        && !audio.starts_with(&collection.root)
        && !collection.root.starts_with(&audio)
    {
        roots.push(audio);
    }
    let mut found: Vec<PathBuf> = roots.iter().flat_map(|root| audio_below(root)).collect();
    found.retain(|path| !listed.contains(path.as_path()));
    found.sort();
    let Some(first) = found.first() else {
        return;
    };
    let message = format!(
        "{} audio file{} that no track names, for example {}",
        found.len(),
        if found.len() == 1 {
            " is there"
        } else {
            "s are there"
        },
        first.display()
    );
    let mend = "add them to the annotations, or take them away if they do not belong there";
    let mut entry = Entry::new(Check::UnlistedFile, Severity::Note, "files", message, mend);
    entry.finding.n_concerned = found.len();
    entry.finding.file = Some(first.clone());
    entry.sounds = found
        .iter()
        .take(20)
        .map(|path| Sound {
            track: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.clone(),
            start_secs: 0.0,
        })
        .collect();
    entries.push(entry);
}

/// The folder below which all files lie.
fn common_folder(paths: &HashSet<&Path>) -> Option<PathBuf> {
    let mut common: Option<&Path> = None;
    let mut folders: Vec<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        common = match common {
            None => Some(folder),
            Some(common) => common
                .ancestors()
                .find(|ancestor| folder.starts_with(ancestor)),
        };
    }
    common.map(Path::to_path_buf)
}

fn audio_below(root: &Path) -> Vec<PathBuf> {
    let mut waiting = vec![root.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                // Links to folders are not followed, so that no circle is walked.
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                _ if is_audio(&entry.path()) => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

/// Mixed line ends, CRLF in lists, and blanks at the ends of a vocabulary's lines. Attune reads all of these; other programs stumble.
fn text_forms(root: &Path, entries: &mut Vec<Entry>) {
    let mut files = annotation_files(root);
    files.retain(|file| is_text(file));
    files.sort();
    files.dedup();
    // What names are told from: the folder, of a description the folder of what it describes.
    let folder = common_folder(&files.iter().map(PathBuf::as_path).collect());
    let folder = if root.is_dir() {
        Some(root.to_path_buf())
    } else {
        folder
    };
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let traps = traps_of(&bytes, &file);
        let Some((first, _)) = traps.first() else {
            continue;
        };
        let words: Vec<&str> = traps.iter().map(|(_, words)| words.as_str()).collect();
        let name = folder
            .as_deref()
            .and_then(|folder| file.strip_prefix(folder).ok());
        let name = name.unwrap_or(&file).display().to_string();
        let message = format!("{name}: {}", words.join("; "));
        let mend =
            "nothing need be done here; other programs may take the signs for parts of names";
        let mut entry = Entry::new(Check::TextForm, Severity::Note, &name, message, mend);
        entry.finding.n_concerned = 1;
        entry.finding.line = Some(*first);
        entry.finding.file = Some(file);
        entries.push(entry);
    }
}

/// Whether a file of annotations is one of lines, and no README that an importer found among tables.
fn is_text(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    matches!(extension, Some("csv" | "tsv" | "txt"))
        && !stem.to_lowercase().starts_with("readme")
        && file
            .metadata()
            .is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_TEXT)
}

/// What other programs may stumble over, each with the line on which it is met first.
fn traps_of(bytes: &[u8], file: &Path) -> Vec<(u64, String)> {
    let ends_in = |ending: &str| {
        file.extension()
            .is_some_and(|extension| extension == ending)
    };
    // CSV ends its lines so by its standard; lists and tables with tabs do not.
    let (is_csv, is_list) = (ends_in("csv"), ends_in("txt"));
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let ended = lines.iter().filter(|line| line.ends_with(b"\n"));
    let is_crlf: Vec<bool> = ended.map(|line| line.ends_with(b"\r\n")).collect();
    let n_crlf = is_crlf.iter().filter(|is_crlf| **is_crlf).count();
    let mut traps = Vec::new();
    if bytes.starts_with(b"\xEF\xBB\xBF") && !is_csv {
        traps.push((1, "it begins with a byte order mark".to_owned()));
    }
    if let Some(first) = is_crlf.iter().position(|line| *line != is_crlf[0]) {
        let words = format!(
            "{n_crlf} of {} lines end in CRLF, the others in LF",
            is_crlf.len()
        );
        traps.push((first as u64 + 1, words));
    } else if n_crlf > 0 && !is_csv {
        traps.push((1, "its lines end in CRLF".to_owned()));
    }
    let has_blanks = |line: &&[u8]| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        text.trim() != text
    };
    if let Some(first) = lines.iter().position(has_blanks).filter(|_| is_list) {
        let line = first as u64 + 1;
        traps.push((line, format!("line {line} has blanks at its ends")));
    }
    traps
}
