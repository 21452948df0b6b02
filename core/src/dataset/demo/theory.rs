//! As much harmony as simple songs need: scales, chords on their degrees, progressions, voicings that move little.

use crate::rng::Stream;

/// Major or minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    Major,
    Minor,
}

impl Mode {
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
        }
    }

    fn scale(self) -> [i32; 7] {
        match self {
            Self::Major => [0, 2, 4, 5, 7, 9, 11],
            Self::Minor => [0, 2, 3, 5, 7, 8, 10],
        }
    }
}

/// A key: tonic and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Pitch class of the tonic, 0 is C.
    pub(super) tonic: i32,
    pub(super) mode: Mode,
}

/// A chord: pitch classes from the root up (root, third, fifth, perhaps a seventh).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chord {
    pub(super) classes: Vec<i32>,
}

impl Chord {
    pub(super) fn root(&self) -> i32 {
        self.classes[0]
    }

    pub(super) fn third(&self) -> i32 {
        self.classes[1]
    }

    pub(super) fn fifth(&self) -> i32 {
        self.classes[2]
    }

    /// The key with pitch class `class` nearest to `centre`.
    pub(super) fn near(class: i32, centre: i32) -> i32 {
        let up = (class - centre).rem_euclid(12);
        centre + if up > 6 { up - 12 } else { up }
    }

    /// The chord's notes around `centre`, each as near to it as possible, ascending.
    pub(super) fn voiced(&self, centre: i32) -> Vec<i32> {
        let mut keys: Vec<i32> = self
            .classes
            .iter()
            .map(|&class| Self::near(class, centre))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl Key {
    /// The chord on a degree of the scale (1..=7), with a seventh if `seventh`. The minor key's fifth degree is major, as in most songs.
    pub(super) fn chord(self, degree: usize, seventh: bool) -> Chord {
        let scale = self.mode.scale();
        let step = |above: usize| {
            let pitch = scale[(degree - 1 + above) % 7];
            let raised = self.mode == Mode::Minor && degree == 5 && above == 2;
            (self.tonic + pitch + i32::from(raised)).rem_euclid(12)
        };
        let above: &[usize] = if seventh { &[0, 2, 4, 6] } else { &[0, 2, 4] };
        Chord {
            classes: above.iter().map(|&above| step(above)).collect(),
        }
    }

    /// The key of the scale nearest to `key`, moved by `steps` scale steps.
    pub(super) fn step_from(self, key: i32, steps: i32) -> i32 {
        let scale = self.mode.scale();
        let above = key - self.tonic;
        let (octave, class) = (above.div_euclid(12), above.rem_euclid(12));
        let place = (0..7)
            .min_by_key(|&place| (scale[place] - class).abs())
            .unwrap_or(0) as i32;
        let moved = place + steps;
        self.tonic + 12 * (octave + moved.div_euclid(7)) + scale[moved.rem_euclid(7) as usize]
    }
}

/// Progressions by degree, one chord a bar.
pub(super) fn progression(
    mode: Mode,
    jazzy: bool,
    habit: usize,
    chance: &mut Stream,
) -> Vec<usize> {
    const MAJOR: [[usize; 4]; 8] = [
        [1, 5, 6, 4],
        [1, 6, 4, 5],
        [1, 4, 1, 5],
        [1, 4, 5, 1],
        [1, 3, 4, 5],
        [1, 4, 6, 5],
        [1, 1, 4, 5],
        [1, 2, 5, 1],
    ];
    const MINOR: [[usize; 4]; 8] = [
        [1, 6, 3, 7],
        [1, 4, 5, 1],
        [1, 7, 6, 5],
        [1, 4, 7, 3],
        [1, 6, 4, 5],
        [1, 1, 4, 1],
        [1, 3, 4, 5],
        [1, 7, 6, 7],
    ];
    const JAZZ: [[usize; 4]; 4] = [[2, 5, 1, 1], [1, 6, 2, 5], [1, 4, 2, 5], [2, 5, 1, 6]];
    // A family keeps to two progressions.
    let pick = habit + usize::from(chance.chance(0.4));
    if jazzy {
        JAZZ[pick % JAZZ.len()].to_vec()
    } else if mode == Mode::Major {
        MAJOR[pick % MAJOR.len()].to_vec()
    } else {
        MINOR[pick % MINOR.len()].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_MINOR: Key = Key {
        tonic: 9,
        mode: Mode::Minor,
    };

    #[test]
    fn chords_have_the_notes_that_a_textbook_gives() {
        let c_major = Key {
            tonic: 0,
            mode: Mode::Major,
        };
        assert_eq!(c_major.chord(1, false).classes, [0, 4, 7]);
        assert_eq!(c_major.chord(2, true).classes, [2, 5, 9, 0]);
        assert_eq!(A_MINOR.chord(1, false).classes, [9, 0, 4]);
        assert_eq!(
            A_MINOR.chord(5, false).classes,
            [4, 8, 11],
            "E major with its leading note"
        );
    }

    #[test]
    fn steps_stay_in_the_scale() {
        assert_eq!(A_MINOR.step_from(69, 1), 71);
        assert_eq!(A_MINOR.step_from(69, -1), 67);
        assert_eq!(A_MINOR.step_from(69, 7), 81);
        assert_eq!(Chord::near(0, 69), 72);
        assert_eq!(Chord::near(9, 60), 57);
    }
}
