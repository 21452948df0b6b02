//! Comparing by ear from the window: kept draws and their keys, equal loudness, a looped stretch, and a whole blind test.

use attune::panels::Panel;
use attune::playback::Variant;
use attune::workbench::parts::audition::{self, Row};
use attune::workbench::{Command, UiCommand};
use attune_core::audio;
use attune_core::augment::Effect;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;
use std::sync::Arc;

const RATE_HZ: u32 = 22050;

/// A window with a song of four seconds in Audition, softer by 12 dB than it could be.
fn with_song(folder: &Path) -> Window {
    let song = folder.join("tone.wav");
    let wave: Vec<f32> = (0..4 * RATE_HZ)
        .map(|i| 0.25 * (i as f32 / RATE_HZ as f32 * 2765.0).sin())
        .collect();
    audio::write_wav(&song, &wave, RATE_HZ).unwrap();
    let mut window = Window::open(&folder.join("workspace"));
    window.send(Command::OpenSong(song));
    window.send(UiCommand::Show(Panel::Audition));
    window.wait("both pictures", |window| {
        window.shows_part("Original: waveform") && window.shows_part("Augmented: waveform")
    });
    window
}

fn set(window: &mut Window, effect: Effect) {
    let rows = window.state().audition.rows();
    let row = rows
        .iter()
        .position(|row| row.effect.kind() == effect.kind())
        .unwrap();
    let to = Row {
        effect,
        is_on: true,
    };
    window.send(Command::Audition(audition::Command::Set { row, to }));
}

fn variants(window: &Window) -> Vec<Variant> {
    let track = window.state().player.track();
    track.map_or(Vec::new(), |track| track.variants.clone())
}

fn peak(variant: &Variant) -> f32 {
    variant
        .clip
        .samples
        .iter()
        .fold(0.0, |peak: f32, sample| peak.max(sample.abs()))
}

#[test]
fn kept_draws_are_heard_by_their_keys_at_the_same_position() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    set(&mut window, Effect::Gain { db: -6.0 });
    window.click("Keep as 3");
    set(&mut window, Effect::Gain { db: -18.0 });
    window.click("Keep as 4");
    set(&mut window, Effect::Gain { db: 6.0 });
    window.wait("both kept draws", |window| {
        let audition = &window.state().audition;
        audition.kept_heard(0).is_some() && audition.kept_heard(1).is_some()
    });
    window.press(Modifiers::NONE, Key::Num2);
    window.wait("four variants in the player", |window| {
        variants(window).len() == 4 && (peak(&variants(window)[1]) - 0.5).abs() < 0.02
    });
    window.state().player.seek(1.5);
    for (key, place, expected) in [
        (Key::Num3, 2, 0.125),
        (Key::Num4, 3, 0.0315),
        (Key::Num1, 0, 0.25),
        (Key::Num2, 1, 0.5),
    ] {
        window.press(Modifiers::NONE, key);
        assert_eq!(
            window.state().audition.heard_place(&window.state().player),
            Some(place)
        );
        let found = peak(&variants(&window)[place]);
        assert!(
            (found / expected - 1.0).abs() < 0.03,
            "{found} in place {place}"
        );
        assert!((window.state().player.position_secs() - 1.5).abs() < 1e-6);
    }
    // Who types a path chooses no variant.
    window.press(Modifiers::COMMAND, Key::L);
    window.press(Modifiers::NONE, Key::Num1);
    assert_eq!(window.state().player.variant(), 1);
    window.press(Modifiers::NONE, Key::Escape);

    // A free place is said to be free, and leaves what is heard.
    window.press(Modifiers::NONE, Key::Num3);
    window.click("Free Kept 3");
    window.wait("the place to be free", |window| {
        variants(window)[2].clip.samples.is_empty()
    });
    assert_eq!(window.state().player.variant(), 1);
    window.press(Modifiers::NONE, Key::Num3);
    assert_eq!(window.state().player.variant(), 1);
    let notices = &window.state().notices;
    assert!(
        notices
            .iter()
            .any(|(_, notice)| notice.text.contains("Kept 3 is free")),
        "{notices:?}"
    );
}

#[test]
fn variants_are_heard_equally_loud_unless_that_is_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    set(&mut window, Effect::Gain { db: -10.0 });
    window.press(Modifiers::NONE, Key::Num2);
    let gain_db = |window: &Window, place: usize| 20.0 * variants(window)[place].gain.log10();
    window.wait("the augmented clip turned up", |window| {
        (gain_db(window, 1) - 10.0).abs() < 0.1
    });
    assert!(gain_db(&window, 0).abs() < 0.01, "the original stays");
    assert!(window.shows("Augmented heard at +10.0 dB"));
    // 12 dB below full scale, 18 up: turned down for as much as it is louder, and so that neither clips.
    set(&mut window, Effect::Gain { db: 8.0 });
    window.wait("the augmented clip turned down", |window| {
        (gain_db(window, 1) + 8.0).abs() < 0.1
    });

    window.click("Same loudness");
    window.wait("both as they are", |window| {
        variants(window).iter().all(|variant| variant.gain == 1.0)
    });
    assert!(window.shows("Augmented heard at +0.0 dB"));
    let looks = window.app().looks();
    let again = Window::with_looks(&folder.path().join("workspace"), looks);
    assert!(
        again.state().selection.levels_as_they_are,
        "it is remembered"
    );
}

#[test]
fn a_dragged_stretch_loops_and_a_click_lets_it_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    let length_secs = window.state().audition.clip().unwrap().duration_secs();
    let area = window.rect("Original: waveform and log-mel spectrogram");
    let at = |part: f32| egui::pos2(area.left() + part * area.width(), area.top() + 10.0);
    window.drag(at(0.25), at(0.5));
    let region = |window: &Window| window.state().player.loop_region();
    window.wait("the loop", |window| {
        region(window).is_some_and(|(start, _)| start > 0.5)
    });
    let (start, end) = region(&window).unwrap();
    assert!(
        (start - 0.25 * length_secs).abs() < 0.05 && (end - 0.5 * length_secs).abs() < 0.05,
        "{start} to {end}"
    );
    assert_eq!(
        window.state().audition.heard_place(&window.state().player),
        Some(0),
        "and is heard"
    );
    assert!((window.state().player.position_secs() - start).abs() < 0.02);

    // Another variant goes on in the same stretch.
    window.press(Modifiers::NONE, Key::Num2);
    assert_eq!(region(&window), Some((start, end)));
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(
        region(&window),
        Some((0.0, length_secs)),
        "the whole clip again"
    );

    window.drag(at(0.75), at(0.5));
    let (start, end) = region(&window).unwrap();
    assert!(
        (start - 0.5 * length_secs).abs() < 0.05 && (end - 0.75 * length_secs).abs() < 0.05,
        "{start} to {end}"
    );
    window.click_at(at(0.1));
    assert_eq!(region(&window), Some((0.0, length_secs)));
    assert!((window.state().player.position_secs() - 0.1 * length_secs).abs() < 0.05);
}

#[test]
fn a_whole_blind_test() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    set(&mut window, Effect::LowPass { hz: 500.0 });
    window.wait("the augmented clip", |window| {
        window.state().activities().next().is_none()
    });
    window.click("Blind test");
    window.click("Start the blind test");
    assert!(window.shows("Trial 1 of 16"));
    let names: Vec<String> = variants(&window)
        .into_iter()
        .map(|variant| variant.name)
        .collect();
    assert_eq!(names, ["A", "B", "X"], "nothing tells what X is");
    assert_eq!(
        window.state().audition.heard_place(&window.state().player),
        None
    );

    window.state().player.seek(2.25);
    let mut n_a = 0;
    for trial in 0..16 {
        for (key, place) in [
            (Key::Num3, 2),
            (Key::Num1, 0),
            (Key::Num2, 1),
            (Key::Num3, 2),
        ] {
            window.press(Modifiers::NONE, key);
            assert_eq!(window.state().player.variant(), place);
            assert!((window.state().player.position_secs() - 2.25).abs() < 1e-6);
        }
        assert!(
            !window.shows_part("that this is chance"),
            "the score is hidden"
        );
        // A listener with perfect ears; wrong in four of the trials.
        let sounds = variants(&window);
        let same = |a: &Variant, b: &Variant| {
            Arc::ptr_eq(&a.clip.samples, &b.clip.samples) && a.gain == b.gain
        };
        let is_a = same(&sounds[2], &sounds[0]);
        assert_ne!(is_a, same(&sounds[2], &sounds[1]), "X is one of them");
        n_a += usize::from(is_a);
        let answer = if trial % 4 == 3 { !is_a } else { is_a };
        window.click(if answer { "X is A" } else { "X is B" });
        // Moved sliders do not reach the sounds of the test.
        set(
            &mut window,
            Effect::LowPass {
                hz: 600.0 + trial as f32,
            },
        );
    }
    assert!((1..16).contains(&n_a), "X was A {n_a} times of 16");
    assert!(window.shows("Finished"));
    assert!(window.shows("12 of 16, p = 0.038 that this is chance"));
    window.picture("audition_blind_test");
    window.click("Copy the result");
    window.click("New test");
    assert!(window.shows("Start the blind test"));
    assert_eq!(
        window.state().audition.heard_place(&window.state().player),
        Some(0),
        "the clip again"
    );
}
