//! Curves of runs from the command line, in every format.

use crate::lab::{Lab, succeed};
use attune_core::run::{History, Scalar};

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
