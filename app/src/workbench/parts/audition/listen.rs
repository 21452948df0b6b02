//! Listening: the clip in up to four variants under one play head, in the player that else plays the song.
//!
//! Each variant has its place, which is its number in the player: original, augmented, and two draws that were kept. A place without a
//! sound is free.

use super::sound::{Live, Request, Sound};
use super::{Abx, ClipKey, Heard, State, abx, matching};
use crate::playback::{Player, State as Playing, Track, Variant};
use crate::workbench::jobs::Slot;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::audio::{Clip, Loudness};
use attune_core::augment::Draw;
use std::sync::Arc;

/// Places for draws that are kept beside the one that is edited.
pub const N_KEPT: usize = 2;
/// Names of the places, in their order: for people, with the key that plays each.
pub const PLACES: [&str; 2 + N_KEPT] = ["Original", "Augmented", "Kept 3", "Kept 4"];

/// What is listened to, and what it is made of.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(super) sound: Live,
    pub(super) kept: [Kept; N_KEPT],
    pub(super) test: Option<abx::Running>,
    loaded: Option<Loaded>,
}

impl Listening {
    /// Takes in what was made.
    pub(super) fn poll(&mut self, jobs: &Jobs) {
        self.sound.poll();
        for kept in &mut self.kept {
            kept.heard.poll(jobs);
        }
    }
}

/// A place for a draw.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) draw: Option<Draw>,
    pub(super) heard: Slot<(ClipKey, Draw), Arc<Heard>>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            draw: None,
            heard: Slot::new("augment a kept draw"),
        }
    }
}

impl Kept {
    /// The clip with this draw, if it is there.
    fn heard(&self, key: &ClipKey) -> Option<&Arc<Heard>> {
        self.heard.value_for(&(key.clone(), self.draw.clone()?))
    }
}

/// What the player was given last by Audition.
#[derive(Debug)]
struct Loaded {
    /// Number of the load.
    serial: u64,
    key: ClipKey,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Variants,
    Test,
}

/// Sounds of the clip, by place.
pub(super) struct Variants<'a> {
    pub(super) original: &'a Heard,
    pub(super) augmented: Option<&'a Sound>,
    pub(super) kept: [Option<&'a Heard>; N_KEPT],
    pub(super) matches_loudness: bool,
}

impl<'a> Variants<'a> {
    /// The sound in each place and how loud it is.
    fn places(&self) -> [Option<(&'a Clip, &'a Loudness)>; PLACES.len()] {
        let heard = |heard: &'a Heard| (&heard.clip, &heard.loudness);
        let [third, fourth] = self.kept;
        // Until it is made, the original stands in its place.
        let augmented = self
            .augmented
            .map_or(heard(self.original), |sound| (&sound.clip, &sound.loudness));
        [
            Some(heard(self.original)),
            Some(augmented),
            third.map(heard),
            fourth.map(heard),
        ]
    }

    /// By how much each place is turned up or down, in dB.
    fn gains_db(&self) -> Vec<f32> {
        let places = self.places();
        if !self.matches_loudness {
            return vec![0.0; places.len()];
        }
        let loudness = places.map(|place| place.map(|(_, loudness)| loudness));
        matching::gains_db(&loudness)
    }
}

/// The variants as the player takes them. Free places at the end are left out.
pub(super) fn track(key: &ClipKey, variants: &Variants<'_>) -> Track {
    let places = variants.places();
    let n_places = places
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |last| last + 1);
    let gains = variants.gains_db();
    let names = PLACES.iter().map(|name| name.to_lowercase());
    let made = names.zip(places).zip(gains).take(n_places);
    Track::new(
        format!("{} from {:.1} s", key.song, key.start_secs()),
        made.map(|((name, place), gain_db)| {
            let free = || Clip::mono(Vec::new(), key.rate_hz);
            let clip = place.map_or_else(free, |(clip, _)| clip.clone());
            Variant::new(name, clip).with_gain_db(gain_db)
        })
        .collect(),
    )
}

impl State {
    /// The draw in a place for kept ones (0 or 1).
    pub fn kept(&self, slot: usize) -> Option<&Draw> {
        self.listening.kept.get(slot)?.draw.as_ref()
    }

    /// The clip with a kept draw (0 or 1), once it is made.
    pub fn kept_heard(&self, slot: usize) -> Option<&Arc<Heard>> {
        self.listening.kept.get(slot)?.heard(self.key.as_ref()?)
    }

    /// By how much each of [`PLACES`] is turned up or down so that all are equally loud, in dB; `None` for a free place.
    pub fn gains_db(&self, matches_loudness: bool) -> [Option<f32>; PLACES.len()] {
        let Some(variants) = self.variants(matches_loudness) else {
            return [None; PLACES.len()];
        };
        let gains = variants.gains_db();
        let places = variants.places();
        std::array::from_fn(|place| places[place].and(gains.get(place).copied()))
    }

    /// Whether the player has the clip, and not the song: its variants, or a blind test.
    pub fn is_listening(&self, player: &Player) -> bool {
        self.loaded(player).is_some()
    }

    /// Which of [`PLACES`] is heard. `None` if it is not the clip, and in a blind test, where nobody is to know.
    pub fn heard_place(&self, player: &Player) -> Option<usize> {
        let loaded = self.loaded(player)?;
        (loaded.what == What::Variants).then(|| player.variant())
    }

    /// The blind test, if one is going on or was finished.
    pub fn test(&self) -> Option<&Abx> {
        self.listening.test.as_ref().map(|test| &test.abx)
    }

    /// Which sound of the blind test is heard.
    pub fn heard_in_test(&self, player: &Player) -> Option<abx::Sound> {
        let loaded = self.loaded(player)?;
        let heard = abx::Sound::ALL.get(player.variant()).copied();
        heard.filter(|_| loaded.what == What::Test)
    }

    /// Where the play head stands in the song, also while the clip is played in its place.
    pub fn song_position_secs(&self, player: &Player) -> f64 {
        let start_secs = self
            .loaded(player)
            .map_or(0.0, |loaded| loaded.key.start_secs());
        start_secs + player.position_secs()
    }

    /// The variants in two places as A and B of a blind test, equally loud if they are to be. `None` if they are the same or one is free.
    pub(super) fn pair(&self, places: [usize; 2], matches_loudness: bool) -> Option<[Variant; 2]> {
        let variants = self.variants(matches_loudness)?;
        let of = |place: usize| variants.places().get(place).copied().flatten();
        let [a, b] = [of(places[0])?, of(places[1])?];
        let gains = if matches_loudness {
            matching::gains_db(&[Some(a.1), Some(b.1)])
        } else {
            vec![0.0; 2]
        };
        let named = |name: &str, clip: &Clip, gain_db: f32| {
            Variant::new(name, clip.clone()).with_gain_db(gain_db)
        };
        (places[0] != places[1]).then(|| [named("A", a.0, gains[0]), named("B", b.0, gains[1])])
    }

    fn loaded(&self, player: &Player) -> Option<&Loaded> {
        let loaded = self.listening.loaded.as_ref();
        loaded.filter(|loaded| loaded.serial == player.serial())
    }

    fn variants(&self, matches_loudness: bool) -> Option<Variants<'_>> {
        let key = self.key.as_ref()?;
        let kept = self.listening.kept.each_ref();
        Some(Variants {
            original: self.original.value_for(key)?,
            augmented: self.listening.sound.of_clip(key).map(|sound| &**sound),
            kept: kept.map(|kept| kept.heard(key).map(|heard| &**heard)),
            matches_loudness,
        })
    }
}

/// Plays a variant of the clip, by its place, in a loop. If the clip plays already, switches at the same position.
pub(super) fn listen(state: &mut Whole, place: usize, sender: &CommandSender) {
    let matches_loudness = !state.selection.levels_as_they_are;
    let Some((key, variants)) = state
        .audition
        .key
        .clone()
        .zip(state.audition.variants(matches_loudness))
    else {
        let sentence = match state.song.current() {
            Some(_) => "The clip is being cut out.",
            None => "Open a song first (Ctrl+O).",
        };
        sender.send(Notice::new(Level::Info, sentence));
        return;
    };
    if variants.places().get(place).copied().flatten().is_none() {
        let name = PLACES.get(place).copied().unwrap_or_default();
        let is_on_its_way = place >= 2 && state.audition.kept(place - 2).is_some();
        let sentence = if is_on_its_way {
            format!("{name} is being made.")
        } else {
            format!(
                "{name} is free: set the effects and choose \"Keep as {}\" first.",
                place + 1
            )
        };
        sender.send(Notice::new(Level::Info, sentence));
        return;
    }
    let track = track(&key, &variants);
    let player = &state.player;
    if state.audition.heard_place(player).is_none() {
        let duration_secs = track.duration_secs();
        let at_secs = state
            .audition
            .loaded(player)
            .map(|_| player.position_secs());
        player.load(Arc::new(track));
        player.set_loop(Some((0.0, duration_secs)));
        // Out of a blind test of the same clip.
        if let Some(at_secs) = at_secs {
            player.seek(at_secs);
        }
        state.audition.listening.loaded = Some(Loaded {
            serial: player.serial(),
            key,
            what: What::Variants,
        });
    }
    player.select_variant(place);
    if player.state() != Playing::Playing {
        player.play();
    }
}

/// Repeats a stretch of the clip, or the whole of it. If the clip is not what is heard, the variant in `place` begins.
pub(super) fn repeat(
    state: &mut Whole,
    place: usize,
    secs: Option<(f64, f64)>,
    sender: &CommandSender,
) {
    if state.audition.heard_place(&state.player).is_none() {
        listen(state, place, sender);
    }
    let player = &state.player;
    if state.audition.heard_place(player).is_some() {
        player.set_loop(secs.or(Some((0.0, player.duration_secs()))));
    }
}

/// Keeps a draw in a place, or empties it.
pub(super) fn keep(state: &mut Whole, slot: usize, draw: Option<Draw>) {
    let heard = state.audition.heard_place(&state.player);
    let Some(kept) = state.audition.listening.kept.get_mut(slot) else {
        return;
    };
    if draw.is_none() && heard == Some(2 + slot) {
        state.player.select_variant(1);
    }
    kept.draw = draw;
    if kept.draw.is_none() {
        kept.heard.clear();
    }
}

/// Plays the sounds of the blind test, from where the play head stands in the clip.
pub(super) fn load_test(state: &mut Whole, track: Track) {
    let Some(key) = state.audition.key.clone() else {
        return;
    };
    let player = &state.player;
    let before = state.audition.loaded(player);
    let place = before.map(|_| (player.position_secs(), player.loop_region()));
    let whole = (0.0, track.duration_secs());
    player.load(Arc::new(track));
    let (at_secs, repeat) = place.unwrap_or((0.0, None));
    player.set_loop(Some(repeat.unwrap_or(whole)));
    player.seek(at_secs);
    player.select_variant(0);
    player.play();
    state.audition.listening.loaded = Some(Loaded {
        serial: player.serial(),
        key,
        what: What::Test,
    });
}

/// If the player has the clip: gives it the song again, at the same place.
pub(in crate::workbench) fn back_to_song(state: &Whole) {
    let player = &state.player;
    let audition = &state.audition;
    if audition.is_listening(player)
        && let Some(song) = state.song.current()
    {
        let at_secs = audition.song_position_secs(player);
        player.load(Arc::new(song.track()));
        player.seek(at_secs);
    }
}

/// Asks for the sound of the effects as they are now; what plays goes on with it at the same position. Costs nothing if nothing has changed.
pub(super) fn follow(state: &mut Whole, jobs: &Jobs) {
    let matches_loudness = !state.selection.levels_as_they_are;
    let player = &state.player;
    let audition = &mut state.audition;
    let Some(key) = audition.key.clone() else {
        return;
    };
    let Some(original) = audition.original.value_for(&key).map(Arc::clone) else {
        return;
    };
    // A track that is mixed in is still being decoded: the sound without it is not what was asked for.
    if audition.replays.shown().is_none() && !audition.others.has(&audition.draw()) {
        return;
    }
    let heard = audition.heard_place(player);
    let loaded = audition.loaded(player).filter(|_| heard.is_some());
    let to = loaded
        .filter(|loaded| loaded.key.is_same_stretch(&key))
        .map(|loaded| loaded.serial);
    let is_of_another_clip = loaded.is_some() && to.is_none();
    let kept = audition.listening.kept.each_ref();
    let request = Request {
        draw: audition.draw(),
        original,
        kept: kept.map(|kept| kept.heard(&key).map(Arc::clone)),
        matches_loudness,
        to,
        key: key.clone(),
    };
    audition
        .listening
        .sound
        .ask(jobs, || player.feed(), request);
    // Another clip takes over when the variant that is heard is ready: a kept draw is made anew for it.
    let is_ready = audition.listening.sound.of_clip(&key).is_some();
    if is_of_another_clip
        && is_ready
        && let Some(variants) = audition.variants(matches_loudness)
        && heard.is_none_or(|place| variants.places().get(place).is_some_and(Option::is_some))
    {
        let track = track(&key, &variants);
        let (repeats, variant) = (player.loop_region().is_some(), player.variant());
        let duration_secs = track.duration_secs();
        player.load(Arc::new(track));
        player.set_loop(repeats.then_some((0.0, duration_secs)));
        player.select_variant(variant);
        audition.listening.loaded = Some(Loaded {
            serial: player.serial(),
            key,
            what: What::Variants,
        });
    }
}
