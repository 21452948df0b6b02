//! The open song: decoded once in the background, as recorded and as the network hears it.

use crate::playback::{Track, Variant};
use crate::timeline::{Song, TrueSpan};
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::audio::{self, Clip};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the network hears when no model says otherwise, in hertz.
pub const USUAL_RATE_HZ: u32 = 22_050;

/// A decoded song.
#[derive(Clone, Debug)]
pub struct OpenSong {
    /// As recorded: its own channels and rate.
    pub as_recorded: Clip,
    /// As the network hears it (mono, the model's rate), with overview and known timelines.
    pub heard: Song,
    /// What was wrong with the file.
    pub warnings: Vec<String>,
}

impl OpenSong {
    /// Decodes a file and brings it to `rate_hz` for the network.
    pub fn read(
        path: &Path,
        rate_hz: u32,
        truth: Vec<TrueSpan>,
        job: &attune_core::job::Job,
    ) -> anyhow::Result<Self> {
        let decoded = audio::decode(path, job)?;
        job.check()?;
        job.report(0, 0, "resampling");
        let mono = audio::resample(&decoded.clip.to_mono(), decoded.clip.rate_hz, rate_hz)?;
        job.check()?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            heard: Song::from_wave(path, name, mono, rate_hz, truth),
            as_recorded: decoded.clip,
            warnings: decoded.warnings,
        })
    }
}

impl OpenSong {
    /// Mono at a rate: as the network in use hears it, or resampled for another one. Call it from a job.
    pub fn wave_at(&self, rate_hz: u32, job: &attune_core::job::Job) -> anyhow::Result<Arc<[f32]>> {
        if self.heard.rate_hz == rate_hz {
            return Ok(Arc::clone(&self.heard.wave));
        }
        job.report(0, 0, "resampling");
        let clip = &self.as_recorded;
        Ok(audio::resample(&clip.to_mono(), clip.rate_hz, rate_hz)?.into())
    }

    /// For the player: as recorded, and as the network hears it.
    pub fn track(&self) -> Track {
        let heard = Clip::mono(Arc::clone(&self.heard.wave), self.heard.rate_hz);
        Track::new(
            &self.heard.name,
            vec![
                Variant::new("as recorded", self.as_recorded.clone()),
                Variant::new("as the network hears it", heard),
            ],
        )
    }
}

/// What a decoded song was asked for with.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    path: PathBuf,
    rate_hz: u32,
    truth: Vec<TrueSpan>,
}

/// The open song.
#[derive(Debug)]
pub struct State {
    slot: Slot<Key, Arc<OpenSong>>,
    wanted: Option<(PathBuf, Vec<TrueSpan>)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            slot: Slot::new("decode song"),
            wanted: None,
        }
    }
}

impl State {
    /// The open song; while another one is being decoded, still the old one.
    pub fn current(&self) -> Option<&Arc<OpenSong>> {
        self.slot.value()
    }

    /// The file that was asked for last, decoded or not.
    pub fn wanted(&self) -> Option<&Path> {
        self.wanted.as_ref().map(|(path, _)| path.as_path())
    }

    /// Why the song that was asked for last could not be opened.
    pub fn error(&self) -> Option<&str> {
        self.slot.error()
    }

    /// Why the song in this file could not be opened, if that is what was tried last.
    pub fn error_of(&self, path: &Path) -> Option<&str> {
        let is_it = self.slot.done_key().is_some_and(|key| key.path == path);
        is_it.then(|| self.slot.error()).flatten()
    }

    /// How far decoding is.
    pub fn activity(&self) -> Option<Activity> {
        self.slot.activity()
    }

    /// Asks for a song, with what is known about when its tags hold.
    pub fn open(&mut self, path: PathBuf, truth: Vec<TrueSpan>) {
        self.wanted = Some((path, truth));
    }

    pub(in crate::workbench) fn cancel_jobs(&mut self) {
        self.slot.cancel();
    }
}

/// Called once before each frame: decodes what was asked for, at the rate of the model in use.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let rate_hz = state.model.sample_rate_hz();
    let song = &mut state.song;
    if let Some((path, truth)) = &song.wanted {
        let key = Key {
            path: path.clone(),
            rate_hz,
            truth: truth.clone(),
        };
        let (path, truth) = (path.clone(), truth.clone());
        song.slot.request(jobs, key, move |job| {
            Ok(Arc::new(OpenSong::read(&path, rate_hz, truth, job)?))
        });
    }
    if song.slot.poll(jobs) {
        match song.slot.result() {
            Some(Ok(open)) => {
                state.player.load(Arc::new(open.track()));
                for warning in &open.warnings {
                    sender.send(Notice::new(
                        Level::Warning,
                        format!("{}: {warning}", open.heard.name),
                    ));
                }
            }
            Some(Err(error)) => sender.send(Notice::new(
                Level::Error,
                format!("The song cannot be opened: {error}"),
            )),
            None => {}
        }
    }
}
