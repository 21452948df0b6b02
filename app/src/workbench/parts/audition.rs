//! The part of the state about listening to augmentations: which clip, which effects, and what came of them.
//!
//! ```text
//! song ──► clip ──────────────► original: wave, picture ──► tags
//!            └── draw.apply ──► augmented: wave, picture ──► tags
//! ```
//!
//! Jobs, each keyed by all it depends on, so that a moved slider redoes only the lower row. The sound waits neither for its picture nor
//! for the network: a thread of its own makes it and hands it to the player (`sound`). Waves are augmented by [`Draw::apply`], as in training.

pub mod abx;
mod beside;
mod chains;
mod clip;
mod draws;
mod effects;
mod in_the_making;
mod listen;
mod look;
mod matching;
mod others;
mod replay;
pub mod robustness;
mod sample;
mod sound;
pub mod sweep;

pub use abx::Abx;
pub use chains::{ChainCommand, Chains};
pub use clip::{ClipKey, ClipLength, Heard};
pub(in crate::workbench::parts) use clip::{loudest_db, picture};
pub use draws::{DrawCommand, Draws, Rolled};
pub use effects::Row;
pub(in crate::workbench) use listen::back_to_song;
pub use listen::{N_KEPT, PLACES};
pub use look::{HEARD_DB, Looked, RANGE_DB as DIFFERENCE_DB};
pub use others::Others;
pub use replay::{ReplayCommand, Replayed, Replays};
pub use sample::Sample;

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::compare::Side;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::{Draw, Effect};
use attune_core::predict::{self, Model};
use attune_core::rng::{Address, Purpose};
use beside::Beside;
use std::path::PathBuf;
use std::sync::Arc;

type Tagged = Slot<(ClipKey, Option<Draw>, String), Vec<f32>>;

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    rows: Vec<Row>,
    /// Where the noise is drawn: only a replayed clip has more than a seed.
    address: Address,
    /// The chain from which is rolled.
    pub chains: Chains,
    /// Draws side by side, and draws that were kept.
    pub draws: Draws,
    /// Clips of runs, made again.
    pub replays: Replays,
    /// Other tracks for mixup and background.
    pub others: Others,
    /// The effect that is pointed at.
    pub sample: Sample,
    looked: Slot<(ClipKey, Draw), Arc<Looked>>,
    start_secs: f64,
    length: ClipLength,
    key: Option<ClipKey>,
    original: Slot<ClipKey, Arc<Heard>>,
    augmented: Slot<(ClipKey, Draw), Arc<Heard>>,
    original_tags: Tagged,
    augmented_tags: Tagged,
    listening: listen::Listening,
    beside: Beside,
    sweep: sweep::State,
    robustness: robustness::State,
}

impl Default for State {
    fn default() -> Self {
        Self {
            rows: effects::all_off(),
            address: Address::new(0, Purpose::Augment, 0),
            chains: Chains::default(),
            draws: Draws::default(),
            replays: Replays::default(),
            others: Others::default(),
            sample: Sample::default(),
            looked: Slot::new("compare the clips"),
            start_secs: 0.0,
            length: ClipLength::Model,
            key: None,
            original: Slot::new("cut out the clip"),
            augmented: Slot::new("draw the augmented clip"),
            original_tags: Slot::new("tag the clip"),
            augmented_tags: Slot::new("tag the augmented clip"),
            listening: listen::Listening::default(),
            beside: Beside::default(),
            sweep: sweep::State::default(),
            robustness: robustness::State::default(),
        }
    }
}

impl State {
    /// The effects, in the order in which they are applied; those that are off wait with their numbers.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Seed of the draw and of the noise.
    pub fn seed(&self) -> u64 {
        self.address.seed
    }

    /// Original and augmented clip held against each other: the newest that is ready.
    pub fn looked(&self) -> Option<&Arc<Looked>> {
        self.looked.value()
    }

    /// Whether they are being compared, or cannot be yet.
    pub fn is_looking(&self) -> bool {
        let key = self.key.clone().map(|key| (key, self.draw()));
        self.looked.is_busy()
            || key.is_none_or(|key| {
                self.looked.done_key() == Some(&key) || self.augmented.value_for(&key).is_none()
            })
    }

    /// Whether [`Self::looked`] is of what is heard now.
    pub fn is_looked_at(&self) -> bool {
        let key = self.key.clone().map(|key| (key, self.draw()));
        key.is_some_and(|key| self.looked.value_for(&key).is_some())
    }

    /// Where the clip was asked to begin in the song.
    pub fn start_secs(&self) -> f64 {
        self.start_secs
    }

    /// How long the clip was asked to be.
    pub fn length(&self) -> ClipLength {
        self.length
    }

    /// The clip that is shown; `None` while no song is open.
    pub fn clip(&self) -> Option<&ClipKey> {
        self.key.as_ref()
    }

    /// The effects that are on, with the address of the noise.
    pub fn draw(&self) -> Draw {
        let on = self.rows.iter().filter(|row| row.is_on);
        Draw {
            effects: on.map(|row| row.effect).collect(),
            address: self.address,
        }
    }

    /// The clip as it is in the song.
    pub fn original(&self) -> Option<&Arc<Heard>> {
        self.original.value()
    }

    /// The clip with its effects: the newest one that is ready.
    pub fn augmented(&self) -> Option<&Arc<Heard>> {
        self.augmented.value()
    }

    /// The model's tag probabilities for the original and the augmented clip; the newest that are ready of one and the same clip.
    pub fn tags(&self, model: &Model) -> Option<(&[f32], &[f32])> {
        let (of, _, by) = self.original_tags.done_key()?;
        let (augmented_of, _, augmented_by) = self.augmented_tags.done_key()?;
        let fits = of == augmented_of && *by == model.fingerprint && by == augmented_by;
        let tags = self.original_tags.value()?.as_slice();
        fits.then_some((tags, self.augmented_tags.value()?.as_slice()))
    }

    /// The other model (Compare's second one) if one is chosen that is not the model in use.
    pub fn other_model(&self) -> Option<&Arc<Model>> {
        self.beside.model()
    }

    /// The other model's tag probabilities for the original and the augmented clip; the newest that are ready.
    pub fn other_tags(&self) -> Option<(&[f32], &[f32])> {
        self.beside.tags()
    }

    /// How strong an effect may get.
    pub fn sweep(&self) -> &sweep::State {
        &self.sweep
    }

    /// How scores on a data set fall as effects grow stronger.
    pub fn robustness(&self) -> &robustness::State {
        &self.robustness
    }

    /// Why there is no picture or there are no tags.
    pub fn error(&self) -> Option<&str> {
        let errors = [
            self.original.error(),
            self.augmented.error(),
            self.original_tags.error(),
            self.augmented_tags.error(),
            self.others.error(),
            self.looked.error(),
            self.draws.error(),
            self.replays.error(),
            self.listening.sound.error(),
        ];
        errors.into_iter().flatten().next()
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        [
            self.original.activity(),
            self.augmented.activity(),
            self.original_tags.activity(),
            self.augmented_tags.activity(),
            self.others.activity(),
            self.looked.activity(),
            self.listening.sound.activity(),
        ]
        .into_iter()
        .flatten()
        .chain(self.draws.activities())
        .chain(self.replays.activities())
        .chain(self.chains.activities())
        .chain(
            self.listening
                .kept
                .iter()
                .filter_map(|kept| kept.heard.activity()),
        )
        .chain(self.beside.activities())
        .chain(self.sweep.activities())
        .chain(self.robustness.activities())
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.original.cancel();
        self.augmented.cancel();
        self.original_tags.cancel();
        self.augmented_tags.cancel();
        self.others.cancel();
        self.looked.cancel();
        self.draws.cancel_jobs();
        self.replays.cancel_jobs();
        for kept in &mut self.listening.kept {
            kept.heard.cancel();
        }
        self.beside.cancel();
        self.sweep.cancel();
        self.robustness.cancel();
    }
}

/// What the panel can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Where the clip begins in the song.
    Start {
        /// From the start of the song.
        at_secs: f64,
    },
    /// How long the clip is.
    Length(ClipLength),
    /// Put this effect into row `row`.
    Set {
        /// Which row.
        row: usize,
        /// Its effect and whether it is on.
        to: Row,
    },
    /// Let these effects stand, at the seed that there is; or none at all.
    Use(Vec<Effect>),
    /// Let another draw stand, with the place of its random numbers.
    UseDraw(Draw),
    /// About the chain to roll from.
    Chain(ChainCommand),
    /// About draws side by side and kept draws.
    Draws(DrawCommand),
    /// About clips of a run.
    Replay(ReplayCommand),
    /// Try an effect alone, for its picture.
    Sample(Effect),
    /// Hold original and augmented clip against each other.
    Look,
    /// Seed of the next roll, and of the noise.
    Seed(u64),
    /// Roll the chain at the next seed, as training does.
    Roll,
    /// Play a variant of the clip, or switch to it at the same position.
    Listen {
        /// Its place in [`PLACES`].
        place: usize,
    },
    /// Play on from here in the whole clip; begins to play if something else is heard.
    PlayFrom {
        /// The variant that begins, in [`PLACES`].
        place: usize,
        /// From the start of the clip.
        at_secs: f64,
    },
    /// Repeat a stretch of the clip; begins to play if something else is heard.
    Repeat {
        /// The variant that begins, in [`PLACES`].
        place: usize,
        /// Start and end, in seconds from the start of the clip; `None` is the whole clip.
        secs: Option<(f64, f64)>,
    },
    /// Keep a draw beside the edited one, to compare with it.
    Keep {
        /// Where: 0 or 1.
        slot: usize,
        /// The draw; `None` makes the place free.
        draw: Option<Draw>,
    },
    /// About the blind test.
    Test(abx::Command),
    /// Switch between original and augmented at the same position.
    Toggle,
    /// About a strength sweep.
    Sweep(sweep::Command),
    /// About the robustness table.
    Robustness(robustness::Command),
}

/// Carries out a command, between frames. Must not block: heavy work goes into a [`crate::workbench::jobs::Slot`].
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let audition = &mut state.audition;
    match command {
        Command::Start { at_secs } => audition.start_secs = at_secs.max(0.0),
        Command::Length(length) => audition.length = length,
        Command::Set { row, to } => {
            if let Some(row) = audition.rows.get_mut(row) {
                *row = to;
            }
        }
        Command::Use(effects) => audition.rows = effects::with_on(&audition.rows, &effects),
        Command::UseDraw(draw) => {
            audition.rows = effects::with_on(&audition.rows, &draw.effects);
            audition.address = draw.address;
        }
        Command::Chain(command) => {
            audition.chains.run(command, &state.workspace, jobs);
        }
        Command::Draws(command) => draws::run(command, state, jobs, sender),
        Command::Replay(command) => replay::run(command, state, jobs),
        Command::Sample(effect) => {
            let key = audition.key.clone();
            let original = key.and_then(|key| {
                let original = Arc::clone(audition.original.value_for(&key)?);
                Some((key, original))
            });
            if let Some((key, original)) = original {
                let alone = Draw::of(vec![effect], 0);
                let others = others::wanted(state, [&alone], key.rate_hz);
                let model = state.model.current();
                let sample = &mut state.audition.sample;
                sample.request(jobs, &key, effect, &original, others, model);
            }
        }
        Command::Look => {
            // A picture of yesterday's clip is not made: the panel asks again when today's is there.
            let wanted = audition.key.clone().map(|key| (key, audition.draw()));
            let found = wanted.and_then(|wanted| {
                let original = Arc::clone(audition.original.value_for(&wanted.0)?);
                let augmented = Arc::clone(audition.augmented.value_for(&wanted)?);
                Some((wanted, original, augmented))
            });
            if let Some((wanted, original, augmented)) = found {
                let front_end = wanted.0.front_end.clone();
                audition.looked.request(jobs, wanted, move |_| {
                    Ok(Arc::new(Looked::new(&original, &augmented, &front_end)))
                });
            }
        }
        Command::Seed(seed) => {
            audition.address = Draw::of(Vec::new(), seed).address;
        }
        Command::Roll => {
            let seed = audition.address.seed.wrapping_add(1);
            // At the address of `attune augment --draw --seed`: same seed, same draw.
            audition.address = Draw::of(Vec::new(), seed).address;
            let drawn = audition.chains.chain().draw(audition.address).effects;
            audition.rows = effects::with_on(&audition.rows, &drawn);
        }
        Command::Listen { place } => listen::listen(state, place, sender),
        Command::PlayFrom { place, at_secs } => {
            // Who has switched the loop off wants no other one.
            let is_heard = audition.heard_place(&state.player).is_some();
            if !is_heard || state.player.loop_region().is_some() {
                listen::repeat(state, place, None, sender);
            }
            if state.audition.heard_place(&state.player).is_some() {
                state.player.seek(at_secs);
            }
        }
        Command::Repeat { place, secs } => listen::repeat(state, place, secs, sender),
        Command::Keep { slot, draw } => listen::keep(state, slot, draw),
        Command::Test(command) => abx::run(command, state, sender),
        Command::Toggle => {
            // In a blind test nobody is to know which is which: A does nothing there.
            if audition.heard_in_test(&state.player).is_none() {
                let place = usize::from(audition.heard_place(&state.player) != Some(1));
                listen::listen(state, place, sender);
            }
        }
        Command::Sweep(command) => sweep::run(command, state, jobs, sender),
        Command::Robustness(command) => robustness::run(command, state, jobs, sender),
    }
    // What a slider asks for does not wait for the next frame.
    listen::follow(state, jobs);
}

/// Tells which files were written, or why not.
fn tell_written(result: Option<&Result<Vec<PathBuf>, String>>, sender: &CommandSender) {
    match result {
        Some(Ok(paths)) => {
            let paths: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let text = format!("Written: {}", paths.join(", "));
            sender.send(Notice::new(Level::Success, text));
        }
        Some(Err(error)) => {
            let text = format!("That could not be written: {error}");
            sender.send(Notice::new(Level::Error, text));
        }
        None => {}
    }
}

/// Called once before each frame: takes in results of jobs, asks for what has become stale.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    sweep::poll(&mut state.audition.sweep, jobs, sender);
    robustness::poll(&mut state.audition.robustness, jobs, sender);
    let model = state.model.current().map(Arc::clone);
    let other = state.compare.model(Side::Second, &state.model).cloned();
    let is_another = |other: &Arc<Model>| {
        let in_use = model.as_ref().map(|model| &model.fingerprint);
        in_use != Some(&other.fingerprint)
    };
    state
        .audition
        .beside
        .set_model(other.filter(is_another).as_ref());
    replay::logic(state, jobs, sender);
    draws::logic(state, jobs, sender);
    state.audition.chains.logic(&state.workspace, jobs, sender);
    if let Some(song) = state.song.current() {
        let rate_hz = song.heard.rate_hz;
        let kept = state.audition.listening.kept.iter();
        let mut draws: Vec<Draw> = kept.filter_map(|kept| kept.draw.clone()).collect();
        draws.push(state.audition.draw());
        let draws: Vec<&Draw> = draws.iter().collect();
        others::logic(state, &draws, rate_hz, jobs);
    }
    let audition = &mut state.audition;
    // First of all, so that what has come is built upon in this very frame.
    audition.original_tags.poll(jobs);
    audition.augmented_tags.poll(jobs);
    audition.original.poll(jobs);
    audition.augmented.poll(jobs);
    audition.looked.poll(jobs);
    audition.sample.poll(jobs);
    audition.listening.poll(jobs);
    let (key, wave) = if let Some(replayed) = audition.replays.shown() {
        let song = &replayed.song;
        let key = ClipKey::of(song, model.as_deref(), 0.0, ClipLength::Whole);
        let company = clip::Company(Arc::clone(&replayed.company));
        (key.among(company), Arc::clone(&song.wave))
    } else if let Some(song) = state.song.current() {
        let song = &song.heard;
        let (start_secs, length) = (audition.start_secs, audition.length);
        let key = ClipKey::of(song, model.as_deref(), start_secs, length);
        let company = audition.others.company();
        (key.among(company), Arc::clone(&song.wave))
    } else {
        audition.key = None;
        return;
    };
    let draw = audition.draw();
    audition.key = Some(key.clone());

    let (cut, extractor) = (key.clone(), model.clone());
    audition.original.request(jobs, key.clone(), move |_| {
        Heard::new(cut.cut(&wave), &cut, extractor.as_deref())
    });

    if let Some(original) = audition.original.value_for(&key).map(Arc::clone) {
        // While a slider is dragged, each picture is finished before the next one is begun.
        let busy_with = audition.augmented.busy_with();
        let is_drawing = busy_with.is_some_and(|(clip, _)| *clip == key);
        if let Some(sound) = audition.listening.sound.of_clip(&key)
            && !is_drawing
        {
            let (sound, original) = (Arc::clone(sound), Arc::clone(&original));
            let wanted = (key.clone(), sound.draw.clone());
            let extractor = model.clone();
            audition.augmented.request(jobs, wanted, move |_| {
                Heard::augmented(&sound, &original, extractor.as_deref())
            });
        }
        for kept in &mut audition.listening.kept {
            let Some(draw) = kept.draw.clone() else {
                continue;
            };
            let (original, cut, extractor) = (Arc::clone(&original), key.clone(), model.clone());
            let wanted = (key.clone(), draw.clone());
            kept.heard.request(jobs, wanted, move |_| {
                original.with(&draw, &cut, extractor.as_deref())
            });
        }
    }

    // A model at another rate than the song's waits until the song has been decoded again.
    if let Some(model) = model.filter(|model| model.sample_rate_hz() == key.rate_hz) {
        let fingerprint = model.fingerprint.clone();
        let tag = |slot: &mut Tagged, heard: Option<&Arc<Heard>>, draw: Option<Draw>| {
            if let Some(heard) = heard {
                let (model, heard) = (Arc::clone(&model), Arc::clone(heard));
                let wanted = (key.clone(), draw, fingerprint.clone());
                slot.request(jobs, wanted, move |job| {
                    Ok(predict::tag_track(&model, &heard.clip.samples, job)?)
                });
            }
        };
        let State {
            original,
            augmented,
            original_tags,
            augmented_tags,
            ..
        } = audition;
        tag(original_tags, original.value_for(&key), None);
        let augmented = augmented.value_for(&(key.clone(), draw.clone()));
        tag(augmented_tags, augmented, Some(draw.clone()));
    }

    let variant = (key.clone(), draw);
    let augmented = audition.augmented.value_for(&variant);
    audition.beside.request(
        jobs,
        audition.original.value_for(&key),
        augmented.map(|heard| (heard, &variant.1)),
        &key,
    );
    audition.beside.poll(jobs);
    listen::follow(state, jobs);
}
