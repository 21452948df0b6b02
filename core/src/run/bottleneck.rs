//! In words: where the time of a run's steps goes, and whether the loader holds the training up.

use super::step_time::{LoaderTime, Phase, StepTime};
use super::{Event, History, LoaderTimes, SystemLog};
use serde::Serialize;

/// The newest steps that are judged.
const STEPS: usize = 100;
/// Fewer say nothing: the first wait for the first batches to be made.
const FEWEST_STEPS: u64 = 20;
/// From this share of the time on that is spent waiting for data, the loader is the bottleneck: without it, a run of a day would end
/// nearly five hours earlier.
const SLOW: f64 = 0.2;
/// From this share on it is worth a word.
const NOTICEABLE: f64 = 0.05;
/// From this share of busy cores on, more threads find no core to run on.
const NO_CORE_FREE: f64 = 0.95;
/// A teacher that takes more than this share is worth a word.
const COSTLY_TEACHER: f64 = 0.35;
/// The machine is judged by its last seconds.
const LATELY_SECONDS: f64 = 60.0;

/// How much the steps wait for the loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loader {
    /// The next batch lies ready, as a rule.
    KeepsUp,
    /// Now and then there is none: from 5 % of the time on.
    FallsBehind,
    /// It holds the training up: from 20 % of the time on.
    IsTheBottleneck,
}

/// Where the time of the newest steps goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// The time of these steps.
    pub time: StepTime,
    /// Whether they wait for the loader.
    pub loader: Loader,
    /// Where the time goes, in a sentence: `A step takes 134 ms: backward 61 %, forward 30 %, …`
    pub phases: String,
    /// What holds the training up and what can be done about it, in words; or that nothing does.
    pub verdict: String,
}

/// What is known beside the steps themselves.
#[derive(Clone, Copy, Debug, Default)]
struct Surroundings<'a> {
    /// What the loader's threads were busy with lately.
    loader: Option<&'a LoaderTimes>,
    /// Share of the cores that the run may use that were busy lately, 0 to 1.
    busy_share: Option<f64>,
}

impl Bottleneck {
    /// Of the newest steps of a run; `None` before there are enough. `system` is what is known of its machine.
    pub fn of(history: &History, system: &SystemLog) -> Option<Self> {
        let told = history.events().iter().rev();
        let loader = told
            .map(|record| &record.event)
            .find_map(|event| match event {
                Event::LoaderTimed(times) => Some(times),
                _ => None,
            });
        let surroundings = Surroundings {
            loader,
            busy_share: system.busy_share(LATELY_SECONDS),
        };
        Self::judge(StepTime::of_newest(history, STEPS), surroundings)
    }

    /// Judges the time of some steps; `None` if there are too few.
    fn judge(time: StepTime, surroundings: Surroundings<'_>) -> Option<Self> {
        if time.n_steps < FEWEST_STEPS || time.seconds() <= 0.0 {
            return None;
        }
        let waiting = time.share(Phase::Waiting);
        let loader = match waiting {
            share if share >= SLOW => Loader::IsTheBottleneck,
            share if share >= NOTICEABLE => Loader::FallsBehind,
            _ => Loader::KeepsUp,
        };
        let mut verdict = match loader {
            Loader::IsTheBottleneck => format!(
                "The loader is the bottleneck: {} of each step ({} of {}) waits for data.",
                percent(waiting),
                time_text(time.of(Phase::Waiting)),
                time_text(time.seconds())
            ),
            Loader::FallsBehind => format!(
                "The loader falls behind now and then: {} of the time waits for data.",
                percent(waiting)
            ),
            Loader::KeepsUp => "The loader keeps up.".to_owned(),
        };
        if loader != Loader::KeepsUp {
            for sentence in about_loader(&time, surroundings) {
                verdict.push(' ');
                verdict.push_str(&sentence);
            }
        }
        let teacher = time.share(Phase::Teacher);
        if teacher > COSTLY_TEACHER {
            verdict.push_str(&format!(
                " The teacher takes {} of the time: pseudo-labels that are made before training (`precomputed`) cost nothing in a step.",
                percent(teacher)
            ));
        }
        Some(Self {
            phases: phases_text(&time),
            time,
            loader,
            verdict,
        })
    }

    /// Where the time goes and what holds it up, in one text.
    pub fn words(&self) -> String {
        format!("{} {}", self.phases, self.verdict)
    }
}

/// `A step takes 134 ms: backward 61 %, forward 30 %, …`, the greatest first, without those that round to nothing.
fn phases_text(time: &StepTime) -> String {
    let mut phases: Vec<(Phase, f64)> = Phase::ALL
        .into_iter()
        .map(|phase| (phase, time.share(phase)))
        .filter(|(_, share)| *share >= 0.005)
        .collect();
    phases.sort_by(|one, other| other.1.total_cmp(&one.1));
    let phases: Vec<String> = phases
        .into_iter()
        .map(|(phase, share)| {
            let label = match phase {
                Phase::Other if time.n_detailed == 0 => "training (not measured apart)",
                _ => phase.label(),
            };
            format!("{label} {}", percent(share))
        })
        .collect();
    let seconds = time_text(time.seconds());
    format!("A step takes {seconds}: {}.", phases.join(", "))
}

/// What the loader's threads are busy with, and what can be done.
fn about_loader(time: &StepTime, surroundings: Surroundings<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut advice = Vec::new();
    let threads = surroundings.loader.map(|times| times.threads);
    let no_core_free = surroundings
        .busy_share
        .is_some_and(|share| share >= NO_CORE_FREE);
    if no_core_free {
        sentences.push(
            "All cores that it may use are busy, so that more loader threads would only take time from the training."
                .to_owned(),
        );
    } else {
        advice.push(match threads {
            Some(1) => "more loader threads (`--loader-threads`; it has 1)".to_owned(),
            Some(n) => format!("more loader threads (`--loader-threads`; it has {n})"),
            None => "more loader threads (`--loader-threads`)".to_owned(),
        });
    }
    let Some(greatest) = time.loader().and_then(Work::greatest_of) else {
        sentences.extend(tried(&advice));
        return sentences;
    };
    let (work, share) = greatest;
    let most = format!(
        "{} takes most of the loader's time ({}",
        work.label(),
        percent(share)
    );
    match work {
        Work::Reading => {
            sentences.push(most + ").");
            advice.push(
                "a faster disk for the workspace's `cache/`, or more memory to keep it in"
                    .to_owned(),
            );
        }
        Work::Augmentation => {
            let dearest = surroundings.loader.and_then(dearest_effect);
            sentences.push(match dearest {
                Some((effect, share)) => {
                    advice.push(format!("fewer or cheaper effects than {effect}"));
                    format!("{most}), {} of it {effect}.", percent(share))
                }
                None => {
                    advice.push("fewer or cheaper effects".to_owned());
                    most + ")."
                }
            });
        }
        Work::Features => {
            sentences.push(most + ").");
            if no_core_free {
                advice.push("a network that takes in less, or a larger machine".to_owned());
            }
        }
    }
    sentences.extend(tried(&advice));
    sentences
}

fn tried(advice: &[String]) -> Option<String> {
    (!advice.is_empty()).then(|| format!("Try {}.", advice.join("; ")))
}

/// What a loader's thread does for a clip.
#[derive(Clone, Copy)]
enum Work {
    Reading,
    Augmentation,
    Features,
}

impl Work {
    fn label(self) -> &'static str {
        match self {
            Self::Reading => "Reading",
            Self::Augmentation => "Augmentation",
            Self::Features => "Computing features",
        }
    }

    /// What takes longest, and its share.
    fn greatest_of(time: LoaderTime) -> Option<(Self, f64)> {
        let parts = [
            (Self::Reading, time.reading_seconds),
            (Self::Augmentation, time.augmenting_seconds),
            (Self::Features, time.features_seconds),
        ];
        let all: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
        let greatest = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        greatest
            .filter(|_| all > 0.0)
            .map(|(work, seconds)| (work, seconds / all))
    }
}

/// The effect that takes longest, and its share of augmenting.
fn dearest_effect(times: &LoaderTimes) -> Option<(&str, f64)> {
    let effects = times.effects.iter();
    let (name, seconds) = effects.max_by(|one, other| one.1.total_cmp(other.1))?;
    let share = seconds / times.augmenting_seconds;
    (share.is_finite() && share > 0.0).then_some((name, share))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn time_text(seconds: f64) -> String {
    match seconds {
        s if s < 0.00995 => format!("{:.1} ms", s * 1e3),
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunLog, Scalar, StepScalars};
    use proptest::prelude::*;

    /// Forty steps of 100 ms of which so much waits and so much is the teacher's, and what the loader does for one in seconds.
    fn time(waiting: f64, teacher: f64, loader: [f64; 3]) -> StepTime {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        for step in 1..=40 {
            let row = StepScalars::new(step, 0)
                .with(Scalar::StepSeconds, 0.1)
                .with(Scalar::LoaderWait, waiting * 0.1)
                .with(Scalar::TeacherSeconds, teacher * 0.1)
                .with(Scalar::ForwardSeconds, (1.0 - waiting - teacher) * 0.03)
                .with(Scalar::BackwardSeconds, (1.0 - waiting - teacher) * 0.06)
                .with(Scalar::OptimizerSeconds, 0.0)
                .with(Scalar::LoaderReading, loader[0])
                .with(Scalar::LoaderAugmenting, loader[1])
                .with(Scalar::LoaderFeatures, loader[2]);
            log.step(&row).unwrap();
        }
        log.flush().unwrap();
        StepTime::of_newest(&History::open(folder.path()).unwrap(), STEPS)
    }

    fn times() -> LoaderTimes {
        LoaderTimes {
            threads: 1,
            clips: 100,
            augmenting_seconds: 2.0,
            effects: [("gain".to_owned(), 0.1), ("reverb".to_owned(), 1.2)].into(),
            ..LoaderTimes::default()
        }
    }

    fn words(time: StepTime, surroundings: Surroundings<'_>) -> (Loader, String) {
        let found = Bottleneck::judge(time, surroundings).unwrap();
        (found.loader, found.words())
    }

    #[test]
    fn a_slow_loader_is_named_with_what_takes_its_time_and_what_helps() {
        let times = times();
        let surroundings = Surroundings {
            loader: Some(&times),
            busy_share: Some(0.6),
        };
        let (loader, words) = words(time(0.43, 0.0, [0.01, 0.07, 0.02]), surroundings);
        assert_eq!(loader, Loader::IsTheBottleneck);
        assert_eq!(
            words,
            "A step takes 100 ms: waiting for data 43 %, backward 34 %, forward 17 %, other 6 %. \
             The loader is the bottleneck: 43 % of each step (43 ms of 100 ms) waits for data. \
             Augmentation takes most of the loader's time (70 %), 60 % of it reverb. \
             Try more loader threads (`--loader-threads`; it has 1); fewer or cheaper effects than reverb."
        );
    }

    #[test]
    fn where_no_core_is_free_more_threads_are_no_advice() {
        let busy = Surroundings {
            busy_share: Some(0.99),
            ..Surroundings::default()
        };
        let (_, told) = words(time(0.3, 0.0, [0.0, 0.0, 0.05]), busy);
        assert!(
            told.contains("All cores that it may use are busy"),
            "{told}"
        );
        assert!(!told.contains("Try more loader threads"), "{told}");
        let (_, told) = words(time(0.3, 0.0, [0.09, 0.01, 0.0]), Surroundings::default());
        assert!(told.contains("faster disk"), "{told}");
    }

    #[test]
    fn a_loader_that_keeps_up_is_not_complained_of_and_a_costly_teacher_is_told() {
        let (loader, told) = words(time(0.01, 0.0, [0.0; 3]), Surroundings::default());
        assert_eq!(loader, Loader::KeepsUp);
        assert!(told.ends_with("The loader keeps up."), "{told}");
        let (loader, told) = words(time(0.1, 0.5, [0.0; 3]), Surroundings::default());
        assert_eq!(loader, Loader::FallsBehind);
        assert!(told.contains("teacher takes 50 %"), "{told}");
    }

    #[test]
    fn too_few_steps_are_not_judged() {
        assert_eq!(
            Bottleneck::judge(StepTime::default(), Surroundings::default()),
            None
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_are_whole_and_the_verdict_follows_the_waiting(waiting in 0.0f64..=1.0, other in 0.0f64..=1.0) {
            let time = time(waiting, (1.0 - waiting) * other, [0.01, 0.02, 0.03]);
            let shares = Phase::ALL.map(|phase| time.share(phase));
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{:?}", shares);
            let sum: f64 = Phase::ALL.map(|phase| time.of(phase)).iter().sum();
            prop_assert!((sum - time.seconds()).abs() < 1e-9);
            let found = Bottleneck::judge(time, Surroundings::default()).unwrap();
            let share = time.share(Phase::Waiting);
            prop_assert_eq!(found.loader == Loader::IsTheBottleneck, share >= SLOW);
            prop_assert_eq!(found.loader == Loader::KeepsUp, share < NOTICEABLE);
            prop_assert_eq!(found.verdict.contains("bottleneck"), share >= SLOW);
        }
    }
}
