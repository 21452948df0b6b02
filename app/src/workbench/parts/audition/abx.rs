//! A blind test (ABX): A and B are known, X is secretly one of them; whoever hears a difference can say which.
//!
//! Clark, "High-resolution subjective testing using a double-blind comparator", JAES 30 (5), 1982. Who hears none guesses right half of the
//! time: the score's p-value is the chance of guessing as well or better, P(K ≥ k) of a binomial distribution with p = 1/2.

use super::listen::{self, PLACES};
use crate::playback::Track;
use crate::workbench::{CommandSender, Level, Notice, State as Whole};
use attune_core::rng::{Address, Purpose};
use std::time::{SystemTime, UNIX_EPOCH};

/// Trials of a test at most.
pub const MAX_TRIALS: usize = 100;

/// What can be heard in a test, in the order of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in any ABX test")]
pub enum Sound {
    A,
    B,
    X,
}

impl Sound {
    /// All three.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::X];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::X => "X",
        }
    }
}

/// What X is, or is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in any ABX test")]
pub enum Answer {
    A,
    B,
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// A trial that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trial {
    x: Answer,
    answer: Answer,
}

/// How many answers were right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Right answers.
    pub n_right: usize,
    /// Answers.
    pub n: usize,
    /// The chance of so many or more right answers by guessing.
    pub p: f64,
}

/// A test: what X is in each trial, and what was answered. An answer stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Abx {
    /// Names of A and B.
    pub names: [String; 2],
    n_trials: usize,
    seed: u64,
    trials: Vec<Trial>,
    /// After so many answers the score was looked at before the end.
    looked_after: Option<usize>,
}

impl Abx {
    /// A test of `n_trials` (1 to [`MAX_TRIALS`]); the seed decides what X is in each.
    pub fn new(names: [String; 2], n_trials: usize, seed: u64) -> Self {
        Self {
            names,
            n_trials: n_trials.clamp(1, MAX_TRIALS),
            seed,
            trials: Vec::new(),
            looked_after: None,
        }
    }

    /// Trials in all.
    pub fn n_trials(&self) -> usize {
        self.n_trials
    }

    /// Trials that were answered.
    pub fn n_answered(&self) -> usize {
        self.trials.len()
    }

    /// Whether all trials were answered.
    pub fn is_finished(&self) -> bool {
        self.trials.len() >= self.n_trials
    }

    /// What X is in the present trial. Not for the eyes of whoever listens.
    fn x(&self) -> Answer {
        let address = Address::new(self.seed, Purpose::Check, self.trials.len() as u64);
        if address.stream().chance(0.5) {
            Answer::A
        } else {
            Answer::B
        }
    }

    /// Answers the present trial; nothing once the test is finished.
    pub fn answer(&mut self, answer: Answer) {
        if !self.is_finished() {
            let x = self.x();
            self.trials.push(Trial { x, answer });
        }
    }

    /// Looks at the score before the end, which is noted: who stops when it looks good proves less.
    pub fn look(&mut self) {
        if !self.is_finished() {
            self.looked_after.get_or_insert(self.trials.len());
        }
    }

    /// The score: hidden (`None`) until the test is finished or the score was asked for.
    pub fn score(&self) -> Option<Score> {
        if !self.is_finished() && self.looked_after.is_none() {
            return None;
        }
        let right = self.trials.iter().filter(|trial| trial.x == trial.answer);
        let (n_right, n) = (right.count(), self.trials.len());
        let p = chance_of_guessing(n_right, n);
        Some(Score { n_right, n, p })
    }

    /// The result in a sentence, once it may be seen.
    pub fn result(&self) -> Option<String> {
        let Score { n_right, n, p } = self.score()?;
        let mut text = format!("{n_right} of {n}, p = {p:.3} that this is chance");
        if let Some(after) = self.looked_after {
            text.push_str(&format!(" (score seen after {after} answers)"));
        }
        Some(text)
    }

    /// The trials as a table, once the score may be seen: CSV with a line for each and the result as a comment before them.
    pub fn csv(&self) -> Option<String> {
        let [a, b] = &self.names;
        let mut text = format!(
            "# A: {a}; B: {b}; {}\ntrial,x,answer,right\n",
            self.result()?
        );
        for (i, Trial { x, answer }) in self.trials.iter().enumerate() {
            let right = u8::from(x == answer);
            text.push_str(&format!(
                "{},{},{},{right}\n",
                i + 1,
                x.name(),
                answer.name()
            ));
        }
        Some(text)
    }
}

/// P(K ≥ `n_right`) of `n` answers that are right with probability 1/2.
fn chance_of_guessing(n_right: usize, n: usize) -> f64 {
    // C(n, k) / 2^n, from k = 0 on.
    let mut of_k = 0.5_f64.powi(n as i32);
    let mut sum = 0.0;
    for k in 0..=n {
        if k >= n_right {
            sum += of_k;
        }
        of_k *= (n - k) as f64 / (k + 1) as f64;
    }
    sum.min(1.0)
}

/// A test with its sounds, which stay as they were when it began.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) abx: Abx,
    track: Track,
}

impl Running {
    /// A, B, and the present X, which is called X and nothing else.
    fn sounds(&self) -> Track {
        let mut track = self.track.clone();
        let x = match self.abx.x() {
            Answer::A => 0,
            Answer::B => 1,
        };
        let mut variant = track.variants[x].clone();
        Sound::X.name().clone_into(&mut variant.name);
        track.variants.push(variant);
        track
    }
}

/// What the blind test's view can ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Begin a test of two places (see [`PLACES`]).
    Start {
        /// Which is A, and which is B.
        places: [usize; 2],
        /// Number of trials.
        n_trials: usize,
    },
    /// Hear one of the three from the same position.
    Hear(Sound),
    /// Say what X is.
    Say(Answer),
    /// Show the score before the end.
    Look,
    /// End the test and forget it.
    End,
}

/// Carries out a command, between frames.
pub(super) fn run(command: Command, state: &mut Whole, sender: &CommandSender) {
    match command {
        Command::Start { places, n_trials } => start(state, places, n_trials, sender),
        Command::Hear(sound) => {
            if state.audition.heard_in_test(&state.player).is_some() {
                state.player.select_variant(sound as usize);
                state.player.play();
            } else if let Some(test) = &state.audition.listening.test {
                let track = test.sounds();
                listen::load_test(state, track);
                state.player.select_variant(sound as usize);
            }
        }
        Command::Say(answer) => {
            let is_loaded = state.audition.heard_in_test(&state.player).is_some();
            let Some(test) = &mut state.audition.listening.test else {
                return;
            };
            test.abx.answer(answer);
            if is_loaded && !test.abx.is_finished() {
                // Whoever hears X while it is exchanged would hear whether it has changed.
                state.player.select_variant(0);
                state.player.exchange(test.sounds());
            }
        }
        Command::Look => {
            if let Some(test) = &mut state.audition.listening.test {
                test.abx.look();
            }
        }
        Command::End => {
            if state.audition.heard_in_test(&state.player).is_some() {
                listen::listen(state, 0, sender);
            }
            state.audition.listening.test = None;
        }
    }
}

fn start(state: &mut Whole, places: [usize; 2], n_trials: usize, sender: &CommandSender) {
    let matches_loudness = !state.selection.levels_as_they_are;
    let Some(pair) = state.audition.pair(places, matches_loudness) else {
        let sentence = "Choose two variants that are there: open a song, and keep draws to compare more than two.";
        sender.send(Notice::new(Level::Info, sentence));
        return;
    };
    let track = Track::new("Blind test", pair.into());
    // Nobody is to know what comes: the time in nanoseconds is as good a die as any.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.map_or(0, |now| now.as_nanos() as u64);
    let names = places.map(|place| PLACES[place].to_owned());
    let test = Running {
        abx: Abx::new(names, n_trials, seed),
        track,
    };
    let sounds = test.sounds();
    state.audition.listening.test = Some(test);
    listen::load_test(state, sounds);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(n_trials: usize) -> Abx {
        Abx::new(["Original".to_owned(), "Augmented".to_owned()], n_trials, 7)
    }

    fn other(answer: Answer) -> Answer {
        match answer {
            Answer::A => Answer::B,
            Answer::B => Answer::A,
        }
    }

    #[test]
    fn the_p_value_is_the_binomial_tail() {
        // Tables of the ABX test: 12 of 16, 9 of 10, 8 of 16.
        for (n_right, n, p) in [
            (12, 16, 0.0384),
            (9, 10, 0.0107),
            (8, 16, 0.5982),
            (0, 5, 1.0),
            (5, 5, 0.03125),
            (0, 0, 1.0),
            (60, 100, 0.0284),
        ] {
            let found = chance_of_guessing(n_right, n);
            assert!((found - p).abs() < 5e-5, "{n_right} of {n}: {found}");
        }
    }

    #[test]
    fn the_score_is_hidden_until_the_end() {
        let mut abx = test(16);
        for i in 0..16 {
            assert_eq!(
                (abx.score(), abx.result(), abx.csv()),
                (None, None, None),
                "{i}"
            );
            let x = abx.x();
            abx.answer(if i < 12 { x } else { other(x) });
        }
        assert!(abx.is_finished());
        assert_eq!(
            abx.result().as_deref(),
            Some("12 of 16, p = 0.038 that this is chance")
        );
        abx.answer(Answer::A);
        assert_eq!(abx.n_answered(), 16, "no answer after the end");
    }

    #[test]
    fn who_looks_early_is_told_so_in_the_result() {
        let mut abx = test(8);
        for _ in 0..3 {
            abx.answer(abx.x());
        }
        abx.look();
        assert_eq!(
            abx.result().as_deref(),
            Some("3 of 3, p = 0.125 that this is chance (score seen after 3 answers)")
        );
        while !abx.is_finished() {
            abx.answer(abx.x());
        }
        let result = abx.result().unwrap();
        assert!(result.starts_with("8 of 8, p = 0.004"), "{result}");
        assert!(result.contains("seen after 3"), "{result}");
    }

    #[test]
    fn x_is_either_about_equally_often_and_not_in_turn() {
        let mut n_a = 0;
        let mut n_changes = 0;
        for seed in 0..100 {
            let mut abx = Abx::new(Default::default(), 20, seed);
            let mut before = None;
            while !abx.is_finished() {
                let x = abx.x();
                n_a += usize::from(x == Answer::A);
                n_changes += usize::from(before.is_some_and(|before| before != x));
                before = Some(x);
                abx.answer(Answer::A);
            }
        }
        assert!((900..1100).contains(&n_a), "{n_a} of 2000");
        assert!((850..1050).contains(&n_changes), "{n_changes} of 1900");
    }

    #[test]
    fn the_table_has_a_line_for_each_trial() {
        let mut abx = test(2);
        let first = abx.x();
        abx.answer(first);
        let second = abx.x();
        abx.answer(other(second));
        let csv = abx.csv().unwrap();
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(
            lines[0],
            "# A: Original; B: Augmented; 1 of 2, p = 0.750 that this is chance"
        );
        assert_eq!(lines[1], "trial,x,answer,right");
        assert_eq!(lines[2], format!("1,{0},{0},1", first.name()));
        assert_eq!(
            lines[3],
            format!("2,{},{},0", second.name(), other(second).name())
        );
    }
}
