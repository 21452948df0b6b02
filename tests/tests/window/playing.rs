//! Playing from the window: the transport bar, the keys, and the timeline's clicks and drags, on a clock that the test turns.

use attune::panels::Panel;
use attune::playback::{Output, Player, State};
use attune::workbench::Command;
use attune_core::audio;
use attune_tests::small_models;
use attune_tests::window::Window;
use egui::{Key, Modifiers, Pos2, Rect, pos2};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const RATE_HZ: u32 = 22_050;
const SONG_SECS: f64 = 8.0;

/// A window with a song of eight seconds, and its time.
struct Stage {
    window: Window,
    now_ns: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

fn write_song(path: &Path) {
    let wave: Vec<f32> = (0..(SONG_SECS * f64::from(RATE_HZ)) as usize)
        .map(|i| 0.4 * (i as f32 * 0.06).sin())
        .collect();
    audio::write_wav(path, &wave, RATE_HZ).unwrap();
}

impl Stage {
    /// The song is open and explained by a model of three tags.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (song, model) = (
            folder.path().join("tone.wav"),
            folder.path().join("m.safetensors"),
        );
        write_song(&song);
        let tags = ["drums", "flute", "calm"];
        small_models::write(&model, small_models::tiny(), &tags, 2.0, 1);
        let now_ns = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now_ns);
        let now = Arc::new(move || clock.load(Ordering::Relaxed));
        let mut window = Window::with_time(&folder.path().join("workspace"), now);
        window.send(Command::OpenModel(model));
        window.wait("the model", |window| {
            let model = window.state().model.current();
            model.is_some_and(|model| model.tags.len() == 3)
        });
        window.send(Command::OpenSong(song));
        window.wait("the explanation", |window| {
            let state = window.state();
            let known = state.song.current().zip(state.model.current());
            known.is_some_and(|(song, model)| state.timeline.explanation(song, model).is_some())
        });
        window.frames(5);
        Self {
            window,
            now_ns,
            _folder: folder,
        }
    }

    fn player(&self) -> &Player {
        &self.window.state().player
    }

    /// Lets time go by, and the window see it.
    fn pass(&mut self, secs: f64) {
        self.now_ns
            .fetch_add((secs * 1e9) as u64, Ordering::Relaxed);
        self.window.frames(2);
    }

    fn check_position(&self, secs: f64, tolerance: f64) {
        let position = self.player().position_secs();
        assert!(
            (position - secs).abs() <= tolerance,
            "{position} s, not {secs} s"
        );
    }

    /// Where on the ruler of the whole song a time stands.
    fn on_ruler(&self, secs: f64) -> Pos2 {
        along(self.window.rect("Time ruler"), secs)
    }

    fn in_lanes(&self, secs: f64) -> Pos2 {
        along(self.window.rect("Timeline lanes"), secs)
    }
}

fn along(rect: Rect, secs: f64) -> Pos2 {
    pos2(
        rect.left() + rect.width() * (secs / SONG_SECS) as f32,
        rect.top() + 10.0,
    )
}

#[test]
fn the_bar_plays_pauses_and_says_which_comes_next() {
    let mut stage = Stage::new();
    assert!(stage.window.shows("Play"));
    stage.window.click("Play");
    assert_eq!(stage.player().state(), State::Playing);
    stage.pass(1.5);
    stage.check_position(1.5, 1e-6);
    assert!(stage.window.shows_part("0:01.5 / 0:08.0"));
    assert!(!stage.window.shows("Play"), "the button pauses now");
    stage.window.click("Pause");
    stage.pass(2.0);
    stage.check_position(1.5, 1e-6);
    assert!(stage.window.shows("Play"));
    stage.window.click("Play");
    stage.pass(20.0);
    stage.check_position(SONG_SECS, 1e-6);
    assert_eq!(stage.player().state(), State::Paused, "the song is over");
}

#[test]
fn the_sliders_move_the_play_head_and_the_volume() {
    let mut stage = Stage::new();
    let slider = stage.window.rect("Position");
    stage.window.click_at(slider.center());
    stage.check_position(0.5 * SONG_SECS, 0.1);
    stage.window.drag(slider.center(), slider.right_center());
    stage.check_position(SONG_SECS, 0.1);
    let slider = stage.window.rect("Volume");
    stage.window.click_at(slider.center());
    let volume = stage.player().volume();
    assert!((volume - 0.5).abs() < 0.05, "{volume}");
    stage.window.press(Modifiers::NONE, Key::ArrowDown);
    assert!((stage.player().volume() - volume + 0.1).abs() < 1e-6);
}

#[test]
fn loop_repeats_the_whole_song_and_the_variants_change_in_place() {
    let mut stage = Stage::new();
    stage.window.click("Loop");
    assert_eq!(stage.player().loop_region(), Some((0.0, SONG_SECS)));
    stage.window.click("Play");
    stage.pass(SONG_SECS + 1.0);
    stage.check_position(1.0, 1e-6);
    assert_eq!(stage.player().variant(), 0);
    let n_variants = stage.player().track().unwrap().variants.len();
    assert_eq!(n_variants, 2);
    stage.window.click("as the network hears it");
    assert_eq!(stage.player().variant(), 1);
    stage.check_position(1.0, 1e-6);
    stage.window.click("as recorded");
    assert_eq!(stage.player().variant(), 0);
    stage.window.press(Modifiers::NONE, Key::L);
    assert_eq!(stage.player().loop_region(), None, "L is the same switch");
}

#[test]
fn without_a_sound_device_the_bar_says_so_and_offers_to_look_again() {
    let mut stage = Stage::new();
    stage.player().settle();
    assert!(matches!(stage.player().output(), Output::Silent(_)));
    assert!(stage.player().devices().is_empty());
    stage.window.click("Sound device");
    stage.window.picture("sound_devices");
    assert!(stage.window.shows("System default") && stage.window.shows("Look again"));
    stage.window.click("Look again");
    stage.player().settle();
    assert!(stage.player().devices().is_empty());
}

#[test]
fn a_click_seeks_and_a_drag_selects_and_loops() {
    let mut stage = Stage::new();
    assert!(stage.window.app().is_shown(Panel::Timeline));
    let at = stage.on_ruler(6.0);
    stage.window.click_at(at);
    stage.check_position(6.0, 0.05);
    let at = stage.in_lanes(3.0);
    stage.window.click_at(at);
    stage.check_position(3.0, 0.05);

    let (from, to) = (stage.in_lanes(5.0), stage.in_lanes(4.0));
    stage.window.drag(from, to);
    let time = stage.window.state().selection.time.unwrap();
    assert!(
        (time.start_secs - 4.0).abs() < 0.1 && (time.end_secs - 5.0).abs() < 0.1,
        "{time:?}"
    );
    assert_eq!(
        stage.player().loop_region(),
        Some((time.start_secs, time.end_secs))
    );
    stage.check_position(time.start_secs, 1e-6);
    assert!(stage.window.shows("Zoom to selection"));

    stage.window.press(Modifiers::NONE, Key::Space);
    assert_eq!(stage.player().state(), State::Playing);
    stage.pass(time.duration_secs() + 0.25);
    stage.check_position(time.start_secs + 0.25, 1e-6);
    stage.window.press(Modifiers::NONE, Key::Space);
    assert_eq!(stage.player().state(), State::Paused);
    stage.pass(0.5);
    stage.check_position(time.start_secs + 0.25, 1e-6);

    stage.window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.window.state().selection.time, None);
    assert_eq!(stage.player().loop_region(), None);
    stage.window.picture("timeline_window");
}

#[test]
fn the_keys_of_the_help_do_what_it_says() {
    let mut stage = Stage::new();
    let token_secs = {
        let state = stage.window.state();
        let (song, model) = (
            state.song.current().unwrap(),
            state.model.current().unwrap(),
        );
        let explanation = state.timeline.explanation(song, model).unwrap();
        explanation.grid.token_secs()
    };
    for (key, secs) in [
        (Key::ArrowRight, 5.0),
        (Key::Comma, 5.0 - token_secs),
        (Key::Period, 5.0),
        (Key::ArrowLeft, 0.0),
        (Key::ArrowLeft, 0.0),
        (Key::ArrowRight, 5.0),
        (Key::ArrowRight, SONG_SECS),
        (Key::Home, 0.0),
    ] {
        stage.window.press(Modifiers::NONE, key);
        stage.check_position(secs, 1e-6);
    }
    // Zoomed in by 1.5 about the start, the middle of the ruler is a third of the song.
    let middle = stage.window.rect("Time ruler").center();
    stage.window.press(Modifiers::NONE, Key::Plus);
    stage.window.click_at(middle);
    stage.check_position(SONG_SECS / 3.0, 0.05);
    stage.window.press(Modifiers::NONE, Key::Minus);
    stage.window.click_at(middle);
    stage.check_position(SONG_SECS / 2.0, 0.05);
    stage.window.press(Modifiers::NONE, Key::Plus);
    stage.window.press(Modifiers::NONE, Key::Num0);
    stage.window.click_at(middle);
    stage.check_position(SONG_SECS / 2.0, 0.05);
}

#[test]
fn a_stretch_selected_while_a_clip_plays_loops_in_the_song() {
    let mut stage = Stage::new();
    stage.window.send(Command::Show(Panel::Audition));
    stage.window.wait("both clips", |window| {
        window.shows_part("Original: waveform") && window.shows_part("Augmented: waveform")
    });
    stage.window.click("Augmented");
    assert!(stage.player().duration_secs() < SONG_SECS, "the clip plays");
    stage.window.send(Command::Show(Panel::Timeline));
    stage.window.frames(3);
    let (from, to) = (stage.in_lanes(5.0), stage.in_lanes(7.0));
    stage.window.drag(from, to);
    assert!(
        (stage.player().duration_secs() - SONG_SECS).abs() < 1e-3,
        "the song plays"
    );
    let time = stage.window.state().selection.time.unwrap();
    assert_eq!(
        stage.player().loop_region(),
        Some((time.start_secs, time.end_secs))
    );
}
