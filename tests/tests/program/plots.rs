//! Curves of runs from the command line, in every format.

use crate::lab::{Lab, succeed};
use attune_core::run::{History, Scalar};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

#[test]
fn curves_of_runs_are_written_in_every_format_at_the_size_asked_for() {
    let lab = Lab::new();
    let summary = succeed(lab.train("w", &["--epochs", "2"]));
    let id = summary["id"].as_str().unwrap();
    let at = |name: &str| lab.folder.path().join(name);
    let plot = |name: &str, more: &[&str]| {
        let out = at(name);
        let mut command = lab.attune("w", &["runs", "plot", id, "--out"]);
        command.arg(&out).args(more).output().unwrap()
    };
    let column = ["--size", "single-column", "--font-pt", "6"];
    for (name, start) in [
        ("a.svg", &b"<svg"[..]),
        ("a.png", b"\x89PNG"),
        ("a.pdf", b"%PDF"),
        ("a.tex", b"% pdflatex"),
        ("a.csv", b"panel,layer"),
    ] {
        let output = plot(name, &column);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let bytes = std::fs::read(at(name)).unwrap();
        assert!(bytes.starts_with(start), "{name}");
    }
    let svg = std::fs::read_to_string(at("a.svg")).unwrap();
    assert!(
        svg.contains(r#"width="240.94pt""#),
        "85 mm: {}",
        &svg[..200]
    );

    // The numbers are the run's.
    let run = lab.run_folder("w").unwrap();
    let history = History::open(&run).unwrap();
    let losses = history.series(Scalar::Loss).values();
    let table = std::fs::read_to_string(at("a.csv")).unwrap();
    let training: Vec<f32> = table
        .lines()
        .filter(|line| line.contains(",training,line,"))
        .map(|line| line.split(',').nth(5).unwrap().parse().unwrap())
        .collect();
    assert_eq!(training, losses);

    // Smoothing keeps the raw values, and a range cuts them.
    let options = [
        "--smoothing",
        "0.9",
        "--range",
        "1",
        "3",
        "--measure",
        "loss",
    ];
    assert!(plot("b.csv", &options).status.success());
    let table = std::fs::read_to_string(at("b.csv")).unwrap();
    let raw: Vec<&str> = table
        .lines()
        .filter(|line| line.contains(",raw line,"))
        .collect();
    assert_eq!(raw.len(), 3, "{table}");

    let output = plot("c.jpg", &[]);
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains(".svg, .png, .pdf, .tex or .csv"), "{why}");
    let output = plot("c.pdf", &["--measure", "beauty"]);
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains("gradient-norm"), "{why}");
}

#[test]
fn runs_put_together_are_drawn_as_their_mean_on_a_logarithmic_axis() {
    let lab = Lab::new();
    let ids = ["1e-3", "2e-3"].map(|rate| {
        let summary = succeed(lab.train("w", &["--epochs", "2", "--learning-rate", rate]));
        summary["id"].as_str().unwrap().to_owned()
    });
    let out = lab.folder.path().join("means.csv");
    let plot = |more: &[&str]| {
        let mut command = lab.attune("w", &["runs", "plot", "--out"]);
        command.arg(&out).args(&ids).args(more).output().unwrap()
    };
    let output = plot(&["--measure", "loss", "--log-x", "--group-but", "lr"]);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}");
    let table = std::fs::read_to_string(&out).unwrap();
    let rows = |kind: &str| -> Vec<Vec<f64>> {
        let wanted = table.lines().filter(|line| line.contains(kind));
        let numbers = wanted.map(|line| line.split(',').filter_map(|cell| cell.parse().ok()));
        numbers.map(Iterator::collect).collect()
    };
    let means = rows("training,line,");
    let losses = |id: &String| {
        let run = lab.folder.path().join("w/runs").join(id);
        History::open(&run).unwrap().series(Scalar::Loss).values()
    };
    let [one, other] = [&ids[0], &ids[1]].map(losses);
    assert_eq!(means.len(), one.len());
    for ((mean, one), other) in means.iter().zip(&one).zip(&other) {
        let wanted = f64::midpoint(f64::from(*one), f64::from(*other));
        assert!((mean[1] - wanted).abs() < 1e-5, "{mean:?} is not {wanted}");
    }
    assert!(!rows(",band,").is_empty(), "their spread");

    let output = plot(&["--log-x", "--range", "0", "10"]);
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains("begins above 0"), "{why}");
}

/// One page by pdflatex, or what it says against the file.
fn assert_latex_reads(file: &Path) {
    let mut latex = Command::new("pdflatex");
    latex
        .args(["-interaction=nonstopmode", "-halt-on-error"])
        .arg(file.file_name().unwrap())
        .current_dir(file.parent().unwrap());
    let output = latex.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}", file.display());
    assert!(said.contains("(1 page"), "{}: {said}", file.display());
}

#[test]
fn latex_sets_the_curves_of_runs_and_of_tags_on_one_page() {
    let has_pgfplots = Command::new("kpsewhich")
        .arg("pgfplots.sty")
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_pgfplots {
        let text = "SKIPPED: there is no pgfplots, so that LaTeX set no figure\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    }
    let lab = Lab::new();
    let summary = succeed(lab.train("w", &["--epochs", "2"]));
    let id = summary["id"].as_str().unwrap();
    for what in ["plot", "curves"] {
        let out = lab.folder.path().join(what).with_extension("tex");
        let mut command = lab.attune("w", &["runs", what, id, "--out"]);
        let output = command.arg(&out).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_latex_reads(&out);
    }
}
