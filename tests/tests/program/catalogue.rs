//! The catalogue from the command line: tracks are found, tags counted, splits compared; several imports at once.

use crate::attune;
use attune_core::dataset::Catalogue;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A workspace beside a data set of 36 tracks, every third of which is noisy.
struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        attune_tests::small_data::write(&shop.data(), 36, 1.0);
        shop
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = attune::at(&self.0.path().join("home"));
        command.arg("data").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn folder(&self) -> String {
        self.data().display().to_string()
    }
}

#[test]
fn tracks_are_found_by_words_fields_and_options_alike() {
    let shop = Shop::new();
    let data = shop.folder();
    // The folder is imported by that; from then on it is known by its name.
    let counted = shop.text(&["find", "--data", &data, "--count"]);
    assert_eq!(counted, "36\n");
    let by_fields = shop.text(&[
        "find",
        "tag:noisy",
        "split:train",
        "--data",
        "data",
        "--csv",
    ]);
    let by_options = shop.text(&["find", "--tag", "noisy", "--split", "train", "--csv"]);
    assert_eq!(by_fields, by_options);
    assert_eq!(by_fields.lines().count(), 1 + 8, "{by_fields}");
    let line = shop.text(&["find", "x003", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&found["id"], &found["data"]),
        (&"x003".into(), &"data".into())
    );
    assert!(found["tags"].as_array().unwrap().contains(&"noisy".into()));
    assert!(found["path"].as_str().unwrap().ends_with("audio/x003.wav"));
    // What the shell hands over as one is a phrase, and no two words.
    assert_eq!(shop.text(&["find", "x003", "noisy", "--count"]), "1\n");
    assert_eq!(shop.text(&["find", "x003 noisy", "--count"]), "0\n");
    let last = shop.text(&["find", "--sort", "id", "--descending", "--limit", "1"]);
    assert!(last.starts_with("x035"), "{last}");
}

#[test]
fn terms_are_turned_round_by_a_hyphen_and_options_stay_options() {
    let shop = Shop::new();
    let data = shop.folder();
    let count = |words: &[&str]| shop.text(words);
    let found = count(&["find", "-tag:noisy", "--data", &data, "--count"]);
    assert_eq!(found, "24\n");
    assert_eq!(count(&["find", "--count", "-tag:noisy", "tag:low"]), {
        count(&["find", "--count", "tag:low", "--no-tag", "noisy"])
    });
    let mixed = count(&["find", "-tag:noisy", "-id:x001", "split:train", "--count"]);
    let apart = count(&[
        "find",
        "--count",
        "--",
        "split:train",
        "-tag:noisy",
        "-id:x001",
    ]);
    assert_eq!(mixed, apart);
    // A mistyped option is no word to look for.
    let output = shop.run(&["find", "-tag:noisy", "--cuont"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--cuont"), "{told}");
    assert!(shop.text(&["find", "--help"]).contains("-tag:rock"));
}

#[test]
fn an_unknown_tag_is_told_with_those_there_are() {
    let shop = Shop::new();
    let output = shop.run(&["find", "tag:nois", "--data", &shop.folder()]);
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there are: noisy"), "{message}");
    let output = shop.run(&["find", "--data", &format!("{}#other", shop.folder())]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_file_that_is_missing_is_found_by_its_status_once_the_annotations_are_read_again() {
    let shop = Shop::new();
    assert_eq!(
        shop.text(&[
            "find",
            "status:missing",
            "--data",
            &shop.folder(),
            "--count"
        ]),
        "0\n"
    );
    std::fs::remove_file(shop.data().join("audio/x007.wav")).unwrap();
    let found = shop.text(&["find", "status:missing", "--data", "data"]);
    assert!(
        found.starts_with("x007") && found.contains("[missing]"),
        "{found}"
    );
}

#[test]
fn tags_are_counted_by_part_and_in_pairs() {
    let shop = Shop::new();
    let line = shop.text(&["tags", &shop.folder(), "--json"]);
    let counted: serde_json::Value = serde_json::from_str(&line).unwrap();
    let tags: Vec<&str> = counted["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    let noisy = tags.iter().position(|tag| *tag == "noisy").unwrap();
    assert_eq!(
        counted["balance"]["tags"][noisy],
        serde_json::json!([8, 2, 2, 0])
    );
    assert_eq!(counted["together"][noisy][noisy], 12);
    assert_eq!(counted["balance"]["artists"].as_array().unwrap().len(), 4);
    let table = shop.text(&["tags", "data", "--where", "split:test"]);
    let noisy = table
        .lines()
        .find(|line| line.starts_with("noisy"))
        .unwrap();
    assert_eq!(noisy.split_whitespace().nth(1), Some("2"), "{table}");
}

#[test]
fn a_split_compared_with_itself_has_moved_nobody() {
    let shop = Shop::new();
    let line = shop.text(&["compare", &shop.folder(), "data", "--json"]);
    let compared: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(compared["tracks"][0][0], 24);
    assert_eq!(compared["tracks"][0][1], 0);
    let table = shop.text(&["compare", "data", "data"]);
    assert!(table.contains("0 tracks are in another part"), "{table}");
}

#[test]
fn two_processes_that_import_at_once_both_succeed() {
    let shop = Shop::new();
    let data = shop.folder();
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = shop.command(&["import", &data]);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let catalogue = Catalogue::open(&shop.0.path().join("home/catalogue.sqlite")).unwrap();
    let entries = catalogue.datasets().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(catalogue.index(entries[0].dataset).unwrap().len(), 36);
}
