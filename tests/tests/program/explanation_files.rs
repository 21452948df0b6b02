//! Explanations as files for other programs: JSON, JAMS and layers of Sonic Visualiser say the same as the table.

use crate::attune;
use attune_core::audio::{decode, write_wav};
use attune_core::interpret::{
    Grid, Method, SongExplanation, Source, TokenMap, write_jams, write_json, write_svl,
};
use attune_core::job::Job;
use attune_core::predict::TagTimeline;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Not the model's: layers count in the file's own samples.
const FILE_RATE_HZ: u32 = 44_100;

fn write_song(folder: &Path) {
    let wave: Vec<f32> = (0..6 * FILE_RATE_HZ)
        .map(|i| {
            let secs = i as f32 / FILE_RATE_HZ as f32;
            0.4 * (secs * 1400.0).sin() * (secs * 2.0).sin()
        })
        .collect();
    write_wav(&folder.join("song.wav"), &wave, FILE_RATE_HZ).unwrap();
}

/// `[token]: time, probability, value`, tag by tag.
type Table = BTreeMap<String, Vec<[f64; 3]>>;

/// None of the tags in it holds a comma.
fn read_table(path: &Path) -> Table {
    let mut table = Table::new();
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let words: Vec<&str> = line.split(',').collect();
        let number = |at: usize| words[at].parse::<f64>().unwrap();
        let rows = table.entry(words[0].to_owned()).or_default();
        assert_eq!(words[1], rows.len().to_string());
        rows.push([number(2), number(3), number(4)]);
    }
    table
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap_or_else(|| panic!("{value}"));
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 2e-6
}

/// Equal as f32: files write its shortest digits.
fn same(a: f64, b: f64) -> bool {
    (a as f32).to_bits() == (b as f32).to_bits()
}

fn check_json(json: &Value, table: &Table) {
    assert_eq!(json["song"], "song");
    assert_eq!(json["model"]["name"], "demo");
    assert_eq!(json["model"]["fingerprint"].as_str().unwrap().len(), 16);
    assert!(close(json["duration_s"].as_f64().unwrap(), 6.0));
    let methods = json["methods"].as_array().unwrap();
    let method = |name: &str| methods.iter().find(|method| method["method"] == name);
    let contribution = method("contribution").unwrap();
    assert_eq!(contribution["unit"], "logit");
    let grid = |key: &str| contribution["grid"][key].as_f64().unwrap();
    assert!((grid("receptive_field_s") - 0.77).abs() < 0.05);
    let attention = method("attention").unwrap();
    assert_eq!(
        numbers(&attention["values"]).len() as u64,
        attention["grid"]["n"].as_u64().unwrap()
    );
    let tags = json["tags"].as_array().unwrap();
    assert_eq!(tags.len(), table.len());
    for entry in tags {
        let rows = &table[entry["tag"].as_str().unwrap()];
        let values = numbers(&entry["values"]["contribution"]);
        let alone = numbers(&entry["values"]["only-token"]);
        assert_eq!(rows.len(), values.len());
        for (token, [time_s, probability, value]) in rows.iter().enumerate() {
            let centre = grid("first_centre_s") + token as f64 * grid("step_s");
            assert!(close(*time_s, centre), "{time_s} is not {centre}");
            assert!(same(*value, values[token]));
            assert!(same(*probability, alone[token]));
        }
        let over_time = &entry["over_time"];
        assert_eq!(
            numbers(&over_time["time_s"]).len(),
            numbers(&over_time["probability"]).len()
        );
        let p = entry["probability"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&p));
    }
}

/// What JAMS's schema asks for (`jams_schema.json` of version 0.3.5).
fn check_jams(jams: &Value) {
    let file = &jams["file_metadata"];
    let duration = file["duration"].as_f64().unwrap();
    let version = file["jams_version"].as_str().unwrap();
    assert!(version.split('.').all(|part| part.len() == 1) && version.len() == 5);
    for key in ["title", "artist", "release"] {
        assert!(file[key].is_string(), "{key}");
    }
    assert!(file["identifiers"].is_object() && jams["sandbox"].is_object());
    for annotation in jams["annotations"].as_array().unwrap() {
        let about = &annotation["annotation_metadata"];
        assert!(about["curator"]["name"].is_string() && about["curator"]["email"].is_string());
        assert!(about["annotator"].is_object() && annotation["sandbox"].is_object());
        let mut end_before = 0.0;
        for observation in annotation["data"].as_array().unwrap() {
            let keys: Vec<&String> = observation.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["confidence", "duration", "time", "value"]);
            let time = observation["time"].as_f64().unwrap();
            let lasts = observation["duration"].as_f64().unwrap();
            assert!(time >= end_before - 2e-6 && lasts > 0.0);
            assert!(time + lasts <= duration + 2e-6);
            end_before = time + lasts;
            match annotation["namespace"].as_str().unwrap() {
                "tag_open" => assert!(observation["value"].is_string()),
                "vector" => assert_eq!(numbers(&observation["value"]).len(), 1),
                other => panic!("{other}"),
            }
        }
    }
}

/// Frames and values of the points.
fn points_of(svl: &str) -> Vec<(u64, f64)> {
    let word = |line: &str, key: &str| {
        let rest = line.split_once(&format!("{key}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let lines = svl.lines().filter(|line| line.contains("<point "));
    lines
        .map(|line| {
            let (frame, value) = (word(line, "frame"), word(line, "value"));
            (frame.parse().unwrap(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn all_formats_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_song(folder);
    let arguments = [
        "explain",
        "demo",
        "song.wav",
        "--top",
        "2",
        "--format",
        "csv,json",
        "--format",
        "jams,svl,csv",
        "--out",
        "out",
    ];
    let output = attune::output(folder, &arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let out = folder.join("out");
    let table = read_table(&out.join("song.csv"));
    assert_eq!(table.len(), 2);
    let mut expected = vec![
        "song.csv".to_owned(),
        "song.json".into(),
        "song.jams".into(),
    ];
    let json = read_json(&out.join("song.json"));
    check_json(&json, &table);
    for entry in json["tags"].as_array().unwrap() {
        let tag = entry["tag"].as_str().unwrap();
        let name = format!("song.{}.contribution.svl", tag.replace(' ', "-"));
        let svl = std::fs::read_to_string(out.join(&name)).unwrap();
        assert!(svl.contains("sampleRate=\"44100\""), "{svl}");
        let points = points_of(&svl);
        assert_eq!(points.len(), table[tag].len());
        for ((frame, found), [time_s, _, value]) in points.iter().zip(&table[tag]) {
            assert!((*frame as f64 - time_s * 44_100.0).abs() < 0.6, "{frame}");
            assert!(same(*found, *value));
        }
        expected.push(name);
    }
    let told = String::from_utf8_lossy(&output.stdout);
    let names: Vec<String> = told
        .lines()
        .map(|line| {
            Path::new(line)
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into()
        })
        .collect();
    assert_eq!(names, expected, "each once, in the order asked for");
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), expected.len());

    let jams = read_json(&out.join("song.jams"));
    check_jams(&jams);
    let annotations = jams["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), 4);
    for pair in annotations.chunks(2) {
        assert_eq!(pair[0]["namespace"], "tag_open");
        assert_eq!(pair[1]["namespace"], "vector");
        let rows = &table[pair[1]["sandbox"]["tag"].as_str().unwrap()];
        let observations = pair[1]["data"].as_array().unwrap();
        assert_eq!(observations.len(), rows.len());
        for (observation, [time_s, _, value]) in observations.iter().zip(rows) {
            assert!(same(observation["value"][0].as_f64().unwrap(), *value));
            let from = observation["time"].as_f64().unwrap();
            let to = from + observation["duration"].as_f64().unwrap();
            assert!((from..=to).contains(time_s));
        }
    }

    let refused = attune::output(
        folder,
        &[
            "explain", "demo", "song.wav", "--format", "mid", "--out", "out",
        ],
    );
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(told.contains("mid") && told.contains("jams"), "{told}");

    let usual = attune::output(
        folder,
        &[
            "explain",
            "demo",
            "song.wav",
            "--method",
            "attention",
            "--out",
            "usual",
        ],
    );
    assert!(usual.status.success());
    let told = String::from_utf8_lossy(&usual.stdout).into_owned();
    assert_eq!(told.lines().count(), 3, "{told}");
    let arguments = [
        "explain",
        "demo",
        "song.wav",
        "--method",
        "attention",
        "--format",
        "svl",
        "--out",
        "shared",
    ];
    assert!(attune::output(folder, &arguments).status.success());
    let shared: Vec<_> = std::fs::read_dir(folder.join("shared")).unwrap().collect();
    assert_eq!(shared.len(), 1, "one layer for all tags: {shared:?}");
}

/// Two tags over eight tokens of half a second, 3.8 s long: the last token begins within the song and ends behind it.
fn explanation(values: [[f32; 8]; 2]) -> SongExplanation {
    let grid = Grid {
        samples_per_token: 50.0,
        first_centre_samples: 25.0,
        receptive_field_samples: 100.0,
        n_tokens: 8,
        sample_rate_hz: 100,
    };
    let method = Method::Contribution;
    SongExplanation {
        tags: vec!["quiet".into(), "R&B <\"live\">".into()],
        grid,
        duration_secs: 3.8,
        over_time: TagTimeline {
            centres_secs: vec![1.0, 3.0],
            window_secs: 2.0,
            n_tags: 2,
            probabilities: vec![0.1, 0.2, 0.3, 0.6],
            whole_song: vec![0.2, 0.4],
        },
        self_attention: Vec::new(),
        maps: vec![TokenMap::new(method, grid, vec![0, 1], values.concat())],
        completeness_error: None,
    }
}

const SOURCE: Source<'_> = Source {
    song: "made up",
    model: "none",
    fingerprint: "0",
};

#[test]
fn stretches_are_where_the_evidence_is_a_fifth_of_its_largest() {
    let against = [-1.0; 8];
    let evidence = [0.0, 0.5, 1.0, 0.1, -3.0, 0.2, 0.19, 0.9];
    let mut text = Vec::new();
    let found = explanation([against, evidence]);
    write_jams(&found, &SOURCE, Method::Contribution, &[0, 1], &mut text).unwrap();
    let jams: Value = serde_json::from_slice(&text).unwrap();
    check_jams(&jams);
    let annotations = jams["annotations"].as_array().unwrap();
    assert_eq!(
        annotations[0]["data"],
        serde_json::json!([]),
        "nothing speaks for it"
    );
    let stretches = annotations[2]["data"].as_array().unwrap();
    let found: Vec<[f64; 3]> = stretches
        .iter()
        .map(|stretch| {
            assert_eq!(stretch["value"], "R&B <\"live\">");
            ["time", "duration", "confidence"].map(|key| stretch[key].as_f64().unwrap())
        })
        .collect();
    // Between 1 s and 3 s the probability goes from 0.2 to 0.6; before and behind it is held.
    let expected = [[0.5, 1.0, 0.2], [2.5, 0.5, 0.55], [3.5, 0.3, 0.6]];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }
    assert_eq!(annotations[3]["data"].as_array().unwrap().len(), 8);
}

#[test]
fn names_of_tags_are_texts_in_every_format() {
    let found = explanation([[0.0; 8], [0.25; 8]]);
    let mut svl = Vec::new();
    write_svl(&found, Method::Contribution, 1, 44_100, &mut svl).unwrap();
    let svl = String::from_utf8(svl).unwrap();
    assert!(
        svl.contains("name=\"R&amp;B &lt;&quot;live&quot;&gt;: contribution\""),
        "{svl}"
    );
    let points = points_of(&svl);
    assert_eq!(points[0], (11_025, 0.25));
    assert_eq!(points[7], (165_375, 0.25));
    let mut json = Vec::new();
    write_json(&found, &SOURCE, &[1], &mut json).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["tags"][0]["tag"], "R&B <\"live\">");
    assert_eq!(
        numbers(&json["tags"][0]["values"]["contribution"]),
        [0.25; 8]
    );
    assert_eq!(json["methods"][0]["grid"]["step_s"], 0.5);
    // A tag that there is not is left out everywhere.
    let mut none = Vec::new();
    write_json(&found, &SOURCE, &[9], &mut none).unwrap();
    let none: Value = serde_json::from_slice(&none).unwrap();
    assert_eq!(none["tags"], serde_json::json!([]));
}

/// The sounds are of the recording, at its rate; what the model says of them stands in the terminal.
#[test]
fn evidence_is_written_as_sound_and_the_model_asked_about_it() {
    let folder = tempfile::tempdir().unwrap();
    write_song(folder.path());
    let arguments = [
        "explain", "demo", "song.wav", "--tag", "bass", "--tag", "organ",
    ];
    let more = [
        "--method",
        "only-token",
        "--sounds",
        "--moments",
        "2",
        "--format",
        "csv",
        "--out",
        "out",
    ];
    let output = attune::output(folder.path(), &[&arguments[..], &more[..]].concat());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let table = read_table(&folder.path().join("out/song.csv"));
    for (tag, rows) in &table {
        let file = |what: &str| folder.path().join(format!("out/song.{tag}.{what}.wav"));
        if rows.iter().all(|row| row[2] <= 0.0) {
            assert!(
                said.contains(&format!("nothing in the song speaks for {tag}")),
                "{said}"
            );
            assert!(!file("evidence").exists());
            continue;
        }
        assert!(
            said.contains(&format!("{tag}: ")) && said.contains("without it"),
            "{said}"
        );
        let read = |what: &str| decode(&file(what), &Job::quiet()).unwrap().clip;
        let (song, without) = (
            decode(&folder.path().join("song.wav"), &Job::quiet())
                .unwrap()
                .clip,
            read("without"),
        );
        assert_eq!(
            (without.rate_hz, without.n_frames()),
            (FILE_RATE_HZ, song.n_frames())
        );
        // What is silent is what the other one keeps.
        let evidence = read("evidence");
        let silent = without
            .samples
            .iter()
            .zip(song.samples.iter())
            .filter(|(now, was)| **now == 0.0 && **was != 0.0)
            .count();
        assert!(silent > 0 && silent < song.n_frames() / 3, "{silent}");
        for ((without, evidence), song) in without
            .samples
            .iter()
            .zip(evidence.samples.iter())
            .zip(song.samples.iter())
        {
            let is_kept = *without != 0.0 || *song == 0.0 || (evidence - song).abs() < 1e-6;
            assert!(is_kept, "silent where it is not kept");
        }
    }
    assert!(
        table.values().flatten().any(|row| row[2] > 0.0),
        "nothing was tested"
    );
}

/// What belongs to measurements is refused beside a song instead of being passed over.
#[test]
fn options_of_measurements_are_refused_beside_a_song() {
    let folder = tempfile::tempdir().unwrap();
    for option in [
        &["--json"][..],
        &["--pairs", "3"],
        &["--split", "valid"],
        &["--seed", "2"],
    ] {
        let arguments = ["explain", "demo", "song.wav", "--out", "out"];
        let output = attune::output(folder.path(), &[&arguments[..], option].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{option:?}: {said}");
        assert!(said.contains(option[0]), "{said}");
    }
}
