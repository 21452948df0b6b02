//! A new label set: a folder in the generic form that opens as a data set, and what was changed in it.

use super::{Ledger, Mark, Verdict};
use crate::dataset::import::{OPTIONAL_COLUMNS, TRACK_COLUMNS};
use crate::dataset::{Dataset, Error, Track};
use crate::job::Job;
use crate::workspace::write_whole;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Component, Path, PathBuf};

/// Tracks between two looks at the job.
const STRIDE: usize = 4096;

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
    /// Whether the folder opens as a data set: not where the audio files share no folder, or links cannot be made.
    pub opens: bool,
}

type Table<'a> = csv::Writer<&'a mut BufWriter<File>>;

/// Writes `labels.csv`, `tags.txt` and `changes.csv` (track_id, verdict, added, removed) into `folder`, and `tracks.csv` with a link
/// `audio` to the folder of the audio, so that it opens as a data set. Timelines stay behind: they would contradict what was changed.
///
/// Tracks of which nothing was said, and those that nobody was sure of, keep their labels. Stopped, an earlier export stays as it was.
pub fn export_labels(
    dataset: &Dataset,
    ledger: &Ledger,
    folder: &Path,
    job: &Job,
) -> Result<Exported, Error> {
    check_folder(dataset, folder)?;
    job.report(0, 0, "looking for the folder of the audio");
    let audio = audio_folder(dataset).filter(|audio| link(audio, &folder.join("audio")));
    let mut export = Export {
        dataset,
        ledger,
        job,
        audio: audio.as_deref(),
        exported: Exported::default(),
        tags: dataset.tags.clone(),
    };
    let file = |name: &str| folder.join(name);
    // All of them come into their places when all of them are written, and last the one by which the folder is a data set.
    let mut write = |tracks: Option<&mut BufWriter<File>>| {
        write_whole(&file("labels.csv"), |labels| {
            write_whole(&file("changes.csv"), |changes| {
                export.write(labels, changes, tracks)
            })?;
            write_whole(&file("tags.txt"), |tags| {
                (export.tags.iter()).try_for_each(|tag| writeln!(tags, "{tag}"))
            })
        })
    };
    let written = if audio.is_some() {
        write_whole(&file("tracks.csv"), |tracks| write(Some(tracks)))
    } else {
        write(None)
    };
    // Told by the job itself: a cancel is no fault of the files.
    if written.is_err() {
        job.check()?;
    }
    written.map_err(Error::io(
        "write labels.csv and its companions into",
        folder,
    ))?;
    let mut exported = export.exported;
    exported.opens = audio.is_some();
    if !exported.opens {
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

/// Refuses the data set's own folder, whose files stay as they are, and any that holds something else than an earlier export.
fn check_folder(dataset: &Dataset, folder: &Path) -> Result<(), Error> {
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
    // The link to the audio may be what a stopped export left behind.
    let is_foreign = |entry: io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            !(is_link && entry.file_name() == "audio")
        })
    };
    let holds_files = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.any(is_foreign));
    if !folder.join("changes.csv").is_file() && holds_files() {
        return Err(Error::BadConfig(format!(
            "labels are exported into a new or empty folder, or over an earlier export, and this one holds other files: {}",
            folder.display()
        )));
    }
    std::fs::create_dir_all(folder).map_err(Error::io("make", folder))
}

/// The folder that all audio files lie in or below: the data set's own, or, where a description names others, the deepest there is. `None` if
/// they share none, or if a name cannot stand in a table.
fn audio_folder(dataset: &Dataset) -> Option<PathBuf> {
    let is_below = |root: &Path| {
        let mut tracks = dataset.tracks.iter();
        tracks.all(|track| path_below(root, track).is_some())
    };
    if dataset.root.is_dir() && is_below(&dataset.root) {
        return Some(dataset.root.clone());
    }
    let mut paths = dataset.tracks.iter().map(|track| track.path.as_path());
    let mut shared = paths.next()?.parent()?;
    for path in paths {
        while !path.starts_with(shared) {
            shared = shared.parent()?;
        }
    }
    // The root of all folders is shared by everything.
    shared.parent()?;
    is_below(shared).then(|| shared.to_path_buf())
}

/// A track's file below a folder, as tables write it.
fn path_below<'a>(root: &Path, track: &'a Track) -> Option<&'a str> {
    let below = track.path.strip_prefix(root).ok()?;
    let mut parts = below.components();
    let is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    below.to_str().filter(|_| is_plain)
}

struct Export<'a> {
    dataset: &'a Dataset,
    ledger: &'a Ledger,
    job: &'a Job,
    audio: Option<&'a Path>,
    exported: Exported,
    /// The new vocabulary.
    tags: Vec<String>,
}

impl<'d> Export<'d> {
    /// Writes track by track: a million of them are never in memory as text.
    fn write(
        &mut self,
        labels: &mut BufWriter<File>,
        changes: &mut BufWriter<File>,
        tracks: Option<&mut BufWriter<File>>,
    ) -> io::Result<()> {
        let mut labels = csv::Writer::from_writer(labels);
        let mut changes = csv::Writer::from_writer(changes);
        let mut tracks = tracks.map(csv::Writer::from_writer);
        labels.write_record(["track_id", "tag"])?;
        changes.write_record(["track_id", "verdict", "added", "removed"])?;
        let mut named = self.dataset.tracks.iter();
        let with_names = named.any(|track| !(track.album.is_empty() && track.title.is_empty()));
        if let Some(tracks) = &mut tracks {
            let more = OPTIONAL_COLUMNS.iter().filter(|_| with_names);
            tracks.write_record(TRACK_COLUMNS.iter().chain(more))?;
        }
        let mut known: HashSet<String> = self.tags.iter().cloned().collect();
        let n_tracks = self.dataset.tracks.len();
        for (place, track) in self.dataset.tracks.iter().enumerate() {
            if place % STRIDE == 0 {
                let (done, all) = (place as u64, n_tracks as u64);
                self.job.report(done, all, "writing the labels");
                self.job.check().map_err(io::Error::other)?;
            }
            let Some(tags) = self.decided(place, track, &mut changes)? else {
                self.exported.rejected += 1;
                continue;
            };
            self.exported.tracks += 1;
            for tag in tags {
                if !known.contains(tag) {
                    known.insert(tag.to_owned());
                    self.tags.push(tag.to_owned());
                }
                labels.write_record([track.id.as_str(), tag])?;
            }
            if let (Some(tracks), Some(audio)) = (&mut tracks, self.audio) {
                write_track(tracks, track, audio, with_names)?;
            }
        }
        labels.flush()?;
        changes.flush()?;
        tracks.map_or(Ok(()), |mut tracks| tracks.flush())
    }

    /// The tags that a track has from now on, with a line about what was decided; `None` if it is of no use.
    fn decided(
        &mut self,
        place: usize,
        track: &Track,
        changes: &mut Table<'_>,
    ) -> io::Result<Option<BTreeSet<&'d str>>> {
        let (dataset, ledger) = (self.dataset, self.ledger);
        let before: BTreeSet<&str> = dataset.tag_names(place).collect();
        let Some(mark) = ledger.mark(&track.id) else {
            return Ok(Some(before));
        };
        let word = mark.verdict.map_or("changed", Verdict::name);
        let after: BTreeSet<&str> = match mark {
            Mark {
                verdict: Some(Verdict::Rejected),
                ..
            } => {
                changes.write_record([&track.id, word, "", ""])?;
                return Ok(None);
            }
            Mark {
                verdict: Some(Verdict::Unsure),
                ..
            } => before.clone(),
            Mark { tags, .. } => tags.iter().map(String::as_str).collect(),
        };
        let added: Vec<&str> = after.difference(&before).copied().collect();
        let removed: Vec<&str> = before.difference(&after).copied().collect();
        self.exported.added += added.len();
        self.exported.removed += removed.len();
        changes.write_record([&track.id, word, &added.join("; "), &removed.join("; ")])?;
        Ok(Some(after))
    }
}

fn write_track(
    tracks: &mut Table<'_>,
    track: &Track,
    audio: &Path,
    with_names: bool,
) -> io::Result<()> {
    let path = format!("audio/{}", path_below(audio, track).unwrap_or_default());
    let secs = track
        .duration_secs
        .map_or_else(String::new, |secs| secs.to_string());
    let fields = [
        &track.id,
        &path,
        &track.artist,
        track.split.name(),
        &secs,
        &track.source,
        &track.license,
    ];
    let names = [track.album.as_str(), &track.title];
    let names = names.iter().filter(|_| with_names);
    Ok(tracks.write_record(fields.iter().chain(names))?)
}

/// Makes `link` lead to `target`, also if it is one that leads elsewhere; whether it does.
fn link(target: &Path, link: &Path) -> bool {
    match std::fs::read_link(link) {
        Ok(found) if found == target => return true,
        Ok(_) if std::fs::remove_file(link).is_err() => return false,
        _ => {}
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
