//! Robustness tables and strength sweeps, end to end: the clean figures are those of an evaluation, work that was stopped goes on, and the
//! program writes what it prints.

use crate::attune;
use attune_core::audio::write_wav;
use attune_core::augment::{Draw, Effect, Kind, Ladder};
use attune_core::dataset::{Dataset, PcmCache, Split};
use attune_core::job::{Cancel, Job};
use attune_core::models::presets;
use attune_core::nn::Parameters;
use attune_core::predict::{Model, tag_track};
use attune_core::train::{
    self, CLIP_RATE_HZ, Robustness, RobustnessPlan, evaluate, robustness, write_robustness_csv,
};
use attune_tests::small_data;
use candle_core::DType;
use serde_json::Value;
use std::path::PathBuf;

fn model(preset: &str, seed: u64) -> Model {
    let config = presets::preset(preset).unwrap().config.with_n_tags(3);
    let parameters = Parameters::initialise(seed, DType::F32);
    config.build(parameters.var_builder()).unwrap();
    let tags = small_data::TAGS.map(str::to_owned).to_vec();
    Model::from_parameters(config, tags, CLIP_RATE_HZ as usize, &parameters).unwrap()
}

struct Bench {
    folder: tempfile::TempDir,
    dataset: Dataset,
    cache: PcmCache,
    plan: RobustnessPlan,
    track_idxs: Vec<usize>,
}

impl Bench {
    /// Tracks of 1.5 s (two chunks each), gain and noise at two strengths.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small_data::write(&folder.path().join("data"), 36, 1.5);
        let dataset = Dataset::open(&folder.path().join("data")).unwrap();
        let cache = PcmCache::open(folder.path().join("pcm"), CLIP_RATE_HZ).unwrap();
        let plan = RobustnessPlan {
            ladders: [Kind::Gain, Kind::Noise]
                .map(|kind| Ladder::of(kind, 2))
                .to_vec(),
            n_resamples: 50,
            ..RobustnessPlan::new(2)
        };
        let (track_idxs, _) = plan.decode(&dataset, &cache, &Job::quiet()).unwrap();
        Self {
            folder,
            dataset,
            cache,
            plan,
            track_idxs,
        }
    }

    fn table(&self, models: &[&Model], keep: bool, job: &Job) -> Result<Robustness, train::Error> {
        let kept = self.kept();
        let keep_in = keep.then_some(&*kept);
        robustness(
            models,
            &self.dataset,
            &self.cache,
            &self.track_idxs,
            &self.plan,
            keep_in,
            job,
            &|_| (),
        )
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }
}

fn json(table: &Robustness) -> Value {
    serde_json::to_value(table).unwrap()
}

#[test]
fn clean_figures_are_those_of_an_evaluation_and_each_strength_is_what_training_would_have_heard() {
    let bench = Bench::new();
    let model = model("tiny", 1);
    let table = bench.table(&[&model], false, &Job::quiet()).unwrap();
    let evaluated = evaluate(
        &model,
        &bench.dataset,
        &bench.cache,
        &bench.track_idxs,
        &Job::quiet(),
    )
    .unwrap();
    assert_eq!(table.models[0].scores, evaluated.scores, "to the bit");
    assert_eq!(table.n_tracks, 6);
    assert_eq!(table.effects.len(), 2);
    assert_eq!(table.effects[0].rungs[0].effect, "gain:db=-30");

    // A gain needs no context: chunk by chunk is the same as at once.
    let gain = Effect::Gain { db: -30.0 };
    let mut scores = Vec::new();
    let mut labels = Vec::new();
    for &track in &bench.track_idxs {
        let wave = bench
            .cache
            .whole_wave(&bench.dataset.tracks[track])
            .unwrap()
            .unwrap();
        let softer = Draw::of(vec![gain], 0).apply(&wave, CLIP_RATE_HZ);
        scores.extend(tag_track(&model, &softer, &Job::quiet()).unwrap());
        labels.extend(bench.dataset.labels_of(track));
    }
    let expected = attune_core::metrics::score(&scores, &labels, 3);
    let rung = &table.effects[0].rungs[0].models[0];
    assert_eq!(rung.scores, expected);
    let change = rung.change.roc_auc_macro;
    let difference = expected.roc_auc_macro.unwrap() - evaluated.scores.roc_auc_macro.unwrap();
    assert!((change.value.unwrap() - difference).abs() < 1e-12);
    assert!(change.interval.is_some());
}

#[test]
fn the_same_plan_gives_the_same_table_kept_or_not_and_another_seed_another_noise() {
    let mut bench = Bench::new();
    let model = model("tiny", 1);
    let fresh = json(&bench.table(&[&model], false, &Job::quiet()).unwrap());
    let first = json(&bench.table(&[&model], true, &Job::quiet()).unwrap());
    let again = json(&bench.table(&[&model], true, &Job::quiet()).unwrap());
    assert_eq!(fresh, first);
    assert_eq!(first, again, "what was kept is what was computed");

    let folder = std::fs::read_dir(bench.kept()).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 5, "clean and four strengths");
    // A crash in the middle of a line costs that line, and spoils no other.
    std::fs::write(&file, &text[..text.len() - 40]).unwrap();
    assert_eq!(
        json(&bench.table(&[&model], true, &Job::quiet()).unwrap()),
        fresh
    );
    assert_eq!(
        json(&bench.table(&[&model], true, &Job::quiet()).unwrap()),
        fresh
    );

    bench.plan.seed = 7;
    let other = json(&bench.table(&[&model], true, &Job::quiet()).unwrap());
    assert_eq!(
        other["effects"][0], fresh["effects"][0],
        "gain draws nothing"
    );
    assert_eq!(other["models"], fresh["models"]);
    let probabilities = |seed: u64| {
        let mut bench = Bench::new();
        bench.plan.seed = seed;
        bench.table(&[&model], true, &Job::quiet()).unwrap();
        let folder = std::fs::read_dir(bench.kept()).unwrap();
        let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|line: Value| (line["effect"].to_string(), line["probabilities"].clone()))
            .collect::<Vec<_>>()
    };
    let (one, two) = (probabilities(0), probabilities(7));
    assert_eq!(one.len(), 5);
    for ((effect, one), (_, two)) in one.iter().zip(&two) {
        assert_eq!(one != two, effect.contains("noise"), "{effect}");
    }
}

#[test]
fn a_fresh_table_takes_the_place_of_what_was_kept() {
    let mut bench = Bench::new();
    let model = model("tiny", 1);
    let table = json(&bench.table(&[&model], true, &Job::quiet()).unwrap());
    let folder = std::fs::read_dir(bench.kept()).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    // As if the tracks had other answers.
    let reversed = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["probabilities"].as_array_mut().unwrap().reverse();
        format!("{line}\n")
    });
    std::fs::write(&file, reversed.collect::<String>()).unwrap();
    assert_ne!(
        json(&bench.table(&[&model], true, &Job::quiet()).unwrap()),
        table
    );
    bench.plan.is_fresh = true;
    assert_eq!(
        json(&bench.table(&[&model], true, &Job::quiet()).unwrap()),
        table
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn stopped_work_leaves_whole_lines_only_and_goes_on() {
    let bench = Bench::new();
    let model = model("tiny", 1);
    let cancel = Cancel::new();
    let raised = cancel.clone();
    // In the middle of the third pass.
    let job = Job::new(cancel, move |progress| {
        if progress.done == 2 * 6 + 3 {
            raised.cancel();
        }
    });
    let stopped = bench.table(&[&model], true, &job);
    assert!(matches!(stopped, Err(train::Error::Cancelled(_))));
    let folder = std::fs::read_dir(bench.kept()).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line["effect"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["clean", "gain:db=-30"]);
    let gone_on = json(&bench.table(&[&model], true, &Job::quiet()).unwrap());
    assert_eq!(
        gone_on,
        json(&bench.table(&[&model], false, &Job::quiet()).unwrap())
    );
}

#[test]
fn two_models_stand_side_by_side_and_one_beside_itself_differs_by_nothing() {
    let bench = Bench::new();
    let (first, second) = (model("tiny", 1), model("tiny", 2));
    let table = bench
        .table(&[&first, &second], false, &Job::quiet())
        .unwrap();
    let alone = bench.table(&[&second], false, &Job::quiet()).unwrap();
    assert_eq!(table.models[1].scores, alone.models[0].scores);
    let rung = &table.effects[1].rungs[1];
    assert_eq!(
        rung.models[1].scores,
        alone.effects[1].rungs[1].models[0].scores
    );
    let between = rung.between.as_ref().unwrap().roc_auc_macro.value.unwrap();
    let scores = |at: usize| rung.models[at].scores.roc_auc_macro.unwrap();
    assert!((between - (scores(1) - scores(0))).abs() < 1e-12);
    let same = bench
        .table(&[&first, &first], false, &Job::quiet())
        .unwrap();
    let between = same.effects[0].rungs[0].between.as_ref().unwrap();
    assert_eq!(between.roc_auc_macro.value, Some(0.0));

    let mut csv = Vec::new();
    write_robustness_csv(&table, &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    // Two models; clean and four strengths; three tags and their mean.
    assert_eq!(csv.lines().count(), 1 + 2 * 5 * 4);
}

#[test]
fn a_part_of_the_tracks_is_chosen_by_the_seed() {
    let bench = Bench::new();
    let tracks = |max_tracks, seed| {
        let plan = RobustnessPlan {
            max_tracks,
            seed,
            ..bench.plan.clone()
        };
        plan.decode(&bench.dataset, &bench.cache, &Job::quiet())
            .unwrap()
            .0
    };
    let all = bench.dataset.split(Split::Test).unwrap();
    assert_eq!(tracks(None, 3), all);
    assert_eq!(tracks(Some(100), 3), all);
    let some = tracks(Some(3), 3);
    assert!(some.len() == 3 && some.iter().all(|track| all.contains(track)));
    assert_eq!(some, tracks(Some(3), 3));
    assert!((0..20).any(|seed| tracks(Some(3), seed) != some));
}

#[test]
fn the_program_prints_a_robustness_table_and_writes_its_files() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    model("tiny", 1)
        .save(&folder.join("mine.safetensors"))
        .unwrap();
    let evaluated = attune::printed(
        folder,
        &["evaluate", "mine.safetensors", "--data", "data", "--json"],
    );
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    let arguments = "robustness mine.safetensors --data data --effects pitch,polarity --strengths 2 --resamples 20 --csv r.csv \
                     --json r.json --svg r.svg";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let printed = attune::printed(folder, &arguments);
    assert!(printed.contains("6 tracks of split test"), "{printed}");
    assert!(printed.contains("Pitch shift") && printed.contains("-1200 cents"));
    assert!(!printed.contains("Reverb"), "only what was asked for");
    let table: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("r.json")).unwrap()).unwrap();
    assert_eq!(
        table["models"][0]["scores"], evaluated,
        "clean is what evaluate says"
    );
    assert_eq!(table["effects"][0]["rungs"].as_array().unwrap().len(), 2);
    let clean = evaluated["roc_auc_macro"].as_f64().unwrap();
    assert!(printed.contains(&format!("{clean:.4}")));
    let csv = std::fs::read_to_string(folder.join("r.csv")).unwrap();
    assert!(csv.starts_with("model,effect,parameter,value,unit,tag,roc_auc"));
    assert!(
        std::fs::read_to_string(folder.join("r.pitch.svg"))
            .unwrap()
            .contains("clean")
    );
    assert!(
        !folder.join("r.polarity.svg").exists(),
        "one strength is no curve"
    );
    assert_eq!(
        attune::printed(folder, &arguments),
        printed,
        "and again the same"
    );

    let early = attune::output(
        folder,
        &[
            "robustness",
            "nobody",
            "--data",
            "nowhere",
            "--csv",
            "table.txt",
        ],
    );
    assert_eq!(early.status.code(), Some(2));
    let told = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(told.contains("ends in .csv"), "told first of all: {told}");

    let wrong = attune::output(
        folder,
        &[
            "robustness",
            "mine.safetensors",
            "--data",
            "data",
            "--effects",
            "revreb",
        ],
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("reverb"));
}

#[test]
fn the_program_tells_where_tags_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    model("tiny", 1)
        .save(&folder.join("mine.safetensors"))
        .unwrap();
    let wave: Vec<f32> = (0..3 * CLIP_RATE_HZ)
        .map(|i| 0.4 * (i as f32 * 0.05).sin())
        .collect();
    write_wav(&folder.join("song.wav"), &wave, CLIP_RATE_HZ).unwrap();
    let arguments = "sweep song.wav --model mine.safetensors --effect gain --from -60 --to 0 --steps 5 --start 1 --tag low noisy \
                     --csv s.csv --json s.json --svg s.svg --png s.png";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let printed = attune::printed(folder, &arguments);
    assert!(printed.contains("song from 1.0 s, 1.0 s long"), "{printed}");
    assert!(printed.contains("-60 to 0 dB in 5 steps"), "{printed}");
    assert!(
        printed.contains("noisy") && !printed.contains("high"),
        "{printed}"
    );
    let found: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("s.json")).unwrap()).unwrap();
    assert_eq!(
        found["values"],
        serde_json::json!([-60.0, -45.0, -30.0, -15.0, 0.0])
    );
    let tag = &found["models"][0]["tags"][0];
    assert_eq!(tag["tag"], "low");
    assert_eq!(tag["probability"][4], tag["clean"], "0 dB do nothing");
    assert!(
        tag["up"].is_null(),
        "the sweep goes down from where nothing happens"
    );
    assert!(tag["down"]["lost"].is_string());
    let csv = std::fs::read_to_string(folder.join("s.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 6);
    assert!(
        std::fs::read_to_string(folder.join("s.svg"))
            .unwrap()
            .contains("low")
    );
    assert!(
        std::fs::read(folder.join("s.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );

    for (arguments, part) in [
        ("--effect polarity", "no numbers"),
        ("--effect gain --parameter hz", "no parameter `hz`"),
        ("--effect gain --tag flute", "no tag `flute`"),
        ("--effect gain --start 9", "behind the end"),
        ("--effect gain --from -900", "outside"),
        ("--effect gain --svg lost.pdf", "ends in .svg"),
        ("--effect mixup", "another track"),
        ("--effect gain --before background:snr=6", "another track"),
    ] {
        let mut all = vec!["sweep", "song.wav", "--model", "mine.safetensors"];
        all.extend(arguments.split_whitespace());
        let output = attune::output(folder, &all);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(part), "{arguments}: {errors}");
    }
}
