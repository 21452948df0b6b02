//! The doctor's view: a data set with prepared faults is examined, its findings filtered, heard at their places, and exported.

use attune::workbench::Command;
use attune::workbench::parts::doctor;
use attune::workbench::parts::library::export_stem;
use attune_core::dataset::doctor::Report;
use attune_core::dataset::{Check, Severity};
use attune_tests::faults;
use attune_tests::window::Window;

#[test]
fn faults_are_found_heard_at_their_place_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("set");
    faults::write(&data);
    let home = folder.path().join("home");
    let mut window = Window::open(&home);
    window.send(Command::Open(data.clone()));
    window.wait("the tracks", |window| window.shows("Track c00"));
    window.click("Doctor");
    window.frames(5);
    assert!(window.shows("Examine this data set"));
    window.picture("doctor_before");
    window.click("Examine");
    window.wait("the progress", |window| {
        window.shows("Stop") || window.shows("Examine again")
    });
    window.wait("the report", |window| {
        window.state().doctor.report(&data).is_some()
    });
    window.frames(5);
    let report = window.state().doctor.report(&data).unwrap().clone();
    assert_eq!(report.count(Severity::Error), 8, "{:#?}", report.by_check());
    assert!(window.shows("8 errors") && window.shows("unreadable") && window.shows("artist-leak"));
    window.picture("doctor_findings");

    window.click("Filter by check");
    window.frames(2);
    window.click("silent (3)");
    window.frames(3);
    assert!(window.shows("silent") && !window.shows("unreadable"));
    // The loop begins two seconds before the silence.
    window.click("Hear f-fades of silent");
    window.wait("the file", |window| {
        let song = window.state().song.current();
        song.is_some_and(|song| song.heard.path.ends_with("f-fades.wav"))
    });
    window.wait("playing", |window| {
        window.state().player.state() == attune::playback::State::Playing
    });
    let at = window.state().player.position_secs();
    assert!((0.5..2.0).contains(&at), "from {at} s on");
    assert_eq!(window.state().selection.track.as_deref(), Some("f-fades"));
    window.picture("doctor_heard");

    // A copy is heard beside its original.
    window.click("Filter by check");
    window.frames(2);
    window.picture("doctor_checks");
    window.click("duplicate-audio (8)");
    window.frames(3);
    window.picture("doctor_copies");
    let entries = &report.entries;
    let copies = entries
        .iter()
        .find(|entry| entry.finding.check == Check::DuplicateAudio);
    let copy = copies.unwrap().sounds[1].clone();
    window.click(&format!("Hear {} of duplicate-audio", copy.track));
    window.wait("the copy", |window| {
        let song = window.state().song.current();
        song.is_some_and(|song| song.heard.path == copy.path)
    });

    window.click("Export");
    let stem = export_stem("set", &data);
    let file = home.join(format!("exports/{stem} check.json"));
    window.wait("the file", |window| {
        let notices = &window.state().notices;
        notices
            .iter()
            .any(|(_, notice)| notice.text.contains("rules.toml"))
    });
    assert_eq!(Report::read(&file).unwrap(), *report);
    assert!(home.join(format!("exports/{stem} rules.toml")).is_file());

    // What was heard is known: the second look is a matter of the annotations.
    std::fs::remove_file(data.join("audio/f-silent.wav")).unwrap();
    window.send(Command::Doctor(doctor::Command::Examine));
    window.wait("the second report", |window| {
        let report = window.state().doctor.report(&data);
        report.is_some_and(|report| report.files.n_decoded == 0)
    });
    let report = window.state().doctor.report(&data).unwrap();
    let silent = report
        .entries
        .iter()
        .filter(|entry| entry.finding.check == Check::Silent);
    assert_eq!(silent.count(), 2);
}

#[test]
fn findings_are_shown_while_other_files_are_heard_and_stay_when_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("set");
    attune_tests::small_data::write(&data, 1200, 1.0);
    for number in 0..40 {
        std::fs::write(data.join(format!("audio/x{number:03}.wav")), [0x5A; 99]).unwrap();
    }
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(data.clone()));
    window.wait("the tracks", |window| window.shows("Track x000"));
    window.click("Doctor");
    window.send(Command::Doctor(doctor::Command::Examine));
    window.wait("a first finding", |window| {
        !window.state().doctor.so_far(&data).is_empty()
    });
    window.send(Command::Doctor(doctor::Command::Cancel));
    window.frames(5);
    assert!(
        window.state().doctor.report(&data).is_none(),
        "it was stopped at the first of many findings"
    );
    assert!(window.shows("Go on") && window.shows("unreadable"));
    let so_far = window.state().doctor.so_far(&data).len();
    let plural = if so_far == 1 { "" } else { "s" };
    assert!(window.shows(&format!("Stopped: {so_far} finding{plural} so far")));
    window.picture("doctor_stopped");
    window.click("Go on");
    window.wait("the report", |window| {
        window.state().doctor.report(&data).is_some()
    });
    window.frames(3);
    let report = window.state().doctor.report(&data).unwrap();
    assert!(report.files.n_decoded < 1200, "{:?}", report.files);
    assert_eq!(report.count(Severity::Error), 40);
    assert!(window.state().doctor.so_far(&data).is_empty());
    assert!(window.shows("40 errors"));
}

#[test]
fn a_stopped_examination_shows_no_report_and_can_begin_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("set");
    attune_tests::small_data::write(&data, 60, 2.0);
    let mut window = Window::open(&folder.path().join("home"));
    window.send(Command::Open(data.clone()));
    window.wait("the tracks", |window| window.shows("Track x000"));
    window.click("Doctor");
    window.send(Command::Doctor(doctor::Command::Examine));
    window.send(Command::Doctor(doctor::Command::Cancel));
    window.frames(3);
    assert!(window.shows("Examine") || window.state().doctor.report(&data).is_some());
    window.send(Command::Doctor(doctor::Command::Examine));
    window.wait("the report", |window| {
        window.state().doctor.report(&data).is_some()
    });
    let files = &window.state().doctor.report(&data).unwrap().files;
    assert_eq!(files.n_there, 60);
}
