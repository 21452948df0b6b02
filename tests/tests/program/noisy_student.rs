//! Noisy students from the command line: they learn from a teacher and clips without labels, and repeat exactly.

use crate::lab::{Lab, check_killed_run, succeed, validations};
use attune_core::run::{History, Scalar, Teaching};
use attune_tests::small_data;
use std::path::PathBuf;

/// A lab with a teacher: a run of three epochs in the workspace `teacher`.
fn with_teacher() -> (Lab, PathBuf) {
    let lab = Lab::new();
    succeed(lab.train("teacher", &["--epochs", "3", "--name", "teacher"]));
    let teacher = lab.run_folder("teacher").unwrap();
    (lab, teacher)
}

fn history(lab: &Lab, workspace: &str) -> History {
    History::open(&lab.run_folder(workspace).unwrap()).unwrap()
}

fn teaching(history: &History) -> Teaching {
    history.teaching().cloned().unwrap()
}

#[test]
fn a_student_learns_from_a_teacher_and_its_log_tells_how() {
    let (lab, teacher) = with_teacher();
    let more = lab.folder.path().join("more");
    small_data::write(&more, 12, 1.5);
    let summary = succeed(lab.train(
        "w",
        &[
            "--epochs",
            "4",
            "--label-fraction",
            "0.25",
            "--teacher",
            teacher.to_str().unwrap(),
            "--unlabelled",
            more.to_str().unwrap(),
        ],
    ));
    assert_eq!(summary["outcome"], "finished");
    let history = history(&lab, "w");
    let told = teaching(&history);
    // 24 training tracks, a quarter with labels; the other set brings its 12 training tracks.
    assert_eq!((told.labelled_tracks, told.unlabelled_tracks), (6, 18 + 12));
    assert_eq!((told.labelled_steps, told.unlabelled_steps), (3, 15));
    assert_eq!(
        told.kind(summary["parameters"].as_u64().unwrap()),
        "knowledge expansion"
    );
    assert_eq!(history.last_step(), 4 * 15, "as long as the longer stream");

    let sum = |step: u64| {
        let value = |scalar| {
            let found = history.series(scalar).iter().find(|(at, _)| *at == step);
            f64::from(found.unwrap().1)
        };
        let parts = value(Scalar::SupervisedLoss) + value(Scalar::SemiSupervisedLoss);
        (value(Scalar::Loss), parts)
    };
    for step in [1, 30, 60] {
        let (loss, parts) = sum(step);
        assert!(
            (loss - parts).abs() < 1e-5,
            "step {step}: {loss} for {parts}"
        );
    }
    let agreements: Vec<f32> = [Scalar::AgreementClean, Scalar::AgreementAugmented]
        .into_iter()
        .flat_map(|scalar| history.series(scalar).iter())
        .map(|(_, value)| value)
        .filter(|value| value.is_finite())
        .collect();
    assert_eq!(agreements.len(), 2 * 6, "every ten steps");
    assert!(agreements.iter().all(|value| value.abs() <= 1.0));

    // The teacher's own validation is that of its run.
    let (loss, _) = history.teacher_scored().unwrap();
    let own = validations(&teacher);
    let best = own.iter().map(|v| v.1).fold(f64::INFINITY, f64::min);
    assert!((loss - best).abs() < 1e-9, "{loss} for {best}");

    let labels = history.pseudo_labels().unwrap();
    assert_eq!(labels.n_clips, 15 * 2, "those of the last epoch");
    assert_eq!(labels.histogram.len(), small_data::TAGS.len());
    for bars in &labels.histogram {
        assert_eq!(u64::from(bars.iter().sum::<u32>()), labels.n_clips);
    }
}

#[test]
fn a_killed_student_ends_with_the_same_numbers_and_needs_its_teachers_run_no_more() {
    let (lab, teacher) = with_teacher();
    let teacher_text = teacher.to_str().unwrap().to_owned();
    let options = [
        "--epochs",
        "5",
        "--label-fraction",
        "0.5",
        "--teacher",
        &teacher_text,
    ];
    check_killed_run(&lab, &options, "adam", || {
        std::fs::remove_dir_all(&teacher).unwrap();
    });
}

#[test]
fn so_does_one_with_everything_beyond_the_paper_that_goes_together() {
    let (lab, teacher) = with_teacher();
    let teacher_text = teacher.to_str().unwrap().to_owned();
    let options = [
        "--epochs",
        "5",
        "--label-fraction",
        "0.5",
        "--teacher",
        &teacher_text,
        "--two-passes",
        "--confidence-weighting",
        "--moving-average",
        "0.9",
        "--semi-weight",
        "0.5",
    ];
    check_killed_run(&lab, &options, "adam", || ());
}

#[test]
fn labels_made_before_training_are_made_once() {
    let (lab, teacher) = with_teacher();
    let options = [
        "--epochs",
        "2",
        "--label-fraction",
        "0.5",
        "--hard-labels",
        "0.5",
        "--precomputed",
        "--teacher",
        teacher.to_str().unwrap(),
    ];
    succeed(lab.train("w", &options));
    let folder = lab.workspace("w").join("cache/pseudo-labels");
    let file = std::fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let first = std::fs::read(&file).unwrap();
    // 12 tracks: a key of 16 bytes and a number a tag.
    assert_eq!(first.len(), 12 * (16 + 4 * small_data::TAGS.len()));
    // As if it had been killed while it wrote.
    std::fs::write(&file, &first[..first.len() - 5]).unwrap();
    succeed(lab.train("w", &options));
    assert_eq!(std::fs::read(&file).unwrap(), first);
}

#[test]
fn each_student_is_the_next_ones_teacher() {
    let (lab, teacher) = with_teacher();
    let students = succeed(lab.train(
        "w",
        &[
            "--epochs",
            "2",
            "--label-fraction",
            "0.5",
            "--iterations",
            "2",
            "--teacher",
            teacher.to_str().unwrap(),
        ],
    ));
    let folder = |i: usize| PathBuf::from(students[i]["folder"].as_str().unwrap());
    let teacher_of = |i: usize| teaching(&History::open(&folder(i)).unwrap()).teacher;
    assert_eq!(students.as_array().unwrap().len(), 2);
    assert_eq!(teacher_of(0), "teacher-1");
    assert_eq!(teacher_of(1), students[0]["id"].as_str().unwrap());
}

#[test]
fn what_cannot_be_taught_is_said_before_anything_is_trained() {
    let (lab, teacher) = with_teacher();
    let teacher = teacher.to_str().unwrap();
    let message = |options: &[&str]| {
        let output = lab.train("w", options).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = message(&["--epochs", "1", "--teacher", teacher]);
    assert!(told.contains("no unlabelled tracks"), "{told}");
    let told = message(&["--teacher", "nobody", "--label-fraction", "0.5"]);
    assert!(told.contains("no such model: nobody"), "{told}");
    let told = message(&["--teacher", "demo", "--label-fraction", "0.5"]);
    assert!(told.contains("does not know 3 of the 3 tags"), "{told}");
    let told = message(&["--teacher", teacher, "--label-fraction", "0.01"]);
    assert!(told.contains("fewer than one batch of 2"), "{told}");
    let told = message(&[
        "--teacher",
        teacher,
        "--label-fraction",
        "0.5",
        "--unlabelled-clips",
        "4",
    ]);
    assert!(told.contains("unlabelled_clips"), "{told}");
    assert!(lab.run_folder("w").is_none(), "no empty folder is left");
    let recipe = lab.folder.path().join("recipe.toml");
    std::fs::write(
        &recipe,
        "[noisy_student]\nteacher = \"x\"\nteached = true\n",
    )
    .unwrap();
    let output = lab.attune("w", &["train"]).arg(&recipe).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("teached"), "{stderr}");
}
