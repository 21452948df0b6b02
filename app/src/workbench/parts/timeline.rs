//! The part of the state about the explained song: values, commands, and the code that runs them between frames.
//!
//! Nothing is computed for a panel that nobody looks at: the panel asks, frame by frame, with [`Command::Refresh`], for what it lacks.

use crate::timeline::{Picture, mel_centres_hz, picture};
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::features::FrontEnd;
use attune_core::interpret::{self, Method, SongExplanation, SongSettings};
use attune_core::predict::Model;
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

#[derive(Clone, Debug, PartialEq)]
struct ExplanationKey {
    wave: Wave,
    model: String,
    settings: SongSettings,
}

/// What was explained by a method that is not for every day: of a song by a model, for one tag if each costs passes of its own.
#[derive(Clone, Debug, PartialEq)]
struct MapKey {
    wave: Wave,
    model: String,
    method: Method,
    tag: Option<usize>,
}

/// So many of them are kept.
const MOST_MAPS: usize = 64;

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    pictures: Slot<PictureKey, SongPicture>,
    explanations: Slot<ExplanationKey, Arc<SongExplanation>>,
    cancelled: Option<ExplanationKey>,
    mapping: Slot<MapKey, Arc<SongExplanation>>,
    /// The newest last.
    maps: Vec<(MapKey, Arc<SongExplanation>)>,
    cancelled_map: Option<MapKey>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pictures: Slot::new("draw log-mel"),
            explanations: Slot::new("explain song"),
            cancelled: None,
            mapping: Slot::new("explain by another method"),
            maps: Vec::new(),
            cancelled_map: None,
        }
    }
}

impl State {
    /// The picture of `song` for `model`'s front end, if it is there.
    pub fn picture(&self, song: &OpenSong, model: Option<&Model>) -> Option<&SongPicture> {
        self.pictures.value_for(&picture_key(song, model))
    }

    /// What `model` finds in `song`, if it is there.
    pub fn explanation(&self, song: &OpenSong, model: &Model) -> Option<&Arc<SongExplanation>> {
        self.explanations.value_for(&explanation_key(song, model))
    }

    /// What `model` finds in `song` for a tag (index) by a method: among what is explained every day, or made by [`Command::Map`].
    pub fn map(
        &self,
        song: &OpenSong,
        model: &Model,
        method: Method,
        tag: usize,
    ) -> Option<&Arc<SongExplanation>> {
        let usual = self.explanation(song, model);
        if let Some(usual) = usual.filter(|usual| usual.map(method).is_some()) {
            return Some(usual);
        }
        let key = map_key(song, model, method, tag);
        let made = self.maps.iter().find(|(made, _)| *made == key);
        made.map(|(_, explained)| explained)
    }

    /// Whether such a map is on its way, was stopped by the user, or failed.
    pub fn is_map_settled(
        &self,
        song: &OpenSong,
        model: &Model,
        method: Method,
        tag: usize,
    ) -> bool {
        let key = map_key(song, model, method, tag);
        // One tag after the other; another song or method need not wait.
        let is_of_these = |busy: &MapKey| {
            MapKey {
                tag: key.tag,
                ..busy.clone()
            } == key
        };
        self.mapping.busy_with().is_some_and(is_of_these)
            || self.mapping.done_key() == Some(&key)
            || self.cancelled_map.as_ref() == Some(&key)
    }

    /// How far explaining is.
    pub fn explaining(&self) -> Option<Activity> {
        let usual = self.explanations.activity();
        usual.or_else(|| self.mapping.activity())
    }

    /// Why the last explanation failed.
    pub fn error(&self) -> Option<&str> {
        let usual = self.explanations.error();
        usual.or_else(|| self.mapping.error())
    }

    /// Whether everything about `song` is there or on its way, or was stopped by the user.
    pub fn is_settled(&self, song: &OpenSong, model: Option<&Model>) -> bool {
        let picture_key = picture_key(song, model);
        let has_picture = self.pictures.busy_with() == Some(&picture_key)
            || self.pictures.done_key() == Some(&picture_key);
        let is_explained = model.is_none_or(|model| {
            let key = explanation_key(song, model);
            self.explanations.busy_with() == Some(&key)
                || self.explanations.done_key() == Some(&key)
                || self.cancelled.as_ref() == Some(&key)
        });
        has_picture && is_explained
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        self.pictures
            .activity()
            .into_iter()
            .chain(self.explanations.activity())
            .chain(self.mapping.activity())
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        if let Some(key) = self.explanations.busy_with() {
            self.cancelled = Some(key.clone());
        }
        if let Some(key) = self.mapping.busy_with() {
            self.cancelled_map = Some(key.clone());
        }
        self.pictures.cancel();
        self.explanations.cancel();
        self.mapping.cancel();
    }
}

fn picture_key(song: &OpenSong, model: Option<&Model>) -> PictureKey {
    PictureKey {
        wave: Wave(Arc::clone(&song.heard.wave)),
        front_end: model.map_or_else(FrontEnd::mtt, |model| model.config.input().picture()),
    }
}

fn explanation_key(song: &OpenSong, model: &Model) -> ExplanationKey {
    ExplanationKey {
        wave: Wave(Arc::clone(&song.heard.wave)),
        model: model.fingerprint.clone(),
        settings: SongSettings::default(),
    }
}

fn map_key(song: &OpenSong, model: &Model, method: Method, tag: usize) -> MapKey {
    MapKey {
        wave: Wave(Arc::clone(&song.heard.wave)),
        model: model.fingerprint.clone(),
        method,
        tag: method.is_per_tag().then_some(tag),
    }
}

/// What the panel can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Compute what the open song still lacks for the model in use.
    Refresh,
    /// The same, even if the user stopped it before.
    Explain,
    /// Stop explaining.
    Stop,
    /// Explain the open song for a tag (index) by another method, too.
    Map {
        /// The method.
        method: Method,
        /// The tag.
        tag: usize,
    },
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    match command {
        Command::Stop => state.timeline.cancel_jobs(),
        Command::Explain => {
            state.timeline.cancelled = None;
            state.timeline.cancelled_map = None;
            refresh(state, jobs);
        }
        Command::Refresh => refresh(state, jobs),
        Command::Map { method, tag } => map(state, jobs, method, tag),
    }
}

fn map(state: &mut Whole, jobs: &Jobs, method: Method, tag: usize) {
    let (Some(song), Some(model)) = (state.song.current(), state.model.current()) else {
        return;
    };
    let key = map_key(song, model, method, tag);
    if state.timeline.cancelled_map.as_ref() == Some(&key) {
        return;
    }
    let (model, wave) = (Arc::clone(model), key.wave.0.clone());
    let settings = SongSettings {
        methods: vec![method],
        tags: key.tag.map(|tag| vec![tag]),
        ..SongSettings::default()
    };
    state.timeline.mapping.request(jobs, key, move |job| {
        Ok(Arc::new(interpret::song(&*model, &wave, &settings, job)?))
    });
}

fn refresh(state: &mut Whole, jobs: &Jobs) {
    let Some(song) = state.song.current() else {
        return;
    };
    let model = state.model.current();
    let timeline = &mut state.timeline;
    // The song may just be on its way to the rate of another model.
    let rate_hz = song.heard.rate_hz;
    let key = picture_key(song, model.map(Arc::as_ref));
    if key.front_end.sample_rate_hz == rate_hz {
        let wanted = key.clone();
        timeline.pictures.request(jobs, key, move |job| {
            Ok(SongPicture {
                picture: Arc::new(picture(&wanted.wave.0, &wanted.front_end, job)?),
                mel_centres_hz: mel_centres_hz(&wanted.front_end).into(),
            })
        });
    }
    let Some(model) = model.filter(|model| model.sample_rate_hz() == rate_hz) else {
        return;
    };
    let key = explanation_key(song, model);
    if timeline.cancelled.as_ref() != Some(&key) {
        let (model, wave) = (Arc::clone(model), key.wave.0.clone());
        let settings = key.settings.clone();
        timeline.explanations.request(jobs, key, move |job| {
            Ok(Arc::new(interpret::song(&*model, &wave, &settings, job)?))
        });
    }
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    state.timeline.pictures.poll(jobs);
    let timeline = &mut state.timeline;
    if timeline.mapping.poll(jobs) {
        let made = timeline.mapping.done_key().cloned();
        match (made, timeline.mapping.value()) {
            (Some(key), Some(explained)) => {
                timeline.maps.push((key, Arc::clone(explained)));
                let n_old = timeline.maps.len().saturating_sub(MOST_MAPS);
                timeline.maps.drain(..n_old);
            }
            _ => {
                let error = timeline.mapping.error().unwrap_or_default();
                let text = format!("The song cannot be explained: {error}");
                sender.send(Notice::new(Level::Error, text));
            }
        }
    }
    if state.timeline.explanations.poll(jobs)
        && let Some(error) = state.timeline.explanations.error()
    {
        sender.send(Notice::new(
            Level::Error,
            format!("The song cannot be explained: {error}"),
        ));
    }
}
