//! Tagging many tracks, and label sets corrected by ear, from the command line.

use crate::attune;
use attune_core::dataset::Dataset;
use attune_core::job::Job;
use attune_core::tagging::Answers;
use attune_tests::{published, python, small_data};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// A folder with a data set `data` of so many tracks of one second.
fn bench(n_tracks: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_data::write(&folder.path().join("data"), n_tracks, 1.0);
    folder
}

/// Id and probabilities by tag of each row of a CSV table, as Rust reads the numbers.
fn csv_rows(path: &Path) -> Vec<(String, String, Vec<Option<f32>>)> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        let (id, file) = (fields.next().unwrap(), fields.next().unwrap());
        let numbers = fields.skip(3).map(|text| text.parse().ok());
        (id.to_owned(), file.to_owned(), numbers.collect())
    });
    rows.collect()
}

#[test]
fn both_tables_hold_the_numbers_of_predict_json() {
    let folder = bench(12);
    let here = folder.path();
    attune::printed(here, &["predict", "demo", "data", "--out", "t.csv"]);
    attune::printed(here, &["predict", "demo", "data", "--out", "t.parquet"]);
    let answers = Answers::read(&here.join("t.parquet"), &Job::quiet()).unwrap();
    let rows = csv_rows(&here.join("t.csv"));
    assert_eq!(rows.len(), 12);
    let about: Value =
        serde_json::from_slice(&std::fs::read(here.join("t.csv.json")).unwrap()).unwrap();
    assert!(about["evaluation"].as_str().unwrap().contains("chunks"));
    assert_eq!(about["fingerprint"], answers.about.fingerprint.as_str());
    for (id, file, numbers) in rows {
        let said = attune::json(here, &["predict", "demo", "--json", &file]);
        let expected: Vec<f32> = answers
            .about
            .tags
            .iter()
            .map(|tag| said["tags"][tag].as_f64().unwrap() as f32)
            .collect();
        let found: Vec<f32> = numbers.into_iter().flatten().collect();
        assert_eq!(found, expected, "{id}");
        assert_eq!(answers.of(&id, Path::new(&file)), Some(&*expected), "{id}");
    }
    let test = here.join("test.csv");
    let split = [
        "predict", "demo", "data", "--split", "train", "--out", "test.csv",
    ];
    attune::printed(here, &split);
    let of_split = Dataset::open(&here.join("data")).unwrap();
    let of_split = of_split.split_counts()[&attune_core::dataset::Split::Train];
    assert_eq!(csv_rows(&test).len(), of_split);
}

#[test]
fn pyarrow_reads_the_same_numbers() {
    let Some(python) = python::with("pyarrow") else {
        return;
    };
    let folder = bench(6);
    let here = folder.path();
    std::fs::write(here.join("data/audio/x002.wav"), "no sound").unwrap();
    for out in ["t.csv", "t.parquet"] {
        let (code, _) = attune::refused(here, &["predict", "demo", "data/audio", "--out", out]);
        assert_eq!(code, Some(3));
    }
    let printed = python::printed(&python, "parquet/table.py", &here.join("t.parquet"));
    let read: Value = serde_json::from_str(&printed).unwrap();
    let rows = csv_rows(&here.join("t.csv"));
    assert_eq!(read["rows"].as_array().unwrap().len(), rows.len());
    for (row, (id, _, numbers)) in read["rows"].as_array().unwrap().iter().zip(rows) {
        assert_eq!(row["id"], id.as_str());
        let found = row["tags"].as_array().unwrap().iter();
        let found: Vec<Option<f32>> = found.map(|p| p.as_f64().map(|p| p as f32)).collect();
        if id.contains("x002") {
            assert!(row["error"].is_string() && found.iter().all(Option::is_none));
        } else {
            assert!(row["error"].is_null());
            assert_eq!(found, numbers, "{id}");
        }
    }
    let about: Value = serde_json::from_str(read["attune"].as_str().unwrap()).unwrap();
    assert_eq!(about["tags"], read["columns"]);
}

#[test]
fn bad_files_are_named_and_do_not_keep_the_others() {
    let folder = bench(6);
    let here = folder.path();
    std::fs::write(here.join("data/audio/x001.wav"), "no sound").unwrap();
    std::fs::remove_file(here.join("data/audio/x004.wav")).unwrap();
    let (code, errors) = attune::refused(here, &["predict", "demo", "data", "--out", "t.csv"]);
    assert_eq!(code, Some(3), "{errors}");
    assert!(
        errors.contains("skipped: x001") && errors.contains("skipped: x004"),
        "{errors}"
    );
    assert!(
        errors.contains("2 of 6 files could not be tagged"),
        "{errors}"
    );
    let tagged = csv_rows(&here.join("t.csv"));
    let tagged: Vec<bool> = tagged
        .iter()
        .map(|(.., row)| row.iter().all(Option::is_some))
        .collect();
    assert_eq!(tagged, [true, false, true, true, false, true]);
    // Mended files are all that is left to do.
    std::fs::copy(
        here.join("data/audio/x000.wav"),
        here.join("data/audio/x001.wav"),
    )
    .unwrap();
    std::fs::copy(
        here.join("data/audio/x000.wav"),
        here.join("data/audio/x004.wav"),
    )
    .unwrap();
    let output = attune::output(here, &["predict", "demo", "data", "--out", "t.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("6 tracks, 2 of them tagged now"),
        "{said}"
    );
}

#[test]
fn of_the_catalogue_every_recording_is_tagged_whatever_splits_it_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    published::fma::write(&here.join("fma"));
    let first = Dataset::open(&here.join("fma")).unwrap();
    assert_eq!(first.tracks.len(), 1, "its first split is the smallest");
    attune::printed(here, &["data", "import", "fma"]);
    let arguments = ["predict", "demo", "--catalogue", "--out", "t.csv"];
    let (code, errors) = attune::refused(here, &arguments);
    assert_eq!(code, Some(3), "{errors}");
    let rows = csv_rows(&here.join("t.csv"));
    let mut ids: Vec<&str> = rows.iter().map(|(id, ..)| id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["FMA/1486", "FMA/155320", "FMA/2", "FMA/3"]);
    let tagged = rows
        .iter()
        .filter(|(.., row)| row.iter().all(Option::is_some));
    assert_eq!(tagged.count(), 1, "the others have no audio here");
    // Another list into the same table: nothing of what is there is lost.
    small_data::write(&here.join("data"), 2, 1.0);
    let output = attune::output(here, &["predict", "demo", "data", "--out", "t.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("4 rows of other tracks stay"), "{said}");
    let after = csv_rows(&here.join("t.csv"));
    assert_eq!((after.len(), &after[2..]), (6, &rows[..]));
}

#[test]
fn killed_at_any_moments_it_ends_with_the_same_bits() {
    let folder = bench(90);
    let here = folder.path();
    attune::printed(
        here,
        &["predict", "tunes", "data", "--out", "whole.parquet"],
    );
    let journal = here.join("killed.parquet.journal");
    let mut n_kills = 0;
    for nth in 1..100u64 {
        let arguments = ["predict", "tunes", "data", "--out", "killed.parquet"];
        let mut child = attune::command(here, &arguments).spawn().unwrap();
        let length = || std::fs::metadata(&journal).map_or(0, |file| file.len());
        let before = length();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                break true;
            }
            // After some more tracks, another number each time.
            if length() > before + 400 * (1 + nth % 3) {
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if ended {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        n_kills += 1;
        assert!(!here.join("killed.parquet").exists(), "whole or absent");
        // As if the kill had come in the middle of a record.
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&journal)
            .unwrap();
        file.set_len(length() - nth % 7).unwrap();
    }
    assert!(n_kills >= 2, "it ended after {n_kills} kills");
    let read = |name: &str| std::fs::read(here.join(name)).unwrap();
    assert!(read("killed.parquet") == read("whole.parquet"));
    assert!(!journal.exists());
}

#[test]
fn corrected_labels_are_imported_shown_and_exported_as_a_data_set() {
    let folder = bench(6);
    let here = folder.path();
    let before = Dataset::open(&here.join("data")).unwrap();
    std::fs::write(
        here.join("mine.csv"),
        "track_id,tag\nx000,high\nx001,high\n",
    )
    .unwrap();
    attune::printed(here, &["data", "labels", "import", "data", "mine.csv"]);
    let shown = attune::printed(here, &["data", "labels", "show", "data", "--json"]);
    let shown: Value = serde_json::from_str(shown.trim()).unwrap();
    assert_eq!(shown["track"], "x000", "x001 was so before");
    assert_eq!(shown["tags"], serde_json::json!(["high"]));
    assert_eq!(shown["was"], serde_json::json!(["low", "noisy"]));
    let export = ["data", "labels", "export", "data", "--out", "new", "--json"];
    let exported = attune::json(here, &export);
    assert_eq!(
        (&exported["added"], &exported["removed"]),
        (&1.into(), &2.into())
    );
    let info = attune::json(here, &["data", "info", "new", "--json"]);
    assert_eq!(
        (&info["tracks"], &info["problems"]),
        (&6.into(), &serde_json::json!([]))
    );
    let after = Dataset::open(&here.join("data")).unwrap();
    assert_eq!(after.fingerprint(), before.fingerprint());
    let wrong = here.join("wrong.csv");
    std::fs::write(&wrong, "track_id,tag\nnobody,high\n").unwrap();
    let (code, errors) = attune::refused(here, &["data", "labels", "import", "data", "wrong.csv"]);
    assert_eq!(code, Some(3));
    assert!(errors.contains("wrong.csv, line 2"), "{errors}");
}
