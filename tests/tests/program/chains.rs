//! Chains as data: own ones by name in runs and plans, what they do otherwise, other tracks as company, and records that are replayed.

use crate::attune::{output, printed, refused};
use attune_core::audio::write_wav;
use attune_core::augment::{Chain, Chains, Kind};
use attune_core::experiment::{Experiment, Overrides, Plan};
use attune_core::job::Job;
use attune_core::train::{Augmentation, RunFile};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use serde_json::Value;
use std::path::Path;

const RATE_HZ: u32 = 22_050;

const MINE: &str = r#"
about = "Half as often, and another track behind."
[[steps]]
probability = 0.4
choices = [{ effect = "polarity" }]
[[steps]]
probability = 1.0
choices = [{ effect = "mixup", share = { min = 0.5, max = 0.9 }, other = { min = 0.0, max = 1.0 } }]
[[steps]]
probability = 1.0
choices = [{ effect = "noise", ratio = { min = 0.01, max = 0.1 } }]
"#;

fn chains(folder: &Path) -> Chains {
    Chains::of(&Workspace::at(folder.join("workspace")))
}

fn save_mine(folder: &Path) -> Chain {
    let chain = Chain::from_toml("mine", MINE).unwrap();
    chains(folder).save("mine", &chain).unwrap();
    chain
}

fn write_tone(path: &Path, hz: f32, secs: u32) {
    let wave: Vec<f32> = (0..secs * RATE_HZ)
        .map(|i| 0.4 * (i as f32 / RATE_HZ as f32 * hz * std::f32::consts::TAU).sin())
        .collect();
    write_wav(path, &wave, RATE_HZ).unwrap();
}

/// Level of a tone in a file, as part of full scale.
fn level(path: &Path, hz: f32) -> f32 {
    let wave = attune_core::audio::decode(path, &Job::quiet())
        .unwrap()
        .clip
        .to_mono();
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in wave.iter().enumerate() {
        let angle = i as f32 / RATE_HZ as f32 * hz * std::f32::consts::TAU;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    2.0 * re.hypot(im) / wave.len() as f32
}

#[test]
fn chains_are_listed_shown_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mine = save_mine(folder);
    let list = printed(folder, &["chains", "list"]);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    assert!(lines[0].starts_with("reference  shipped"), "{list}");
    assert!(
        lines[3].starts_with("mine       own") && lines[3].ends_with("track behind."),
        "{list}"
    );
    let json: Value =
        serde_json::from_str(&printed(folder, &["chains", "list", "--json"])).unwrap();
    assert_eq!(
        (&json[3]["name"], &json[3]["origin"]),
        (&"mine".into(), &"own".into())
    );

    let shown = printed(folder, &["chains", "show", "mine"]);
    assert_eq!(Chain::from_toml("shown", &shown).unwrap(), mine);

    let words = printed(folder, &["chains", "diff", "mine"]);
    for line in [
        "polarity: probability 0.8 → 0.4",
        "step 2 added: mixup, with probability 1",
        "noise: ratio 0.3…0.5 → 0.01…0.1 of the signal's deviation",
        "step 6 removed: pitch, with probability 0.4",
    ] {
        assert!(
            words.lines().any(|found| found == line),
            "{line} in {words}"
        );
    }
    assert_eq!(
        printed(folder, &["chains", "diff", "mine", "--against", "mine"]),
        ""
    );
    let (code, errors) = refused(folder, &["chains", "show", "mien"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("reference, paper, none, mine"), "{errors}");
}

#[test]
fn a_rolled_sound_is_made_again_from_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    save_mine(folder);
    write_tone(&folder.join("song.wav"), 440.0, 3);
    write_tone(&folder.join("a.wav"), 1000.0, 2);
    write_tone(&folder.join("b.wav"), 1000.0, 6);
    let rolled = printed(
        folder,
        &[
            "augment",
            "song.wav",
            "out.wav",
            "--draw",
            "--chain",
            "mine",
            "--seed",
            "5",
            "--with",
            "a.wav",
            "--with",
            "b.wav",
            "--sidecar",
        ],
    );
    assert!(rolled.contains("mixup:share="), "{rolled}");
    assert!(level(&folder.join("out.wav"), 1000.0) > 0.02, "mixed in");
    let record: Value =
        serde_json::from_slice(&std::fs::read(folder.join("out.json")).unwrap()).unwrap();
    assert_eq!(record["chain"], "mine");
    assert_eq!(
        (&record["rate_hz"], &record["draw"]["seed"]),
        (&RATE_HZ.into(), &5.into())
    );
    assert_eq!(record["company"].as_array().unwrap().len(), 2);

    let again = printed(
        folder,
        &["augment", "song.wav", "again.wav", "--replay", "out.json"],
    );
    assert_eq!(again, rolled);
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(bytes("out.wav"), bytes("again.wav"));
    let (code, errors) = refused(
        folder,
        &["augment", "song.wav", "x.wav", "--replay", "song.wav"],
    );
    assert_eq!(code, Some(3), "{errors}");
}

#[test]
fn another_track_is_mixed_in_by_its_share_and_must_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_tone(&folder.join("song.wav"), 440.0, 2);
    write_tone(&folder.join("other.wav"), 1000.0, 2);
    let augment = |effect: &str, with: &[&str]| {
        let arguments = ["augment", "song.wav", "out.wav", "--effect", effect];
        output(folder, &[&arguments[..], with].concat())
    };
    let out = folder.join("out.wav");
    assert!(
        augment("mixup:share=0.75", &["--with", "other.wav"])
            .status
            .success()
    );
    assert!((level(&out, 440.0) - 0.3).abs() < 0.003);
    assert!((level(&out, 1000.0) - 0.1).abs() < 0.003);
    assert!(
        augment("background:snr=20", &["--with", "other.wav"])
            .status
            .success()
    );
    assert!((level(&out, 440.0) - 0.4).abs() < 0.003);
    assert!((level(&out, 1000.0) - 0.04).abs() < 0.003);
    let alone = augment("mixup:share=0.75", &[]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--with"));
    for effect in Kind::ALL.into_iter().filter(|kind| !kind.needs_company()) {
        let output = augment(effect.name(), &[]);
        assert!(output.status.success(), "{effect:?}");
    }
}

#[test]
fn a_run_and_a_plan_take_an_own_chain_by_name_and_keep_it_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mine = save_mine(folder);
    small_data::write(&folder.join("data"), 36, 1.5);
    let train = [
        "train",
        "--preset",
        "tiny-student",
        "--data",
        "data",
        "--input-secs",
        "1",
        "--batch",
        "4",
        "--epochs",
        "1",
        "--json",
        "--augment",
    ];
    let summary = printed(folder, &[&train[..], &["mine"]].concat());
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let run = Path::new(summary["folder"].as_str().unwrap()).to_owned();
    let kept = RunFile::read(&run).unwrap().config.augmentation;
    let own = Augmentation::Own {
        name: "mine".to_owned(),
        chain: mine,
    };
    assert_eq!(kept, own);
    let (code, errors) = refused(folder, &[&train[..], &["mien"]].concat());
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("`mien`") && errors.contains("mine"),
        "{errors}"
    );

    let plan = |chain: &str| {
        let text = format!(
            "name = \"p\"\ntitle = \"P\"\nseeds = [1]\n[base]\ndata = {{ folder = \"data\" }}\nmodel = {{ preset = \"tiny-student\" }}\n\
             [[cells]]\nid = \"a\"\nlabel = \"A\"\nset = {{ augmentation = {{ preset = {chain:?} }} }}\n"
        );
        let path = folder.join("p.toml");
        std::fs::write(&path, text).unwrap();
        Plan::read(&path).unwrap()
    };
    let workspace = Workspace::at(folder.join("workspace"));
    let take = |chain: &str, name: &str| {
        Experiment::take(&plan(chain), Some(name), &Overrides::default(), &workspace)
    };
    let taken = take("mine", "one").unwrap();
    let augmentation_of = |experiment: &Experiment| {
        let plan = Experiment::open(&workspace, &experiment.name).unwrap().plan;
        plan.config(&plan.tasks()[0], None).unwrap().augmentation
    };
    assert_eq!(augmentation_of(&taken), own);
    // A file is meant from where the plan lies.
    std::fs::write(folder.join("file.toml"), MINE).unwrap();
    let of_file = augmentation_of(&take("file.toml", "two").unwrap());
    assert_eq!(of_file.resolve().unwrap(), own.resolve().unwrap());
    assert_eq!(
        augmentation_of(&take("paper", "three").unwrap()),
        Augmentation::Preset("paper".to_owned())
    );
    let error = take("mien", "four").unwrap_err();
    let error = attune_core::message::full_message(&error);
    assert!(
        error.contains("p.toml") && error.contains("`mien`"),
        "{error}"
    );
}

#[test]
fn a_chain_is_kept_under_a_name_and_deleted_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("mine.toml"), MINE).unwrap();
    let path = printed(here, &["chains", "save", "half", "mine.toml"]);
    assert!(Path::new(path.trim_end()).is_file(), "{path}");
    let kept = chains(here).load("half").unwrap();
    assert_eq!(kept, Chain::from_toml("mine", MINE).unwrap());
    // What is there is not lost by a name that is taken, nor is a shipped chain.
    let (code, told) = refused(here, &["chains", "save", "half", "paper"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("--replace"), "{told}");
    assert_eq!(chains(here).load("half").unwrap(), kept);
    let (code, _) = refused(here, &["chains", "save", "paper", "mine.toml"]);
    assert_eq!(code, Some(3));
    printed(here, &["chains", "save", "half", "paper", "--replace"]);
    assert_ne!(chains(here).load("half").unwrap(), kept);
    printed(here, &["chains", "delete", "half"]);
    assert!(!printed(here, &["chains", "list"]).contains("half"));
    for name in ["half", "paper", "../half"] {
        let (code, _) = refused(here, &["chains", "delete", name]);
        assert_ne!(code, Some(0), "{name}");
    }
}
