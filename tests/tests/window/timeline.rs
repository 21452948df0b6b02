//! The timeline in a window: lanes appear, click seeks, drag selects, keys zoom.

use attune::theme;
use attune::timeline::{LanesOf, Picture, Request, Shown, Song, TagRow, TimelineView, TrueSpan};
use attune_core::interpret::{
    Error, Explainer, Grid, Method, SongExplanation, SongSettings, TokenMap, Wanted,
    WindowExplanation, song,
};
use attune_core::job::Job;
use attune_core::predict::{SlidingWindows, TagTimeline, Tokens};
use attune_tests::soft_renderer::SoftRenderer;
use egui::{Modifiers, PointerButton, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::path::Path;
use std::sync::Arc;

const RATE_HZ: u32 = 2_000;
const SECS: usize = 60;

/// A song of a minute: quiet but for 20 s to 30 s, a click every second.
fn wave() -> Vec<f32> {
    (0..SECS * RATE_HZ as usize)
        .map(|i| {
            let secs = i as f32 / RATE_HZ as f32;
            let loud = if (20.0..30.0).contains(&secs) {
                0.8
            } else {
                0.1
            };
            let click = (-30.0 * secs.fract()).exp();
            loud * (0.5 + 0.5 * click) * (secs * 700.0).sin()
        })
        .collect()
}

/// Hears loudness.
struct Loudness(Vec<String>);

impl Explainer for Loudness {
    fn name(&self) -> &str {
        "loudness"
    }
    fn sample_rate_hz(&self) -> u32 {
        RATE_HZ
    }
    fn window_samples(&self) -> usize {
        200 * 40
    }
    fn tags(&self) -> &[String] {
        &self.0
    }
    fn methods(&self) -> Vec<Method> {
        vec![Method::Contribution, Method::OnlyToken, Method::Attention]
    }
    fn usual_methods(&self) -> Vec<Method> {
        self.methods()
    }
    fn grid(&self, _: Method, n_samples: usize) -> Grid {
        Grid {
            samples_per_token: 200.0,
            first_centre_samples: 75.0,
            receptive_field_samples: 1600.0,
            n_tokens: n_samples / 200,
            sample_rate_hz: RATE_HZ,
        }
    }
    fn explain_heard(
        &self,
        window: &[f32],
        _: Option<&Tokens>,
        wanted: &Wanted<'_>,
    ) -> Result<WindowExplanation, Error> {
        let loudness: Vec<f32> = window
            .chunks_exact(200)
            .map(|s| (s.iter().map(|v| v * v).sum::<f32>() / 200.0).sqrt())
            .collect();
        let mean = loudness.iter().sum::<f32>() / loudness.len() as f32;
        let share = 0.7 / (mean * loudness.len() as f32);
        let logit = |l: f32| 12.0 * (l - 0.2);
        let p = 1.0 / (1.0 + (-logit(mean)).exp());
        let sigmoid = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let both = || {
            let loud = loudness.iter().map(|&l| logit(l));
            loud.chain(loudness.iter().map(|&l| -logit(l)))
        };
        let maps = wanted.methods.iter().map(|&method| {
            let values = match method {
                Method::Contribution => both().collect(),
                Method::OnlyToken => both().map(sigmoid).collect(),
                _ => loudness.iter().map(|l| l * share).collect(),
            };
            let tags = if method.is_shared() {
                vec![]
            } else {
                vec![0, 1]
            };
            TokenMap::new(method, self.grid(method, window.len()), tags, values)
        });
        Ok(WindowExplanation {
            probabilities: vec![p, 1.0 - p],
            logits: vec![logit(mean), -logit(mean)],
            self_attention: Some(0.3),
            maps: maps.collect(),
            completeness_error: None,
        })
    }
}

struct Stage {
    song: Song,
    picture: Option<Arc<Picture>>,
    explanation: Option<Arc<SongExplanation>>,
    tags: Vec<String>,
    view: TimelineView,
    play_head_secs: f64,
    selection_secs: Option<std::ops::Range<f64>>,
    requests: Vec<Request>,
}

impl Stage {
    fn new() -> Self {
        let tags = vec!["loud".to_owned(), "soft".to_owned()];
        let wave = wave();
        let explained = song(
            &Loudness(tags.clone()),
            &wave,
            &SongSettings::default(),
            &Job::quiet(),
        )
        .unwrap();
        let decibels: Vec<f32> = (0..64)
            .flat_map(|mel| {
                wave.chunks_exact(40).map(move |s| {
                    let power = s.iter().map(|v| v * v).sum::<f32>() / 40.0;
                    10.0 * power.max(1e-8).log10() - (mel as f32 - 20.0).abs()
                })
            })
            .collect();
        let truth = vec![TrueSpan {
            tag: "loud".to_owned(),
            secs: 20.0..30.0,
        }];
        Self {
            song: Song::from_wave(Path::new("a minute.wav"), "a minute", wave, RATE_HZ, truth),
            picture: Some(Arc::new(Picture::new(&decibels, 64, 0.02))),
            explanation: Some(Arc::new(explained)),
            tags,
            view: TimelineView::default(),
            play_head_secs: 12.0,
            selection_secs: None,
            requests: Vec::new(),
        }
    }

    /// What the workbench would do.
    fn obey(&mut self) {
        for request in &self.requests {
            match request {
                Request::Seek { to_secs } => self.play_head_secs = *to_secs,
                Request::Select(range) => self.selection_secs = range.clone(),
                Request::Hear(range) => self.selection_secs = Some(range.clone()),
                Request::Tag { .. } => {}
            }
        }
    }
}

fn window(stage: Stage) -> Harness<'static, Stage> {
    let mut harness = Harness::builder()
        .with_size([900.0, 480.0])
        .with_step_dt(1.0 / 60.0)
        .with_max_steps(16)
        .renderer(SoftRenderer::new())
        .build_ui_state(
            |ui, stage: &mut Stage| {
                egui::CentralPanel::default().show(ui, |ui| {
                    let explanation = stage.explanation.as_ref();
                    let idx = |tag: &String| explanation.and_then(|found| found.tag_idx(tag));
                    let rows = stage.tags.iter().filter_map(idx).map(|tag_idx| TagRow {
                        tag_idx,
                        methods: vec![(Method::Contribution, stage.explanation.clone())],
                        is_unfolded: false,
                        other: None,
                    });
                    let rows: Vec<TagRow> = rows.collect();
                    let shown = Shown {
                        lanes: LanesOf {
                            song: &stage.song,
                            picture: stage.picture.as_ref(),
                            mel_centres_hz: &[],
                            explanation: stage.explanation.as_ref(),
                            tags: &rows,
                        },
                        play_head_secs: stage.play_head_secs,
                        is_playing: false,
                        selection_secs: stage.selection_secs.clone(),
                    };
                    stage.requests = stage.view.ui(&shown, ui);
                    stage.obey();
                });
            },
            stage,
        );
    theme::apply(&harness.ctx);
    harness.run();
    harness
}

fn x_of(harness: &Harness<'_, Stage>, secs: f64) -> f32 {
    harness.state().view.map().unwrap().x_from_secs(secs)
}

fn button(harness: &mut Harness<'_, Stage>, pos: egui::Pos2, pressed: bool) {
    harness.event(egui::Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    });
    harness.step();
}

fn click(harness: &mut Harness<'_, Stage>, secs: f64) {
    let at = pos2(x_of(harness, secs), 100.0);
    harness.hover_at(at);
    harness.step();
    button(harness, at, true);
    button(harness, at, false);
    harness.run();
}

fn drag(harness: &mut Harness<'_, Stage>, from_secs: f64, to_secs: f64) {
    let from = pos2(x_of(harness, from_secs), 100.0);
    let to = pos2(x_of(harness, to_secs), 100.0);
    harness.hover_at(from);
    harness.step();
    button(harness, from, true);
    for share in [0.3, 0.6, 1.0] {
        harness.hover_at(from + (to - from) * share);
        harness.step();
    }
    button(harness, to, false);
    harness.run();
}

/// What the strongest token near the pointer hears is selected, to be played in a loop.
#[test]
fn a_double_click_on_a_lane_asks_for_the_peak_there() {
    let mut harness = window(Stage::new());
    let explanation = harness.state().explanation.clone().unwrap();
    let lane = harness
        .get_all_by_label("contribution")
        .next()
        .unwrap()
        .rect();
    let map = explanation.map(Method::Contribution).unwrap();
    let secs = 30.0;
    let at = pos2(x_of(&harness, secs), lane.bottom());
    harness.hover_at(at);
    harness.step();
    // A frame each: quick enough for a double click.
    for pressed in [true, false, true, false] {
        button(&mut harness, at, pressed);
    }
    let heard = harness.state().selection_secs.clone().unwrap();
    assert!(heard.contains(&secs), "{heard:?}");
    let length = heard.end - heard.start;
    assert!(
        (length - map.grid.receptive_field_secs()).abs() < 1e-6,
        "{length}"
    );
    let middle = 0.5 * (heard.start + heard.end);
    let size = |token: usize| map.tag(0)[token].abs();
    let peak = map.grid.token_at_secs(middle).unwrap();
    let near = (0..map.grid.n_tokens)
        .filter(|&token| (map.grid.centre_secs(token) - secs).abs() < 0.5 * length - 1e-6);
    assert!(near.into_iter().all(|token| size(token) <= size(peak)));
}

#[test]
fn every_lane_has_its_title_and_unit() {
    let harness = window(Stage::new());
    for label in [
        "waveform",
        "log-mel",
        "attention",
        "loud",
        "soft",
        "truth",
        "share; 30 % to itself",
    ] {
        harness.get_by_label(label);
    }
}

#[test]
fn lanes_that_are_not_computed_yet_say_so() {
    let mut stage = Stage::new();
    stage.picture = None;
    stage.explanation = None;
    let harness = window(stage);
    assert_eq!(harness.query_all_by_label("not computed yet").count(), 2);
    assert!(harness.query_by_label("loud").is_none());
}

#[test]
fn a_click_moves_the_play_head_there() {
    let mut harness = window(Stage::new());
    click(&mut harness, 47.0);
    assert!((harness.state().play_head_secs - 47.0).abs() < 0.05);
    assert_eq!(harness.state().selection_secs, None);
}

#[test]
fn a_drag_selects_in_either_direction_and_escape_clears() {
    let mut harness = window(Stage::new());
    drag(&mut harness, 30.0, 20.0);
    let selected = harness.state().selection_secs.clone().unwrap();
    assert!(
        (selected.start - 20.0).abs() < 0.1 && (selected.end - 30.0).abs() < 0.1,
        "{selected:?}"
    );
    assert_eq!(harness.state().play_head_secs, 12.0, "a drag is no click");
    harness.key_press(egui::Key::Escape);
    harness.run();
    assert_eq!(harness.state().selection_secs, None);
}

#[test]
fn plus_zooms_about_the_play_head_and_zero_fits() {
    let mut harness = window(Stage::new());
    let before = x_of(&harness, 12.0);
    harness.key_press(egui::Key::Plus);
    harness.run();
    assert!((x_of(&harness, 12.0) - before).abs() < 0.5);
    assert!((harness.state().view.map().unwrap().span_secs() - 40.0).abs() < 1e-9);
    harness.key_press(egui::Key::Num0);
    harness.run();
    assert_eq!(harness.state().view.map().unwrap().span_secs(), SECS as f64);
}

#[test]
fn the_lanes_say_value_and_unit_under_the_pointer() {
    let mut harness = window(Stage::new());
    let at = pos2(x_of(&harness, 25.0), 100.0);
    harness.hover_at(at);
    harness.run();
    harness.get_by_label("sounds");
    let alone = harness.query_all_by_label_contains("logit, alone p =");
    assert_eq!(alone.count(), 2);
    harness.get_by_label_contains(" dBFS");
}

#[test]
fn evidence_is_painted_in_its_colour() {
    let mut stage = Stage::new();
    stage.selection_secs = Some(40.0..45.0);
    let mut harness = window(stage);
    let at = pos2(x_of(&harness, 25.0), 100.0);
    harness.hover_at(at);
    harness.run();
    let picture = harness.render().unwrap();
    if let Some(folder) = std::env::var_os("ATTUNE_PICTURES") {
        let path = Path::new(&folder).join("timeline_view.png");
        picture.save(path).unwrap();
    }
    let palette = theme::palette_of(egui::Theme::Dark);
    let ink = palette.of_series(7).to_array();
    let inked = picture.pixels().filter(|p| p.0[..3] == ink[..3]).count();
    assert!(inked > 500, "{inked} pixels of evidence");
}

/// An hour with ten tags, most of it seen in a few pixels.
fn hour() -> Stage {
    const HOUR_SECS: usize = 3600;
    let mut stage = Stage::new();
    let wave: Vec<f32> = (0..HOUR_SECS * RATE_HZ as usize)
        .map(|i| ((i * i) % 1013) as f32 / 1013.0 - 0.5)
        .collect();
    let tags: Vec<String> = (0..10).map(|tag| format!("tag {tag}")).collect();
    let grid = Loudness(Vec::new()).grid(Method::Contribution, wave.len());
    let values = |n: usize| (0..n).map(|i| ((i * 7919) % 1009) as f32 / 504.0 - 1.0);
    let windows = SlidingWindows::new(wave.len(), 8000, 4000);
    let n_values = windows.starts.len() * tags.len();
    stage.explanation = Some(Arc::new(SongExplanation {
        grid,
        duration_secs: HOUR_SECS as f64,
        over_time: TagTimeline::new(
            &windows,
            RATE_HZ,
            tags.len(),
            values(n_values).map(f32::abs).collect(),
        ),
        self_attention: vec![0.1; windows.starts.len()],
        maps: vec![
            TokenMap {
                method: Method::Contribution,
                grid,
                tags: (0..tags.len()).collect(),
                values: values(grid.n_tokens * tags.len()).collect(),
            },
            TokenMap {
                method: Method::Attention,
                grid,
                tags: Vec::new(),
                values: values(grid.n_tokens).map(f32::abs).collect(),
            },
        ],
        completeness_error: None,
        tags: tags.clone(),
    }));
    let n_frames = HOUR_SECS * 43;
    let decibels: Vec<f32> = values(128 * n_frames).map(|v| 40.0 * v).collect();
    stage.picture = Some(Arc::new(Picture::new(&decibels, 128, 1.0 / 43.0)));
    stage.tags = tags;
    stage.song = Song::from_wave(Path::new("hour.wav"), "an hour", wave, RATE_HZ, Vec::new());
    stage
}

#[test]
fn a_frame_of_an_hour_is_bounded_by_pixels_and_not_by_seconds() {
    let mut harness = window(hour());
    let corners = |harness: &Harness<'_, Stage>| {
        let shapes = harness.output().shapes.clone();
        let meshes = harness.ctx.tessellate(shapes, 1.0);
        meshes
            .iter()
            .map(|mesh| match &mesh.primitive {
                egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
                egui::epaint::Primitive::Callback(_) => 0,
            })
            .sum::<usize>()
    };
    let all = corners(&harness);
    for _ in 0..12 {
        harness.key_press(egui::Key::Plus);
        harness.run();
    }
    let near = corners(&harness);
    // 740 columns; visible are at most ten lanes with up to four corners for each of a few bars per column.
    assert!(all < 60_000 && near < 60_000, "{all} and {near} corners");
}

/// For the record: `cargo test -p attune-tests --release --test window timeline -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn time_of_a_frame_of_an_hour() {
    let mut harness = window(hour());
    let mut millis = Vec::new();
    for frame in 0..300 {
        // Zoom in and out, so that every frame makes its meshes anew.
        harness.key_press(if frame % 40 < 20 {
            egui::Key::Plus
        } else {
            egui::Key::Minus
        });
        let start = std::time::Instant::now();
        harness.step();
        let shapes = harness.output().shapes.clone();
        drop(harness.ctx.tessellate(shapes, 1.0));
        millis.push(start.elapsed().as_secs_f64() * 1e3);
    }
    millis.sort_by(f64::total_cmp);
    println!(
        "a frame of an hour, zooming: median {:.2} ms, p99 {:.2} ms",
        millis[150], millis[296]
    );
}
