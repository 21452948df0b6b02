//! The styles as data: metre, tempo, rhythm patterns and who tends to play.
//!
//! A pattern is a string with one character per step; it repeats over the bars. `.` lets what sounds go on.
//!
//! | pattern | characters |
//! |---|---|
//! | drums | `X` accent, `x` hit, `o` soft hit |
//! | bass | `1` root, `3` third, `5` fifth, `8` octave, `w` walk towards the next chord, `-` silence |
//! | chords | `X`, `x`, `o` the whole chord, `1`…`4` one of its notes from below, `-` silence |
//! | melody | `x` a note |

use super::score::{Drum, Instrument};

/// One layer of a drum pattern.
pub(super) type Beat = &'static [(Drum, &'static str)];

/// How chords are played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comping {
    pub(super) pattern: &'static str,
    /// How much of the time up to the next hit a chord is held.
    pub(super) gate: f64,
}

/// A style of music. Its tag is its name.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) name: &'static str,
    pub(super) steps_per_bar: usize,
    pub(super) steps_per_beat: usize,
    /// Slowest and fastest tempo, in beats per minute.
    pub(super) bpm: (f32, f32),
    /// Seventh chords and jazz progressions.
    pub(super) jazzy: bool,
    pub(super) bars_per_chord: usize,
    /// How much players stray from the grid, in seconds.
    pub(super) looseness_secs: f32,
    pub(super) beats: &'static [Beat],
    pub(super) basses: &'static [&'static str],
    pub(super) compings: &'static [Comping],
    pub(super) rhythms: &'static [&'static str],
    /// Broken chords of the colour instrument.
    pub(super) arpeggios: &'static [&'static str],
    /// Who may play chords, melody, pads and colours; earlier ones are not preferred.
    pub(super) chords: &'static [Instrument],
    pub(super) leads: &'static [Instrument],
    pub(super) pads: &'static [Instrument],
    pub(super) colours: &'static [Instrument],
    /// How often a song has drums, a bass, a melody, a pad, a colour.
    pub(super) drums_chance: f32,
    pub(super) bass_chance: f32,
    pub(super) lead_chance: f32,
    pub(super) pad_chance: f32,
    pub(super) colour_chance: f32,
}

use Drum::{Clap, ClosedHat, Kick, LowTom, OpenHat, Ride, Rim, Shaker, Snare};
use Instrument::{
    Bell, Brass, DistortedGuitar, ElectricPiano, Flute, Guitar, Organ, Piano, Strings, Synth,
};

/// All styles.
pub(super) static STYLES: [Style; 9] = [
    Style {
        name: "waltz",
        steps_per_bar: 12,
        steps_per_beat: 4,
        bpm: (88.0, 176.0),
        jazzy: false,
        bars_per_chord: 1,
        looseness_secs: 0.006,
        beats: &[
            &[(Kick, "x..........."), (Snare, "....o...o...")],
            &[(Kick, "x..........."), (ClosedHat, "....x...x...")],
            &[(Kick, "X..........."), (Rim, "....x...x...")],
        ],
        basses: &["1...........", "1...........5..........."],
        compings: &[
            Comping {
                pattern: "-...x...x...",
                gate: 0.6,
            },
            Comping {
                pattern: "-...x...o...",
                gate: 0.35,
            },
        ],
        rhythms: &[
            "x.......x...",
            "x...x...x...",
            "x.....x.x...",
            "x.x.x...x...",
            "x...........",
        ],
        arpeggios: &["1.2.3.4.3.2.", "....3.4.3.2."],
        chords: &[Piano, Guitar, Organ, Strings, Brass],
        leads: &[Flute, Strings, Brass, Bell, Piano, Organ],
        pads: &[Strings],
        colours: &[Bell, Flute],
        drums_chance: 0.5,
        bass_chance: 0.8,
        lead_chance: 0.8,
        pad_chance: 0.15,
        colour_chance: 0.15,
    },
    Style {
        name: "techno",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (116.0, 148.0),
        jazzy: false,
        bars_per_chord: 2,
        looseness_secs: 0.0,
        beats: &[
            &[
                (Kick, "X...X...X...X..."),
                (Clap, "....X.......X..."),
                (OpenHat, "..x...x...x...x."),
            ],
            &[
                (Kick, "X...X...X...X..."),
                (OpenHat, "..x...x...x...x."),
                (ClosedHat, "xo.oxo.oxo.oxo.o"),
            ],
            &[
                (Kick, "X...X...X...X..x"),
                (Clap, "....X.......X..x"),
                (ClosedHat, "x.x.x.x.x.x.x.x."),
                (Rim, "...x..x....x...."),
            ],
        ],
        basses: &["-.1.-.1.-.1.-.1.", "1.11.11.1.11.18.", "-.11-.11-.11-.15"],
        compings: &[
            Comping {
                pattern: "...x..x...x..x..",
                gate: 0.4,
            },
            Comping {
                pattern: "x..x..x...x..x..",
                gate: 0.35,
            },
            Comping {
                pattern: "..x...x...x...x.",
                gate: 0.5,
            },
        ],
        rhythms: &["x..x..x...x.x...", "x.......x..x....", "x.x.x..x..x.x..."],
        arpeggios: &["1.2.3.2.4.3.2.3.", "1234123412341234", "1.31.41.1.31.43."],
        chords: &[Synth, Synth, Organ, ElectricPiano],
        leads: &[Synth, Bell, Brass],
        pads: &[Strings, Organ],
        colours: &[Synth, Bell, ElectricPiano],
        drums_chance: 0.97,
        bass_chance: 0.9,
        lead_chance: 0.35,
        pad_chance: 0.35,
        colour_chance: 0.7,
    },
    Style {
        name: "ballad",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (54.0, 82.0),
        jazzy: false,
        bars_per_chord: 1,
        looseness_secs: 0.01,
        beats: &[
            &[
                (Kick, "x.......x......."),
                (Rim, "....x.......x..."),
                (ClosedHat, "o.o.o.o.o.o.o.o."),
            ],
            &[
                (Kick, "X.....x...x....."),
                (Snare, "....x.......x..."),
                (Ride, "o.o.o.o.o.o.o.o."),
            ],
        ],
        basses: &["1.......5.......", "1.......1.....5.", "1..............."],
        compings: &[
            Comping {
                pattern: "1.2.3.4.3.2.3.2.",
                gate: 1.6,
            },
            Comping {
                pattern: "x.......o.......",
                gate: 1.0,
            },
            Comping {
                pattern: "x...o...o...o...",
                gate: 0.95,
            },
            Comping {
                pattern: "1.3.4.3.2.3.4.3.",
                gate: 1.6,
            },
        ],
        rhythms: &[
            "x.....x.x.......",
            "x...x.......x...",
            "..x.x.x.x.......",
            "x.......x.x.x...",
        ],
        arpeggios: &["....1.2.3.4.....", "..4...3...2...1."],
        chords: &[Piano, ElectricPiano, Guitar, Piano],
        leads: &[Flute, Strings, Synth, Guitar, Brass],
        pads: &[Strings, Strings, Organ],
        colours: &[Bell, Flute],
        drums_chance: 0.7,
        bass_chance: 0.8,
        lead_chance: 0.65,
        pad_chance: 0.55,
        colour_chance: 0.2,
    },
    Style {
        name: "rock",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (94.0, 172.0),
        jazzy: false,
        bars_per_chord: 1,
        looseness_secs: 0.005,
        beats: &[
            &[
                (Kick, "X.....x.X.x....."),
                (Snare, "....X.......X..."),
                (ClosedHat, "X.x.X.x.X.x.X.x."),
            ],
            &[
                (Kick, "X..x..x.X......."),
                (Snare, "....X.......X..."),
                (Ride, "x.x.x.x.x.x.x.x."),
            ],
            &[
                (Kick, "X.x.....X.x....."),
                (Snare, "....X.......X..o"),
                (OpenHat, "x...x...x...x..."),
            ],
        ],
        basses: &["1.1.1.1.1.1.1.1.", "1..1..1.1.1.1.5.", "1.....1.1.....5."],
        compings: &[
            Comping {
                pattern: "X.x.x.x.X.x.x.x.",
                gate: 0.6,
            },
            Comping {
                pattern: "X.....x.X.......",
                gate: 0.95,
            },
            Comping {
                pattern: "X..x..x.X.x.x...",
                gate: 0.8,
            },
        ],
        rhythms: &["x.x.x..x....x...", "x..x..x.x.......", "x...x.x.x...x..."],
        arpeggios: &["1.2.3.4.1.2.3.4.", "4.3.2.3.4.3.2.3."],
        chords: &[
            DistortedGuitar,
            DistortedGuitar,
            Guitar,
            DistortedGuitar,
            DistortedGuitar,
            Piano,
        ],
        leads: &[Synth, Brass, Organ, Guitar],
        pads: &[Organ, Organ, Strings],
        colours: &[Guitar, Piano],
        drums_chance: 0.96,
        bass_chance: 0.92,
        lead_chance: 0.45,
        pad_chance: 0.3,
        colour_chance: 0.3,
    },
    Style {
        name: "reggae",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (64.0, 94.0),
        jazzy: false,
        bars_per_chord: 1,
        looseness_secs: 0.007,
        beats: &[
            &[
                (Kick, "........X......."),
                (Rim, "........X......."),
                (ClosedHat, "x.x.x.x.x.x.x.x."),
            ],
            &[
                (Kick, "X.......X......."),
                (Snare, "........X......."),
                (ClosedHat, "x.xxx.x.x.xxx.x."),
            ],
            &[
                (Kick, "x...x...X...x..."),
                (Rim, "...x....x..x...."),
                (ClosedHat, "o.x.o.x.o.x.o.x."),
            ],
        ],
        basses: &["1..1..5.-.1.3...", "1.-.5.1.-.3.5.8.", "-.1.1.3.5...1..."],
        compings: &[
            Comping {
                pattern: "..X...X...X...X.",
                gate: 0.3,
            },
            Comping {
                pattern: "..xx..xx..xx..xx",
                gate: 0.4,
            },
        ],
        rhythms: &["..x.x...x.......", "x...x.x.....x...", "x.x.x.......x.x."],
        arpeggios: &["....4.3.....2.3."],
        chords: &[Guitar, Organ, Guitar, Piano, ElectricPiano],
        leads: &[Brass, Flute, Synth, Organ],
        pads: &[Organ],
        colours: &[Bell, Synth],
        drums_chance: 0.95,
        bass_chance: 0.96,
        lead_chance: 0.5,
        pad_chance: 0.15,
        colour_chance: 0.2,
    },
    Style {
        name: "swing",
        steps_per_bar: 12,
        steps_per_beat: 3,
        bpm: (96.0, 196.0),
        jazzy: true,
        bars_per_chord: 1,
        looseness_secs: 0.008,
        beats: &[
            &[
                (Ride, "x..X.xx..X.x"),
                (ClosedHat, "...x.....x.."),
                (Kick, "o..o..o..o.."),
            ],
            &[
                (Ride, "x..x.xx..x.x"),
                (ClosedHat, "...x.....x.."),
                (Snare, ".....o.....o"),
                (Kick, "x........o.."),
            ],
        ],
        basses: &["1..w..w..w..", "1..3..5..w.."],
        compings: &[
            Comping {
                pattern: "x....x......",
                gate: 0.5,
            },
            Comping {
                pattern: ".....x.....x",
                gate: 0.4,
            },
            Comping {
                pattern: "...x.....x..",
                gate: 0.35,
            },
        ],
        rhythms: &[
            "x.xx.xx.x...",
            "x..x.x...x.x",
            "..x..xx.....",
            "x....xx..x..",
        ],
        arpeggios: &["1.2..3..4.3."],
        chords: &[Piano, Guitar, ElectricPiano, Piano, Organ],
        leads: &[Brass, Flute, Bell, Brass, Piano],
        pads: &[Strings],
        colours: &[Brass],
        drums_chance: 0.92,
        bass_chance: 0.95,
        lead_chance: 0.75,
        pad_chance: 0.08,
        colour_chance: 0.1,
    },
    Style {
        name: "bossa",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (100.0, 146.0),
        jazzy: true,
        bars_per_chord: 1,
        looseness_secs: 0.006,
        beats: &[
            &[
                (Rim, "X..x..x...x..x.."),
                (Kick, "x..xx..xx..xx..x"),
                (Shaker, "xoxoxoxoxoxoxoxo"),
            ],
            &[
                (Rim, "..x..x..X..x..x."),
                (Kick, "x..xx...x..xx..."),
                (ClosedHat, "xoxoxoxoxoxoxoxo"),
            ],
        ],
        basses: &["1..5....5..1....", "1..55..51..55..5"],
        compings: &[
            Comping {
                pattern: "x..x..x...x..x..",
                gate: 0.7,
            },
            Comping {
                pattern: "x...x.x...x.x...",
                gate: 0.6,
            },
        ],
        rhythms: &["x..x..x.....x...", "..x...x.x.......", "x.....x.x.x....."],
        arpeggios: &["1..2..3..4..3..2"],
        chords: &[Guitar, Guitar, ElectricPiano, Piano],
        leads: &[Flute, Strings, Piano, Brass, Guitar],
        pads: &[Strings, Organ],
        colours: &[Flute, Bell],
        drums_chance: 0.9,
        bass_chance: 0.9,
        lead_chance: 0.65,
        pad_chance: 0.25,
        colour_chance: 0.1,
    },
    Style {
        name: "folk",
        steps_per_bar: 12,
        steps_per_beat: 6,
        bpm: (66.0, 134.0),
        jazzy: false,
        bars_per_chord: 1,
        looseness_secs: 0.006,
        beats: &[
            &[(LowTom, "X...o.x...o."), (Shaker, "x.o.o.x.o.o.")],
            &[(Kick, "X.....x....."), (Shaker, "x.o.x.x.o.x.")],
        ],
        basses: &["1.....5.....", "1.....1....."],
        compings: &[
            Comping {
                pattern: "X...x.x...x.",
                gate: 0.8,
            },
            Comping {
                pattern: "1.2.3.4.3.2.",
                gate: 1.4,
            },
            Comping {
                pattern: "X...o.x.o.o.",
                gate: 0.7,
            },
        ],
        rhythms: &[
            "x.x.x.x.x.x.",
            "x...x.x...x.",
            "x.x.x.x...x.",
            "x...x.x.....",
        ],
        arpeggios: &["1.3.4.1.3.4."],
        chords: &[Guitar, Guitar, Piano, Organ, Guitar],
        leads: &[Flute, Strings, Flute, Guitar, Bell],
        pads: &[Strings, Organ],
        colours: &[Guitar],
        drums_chance: 0.4,
        bass_chance: 0.5,
        lead_chance: 0.9,
        pad_chance: 0.2,
        colour_chance: 0.1,
    },
    Style {
        name: "ambient",
        steps_per_bar: 16,
        steps_per_beat: 4,
        bpm: (52.0, 100.0),
        jazzy: false,
        bars_per_chord: 2,
        looseness_secs: 0.012,
        beats: &[&[(Shaker, "o...o...o...o..."), (Kick, "x...............")]],
        basses: &["1..............................."],
        compings: &[
            Comping {
                pattern: "x...............................",
                gate: 1.05,
            },
            Comping {
                pattern: "x...............o...............",
                gate: 1.05,
            },
        ],
        rhythms: &["x...............", "....x.......x...", "x.........x....."],
        arpeggios: &["1.....3...4.....", "1.2.4...3.......", "4...2.....3...1."],
        chords: &[Strings, Organ, Synth, Strings],
        leads: &[Flute, Bell, Synth],
        pads: &[Strings, Organ],
        colours: &[Bell, ElectricPiano, Guitar, Piano],
        drums_chance: 0.12,
        bass_chance: 0.4,
        lead_chance: 0.4,
        pad_chance: 0.3,
        colour_chance: 0.8,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_fills_whole_bars() {
        for style in &STYLES {
            let drums = style.beats.iter().copied().flatten().map(|(_, text)| *text);
            let chords = style.compings.iter().map(|comping| comping.pattern);
            let others = [style.basses, style.rhythms, style.arpeggios].concat();
            for pattern in drums.chain(chords).chain(others) {
                assert_eq!(
                    pattern.len() % style.steps_per_bar,
                    0,
                    "{}: {pattern}",
                    style.name
                );
            }
        }
    }
}
