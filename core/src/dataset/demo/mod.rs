//! The demo data set: songs that Attune composes and renders by itself.
//!
//! Families of songs ("artists") in nine styles play chords, bass, drums and melodies on twelve instruments; every family has its own
//! tempi, progressions and timbres. Splits are made by family. Everything follows from [`SEED`], whatever the number of threads.
//!
//! ```text
//! plan ──► compose (style, theory, melody) ──► score ──► render (instruments, kit, sound) ──► WAV + tags + timelines
//! ```

mod compose;
mod instruments;
mod kit;
mod melody;
mod plan;
mod render;
mod score;
mod sound;
mod style;
mod suite;
mod theory;

use super::{Dataset, Error, Split};
use crate::job::Job;
use crate::workspace::Workspace;
use plan::{draws, plan, vocabulary};
use rayon::prelude::*;
use render::{Rendered, render, write_wav};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Raise it whenever the songs change: the folder's name carries it, so that an old data set is not taken for the new one.
const VERSION: u32 = 2;
/// All chance in the demo data set.
const SEED: u64 = 2021;
/// Length of a clip.
const CLIP_SECS: f64 = 10.0;
/// An instrument is a tag of a clip if it is heard for more than this share of it.
const HEARD_SHARE: f64 = 0.1;
const LICENSE: &str = "CC0-1.0";

/// Makes the demo data set unless the workspace has it already, and gives its folder, which is in the generic format.
///
/// Two processes that ask at once make it once. A cancelled or failed attempt leaves nothing behind that would be taken for a data set.
pub fn ensure(workspace: &Workspace, job: &Job) -> Result<PathBuf, Error> {
    let cache = workspace.cache();
    let folder = cache.join(format!("demo-v{VERSION}"));
    if is_whole(&folder) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&cache).map_err(Error::io("make", &cache))?;
    let _lock = lock(&cache.join("demo.lock"), job)?;
    // Another process may have made it while this one waited.
    if is_whole(&folder) {
        return Ok(folder);
    }
    // Only the holder of the lock has such a folder: what lies there was left by a process that was killed.
    let beside = cache.join("demo.part");
    clear(&beside)?;
    let made = make(&beside, job);
    if made.is_err() {
        // The first error is the one to tell.
        drop(clear(&beside));
    }
    made?;
    clear(&folder)?;
    std::fs::rename(&beside, &folder).map_err(Error::io("rename", &beside))?;
    Ok(folder)
}

/// Whether the folder holds every track.
fn is_whole(folder: &Path) -> bool {
    Dataset::open(folder).is_ok_and(|dataset| dataset.problems.is_empty())
}

fn clear(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn lock(path: &Path, job: &Job) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::io("write", path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                job.check()?;
                job.report(0, 0, "waiting for another Attune that makes the demo songs");
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
    }
}

/// A row of `tracks.csv` with its annotations.
struct Made {
    id: String,
    artist: String,
    split: Split,
    secs: f64,
    source: String,
    tags: Vec<&'static str>,
    timelines: Vec<(&'static str, f64, f64)>,
}

/// Composes, renders and writes everything into `folder`.
fn make(folder: &Path, job: &Job) -> Result<(), Error> {
    let audio = folder.join("audio");
    std::fs::create_dir_all(&audio).map_err(Error::io("make", &audio))?;
    let (artists, songs) = plan(SEED);
    let (done, total) = (AtomicU64::new(0), songs.len() as u64 + 1);
    let finish = |id: &str, rendered: &Rendered| {
        let path = audio.join(format!("{id}.wav"));
        write_wav(&path, &rendered.wave).map_err(Error::io("write", path))?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        job.report(done, total, "composing and rendering the demo songs");
        Ok::<_, Error>(())
    };
    let long = || {
        let score = suite::compose(SEED);
        let rendered = render(&score, &mut draws(SEED, 6, 0));
        finish(suite::ID, &rendered)?;
        let fixed = suite::FIXED_TAGS.to_vec();
        Ok::<_, Error>(Made::new(
            suite::ID,
            suite::ARTIST,
            Split::Unlabelled,
            "the long song",
            fixed,
            &rendered,
        ))
    };
    let clips = || {
        songs
            .par_iter()
            .map(|song| {
                job.check()?;
                let artist = &artists[song.artist];
                let score = compose::compose(SEED, song, artist, CLIP_SECS);
                let rendered = render(&score, &mut draws(SEED, 4, song.number));
                finish(&song.id, &rendered)?;
                let about = format!("{}, {:.0} beats per minute", artist.style.name, song.bpm);
                let fixed = song.fixed_tags(artist);
                Ok(Made::new(
                    &song.id,
                    &artist.name,
                    artist.split,
                    &about,
                    fixed,
                    &rendered,
                ))
            })
            .collect::<Result<Vec<Made>, Error>>()
    };
    // The long song first, beside the others: it takes longest.
    let (long, clips) = rayon::join(long, clips);
    let mut made = clips?;
    made.push(long?);
    write_annotations(folder, &made)
}

impl Made {
    fn new(
        id: &str,
        artist: &str,
        split: Split,
        about: &str,
        fixed_tags: Vec<&'static str>,
        rendered: &Rendered,
    ) -> Self {
        let secs = rendered.wave.len() as f64 / f64::from(sound::RATE_HZ);
        let mut tags = fixed_tags;
        let mut timelines = Vec::new();
        for (instrument, spans) in &rendered.timelines {
            let heard: f64 = spans.iter().map(|(from, to)| to.min(secs) - from).sum();
            if heard > HEARD_SHARE * secs {
                tags.push(instrument.tag());
            }
            timelines.extend(
                spans
                    .iter()
                    .map(|&(from, to)| (instrument.tag(), from, to.min(secs))),
            );
        }
        Self {
            id: id.to_owned(),
            artist: artist.to_owned(),
            split,
            secs,
            source: format!("composed and rendered by Attune (demo version {VERSION}, {about})"),
            tags,
            timelines,
        }
    }
}

/// Writes the CSV files; unlabelled tracks keep their labels to themselves, and their timelines are for looking at.
fn write_annotations(folder: &Path, made: &[Made]) -> Result<(), Error> {
    let tracks = made.iter().map(|track| {
        vec![
            track.id.clone(),
            format!("audio/{}.wav", track.id),
            track.artist.clone(),
            track.split.name().to_owned(),
            format!("{:.3}", track.secs),
            track.source.clone(),
            LICENSE.to_owned(),
        ]
    });
    let labels = made
        .iter()
        .filter(|track| track.split != Split::Unlabelled)
        .flat_map(|track| {
            track
                .tags
                .iter()
                .map(|tag| vec![track.id.clone(), (*tag).to_owned()])
        });
    let timelines = made.iter().flat_map(|track| {
        track.timelines.iter().map(|(tag, from, to)| {
            vec![
                track.id.clone(),
                (*tag).to_owned(),
                format!("{from:.2}"),
                format!("{to:.2}"),
            ]
        })
    });
    write_csv(
        &folder.join("timelines.csv"),
        &["track_id", "tag", "start_s", "end_s"],
        timelines,
    )?;
    write_csv(&folder.join("labels.csv"), &["track_id", "tag"], labels)?;
    let tags = folder.join("tags.txt");
    std::fs::write(&tags, vocabulary().join("\n") + "\n").map_err(Error::io("write", tags))?;
    write_csv(
        &folder.join("tracks.csv"),
        &super::import::TRACK_COLUMNS,
        tracks,
    )
}

fn write_csv(
    path: &Path,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Error> {
    let told = |error: csv::Error| Error::io("write", path)(error.into());
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_path(path)
        .map_err(told)?;
    writer.write_record(header).map_err(told)?;
    for row in rows {
        writer.write_record(&row).map_err(told)?;
    }
    writer.flush().map_err(Error::io("write", path))
}
