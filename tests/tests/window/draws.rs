//! Draws in the window: ten side by side, kept with a note, copied and pasted, written as files; the chain edited; a clip of a run replayed.

use crate::saving::check_saved;
use attune::panels::Panel;
use attune::workbench::parts::audition::{self, ChainCommand, ReplayCommand};
use attune::workbench::{Command, Select, UiCommand};
use attune_core::audio;
use attune_core::augment::{Chain, Draw, Effect, Kind, Notebook};
use attune_core::job::Job;
use attune_core::train::{self, ReplayOf};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use attune_tests::window::Window;
use std::path::Path;

/// A window with a song of six seconds, Audition on the view `view`.
fn with_song(folder: &Path, view: &str) -> Window {
    let song = folder.join("beat.wav");
    small_data::write_beat(&song, 6.0);
    let mut window = Window::open(&folder.join("workspace"));
    window.resize(1280.0, 1000.0);
    window.send(UiCommand::Show(Panel::Audition));
    window.send(Command::OpenSong(song));
    window.send(UiCommand::Show(Panel::Audition));
    window.wait("the clip", |window| {
        let audition = &window.state().audition;
        audition.augmented().is_some() && audition.draws.kept().is_some()
    });
    window.click(view);
    window
}

fn augmented(window: &Window) -> Vec<f32> {
    let heard = window.state().audition.augmented().unwrap();
    heard.clip.samples.to_vec()
}

#[test]
fn ten_draws_stand_side_by_side_and_a_click_plays_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path(), "Draws");
    window.click("Roll ten");
    window.wait("ten draws", |window| {
        window.state().audition.draws.rolled().len() == 10
    });
    let audition = &window.state().audition;
    let original = audition.original().unwrap().clip.samples.to_vec();
    let rate_hz = audition.original().unwrap().clip.rate_hz;
    let chain = Chain::preset("reference").unwrap();
    for (seed, rolled) in (1..).zip(audition.draws.rolled()) {
        let expected = chain.draw(Draw::of(Vec::new(), seed).address);
        assert_eq!(
            rolled.draw, expected,
            "the draw of `attune augment --draw --seed {seed}`"
        );
        assert_eq!(
            rolled.heard.clip.samples[..],
            expected.apply(&original, rate_hz)[..]
        );
    }
    let third = audition.draws.rolled()[2].clone();
    window.frames(2);
    assert_eq!(window.count_part("Draw seed "), 10);
    window.click_part("Draw seed 3:");
    assert_eq!(window.state().audition.draw(), third.draw);
    window.wait("its sound", |window| {
        augmented(window)[..] == third.heard.clip.samples[..]
    });
    assert_eq!(window.state().player.variant(), 1, "it plays");
    window.picture("audition_draws");
}

#[test]
fn a_draw_is_kept_with_a_note_and_comes_back_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path().join("workspace"));
    let draw = {
        let mut window = with_song(folder.path(), "Draws");
        window.click("Pitch shift");
        window.click("Note to the draw");
        window.type_text("like a cassette");
        window.click("Keep draw");
        window.wait("the file", |_| workspace.kept_draws().exists());
        window.state().audition.draw()
    };
    let notebook = Notebook::read(&workspace.kept_draws()).unwrap();
    assert_eq!(notebook.draws.len(), 1);
    assert_eq!(notebook.draws[0].draw, draw);
    assert_eq!(notebook.draws[0].note, "like a cassette");

    let mut window = with_song(folder.path(), "Draws");
    assert_eq!(window.state().audition.draw().effects, []);
    window.click("Hear kept draw 1");
    assert_eq!(window.state().audition.draw(), draw);
    let kept = |window: &Window| window.state().audition.draws.kept().unwrap().len();
    window.click("Forget kept draw 1");
    assert_eq!(kept(&window), 0);
    window.click("Undo");
    assert_eq!(kept(&window), 1);
    window.wait("the file", |_| {
        Notebook::read(&workspace.kept_draws()).unwrap() == notebook
    });
}

#[test]
fn a_draw_is_pasted_and_written_as_a_sound_with_its_draw_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path().join("workspace"));
    let mut window = with_song(folder.path(), "Draws");
    let chain = Chain::preset("paper").unwrap();
    let draw = (0..)
        .map(|seed| chain.draw(Draw::of(Vec::new(), seed).address))
        .find(|draw| draw.effects.len() > 3)
        .unwrap();
    window.paste(&draw.to_text());
    assert_eq!(window.state().audition.draw(), draw);
    let original = window.state().audition.original().unwrap().clip.clone();
    let expected = draw.apply(&original.samples, original.rate_hz);
    window.wait("its sound", |window| augmented(window) == expected);
    window.click("Export WAV");
    let found = |extension: &str| {
        let files = std::fs::read_dir(workspace.exports()).into_iter().flatten();
        let mut paths = files.map(|file| file.unwrap().path());
        paths.find(|path| path.extension().is_some_and(|e| e == extension))
    };
    window.wait("the files", |_| found("json").is_some());
    let written = audio::decode(&found("wav").unwrap(), &Job::quiet()).unwrap();
    assert_eq!(written.clip.samples[..], expected[..]);
    let sidecar = std::fs::read_to_string(found("json").unwrap()).unwrap();
    assert!(sidecar.contains("\"seed\""), "{sidecar}");

    window.click("Export WAV");
    let n_files = || std::fs::read_dir(workspace.exports()).unwrap().count();
    window.wait("two more files: none is written over", |_| n_files() == 4);

    window.paste("this is no draw");
    assert!(window.shows_part("no effect `this`"), "says what is wrong");
    assert_eq!(window.state().audition.draw(), draw);
}

#[test]
fn a_chain_is_edited_saved_and_rolled_from() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path().join("workspace"));
    let mut window = with_song(folder.path(), "Chain editor");
    window.wait("the chains", |window| {
        window.state().audition.chains.known().len() >= 3
    });
    window.frames(2);
    window.picture("audition_chain_first");
    assert!(window.shows_part("Nothing: it is the paper's chain"));
    let chain = |window: &Window| (**window.state().audition.chains.chain()).clone();
    let papers = chain(&window);
    window.click("Remove: step 1");
    assert_eq!(chain(&window).steps, papers.steps[1..]);
    window.click("Later: step 1");
    assert_eq!(
        chain(&window).steps[..2],
        [papers.steps[2].clone(), papers.steps[1].clone()]
    );
    assert!(!window.shows_part("Nothing: it is the paper's chain"));
    window.click("Undo");
    window.click("Undo");
    assert_eq!(chain(&window), papers);
    window.click("Redo");
    window.click("Add a step");
    window.click_last(Kind::Gain.label());
    let edited = chain(&window);
    assert_eq!(edited.steps.len(), papers.steps.len());
    assert_eq!(edited.steps.last().unwrap().choices[0].kind, Kind::Gain);
    window.picture("audition_chain");

    window.click("Name for the chain");
    window.type_text("mine");
    window.click("Save chain");
    window.wait("the file", |window| {
        window.state().audition.chains.name() == "mine"
    });
    assert_eq!(
        Chain::load(&workspace.chains().join("mine.toml")).unwrap(),
        edited
    );
    assert!(!window.state().audition.chains.is_changed());
    window.click("Roll the dice");
    let seed = window.state().audition.seed();
    let expected = edited.draw(Draw::of(Vec::new(), seed).address);
    assert_eq!(window.state().audition.draw(), expected);

    let open = |name: &str| audition::Command::Chain(ChainCommand::Open(name.to_owned()));
    window.send(Command::Audition(open("none")));
    window.wait("the empty chain", |window| chain(window).steps.is_empty());
    window.send(Command::Audition(open("mine")));
    window.wait("one's own chain", |window| chain(window) == edited);
}

#[test]
fn where_the_clips_differ_is_to_be_seen_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = with_song(folder.path(), "Difference");
    window.wait("the comparison", |window| {
        window.state().audition.is_looked_at()
    });
    window.click("Gain");
    window.wait("the new comparison", |window| {
        let audition = &window.state().audition;
        audition.is_looked_at() && !audition.draw().effects.is_empty()
    });
    let home = folder.path().join("workspace");
    check_saved(
        &mut window,
        &home,
        "difference of the clips",
        &[">Augmented less original<", ">Difference (dB)<"],
        &[
            "Original and augmented,,envelope,",
            "Augmented less original,Difference (dB),cell,",
        ],
    );
    check_saved(
        &mut window,
        &home,
        "spectra",
        &[">Frequency (Hz)<", ">Augmented<"],
        &["Level (dBFS),Original,line,"],
    );
    window.click("Clip");
    check_saved(
        &mut window,
        &home,
        "both clips",
        &[">Original<", ">Augmented<", ">Level (dB)<"],
        &["Original,,envelope,", "Level (dB),cell,"],
    );
    window.click("Difference");
    window.wait("the comparison again", |window| {
        window.state().audition.is_looked_at()
    });
    let looked = std::sync::Arc::clone(window.state().audition.looked().unwrap());
    let [Effect::Gain { db }] = window.state().audition.draw().effects[..] else {
        panic!("only the gain is on");
    };
    let difference =
        looked.heard[1].loudness.integrated.unwrap() - looked.heard[0].loudness.integrated.unwrap();
    assert!(
        (difference - db).abs() < 0.05,
        "{difference} LU for {db} dB"
    );
    let loudest = (0..looked.band_hz.len())
        .max_by(|a, b| {
            let level = |band: usize| looked.levels_db(band, 0.4).unwrap()[0];
            level(*a).total_cmp(&level(*b))
        })
        .unwrap();
    let [original, softer] = looked.levels_db(loudest, 0.4).unwrap();
    assert!(
        (softer - original - db).abs() < 0.1,
        "{original} to {softer}"
    );
    window.frames(2);
    assert!(
        window.shows_part("LUFS, true peak"),
        "the meters say their numbers"
    );
    let picture = window.rect_part("Original and augmented clip: waveforms");
    window.hover(picture.center());
    assert!(
        window.shows_part("difference "),
        "time, frequency and levels under the pointer"
    );
    window.picture("audition_difference");
}

#[test]
fn a_clip_of_a_run_is_heard_as_its_network_got_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let workspace = Workspace::at(folder.path().join("workspace"));
    let mut window = Window::open(workspace.root());
    window.resize(1280.0, 1000.0);
    let recipe = folder.path().join("augmented.toml");
    let text = format!(
        "name = \"augmented\"\ninput_secs = 1.0\nbatch_size = 4\nepochs = 1\nseed = 5\naugmentation = {{ preset = \"reference\" }}\n\
         data = {{ folder = {data:?} }}\nmodel = {{ preset = \"tiny\" }}\n"
    );
    std::fs::write(&recipe, text).unwrap();
    window.send(Command::Open(recipe));
    // An estimate is made of what was read.
    window.wait("the recipe", |window| window.shows_part("clips/s"));
    window.click("Start training");
    window.wait("the start", |window| {
        window.state().training.run_folder().is_some()
    });
    window.wait("the end", |window| !window.state().training.is_running());
    let run = workspace.runs().join("augmented-1");
    window.send(Command::Select(Select::Run(Some(run.clone()))));
    window.send(UiCommand::Show(Panel::Audition));
    window.wait("the run's tracks", |window| {
        window
            .state()
            .audition
            .replays
            .tracks(&run)
            .is_some_and(|tracks| !tracks.is_empty())
    });
    let tracks = window.state().audition.replays.tracks(&run).unwrap();
    // Some track for which more than two effects were rolled.
    let made = tracks
        .iter()
        .map(|track| {
            let of = ReplayOf {
                run: run.clone(),
                epoch: 0,
                visit: 0,
                track: track.clone(),
            };
            train::replay(&of, &workspace, &Job::quiet()).unwrap()
        })
        .find(|made| {
            made.draw
                .as_ref()
                .is_some_and(|draw| draw.effects.len() > 2)
        })
        .unwrap();
    let of_no_epoch = ReplayOf {
        epoch: 1,
        ..made.of.clone()
    };
    let of_no_visit = ReplayOf {
        visit: 1,
        ..made.of.clone()
    };
    for (of, part) in [(of_no_epoch, "epochs 1 to 1"), (of_no_visit, "0 to 0")] {
        let error = train::replay(&of, &workspace, &Job::quiet()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    window.send(Command::Audition(audition::Command::Replay(
        ReplayCommand::Hear(made.of.clone()),
    )));
    window.wait("the clip", |window| {
        let audition = &window.state().audition;
        audition.replays.shown().is_some()
            && audition
                .augmented()
                .is_some_and(|heard| heard.clip.samples[..] == made.wave[..])
    });
    assert_eq!(
        window.state().audition.original().unwrap().clip.samples[..],
        made.original[..]
    );
    assert_eq!(Some(window.state().audition.draw()), made.draw);
    window.click("Draws");
    assert!(window.shows_part(&format!("epoch 1: {}", made.of.track)));
    window.picture("audition_replay");
    window.click("Back to the song");
    assert!(window.state().audition.replays.shown().is_none());
}
