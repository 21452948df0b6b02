//! A run's files, whatever happens to their writer: what was written is what is read, a resumed run reads as one that was
//! never interrupted, and files cut off anywhere read as an earlier state of the run.

use attune_core::metrics::Scores;
use attune_core::run::{Event, History, RunLog, RunSummary, Scalar, Status, StepScalars};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// What a trainer does.
#[derive(Clone, Debug)]
enum Action {
    Train {
        n_steps: u64,
    },
    Validate,
    Flush,
    /// The process dies: the newest rows and the end of the last line are lost, and some columns lose more than others.
    /// It is resumed from a checkpoint some steps back.
    Die {
        lost_bytes: [usize; 3],
        steps_back: u64,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (1u64..60).prop_map(|n_steps| Action::Train { n_steps }),
        3 => Just(Action::Validate),
        1 => Just(Action::Flush),
        1 => (any::<[prop::sample::Index; 3]>(), 0u64..80).prop_map(|(lost, steps_back)| Action::Die {
            lost_bytes: lost.map(|index| index.index(90)),
            steps_back,
        }),
    ]
}

/// What a reader should find.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expected {
    losses: Vec<(u64, f32)>,
    validations: Vec<(u64, f64)>,
}

impl Expected {
    fn of(history: &History) -> Self {
        let validations = history.validations().iter();
        Self {
            losses: history.series(Scalar::Loss).iter().collect(),
            validations: validations.map(|v| (v.step, v.loss)).collect(),
        }
    }

    fn forget_after(&mut self, step: u64) {
        self.losses.retain(|loss| loss.0 <= step);
        self.validations.retain(|validation| validation.0 <= step);
    }

    fn begins_with(&self, other: &Self) -> bool {
        self.losses.starts_with(&other.losses) && self.validations.starts_with(&other.validations)
    }
}

/// Every step's loss is another number, also when a step is trained twice.
fn loss(step: u64, life: u32) -> f32 {
    (step * 16 + u64::from(life)) as f32
}

struct Trainer {
    folder: PathBuf,
    log: Option<RunLog>,
    step: u64,
    life: u32,
    /// All rows in the files, those that no longer count among them.
    rows: Vec<(u64, f32)>,
    expected: Expected,
}

impl Trainer {
    fn start(folder: &Path) -> Self {
        let mut log = RunLog::create(folder, &toml_of("tiny")).unwrap();
        let started = Event::Started {
            name: "test".into(),
            model: "tiny".into(),
            data: "none".into(),
            tags: vec!["guitar".into()],
            n_parameters: 1,
            steps_per_epoch: 10,
            epochs: 100,
            patience_epochs: None,
            version: "0".into(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        Self {
            folder: folder.to_owned(),
            log: Some(log),
            step: 0,
            life: 0,
            rows: Vec::new(),
            expected: Expected::default(),
        }
    }

    fn log(&mut self) -> &mut RunLog {
        self.log.as_mut().unwrap()
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Train { n_steps } => {
                for _ in 0..n_steps {
                    self.step += 1;
                    let (step, loss) = (self.step, loss(self.step, self.life));
                    let row = StepScalars::new(step, 0).with(Scalar::Loss, f64::from(loss));
                    self.log().step(&row).unwrap();
                    self.expected.losses.push((step, loss));
                    self.rows.push((step, loss));
                }
            }
            Action::Validate => {
                let (step, loss) = (self.step, f64::from(loss(self.step, self.life)));
                let event = Event::Validated {
                    loss,
                    scores: Scores::default(),
                    seconds: 0.0,
                    localisation: None,
                };
                self.log().event(step, 0, event).unwrap();
                self.expected.validations.push((step, loss));
            }
            Action::Flush => self.log().flush().unwrap(),
            Action::Die {
                lost_bytes,
                steps_back,
            } => {
                self.log = None;
                let n_rows = cut_scalars(&self.folder, lost_bytes);
                self.rows.truncate(n_rows as usize);
                let rows = &self.rows;
                self.expected.losses.retain(|row| rows.contains(row));
                self.step = self.step.saturating_sub(steps_back);
                self.life += 1;
                self.expected.forget_after(self.step);
                self.log = Some(RunLog::resume(&self.folder, self.step, 0).unwrap());
            }
        }
    }
}

/// Cuts the last bytes off three columns; gives the number of rows that stand in every column.
fn cut_scalars(folder: &Path, lost_bytes: [usize; 3]) -> u64 {
    let scalars = folder.join("scalars");
    let mut n_rows = std::fs::metadata(scalars.join("at_unix_ms.u64"))
        .unwrap()
        .len()
        / 8;
    for (name, width, lost) in [
        ("step.u64", 8, lost_bytes[0]),
        ("loss.f32", 4, lost_bytes[1]),
        ("learning_rate.f32", 4, lost_bytes[2]),
    ] {
        let left = cut(&scalars.join(name), |len| len.saturating_sub(lost));
        n_rows = n_rows.min((left / width) as u64);
    }
    n_rows
}

fn cut(path: &Path, to: impl Fn(usize) -> usize) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let left = to(bytes.len());
    std::fs::write(path, &bytes[..left]).unwrap();
    left
}

fn toml_of(model: &str) -> std::collections::BTreeMap<String, String> {
    [("model".to_owned(), model.to_owned())].into()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = [folder.to_owned(), folder.join("scalars")]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_reads_as_it_was_written_however_often_it_died(actions in prop::collection::vec(action(), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        let mut trainer = Trainer::start(folder.path());
        let mut follower = History::open(folder.path()).unwrap();
        for action in &actions {
            trainer.act(action);
            trainer.log().flush().unwrap();
            follower.refresh().unwrap();
            prop_assert_eq!(&Expected::of(&follower), &trainer.expected, "followed, after {:?}", action);
            prop_assert_eq!(follower.status(), Status::Running);
        }
        trainer.log = None;
        let history = History::open(folder.path()).unwrap();
        prop_assert_eq!(&Expected::of(&history), &trainer.expected);
        prop_assert_eq!(history.status(), Status::Interrupted);
        prop_assert_eq!(history.n_bad_lines(), 0);
    }

    #[test]
    fn files_cut_off_anywhere_read_as_an_earlier_state(
        actions in prop::collection::vec(action(), 1..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 20),
        dies in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut trainer = Trainer::start(folder.path());
        for action in &actions {
            if dies || !matches!(action, Action::Die { .. }) {
                trainer.act(action);
            }
        }
        trainer.log = None;
        let mut follower = History::open(folder.path()).unwrap();
        for (path, at) in files(folder.path()).iter().zip(&cuts) {
            cut(path, |len| at.index(len + 1));
        }
        let history = History::open(folder.path()).unwrap();
        let found = Expected::of(&history);
        prop_assert!(found.losses.is_sorted_by(|a, b| a.0 < b.0), "{:?}", found);
        if trainer.life == 0 {
            prop_assert!(trainer.expected.begins_with(&found), "{:?} of {:?}", found, trainer.expected);
        }
        let summary = RunSummary::read(folder.path()).unwrap();
        prop_assert_eq!(summary.best_loss, history.best().map(|best| best.loss));
        follower.refresh().unwrap();
        prop_assert_eq!(&Expected::of(&follower), &found, "a follower notices that files were cut");
        // The next writer cleans up and goes on.
        let mut log = RunLog::resume(folder.path(), trainer.step, 0).unwrap();
        log.step(&StepScalars::new(trainer.step + 1, 0).with(Scalar::Loss, 0.5)).unwrap();
        log.event(trainer.step + 1, 0, Event::Finished).unwrap();
        let history = History::open(folder.path()).unwrap();
        prop_assert_eq!(history.series(Scalar::Loss).last(), Some((trainer.step + 1, 0.5)));
        prop_assert_eq!(history.status(), Status::Finished);
    }
}

#[test]
fn a_run_tells_how_it_ended() {
    for (event, status) in [
        (Event::Paused, Status::Paused),
        (Event::Finished, Status::Finished),
        (Event::Stopped, Status::Stopped),
        (Event::EarlyStopped { best_epoch: 0 }, Status::EarlyStopped),
        (
            Event::Failed {
                message: "the loss is NaN".into(),
            },
            Status::Failed,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut trainer = Trainer::start(folder.path());
        trainer.act(&Action::Train { n_steps: 3 });
        trainer.log().event(3, 0, event).unwrap();
        let history = History::open(folder.path()).unwrap();
        assert_eq!(history.status(), status);
        assert_eq!(history.last_step(), 3);
    }
}

#[test]
fn a_run_says_what_is_needed_to_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::start(folder.path());
    let history = History::open(folder.path()).unwrap();
    let model = history.run_toml().unwrap().get("model").unwrap();
    assert_eq!(model.as_str(), Some("tiny"));
    assert_eq!(history.tags(), ["guitar"]);
    drop(trainer);
}

#[test]
fn another_run_in_the_same_folder_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut first = Trainer::start(&run);
    first.act(&Action::Train { n_steps: 5 });
    drop(first);
    let mut history = History::open(&run).unwrap();
    std::fs::remove_dir_all(&run).unwrap();
    // Events are told apart by their time.
    std::thread::sleep(std::time::Duration::from_millis(2));
    let mut second = Trainer::start(&run);
    second.life = 7;
    second.act(&Action::Train { n_steps: 50 });
    second.log().flush().unwrap();
    assert!(history.refresh().unwrap());
    assert_eq!(Expected::of(&history), second.expected);
}

#[test]
fn steps_of_a_resumed_run_count_also_when_they_are_seen_before_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::start(folder.path());
    trainer.act(&Action::Train { n_steps: 10 });
    trainer.log().flush().unwrap();
    let events = folder.path().join("events.jsonl");
    let before = std::fs::read(&events).unwrap();
    trainer.act(&Action::Die {
        lost_bytes: [0; 3],
        steps_back: 5,
    });
    trainer.act(&Action::Train { n_steps: 3 });
    trainer.log().flush().unwrap();
    let after = std::fs::read(&events).unwrap();
    // A file system may show the files' growth in any order.
    std::fs::write(&events, before).unwrap();
    let mut history = History::open(folder.path()).unwrap();
    assert_eq!(Expected::of(&history), trainer.expected);
    std::fs::write(&events, after).unwrap();
    history.refresh().unwrap();
    assert_eq!(Expected::of(&history), trainer.expected);
}
