//! Explanations by ear: a peak, a tag's strongest moments, the song with all but a tag's evidence faded down, and without it; and what the
//! model says of these.

use crate::explanation_files::write_sounds;
use crate::playback::{Player, Track, Variant};
use crate::workbench::Jobs;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::song::OpenSong;
use attune_core::audio::Clip;
use attune_core::interpret::{Listening, Method, PAUSE_SECS, SongExplanation, Sounds, sounds};
use attune_core::predict::Model;
use std::path::PathBuf;
use std::sync::Arc;

/// What is heard of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its strongest moments, one after the other, in a loop.
    Moments,
    /// The song with all but its evidence faded down.
    Evidence,
    /// The song without its evidence.
    Without,
}

impl What {
    /// What it is called, of a tag.
    pub fn name(self, tag: &str) -> String {
        match self {
            Self::Moments => format!("strongest moments of {tag}"),
            Self::Evidence => format!("evidence of {tag}"),
            Self::Without => format!("without {tag}"),
        }
    }
}

/// What the sounds are made of: a tag's map of a song.
#[derive(Clone, Debug)]
pub struct Key {
    song: Arc<OpenSong>,
    explained: Arc<SongExplanation>,
    model: Arc<Model>,
    method: Method,
    tag: usize,
    n_moments: usize,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.song, &other.song)
            && Arc::ptr_eq(&self.explained, &other.explained)
            && (self.method, self.tag, self.n_moments) == (other.method, other.tag, other.n_moments)
    }
}

impl Key {
    /// Of the map of a method for a tag (index).
    pub fn new(
        song: &Arc<OpenSong>,
        model: &Arc<Model>,
        explained: &Arc<SongExplanation>,
        method: Method,
        tag: usize,
        n_moments: usize,
    ) -> Self {
        Self {
            song: Arc::clone(song),
            model: Arc::clone(model),
            explained: Arc::clone(explained),
            method,
            tag,
            n_moments,
        }
    }

    /// So many moments are asked for.
    pub fn n_moments(&self) -> usize {
        self.n_moments
    }

    /// The same with another number of moments.
    pub fn with_moments(&self, n_moments: usize) -> Self {
        Self {
            n_moments,
            ..self.clone()
        }
    }

    /// The tag's name.
    pub fn tag(&self) -> &str {
        self.explained.tags.get(self.tag).map_or("", String::as_str)
    }
}

fn clip_of(sounds: &Sounds, what: What) -> &Clip {
    match what {
        What::Moments => &sounds.in_a_row,
        What::Evidence => &sounds.evidence,
        What::Without => &sounds.without,
    }
}

/// What is listened to. Changed only between frames.
#[derive(Debug)]
pub struct Hearing {
    sounds: Slot<Key, Arc<Sounds>>,
    /// What was played last.
    played: Option<(Key, Arc<Sounds>)>,
    /// What begins as soon as its sounds are made.
    next: Option<What>,
    writing: Slot<(Key, PathBuf), Vec<PathBuf>>,
}

impl Default for Hearing {
    fn default() -> Self {
        Self {
            sounds: Slot::new("prepare what is heard"),
            played: None,
            next: None,
            writing: Slot::new("write sounds"),
        }
    }
}

impl Hearing {
    /// The tag that is listened to, what of it the player has, and the answers.
    pub fn current(&self, player: &Player) -> Option<(&Key, What, &Arc<Sounds>)> {
        let (key, sounds) = self.played.as_ref()?;
        Some((key, loaded(sounds, player)?, sounds))
    }

    /// Where the play head stands in the song, if moments of it are played.
    pub fn song_position_secs(&self, player: &Player) -> Option<f64> {
        let (_, What::Moments, sounds) = self.current(player)? else {
            return None;
        };
        let mut left = player.position_secs();
        for moment in &sounds.moments {
            let length = moment.secs.end - moment.secs.start;
            if left < length {
                // In the pause before it, it stands at its start.
                return Some(moment.secs.start + left.max(0.0));
            }
            left -= length + PAUSE_SECS;
        }
        sounds.moments.last().map(|moment| moment.secs.end)
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        let sounds = self.sounds.activity();
        sounds.into_iter().chain(self.writing.activity())
    }

    pub(super) fn cancel(&mut self) {
        self.next = None;
        self.sounds.cancel();
        self.writing.cancel();
    }

    /// Plays it, once its sounds are made, from where the play head stands in the song.
    pub(super) fn hear(
        &mut self,
        key: Key,
        what: What,
        place: Place,
        player: &Player,
        jobs: &Jobs,
    ) {
        self.next = None;
        if let Some(sounds) = self.sounds.value_for(&key).cloned() {
            self.sounds.cancel();
            self.play(key, sounds, what, place, player);
            return;
        }
        self.next = Some(what);
        let wanted = key.clone();
        let make = move |job: &attune_core::job::Job| Ok(Arc::new(make(&wanted, job)?));
        // What has failed may be asked for again; what is on its way is not begun anew.
        if self.sounds.busy_with() != Some(&key) {
            self.sounds.ask_again(jobs, key, make);
        }
    }

    /// Writes the three sounds of a tag into a folder, as WAV.
    pub(super) fn write(&mut self, key: Key, folder: PathBuf, jobs: &Jobs) {
        let made = self.sounds.value_for(&key).cloned();
        self.writing
            .ask_again(jobs, (key.clone(), folder.clone()), move |job| {
                let sounds = match made {
                    Some(sounds) => sounds,
                    None => Arc::new(make(&key, job)?),
                };
                write_sounds(&folder, &key.song.heard.name, key.tag(), &sounds, &[])
            });
    }

    /// Takes in what has come. Gives what was written, and what went wrong. What is ready only after another song was opened is not played.
    pub(super) fn poll(
        &mut self,
        song: Option<&Arc<OpenSong>>,
        place: Place,
        player: &Player,
        jobs: &Jobs,
    ) -> (Option<Vec<PathBuf>>, Option<String>) {
        let mut error = None;
        if self.sounds.poll(jobs) {
            let made = self.sounds.done_key().zip(self.sounds.value());
            let is_open = |key: &Key| song.is_some_and(|song| Arc::ptr_eq(song, &key.song));
            match (made, self.next.take()) {
                (Some((key, sounds)), Some(what)) if is_open(key) => {
                    let (key, sounds) = (key.clone(), Arc::clone(sounds));
                    self.play(key, sounds, what, place, player);
                }
                (Some(_), _) => {}
                (None, _) => error = self.sounds.error().map(str::to_owned),
            }
        }
        let is_of_other =
            |(key, _): &(Key, _)| song.is_none_or(|song| !Arc::ptr_eq(song, &key.song));
        if self.played.as_ref().is_some_and(is_of_other) {
            self.played = None;
            self.sounds.clear();
        }
        let mut written = None;
        if self.writing.poll(jobs) {
            match self.writing.take() {
                Some(Ok(paths)) => written = Some(paths),
                Some(Err(why)) => error = Some(why),
                None => {}
            }
        }
        (written, error)
    }

    /// Whether files are being written.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_busy()
    }

    /// If the player has moments of the song: gives it the song again, at the same place. The other sounds are as long as the song.
    pub(in crate::workbench) fn back_to_song(
        &self,
        player: &Player,
        song: Option<&Arc<OpenSong>>,
        region_secs: Option<(f64, f64)>,
    ) {
        if let (Some(at_secs), Some(song)) = (self.song_position_secs(player), song) {
            player.load(Arc::new(song.track()));
            player.set_loop(region_secs);
            player.seek(at_secs);
        }
    }

    fn play(&mut self, key: Key, sounds: Arc<Sounds>, what: What, place: Place, player: &Player) {
        play(&key, &sounds, what, place, player);
        self.played = Some((key, sounds));
    }
}

/// Where the song is played: what is not moments begins there, too.
#[derive(Clone, Copy, Debug)]
pub(in crate::workbench) struct Place {
    /// Of the play head in the song, in seconds.
    pub(in crate::workbench) at_secs: f64,
    /// The selected stretch, which is repeated.
    pub(in crate::workbench) region_secs: Option<(f64, f64)>,
}

/// Which of the sounds the player has.
fn loaded(sounds: &Sounds, player: &Player) -> Option<What> {
    let track = player.track()?;
    let holds = |variant: usize, what: What| {
        let variant = track.variants.get(variant);
        variant.is_some_and(|v| Arc::ptr_eq(&v.clip.samples, &clip_of(sounds, what).samples))
    };
    if holds(0, What::Moments) {
        return Some(What::Moments);
    }
    let variant = player.variant();
    [What::Evidence, What::Without]
        .into_iter()
        .find(|&what| holds(variant, what))
}

fn play(key: &Key, sounds: &Sounds, what: What, place: Place, player: &Player) {
    let variant_of = |what: What| Variant::new(what.name(key.tag()), clip_of(sounds, what).clone());
    if what == What::Moments {
        let track = Track::new(what.name(key.tag()), vec![variant_of(what)]);
        let duration_secs = track.duration_secs();
        player.load(Arc::new(track));
        player.set_loop(Some((0.0, duration_secs)));
        player.play();
        return;
    }
    let has_both = player.track().is_some_and(|track| {
        let third = track.variants.get(2);
        third
            .is_some_and(|v| Arc::ptr_eq(&v.clip.samples, &clip_of(sounds, What::Evidence).samples))
    });
    if !has_both {
        let mut track = key.song.track();
        track.variants.push(variant_of(What::Evidence));
        track.variants.push(variant_of(What::Without));
        player.load(Arc::new(track));
        player.set_loop(place.region_secs);
        player.seek(place.at_secs);
    }
    player.select_variant(1 + what as usize);
    player.play();
}

fn make(key: &Key, job: &attune_core::job::Job) -> anyhow::Result<Sounds> {
    let rate_hz = key.model.sample_rate_hz();
    let listening = Listening {
        song: &key.song.as_recorded,
        heard: &Clip::mono(key.song.wave_at(rate_hz, job)?, rate_hz),
        explanation: &key.explained,
        method: key.method,
        tag: key.tag,
        n_moments: key.n_moments,
    };
    Ok(sounds(&key.model, &listening, job)?)
}
