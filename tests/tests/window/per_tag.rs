//! The panel Per tag: the threshold is dragged on one chart and moves on all, a point tells the tracks behind it, and these are heard. Runs against
//! tags, and the settings of two runs.

use attune::panels::Panel;
use attune::playback;
use attune::workbench::{Command, Select, UiCommand};
use attune_core::dataset::{Dataset, Split};
use attune_core::metrics::{CurveKind, OperatingPoints, Outcome, score};
use attune_core::rng::{Address, Purpose};
use attune_core::run::{Event, RunLog};
use attune_core::train::Predictions;
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers, Pos2, Rect};
use std::path::{Path, PathBuf};

/// What a run says of the test split: mostly right, with a few mistakes that `seed` chooses.
fn predictions(data: &Path, seed: usize) -> Predictions {
    let dataset = Dataset::open(data).unwrap();
    let rows = dataset.split(Split::Test).unwrap();
    let labels: Vec<bool> = rows
        .iter()
        .flat_map(|&row| dataset.labels_of(row))
        .collect();
    let probability = |(at, &label): (usize, &bool)| {
        // All different, so that every threshold has a point of its own.
        let small = ((at * 37 + seed * 11) % 101) as f32 / 250.0;
        if label { 0.58 - small } else { 0.12 + small }
    };
    Predictions {
        probabilities: labels.iter().enumerate().map(probability).collect(),
        labels,
        tracks: rows
            .iter()
            .map(|&row| dataset.tracks[row].id.clone())
            .collect(),
        tags: dataset.tags.clone(),
    }
}

fn started(id: &str, tags: &[String]) -> Event {
    Event::Started {
        name: id.to_owned(),
        model: "tiny".to_owned(),
        data: "data".to_owned(),
        tags: tags.to_vec(),
        n_parameters: 1000,
        steps_per_epoch: 10,
        epochs: 1,
        patience_epochs: None,
        version: "test".to_owned(),
        teaching: None,
    }
}

/// A run as training leaves it, without the training.
fn write_run(home: &Path, id: &str, data: &Path, learning_rate: f64, seed: usize) -> PathBuf {
    let folder = home.join("runs").join(id);
    let configuration = format!(
        "[config]\nlearning_rate = {learning_rate}\nbatch_size = 4\n[data]\nfolder = {:?}\n",
        data.display().to_string()
    );
    let configuration: toml::Table = configuration.parse().unwrap();
    let mut log = RunLog::create(&folder, &configuration).unwrap();
    let predictions = predictions(data, seed);
    let begun = started(id, &predictions.tags);
    log.event(0, 0, begun).unwrap();
    let n_tags = predictions.tags.len();
    let scores = score(&predictions.probabilities, &predictions.labels, n_tags);
    let validated = Event::Validated {
        loss: 0.5,
        scores: scores.clone(),
        seconds: 0.1,
        localisation: None,
    };
    log.event(10, 0, validated).unwrap();
    predictions.save(&folder).unwrap();
    let evaluated = Event::Evaluated {
        split: "test".to_owned(),
        loss: 0.5,
        scores,
    };
    log.event(10, 0, evaluated).unwrap();
    log.event(10, 0, Event::Finished).unwrap();
    folder
}

/// A window with two runs of the small data set, both drawn, and the panel in front.
fn window(folder: &Path) -> (Window, [PathBuf; 2], PathBuf) {
    let (home, data) = (folder.join("home"), folder.join("data"));
    small_data::write(&data, 72, 1.0);
    let runs = [
        write_run(&home, "first-1", &data, 1e-3, 1),
        write_run(&home, "second-1", &data, 1e-4, 2),
    ];
    let mut window = Window::open(&home);
    window.send(Select::Run(Some(runs[0].clone())));
    window.send(Select::ToggleOverlay(runs[1].clone()));
    window.send(Command::Show(Panel::PerTag));
    (window, runs, data)
}

fn points(predictions: &Predictions, tag: &str) -> OperatingPoints {
    let tag_idx = predictions.tag_idx(tag).unwrap();
    predictions.operating_points(tag_idx).unwrap()
}

/// Where a point of a chart lies: below two lines of words.
fn place(cell: Rect, x: f64, y: f64) -> Pos2 {
    let plot = Rect::from_min_max(cell.min + egui::vec2(0.0, 32.0), cell.max).shrink(3.0);
    Pos2::new(
        plot.left() + x as f32 * plot.width(),
        plot.bottom() - y as f32 * plot.height(),
    )
}

#[test]
fn a_dragged_point_moves_all_charts_and_the_tracks_behind_it_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, runs, _) = window(folder.path());
    for tag in small_data::TAGS {
        let chart = format!("ROC curve of {tag}");
        window.wait(&chart, |window| window.shows(&chart));
    }
    window.picture("per_tag_roc");
    window.click("ROC curve of low");
    window.wait("the list", |window| window.shows_part("at 0.500: TP"));

    // In another chart, from where the threshold is to a point further down.
    let kept = Predictions::read(&runs[0]).unwrap();
    let high = points(&kept, "high");
    let at = |threshold: f64| {
        let counts = high.counts(threshold);
        (
            counts.false_positive_rate().unwrap(),
            counts.recall().unwrap(),
        )
    };
    let curve = high.curve(CurveKind::Roc, None);
    let target = curve[2 * curve.len() / 3];
    let cell = window.rect("ROC curve of high");
    let (x, y) = at(0.5);
    window.drag(place(cell, x, y), place(cell, target.x, target.y));
    let low = points(&kept, "low");
    let counts = low.counts(target.threshold);
    let told = format!(
        "at {:.3}: TP {}  FP {}  FN {}  TN {}",
        target.threshold,
        counts.true_positives,
        counts.false_positives,
        counts.false_negatives,
        counts.true_negatives
    );
    window.wait(&told, |window| window.shows_part(&told));

    // The worst false positive stands first; a click plays it, keys go on from there.
    let wrong = low.clips(Outcome::FalsePositive, target.threshold);
    assert!(wrong.len() >= 2, "{counts:?}");
    let track = |at: usize| kept.tracks[wrong[at] as usize].clone();
    let row = |at: usize| format!("Behind the point {}", track(at));
    assert!(window.rect(&row(0)).top() < window.rect(&row(1)).top());
    window.picture("per_tag_list");
    window.click_at(window.rect(&row(0)).center());
    let is_open = |window: &Window, name: &str| {
        let song = window.state().song.current();
        song.is_some_and(|song| song.heard.name == name)
    };
    window.wait("the worst mistake", |window| is_open(window, &track(0)));
    window.wait("it to play", |window| {
        window.state().player.state() == playback::State::Playing
    });
    assert_eq!(window.state().selection.tags, ["low"]);
    assert_eq!(
        window.state().selection.dataset,
        None,
        "to hear a track brings no data set into use"
    );
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.wait("the next mistake", |window| is_open(window, &track(1)));
    window.press(Modifiers::NONE, Key::Enter);
    window.wait("it to play", |window| {
        window.state().player.state() == playback::State::Playing
    });

    let missed = low.clips(Outcome::FalseNegative, target.threshold);
    window.click_part("False negatives (");
    for &clip in &missed {
        let row = format!("Behind the point {}", kept.tracks[clip as usize]);
        assert!(window.shows(&row), "{row}");
    }
    window.click("Write playlist");
    window.wait("the playlist", |window| {
        let notices = &window.state().notices;
        notices
            .iter()
            .any(|(_, notice)| notice.text.contains("Wrote a playlist"))
    });
    let exports = folder.path().join("home/exports");
    let list = std::fs::read_dir(exports).unwrap().next().unwrap().unwrap();
    let list = std::fs::read_to_string(list.path()).unwrap();
    assert_eq!(list.matches("#EXTINF").count(), missed.len(), "{list}");

    window.click("Best F1 of the tag");
    let (best, _) = low.best_f1().unwrap();
    let told = format!("at {best:.3}: TP");
    window.wait(&told, |window| window.shows_part(&told));
    window.click("Precision–recall");
    window.wait("the other curves", |window| {
        window.shows("Precision–recall curve of noisy")
    });
    window.picture("per_tag_precision_recall");
    // A click on a point of the curve takes its threshold.
    let noisy = points(&kept, "noisy").curve(CurveKind::PrecisionRecall, None);
    let point = noisy[noisy.len() / 2];
    let cell = window.rect("Precision–recall curve of noisy");
    window.click_at(place(cell, point.x, point.y));
    window.wait("the list of noisy", |window| {
        window.shows_part(&format!("at {:.3}: TP", point.threshold))
    });
    window.resize(900.0, 700.0);
    window.picture("per_tag_small");
}

#[test]
fn a_run_without_predictions_says_so_and_the_other_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (home, data) = (folder.path().join("home"), folder.path().join("data"));
    small_data::write(&data, 72, 1.0);
    let there = write_run(&home, "there-1", &data, 1e-3, 1);
    let gone = write_run(&home, "gone-1", &data, 1e-3, 2);
    std::fs::remove_file(Predictions::path(&gone)).unwrap();
    let mut window = Window::open(&home);
    window.send(Command::Show(Panel::PerTag));
    assert!(window.shows("No run is open"));
    window.send(Select::Run(Some(gone.clone())));
    window.wait("the words", |window| window.shows("No predictions to draw"));
    assert!(window.shows("Score the test split"));
    window.picture("per_tag_none");
    window.send(Select::ToggleOverlay(there));
    window.wait("the other", |window| window.shows("ROC curve of low"));
    assert!(window.shows_part("gone-1 has kept no predictions"));
    // Another process scores it.
    predictions(&data, 2).save(&gone).unwrap();
    window.click("Look again");
    window.wait("both", |window| {
        !window.shows_part("has kept no predictions")
    });
}

#[test]
fn runs_stand_against_tags_and_lead_to_both() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, runs, _) = window(folder.path());
    window.click("Runs × tags");
    window.wait("the map", |window| window.shows("Map run second-1"));
    window.wait("the counts", |window| {
        window.state().per_tag.counted().is_some()
    });
    window.picture("per_tag_map");
    // The cell of the first run and the tag in the middle.
    let (row, column) = (window.rect("Map run first-1"), window.rect("Map tag high"));
    let cell = Pos2::new(column.center().x, row.center().y);
    window.hover(cell);
    window.wait("the read-out", |window| {
        window.shows_part("tracks with the tag there: ")
    });
    let kept = Predictions::read(&runs[0]).unwrap();
    let scores = score(&kept.probabilities, &kept.labels, 3);
    let told = format!("high: ROC-AUC {:.3}", scores.roc_auc_per_tag[1].unwrap());
    assert!(window.shows_part(&told), "{told}");
    window.click("Map run second-1");
    assert_eq!(window.state().selection.run.as_ref(), Some(&runs[1]));
    window.click("Map tag high");
    assert_eq!(window.state().selection.tags, ["high"]);
    assert!(window.app().is_shown(Panel::Tags));
    window.click("Baseline of the map");
    window.click_last("Less first-1");
    window.hover(cell);
    window.wait("the difference", |window| {
        window.shows_part("high: ROC-AUC +0.000 against first-1")
    });
    window.picture("per_tag_map_difference");
    // Where there is no score the map says why.
    let barely = folder.path().join("home/runs/barely-begun");
    let mut log = RunLog::create(&barely, &toml::Table::new()).unwrap();
    log.event(
        0,
        0,
        started("barely-begun", &["low".to_owned(), "loud".to_owned()]),
    )
    .unwrap();
    window.send(UiCommand::RefreshRuns);
    window.wait("the new row", |window| {
        window.shows("Map run barely-begun") && window.shows("Map tag loud")
    });
    let row = window.rect("Map run barely-begun").center().y;
    for (tag, why) in [
        ("low", "the run has not been scored on this"),
        ("high", "the run does not know this tag"),
    ] {
        let column = window.rect(&format!("Map tag {tag}")).center().x;
        window.hover(Pos2::new(column, row));
        window.wait(why, |window| window.shows_part(&format!("{tag}: {why}")));
    }
    window.picture("per_tag_map_gaps");
    // The filter of the Runs panel is the filter of the map.
    window.send(Command::Show(Panel::Runs));
    window.wait("the list", |window| window.shows("Filter runs"));
    window.click("Filter runs");
    window.type_text("second");
    window.wait("one row", |window| !window.shows("Map run first-1"));
    assert!(window.shows("Map run second-1"));
}

/// A run of many tags and tracks whose data set is gone.
fn write_large_run(home: &Path, id: &str, n_tags: usize, n_tracks: usize, seed: u64) -> PathBuf {
    let folder = home.join("runs").join(id);
    let mut log = RunLog::create(&folder, &toml::Table::new()).unwrap();
    log.event(10, 0, Event::Finished).unwrap();
    let mut chance = Address::new(seed, Purpose::Check, 0).stream();
    let labels: Vec<bool> = (0..n_tracks * n_tags)
        .map(|_| chance.range(0.0, 1.0) < 0.1)
        .collect();
    let mut probability = |&label: &bool| {
        let by_chance = chance.range(0.0, 1.0);
        if label {
            by_chance.sqrt()
        } else {
            by_chance * by_chance
        }
    };
    let predictions = Predictions {
        probabilities: labels.iter().map(&mut probability).collect(),
        labels,
        tracks: (0..n_tracks).map(|n| format!("track {n}")).collect(),
        tags: (0..n_tags).map(|n| format!("tag {n}")).collect(),
    };
    predictions.save(&folder).unwrap();
    folder
}

/// A window with charts of four such runs.
fn window_of_large_runs(home: &Path, n_tags: usize, n_tracks: usize) -> Window {
    let runs = (0..4).map(|n| write_large_run(home, &format!("large-{n}"), n_tags, n_tracks, n));
    let runs: Vec<PathBuf> = runs.collect();
    let mut window = Window::open(home);
    window.send(Select::Run(Some(runs[0].clone())));
    for run in &runs[1..] {
        window.send(Select::ToggleOverlay(run.clone()));
    }
    window.send(Command::Show(Panel::PerTag));
    window.wait("the charts", |window| window.shows("ROC curve of tag 0"));
    window.frames(3);
    window
}

/// No clock: what a frame costs is what it draws.
#[test]
fn charts_out_of_sight_and_tracks_finer_than_pixels_cost_a_frame_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let few = window_of_large_runs(&at("few"), 40, 500).n_vertices();
    let mut window = window_of_large_runs(&at("many"), 200, 5000);
    let many = window.n_vertices();
    assert!(many < 2 * few, "{many} corners against {few}");
    window.picture("per_tag_many");
    window.click("ROC curve of tag 1");
    window.wait("the list", |window| window.shows_part("at 0.500: TP"));
    assert!(window.shows_part("The run's data set is not there"));
}

/// No clock: what a frame costs is what it draws.
#[test]
fn many_runs_cost_a_frame_of_the_map_little_more_than_few() {
    let folder = tempfile::tempdir().unwrap();
    let (home, data) = (folder.path().join("home"), folder.path().join("data"));
    small_data::write(&data, 72, 1.0);
    for n in 0..40 {
        write_run(&home, &format!("run-{n}"), &data, 1e-3, n);
    }
    let draw = |window: &mut Window| {
        window.send(Command::Show(Panel::PerTag));
        window.click("Runs × tags");
        window.wait("the map", |window| window.shows_part("Map run run-"));
        window.send(Command::Show(Panel::Log));
        window.frames(3);
        window.n_vertices()
    };
    let few = draw(&mut Window::open(&home));
    for n in 40..240 {
        write_run(&home, &format!("run-{n}"), &data, 1e-3, n);
    }
    let mut window = Window::open(&home);
    let many = draw(&mut window);
    assert!(many < 2 * few, "{many} corners against {few}");
    window.picture("per_tag_map_240");
}

#[test]
fn settings_of_two_runs_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _, _) = window(folder.path());
    window.send(Command::Show(Panel::Runs));
    window.wait("the list", |window| window.shows("Run second-1"));
    window.secondary_click("Run second-1");
    window.click("Compare settings…");
    window.wait("the table", |window| window.shows("learning_rate"));
    assert!(window.shows("1e-4") && window.shows("0.001"));
    assert!(!window.shows("batch_size"), "that is the same");
    window.picture("settings_compared");
    window.click("also what is the same");
    assert!(window.shows("batch_size"));
    window.click("Filter settings");
    window.type_text("batch");
    window.wait("one row", |window| !window.shows("learning_rate"));
    window.click("Close");
    assert!(!window.shows("Settings compared"));
}
