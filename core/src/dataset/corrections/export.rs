//! A new label set: a folder in the generic form that opens as a data set, and what was changed in it.

use super::{Ledger, Verdict};
use crate::dataset::import::TRACK_COLUMNS;
use crate::dataset::{Dataset, Error};
use crate::workspace::write_whole;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// Tracks of the new set.
    pub tracks: usize,
    /// Tracks that were rejected and left out.
    pub rejected: usize,
    /// Labels that were added.
    pub added: usize,
    /// Labels that were taken away.
    pub removed: usize,
    /// Whether the folder opens as a data set: not where audio lies outside the data set's folder, or links cannot be made.
    pub opens: bool,
}

type Rows = Vec<Vec<String>>;

/// Writes `labels.csv`, `tags.txt` and `changes.csv` (track_id, verdict, added, removed) into `folder`, and `tracks.csv` with a link
/// `audio` to the data set's folder, so that it opens as a data set. Timelines stay behind: they would contradict what was changed.
///
/// Tracks of which nothing was said, and those that nobody was sure of, keep their labels.
pub fn export_labels(dataset: &Dataset, ledger: &Ledger, folder: &Path) -> Result<Exported, Error> {
    // Never into the data set itself: its files stay as they are.
    let is_same = |one: &Path, other: &Path| {
        let resolved = (one.canonicalize(), other.canonicalize());
        matches!(resolved, (Ok(one), Ok(other)) if one == other)
    };
    if is_same(folder, &dataset.root) {
        return Err(Error::BadConfig(format!(
            "that is the folder of the data set itself, whose files stay as they are; name another one: {}",
            folder.display()
        )));
    }
    // Nor over anything else that was not exported before.
    let holds_files =
        || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if !folder.join("changes.csv").is_file() && holds_files() {
        return Err(Error::BadConfig(format!(
            "labels are exported into a new or empty folder, or over an earlier export, and this one holds other files: {}",
            folder.display()
        )));
    }
    let mut exported = Exported::default();
    let row = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect();
    let mut tracks: Rows = vec![row(&TRACK_COLUMNS)];
    let mut labels: Rows = vec![row(&["track_id", "tag"])];
    let mut changes: Rows = vec![row(&["track_id", "verdict", "added", "removed"])];
    let mut tags: Vec<String> = dataset.tags.clone();
    let mut all_within = true;
    for (place, track) in dataset.tracks.iter().enumerate() {
        let before: BTreeSet<&str> = dataset.tag_names(place).collect();
        let mark = ledger.mark(&track.id);
        let verdict = mark.and_then(|mark| mark.verdict);
        let keeps = mark.is_none() || verdict == Some(Verdict::Unsure);
        let after: BTreeSet<&str> = match mark {
            Some(mark) if !keeps => mark.tags.iter().map(String::as_str).collect(),
            _ => before.clone(),
        };
        let is_rejected = verdict == Some(Verdict::Rejected);
        if let Some(mark) = mark {
            let added: Vec<&str> = after.difference(&before).copied().collect();
            let removed: Vec<&str> = before.difference(&after).copied().collect();
            let word = mark.verdict.map_or("changed", Verdict::name);
            if is_rejected {
                changes.push(row(&[&track.id, word, "", ""]));
            } else {
                exported.added += added.len();
                exported.removed += removed.len();
                changes.push(row(&[
                    &track.id,
                    word,
                    &added.join("; "),
                    &removed.join("; "),
                ]));
            }
        }
        if is_rejected {
            exported.rejected += 1;
            continue;
        }
        exported.tracks += 1;
        for tag in after {
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_owned());
            }
            labels.push(row(&[&track.id, tag]));
        }
        let within = track
            .path
            .strip_prefix(&dataset.root)
            .ok()
            .and_then(Path::to_str);
        all_within &= within.is_some();
        let path = format!("audio/{}", within.unwrap_or_default());
        let secs = track
            .duration_secs
            .map_or_else(String::new, |secs| secs.to_string());
        tracks.push(row(&[
            &track.id,
            &path,
            &track.artist,
            track.split.name(),
            &secs,
            &track.source,
            &track.license,
        ]));
    }
    let write = |name: &str, rows: &Rows| {
        let path = folder.join(name);
        write_csv(&path, rows).map_err(Error::io("write", path))
    };
    write("labels.csv", &labels)?;
    let path = folder.join("tags.txt");
    let text: String = tags.iter().map(|tag| format!("{tag}\n")).collect();
    write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(Error::io("write", path))?;
    write("changes.csv", &changes)?;
    if all_within && link(&dataset.root, &folder.join("audio")) {
        write("tracks.csv", &tracks)?;
        exported.opens = true;
    } else {
        // One of an earlier export would name other tracks.
        match std::fs::remove_file(folder.join("tracks.csv")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", folder.join("tracks.csv"))(error));
            }
            _ => {}
        }
    }
    Ok(exported)
}

fn write_csv(path: &Path, rows: &Rows) -> io::Result<()> {
    write_whole(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        for row in rows {
            writer.write_record(row)?;
        }
        writer.flush()
    })
}

/// Makes `link` lead to `target`; whether it does.
fn link(target: &Path, link: &Path) -> bool {
    if std::fs::read_link(link).is_ok_and(|found| found == target) {
        return true;
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(target, link).is_ok()
    }
    #[cfg(not(unix))]
    {
        false
    }
}
