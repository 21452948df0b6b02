//! The part of the state about listening to augmentations: which clip, which effects, and what came of them.
//!
//! ```text
//! song ──► clip ──────────────► original: wave, picture ──► tags
//!            └── draw.apply ──► augmented: wave, picture ──► tags
//! ```
//!
//! Four jobs, each keyed by all it depends on, so that a moved slider redoes only the lower row, and the sound does not wait for the
//! network. The waves are augmented by [`Draw::apply`], as in training.

mod clip;
mod effects;
mod listen;

pub use clip::{ClipKey, ClipLength, Heard};
pub(in crate::workbench::parts) use clip::{loudest_db, picture};
pub use effects::Row;
pub(in crate::workbench) use listen::back_to_song;

use crate::playback::Player;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::{Chain, Draw, Effect, PRESETS};
use attune_core::predict;
use std::sync::Arc;

type Tagged = Slot<(ClipKey, Option<Draw>, String), Vec<f32>>;

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    rows: Vec<Row>,
    seed: u64,
    chain: &'static str,
    start_secs: f64,
    length: ClipLength,
    key: Option<ClipKey>,
    original: Slot<ClipKey, Arc<Heard>>,
    augmented: Slot<(ClipKey, Draw), Arc<Heard>>,
    original_tags: Tagged,
    augmented_tags: Tagged,
}

impl Default for State {
    fn default() -> Self {
        Self {
            rows: effects::all_off(),
            seed: 0,
            chain: PRESETS[0].0,
            start_secs: 0.0,
            length: ClipLength::Model,
            key: None,
            original: Slot::new("cut out the clip"),
            augmented: Slot::new("augment the clip"),
            original_tags: Slot::new("tag the clip"),
            augmented_tags: Slot::new("tag the augmented clip"),
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
        self.seed
    }

    /// Name of the chain from which is rolled.
    pub fn chain(&self) -> &'static str {
        self.chain
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
        Draw::of(on.map(|row| row.effect).collect(), self.seed)
    }

    /// The clip as it is in the song.
    pub fn original(&self) -> Option<&Arc<Heard>> {
        self.original.value()
    }

    /// The clip with its effects: the newest one that is ready.
    pub fn augmented(&self) -> Option<&Arc<Heard>> {
        self.augmented.value()
    }

    /// The model's tag probabilities for the original and the augmented clip; the newest that are ready.
    pub fn tags(&self) -> Option<(&[f32], &[f32])> {
        Some((self.original_tags.value()?, self.augmented_tags.value()?))
    }

    /// Whether the player has the clip, and not the song.
    pub fn is_listening(&self, player: &Player) -> bool {
        listen::is_loaded(self, player)
    }

    /// Where the play head stands in the song, also while the clip is played in its place.
    pub fn song_position_secs(&self, player: &Player) -> f64 {
        let start_secs = match &self.key {
            Some(clip) if self.is_listening(player) => clip.start_secs(),
            _ => 0.0,
        };
        start_secs + player.position_secs()
    }

    /// Why there is no picture or there are no tags.
    pub fn error(&self) -> Option<&str> {
        let errors = [
            self.original.error(),
            self.augmented.error(),
            self.original_tags.error(),
            self.augmented_tags.error(),
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
        ]
        .into_iter()
        .flatten()
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.original.cancel();
        self.augmented.cancel();
        self.original_tags.cancel();
        self.augmented_tags.cancel();
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
    /// Let another draw stand: a copied one, or none at all.
    Use(Vec<Effect>),
    /// Choose the chain to roll from, by its preset's name.
    Chain(&'static str),
    /// Seed of the next roll, and of the noise.
    Seed(u64),
    /// Roll the chosen chain at the next seed, as training does.
    Roll,
    /// Play the clip: the augmented variant, or the original.
    Listen {
        /// Whether it is the augmented one.
        augmented: bool,
    },
    /// Switch between original and augmented at the same position.
    Toggle,
}

/// Carries out a command, between frames. Must not block: heavy work goes into a [`crate::workbench::jobs::Slot`].
pub fn run(command: Command, state: &mut Whole, _jobs: &Jobs, sender: &CommandSender) {
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
        Command::Chain(chain) => audition.chain = chain,
        Command::Seed(seed) => audition.seed = seed,
        Command::Roll => {
            audition.seed = audition.seed.wrapping_add(1);
            match Chain::preset(audition.chain) {
                Ok(chain) => {
                    // At the address of `attune augment --draw --seed`: same seed, same draw.
                    let address = Draw::of(Vec::new(), audition.seed).address;
                    let drawn = chain.draw(address).effects;
                    audition.rows = effects::with_on(&audition.rows, &drawn);
                }
                Err(error) => sender.send(Notice::new(Level::Error, error.to_string())),
            }
        }
        Command::Listen { augmented } => listen::listen(state, augmented, sender),
        Command::Toggle => {
            let augmented = !(audition.is_listening(&state.player) && state.player.variant() == 1);
            listen::listen(state, augmented, sender);
        }
    }
}

/// Called once before each frame: takes in results of jobs, asks for what has become stale.
pub fn logic(state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    let model = state.model.current().map(Arc::clone);
    let (Some(song), audition) = (state.song.current(), &mut state.audition) else {
        return;
    };
    let song = song.heard.clone();
    let key = ClipKey::of(
        &song,
        model.as_deref(),
        audition.start_secs,
        audition.length,
    );
    let draw = audition.draw();
    audition.key = Some(key.clone());

    let (cut, extractor) = (key.clone(), model.clone());
    let wave = Arc::clone(&song.wave);
    audition.original.request(jobs, key.clone(), move |_| {
        Heard::new(cut.cut(&wave), 0, &cut, None, extractor.as_deref())
    });

    // The picture of the augmented clip is drawn on the original's scale, so that a softer clip looks softer.
    if let Some(original) = audition.original.value_for(&key) {
        let (original, cut, extractor) = (Arc::clone(original), key.clone(), model.clone());
        let applied = draw.clone();
        let wanted = (key.clone(), draw.clone());
        audition.augmented.request(jobs, wanted, move |_| {
            let mut wave = original.clip.samples.to_vec();
            let n_clipped = applied.apply_in_place(&mut wave, cut.rate_hz);
            let scale = Some(original.loudest_db);
            Heard::new(wave, n_clipped, &cut, scale, extractor.as_deref())
        });
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
        tag(augmented_tags, augmented, Some(draw));
    }

    audition.original_tags.poll(jobs);
    audition.augmented_tags.poll(jobs);
    audition.original.poll(jobs);
    let was = audition.augmented.value().map(Arc::clone);
    if audition.augmented.poll(jobs) {
        listen::follow(state, was.as_ref());
    }
}
