//! The part of the state about the explained song: values, commands, and the code that runs them between frames.
//!
//! Nothing is computed for a panel that nobody looks at: the panel asks, frame by frame, for what it lacks, the picture with
//! [`Command::Refresh`], explanations with [`Command::Want`].

mod explanations;
mod export;
mod hearing;

pub use explanations::{How, Wish};
pub use export::Export;
pub use hearing::{Hearing, Key as HearingKey, What};

use crate::timeline::{Picture, mel_centres_hz, picture};
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::features::FrontEnd;
use attune_core::interpret::{
    ExplanationCache, Heads, Localisation, Method, SongExplanation, TagLocalisation, WindowTrust,
    heads, window_at, window_trust,
};
use attune_core::predict::Model;
use attune_core::run::{RunSummary, Snapshot, snapshots};
use explanations::Explanations;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log-mel picture and the front end that it was made with.
#[derive(Clone, Debug)]
pub struct SongPicture {
    /// Levels and bands.
    pub picture: Arc<Picture>,
    /// Centres of its bands, in hertz.
    pub mel_centres_hz: Arc<[f32]>,
}

/// The samples of a song, as a key: the same address is the same sound while somebody holds it, and the key does.
#[derive(Clone, Debug)]
struct Wave(Arc<[f32]>);

impl PartialEq for Wave {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct PictureKey {
    wave: Wave,
    front_end: FrontEnd,
}

/// A window of a song as a model sees it.
#[derive(Clone, Debug, PartialEq)]
struct HeadsKey {
    wave: Wave,
    model: String,
    window: usize,
}

/// What is tested: the map of a method for a tag (index), in the window around a time.
#[derive(Clone, Debug, PartialEq)]
struct TrustKey {
    wave: Wave,
    model: String,
    method: Method,
    tag: usize,
    secs: f64,
}

/// How a map did in the tests.
#[derive(Debug)]
pub struct Tested {
    /// In one window.
    pub window: WindowTrust,
    /// In the whole song, if it is known when the tag sounds and the map is there.
    pub localisation: Option<TagLocalisation>,
}

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    pictures: Slot<PictureKey, SongPicture>,
    explanations: Explanations,
    heads: Slot<HeadsKey, Option<Arc<Heads>>>,
    trust: Slot<TrustKey, Arc<Tested>>,
    hearing: Hearing,
    /// The kept weights of the chosen run, looked for when it has done so many steps.
    snapshots: Slot<(PathBuf, u64), Vec<Snapshot>>,
    exporting: Slot<Box<Export>, Vec<PathBuf>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pictures: Slot::new("draw log-mel"),
            explanations: Explanations::default(),
            heads: Slot::new("look at attention"),
            trust: Slot::new("test the map"),
            hearing: Hearing::default(),
            snapshots: Slot::new("look for snapshots"),
            exporting: Slot::new("export the timeline"),
        }
    }
}

impl State {
    /// The picture of `song` for `model`'s front end, if it is there.
    pub fn picture(&self, song: &OpenSong, model: Option<&Model>) -> Option<&SongPicture> {
        self.pictures.value_for(&picture_key(song, model))
    }

    /// Whether the picture of `song` is there or on its way.
    pub fn has_picture(&self, song: &OpenSong, model: Option<&Model>) -> bool {
        let key = picture_key(song, model);
        self.pictures.busy_with() == Some(&key) || self.pictures.done_key() == Some(&key)
    }

    /// What `model` finds in `song` by the methods for every day, as far as it is there.
    pub fn explanation(
        &self,
        song: &Arc<OpenSong>,
        model: &Arc<Model>,
    ) -> Option<&Arc<SongExplanation>> {
        self.explanations.find(&Wish::new(song, model, How::Usual))
    }

    /// What `model` finds in `song` for a tag (index) by a method: among what is explained every day, or made because it was wanted.
    pub fn map(
        &self,
        song: &Arc<OpenSong>,
        model: &Arc<Model>,
        method: Method,
        tag: usize,
    ) -> Option<&Arc<SongExplanation>> {
        let wishes = [How::Usual, How::by(method, tag)].map(|how| Wish::new(song, model, how));
        let found = wishes
            .iter()
            .filter_map(|wish| self.explanations.find(wish));
        found.into_iter().find(|found| found.map(method).is_some())
    }

    /// The same, once all of it is there: what is heard, tested and written is not made of a part.
    pub fn whole_map(
        &self,
        song: &Arc<OpenSong>,
        model: &Arc<Model>,
        method: Method,
        tag: usize,
    ) -> Option<&Arc<SongExplanation>> {
        let found = self.map(song, model, method, tag)?;
        self.explanations.is_made(found).then_some(found)
    }

    /// Whether all of these wishes have come true.
    pub fn are_whole(&self, wishes: &[Wish]) -> bool {
        wishes.iter().all(|wish| self.explanations.is_whole(wish))
    }

    /// Whether one of these wishes was stopped by the user, or has failed, and then why.
    pub fn refused(&self, wishes: &[Wish]) -> Option<Option<&str>> {
        let failed = wishes.iter().find_map(|wish| self.explanations.error(wish));
        let stopped = || wishes.iter().any(|wish| self.explanations.is_stopped(wish));
        failed.map(Some).or_else(|| stopped().then_some(None))
    }

    /// Whether nothing more need be asked for these wishes now: they are there, or the first of them is on its way, or the user does not
    /// want them.
    pub fn is_settled(&self, wishes: &[Wish]) -> bool {
        self.explanations.is_settled(wishes)
    }

    /// How far explaining is.
    pub fn explaining(&self) -> Option<Activity> {
        self.explanations.activity()
    }

    /// The attention heads in the window around a time, or those of the window before while they are on their way; `None` as well if the
    /// network has none.
    pub fn heads(&self, song: &OpenSong, model: &Model) -> Option<&Arc<Heads>> {
        let done = self.heads.done_key()?;
        let is_it =
            done.wave == Wave(Arc::clone(&song.heard.wave)) && done.model == model.fingerprint;
        self.heads.value().filter(|_| is_it)?.as_ref()
    }

    /// Why there are none.
    pub fn heads_error(&self) -> Option<&str> {
        self.heads.error()
    }

    /// Whether the heads for that time are there or on their way.
    pub fn has_heads(&self, song: &OpenSong, model: &Model, secs: f64) -> bool {
        let key = heads_key(song, model, secs);
        self.heads.busy_with() == Some(&key) || self.heads.done_key() == Some(&key)
    }

    /// How the map of a method for a tag (index) did in the test, if it was the last one tested, or why it could not be.
    pub fn trust(
        &self,
        song: &OpenSong,
        model: &Model,
        method: Method,
        tag: usize,
    ) -> Option<Result<&Arc<Tested>, &str>> {
        let done = self.trust.done_key()?;
        let is_it = done.wave == Wave(Arc::clone(&song.heard.wave))
            && done.model == model.fingerprint
            && (done.method, done.tag) == (method, tag);
        let result = self.trust.result().filter(|_| is_it)?;
        Some(result.as_ref().map_err(String::as_str))
    }

    /// How far testing the map of a method for a tag (index) is.
    pub fn testing(&self, method: Method, tag: usize) -> Option<Activity> {
        let busy = self.trust.busy_with()?;
        let is_it = (busy.method, busy.tag) == (method, tag);
        self.trust.activity().filter(|_| is_it)
    }

    /// What is listened to.
    pub fn hearing(&self) -> &Hearing {
        &self.hearing
    }

    /// The weights that the chosen run kept of its validations, the first ones first.
    pub fn snapshots(&self, run: &Path) -> &[Snapshot] {
        let is_it = self.snapshots.done_key().is_some_and(|(of, _)| of == run);
        let found = self.snapshots.value().filter(|_| is_it);
        found.map_or(&[], Vec::as_slice)
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        self.pictures
            .activity()
            .into_iter()
            .chain(self.explanations.activity())
            .chain(self.heads.activity())
            .chain(self.trust.activity())
            .chain(self.hearing.activities())
            .chain(self.exporting.activity())
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.pictures.cancel();
        self.explanations.stop();
        self.heads.cancel();
        self.trust.cancel();
        self.hearing.cancel();
    }
}

fn picture_key(song: &OpenSong, model: Option<&Model>) -> PictureKey {
    PictureKey {
        wave: Wave(Arc::clone(&song.heard.wave)),
        front_end: model.map_or_else(FrontEnd::mtt, |model| model.config.input().picture()),
    }
}

fn heads_key(song: &OpenSong, model: &Model, secs: f64) -> HeadsKey {
    HeadsKey {
        wave: Wave(Arc::clone(&song.heard.wave)),
        model: model.fingerprint.clone(),
        window: window_at(model, song.heard.wave.len(), secs),
    }
}

/// What the panel can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Draw the picture of the open song for the model in use.
    Refresh,
    /// Explain what is wanted, the first of it that is missing first, beginning at the play head.
    Want {
        /// The most urgent first.
        wishes: Vec<Wish>,
        /// From the start of the song.
        first_secs: f64,
    },
    /// Let what the user stopped, or what has failed, be wanted again.
    Explain,
    /// Stop explaining.
    Stop,
    /// Look at the attention heads around a time.
    Heads {
        /// From the start of the song.
        at_secs: f64,
    },
    /// Test how far a map can be trusted, in the window around a time.
    Trust {
        /// The method.
        method: Method,
        /// The tag (index).
        tag: usize,
        /// From the start of the song.
        at_secs: f64,
    },
    /// Listen to a tag's evidence.
    Hear(Box<HearingKey>, What),
    /// Write the sounds of a tag's evidence below the workspace's exports.
    WriteSounds(Box<HearingKey>),
    /// Play the song itself again.
    BackToSong,
    /// Write what is shown below the workspace's exports.
    Export(Box<Export>),
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let timeline = &mut state.timeline;
    match command {
        Command::Stop => timeline.explanations.stop(),
        Command::Explain => timeline.explanations.forget_stopped(),
        Command::Refresh => refresh(state, jobs),
        Command::Want { wishes, first_secs } => {
            let cache = ExplanationCache::below(&state.workspace.cache());
            timeline
                .explanations
                .want(&wishes, first_secs, &cache, jobs);
        }
        Command::Heads { at_secs } => {
            if let Some((song, model)) = state.song.current().zip(state.model.current())
                && song.heard.rate_hz == model.sample_rate_hz()
            {
                let key = heads_key(song, model, at_secs);
                let (model, wanted) = (Arc::clone(model), key.clone());
                timeline.heads.request(jobs, key, move |_| {
                    let found = heads(&model, &wanted.wave.0, wanted.window)?;
                    Ok(found.map(Arc::new))
                });
            }
        }
        Command::Trust {
            method,
            tag,
            at_secs,
        } => {
            if let Some((song, model)) = state.song.current().zip(state.model.current())
                && song.heard.rate_hz == model.sample_rate_hz()
            {
                let key = TrustKey {
                    wave: Wave(Arc::clone(&song.heard.wave)),
                    model: model.fingerprint.clone(),
                    method,
                    tag,
                    secs: at_secs,
                };
                let (model, wave) = (Arc::clone(model), key.wave.0.clone());
                let spans = model.tags.get(tag).map(|name| song.heard.truth_of(name));
                let spans = spans.filter(|spans| !spans.is_empty());
                let map = timeline.whole_map(song, &model, method, tag).cloned();
                timeline.trust.ask_again(jobs, key, move |job| {
                    let window = window_trust(&model, &wave, at_secs, method, tag, job)?;
                    let map = map.as_ref().and_then(|explained| explained.map(method));
                    let localisation = map.zip(spans).and_then(|(map, spans)| {
                        let mut found = Localisation::new(tag + 1);
                        found.push(tag, map, &spans);
                        found.tag(tag)
                    });
                    Ok(Arc::new(Tested {
                        window,
                        localisation,
                    }))
                });
            }
        }
        Command::Hear(key, what) => {
            crate::workbench::parts::audition::back_to_song(state);
            let (place, player) = (place(state), &state.player);
            state.timeline.hearing.hear(*key, what, place, player, jobs);
        }
        Command::WriteSounds(key) => {
            let folder = state.workspace.exports();
            if timeline.hearing.is_writing() {
                let text = "Other sounds are being written; try again in a moment.";
                sender.send(Notice::new(Level::Warning, text));
                return;
            }
            timeline.hearing.write(*key, folder, jobs);
        }
        Command::Export(export) => {
            let folder = state.workspace.exports();
            timeline
                .exporting
                .ask_again(jobs, export.clone(), move |_| export.write(&folder));
        }
        Command::BackToSong => {
            let song = state.song.current();
            let region_secs = state
                .selection
                .time
                .map(|time| (time.start_secs, time.end_secs));
            timeline
                .hearing
                .back_to_song(&state.player, song, region_secs);
            state.player.select_variant(0);
        }
    }
}

fn place(state: &Whole) -> hearing::Place {
    let time = state.selection.time;
    hearing::Place {
        at_secs: state.song_position_secs(),
        region_secs: time.map(|time| (time.start_secs, time.end_secs)),
    }
}

fn refresh(state: &mut Whole, jobs: &Jobs) {
    let Some(song) = state.song.current() else {
        return;
    };
    let key = picture_key(song, state.model.current().map(Arc::as_ref));
    // The song may just be on its way to the rate of another model.
    if key.front_end.sample_rate_hz == song.heard.rate_hz {
        let wanted = key.clone();
        state.timeline.pictures.request(jobs, key, move |job| {
            Ok(SongPicture {
                picture: Arc::new(picture(&wanted.wave.0, &wanted.front_end, job)?),
                mel_centres_hz: mel_centres_hz(&wanted.front_end).into(),
            })
        });
    }
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let place = place(state);
    let timeline = &mut state.timeline;
    timeline.snapshots.poll(jobs);
    let listed = state.runs.list().into_iter().flatten();
    let chosen = |run: &&RunSummary| Some(&run.folder) == state.selection.run.as_ref();
    if let Some(run) = listed.into_iter().find(chosen) {
        let (folder, key) = (run.folder.clone(), (run.folder.clone(), run.steps));
        timeline
            .snapshots
            .request(jobs, key, move |_| Ok(snapshots(&folder)?));
    }
    timeline.pictures.poll(jobs);
    timeline.heads.poll(jobs);
    timeline.trust.poll(jobs);
    let (mut written, mut failed) =
        timeline
            .hearing
            .poll(state.song.current(), place, &state.player, jobs);
    if timeline.exporting.poll(jobs) {
        match timeline.exporting.take() {
            Some(Ok(paths)) => written = Some(paths),
            Some(Err(error)) => failed = Some(error),
            None => {}
        }
    }
    if let Some(paths) = written {
        let paths: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let text = format!("Written: {}", paths.join(", "));
        sender.send(Notice::new(Level::Success, text));
    }
    if let Some(error) = failed {
        let text = format!("That did not work: {error}");
        sender.send(Notice::new(Level::Error, text));
    }
    if let Some(error) = timeline.explanations.poll(jobs) {
        let text = format!("The song cannot be explained: {error}");
        sender.send(Notice::new(Level::Error, text));
    }
}
