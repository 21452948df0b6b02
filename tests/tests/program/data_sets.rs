//! Data sets as the user meets them: described and imported from the command line, the demo set, the published sets beside the project.

use crate::attune;
use attune_core::dataset::{Dataset, PcmCache, ProblemKind, Split, demo};
use attune_core::job::Job;
use attune_core::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A data set folder with a workspace beside it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        attune_tests::small_data::write(&bench.data(), 36, 1.0);
        bench
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn command(&self) -> Command {
        attune::at(&self.0.path().join("home"))
    }

    fn attune(&self, arguments: &[&str], folder: &Path) -> Output {
        let mut command = self.command();
        command.args(arguments).arg(folder).output().unwrap()
    }

    fn json(&self, arguments: &[&str], folder: &Path) -> serde_json::Value {
        let output = self.attune(arguments, folder);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn info_counts_a_folder_that_was_never_imported() {
    let bench = Bench::new();
    std::fs::remove_file(bench.data().join("audio/x003.wav")).unwrap();
    let info = bench.json(&["data", "info", "--json"], &bench.data());
    assert_eq!(info["tracks"], 36);
    assert_eq!(info["tags"], 3);
    assert_eq!(info["artists"], 18);
    assert_eq!(
        info["splits"],
        serde_json::json!({"train": 24, "valid": 6, "test": 6})
    );
    assert_eq!(info["labels"], 48);
    assert_eq!(info["timelines"], 0);
    assert_eq!(info["problems"].as_array().unwrap().len(), 1);
    assert_eq!(info["problems"][0]["track"], "x003");
    let table = bench.attune(&["data", "info"], &bench.data());
    let text = String::from_utf8(table.stdout).unwrap();
    let noisy = text.lines().find(|line| line.starts_with("noisy")).unwrap();
    let counts: Vec<&str> = noisy.split_whitespace().skip(1).collect();
    assert_eq!(counts, ["12", "8", "2", "2"], "{text}");
}

#[test]
fn importing_twice_leaves_one_entry() {
    let bench = Bench::new();
    bench.json(&["data", "import", "--json"], &bench.data());
    bench.json(&["data", "import", "--json"], &bench.data());
    let output = bench
        .command()
        .args(["data", "list", "--json"])
        .output()
        .unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list[0]["n_tracks"], 36);
}

#[test]
fn a_wrong_data_set_ends_with_exit_code_3_and_the_line() {
    let bench = Bench::new();
    let labels = bench.data().join("labels.csv");
    std::fs::write(&labels, "track_id,tag\r\nx000,low\r\nx000,lowe\r\n").unwrap();
    let output = bench.attune(&["data", "info", "--json"], &bench.data());
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty(), "no half an answer");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("labels.csv, line 3") && message.contains("`lowe`"),
        "{message}"
    );
}

#[test]
fn the_demo_set_is_whole_balanced_and_made_once() {
    let home = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(home.path());
    let folder = demo::ensure(&workspace, &Job::quiet()).unwrap();
    let made_at = |folder: &Path| {
        let meta = std::fs::metadata(folder.join("tracks.csv")).unwrap();
        meta.modified().unwrap()
    };
    let first = made_at(&folder);
    assert_eq!(demo::ensure(&workspace, &Job::quiet()).unwrap(), folder);
    assert_eq!(made_at(&folder), first, "the second time it is only found");

    let dataset = Dataset::open(&folder).unwrap();
    assert_eq!(dataset.problems, []);
    assert!(dataset.n_tags() >= 15);
    let counts = dataset.split_counts();
    let labelled = counts[&Split::Train] + counts[&Split::Valid] + counts[&Split::Test];
    assert!(labelled >= 300, "{counts:?}");
    assert!(counts[&Split::Unlabelled] >= 100, "{counts:?}");

    for split in [Split::Train, Split::Valid, Split::Test] {
        for (tag, count) in dataset.tags.iter().zip(dataset.tag_counts(Some(split))) {
            let without = counts[&split] - count;
            assert!(count >= 2, "{split} has {count} clips with {tag}");
            assert!(without >= 2, "{split} has {without} clips without {tag}");
        }
    }
    let mut splits_of: BTreeMap<&str, BTreeSet<Split>> = BTreeMap::new();
    for track in &dataset.tracks {
        let splits = splits_of.entry(&track.artist).or_default();
        splits.insert(track.split);
    }
    for (artist, splits) in splits_of {
        assert_eq!(splits.len(), 1, "{artist} is in {splits:?}");
    }

    // Labels and timelines are two views of one measurement.
    for (idx, track) in dataset.tracks.iter().enumerate() {
        assert!(!track.timeline.is_empty(), "{}", track.id);
        let labels = dataset.labels_of(idx);
        assert_eq!(
            labels.iter().any(|&label| label),
            track.split != Split::Unlabelled,
            "{} of {}",
            track.id,
            track.split
        );
        let secs = track.duration_secs.unwrap();
        for span in &track.timeline {
            assert!(span.end_secs <= secs + 0.005, "{} {span:?}", track.id);
        }
    }
    let longest = dataset
        .tracks
        .iter()
        .max_by(|a, b| a.duration_secs.partial_cmp(&b.duration_secs).unwrap())
        .unwrap();
    assert!(longest.duration_secs.unwrap() >= 120.0);
    let late: BTreeSet<_> = longest
        .timeline
        .iter()
        .filter(|span| span.start_secs > 10.0)
        .map(|span| span.tag)
        .collect();
    assert!(late.len() >= 8, "instruments enter one after the other");
}

#[test]
fn a_cancelled_demo_leaves_nothing_that_looks_like_a_data_set() {
    let home = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(home.path());
    let cancel = attune_core::job::Cancel::new();
    let raised = cancel.clone();
    let job = Job::new(cancel, move |progress| {
        if progress.done >= 3 {
            raised.cancel();
        }
    });
    assert!(demo::ensure(&workspace, &job).is_err());
    let left: Vec<_> = std::fs::read_dir(workspace.cache())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["demo.lock"]);
}

#[test]
fn the_published_sets_open_with_the_counts_that_their_readme_states() {
    for (name, n_tracks, n_tags, splits) in [
        (
            "tunes",
            1215,
            46,
            vec![(Split::Train, 850), (Split::Valid, 183), (Split::Test, 182)],
        ),
        ("unlabelled", 817, 0, vec![(Split::Unlabelled, 817)]),
        ("songs", 12, 0, vec![(Split::Unlabelled, 12)]),
    ] {
        let Some(folder) = attune_tests::shared(&format!("datasets/{name}")) else {
            return;
        };
        let dataset = Dataset::open(&folder).unwrap();
        assert_eq!(dataset.tracks.len(), n_tracks, "{name}");
        assert_eq!(dataset.n_tags(), n_tags, "{name}");
        assert_eq!(dataset.split_counts(), splits.into_iter().collect());
        assert_eq!(dataset.problems, []);
        if name == "tunes" {
            let counts = dataset.tag_counts(Some(Split::Test));
            let slow = dataset.tag("slow").unwrap();
            assert_eq!(counts[slow.index()], 62);
        }
    }
}

#[test]
fn every_song_decodes_and_a_broken_file_among_them_is_named() {
    let Some(folder) = attune_tests::shared("datasets/songs") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut dataset = Dataset::open(&folder).unwrap();
    let broken = home.path().join("broken.mp3");
    std::fs::write(&broken, [0x55; 5000]).unwrap();
    dataset.tracks[1].path.clone_from(&broken);
    let cache = PcmCache::open(home.path().join("pcm"), 22_050).unwrap();
    let all: Vec<usize> = (0..dataset.tracks.len()).collect();
    let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
    assert_eq!(report.n_decoded, 11, "{report:?}");
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].path, broken);
    assert_eq!(report.problems[0].kind, ProblemKind::Broken);
    for track in dataset.tracks.iter().filter(|track| track.path != broken) {
        let pcm = cache.samples(track).unwrap();
        let secs = pcm.n_samples() as f64 / 22_050.0;
        let stated = track.duration_secs.unwrap();
        // The stated length of an MP3 file counts the encoder's delay and padding.
        assert!((secs - stated).abs() < 0.1, "{}: {secs} s", track.id);
    }
}
