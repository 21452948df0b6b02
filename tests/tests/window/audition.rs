//! Audition from the window: open a song, roll, move a slider, listen, and see what the model makes of it.

use attune::panels::Panel;
use attune::workbench::parts::audition::{self, ClipLength};
use attune::workbench::{Command, UiCommand};
use attune_core::augment::{Chain, Effect, Kind};
use attune_core::rng::{Address, Purpose};
use attune_tests::small_data::write_beat;
use attune_tests::small_models;
use attune_tests::window::Window;
use egui::{Key, Modifiers};
use std::path::Path;

const RATE_HZ: u32 = 22050;

/// A window with a song of six seconds in Audition.
fn with_song(folder: &Path) -> Window {
    let song = folder.join("beat.wav");
    write_beat(&song, 6.0);
    let mut window = Window::open(&folder.join("workspace"));
    window.send(UiCommand::Show(Panel::Audition));
    assert!(
        window.shows("Audition"),
        "says what it is for while there is no song"
    );
    window.send(Command::OpenSong(song));
    window.send(UiCommand::Show(Panel::Audition));
    window.wait("both pictures", |window| {
        window.shows_part("Original: waveform") && window.shows_part("Augmented: waveform")
    });
    window
}

fn augmented(window: &Window) -> Vec<f32> {
    let heard = window.state().audition.augmented().unwrap();
    heard.clip.samples.to_vec()
}

#[test]
fn what_is_heard_is_what_training_would_have_got() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    let original = window
        .state()
        .audition
        .original()
        .unwrap()
        .clip
        .samples
        .to_vec();
    assert_eq!(augmented(&window), original, "nothing is on");

    let chain = Chain::preset("reference").unwrap();
    let seeds: Vec<u64> = (1..=3).collect();
    for seed in seeds {
        window.click("Roll the dice");
        assert_eq!(window.state().audition.seed(), seed);
        let address = Address::new(seed, Purpose::Augment, 0);
        let draw = chain.draw(address);
        assert_eq!(window.state().audition.draw(), draw);
        let expected = draw.apply(&original, RATE_HZ);
        window.wait("the augmented clip", |window| augmented(window) == expected);
    }
    window.picture("audition_rolled");
    window.click("All off");
    window.wait("the original", |window| augmented(window) == original);
}

#[test]
fn an_effect_is_switched_by_its_name_and_keeps_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    for kind in Kind::ALL {
        assert!(window.shows(kind.label()), "{kind:?}");
    }
    window.click("Polarity inversion");
    assert_eq!(window.state().audition.draw().effects, [Effect::Polarity]);
    let original = window
        .state()
        .audition
        .original()
        .unwrap()
        .clip
        .samples
        .to_vec();
    window.wait("the wave upside down", |window| {
        augmented(window)
            .iter()
            .zip(&original)
            .all(|(a, b)| *a == -b)
    });
    window.click("Low-pass filter");
    window.click("Polarity inversion");
    let low_pass = Kind::LowPass.default_effect();
    assert_eq!(window.state().audition.draw().effects, [low_pass]);
}

#[test]
fn both_variants_play_under_one_play_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path());
    window.click("Gain");
    let expected: Vec<f32> = {
        let mut wave = window
            .state()
            .audition
            .original()
            .unwrap()
            .clip
            .samples
            .to_vec();
        Kind::Gain
            .default_effect()
            .apply(&mut wave, RATE_HZ, Address::new(0, Purpose::Check, 0));
        wave
    };
    window.wait("the softer clip", |window| augmented(window) == expected);
    window.click("Augmented");
    let variants = |window: &Window| window.state().player.track().unwrap().variants.clone();
    assert_eq!(variants(&window).len(), 2);
    assert_eq!(window.state().player.variant(), 1);
    assert_eq!(variants(&window)[1].clip.samples[..], expected[..]);
    assert!(window.state().player.loop_region().is_some());

    window.state().player.seek(1.25);
    window.press(Modifiers::NONE, Key::A);
    assert_eq!(
        window.state().player.variant(),
        0,
        "A switches to the original"
    );
    let at_secs = window.state().player.position_secs();
    assert!(
        (at_secs - 1.25).abs() < 1e-6,
        "at the same position: {at_secs}"
    );
    window.press(Modifiers::NONE, Key::A);

    // A moved slider takes effect in what plays.
    window.click("Gain");
    let original = window
        .state()
        .audition
        .original()
        .unwrap()
        .clip
        .samples
        .to_vec();
    window.wait("the new variant in the player", |window| {
        variants(window)[1].clip.samples[..] == original[..]
    });
    assert!((window.state().player.position_secs() - 1.25).abs() < 1e-6);
}

#[test]
fn the_clip_is_chosen_and_the_models_tags_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("three-tags.safetensors");
    let tags = ["drums", "flute", "calm"];
    small_models::write(&model, small_models::tiny(), &tags, 2.0, 1);
    let mut window = with_song(folder.path());
    window.send(Command::OpenModel(model));
    window.wait("the model", |window| {
        window
            .state()
            .model
            .current()
            .is_some_and(|model| model.tags.len() == 3)
    });
    window.wait("a clip as long as the model hears", |window| {
        window.state().audition.clip().unwrap().n_samples == 2 * RATE_HZ as usize
    });
    window.send(Command::Audition(audition::Command::Start { at_secs: 5.0 }));
    let start_secs = window.state().audition.clip().unwrap().start_secs();
    assert!(
        (start_secs - 4.0).abs() < 1e-3,
        "the clip ends with the song: {start_secs}"
    );
    window.click("High-pass filter");
    window.click("Additive noise");
    window.wait("tags of both", |window| window.shows_part("flute: 0."));
    window.picture("audition_tags");
    window.send(Command::Audition(audition::Command::Length(
        ClipLength::Whole,
    )));
    window.wait("the whole song", |window| {
        augmented(window).len() == 6 * RATE_HZ as usize
    });
}
