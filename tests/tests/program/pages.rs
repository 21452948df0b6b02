//! Reports as web pages: one file with everything in it, which says what the runs say, and which a real browser draws.

use crate::lab::{Lab, succeed};
use attune_core::audio;
use attune_core::job::Job;
use attune_core::run::{History, Ruler, Scalar, XAxis};
use attune_tests::browser;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A name that would break a careless page.
const EVIL: &str = "</script><img src=x onerror=alert(1)> & \"quoted\"";

fn train(lab: &Lab, workspace: &str, more: &[&str]) -> String {
    let options = [&["--epochs", "3"], more].concat();
    let summary = succeed(lab.train(workspace, &options));
    summary["id"].as_str().unwrap().to_owned()
}

/// Runs a command that prints no JSON.
fn do_it(lab: &Lab, arguments: &[&str]) {
    let output = lab.attune("w", arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
}

fn page_of(lab: &Lab, runs: &[&str]) -> (PathBuf, String) {
    let path = lab.folder.path().join("page.html");
    let out = path.to_str().unwrap();
    let arguments = [
        &["report"],
        runs,
        &["--out", out, "--clips", "4", "--clip-seconds", "1"],
    ];
    do_it(lab, &arguments.concat());
    let html = std::fs::read_to_string(&path).unwrap();
    (path, html)
}

fn data_of(html: &str) -> Value {
    let json = html.split(r#"id="data">"#).nth(1).unwrap();
    serde_json::from_str(json.split("</script>").next().unwrap()).unwrap()
}

/// Nothing in it leads out of it.
fn assert_self_contained(html: &str) {
    for outside in [
        "http://",
        "https://",
        "src=\"",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "<link",
        "<iframe",
        "import(",
    ] {
        assert!(!html.contains(outside), "{outside} stands in the page");
    }
    assert!(
        html.contains("default-src 'none'"),
        "its policy forbids to load anything"
    );
    for name in [
        "html", "head", "body", "main", "style", "script", "nav", "header",
    ] {
        let opened =
            html.matches(&format!("<{name}>")).count() + html.matches(&format!("<{name} ")).count();
        assert_eq!(
            opened,
            html.matches(&format!("</{name}>")).count(),
            "{name}"
        );
    }
}

fn decoded(base64: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut n_bits) = (0u32, 0);
    for letter in base64.bytes().filter(|letter| *letter != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|a| *a == letter).unwrap() as u32;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    bytes
}

fn curve<'a>(run: &'a Value, chart: &str, name: &str) -> &'a Value {
    let curves = run["curves"].as_array().unwrap();
    let found = curves
        .iter()
        .find(|c| c["chart"] == chart && c["name"] == name);
    found.unwrap_or_else(|| panic!("no curve {name} in {chart}"))
}

fn points(curve: &Value) -> Vec<Vec<f64>> {
    let points = curve["points"].as_array().unwrap().iter();
    points
        .map(|point| {
            point
                .as_array()
                .unwrap()
                .iter()
                .map(|x| x.as_f64().unwrap())
                .collect()
        })
        .collect()
}

fn assert_says_what_the_run_says(run: &Value, folder: &Path) {
    let history = History::open(folder).unwrap();
    let loss = curve(run, "Loss", "training");
    let series = history.series(Scalar::Loss);
    assert_eq!(loss["n_values"], series.len());
    let reduced = points(loss);
    let values = series.values();
    let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let of_page = reduced
        .iter()
        .map(|point| point[1] as f32)
        .fold(f32::INFINITY, f32::min);
    assert_eq!(of_page, lowest);
    let validated: Vec<(f64, f32)> = history
        .validations()
        .iter()
        .map(|v| (v.step as f64, v.scores.roc_auc_macro.unwrap() as f32))
        .collect();
    let of_page = points(curve(run, "ROC-AUC", "validation"));
    let of_page: Vec<(f64, f32)> = of_page.iter().map(|p| (p[0], p[2] as f32)).collect();
    assert_eq!(of_page, validated);
    let (_, scores) = history.evaluated().unwrap();
    let test = &run["scores"][0];
    assert_eq!(test["name"], "test");
    assert_eq!(test["roc_auc_macro"].as_f64(), scores.roc_auc_macro);
    for (at, score) in scores.average_precision_per_tag.iter().enumerate() {
        assert_eq!(test["average_precision_per_tag"][at].as_f64(), *score);
    }
    let configuration = std::fs::read_to_string(folder.join("run.toml")).unwrap();
    assert_eq!(run["configuration"], configuration);
    for axis in [XAxis::WallTime, XAxis::Clips] {
        let ruler = Ruler::of(&history, axis);
        let places = run["rulers"][axis.name()].as_array().unwrap();
        let last = places.last().unwrap();
        assert_eq!(last[0].as_f64(), Some(history.last_step() as f64));
        for place in places {
            let at = |idx: usize| place[idx].as_f64().unwrap();
            assert!((at(1) - ruler.x(at(0))).abs() < 1e-6, "{axis}: {place}");
        }
        assert!(last[1].as_f64() > places[0][1].as_f64(), "{axis} goes on");
    }
}

#[test]
fn a_report_is_one_file_that_says_what_the_run_says() {
    let lab = Lab::new();
    let id = train(&lab, "w", &[]);
    do_it(&lab, &["runs", "title", &id, EVIL]);
    do_it(
        &lab,
        &["runs", "note", &id, "it <b>jumps</b> here", "--step", "5"],
    );
    let (_, html) = page_of(&lab, &[&id]);
    assert_self_contained(&html);
    let data = data_of(&html);
    assert_eq!(data["title"], EVIL, "names are kept as they are");
    let run = &data["runs"][0];
    assert_says_what_the_run_says(run, &lab.run_folder("w").unwrap());
    assert_eq!(run["pins"][0]["text"], "it <b>jumps</b> here");

    let clips = data["examples"]["found"]["clips"].as_array().unwrap();
    assert_eq!(clips.len(), 4);
    for clip in clips {
        let mp3 = lab.folder.path().join("excerpt.mp3");
        std::fs::write(&mp3, decoded(clip["audio"]["found"].as_str().unwrap())).unwrap();
        let heard = audio::decode(&mp3, &Job::quiet()).unwrap().clip;
        let (secs, said) = (heard.duration_secs(), clip["secs"].as_f64().unwrap());
        assert!(
            (said - 1.0).abs() < 1e-6 && (secs - said).abs() < 0.3,
            "{secs} s"
        );
        let loudest = heard
            .to_mono()
            .iter()
            .fold(0f32, |most, x| most.max(x.abs()));
        assert!(loudest > 0.01, "there is something to hear");
        let top = clip["answers"][0]["top"].as_array().unwrap();
        let probabilities: Vec<f64> = top.iter().map(|t| t[1].as_f64().unwrap()).collect();
        assert!(
            probabilities.is_sorted_by(|a, b| a >= b),
            "{probabilities:?}"
        );
    }
    // Answers that are damaged are not answers that are absent.
    let answers = lab.run_folder("w").unwrap().join("scores/test.safetensors");
    let whole = std::fs::read(&answers).unwrap();
    let fact = |html: &str| -> Option<String> {
        let facts = data_of(html)["runs"][0]["facts"].clone();
        let facts = facts.as_array().unwrap().iter();
        let mut facts = facts.filter(|fact| fact[0] == "Answers to the test split");
        facts
            .next()
            .map(|fact| fact[1].as_str().unwrap().to_owned())
    };
    assert_eq!(fact(&html), None);
    std::fs::write(&answers, &whole[..whole.len() / 2]).unwrap();
    let (_, damaged) = page_of(&lab, &[&id]);
    let told = fact(&damaged).unwrap();
    assert!(
        told.contains("cannot be read") && told.contains("test.safetensors"),
        "{told}"
    );
    std::fs::write(&answers, whole).unwrap();
    // The data set is taken away: the page says so.
    std::fs::rename(
        lab.folder.path().join("data"),
        lab.folder.path().join("gone"),
    )
    .unwrap();
    let (_, html) = page_of(&lab, &[&id]);
    let found = &data_of(&html)["examples"]["found"];
    assert!(
        found["note"].as_str().unwrap().contains("no longer at"),
        "{found}"
    );
    assert!(found["clips"][0]["audio"]["missing"].is_string());
}

#[test]
fn a_comparison_tells_settings_and_differences_and_a_browser_draws_it() {
    let lab = Lab::new();
    let first = train(&lab, "w", &["--name", "first"]);
    let second = train(&lab, "w", &["--name", "second", "--learning-rate", "0.003"]);
    do_it(&lab, &["runs", "title", &second, EVIL]);
    let (path, html) = page_of(&lab, &[&first, &second]);
    assert_self_contained(&html);
    let data = data_of(&html);
    let differing: Vec<&str> = data["differing"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(differing.contains(&"learning_rate"), "{differing:?}");
    let difference = &data["differences"]["found"][0];
    let score = |run: usize| {
        data["runs"][run]["scores"][0]["roc_auc_macro"]
            .as_f64()
            .unwrap()
    };
    let told = difference["means"][0]["value"].as_f64().unwrap();
    // Answers are kept in single precision.
    assert!((told - (score(1) - score(0))).abs() < 1e-6, "{told}");
    for run in 0..2 {
        let answers = data["examples"]["found"]["clips"][0]["answers"]
            .as_array()
            .unwrap();
        assert_eq!(answers[run]["run"], run);
    }

    let Some(chromium) = browser::chromium() else {
        return;
    };
    let picture =
        std::env::var("ATTUNE_FIGURES").map(|folder| format!("--screenshot={folder}/report.png"));
    let more: Vec<&str> = picture.iter().map(String::as_str).collect();
    let seen = browser::open(&chromium, &path, &more);
    assert_eq!(seen.console, [""; 0], "no errors");
    assert_eq!(seen.values("data-error"), [""; 0]);
    assert_eq!(seen.values("data-ready"), ["yes"]);
    let n_charts: usize = seen.values("data-charts")[0].parse().unwrap();
    let drawn = seen.values("data-points");
    assert!(
        n_charts >= 5 && drawn.len() == n_charts,
        "{n_charts}: {drawn:?}"
    );
    for points in drawn {
        assert!(
            points.parse::<usize>().unwrap() > 0,
            "a chart without a point"
        );
    }
    assert_eq!(seen.values("data-failed"), [""; 0]);
    let seconds = seen.values("data-seconds");
    assert_eq!(
        seconds.len(),
        4,
        "every excerpt is one that the browser can play"
    );
    for secs in seconds {
        assert!((secs.parse::<f64>().unwrap() - 1.0).abs() < 0.3, "{secs} s");
    }
    assert!(!seen.dom.contains("<img"), "a title became markup");
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_read() {
    let lab = Lab::new();
    for (arguments, code, why) in [
        (["report", "nobody", "--out", "x.html"], 3, "nobody"),
        (["report", "nobody", "--out", "x.pdf"], 2, ".html"),
    ] {
        let output = lab.attune("w", &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(why), "{errors}");
    }
}
