//! A composed song before it sounds: parts with notes in seconds.

use serde::{Deserialize, Serialize};

/// What can play. Each is a tag of the demo data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Instrument {
    Piano,
    ElectricPiano,
    Organ,
    Strings,
    Guitar,
    DistortedGuitar,
    Bass,
    Flute,
    Brass,
    Synth,
    Bell,
    Drums,
}

impl Instrument {
    pub(super) const ALL: [Self; 12] = [
        Self::Piano,
        Self::ElectricPiano,
        Self::Organ,
        Self::Strings,
        Self::Guitar,
        Self::DistortedGuitar,
        Self::Bass,
        Self::Flute,
        Self::Brass,
        Self::Synth,
        Self::Bell,
        Self::Drums,
    ];

    /// The tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Piano => "piano",
            Self::ElectricPiano => "electric_piano",
            Self::Organ => "organ",
            Self::Strings => "strings",
            Self::Guitar => "guitar",
            Self::DistortedGuitar => "distorted_guitar",
            Self::Bass => "bass",
            Self::Flute => "flute",
            Self::Brass => "brass",
            Self::Synth => "synth",
            Self::Bell => "bell",
            Self::Drums => "drums",
        }
    }

    /// The middle of the register in which it plays melodies, as a MIDI key.
    pub(super) fn melody_centre(self) -> i32 {
        match self {
            Self::Flute => 79,
            Self::Bell => 84,
            Self::Strings | Self::Synth | Self::Piano => 74,
            Self::Brass | Self::Organ | Self::ElectricPiano => 69,
            Self::Guitar => 67,
            Self::DistortedGuitar => 52,
            Self::Bass | Self::Drums => 40,
        }
    }
}

/// Pieces of the drum kit. A drum note's `key` is one of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub(super) enum Drum {
    Kick,
    Snare,
    ClosedHat,
    OpenHat,
    Ride,
    Rim,
    Clap,
    HighTom,
    LowTom,
    Shaker,
    Crash,
}

impl Drum {
    pub(super) const ALL: [Self; 11] = [
        Self::Kick,
        Self::Snare,
        Self::ClosedHat,
        Self::OpenHat,
        Self::Ride,
        Self::Rim,
        Self::Clap,
        Self::HighTom,
        Self::LowTom,
        Self::Shaker,
        Self::Crash,
    ];
}

/// A note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Note {
    /// When the key goes down, in seconds.
    pub(super) start_secs: f64,
    /// How long it is held.
    pub(super) held_secs: f64,
    /// MIDI key (60 is middle C), or a [`Drum`].
    pub(super) key: i32,
    /// How hard, 0..=1.
    pub(super) velocity: f32,
}

/// What one player plays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) instrument: Instrument,
    /// Loudness in the mix, relative to a lead part.
    pub(super) level_db: f32,
    pub(super) notes: Vec<Note>,
}

/// How a family's instruments differ from another's. Everything is 0..1 with 0.5 as the ordinary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timbre {
    /// Dull to bright.
    pub(super) brightness: f32,
    /// Pure to detuned and wavering.
    pub(super) warmth: f32,
    /// Short to long decays and releases.
    pub(super) length: f32,
    /// Which of an instrument's characters (pulse or saw, nylon or steel, acoustic or electronic kit).
    pub(super) character: f32,
}

/// A song, ready to be rendered.
#[derive(Clone, Debug)]
pub(super) struct Score {
    pub(super) parts: Vec<Part>,
    pub(super) timbre: Timbre,
    /// Reverberation, 0 (dry) to 1.
    pub(super) room: f32,
    /// Level of the mix.
    pub(super) level_db: f32,
    /// What the rendering keeps: from here …
    pub(super) from_secs: f64,
    /// … for so long.
    pub(super) length_secs: f64,
}
