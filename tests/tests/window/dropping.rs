//! Files dropped onto the window: each is opened as what it is, and what is nothing is told.

use attune::panels::Panel;
use attune_core::audio;
use attune_core::nn::Parameters;
use attune_tests::small_data;
use attune_tests::small_models;
use attune_tests::window::Window;
use candle_core::DType;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const RATE_HZ: u32 = 22_050;

struct Stage {
    window: Window,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            window: Window::open(&folder.path().join("workspace")),
            folder,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn told(&self, part: &str) -> bool {
        let notices = &self.window.state().notices;
        notices.iter().any(|(_, notice)| notice.text.contains(part))
    }
}

fn write_song(path: &Path) {
    let wave: Vec<f32> = (0..RATE_HZ).map(|i| (i as f32 * 0.05).sin()).collect();
    audio::write_wav(path, &wave, RATE_HZ).unwrap();
}

#[test]
fn a_song_and_weights_dropped_together_are_both_opened() {
    let mut stage = Stage::new();
    let (song, weights) = (stage.at("song.wav"), stage.at("two.safetensors"));
    write_song(&song);
    small_models::write(&weights, small_models::tiny(), &["loud", "soft"], 1.0, 1);
    stage.window.drop_files(&[&weights, &song]);
    stage.window.wait("the song and the model", |window| {
        let state = window.state();
        state
            .song
            .current()
            .is_some_and(|open| open.heard.path == song)
            && state
                .model
                .current()
                .is_some_and(|model| model.tags == ["loud", "soft"])
    });
    assert!(stage.window.app().is_shown(Panel::Timeline));
}

/// As the reference implementation's trainer leaves it: no tags, no configuration, a prefix, something beside the network.
#[test]
fn weights_of_another_program_are_shown_before_they_are_used() {
    let mut stage = Stage::new();
    let (weights, tags) = (stage.at("teacher.safetensors"), stage.at("tags.txt"));
    let config = small_models::tiny().with_n_tags(2);
    let parameters = Parameters::initialise(1, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let mut tensors: BTreeMap<_, _> = parameters
        .to_map()
        .into_iter()
        .map(|(name, tensor)| (format!("network.{name}"), tensor))
        .collect();
    let extra = tensors["network.cls_token"].clone();
    tensors.insert("network.from_elsewhere".to_owned(), extra);
    attune_core::weights::write(&weights, &tensors, &BTreeMap::new()).unwrap();
    std::fs::write(&tags, "loud\nsoft\nodd\n").unwrap();
    stage.window.drop_files(&[&weights]);
    stage
        .window
        .wait("the preview", |window| window.shows("Use these weights"));
    for part in [
        "1 unexpected (from_elsewhere)",
        "2 tags",
        "network.from_elsewhere",
    ] {
        assert!(stage.window.shows_part(part), "{part}");
    }
    let before = stage
        .window
        .state()
        .model
        .current()
        .map(|model| model.name.clone());
    assert_ne!(before.as_deref(), Some("teacher"), "nothing is loaded yet");
    // The dialog finds its place.
    stage.window.frames(5);
    stage.window.click("Tags file");
    stage.window.type_text(tags.to_str().unwrap());
    stage.window.picture("weights_dialog");
    stage.window.click("Use these weights");
    stage.window.wait("what is wrong", |window| {
        let mut texts = window
            .state()
            .notices
            .iter()
            .map(|(_, notice)| &notice.text);
        texts.any(|text| text.contains("3 tags for a network with 2 outputs"))
    });
    assert!(stage.window.shows("Use these weights"), "and can be mended");
    std::fs::write(&tags, "loud\nsoft\n").unwrap();
    stage.window.click("Use these weights");
    stage.window.wait("the model", |window| {
        let model = window.state().model.current();
        model.is_some_and(|model| model.tags == ["loud", "soft"])
    });
    assert!(!stage.window.shows("Use these weights"));
}

#[test]
fn a_data_set_folder_is_shown_in_the_library() {
    let mut stage = Stage::new();
    let data = stage.at("data");
    small_data::write(&data, 12, 1.0);
    stage.window.drop_files(&[&data]);
    stage
        .window
        .wait("the tracks", |window| window.shows("Track x000"));
    assert!(stage.window.app().is_shown(Panel::Library));
    assert_eq!(stage.window.state().selection.dataset, Some(data));
}

#[test]
fn a_run_folder_is_shown_in_the_curves() {
    let mut stage = Stage::new();
    let run = stage.at("run-7");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("run.toml"), "").unwrap();
    stage.window.drop_files(&[&run]);
    stage.window.wait("the run", |window| {
        window.state().selection.run.as_ref() == Some(&run)
    });
    assert!(stage.window.app().is_shown(Panel::Curves));
}

#[test]
fn rubbish_is_told_by_name_and_changes_nothing() {
    let mut stage = Stage::new();
    let (text, empty) = (stage.at("notes.pdf"), stage.at("empty"));
    std::fs::write(&text, "%PDF").unwrap();
    std::fs::create_dir_all(&empty).unwrap();
    let broken = stage.at("broken.mp3");
    std::fs::write(&broken, [0_u8; 512]).unwrap();
    let before = stage.window.state().selection.clone();
    stage.window.drop_files(&[&text, &empty]);
    stage.window.wait("two errors", |window| {
        let texts: Vec<_> = window
            .state()
            .notices
            .iter()
            .map(|(_, n)| &n.text)
            .collect();
        texts.iter().any(|text| text.contains("notes.pdf"))
            && texts.iter().any(|text| text.contains("no tracks.csv"))
    });
    assert_eq!(stage.window.state().selection, before);
    stage.window.drop_files(&[&broken]);
    stage.window.wait("why it cannot be opened", |window| {
        window.state().song.error().is_some()
    });
    assert!(stage.window.state().song.current().is_none());
    assert!(!stage.told("panic"));
}
