//! Turns a planned song into notes: patterns of its style over a chord progression, with fills, entries and exits.

use super::melody;
use super::plan::{Artist, Role, Song, draws};
use super::score::{Drum, Instrument, Note, Part, Score};
use super::style::Style;
use super::theory::{Chord, Key, progression};
use crate::rng::Stream;

/// The steps of a song in seconds, and its chords.
pub(super) struct Frame {
    pub(super) style: &'static Style,
    pub(super) key: Key,
    /// One chord a bar.
    pub(super) chords: Vec<Chord>,
    pub(super) secs_per_step: f64,
}

impl Frame {
    pub(super) fn n_bars(&self) -> usize {
        self.chords.len()
    }

    pub(super) fn n_steps(&self) -> usize {
        self.n_bars() * self.style.steps_per_bar
    }

    pub(super) fn chord_at(&self, step: usize) -> &Chord {
        &self.chords[(step / self.style.steps_per_bar).min(self.chords.len() - 1)]
    }

    pub(super) fn secs(&self, step: usize) -> f64 {
        step as f64 * self.secs_per_step
    }

    pub(super) fn bar_secs(&self) -> f64 {
        self.secs(self.style.steps_per_bar)
    }

    /// A frame of `n_bars` bars over a progression.
    pub(super) fn new(
        style: &'static Style,
        key: Key,
        bpm: f32,
        n_bars: usize,
        habit: usize,
        chance: &mut Stream,
    ) -> Self {
        let degrees = progression(key.mode, style.jazzy, habit, chance);
        let chords = (0..n_bars)
            .map(|bar| {
                let degree = degrees[bar / style.bars_per_chord % degrees.len()];
                key.chord(degree, style.jazzy)
            })
            .collect();
        Self {
            style,
            key,
            chords,
            secs_per_step: 60.0 / f64::from(bpm) / style.steps_per_beat as f64,
        }
    }
}

/// Composes `length_secs` of a song.
pub(super) fn compose(seed: u64, song: &Song, artist: &Artist, length_secs: f64) -> Score {
    let mut chance = draws(seed, 3, song.number);
    let style = artist.style;
    let bar_secs =
        60.0 / f64::from(song.bpm) / style.steps_per_beat as f64 * style.steps_per_bar as f64;
    // The clip is cut out of a song that goes on: it may start on any beat of the first bar.
    let beats_per_bar = style.steps_per_bar / style.steps_per_beat;
    let from_secs = bar_secs * chance.index(beats_per_bar) as f64 / beats_per_bar as f64;
    let n_bars = ((from_secs + length_secs) / bar_secs).ceil() as usize;
    let frame = Frame::new(style, song.key, song.bpm, n_bars, artist.habit, &mut chance);
    let mut parts: Vec<Part> = song
        .players
        .iter()
        .map(|&(role, instrument)| play(&frame, role, instrument, artist.habit, &mut chance))
        .collect();
    come_and_go(&mut parts, &frame, &mut chance);
    for part in &mut parts {
        part.level_db += chance.range(-2.5, 2.5);
    }
    Score {
        parts,
        timbre: artist.timbre,
        room: artist.room,
        level_db: chance.range(-19.0, -14.0),
        from_secs,
        length_secs,
    }
}

/// Lets one player play his role through the whole frame.
pub(super) fn play(
    frame: &Frame,
    role: Role,
    instrument: Instrument,
    habit: usize,
    chance: &mut Stream,
) -> Part {
    let style = frame.style;
    // A family prefers one pattern and sometimes takes another.
    let mut pick = |n: usize| (habit + usize::from(chance.chance(0.3))) % n;
    let (level_db, notes) = match role {
        Role::Drums => {
            let beat = style.beats[pick(style.beats.len())];
            (-2.0, drums(frame, beat, chance))
        }
        Role::Bass => {
            let pattern = style.basses[pick(style.basses.len())];
            (-2.0, bass(frame, pattern, chance))
        }
        Role::Chords => {
            let comping = style.compings[pick(style.compings.len())];
            let notes = comp(frame, comping.pattern, comping.gate, instrument, 58, chance);
            (-3.0, notes)
        }
        Role::Pad => {
            let pattern = &"x..............................."[..style.steps_per_bar];
            (-7.0, comp(frame, pattern, 1.02, instrument, 64, chance))
        }
        Role::Colour => {
            let pattern = style.arpeggios[pick(style.arpeggios.len())];
            let centre = instrument.melody_centre().min(76);
            (-4.0, comp(frame, pattern, 0.9, instrument, centre, chance))
        }
        Role::Lead => (0.0, melody::sing(frame, instrument, chance)),
    };
    Part {
        instrument,
        level_db,
        notes,
    }
}

/// The events of a pattern over the whole frame: (step, character, steps until the next event).
fn events(frame: &Frame, pattern: &str) -> Vec<(usize, char, usize)> {
    let marks = pattern.as_bytes();
    let mut found: Vec<(usize, char, usize)> = Vec::new();
    for step in 0..frame.n_steps() {
        let mark = marks[step % marks.len()] as char;
        if mark != '.' {
            if let Some(last) = found.last_mut() {
                last.2 = step - last.0;
            }
            found.push((step, mark, frame.n_steps() - step));
        }
    }
    found
}

fn velocity_of(mark: char, chance: &mut Stream) -> f32 {
    let base = match mark {
        'X' => 0.95,
        'o' => 0.45,
        _ => 0.72,
    };
    base + chance.range(-0.06, 0.05)
}

fn stray(frame: &Frame, chance: &mut Stream) -> f64 {
    // Never before the song begins.
    f64::from(frame.style.looseness_secs * chance.uniform())
}

fn drums(frame: &Frame, beat: &[(Drum, &str)], chance: &mut Stream) -> Vec<Note> {
    let style = frame.style;
    let mut notes = Vec::new();
    let mut hit = |step: usize, drum: Drum, velocity: f32, chance: &mut Stream| {
        notes.push(Note {
            start_secs: frame.secs(step) + stray(frame, chance),
            held_secs: 0.1,
            key: drum as i32,
            velocity,
        });
    };
    let has_fills = chance.chance(0.6);
    for bar in 0..frame.n_bars() {
        let first = bar * style.steps_per_bar;
        let is_fill = has_fills && bar % 4 == 3;
        let fill_from = style.steps_per_bar - style.steps_per_beat;
        for &(drum, pattern) in beat {
            for place in 0..style.steps_per_bar {
                let mark = pattern.as_bytes()[(first + place) % pattern.len()] as char;
                let in_fill = is_fill && place >= fill_from;
                if mark != '.' && !in_fill {
                    hit(first + place, drum, velocity_of(mark, chance), chance);
                }
            }
        }
        if is_fill {
            let with = match beat[0].0 {
                Drum::LowTom => Drum::LowTom,
                _ if style.steps_per_beat == 3 => Drum::Snare,
                _ => Drum::HighTom,
            };
            for place in fill_from..style.steps_per_bar {
                let drum = if place * 2 > fill_from + style.steps_per_bar {
                    Drum::LowTom
                } else {
                    with
                };
                hit(first + place, drum, chance.range(0.6, 0.9), chance);
            }
        }
        if has_fills && bar % 4 == 0 && bar > 0 && style.drums_chance > 0.9 {
            hit(first, Drum::Crash, 0.8, chance);
        }
    }
    notes
}

fn bass(frame: &Frame, pattern: &str, chance: &mut Stream) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (step, mark, n_steps) in events(frame, pattern) {
        let chord = frame.chord_at(step);
        let root = Chord::near(chord.root(), 34);
        let key = match mark {
            '-' => continue,
            '3' => Chord::near(chord.third(), root + 4),
            '5' => Chord::near(
                chord.fifth(),
                root + if chance.chance(0.5) { 7 } else { -5 },
            ),
            '8' => root + 12,
            'w' => {
                let next = frame.chord_at(step + frame.style.steps_per_bar);
                let goal = Chord::near(next.root(), 34);
                let from = notes.last().map_or(root, |note| note.key);
                let step = if goal > from { 1 } else { -1 };
                frame
                    .key
                    .step_from(from, step * (1 + i32::from(chance.chance(0.3))))
            }
            _ => root,
        };
        notes.push(Note {
            start_secs: frame.secs(step) + stray(frame, chance),
            held_secs: frame.secs(n_steps) * 0.9,
            key: key.clamp(26, 50),
            velocity: 0.8 + chance.range(-0.08, 0.08),
        });
    }
    notes
}

/// Chords, broken or whole.
fn comp(
    frame: &Frame,
    pattern: &str,
    gate: f64,
    instrument: Instrument,
    centre: i32,
    chance: &mut Stream,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let strum_secs = match instrument {
        Instrument::Guitar => 0.012,
        _ => 0.0,
    };
    for (step, mark, n_steps) in events(frame, pattern) {
        let chord = frame.chord_at(step);
        let mut keys = chord.voiced(centre);
        let velocity = velocity_of(mark, chance);
        match mark {
            '-' => continue,
            '1'..='4' => {
                let place = mark as usize - '1' as usize;
                keys.push(keys[0] + 12);
                keys = vec![keys[place % keys.len()]];
            }
            // The instrument makes a power chord of one key.
            _ if instrument == Instrument::DistortedGuitar => {
                keys = vec![Chord::near(chord.root(), 43)];
            }
            _ if instrument == Instrument::Guitar => {
                let below = Chord::near(chord.root(), centre - 12);
                keys.insert(0, below);
            }
            _ => {}
        }
        let start_secs = frame.secs(step) + stray(frame, chance);
        for (place, key) in keys.into_iter().enumerate() {
            notes.push(Note {
                start_secs: start_secs + place as f64 * strum_secs,
                held_secs: frame.secs(n_steps) * gate,
                key,
                velocity,
            });
        }
    }
    notes
}

/// In a third of the songs somebody enters late, leaves early or pauses.
fn come_and_go(parts: &mut [Part], frame: &Frame, chance: &mut Stream) {
    if parts.len() < 2 || frame.n_bars() < 3 || !chance.chance(0.35) {
        return;
    }
    let part = chance.index(parts.len());
    let at = 1 + chance.index(frame.n_bars() - 1);
    let (from, to) = match chance.index(3) {
        0 => (0, at),
        1 => (at, frame.n_bars()),
        _ => (at, at + 1),
    };
    silence(&mut parts[part], frame, from, to);
}

/// Takes out what a part plays from bar `from` up to bar `to`.
pub(super) fn silence(part: &mut Part, frame: &Frame, from: usize, to: usize) {
    let (from, to) = (from as f64 * frame.bar_secs(), to as f64 * frame.bar_secs());
    part.notes.retain_mut(|note| {
        if note.start_secs < from {
            note.held_secs = note.held_secs.min(from - note.start_secs);
        }
        !(from..to).contains(&note.start_secs)
    });
}
