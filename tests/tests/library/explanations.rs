//! Explanations of whole songs by a real network: their numbers agree with tagging, window by window and as a whole.

use attune_core::interpret::{
    self, Error, Explainer, Grid, Method, SongSettings, Wanted, WindowExplanation,
};
use attune_core::job::Job;
use attune_core::models::{ModelConfig, presets};
use attune_core::nn::Parameters;
use attune_core::predict::{self, Model, Shipped, Tokens, tag_track};
use candle_core::DType;

const INPUT_SAMPLES: usize = 40_000;

/// An untrained network: it answers nonsense, but exactly.
fn model(n_tags: usize, input_samples: usize) -> Model {
    let config = presets::preset("tiny").unwrap().config.with_n_tags(n_tags);
    let parameters = Parameters::initialise(7, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let tags = (0..n_tags).map(|tag| format!("tag {tag}")).collect();
    Model::from_parameters(config, tags, input_samples, &parameters).unwrap()
}

/// An untrained network of narrow layers that hears about a second, or as little as it can.
fn narrow(name: &str) -> Model {
    let input_samples = match name {
        "tiny" => INPUT_SAMPLES,
        "sample-cnn" => 59_049,
        "harmonic-cnn" => 80_000,
        _ => 16_000,
    };
    narrow_of(name, input_samples)
}

fn narrow_of(name: &str, input_samples: usize) -> Model {
    let mut config = presets::preset(name).unwrap().config.with_n_tags(3);
    match &mut config {
        ModelConfig::Cnnsa(config) => {
            (config.width, config.n_heads, config.feed_forward_width) = (4, 2, 8);
        }
        ModelConfig::Musicnn(config) => {
            (config.n_tall, config.n_long) = (2, 2);
            (config.back_end_width, config.dense_width) = (4, 8);
        }
        ModelConfig::SampleCnn(config) => config.width = 2,
        ModelConfig::SampleCnnSe(config) => config.width = 2,
        ModelConfig::HarmonicCnn(config) => config.width = 2,
        ModelConfig::ShortChunkCnn(config) => config.width = 8,
        ModelConfig::ShortChunkResnet(config) => config.width = 8,
        ModelConfig::Fcn(config) => config.channels = [8; 5],
        ModelConfig::Crnn(config) => {
            (config.channels, config.gru_width) = ([8; 4], 8);
        }
        _ => {}
    }
    let parameters = Parameters::initialise(7, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let tags = ["a", "b", "c"].map(str::to_owned).to_vec();
    Model::from_parameters(config, tags, input_samples, &parameters).unwrap()
}

/// A sound that changes all the time.
fn wave(n_samples: usize) -> Vec<f32> {
    (0..n_samples)
        .map(|i| {
            let secs = i as f32 / 22_050.0;
            let tone = (secs * (800.0 + 400.0 * (secs * 1.3).sin()) * 6.0).sin();
            tone * 0.4 * (1.0 + (secs * 5.0).sin())
        })
        .collect()
}

fn explain(model: &Model, wave: &[f32], hop_secs: Option<f64>) -> interpret::SongExplanation {
    let settings = SongSettings {
        max_hop_secs: hop_secs,
        ..SongSettings::default()
    };
    interpret::song(model, wave, &settings, &Job::quiet()).unwrap()
}

#[test]
fn the_whole_song_answer_is_that_of_tagging_whatever_the_hop() {
    let model = model(5, INPUT_SAMPLES);
    for n_samples in [12_345, INPUT_SAMPLES, 150_001] {
        let wave = wave(n_samples);
        let tagged = tag_track(&model, &wave, &Job::quiet()).unwrap();
        for hop_secs in [None, Some(0.4), Some(5.0)] {
            let explained = explain(&model, &wave, hop_secs);
            for (one, other) in explained.over_time.whole_song.iter().zip(&tagged) {
                assert!((one - other).abs() < 1e-6, "{one} is not {other}");
            }
        }
        let over_time = predict::over_time(&model, &wave, 0.4, &Job::quiet()).unwrap();
        let explained = explain(&model, &wave, Some(0.4)).over_time;
        assert_eq!(over_time.centres_secs, explained.centres_secs);
        for (one, other) in over_time.probabilities.iter().zip(&explained.probabilities) {
            assert!((one - other).abs() < 1e-6, "{one} is not {other}");
        }
    }
}

#[test]
fn a_song_of_one_window_is_explained_as_the_window_by_every_method() {
    let model = model(5, INPUT_SAMPLES);
    let wave = wave(INPUT_SAMPLES);
    let tags = [3, 1];
    let methods = model.methods();
    // All but the one for networks that answer from feature maps.
    assert_eq!(methods.len(), Method::ALL.len() - 1);
    let wanted = Wanted {
        methods: &methods,
        tags: &tags,
    };
    let window = Explainer::explain(&model, &wave, &wanted).unwrap();
    let settings = SongSettings {
        methods: methods.clone(),
        tags: Some(tags.to_vec()),
        ..SongSettings::default()
    };
    let explained = interpret::song(&model, &wave, &settings, &Job::quiet()).unwrap();
    for (map, of_window) in explained.maps.iter().zip(&window.maps) {
        let method = map.method.name();
        assert_eq!(map.values.len(), of_window.values.len(), "{method}");
        for (one, other) in map.values.iter().zip(&of_window.values) {
            assert!(
                (one - other).abs() < 1e-5 * (1.0 + other.abs()),
                "{method}: {one}, {other}"
            );
        }
        assert!(
            map.values.iter().any(|value| *value != 0.0),
            "{method} is blank"
        );
        let is_asked = |tag| map.tag(tag).len() == map.grid.n_tokens;
        assert!(is_asked(1) && is_asked(3), "{method}");
        assert_eq!(is_asked(0), !map.method.is_per_tag(), "{method}");
        if !map.method.is_shared() {
            assert_ne!(map.tag(1), map.tag(3), "{method} knows tags");
        }
    }
}

#[test]
fn attention_of_a_window_and_of_the_class_token_to_itself_share_one() {
    let model = model(5, INPUT_SAMPLES);
    let explained = explain(&model, &wave(INPUT_SAMPLES), None);
    let attention = explained.attention().unwrap();
    let shared = attention.values.iter().sum::<f32>() + explained.self_attention[0];
    assert!((shared - 1.0).abs() < 1e-4, "{shared}");
}

/// By a trained model, whose slopes mean something: the parts sum to the whole within one in a hundred, on sounds of all kinds.
#[test]
fn integrated_gradients_sum_to_the_difference_from_silence() {
    let model = Shipped::Demo.load().unwrap();
    let n = model.input_samples;
    let noise: Vec<f32> = wave(n).iter().map(|v| (v * 9173.0).sin() * 0.3).collect();
    let tags = [0, 3, 5];
    for sound in [wave(n), noise] {
        let logits = model.logits(&[&sound, &vec![0.0; n]]).unwrap();
        let wanted = Wanted {
            methods: &[Method::IntegratedGradients],
            tags: &tags,
        };
        let window = Explainer::explain(&model, &sound, &wanted).unwrap();
        for tag in tags {
            let sum: f32 = window.maps[0].tag(tag).iter().sum();
            let difference = logits[0][tag] - logits[1][tag];
            let error = (sum - difference).abs() / difference.abs().max(0.1);
            assert!(error < 0.01, "{sum} for {difference}");
            assert!(error <= window.completeness_error.unwrap() + 1e-4);
        }
    }
}

/// A sound that is the same everywhere, so that whatever changes from token to token comes from windows and their edges.
#[test]
fn a_steady_sound_shows_no_step_where_windows_meet() {
    let model = model(5, INPUT_SAMPLES);
    // 43 cycles in the 2,048 samples of a token.
    let steady: Vec<f32> = (0..20 * 8192)
        .map(|i| ((i % 2048) as f32 * 43.0 * std::f32::consts::TAU / 2048.0).sin())
        .collect();
    let stitched = explain(&model, &steady, None);
    let alone = explain(&model, &steady[..INPUT_SAMPLES], None);
    let steepest = |explained: &interpret::SongExplanation| {
        let lane = explained.map(Method::Contribution).unwrap().tag(0);
        let steps = lane.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    };
    let (seam, natural) = (steepest(&stitched), steepest(&alone));
    assert!(
        seam <= natural,
        "a step of {seam} in the song, of {natural} in a single window"
    );
}

/// A model that hears every window as if there were no other.
struct Forgetful<'a>(&'a Model);

impl Explainer for Forgetful<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn sample_rate_hz(&self) -> u32 {
        Explainer::sample_rate_hz(self.0)
    }
    fn window_samples(&self) -> usize {
        self.0.window_samples()
    }
    fn tags(&self) -> &[String] {
        self.0.tags()
    }
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }
    fn usual_methods(&self) -> Vec<Method> {
        self.0.usual_methods()
    }
    fn grid(&self, method: Method, n_samples: usize) -> Grid {
        self.0.grid(method, n_samples)
    }
    fn explain_heard(
        &self,
        window: &[f32],
        _: Option<&Tokens>,
        wanted: &Wanted<'_>,
    ) -> Result<WindowExplanation, Error> {
        self.0.explain(window, wanted)
    }
}

/// A trained model, whose answers hang on what it hears: windows put together from the chunks around them and heard anew only at
/// the joint tell what windows heard whole tell.
#[test]
fn windows_put_together_from_what_was_heard_tell_what_whole_ones_tell() {
    let model = Shipped::Demo.load().unwrap();
    // Chunks 38 tokens apart, so that the windows in their middles start on whole tokens in both ways; half a token more, and what is behind
    // the joint lies beside its place, as whole windows that start half a token later say something else.
    for (more, most) in [(0, 0.05), (1024, 0.3)] {
        let wave = wave(model.input_samples + 4 * (38 * 2048 + more));
        let settings = SongSettings::default();
        let found = interpret::song(&model, &wave, &settings, &Job::quiet()).unwrap();
        let forgetful = Forgetful(&model);
        let literal = interpret::song(&forgetful, &wave, &settings, &Job::quiet()).unwrap();
        assert_eq!(found.over_time.whole_song, literal.over_time.whole_song);
        if more == 0 {
            assert_eq!(found.over_time.centres_secs, literal.over_time.centres_secs);
        }
        assert_ne!(found.maps, literal.maps, "nothing was put together");
        for method in [Method::Contribution, Method::Attention] {
            let (one, other) = (found.map(method).unwrap(), literal.map(method).unwrap());
            let (mut error, mut size) = (0.0, 0.0);
            for (one, other) in one.values.iter().zip(&other.values) {
                error += (one - other).powi(2);
                size += other.powi(2);
            }
            // A whole window's outermost tokens have heard its edges, the others read them.
            let share = (error / size).sqrt();
            assert!(share < most, "{}: {share}", method.name());
        }
    }
}

/// What occlusion says hangs on nothing else that is asked for.
#[test]
fn occlusion_says_the_same_alone_and_among_others() {
    let model = Shipped::Demo.load().unwrap();
    // Three chunks; the windows between them start on whole tokens with and without others.
    let wave = wave(model.input_samples + 2 * 38 * 2048);
    let by = |methods: Vec<Method>| {
        let settings = SongSettings {
            methods,
            ..SongSettings::default()
        };
        let found = interpret::song(&model, &wave, &settings, &Job::quiet()).unwrap();
        found.map(Method::Occlusion).unwrap().values.clone()
    };
    let alone = by(vec![Method::Occlusion]);
    let among = by(vec![Method::Contribution, Method::Occlusion]);
    assert_eq!(alone.len(), among.len());
    for (one, other) in alone.iter().zip(&among) {
        assert!((one - other).abs() < 1e-4, "{one} for {other}");
    }
}

/// For the record: `cargo test -p attune-tests --test library explanations -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn time_of_explaining_relative_to_tagging() {
    let wave = wave(240 * 22_050);
    for (name, input_samples) in [("tiny", 81_920), ("paper", 220_672)] {
        let config = presets::preset(name).unwrap().config.with_n_tags(50);
        let parameters = Parameters::initialise(7, DType::F32);
        config.build(parameters.var_builder()).unwrap();
        let tags = (0..50).map(|tag| format!("tag {tag}")).collect();
        let model = Model::from_parameters(config, tags, input_samples, &parameters).unwrap();
        for _ in 0..3 {
            let start = std::time::Instant::now();
            tag_track(&model, &wave, &Job::quiet()).unwrap();
            let tagging = start.elapsed().as_secs_f64();
            let start = std::time::Instant::now();
            explain(&model, &wave, None);
            let explaining = start.elapsed().as_secs_f64();
            println!(
                "{name}, four minutes, fifty tags: tagging {tagging:.2} s, explaining {explaining:.2} s, ratio {:.2}",
                explaining / tagging
            );
        }
    }
}

/// What a burst in silence owes to time lies where the burst is, whatever the network takes in: against silence, nothing else differs.
#[test]
fn what_differs_from_silence_only_in_a_burst_is_owed_to_the_burst() {
    for name in ["tiny", "cnnsa", "musicnn", "sample-cnn", "harmonic-cnn"] {
        let model = narrow(name);
        let rate = f64::from(Explainer::sample_rate_hz(&model));
        let n = model.input_samples;
        let (from, to) = (0.6 * n as f64 / rate, 0.75 * n as f64 / rate);
        let sound: Vec<f32> = wave(n)
            .into_iter()
            .enumerate()
            .map(|(at, sample)| {
                let secs = at as f64 / rate;
                if (from..to).contains(&secs) {
                    sample
                } else {
                    0.0
                }
            })
            .collect();
        let wanted = Wanted {
            methods: &[
                Method::GradientInput,
                Method::IntegratedGradients,
                Method::Occlusion,
            ],
            tags: &[1],
        };
        let found = Explainer::explain(&model, &sound, &wanted).unwrap();
        assert!(
            found.completeness_error.unwrap() < 0.01,
            "{name}: {found:?}"
        );
        for map in &found.maps {
            let method = map.method.name();
            let values = map.tag(1);
            // A frame reaches 1024 samples to either side at most; a stretch or a bin has its own width.
            let reach = 1100.0 / rate + 0.5 * map.grid.token_secs() + 0.011;
            let inside = |token: usize| {
                let centre = map.grid.centre_secs(token);
                centre > from - reach && centre < to + reach
            };
            let largest = values
                .iter()
                .fold(0f32, |most, value| most.max(value.abs()));
            assert!(largest > 0.0, "{name}, {method}");
            for (token, value) in values.iter().enumerate() {
                assert!(
                    inside(token) || value.abs() < 1e-4 * largest,
                    "{name}, {method}: {value} at {:.2} s, the burst is {from:.2} to {to:.2} s",
                    map.grid.centre_secs(token)
                );
            }
            let highest =
                (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
            assert!(highest.is_some_and(inside), "{name}, {method}");
        }
    }
}

/// A burst in silence changes the feature maps where it is heard and nowhere else, whatever the network takes in: their columns lie in time
/// where the grid says.
#[test]
fn a_burst_lights_up_in_grad_cam_at_its_time() {
    for (name, secs) in [
        ("fcn", 30.0),
        ("crnn", 30.0),
        ("musicnn", 8.0),
        ("sample-cnn", 6.0),
        ("short-chunk-cnn", 8.0),
        ("short-chunk-resnet", 12.0),
        ("harmonic-cnn", 12.0),
    ] {
        let model = narrow_of(name, (16_000.0 * secs) as usize);
        assert!(model.methods().contains(&Method::GradCam), "{name}");
        let wanted = Wanted {
            methods: &[Method::GradCam],
            tags: &[1],
        };
        let (from, to) = (0.55 * secs, 0.55 * secs + 0.3);
        let sound: Vec<f32> = wave(model.input_samples)
            .into_iter()
            .enumerate()
            .map(|(at, sample)| {
                let secs = at as f64 / 16_000.0;
                let inside = (from..to).contains(&secs);
                if inside { sample } else { 0.0 }
            })
            .collect();
        let found = Explainer::explain(&model, &sound, &wanted).unwrap();
        let map = &found.maps[0];
        let grid = &map.grid;
        assert_eq!(
            *grid,
            Explainer::grid(&model, Method::GradCam, sound.len()),
            "{name}"
        );
        assert!(grid.n_tokens >= 8, "{name}: {grid:?}");
        let values = map.tag(1);
        // A frame hears half of its own length to either side.
        let reach = 0.5 * grid.receptive_field_secs() + 0.032;
        let hears = |token: usize| {
            let centre = grid.centre_secs(token);
            centre + reach > from && centre - reach < to
        };
        let hears_the_edge = |token: usize| {
            let centre = grid.centre_secs(token);
            centre < reach || centre + reach > secs
        };
        let silent: Vec<f32> = (0..values.len())
            .filter(|&token| !hears(token) && !hears_the_edge(token))
            .map(|token| values[token])
            .collect();
        let silence = *silent.first().expect(name);
        let height = |value: f32| (value - silence).abs();
        let inside = (0..values.len()).filter(|&token| hears(token) && !hears_the_edge(token));
        let highest = inside
            .map(|token| height(values[token]))
            .fold(0.0, f32::max);
        assert!(highest > 0.0, "{name}");
        for value in silent {
            assert!(
                height(value) < 1e-3 * highest,
                "{name}: {value} in silence, {highest} in the burst"
            );
        }
    }
}

/// Songs are explained by it as by any method; a network with a class token refuses it, and says why.
#[test]
fn grad_cam_of_a_song_is_that_of_its_only_window() {
    let model = narrow_of("sample-cnn-se", 59_049);
    let settings = SongSettings {
        methods: vec![Method::GradCam],
        tags: Some(vec![2, 0]),
        ..SongSettings::default()
    };
    let of = |wave: &[f32]| interpret::song(&model, wave, &settings, &Job::quiet()).unwrap();
    let sound = wave(59_049);
    let map = &of(&sound).maps[0];
    let wanted = Wanted {
        methods: &[Method::GradCam],
        tags: &[2, 0],
    };
    let window = Explainer::explain(&model, &sound, &wanted).unwrap();
    assert_eq!(map.grid.n_tokens, 9);
    for (one, other) in map.values.iter().zip(&window.maps[0].values) {
        assert!((one - other).abs() < 1e-6, "{one}, {other}");
    }
    assert_ne!(map.tag(0), map.tag(2));
    assert!(map.tag(1).is_empty());
    let whole = &of(&wave(200_000)).maps[0];
    let covered = whole.grid.n_tokens as f64 * whole.grid.samples_per_token;
    assert!((covered - 200_000.0).abs() < whole.grid.samples_per_token);

    let wanted = Wanted {
        methods: &[Method::GradCam],
        tags: &[0],
    };
    let refused = Explainer::explain(&narrow("tiny"), &wave(INPUT_SAMPLES), &wanted);
    let why = refused.unwrap_err().to_string();
    assert!(
        why.starts_with("grad-cam needs an answer made of feature maps"),
        "{why}"
    );
}

/// CNNSA reads tokens as the transformer does; Musicnn has none and is explained by silencing stretches.
#[test]
fn other_networks_are_explained_over_all_of_a_song_too() {
    for (name, input_samples) in [("cnnsa", 16_000), ("musicnn", 16_000), ("musicnn", 6_000)] {
        let model = narrow_of(name, input_samples);
        for n_samples in [input_samples / 3, input_samples, input_samples * 23 / 10] {
            let wave = wave(n_samples);
            let explained = explain(&model, &wave, None);
            assert!(explained.over_time.n_windows() < 40, "{name}");
            let tagged = tag_track(&model, &wave, &Job::quiet()).unwrap();
            for (one, other) in explained.over_time.whole_song.iter().zip(&tagged) {
                assert!((one - other).abs() < 1e-6, "{name}: {one} is not {other}");
            }
            let map = explained.map_or_first(Method::Contribution).unwrap();
            let is_occlusion = map.method == Method::Occlusion;
            assert_eq!(is_occlusion, name == "musicnn");
            assert_eq!(explained.attention().is_none(), is_occlusion);
            let covered = explained.grid.n_tokens as f64 * explained.grid.samples_per_token;
            assert!((covered - n_samples as f64).abs() < explained.grid.samples_per_token);
            assert!(map.values.iter().all(|value| value.is_finite()));
            assert!(map.values.iter().any(|value| *value != 0.0), "{name}");
        }
    }
}
