//! The doctor, splits and cleaning from the command line: prepared faults are found and mended, sound music is left in peace.

use crate::attune;
use attune_core::dataset::{Algorithm, Dataset, Split};
use attune_core::job::Job;
use attune_tests::{faults, published};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What `attune data check` reports of `place`, and its exit code.
fn examined(folder: &Path, place: &str) -> (Value, Option<i32>) {
    let output = attune::output(folder, &["data", "check", place, "--json"]);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (report, output.status.code())
}

fn keys(report: &Value) -> BTreeSet<String> {
    let entries = report["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["key"].as_str().unwrap().to_owned())
        .collect()
}

fn entry<'a>(report: &'a Value, key: &str) -> &'a Value {
    let entries = report["entries"].as_array().unwrap();
    entries
        .iter()
        .find(|entry| entry["key"] == key)
        .unwrap_or_else(|| panic!("no {key}"))
}

#[test]
fn every_prepared_fault_is_found_and_nothing_else_and_the_mended_split_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    faults::write(&folder.path().join("set"));
    // What is wrong with a file by itself is told while others are heard.
    let output = attune::output(folder.path(), &["data", "check", "set", "--json"]);
    let told = String::from_utf8(output.stderr).unwrap();
    for line in [
        "warning  missing-file     f-gone: 1 of ",
        "error    unreadable       f-empty: ",
        "error    silent           f-silent: silent from beginning to end",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(!told.contains("duplicate-audio"), "{told}");
    let (report, code) = examined(folder.path(), "set");
    assert_eq!(
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["entries"],
        report["entries"]
    );
    let wanted: BTreeSet<String> = faults::FOUND
        .iter()
        .chain(&faults::FOUND_BESIDES)
        .map(|&key| key.to_owned())
        .collect();
    let found = keys(&report);
    let missed: Vec<_> = wanted.difference(&found).collect();
    let invented: Vec<_> = found
        .difference(&wanted)
        .map(|key| entry(&report, key))
        .collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "missed {missed:#?}\ninvented {invented:#?}"
    );
    assert_eq!(code, Some(3), "errors were found");

    // Where to listen, and what to leave out.
    assert_eq!(
        entry(&report, "duplicate-audio/c18")["leave_out"],
        serde_json::json!(["d-leaked"])
    );
    for of_file in ["duplicate-audio/file/c21", "file-leak/train/test"] {
        let left_out = &entry(&report, of_file)["leave_out"];
        assert_eq!(*left_out, serde_json::json!(["d-across"]), "{of_file}");
    }
    let shifted = entry(&report, "duplicate-audio/c03")["sounds"]
        .as_array()
        .unwrap();
    let later =
        shifted[0]["start_secs"].as_f64().unwrap() - shifted[1]["start_secs"].as_f64().unwrap();
    assert!((later - 0.34).abs() < 0.1, "{shifted:?}");
    let fades = entry(&report, "silent/f-fades");
    assert_eq!(fades["severity"], "warning");
    assert!(
        (fades["sounds"][0]["start_secs"].as_f64().unwrap() - 1.0).abs() < 0.5,
        "before the silence"
    );
    assert!(
        entry(&report, "artist-leak/train/test")["message"]
            .as_str()
            .unwrap()
            .contains("1 of its 6 tracks (16.7 %)")
    );

    // In the table each mend stands below what it mends, and counts are by gravity.
    let table = attune::output(
        folder.path(),
        &["data", "check", "set", "--only", "silent,clipped"],
    );
    assert!(table.stderr.is_empty() || !String::from_utf8_lossy(&table.stderr).contains("silent"));
    let table = String::from_utf8(table.stdout).unwrap();
    let (_, silent) = table
        .split_once("\nsilent           2 errors, 1 warning\n")
        .unwrap();
    let starts = [
        "  f-silent: silent",
        "  f-silent-too: ",
        "  → get the",
        "  f-fades: ",
        "  → listen",
        "",
    ];
    let lines: Vec<&str> = silent.lines().take(starts.len()).collect();
    let fits = |(line, start): (&&str, &&str)| line.starts_with(start);
    assert!(lines.iter().zip(&starts).all(fits), "{table}");
    assert!(table.contains("\nclipped          1 warning\n"), "{table}");

    // The second look decodes nothing.
    let again = examined(folder.path(), "set").0;
    assert_eq!(again["files"]["n_decoded"], 0);
    assert_eq!(again["entries"], report["entries"]);

    let (code, told) = attune::refused(
        folder.path(),
        &[
            "data",
            "check",
            "set",
            "--mending",
            "rules.toml",
            "--report",
            "check.json",
        ],
    );
    assert_eq!(code, Some(3), "{told}");
    let arguments = [
        "data",
        "split",
        "set",
        "--clean",
        "rules.toml",
        "--shares",
        "train=0.5,valid=0.25,test=0.25",
        "--out",
        "own",
    ];
    let printed = attune::printed(folder.path(), &arguments);
    assert!(printed.contains("because of: unreadable"), "{printed}");
    let (report, code) = examined(folder.path(), "own");
    let left: Vec<String> = keys(&report)
        .into_iter()
        .filter(|key| !key.contains("-tag/"))
        .collect();
    let harmless = [
        "channels/2",
        "dc-offset/f-offset",
        "tag-order/GTZAN's genres",
    ];
    assert_eq!(left, harmless);
    assert_eq!(code, Some(0));
    let strict = attune::output(folder.path(), &["data", "leaks", "own", "--strict"]);
    assert!(strict.status.success(), "{strict:?}");
    let told = String::from_utf8(strict.stdout).unwrap();
    assert!(!told.contains("listened to"), "all was heard: {told}");
    let strict = attune::output(folder.path(), &["data", "leaks", "set", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    let told = String::from_utf8(strict.stdout).unwrap();
    assert!(
        told.contains("1 artist of train is in test as well")
            && told.contains("1 file of train")
            && told.contains("1 recording of train"),
        "{told}"
    );
}

#[test]
fn faults_of_a_published_data_set_are_told_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    faults::write_published(&folder.path().join("set"));
    let (report, code) = examined(folder.path(), "set");
    assert_eq!(code, Some(3), "errors were found");
    let mut found = keys(&report);
    found.retain(|key| !key.starts_with("counts/"));
    let is_like = |wanted: &&str, key: &String| key.starts_with(*wanted);
    assert!(
        found.len() == faults::FOUND_PUBLISHED.len()
            && found
                .iter()
                .zip(&faults::FOUND_PUBLISHED)
                .all(|(key, wanted)| is_like(wanted, key)),
        "{found:#?}"
    );
    let left_out = |start: &str| {
        let key = found.iter().find(|key| key.starts_with(start)).unwrap();
        entry(&report, key)["leave_out"].clone()
    };
    // Test is scored on: its copy stays.
    let train = serde_json::json!(["track_0000106"]);
    assert_eq!(left_out("file-leak/"), train);
    assert_eq!(left_out("duplicate-audio/"), train);
    assert_eq!(
        left_out("missing-file/files"),
        serde_json::json!(["track_0000108"])
    );
    assert_eq!(
        left_out("split-overlap/"),
        serde_json::json!(["track_0000101"])
    );
    // The mended split is read without the overlap of the one it was made of.
    attune::refused(
        folder.path(),
        &["data", "check", "set", "--mending", "rules.toml"],
    );
    let arguments = [
        "data",
        "split",
        "set",
        "--clean",
        "rules.toml",
        "--shares",
        "train=0.5,test=0.5",
        "--out",
        "own",
    ];
    attune::printed(folder.path(), &arguments);
    let (report, code) = examined(folder.path(), "own");
    assert_eq!(code, Some(0), "{report}");
    assert!(
        keys(&report)
            .iter()
            .all(|key| !key.starts_with("split-overlap"))
    );
}

#[test]
fn the_rules_that_the_readme_shows_are_read_and_do_what_it_says() {
    let readme = include_str!("../../../README.md");
    let (_, rules) = readme.split_once("```toml\n[clean]").unwrap();
    let (rules, _) = rules.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    std::fs::create_dir(&set).unwrap();
    let mut tracks = "track_id,path,artist,split,duration_s,source,license\n".to_owned();
    let mut labels = "track_id,tag\n".to_owned();
    for number in 0..40 {
        let secs = if number < 4 { 5 } else { 29 };
        tracks += &format!("{number},{number}.mp3,artist {number},train,{secs},,\n");
        let singing = ["vocal", "vocals", "singing"][number % 3];
        labels += &format!("{number},{singing}\n{number},weird\n");
        if number.is_multiple_of(2) {
            labels += &format!("{number},guitar\n");
        }
    }
    labels += "39,harp\n";
    std::fs::write(set.join("tracks.csv"), tracks).unwrap();
    std::fs::write(set.join("labels.csv"), labels).unwrap();
    std::fs::write(folder.path().join("own.toml"), format!("[clean]{rules}")).unwrap();
    attune::printed(
        folder.path(),
        &["data", "check", "set", "--report", "check.json"],
    );
    let arguments = [
        "data", "split", "set", "--clean", "own.toml", "--out", "own", "--json",
    ];
    let told = attune::json(folder.path(), &arguments);
    let steps: Vec<(&str, u64)> = told["cleaning"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let n_removed = step["n_removed"].as_u64().unwrap();
            (step["rule"].as_str().unwrap(), n_removed)
        })
        .collect();
    let wanted = [
        ("exclude", 1),
        ("drop_found", 0),
        ("drop_found", 0),
        ("drop_found", 0),
        ("min_secs", 4),
        ("merge", 2),
        ("drop_tags", 1),
        ("min_tracks_per_tag", 1),
    ];
    assert_eq!(steps, wanted);
    let own = Dataset::open(&folder.path().join("own")).unwrap();
    let tags: BTreeSet<&str> = own.tags.iter().map(String::as_str).collect();
    assert_eq!(tags, BTreeSet::from(["guitar", "vocals"]));
    assert_eq!(own.tracks.len(), 35);
}

#[test]
fn leaks_that_cannot_be_seen_are_no_clean_bill() {
    let folder = tempfile::tempdir().unwrap();
    attune_tests::published::gtzan::write(&folder.path().join("gtzan"));
    let output = attune::output(folder.path(), &["data", "leaks", "gtzan"]);
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        !told.contains("nothing is on both sides")
            && told.contains("nothing that is known is on both sides")
            && told.contains("nobody says the artist of 6 of its 6 tracks (100.0 %)"),
        "{told}"
    );
    let (code, told) = attune::refused(folder.path(), &["data", "leaks", "gtzan", "--strict"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("no artist is known"), "{told}");
    let json = attune::json(folder.path(), &["data", "leaks", "gtzan", "--json"]);
    assert_eq!(json[0]["n_without_artist"], 6);
    assert_eq!(json[0]["n_unheard"], 6);
    let told = attune::printed(folder.path(), &["data", "leaks", "gtzan"]);
    assert!(
        told.contains("the files of 6 of its 6 tracks have not been listened to"),
        "{told}"
    );
    // What the import found about it is said.
    attune_tests::published::msd::write_lists(&folder.path().join("msd"));
    let output = attune::output(folder.path(), &["data", "leaks", "msd"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("artists and titles are not known"), "{told}");
    // And where artists are counted, nobody is none.
    let info = attune::json(folder.path(), &["data", "info", "gtzan", "--json"]);
    assert_eq!(info["artists"], 0);
}

#[test]
fn songs_by_the_same_instruments_are_no_copies_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let demo = faults::demo_folder();
    let (report, code) = examined(folder.path(), demo.to_str().unwrap());
    assert_eq!(code, Some(0));
    assert!(report["files"]["n_decoded"].as_u64().unwrap() > 300);
    let copies: Vec<_> = keys(&report)
        .into_iter()
        .filter(|key| key.starts_with("duplicate"))
        .collect();
    assert_eq!(copies, Vec::<String>::new());
    let Some(tunes) = attune_tests::shared("datasets/tunes") else {
        return;
    };
    let (report, code) = examined(folder.path(), tunes.to_str().unwrap());
    assert_eq!(code, Some(0), "{report}");
    let checks: BTreeSet<String> = keys(&report)
        .iter()
        .map(|key| key.split('/').next().unwrap().to_owned())
        .collect();
    assert!(
        checks
            .iter()
            .all(|check| ["dc-offset", "silent", "clipped"].contains(&check.as_str())),
        "{checks:?}"
    );
}

#[test]
fn a_data_set_is_divided_by_artist_and_trains_under_its_new_name() {
    let folder = tempfile::tempdir().unwrap();
    attune_tests::small_data::write(&folder.path().join("set"), 60, 1.0);
    std::fs::write(
        folder.path().join("rules.toml"),
        "[clean]\nmerge = { pitched = [\"low\", \"high\"] }\nexclude = [{ why = \"heard by ear\", ids = [\"x003\"] }]\n",
    )
    .unwrap();
    let arguments = |out: &'static str| {
        let shares = "train=0.6,valid=0.2,test=0.2";
        [
            "data",
            "split",
            "set",
            "--shares",
            shares,
            "--unlabelled",
            "0.2",
            "--seed",
            "4",
            "--clean",
            "rules.toml",
            "--out",
            out,
            "--json",
        ]
    };
    let told = attune::json(folder.path(), &arguments("own"));
    assert_eq!(told["cleaning"][0]["n_removed"], 1);
    assert_eq!(told["cleaning"][1]["rule"], "merge");
    let own = Dataset::open(&folder.path().join("own")).unwrap();
    assert_eq!(own.tags, ["pitched", "noisy"]);
    assert_eq!(own.tracks.len(), 59);
    let mut parts: BTreeMap<&str, BTreeSet<Split>> = BTreeMap::new();
    for track in &own.tracks {
        parts.entry(&track.artist).or_default().insert(track.split);
    }
    assert!(parts.values().all(|parts| parts.len() == 1), "{parts:?}");
    assert_eq!(own.split_counts().len(), 4);
    attune::json(folder.path(), &arguments("again"));
    let csv = |name: &str| std::fs::read(folder.path().join(name).join("parts.csv")).unwrap();
    assert_eq!(csv("own"), csv("again"), "the same seed divides alike");
    let (code, told) = attune::refused(folder.path(), &arguments("own"));
    assert_eq!(code, Some(1));
    assert!(told.contains("new or empty folder"), "{told}");
    let info = attune::json(folder.path(), &["data", "info", "own", "--json"]);
    assert_eq!(info["tracks"], 59);
    assert_eq!(info["problems"], serde_json::json!([]));
}

#[test]
fn wrong_requests_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    attune_tests::small_data::write(&folder.path().join("set"), 12, 1.0);
    let rules = "[clean]\nkeep_tags = [\"low\"]\nmin_tracks_per_tag = 1000\n";
    std::fs::write(folder.path().join("none-left.toml"), rules).unwrap();
    for (arguments, code, problem) in [
        (
            &[
                "data",
                "split",
                "set",
                "--clean",
                "none-left.toml",
                "--out",
                "own",
            ][..],
            3,
            "is left after the rule min_tracks_per_tag",
        ),
        (
            &["data", "split", "set", "--shares", "train=0.5"][..],
            2,
            "add up to 0.5",
        ),
        (
            &["data", "split", "set", "--unlabelled", "1.5"],
            2,
            "--unlabelled",
        ),
        (
            &["data", "split", "set", "--clean", "none.toml"],
            3,
            "none.toml",
        ),
        (
            &["data", "check", "set", "--only", "clippd"],
            2,
            "no check `clippd`",
        ),
        (&["data", "check", "set#other"], 3, "no split `other`"),
        (&["data", "leaks", "nowhere"], 3, "nowhere"),
    ] {
        let (found, told) = attune::refused(folder.path(), arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {told}");
        assert!(told.contains(problem), "{arguments:?}: {told}");
    }
}

/// Findings about checksums: key and message; and how many files were compared.
fn compared(folder: &Path) -> (Vec<(String, String)>, u64) {
    let arguments = [
        "data",
        "check",
        "set",
        "--no-audio",
        "--checksums",
        "--json",
    ];
    let output = attune::output(folder, &arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = report["entries"].as_array().unwrap().iter();
    let text = |entry: &Value, what: &str| entry[what].as_str().unwrap().to_owned();
    let found = entries
        .filter(|entry| entry["check"] == "checksum")
        .map(|entry| (text(entry, "key"), text(entry, "message")));
    let n_compared = report["files"]["n_compared"].as_u64().unwrap();
    (found.collect(), n_compared)
}

#[test]
fn files_are_held_against_the_checksums_that_were_published_and_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let set = here.join("set");
    published::fma::write(&set);
    let track = set.join("fma_small/000/000002.wav");
    let sum = Algorithm::Sha1.of_file(&track, &Job::quiet()).unwrap();
    let list = set.join("fma_small/checksums");
    let others = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15  000/000005.mp3\n";
    std::fs::write(&list, format!("{others}{sum}  000/000002.wav\n")).unwrap();
    assert_eq!(compared(here), (Vec::new(), 1), "the other is not here");
    // A download that went wrong. As long as nothing tells that it changed, it is not read again.
    let mut bytes = std::fs::read(&track).unwrap();
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    let then = track.metadata().unwrap().modified().unwrap();
    std::fs::write(&track, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(&track).unwrap();
    file.set_modified(then).unwrap();
    assert_eq!(compared(here), (Vec::new(), 1));
    file.set_modified(then + std::time::Duration::from_secs(9))
        .unwrap();
    for _ in 0..2 {
        let (found, n_compared) = compared(here);
        assert_eq!((n_compared, &*found[0].0), (1, "checksum/2"));
        assert!(
            found.len() == 1 && found[0].1.contains(&format!("the published one is {sum}")),
            "{found:?}"
        );
    }
    std::fs::remove_file(list).unwrap();
    let (found, n_compared) = compared(here);
    assert_eq!((n_compared, &*found[0].0), (0, "checksum/none"));
}

#[test]
fn sums_of_an_index_of_mirdata_are_compared_wherever_its_files_lie() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    published::mirdata::write(&set);
    let index = set.join("tunes_index_1.0.json");
    let sum = |file: &str| {
        let path = set.join(file);
        Algorithm::Md5.of_file(&path, &Job::quiet()).unwrap()
    };
    let text = std::fs::read_to_string(&index).unwrap();
    let text = text
        .replace("1f", &sum("audio/one.wav"))
        .replace("2f", &sum("audio/one.wav"))
        .replace("5f", &sum("info.csv"));
    std::fs::write(&index, text).unwrap();
    let (found, n_compared) = compared(folder.path());
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((n_compared, &keys[..]), (3, &["checksum/two"][..]));
}
