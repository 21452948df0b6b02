//! The Million Song Dataset with the cleaned, artist-level split (CALS): lists of ids and tables of labels as NumPy's files.
//!
//! Its fifty tags are not those of the conventional split. Recordings of the student set have no labels and belong to `unlabelled`;
//! those of `NONE` are by artists of the training set and are left out.

use super::audio::settle;
use super::gathering::{Parts, Recordings, collection};
use super::msd_published::{
    AUDIO_BELOW, BELOW, CALS_TAGS, is_id, published_paths, read_names, tell_broken,
};
use super::report::{Report, bad_file};
use super::sheet::{Form, Sheet, find, find_all, finds_any};
use super::{Folders, Layout, Wanted};
use crate::dataset::{Check, Collection, Error, Finding, Labelling, Severity, Split, TagIdx, npy};
use crate::job::Job;
use std::path::{Path, PathBuf};

/// Each part: its word in file names and in the table, and how many recordings it has.
const PARTS: [(Split, &str, &str, usize); 4] = [
    (Split::Test, "test", "TEST", 34_913),
    (Split::Valid, "valid", "VALID", 34_730),
    (Split::Train, "train", "TRAIN", 163_504),
    (Split::Unlabelled, "student", "STUDENT", 516_415),
];

/// Lengths are in samples at this rate.
const RATE_HZ: f64 = 22_050.0;
const TABLE: &str = "msd_splits.tsv";

pub(super) struct MsdCals;

impl Layout for MsdCals {
    fn id(&self) -> &'static str {
        "msd-cals"
    }

    fn title(&self) -> &'static str {
        "Million Song Dataset, CALS split"
    }

    fn origin(&self) -> &'static str {
        "data/splits of github.com/minzwon/semi-supervised-music-tagging-transformer (train_ids.npy, train_binaries.npy …, msd_splits.tsv); audio from 7digital"
    }

    fn recognises(&self, folder: &Path) -> bool {
        let names = [
            "train_binaries.npy",
            "valid_binaries.npy",
            "test_binaries.npy",
            TABLE,
        ];
        finds_any(folder, &BELOW, &names)
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let words = PARTS.iter().flat_map(|(_, word, _, _)| {
            [format!("{word}_ids.npy"), format!("{word}_binaries.npy")]
        });
        let names = words.chain([TABLE.to_owned(), "unique_tracks.txt".to_owned()]);
        find_all(folder, &BELOW, names)
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let mut report = Report::new(job);
        let mut recordings = Recordings::default();
        let mut parts = Parts::default();
        let mut labels = Vec::new();
        let table = find(folder, &BELOW, TABLE);
        for (part, word, _, published) in PARTS {
            let name = format!("{word}_ids.npy");
            let Some(file) = find(folder, &BELOW, &name) else {
                if table.is_none() {
                    report.missing(
                        &folder.join(&name),
                        &format!("the part {part} is empty"),
                        "take it from the repository (data/splits)",
                    );
                }
                continue;
            };
            let ids = npy::read(&file)?.texts();
            let ids = ids.map_err(|problem| bad_file(&file, problem, "use the published file"))?;
            if let Some(wrong) = ids.iter().find(|id| !is_id(id)) {
                return Err(bad_file(
                    &file,
                    format!("`{wrong}` is no id of a recording"),
                    "use the published file",
                ));
            }
            report.count(
                &format!("recordings in {part}"),
                ids.len(),
                &[published],
                &file,
            );
            let first = labels.len();
            for id in &ids {
                let (number, _) = recordings.number(id);
                parts.put(number, part);
                labels.push(number);
            }
            if part == Split::Unlabelled {
                labels.truncate(first);
            }
        }
        let labelling = read_labels(folder, &recordings, &labels, &mut report)?;
        if let Some(file) = &table {
            match read_table(file, &mut recordings, &mut parts, &mut report) {
                Err(error) if !recordings.list.is_empty() => {
                    report.unusable(&error, file, "lengths are not known");
                }
                read => read?,
            }
        } else {
            report.missing(
                &folder.join(TABLE),
                "lengths are not known",
                "take it from the repository (data/splits)",
            );
        }
        for recording in &mut recordings.list {
            recording.source = "Million Song Dataset, preview of 7digital".into();
        }
        tell_broken(&recordings, &mut report);
        read_names(folder, &mut recordings, &mut report);
        let split = parts.finish("cals", 0, &recordings.list, &mut report);
        let problems = settle(
            &mut recordings.list,
            at,
            &AUDIO_BELOW,
            &|_, recording, wanted| published_paths(&recording.id, wanted),
            &mut report,
        );
        Ok(collection(
            self.id(),
            "Million Song Dataset (CALS)",
            at,
            recordings.list,
            (vec![labelling], vec![split]),
            problems,
            report,
        ))
    }
}

/// Labels by row: `listed` are the labelled recordings in the order of [`PARTS`] and of the lists of ids.
fn read_labels(
    folder: &Path,
    recordings: &Recordings,
    listed: &[u32],
    report: &mut Report,
) -> Result<Labelling, Error> {
    let mut labels = Vec::new();
    let mut first = 0;
    for (part, word, _, _) in PARTS {
        if part == Split::Unlabelled {
            continue;
        }
        let Some(ids) = find(folder, &BELOW, &format!("{word}_ids.npy")) else {
            continue;
        };
        let n_ids = npy::read(&ids)?.n_rows();
        let numbers = listed.get(first..first + n_ids).unwrap_or_default();
        first += n_ids;
        let name = format!("{word}_binaries.npy");
        let Some(file) = find(folder, &BELOW, &name) else {
            report.missing_labels(
                &folder.join(&name),
                &format!("no recording in {part} has labels"),
                "take it from the repository (data/splits)",
            );
            continue;
        };
        let table = npy::read(&file)?;
        // Rows go by number: with one more or less, every label after it would be another recording's.
        if table.n_rows() != n_ids || table.n_columns() != CALS_TAGS.len() {
            let problem = format!(
                "the table has {} rows of {} columns, for {n_ids} ids in {word}_ids.npy and {} tags",
                table.n_rows(),
                table.n_columns(),
                CALS_TAGS.len()
            );
            return Err(bad_file(
                &file,
                problem,
                "use both files of one publication",
            ));
        }
        let mut untagged = Vec::new();
        for (row, &number) in numbers.iter().enumerate() {
            let tags = table.positives(row);
            let tags =
                tags.map_err(|problem| bad_file(&file, problem, "use the published file"))?;
            if tags.is_empty() {
                untagged.push(recordings.list[number as usize].id.as_str());
            }
            labels.extend(tags.into_iter().map(|tag| (number, TagIdx(tag))));
        }
        if !untagged.is_empty() {
            let message = format!(
                "{} recordings in {part} have none of the tags",
                untagged.len()
            );
            let finding = Finding::new(Check::Counts, Severity::Note, message);
            report.tell(finding.about(untagged).of_file(&file));
        }
    }
    Ok(Labelling {
        name: "cals".into(),
        tags: CALS_TAGS.map(str::to_owned).to_vec(),
        labels,
        spans: Vec::new(),
    })
}

/// Lengths, and the parts of those that no list has: without lists of ids the table alone divides the recordings.
fn read_table(
    file: &Path,
    recordings: &mut Recordings,
    parts: &mut Parts,
    report: &mut Report,
) -> Result<(), Error> {
    let sheet = Sheet::read(file, Form::Tsv, 1)?;
    let (ids, splits) = (sheet.need("clip_ids")?, sheet.need("splits")?);
    let length = sheet.column("length");
    let again = "take the file from the repository again (data/splits)";
    let listed = PARTS.map(|(part, _, _, _)| parts.count(part) > 0);
    let mut n_of = [0usize; 4];
    let mut n_unlisted = [0usize; 4];
    let mut unlabelled = 0;
    for line in sheet.rows(report.job()) {
        let (fields, line) = match line {
            Ok(line) => line,
            Err((problem, line)) => {
                report.bad_line(file, line, &problem, again);
                continue;
            }
        };
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).unwrap_or_default().trim();
        let (id, word) = (field(Some(ids)), field(Some(splits)));
        if fields.len() != sheet.header(0).len() || !is_id(id) {
            report.bad_line(
                file,
                line,
                "the line has no id, or another number of fields than the header",
                again,
            );
            continue;
        }
        if word == "NONE" {
            continue;
        }
        let Some(at) = PARTS.iter().position(|(_, _, name, _)| *name == word) else {
            report.bad_line(
                file,
                line,
                &format!("`{word}` is no part of the split"),
                again,
            );
            continue;
        };
        n_of[at] += 1;
        let known = recordings.find(id);
        if known.is_none() && listed[at] {
            n_unlisted[at] += 1;
            continue;
        }
        let (number, is_new) = recordings.number(id);
        if is_new && at < 3 {
            unlabelled += 1;
        } else {
            parts.put(number, PARTS[at].0);
        }
        let samples = field(length)
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite() && *n > 0.0);
        recordings.get_mut(number).duration_secs = samples.map(|samples| samples / RATE_HZ);
    }
    for ((part, word, name, _), n) in PARTS.into_iter().zip(n_unlisted) {
        if n > 0 {
            let message = format!(
                "{n} recordings marked {name} are not in {word}_ids.npy and are left out of {part}"
            );
            let mut finding = Finding::new(Check::Counts, Severity::Warning, message);
            finding.n_concerned = n;
            let mend = "use table and lists of one publication (data/splits)";
            report.tell(finding.mend(mend).of_file(file));
        }
    }
    if unlabelled > 0 {
        let message = format!(
            "{unlabelled} recordings are in the table and have no labels, because the lists of ids and labels of their parts are missing; they are left out of the split"
        );
        let finding = Finding::new(Check::MissingFile, Severity::Warning, message);
        report.tell(
            finding
                .mend("take *_ids.npy and *_binaries.npy from the repository (data/splits)")
                .of_file(file),
        );
    }
    for ((part, _, name, published), n) in PARTS.into_iter().zip(n_of) {
        report.count(
            &format!("recordings marked {name} (for {part})"),
            n,
            &[published],
            file,
        );
    }
    Ok(())
}
