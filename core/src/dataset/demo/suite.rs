//! One long song for the timeline: instruments enter, leave and come back, section by section.

use super::compose::{Frame, play, silence};
use super::plan::{Role, draws};
use super::score::{Instrument, Part, Score, Timbre};
use super::style::STYLES;
use super::theory::{Key, Mode};

/// Track id of the long song.
pub(super) const ID: &str = "song-long";
/// Its artist.
pub(super) const ARTIST: &str = "The Attune Ensemble";
const BPM: f32 = 104.0;
/// Bars per section.
const SECTION: usize = 8;

use Instrument::{
    Bass, Bell, Brass, DistortedGuitar, Drums, ElectricPiano, Flute, Guitar, Organ, Piano, Strings,
    Synth,
};

/// Who plays what, and in which sections (from 0).
const PLAYERS: [(Role, Instrument, &[usize]); 13] = [
    (Role::Chords, Piano, &[0, 1, 2, 8]),
    (Role::Drums, Drums, &[1, 2, 4, 5, 6, 7]),
    (Role::Bass, Bass, &[1, 2, 4, 5, 6, 7]),
    (Role::Lead, Flute, &[2]),
    (Role::Pad, Strings, &[3, 7, 8]),
    (Role::Colour, Bell, &[3, 8]),
    (Role::Chords, Organ, &[4]),
    (Role::Lead, Brass, &[4, 7]),
    (Role::Chords, Guitar, &[3, 5]),
    (Role::Lead, Strings, &[5]),
    (Role::Chords, DistortedGuitar, &[6, 7]),
    (Role::Lead, Synth, &[6]),
    (Role::Colour, ElectricPiano, &[5]),
];
const N_SECTIONS: usize = 9;

/// The tags that do not depend on what is heard.
pub(super) const FIXED_TAGS: [&str; 2] = ["rock", "minor"];

/// Composes the long song: two minutes and a half.
pub(super) fn compose(seed: u64) -> Score {
    let mut chance = draws(seed, 5, 0);
    let key = Key {
        tonic: 9,
        mode: Mode::Minor,
    };
    // Rock's drums, bass and guitars; the other roles follow their patterns too, so that everything fits.
    let style = &STYLES[3];
    let n_bars = N_SECTIONS * SECTION;
    let frame = Frame::new(style, key, BPM, n_bars, 0, &mut chance);
    let parts: Vec<Part> = PLAYERS
        .iter()
        .enumerate()
        .map(|(number, &(role, instrument, sections))| {
            let mut part = play(&frame, role, instrument, number, &mut chance);
            for section in (0..N_SECTIONS).filter(|section| !sections.contains(section)) {
                silence(
                    &mut part,
                    &frame,
                    section * SECTION,
                    (section + 1) * SECTION,
                );
            }
            part
        })
        .collect();
    Score {
        parts,
        timbre: Timbre {
            brightness: 0.55,
            warmth: 0.5,
            length: 0.6,
            character: 0.4,
        },
        room: 0.15,
        level_db: -17.0,
        from_secs: 0.0,
        // The last chord rings out.
        length_secs: frame.bar_secs() * n_bars as f64 + 2.0,
    }
}
