//! Ids without files, files without ids, and traps in the text of annotation files.

use super::examination::Patient;
use super::report::{Entry, Sound};
use crate::dataset::import::Layout as _;
use crate::dataset::import::is_audio;
use crate::dataset::split::{LeakKind, OwnSplit};
use crate::dataset::{Check, Collection, ProblemKind, Severity};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// Annotation files above this size are not looked through for blanks, in bytes.
const MAX_TEXT: u64 = 256 << 20;

pub(super) fn check(collection: &Collection, patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
    missing(collection, patients, entries);
    shared(patients, entries);
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
    let message = format!(
        "{} of {} tracks have no file; the first that is not there is {}",
        missing.len(),
        patients.len(),
        first.path.display()
    );
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
    // The reader's own word for it, if it has one, says the same.
    entries.retain(|entry| entry.finding.check != Check::MissingFile);
    entries.push(entry);
}

/// Several ids for one file.
fn shared(patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
    let mut ids_of: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for patient in patients {
        ids_of.entry(patient.path).or_default().push(patient.id);
    }
    for (path, ids) in ids_of.into_iter().filter(|(_, ids)| ids.len() > 1) {
        let message = format!(
            "the tracks {} name one {}",
            ids.join(", "),
            LeakKind::File.words(1)
        );
        let about = ids.iter().map(|&id| id.to_owned());
        let mut entry = Entry::new(
            Check::DuplicateAudio,
            Severity::Warning,
            ids[0],
            message,
            "keep one of the tracks",
        )
        .about(about.clone());
        entry.finding.file = Some(path.to_path_buf());
        entry.sounds.push(Sound {
            track: ids[0].to_owned(),
            path: path.to_path_buf(),
            start_secs: 0.0,
        });
        entry.leave_out = about.skip(1).collect();
        entries.push(entry);
    }
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
    let mut files: Vec<PathBuf> = (std::fs::read_dir(root).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("csv" | "tsv" | "txt"))
                && path
                    .metadata()
                    .is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_TEXT)
        })
        .collect();
    files.sort();
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let n_lines = bytes.split(|&byte| byte == b'\n').count() - 1;
        let n_crlf = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
        // CSV ends its lines so by its standard; lists and tables with tabs do not.
        let is_csv = file.extension().is_some_and(|extension| extension == "csv");
        let mut traps = Vec::new();
        if n_crlf > 0 && n_crlf < n_lines {
            traps.push(format!(
                "{n_crlf} of {n_lines} lines end in CRLF, the others in LF"
            ));
        } else if n_crlf > 0 && !is_csv {
            traps.push("its lines end in CRLF".to_owned());
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") && !is_csv {
            traps.push("it begins with a byte order mark".to_owned());
        }
        let is_list = file.extension().is_some_and(|extension| extension == "txt");
        let text = String::from_utf8_lossy(&bytes);
        let blank = text
            .lines()
            .position(|line| line.trim_end_matches('\r').trim() != line.trim_end_matches('\r'));
        if let Some(line) = blank.filter(|_| is_list) {
            traps.push(format!("line {} has blanks at its ends", line + 1));
        }
        if traps.is_empty() {
            continue;
        }
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let message = format!("{name}: {}", traps.join("; "));
        let mend =
            "nothing need be done here; other programs may take the signs for parts of names";
        let mut entry = Entry::new(Check::TextForm, Severity::Note, &name, message, mend);
        entry.finding.n_concerned = 1;
        entry.finding.line = blank.map(|line| line as u64 + 1);
        entry.finding.file = Some(file);
        entries.push(entry);
    }
}
