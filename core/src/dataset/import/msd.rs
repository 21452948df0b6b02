//! The Million Song Dataset with the conventional split: pickles of Python 2, or lists of text with tables of NumPy.

use super::audio::settle;
use super::gathering::{Parts, Recordings, collection};
use super::msd_published::{
    AUDIO_BELOW, BELOW, CONVENTIONAL_TAGS, is_id, preview_paths, published_paths, read_names,
    tell_broken,
};
use super::report::{Report, bad_file};
use super::sheet::{find, find_all, finds_any, lines};
use super::{Folders, Layout, Wanted};
use crate::dataset::{
    Check, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx, npy, pickled,
};
use crate::job::Job;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// So many of the first list are for training, the rest for validation.
const N_TRAIN: usize = 201_680;
const N_VALID: usize = 11_774;
const N_TEST: usize = 28_435;

/// Of the lists of text: the part, its word, and how many recordings it has.
const LISTS: [(Split, &str, usize); 3] = [
    (Split::Test, "test", 28_540),
    (Split::Valid, "valid", 12_634),
    (Split::Train, "train", 201_680),
];

pub(super) struct Msd;

impl Layout for Msd {
    fn id(&self) -> &'static str {
        "msd"
    }

    fn title(&self) -> &'static str {
        "Million Song Dataset, conventional split"
    }

    fn origin(&self) -> &'static str {
        "filtered_list_train.cP, filtered_list_test.cP, msd_id_to_tag_vector.cP (jongpillee/music_dataset_split), or the lists and tables of keunwoochoi/MSD_split_for_tagging; audio from 7digital"
    }

    fn recognises(&self, folder: &Path) -> bool {
        let names = [
            "filtered_list_train.cP",
            "filtered_list_test.cP",
            "test_x_msd_id.txt",
            "train_x_msd_id.txt",
        ];
        finds_any(folder, &BELOW, &names)
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let names = [
            "filtered_list_train.cP",
            "filtered_list_test.cP",
            "msd_id_to_tag_vector.cP",
            "MSD_id_to_7D_id.pkl",
            "7D_id_to_path.pkl",
            "50tagList.txt",
            "unique_tracks.txt",
        ];
        let lists = LISTS.iter().flat_map(|(_, word, _)| {
            ["x_msd_id.txt", "x_filename.txt", "y.npy"].map(|end| format!("{word}_{end}"))
        });
        let names = names.map(str::to_owned).into_iter().chain(lists);
        find_all(folder, &BELOW, names)
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let mut report = Report::new(job);
        let mut read = Reading::default();
        let (mut labellings, mut splits) = (Vec::new(), Vec::new());
        let mut publications = Vec::new();
        if let Some(file) = find(folder, &BELOW, "50tagList.txt") {
            match lines(&file, &mut report) {
                Ok(lines) => {
                    let tags: Vec<String> = lines.into_iter().map(|(_, tag)| tag).collect();
                    report.tag_order(&tags, &CONVENTIONAL_TAGS, &file);
                }
                Err(error) => report.unusable(&error, &file, "the tags are not compared with it"),
            }
        }
        let has = |names: &[&str]| finds_any(folder, &BELOW, names);
        if has(&["filtered_list_train.cP", "filtered_list_test.cP"]) {
            let split = read.pickles(folder, &mut report);
            let labelling = read.take_labelling("conventional");
            publications.push(split.map(|split| (split, labelling)));
        }
        if has(&["train_x_msd_id.txt", "test_x_msd_id.txt"]) {
            let split = read.lists(folder, &mut report);
            let labelling = read.take_labelling("choi");
            publications.push(split.map(|split| (split, labelling)));
        }
        let is_any_read = publications.iter().any(Result::is_ok);
        for publication in publications {
            match publication {
                Ok((split, labelling)) => {
                    splits.push(NamedSplit {
                        labelling: labellings.len(),
                        ..split
                    });
                    labellings.push(labelling);
                }
                // One publication of the split stands for itself.
                Err(error) if is_any_read => report.refused(&error),
                Err(error) => return Err(error),
            }
        }
        tell_broken(&read.recordings, &mut report);
        read_names(folder, &mut read.recordings, &mut report);
        let Reading {
            mut recordings,
            previews,
            ..
        } = read;
        let problems = settle(
            &mut recordings.list,
            at,
            &AUDIO_BELOW,
            &|_, recording, wanted| {
                published_paths(&recording.id, wanted);
                if let Some(path) = previews.get(&recording.id) {
                    preview_paths(path, wanted);
                }
            },
            &mut report,
        );
        Ok(collection(
            self.id(),
            "Million Song Dataset",
            at,
            recordings.list,
            (labellings, splits),
            problems,
            report,
        ))
    }
}

#[derive(Default)]
struct Reading {
    recordings: Recordings,
    labels: Vec<(u32, TagIdx)>,
    /// Path of the preview by the recording's id.
    previews: HashMap<String, String>,
}

impl Reading {
    fn take_labelling(&mut self, name: &str) -> Labelling {
        Labelling {
            name: name.to_owned(),
            tags: CONVENTIONAL_TAGS.map(str::to_owned).to_vec(),
            labels: std::mem::take(&mut self.labels),
            spans: Vec::new(),
        }
    }

    fn number(&mut self, id: &str) -> u32 {
        let (number, _) = self.recordings.number(id);
        self.recordings.get_mut(number).source = "Million Song Dataset, preview of 7digital".into();
        number
    }

    /// The first list is train and valid one behind the other.
    fn pickles(&mut self, folder: &Path, report: &mut Report) -> Result<NamedSplit, Error> {
        let mut parts = Parts::default();
        let mut ids = Vec::new();
        for (name, published) in [
            ("filtered_list_test.cP", N_TEST),
            ("filtered_list_train.cP", N_TRAIN + N_VALID),
        ] {
            let Some(file) = find(folder, &BELOW, name) else {
                report.missing(
                    &folder.join(name),
                    "its recordings are not in the split",
                    "take it from split/msd of sota-music-tagging-models",
                );
                continue;
            };
            let list = pickled::texts(&file)?;
            if let Some(wrong) = list.iter().find(|id| !is_id(id)) {
                return Err(bad_file(
                    &file,
                    format!("`{wrong}` is no id of a recording"),
                    "use the published file",
                ));
            }
            report.count("recordings", list.len(), &[published], &file);
            // Of a shorter list nobody can say where train ends: the number counts from the start.
            for (at, id) in list.into_iter().enumerate() {
                let part = match (name, at) {
                    ("filtered_list_test.cP", _) => Split::Test,
                    (_, 0..N_TRAIN) => Split::Train,
                    _ => Split::Valid,
                };
                ids.push((id, part));
            }
        }
        if !ids.iter().any(|(_, part)| *part == Split::Valid) {
            let message = format!(
                "the list ends before number {N_TRAIN}, behind which the validation part begins: there is none"
            );
            let finding = Finding::new(Check::Counts, Severity::Warning, message);
            report.tell(finding.mend("use the whole published list"));
        }
        for (id, part) in ids {
            let number = self.number(&id);
            parts.put(number, part);
        }
        self.tag_vectors(folder, report)?;
        self.preview_paths(folder, report);
        Ok(parts.finish("conventional", 0, &self.recordings.list, report))
    }

    fn tag_vectors(&mut self, folder: &Path, report: &mut Report) -> Result<(), Error> {
        let name = "msd_id_to_tag_vector.cP";
        let Some(file) = find(folder, &BELOW, name) else {
            report.missing_labels(
                &folder.join(name),
                "no recording has labels",
                "take it from jongpillee/music_dataset_split (MSD_split)",
            );
            return Ok(());
        };
        let vectors = pickled::label_rows(&file)?;
        if vectors.n_columns != CONVENTIONAL_TAGS.len() {
            let problem = format!(
                "the vectors have {} entries for {} tags",
                vectors.n_columns,
                CONVENTIONAL_TAGS.len()
            );
            return Err(bad_file(&file, problem, "use the published file"));
        }
        let mut has_labels = vec![false; self.recordings.list.len()];
        for (id, columns) in &vectors.rows {
            if let Some(number) = self.recordings.find(id) {
                has_labels[number as usize] = true;
                self.labels
                    .extend(columns.iter().map(|&tag| (number, TagIdx(tag))));
            }
        }
        let without = self
            .recordings
            .list
            .iter()
            .zip(&has_labels)
            .filter(|(_, has)| !**has);
        let without: Vec<&str> = without
            .map(|(recording, _)| recording.id.as_str())
            .collect();
        if !without.is_empty() {
            let message = format!(
                "{} recordings of the lists have no tag vector: they count as having no tag",
                without.len()
            );
            let finding = Finding::new(Check::Counts, Severity::Error, message).about(without);
            report.tell(
                finding
                    .mend("use lists and vectors of one publication")
                    .of_file(&file),
            );
        }
        Ok(())
    }

    fn preview_paths(&mut self, folder: &Path, report: &mut Report) {
        let without = "audio is looked for by ids only";
        let files =
            ["MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl"].map(|name| find(folder, &BELOW, name));
        let [Some(ids), Some(paths)] = files else {
            return;
        };
        let [ids, paths] = [ids, paths].map(|file| {
            let read = pickled::text_by_text(&file);
            read.map_err(|error| report.unusable(&error, &file, without))
                .ok()
        });
        if let (Some(ids), Some(paths)) = (ids, paths) {
            let paths: HashMap<String, String> = paths.into_iter().collect();
            for (id, preview) in ids {
                if let (Some(_), Some(path)) = (self.recordings.find(&id), paths.get(&preview)) {
                    self.previews.insert(id, path.clone());
                }
            }
        }
    }

    fn lists(&mut self, folder: &Path, report: &mut Report) -> Result<NamedSplit, Error> {
        let mut parts = Parts::default();
        for (part, word, published) in LISTS {
            let name = format!("{word}_x_msd_id.txt");
            let Some(file) = find(folder, &BELOW, &name) else {
                report.missing(
                    &folder.join(&name),
                    &format!("the split has no part {part}"),
                    "take it from keunwoochoi/MSD_split_for_tagging",
                );
                continue;
            };
            let ids = lines(&file, report)?;
            report.count(
                &format!("recordings in {part}"),
                ids.len(),
                &[published],
                &file,
            );
            let beside = |end: &str| find(folder, &BELOW, &format!("{word}_{end}"));
            let table = beside("y.npy")
                .map(|file| Ok::<_, Error>((npy::read(&file)?, file)))
                .transpose()?;
            match &table {
                // Rows go by number: with one more or less, every label after it would be another recording's.
                Some((table, file))
                    if table.n_rows() != ids.len()
                        || table.n_columns() != CONVENTIONAL_TAGS.len() =>
                {
                    let problem = format!(
                        "the table has {} rows of {} columns, for {} recordings in {name} and {} tags",
                        table.n_rows(),
                        table.n_columns(),
                        ids.len(),
                        CONVENTIONAL_TAGS.len()
                    );
                    return Err(bad_file(
                        file,
                        problem,
                        "use list and table of one publication",
                    ));
                }
                Some(_) => {}
                None => report.missing_labels(
                    &folder.join(format!("{word}_y.npy")),
                    &format!("no recording in {part} has labels"),
                    "take it from keunwoochoi/MSD_split_for_tagging",
                ),
            }
            let paths = beside("x_filename.txt")
                .and_then(|file| previews_of(&file, ids.len(), &name, report));
            for (row, (line, id)) in ids.iter().enumerate() {
                if !is_id(id) {
                    report.bad_line(
                        &file,
                        *line,
                        &format!("`{id}` is no id of a recording"),
                        "download the file again",
                    );
                    continue;
                }
                let number = self.number(id);
                parts.put(number, part);
                if let Some((table, file)) = &table {
                    let tags = table.positives(row);
                    let tags =
                        tags.map_err(|problem| bad_file(file, problem, "use the published file"))?;
                    self.labels
                        .extend(tags.into_iter().map(|tag| (number, TagIdx(tag))));
                }
                if let Some(paths) = &paths {
                    self.previews.insert(id.clone(), paths[row].1.clone());
                }
            }
        }
        Ok(parts.finish("choi", 0, &self.recordings.list, report))
    }
}

/// The paths of previews, a line for each id of a list. `None` if they cannot be used.
fn previews_of(
    file: &Path,
    n_ids: usize,
    list: &str,
    report: &mut Report,
) -> Option<Vec<(u64, String)>> {
    let without = "audio is looked for by ids only";
    match lines(file, report) {
        Ok(paths) if paths.len() == n_ids => return Some(paths),
        // Lines go by number: with one more or less, every path after it would be another recording's.
        Ok(paths) => {
            let message = format!(
                "the list has {} paths for {n_ids} recordings in {list}: {without}",
                paths.len()
            );
            let finding = Finding::new(Check::Counts, Severity::Warning, message);
            report.tell(
                finding
                    .mend("use both lists of one publication")
                    .of_file(file),
            );
        }
        Err(error) => report.unusable(&error, file, without),
    }
    None
}
