//! Melodies: a short rhythm and contour, repeated and answered, that rests on the chords' notes.

use super::compose::Frame;
use super::score::{Instrument, Note};
use super::theory::Chord;
use crate::rng::Stream;

/// How far a melody strays from the middle of the instrument's register, in semitones.
const REACH: i32 = 9;

/// A bar's idea: where notes start and how they move.
struct Motif {
    onsets: Vec<usize>,
    /// Scale steps from the note before.
    moves: Vec<i32>,
}

impl Motif {
    fn new(rhythm: &str, chance: &mut Stream) -> Self {
        let onsets: Vec<usize> = rhythm
            .bytes()
            .enumerate()
            .filter(|&(_, mark)| mark == b'x')
            .map(|(step, _)| step)
            .collect();
        let moves = onsets
            .iter()
            .map(|_| [-2, -1, -1, 1, 1, 2, 0, 3][chance.index(8)])
            .collect();
        Self { onsets, moves }
    }
}

/// A melody through the whole frame: idea, idea, answer, idea with a long last note.
pub(super) fn sing(frame: &Frame, instrument: Instrument, chance: &mut Stream) -> Vec<Note> {
    let style = frame.style;
    let centre = instrument.melody_centre() + chance.index(5) as i32 - 2;
    let first = chance.index(style.rhythms.len());
    let second = (first + 1 + chance.index(style.rhythms.len() - 1)) % style.rhythms.len();
    let idea = Motif::new(style.rhythms[first], chance);
    let answer = Motif::new(style.rhythms[second], chance);
    let mut starts: Vec<(usize, i32)> = Vec::new();
    let mut key = centre;
    for bar in 0..frame.n_bars() {
        let motif = if bar % 4 == 2 { &answer } else { &idea };
        let chord = &frame.chords[bar];
        for (place, (&onset, &steps)) in motif.onsets.iter().zip(&motif.moves).enumerate() {
            let moved = frame.key.step_from(key, steps);
            let on_beat = onset % style.steps_per_beat == 0;
            key = if place == 0 || (on_beat && chance.chance(0.6)) {
                nearest_of(chord, moved)
            } else {
                moved
            };
            if key > centre + REACH {
                key -= 12;
            } else if key < centre - REACH {
                key += 12;
            }
            starts.push((bar * style.steps_per_bar + onset, key));
            let is_close = bar % 4 == 3 && place + 1 == motif.onsets.len().div_ceil(2);
            if is_close {
                break;
            }
        }
    }
    let mut notes = Vec::with_capacity(starts.len());
    for (place, &(step, key)) in starts.iter().enumerate() {
        let end = starts
            .get(place + 1)
            .map_or(frame.n_steps(), |next| next.0)
            .min(step + style.steps_per_bar);
        notes.push(Note {
            start_secs: frame.secs(step) + f64::from(style.looseness_secs * chance.uniform()),
            held_secs: frame.secs(end - step) * 0.92,
            key,
            velocity: 0.78 + chance.range(-0.1, 0.12),
        });
    }
    notes
}

fn nearest_of(chord: &Chord, key: i32) -> i32 {
    chord
        .classes
        .iter()
        .map(|&class| Chord::near(class, key))
        .min_by_key(|near| (near - key).abs())
        .unwrap_or(key)
}
