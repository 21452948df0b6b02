//! Decoded audio from the command line: made ahead, looked after, kept within a budget, shared by processes.

use crate::attune::{command, json, output, printed, refused};
use crate::lab::{Lab, succeed};
use attune_core::dataset::{Dataset, PcmCache};
use attune_core::job::Job;
use attune_tests::small_data;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const N_TRACKS: u64 = 36;

fn folder_with_data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_data::write(&folder.path().join("data"), N_TRACKS as usize, 1.5);
    folder
}

/// Changes a byte in the middle of the only shard of a rate.
fn damage(folder: &Path, rate_hz: u32) {
    let shards = folder.join(format!("workspace/cache/pcm/{rate_hz}"));
    let mut files = std::fs::read_dir(shards)
        .unwrap()
        .map(|file| file.unwrap().path());
    let shard = files
        .find(|path| path.extension().is_some_and(|e| e == "pcm"))
        .unwrap();
    let mut bytes = std::fs::read(&shard).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(shard, bytes).unwrap();
}

fn of_rate(built: &Value, rate_hz: u32) -> (u64, u64) {
    let rates = built["rates"].as_array().unwrap();
    let rate = rates
        .iter()
        .find(|rate| rate["rate_hz"] == rate_hz)
        .unwrap();
    (
        rate["decoded"].as_u64().unwrap(),
        rate["cached"].as_u64().unwrap(),
    )
}

#[test]
fn what_is_built_once_is_there_until_it_is_damaged_thrown_away_or_deleted() {
    let folder = folder_with_data();
    let attune = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        json(
            folder.path(),
            &[&["data", "cache"], arguments.as_slice(), &["--json"]].concat(),
        )
    };
    let build = || of_rate(&attune("build data"), 22_050);
    assert_eq!(attune("info")["bytes"], 0);
    assert_eq!(build(), (N_TRACKS, 0));
    assert_eq!(build(), (0, N_TRACKS));
    assert_eq!(attune("verify")["n_damaged"], 0);
    damage(folder.path(), 22_050);
    let found = attune("verify");
    assert_eq!(
        (&found["n_damaged"], &found["n_tracks"]),
        (&json!(1), &json!(N_TRACKS))
    );
    assert_eq!(build(), (1, N_TRACKS - 1));
    let info = attune("info");
    assert_eq!(info["rates"][0]["n_tracks"], N_TRACKS);
    let bytes = info["bytes"].as_u64().unwrap();
    assert!(bytes > N_TRACKS * 66_000, "{info}");
    assert_eq!(attune("trim --to 1")["n_removed"], 0);
    assert_eq!(attune("clear")["removed_bytes"], bytes);
    assert_eq!(build(), (N_TRACKS, 0));
    std::fs::remove_dir_all(folder.path().join("workspace/cache")).unwrap();
    assert_eq!(build(), (N_TRACKS, 0));
}

#[test]
fn two_that_build_at_once_share_the_work() {
    let folder = folder_with_data();
    let arguments = ["data", "cache", "build", "data", "--json"];
    let built: Vec<Value> = std::thread::scope(|scope| {
        let building = [(); 2].map(|()| scope.spawn(|| json(folder.path(), &arguments)));
        building.map(|thread| thread.join().unwrap()).into()
    });
    let decoded = built.iter().map(|built| of_rate(built, 22_050).0);
    assert_eq!(decoded.sum::<u64>(), N_TRACKS, "{built:?}");
    for built in &built {
        let (decoded, cached) = of_rate(built, 22_050);
        assert_eq!(decoded + cached, N_TRACKS);
    }
}

/// Entries in all indexes of a rate: records of 48 bytes behind 8.
fn n_committed(folder: &Path, rate_hz: u32) -> u64 {
    let shards = folder.join(format!("workspace/cache/pcm/{rate_hz}"));
    let files = std::fs::read_dir(shards).into_iter().flatten().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|e| e == "index"))
        .filter_map(|file| Some(file.metadata().ok()?.len().saturating_sub(8) / 48))
        .sum()
}

#[test]
fn a_build_that_is_killed_goes_on_without_decoding_again_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    small_data::write(&folder.path().join("data"), 400, 1.5);
    // A small budget makes small shards, each of which is committed when it is full.
    let build = || {
        let arguments = ["data", "cache", "build", "data", "--json"];
        let mut build = command(folder.path(), &arguments);
        build.env("ATTUNE_CACHE_GB", "0.03");
        build
    };
    let mut child = build().stdout(std::process::Stdio::null()).spawn().unwrap();
    while n_committed(folder.path(), 22_050) < 20 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let committed = n_committed(folder.path(), 22_050);
    assert!(committed >= 20);
    let built = build().output().unwrap();
    let built: Value = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(of_rate(&built, 22_050), (400 - committed, committed));
}

#[test]
fn programs_that_build_trim_and_verify_at_once_harm_nothing_and_keep_to_the_budget() {
    let folder = folder_with_data();
    // The whole data set takes 2.4 MB.
    let attune = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut attune = command(folder.path(), &["data", "cache"]);
        attune.args(arguments).arg("--json");
        let done = attune.env("ATTUNE_CACHE_GB", "0.003").output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{told}");
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    std::thread::scope(|scope| {
        for commands in [
            ["build data", "build data --rate 16000", "build data"],
            ["build data --rate 16000", "build data", "trim --to 0.001"],
            ["trim --to 0.002", "verify", "trim --to 0.001"],
            ["verify", "clear", "verify"],
        ] {
            let attune = &attune;
            scope.spawn(move || {
                for command in commands {
                    let told = attune(command);
                    if command == "verify" {
                        assert_eq!(told["n_damaged"], 0, "{told}");
                    }
                    if command.starts_with("build") {
                        let rate_hz = if command.contains("16000") {
                            16_000
                        } else {
                            22_050
                        };
                        let (decoded, cached) = of_rate(&told, rate_hz);
                        assert_eq!(decoded + cached, N_TRACKS, "{told}");
                    }
                }
            });
        }
    });
    assert_eq!(attune("verify")["n_damaged"], 0);
    let info = attune("info");
    assert!(info["bytes"].as_u64().unwrap() <= 3_000_000, "{info}");
}

#[test]
fn the_budget_holds_for_every_command_and_says_what_is_too_much() {
    let folder = folder_with_data();
    let build = ["data", "cache", "build", "data"];
    assert!(printed(folder.path(), &["data", "cache", "budget"]).contains("no budget"));
    printed(folder.path(), &["data", "cache", "budget", "0.001"]);
    for command in [
        &build[..],
        &[
            "train",
            "--preset",
            "tiny",
            "--data",
            "data",
            "--input-secs",
            "1",
            "--epochs",
            "1",
        ],
    ] {
        let (code, told) = refused(folder.path(), command);
        assert_ne!(code, Some(0));
        assert!(
            told.contains("0.001 GB") && told.contains("ATTUNE_CACHE_GB"),
            "{told}"
        );
    }
    // The variable goes before the file.
    let with = |budget: &str| {
        let mut command = crate::attune::command(folder.path(), &build);
        command.env("ATTUNE_CACHE_GB", budget).output().unwrap()
    };
    assert!(with("0.1").status.success());
    let told = with("much");
    assert!(
        String::from_utf8_lossy(&told.stderr).contains("`much`"),
        "{told:?}"
    );
    printed(folder.path(), &["data", "cache", "budget", "none"]);
    assert!(output(folder.path(), &build).status.success());
    for nonsense in ["0", "-1", "lots"] {
        let (code, _) = refused(folder.path(), &["data", "cache", "budget", nonsense]);
        assert_ne!(code, Some(0), "{nonsense}");
    }
}

#[test]
fn clips_can_be_cut_at_another_rate_and_usual_runs_do_not_mention_it() {
    let lab = Lab::new();
    let recipe = |workspace| {
        let folder = lab.run_folder(workspace).unwrap();
        std::fs::read_to_string(folder.join("run.toml")).unwrap()
    };
    succeed(lab.train("usual", &["--epochs", "1"]));
    assert!(!recipe("usual").contains("clip_rate"));
    let trained = succeed(lab.train("sixteen", &["--epochs", "1", "--clip-rate", "16000"]));
    assert!(recipe("sixteen").contains("clip_rate_hz = 16000"));
    // A model is scored on clips as it was trained on, by whatever name it goes.
    let run = lab.run_folder("sixteen").unwrap();
    let id = PathBuf::from(run.file_name().unwrap());
    for name in [id, run.clone(), run.join("checkpoints/best.safetensors")] {
        let mut evaluate = lab.attune("sixteen", &["evaluate", "--json", "--data"]);
        evaluate.arg(lab.folder.path().join("data")).arg(&name);
        let scores = succeed(evaluate);
        for what in ["roc_auc_macro", "average_precision_macro"] {
            assert!(scores[what].is_number(), "{scores}");
            assert_eq!(scores[what], trained["test"][what], "{what}");
        }
    }
    let rates: Vec<_> = std::fs::read_dir(lab.workspace("sixteen").join("cache/pcm"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|folder| folder.file_name())
        .collect();
    assert_eq!(rates, ["16000"], "nothing was decoded twice");
    succeed(lab.train("source", &["--epochs", "1", "--clip-rate", "source"]));
    assert!(
        !recipe("source").contains("clip_rate"),
        "the files are at 22,050 Hz"
    );
    let mixed = lab.folder.path().join("data/audio/x000.wav");
    let wave = vec![0.1; 24_000];
    attune_core::audio::write_wav(&mixed, &wave, 16_000).unwrap();
    let output = lab
        .train("mixed", &["--clip-rate", "source"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("16000 Hz (1 files), 22050 Hz (35 files)"),
        "{told}"
    );
    let arguments = ["data", "cache", "build", "--rate", "source", "--json"];
    let mut build = lab.attune("mixed", &arguments);
    build.arg(lab.folder.path().join("data"));
    let built = succeed(build);
    assert_eq!(of_rate(&built, 16_000), (1, 0));
    assert_eq!(of_rate(&built, 22_050), (N_TRACKS - 1, 0));
}

#[test]
fn a_damaged_cache_changes_nothing_about_a_run() {
    let lab = Lab::new();
    let arguments = ["--epochs", "2", "--augment", "reference"];
    let expected = succeed(lab.train("workspace", &arguments));
    damage(lab.folder.path(), 22_050);
    let mut again = lab.train("workspace", &arguments);
    again.args(["--name", "again"]);
    let found = succeed(again);
    let runs = std::fs::read_dir(lab.workspace("workspace").join("runs")).unwrap();
    let told = runs.flatten().any(|run| {
        let events = std::fs::read_to_string(run.path().join("events.jsonl")).unwrap();
        events.contains("in the cache was damaged")
    });
    assert!(told, "the run says so");
    assert!(expected["best_loss"].is_number() && expected["test"].is_object());
    for what in [
        "best_loss",
        "roc_auc_macro",
        "average_precision_macro",
        "test",
    ] {
        assert_eq!(found[what], expected[what], "{what}");
    }
    // The track was decoded again into another shard; the damaged samples are passed over and still there.
    let mut verify = lab.attune("workspace", &["data", "cache", "verify", "--json"]);
    let verified: Value = serde_json::from_slice(&verify.output().unwrap().stdout).unwrap();
    assert_eq!(verified["n_damaged"], 1);
}

#[test]
fn the_loaders_memory_is_set_once_for_all_commands_and_an_option_goes_before_it() {
    let folder = folder_with_data();
    let train = [
        "train",
        "--preset",
        "tiny",
        "--data",
        "data",
        "--input-secs",
        "1",
        "--epochs",
        "1",
    ];
    let usual = printed(folder.path(), &["data", "loader-memory"]);
    assert!(usual.contains("1.07 GB"), "{usual}");
    let told = printed(folder.path(), &["data", "loader-memory", "0.0001"]);
    assert!(told.contains("0.0001 GB"), "{told}");
    let (code, told) = refused(folder.path(), &train);
    assert_ne!(code, Some(0));
    assert!(told.contains("--loader-memory"), "{told}");
    let with_option = [&["--loader-memory", "1"], &train[..]].concat();
    printed(folder.path(), &with_option);
    for nonsense in ["0", "much"] {
        let (code, _) = refused(folder.path(), &["data", "loader-memory", nonsense]);
        assert_ne!(code, Some(0), "{nonsense}");
    }
    let told = printed(folder.path(), &["data", "loader-memory", "none"]);
    assert_eq!(told, usual);
}

#[test]
#[cfg(unix)]
fn a_cache_of_more_files_than_a_process_usually_opens_is_used_or_explained() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    small_data::write(&data, 100, 0.2);
    let dataset = Dataset::open(&data).unwrap();
    // A shard each.
    for track in 0..100 {
        let pcm = folder.path().join("workspace/cache/pcm");
        let cache = PcmCache::open(pcm, 22_050).unwrap();
        cache.prepare(&dataset, &[track], &Job::quiet()).unwrap();
    }
    let build = command(folder.path(), &["data", "cache", "build", "data", "--json"]);
    let limited = |limit: &str| {
        let mut shell = Command::new("sh");
        let script = format!("{limit} && exec \"$@\"");
        shell.args(["-c", &script, "sh"]).arg(build.get_program());
        shell.args(build.get_args()).current_dir(folder.path());
        shell.output().unwrap()
    };
    let built = limited("ulimit -S -n 64");
    let told = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(built.status.success(), "{told}");
    let built: Value = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(of_rate(&built, 22_050), (0, 100));
    let refused = limited("ulimit -n 64");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("ulimit -n") && told.contains("than 64"),
        "{told}"
    );
}
