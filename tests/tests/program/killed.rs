//! A run that is killed again and again, at any moment: whoever reads its folder finds a run, and in the end it is the run that was never
//! killed, bit for bit.

use crate::lab::{Lab, assert_same_run, check_readable, succeed, wait_until};
use attune_core::rng::{Address, Purpose};
use attune_core::run::{History, Scalar};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

const OPTIONS: [&str; 7] = [
    "--epochs",
    "12",
    "--patience",
    "0",
    "--augment",
    "reference",
    "--snapshots",
];

/// Kills a run at the moment that `when` chooses; gives whether it had ended before.
fn kill(child: &mut Child, follower: &mut History, when: impl Fn(&History) -> bool) -> bool {
    let ended = loop {
        if child.try_wait().unwrap().is_some() {
            break true;
        }
        if when(follower) {
            break false;
        }
        follower.refresh().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

fn is_writing_a_checkpoint(run: &Path) -> bool {
    let files = std::fs::read_dir(run.join("checkpoints"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| file.path().extension().is_some_and(|end| end == "part"))
}

fn losses(history: &History) -> Vec<(u64, u32)> {
    let losses = history.series(Scalar::Loss).iter();
    losses.map(|(step, loss)| (step, loss.to_bits())).collect()
}

/// Steps of the run that is never killed.
fn lab_steps(lab: &Lab) -> u64 {
    let whole = lab.run_folder("whole").unwrap();
    History::open(&whole).unwrap().last_step()
}

#[test]
fn a_run_killed_at_any_moments_can_be_read_at_each_and_ends_as_one_never_killed() {
    let lab = Lab::new();
    succeed(lab.train("whole", &OPTIONS));
    let mut child = lab.train("killed", &OPTIONS).spawn().unwrap();
    wait_until(&lab, "killed", &mut child, |history| {
        history.last_step() > 0
    });
    let run = lab.run_folder("killed").unwrap();
    let mut follower = History::open(&run).unwrap();
    let mut draws = Address::new(20_261_123, Purpose::Check, 0).stream();
    let n_steps = lab_steps(&lab);
    let mut n_kills = 0;
    for nth in 0..14 {
        // By how far it has come, not by the clock, which says something else on each machine: from before it has taken the lock to two epochs
        // later; each third time in the middle of a checkpoint.
        let from = follower.last_step();
        let reach = draws.range(0.0, n_steps as f32 / 6.0) as u64;
        let ended = kill(&mut child, &mut follower, |history| {
            let is_there = history.last_step() >= from + reach || nth % 5 == 1;
            is_there || (nth % 3 == 0 && is_writing_a_checkpoint(&run))
        });
        n_kills += usize::from(!ended);
        check_readable(&lab, "killed", &run);
        follower.refresh().unwrap();
        assert_eq!(
            losses(&follower),
            losses(&History::open(&run).unwrap()),
            "who followed the run sees what it is"
        );
        if ended {
            break;
        }
        let mut resume = lab.attune("killed", &["train", "--json", "--resume"]);
        child = resume.arg(&run).spawn().unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        n_kills > 0,
        "the first kill comes within the first two of twelve epochs"
    );
    let mut resume = lab.attune("killed", &["train", "--json", "--resume"]);
    resume.arg(&run);
    assert_eq!(succeed(resume)["outcome"], "finished");
    assert_same_run(&run, &lab.run_folder("whole").unwrap());
    let unfinished = std::fs::read_dir(run.join("checkpoints")).unwrap();
    let unfinished: Vec<_> = unfinished
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");
}
