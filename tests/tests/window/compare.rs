//! The Compare panel: two models are chosen, compared on a data set and over a song, and what they disagree on is played.

use crate::saving::check_saved;
use attune::panels::Panel;
use attune::playback;
use attune::workbench::parts::compare::{self, Side, Source};
use attune::workbench::{Command, UiCommand};
use attune_core::dataset::Split;
use attune_core::job::Job;
use attune_core::models::{ModelConfig, presets};
use attune_core::predict::Shipped;
use attune_core::run::{Event, RunLog};
use attune_core::train;
use attune_tests::small_data;
use attune_tests::small_models::{at_another_rate, tiny, write as write_model};
use attune_tests::window::Window;
use std::path::{Path, PathBuf};

/// A run with a best checkpoint, and one that has none.
fn write_runs(home: &Path, id: &str, config: ModelConfig, tags: &[&str], secs: f64) {
    for id in [id, "barely-begun"] {
        let folder = home.join("runs").join(id);
        let mut log = RunLog::create(&folder, &std::collections::BTreeMap::from([("seed", 1)]));
        let log = log.as_mut().unwrap();
        let started = Event::Started {
            name: id.to_owned(),
            model: "musicnn".to_owned(),
            data: "data".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            n_parameters: 1000,
            steps_per_epoch: 10,
            epochs: 1,
            patience_epochs: None,
            version: "test".to_owned(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        log.event(1, 0, Event::Finished).unwrap();
        log.flush().unwrap();
    }
    let best = home.join("runs").join(id).join("checkpoints");
    write_model(&best.join("best.safetensors"), config, tags, secs, 2);
}

/// A window with the small data set, a file of weights in use, and Compare in front.
fn window(folder: &Path, n_tracks: usize) -> Window {
    let data = folder.join("data");
    small_data::write(&data, n_tracks, 1.0);
    let weights = folder.join("mine.safetensors");
    write_model(&weights, tiny(), &small_data::TAGS, 1.0, 1);
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
    window.send(Command::Show(Panel::Compare));
    window
}

/// Chooses a model as a user does: opens the chooser and clicks.
fn choose(window: &mut Window, side: Side, chooser: &str, name: &str) {
    window.click(chooser);
    window.wait(name, |window| window.shows(name));
    window.click(name);
    window.wait("the model to compare", |window| {
        let state = window.state();
        state.compare.model(side, &state.model).is_some()
    });
}

fn is_compared(window: &Window) -> bool {
    window.shows("Mean of all compared tags")
}

#[test]
fn two_models_are_compared_and_what_they_disagree_on_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    write_runs(&home, "other-1", at_another_rate(), &small_data::TAGS, 1.0);
    let mut window = window(folder.path(), 36);
    assert!(window.shows("Choose two models"));
    window.picture("compare_empty");
    window.wait("the list of runs", |window| {
        let sources = window.state().compare.sources(window.state());
        sources.iter().any(|(_, name)| name == "other-1")
    });
    let sources = window.state().compare.sources(window.state());
    let names: Vec<&str> = sources.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "in use: mine",
            "tunes (shipped)",
            "demo (shipped)",
            "other-1",
            "mine.safetensors"
        ]
    );
    choose(&mut window, Side::Second, "Second model", "other-1");
    assert!(window.shows("Nothing compared yet"));
    window.click("Compare models");
    window.wait("the comparison", is_compared);
    window.frames(5);
    for tag in small_data::TAGS {
        assert!(window.shows(&format!("Compared tag {tag}")), "{tag}");
    }
    assert!(window.shows_part("6 tracks of the test split"));
    let worst = {
        let state = window.state();
        let shelf = state.selection.dataset.as_ref();
        let shelf = shelf
            .and_then(|folder| state.library.shelf(folder))
            .unwrap();
        let (_, compared) = state.compare.compared(shelf).unwrap();
        let comparison = &compared.comparison;
        assert_eq!(comparison.tags, small_data::TAGS);
        assert_eq!(comparison.disagreements.len(), 6);
        comparison.disagreements[0].clone()
    };

    check_saved(
        &mut window,
        &home,
        "differences by tag",
        &[">low<", ">ROC-AUC<", ">PR-AUC<"],
        &["ROC-AUC,,dots,,", "PR-AUC,,line,,"],
    );
    window.click(&format!("Disagreement {}", worst.track));
    window.wait("the song", |window| {
        let song = window.state().song.current();
        song.is_some_and(|song| song.heard.name == worst.track)
    });
    assert_eq!(window.state().selection.track.as_ref(), Some(&worst.track));
    assert_eq!(window.state().selection.tags.join(" "), worst.tag);
    window.wait("it to play", |window| {
        window.state().player.state() == playback::State::Playing
    });
    let curves = format!("{} over time, both models", worst.tag);
    window.wait("the curves", |window| window.shows(&curves));

    let other = small_data::TAGS.iter().find(|tag| **tag != worst.tag);
    let other = other.unwrap();
    window.click(&format!("Compared tag {other}"));
    let curves = format!("{other} over time, both models");
    window.wait("the curves of another tag", |window| window.shows(&curves));
    window.picture("compare");
    window.send(UiCommand::ToggleTheme);
    window.picture("compare_light");
    window.send(UiCommand::ToggleTheme);
    window.resize(1024.0, 640.0);
    window.picture("compare_small");
    window.click("Tracks they disagree on");
    assert!(window.shows(&format!("Disagreement {}", worst.track)));
    window.picture("compare_small_tracks");
}

#[test]
fn a_click_on_the_chart_moves_the_play_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path(), 36);
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        Source::InUse,
    )));
    window.send(Command::OpenSong(folder.path().join("data/audio/x000.wav")));
    window.send(Command::Show(Panel::Compare));
    window.wait("the chart", |window| {
        window.count_part("over time, both models") == 2
    });
    let chart = window.rect("Both models over time");
    window.click_at(chart.center());
    let at_secs = window.state().player.position_secs();
    assert!((at_secs - 0.5).abs() < 0.02, "{at_secs}");
    check_saved(
        &mut window,
        &folder.path().join("home"),
        "both models over time",
        &["x000", ">mine<"],
        &[",mine,line,"],
    );
}

#[test]
fn numbers_of_another_choice_say_so_and_sides_can_be_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("home/other.safetensors");
    write_model(&weights, tiny(), &small_data::TAGS, 1.0, 7);
    let mut window = window(folder.path(), 36);
    let file = Source::File(weights);
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        file.clone(),
    )));
    window.wait("the model", |window| {
        let state = window.state();
        state.compare.model(Side::Second, &state.model).is_some()
    });
    window.click("Compare models");
    window.wait("the comparison", is_compared);
    assert!(!window.shows_part("has changed since"));
    window.click("Swap");
    assert!(window.shows_part("has changed since"));
    assert_eq!(window.state().compare.source(Side::First), Some(&file));
    window.click("Compare models");
    window.wait("the comparison of the swapped", |window| {
        is_compared(window) && !window.shows_part("has changed since")
    });
}

#[test]
fn models_with_some_tags_in_common_are_compared_on_those() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("other.safetensors");
    write_model(&weights, tiny(), &["calm", "noisy", "low"], 1.0, 4);
    let mut window = window(folder.path(), 36);
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        Source::File(weights),
    )));
    window.wait("the model", |window| {
        let state = window.state();
        state.compare.model(Side::Second, &state.model).is_some()
    });
    window.click("Compare models");
    window.wait("the comparison", is_compared);
    assert!(window.shows("tags left out: 1"));
    let state = window.state();
    let shelf = state.selection.dataset.as_ref();
    let shelf = shelf
        .and_then(|folder| state.library.shelf(folder))
        .unwrap();
    let (_, compared) = state.compare.compared(shelf).unwrap();
    let comparison = &compared.comparison;
    assert_eq!(comparison.tags, ["low", "noisy"]);
    assert_eq!(comparison.left_out, ["high"]);
    // The scores of a tag are those that the model gets alone.
    let (dataset, job) = (&shelf.dataset, Job::quiet());
    let cache = train::open_cache_at(&state.workspace, train::CLIP_RATE_HZ).unwrap();
    let (test, _) = train::decode_split(dataset, Split::Test, &cache, &job).unwrap();
    let model = state.model.current().unwrap();
    let alone = train::evaluate(model, dataset, &cache, &test, &job).unwrap();
    let (roc, pr) = (
        &alone.scores.roc_auc_per_tag,
        &alone.scores.average_precision_per_tag,
    );
    assert_eq!(comparison.first.roc_auc_per_tag, [roc[0], roc[2]]);
    assert_eq!(comparison.first.average_precision_per_tag, [pr[0], pr[2]]);
}

#[test]
fn comparing_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.safetensors");
    let config = presets::preset("paper").unwrap().config;
    write_model(&large, config, &small_data::TAGS, 10.0, 3);
    let mut window = window(folder.path(), 72);
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        Source::File(large),
    )));
    window.wait("the model", |window| {
        let state = window.state();
        state.compare.model(Side::Second, &state.model).is_some()
    });
    window.click("Compare models");
    assert!(window.state().compare.comparing().is_some());
    window.picture("compare_running");
    window.click("Cancel");
    assert!(window.state().compare.comparing().is_none());
    assert!(window.shows("Nothing compared yet"));
    assert!(!window.shows("The models cannot be compared"));
}

#[test]
fn models_without_a_common_tag_are_told_apart_and_the_mend_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path(), 36);
    choose(&mut window, Side::Second, "Second model", "demo (shipped)");
    assert_eq!(
        window.state().compare.source(Side::Second),
        Some(&Source::Shipped(Shipped::Demo))
    );
    window.send(Command::OpenSong(folder.path().join("data/audio/x000.wav")));
    window.send(Command::Show(Panel::Compare));
    window.wait("the song", |window| {
        window.shows_part("have no tag in common")
    });
    window.click("Compare models");
    window.wait("the error", |window| {
        window.shows("The models cannot be compared")
    });
    for part in [
        "no tag is known to both models",
        "the first model knows low, high, noisy",
        "open theirs",
    ] {
        assert!(window.shows_part(part), "{part}");
    }
    window.picture("compare_other_tags");
}

#[test]
fn an_empty_split_and_a_vanished_checkpoint_are_errors_in_words() {
    let folder = tempfile::tempdir().unwrap();
    // Twelve tracks are all for training.
    let mut window = window(folder.path(), 12);
    let gone = Source::Run(PathBuf::from("/nowhere/run-1"));
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        gone,
    )));
    window.wait("the error", |window| {
        window.shows_part("The second model cannot be opened")
    });
    window.send(Command::Compare(compare::Command::Choose(
        Side::Second,
        Source::InUse,
    )));
    window.send(Command::Compare(compare::Command::Compare(Split::Test)));
    window.wait("the other error", |window| {
        window.shows_part("split `test` of data is empty")
    });
}
