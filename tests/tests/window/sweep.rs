//! Compare by model in the Audition: two models' tags, a strength sweep whose points can be heard, and the robustness table.

use crate::saving::check_saved;
use attune::panels::Panel;
use attune::workbench::State;
use attune::workbench::parts::compare::{self, Side, Source};
use attune::workbench::{Command, UiCommand};
use attune_core::audio;
use attune_core::augment::{Effect, Kind};
use attune_tests::small_data;
use attune_tests::small_models::{at_another_rate, tiny, write as write_model};
use attune_tests::window::Window;
use egui::pos2;
use std::path::Path;

const RATE_HZ: u32 = 22_050;

/// A window with the small data set, a song of it and a model in use, and Audition in front.
fn window(folder: &Path) -> Window {
    let data = folder.join("data");
    small_data::write(&data, 36, 1.5);
    let weights = folder.join("mine.safetensors");
    write_model(&weights, tiny(), &small_data::TAGS, 1.0, 1);
    let song = folder.join("song.wav");
    let wave: Vec<f32> = (0..4 * RATE_HZ)
        .map(|i| 0.4 * (i as f32 * 0.05).sin() + 0.2 * (i as f32 * 0.31).sin())
        .collect();
    audio::write_wav(&song, &wave, RATE_HZ).unwrap();
    let mut window = Window::open(&folder.join("home"));
    window.send(Command::OpenModel(weights));
    window.send(Command::Open(data));
    window.wait("the data set", |window| {
        let state = window.state();
        let folder = state.selection.dataset.as_ref();
        folder.is_some_and(|folder| state.library.shelf(folder).is_some())
    });
    window.wait("the model", |window| {
        let model = window.state().model.current();
        model.is_some_and(|model| model.name == "mine")
    });
    window.send(UiCommand::Show(Panel::Audition));
    window.send(Command::OpenSong(song));
    window.send(UiCommand::Show(Panel::Audition));
    window.wait("the tags of both variants", |window| {
        tags_of(window.state()).is_some() && window.shows_part("low: 0.")
    });
    window
}

/// Puts a model of another rate beside the one in use, which does not know `low`.
fn put_beside(window: &mut Window, folder: &Path) {
    let other = folder.join("other.safetensors");
    write_model(
        &other,
        at_another_rate(),
        &["high", "noisy", "strange"],
        1.0,
        2,
    );
    let source = Source::File(other);
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        source,
    )));
    window.wait("the other model's tags", |window| {
        window.state().audition.other_tags().is_some()
    });
}

/// The model's tags for original and augmented clip.
fn tags_of(state: &State) -> Option<(&[f32], &[f32])> {
    state.audition.tags(state.model.current()?)
}

#[test]
fn both_models_tags_stand_side_by_side_and_follow_the_effects() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    put_beside(&mut window, folder.path());
    window.wait("rows of both", |window| {
        window.shows_part("high: 0.") && window.shows_part("strange: 0.")
    });
    assert_eq!(
        window.count_part(", other model "),
        2,
        "high and noisy are known to both"
    );
    let tags = |window: &Window| {
        let (original, augmented) = window.state().audition.other_tags().unwrap();
        (original.to_vec(), augmented.to_vec())
    };
    let (original, augmented) = tags(&window);
    assert_eq!(original, augmented, "nothing is on");
    window.click("Low-pass filter");
    window.wait("the other model's answer to the filter", |window| {
        let (original, augmented) = tags(window);
        original != augmented
    });
    window.picture("audition_two_models");
    // The model in use beside itself is no other model.
    let in_use = compare::Command::Choose(Side::Second, Source::InUse);
    window.send(Command::Compare(in_use));
    window.wait("one model alone", |window| {
        !window.shows_part("strange: 0.")
    });
}

#[test]
fn a_sweep_is_drawn_and_a_point_of_it_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    put_beside(&mut window, folder.path());
    window.click("Gain");
    window.click("Sweep");
    assert!(window.shows_part("A sweep plays the clip"));
    let sweep_button = |window: &mut Window| {
        // The view and its button are called the same; the button lies below.
        let at = window
            .rects("Sweep")
            .into_iter()
            .max_by(|a, b| a.top().total_cmp(&b.top()));
        window.click_at(at.unwrap().center());
    };
    sweep_button(&mut window);
    window.wait("the whole sweep", |window| {
        let shown = window.state().audition.sweep().shown();
        shown.is_some_and(|(_, sweep)| sweep.is_whole())
    });
    let (_, sweep) = window.state().audition.sweep().shown().unwrap();
    assert_eq!(sweep.plan.kind(), Kind::Pitch);
    assert_eq!(sweep.plan.values().len(), 25);
    assert_eq!(sweep.models.len(), 2);
    // The gain that is on is in it: without pitch shift the clip is the augmented one.
    let (_, augmented) = tags_of(window.state()).unwrap();
    assert_eq!(sweep.models[0].clean, augmented);
    for tag in small_data::TAGS {
        assert!(window.shows(&format!("Swept tag {tag}")), "{tag}");
    }
    window.picture("audition_sweep");
    let home = folder.path().join("home");
    let words = ["Pitch shift"];
    check_saved(&mut window, &home, "the sweep", &words, &["low", "-1200,"]);
    // The exports below are called alike.
    std::fs::remove_dir_all(home.join("exports")).unwrap();

    // The right edge of the curves is the strongest shift up.
    let plot = window.rect("Sweep curves");
    window.click_at(pos2(plot.right() - 4.0, plot.center().y));
    let expected = Effect::Pitch { cents: 1200.0 };
    window.wait("the shift", |window| {
        window.state().audition.draw().effects.contains(&expected)
    });
    window.wait("the shifted clip in the player", |window| {
        let audition = &window.state().audition;
        audition.is_listening(&window.state().player) && window.state().player.variant() == 1
    });

    window.click("Export table");
    let exports = folder.path().join("home/exports");
    window.wait("the table", |_| {
        exports.join("song sweep of pitch.csv").exists()
    });
    window.click("Export picture");
    window.wait("the picture", |_| {
        exports.join("song sweep of pitch.svg").exists()
    });
}

#[test]
fn the_robustness_table_fills_shows_a_curve_and_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.click("Robustness");
    window.click("Test robustness");
    window.wait("the whole table", |window| {
        let table = window.state().audition.robustness().shown();
        let n_done = table.map_or(0, |table| {
            table.effects.iter().map(|effect| effect.rungs.len()).sum()
        });
        table.is_some_and(|table| table.n_rungs == n_done)
    });
    window.frames(3);
    assert!(window.shows_part("6 tracks of the test split"));
    assert!(!window.shows("still to come"));
    let table = window.state().audition.robustness().shown().unwrap();
    let clean = table.models[0].scores.roc_auc_macro.unwrap();
    assert!(window.shows_part(&format!("clean {clean:.3}")));
    let pitch = table
        .effects
        .iter()
        .find(|effect| effect.effect == "pitch")
        .unwrap();
    let change = pitch.rungs[0].models[0].change.roc_auc_macro.value.unwrap();
    let sign = if change < 0.0 { '−' } else { '+' };
    let cell = format!(
        "Pitch shift −1200 cents: {sign}{:.3} from clean",
        change.abs()
    );
    let at = window.rect_part(&cell);
    window.click_at(at.center());
    assert!(window.shows("Robustness curve of Pitch shift"));
    assert!(window.shows_part("Tags that lose most by Pitch shift at −1200 cents"));
    window.picture("audition_robustness");
    let home = folder.path().join("home");
    check_saved(
        &mut window,
        &home,
        "robustness curve",
        &["Pitch shift"],
        &[",-1200,"],
    );
    window.click("Export table");
    let written = folder
        .path()
        .join("home/exports/robustness of mine on data.csv");
    window.wait("the table on disk", |_| written.exists());
    let text = std::fs::read_to_string(written).unwrap();
    assert!(
        text.lines()
            .any(|line| line.starts_with("mine,clean,,,,macro,")),
        "{text}"
    );

    // Asked again, it comes from what was kept; stopping it leaves the table.
    window.click("Test robustness");
    window.wait("the end of the work", |window| {
        window.state().audition.robustness().testing().is_none()
    });
    assert!(window.state().audition.robustness().shown().is_some());
}
