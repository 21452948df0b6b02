//! How others divide MagnaTagATune, and what they derived from its annotations.

use super::{ANNOTATIONS, BELOW, Clips, TOP_50};
use crate::dataset::array::Array;
use crate::dataset::import::gathering::Parts;
use crate::dataset::import::report::{Report, bad_file};
use crate::dataset::import::sheet::{find, lines};
use crate::dataset::{Check, Error, Finding, NamedSplit, Severity, Split, npy, pickled};
use std::path::Path;

/// A list of each part, as others publish them.
pub(super) const LISTS: [(&str, [(&str, Split); 3]); 2] = [
    (
        "sota",
        [
            ("test.npy", Split::Test),
            ("valid.npy", Split::Valid),
            ("train.npy", Split::Train),
        ],
    ),
    (
        "jongpillee",
        [
            ("test_list_pub.cP", Split::Test),
            ("valid_list_pub.cP", Split::Valid),
            ("train_list_pub.cP", Split::Train),
        ],
    ),
];

impl Clips {
    /// Folders 0 to b are train, c is valid, d to f are test.
    pub(super) fn by_folder(
        &self,
        name: &str,
        labelling: usize,
        only_tagged: bool,
        [train, or_train, valid, test]: [usize; 4],
        file: &Path,
        report: &mut Report,
    ) -> NamedSplit {
        let mut is_tagged = vec![!only_tagged; self.paths.len()];
        for (number, _) in &self.top.labels {
            is_tagged[*number as usize] = true;
        }
        let mut parts = Parts::default();
        for (number, path) in (0..).zip(&self.paths) {
            let digit = path.chars().next().and_then(|letter| letter.to_digit(16));
            let part = match digit.filter(|_| path.get(1..2) == Some("/")) {
                Some(0..12) => Split::Train,
                Some(12) => Split::Valid,
                Some(_) => Split::Test,
                None => continue,
            };
            if is_tagged[number as usize] && !self.is_empty_clip(number) {
                parts.put(number, part);
            }
        }
        for (part, published) in [
            (Split::Train, &[train, or_train][..]),
            (Split::Valid, &[valid]),
            (Split::Test, &[test]),
        ] {
            report.count(
                &format!("clips in {part} of {name}"),
                parts.count(part),
                published,
                file,
            );
        }
        parts.finish(name, labelling, &self.recordings.list, report)
    }

    /// Lists of paths, or of `ROW<tab>PATH`.
    pub(super) fn by_list(
        &self,
        name: &str,
        lists: &[(&str, Split); 3],
        folder: &Path,
        report: &mut Report,
    ) -> Option<NamedSplit> {
        let found = lists.map(|(list, part)| (find(folder, &BELOW, list), list, part));
        let beside = found.iter().find_map(|(file, _, _)| file.clone())?;
        let mut parts = Parts::default();
        for (file, list, part) in &found {
            let without = format!("the split {name} has no part {part}");
            let Some(file) = file else {
                report.missing(
                    &beside.with_file_name(list),
                    &without,
                    "put it beside the others",
                );
                continue;
            };
            let entries = match read_list(file) {
                Ok(entries) => entries,
                Err(error) => {
                    report.unusable(&error, file, &without);
                    continue;
                }
            };
            let (mut unknown, mut moved) = (0, 0);
            for entry in entries {
                let (row, path) = entry
                    .split_once('\t')
                    .map_or((None, entry.as_str()), |(row, path)| (Some(row), path));
                let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
                let Some(&number) = self.by_path.get(&format!("{stem}.mp3")) else {
                    unknown += 1;
                    continue;
                };
                if let Some(row) = row {
                    let is_there = row.parse().ok().and_then(|row: usize| *self.rows.get(row)?)
                        == Some(number);
                    moved += usize::from(!is_there);
                }
                if !self.is_empty_clip(number) {
                    parts.put(number, *part);
                }
            }
            let published: &[usize] = match part {
                Split::Train => &[15_247, 15_244],
                Split::Valid => &[1_529],
                _ => &[4_332],
            };
            report.count(
                &format!("clips in {part} of {name}"),
                parts.count(*part),
                published,
                file,
            );
            if unknown > 0 {
                let message = format!(
                    "{unknown} clips of the list are not in {ANNOTATIONS} and are left out"
                );
                let finding = Finding::new(Check::Counts, Severity::Warning, message);
                report.tell(finding.mend("download both again").of_file(file));
            }
            if moved > 0 {
                let message = format!(
                    "{moved} clips of the list have another row number in {ANNOTATIONS}: binary.npy belongs to another table"
                );
                let finding = Finding::new(Check::Counts, Severity::Error, message);
                report.tell(
                    finding
                        .mend("Attune goes by their paths; do not use binary.npy with this table")
                        .of_file(file),
                );
            }
        }
        Some(parts.finish(name, 0, &self.recordings.list, report))
    }

    /// Tables and lists of tags that others made.
    pub(super) fn hold_against_others(&self, folder: &Path, report: &mut Report) {
        let without = "nothing is compared with it";
        if let Some(file) = find(folder, &BELOW, "tags.npy") {
            match read_list(&file) {
                Ok(tags) => report.tag_order(&tags, &TOP_50, &file),
                Err(error) => report.unusable(&error, &file, without),
            }
        }
        if let Some(file) = find(folder, &BELOW, "top50_tags.txt") {
            match lines(&file, report) {
                Ok(tags) => hold_against_list(&tags, &file, report),
                Err(error) => report.unusable(&error, &file, without),
            }
        }
        if let Some(file) = find(folder, &BELOW, "binary.npy") {
            let read = npy::read(&file);
            if let Err(error) =
                read.and_then(|table| self.hold_against_table(&table, &file, report))
            {
                report.unusable(&error, &file, without);
            }
        }
    }

    /// Labels of all rows of the table of annotations.
    fn hold_against_table(
        &self,
        table: &Array,
        file: &Path,
        report: &mut Report,
    ) -> Result<(), Error> {
        if table.n_rows() != self.rows.len() || table.n_columns() != TOP_50.len() {
            let message = format!(
                "the table has {} rows of {} columns, {ANNOTATIONS} {} clips",
                table.n_rows(),
                table.n_columns(),
                self.rows.len()
            );
            let finding = Finding::new(Check::Counts, Severity::Error, message);
            let mend = "Attune does without it; download it again before you use it elsewhere";
            report.tell(finding.mend(mend).of_file(file));
            return Ok(());
        }
        let mut labels = vec![Vec::new(); self.paths.len()];
        for (number, tag) in &self.top.labels {
            labels[*number as usize].push(tag.0);
        }
        let mut differing = Vec::new();
        for (row, number) in self.rows.iter().enumerate() {
            let Some(number) = number else { continue };
            let ours = &mut labels[*number as usize];
            ours.sort_unstable();
            let theirs = table.positives(row);
            let theirs =
                theirs.map_err(|problem| bad_file(file, problem, "use the published file"))?;
            if *ours != theirs {
                differing.push(self.recordings.list[*number as usize].id.as_str());
            }
        }
        if !differing.is_empty() {
            let message = format!(
                "{} clips have other labels here than in {ANNOTATIONS}",
                differing.len()
            );
            let finding = Finding::new(Check::TagOrder, Severity::Error, message);
            let mend =
                "Attune takes those of the annotations; see whether two columns are exchanged";
            report.tell(finding.mend(mend).about(differing).of_file(file));
        }
        Ok(())
    }
}

/// The texts of a list, of NumPy's or a pickle.
fn read_list(file: &Path) -> Result<Vec<String>, Error> {
    if file.extension().is_some_and(|ending| ending == "npy") {
        let texts = npy::read(file)?.texts();
        texts.map_err(|problem| bad_file(file, problem, "use the published file"))
    } else {
        pickled::texts(file)
    }
}

/// The list of the fifty tags that has another order.
fn hold_against_list(tags: &[(u64, String)], file: &Path, report: &mut Report) {
    let plain = |tag: &str| tag.replace(' ', "").to_lowercase();
    report.count("tags", tags.len(), &[TOP_50.len()], file);
    let exchanged = TOP_50.iter().zip(tags);
    let exchanged = exchanged.filter(|(top, (_, tag))| plain(top) != plain(tag));
    let exchanged: Vec<&str> = exchanged.map(|(top, _)| *top).collect();
    if !exchanged.is_empty() {
        let message = format!(
            "this list has another order of tags than tags.npy: the columns of {} are exchanged",
            exchanged.join(", ")
        );
        let finding = Finding::new(Check::TagOrder, Severity::Note, message);
        let mend = "Attune takes labels by name; tables made with this list (y_*_pub.npy) must not be compared with it by number";
        report.tell(finding.mend(mend).of_file(file));
    }
}
