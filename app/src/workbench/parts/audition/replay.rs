//! Replay in the window: a clip that a run's network got stands in the place of the song, with the draw that it was given.

use super::effects::{self, Row};
use crate::timeline::Song;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::{Draw, Picked};
use attune_core::rng::Address;
use attune_core::train::{self, Replay, ReplayOf};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A clip that was made again, ready to be heard as if it were a song.
#[derive(Clone)]
pub struct Replayed {
    /// What the network got.
    pub replay: Arc<Replay>,
    /// The clip before augmentation.
    pub song: Song,
    /// Other tracks of the run that were mixed in.
    pub(super) company: Arc<Picked>,
}

/// Clips of runs. Changed only by [`run`] and [`logic`].
pub struct Replays {
    made: Slot<ReplayOf, Replayed>,
    tracks: Slot<PathBuf, Arc<[String]>>,
    shown: Option<Replayed>,
    /// The song that was open when the clip was asked for: another one takes its place back.
    song: Option<PathBuf>,
    /// The effects that stood before, for when the song comes back.
    before: Option<(Vec<Row>, Address)>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplayCommand {
    /// Make a clip again and let it stand in the place of the song.
    Hear(ReplayOf),
    /// Go back to the song.
    Leave,
    /// Find out which tracks a run learns from.
    Tracks {
        /// The run's folder.
        run: PathBuf,
    },
}

impl Default for Replays {
    fn default() -> Self {
        Self {
            made: Slot::new("replay the clip"),
            tracks: Slot::new("look for the run's tracks"),
            shown: None,
            song: None,
            before: None,
        }
    }
}

impl Replays {
    /// The clip that stands in the place of the song.
    pub fn shown(&self) -> Option<&Replayed> {
        self.shown.as_ref()
    }

    /// Ids of the tracks that a run learns from, once they are known.
    pub fn tracks(&self, run: &Path) -> Option<&Arc<[String]>> {
        self.tracks.value_for(&run.to_owned())
    }

    /// Whether it has been asked which tracks a run learns from.
    pub fn has_asked(&self, run: &Path) -> bool {
        self.tracks.busy_with().map(PathBuf::as_path) == Some(run)
            || self.tracks.done_key().map(PathBuf::as_path) == Some(run)
    }

    /// Whether a clip is being made.
    pub fn is_busy(&self) -> bool {
        self.made.is_busy()
    }

    /// Why there is none.
    pub fn error(&self) -> Option<&str> {
        self.made.error().or_else(|| self.tracks.error())
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        self.made
            .activity()
            .into_iter()
            .chain(self.tracks.activity())
    }

    pub(super) fn cancel_jobs(&mut self) {
        self.made.cancel();
        self.tracks.cancel();
    }
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = self.shown.as_ref().map(|shown| &shown.replay.of);
        f.debug_struct("Replays")
            .field("shown", &of)
            .finish_non_exhaustive()
    }
}

/// Carries out a command, between frames.
pub(super) fn run(command: ReplayCommand, state: &mut Whole, jobs: &Jobs) {
    let workspace = state.workspace.clone();
    let song = state.song.wanted().map(Path::to_path_buf);
    let replays = &mut state.audition.replays;
    match command {
        ReplayCommand::Hear(of) => {
            replays.song = song;
            replays.made.ask_again(jobs, of.clone(), move |job| {
                let mut replay = train::replay(&of, &workspace, job)?;
                let original = std::mem::take(&mut replay.original);
                let name = format!("{}, epoch {}", replay.of.track, replay.of.epoch + 1);
                Ok(Replayed {
                    company: Arc::new(std::mem::take(&mut replay.company)),
                    song: Song::from_wave(&replay.path, name, original, replay.rate_hz, Vec::new()),
                    replay: Arc::new(replay),
                })
            });
        }
        ReplayCommand::Leave => leave(state),
        ReplayCommand::Tracks { run } => {
            replays.tracks.request(jobs, run.clone(), move |_| {
                Ok(train::tracks_of_run(&run)?.into())
            });
        }
    }
}

/// Gives the song its place back.
fn leave(state: &mut Whole) {
    if state.audition.replays.shown.is_some() {
        super::listen::back_to_song(state);
        let audition = &mut state.audition;
        audition.replays.shown = None;
        if let Some((rows, address)) = audition.replays.before.take() {
            (audition.rows, audition.address) = (rows, address);
        }
    }
}

/// Called once before each frame: takes in a clip that is ready.
pub(super) fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let song = state.song.wanted().map(Path::to_path_buf);
    if state.audition.replays.shown.is_some() && state.audition.replays.song != song {
        leave(state);
    }
    let audition = &mut state.audition;
    audition.replays.tracks.poll(jobs);
    if !audition.replays.made.poll(jobs) {
        return;
    }
    let Some(replayed) = audition.replays.made.value().cloned() else {
        return;
    };
    if audition.replays.song != song {
        // Another song was opened meanwhile: it stays.
        return;
    }
    for warning in &replayed.replay.warnings {
        sender.send(Notice::new(Level::Warning, warning.clone()));
    }
    let draw = replayed
        .replay
        .draw
        .clone()
        .unwrap_or_else(|| Draw::of(Vec::new(), 0));
    if audition.replays.before.is_none() {
        audition.replays.before = Some((audition.rows.clone(), audition.address));
    }
    audition.rows = effects::with_on(&audition.rows, &draw.effects);
    audition.address = draw.address;
    audition.replays.shown = Some(replayed);
}
