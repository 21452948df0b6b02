//! A data set that was changed after a run had begun is told of, before the run goes on and where it is compared.

use crate::lab::{Lab, succeed};

#[test]
fn a_run_whose_data_has_changed_says_what_and_so_does_a_list_of_runs() {
    let lab = Lab::new();
    let first = succeed(lab.train("w", &["--epochs", "1", "--name", "first"]));
    let id = first["id"].as_str().unwrap();
    let printed = |arguments: &[&str]| {
        let output = lab.attune("w", arguments).output().unwrap();
        let (out, err) = (output.stdout, output.stderr);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success());
        (text(out), text(err))
    };
    assert!(!printed(&["runs", "show", id]).0.contains("changed"));

    let labels = lab.folder.path().join("data/labels.csv");
    let text = std::fs::read_to_string(&labels).unwrap();
    std::fs::write(&labels, text.replacen("x000,low", "x000,high", 1)).unwrap();
    let (shown, _) = printed(&["runs", "show", id]);
    assert!(
        shown.contains("the data set data has changed since the run began: tracks have other tags; if it goes on"),
        "{shown}"
    );
    let mut resume = lab.attune("w", &["train", "--resume", id, "--epochs", "2", "--json"]);
    let output = resume.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("tracks have other tags"), "{stderr}");

    succeed(lab.train("w", &["--epochs", "1", "--name", "second"]));
    let (table, note) = printed(&["runs", "list", "--differing"]);
    assert!(
        note.contains("not trained on the same data") && note.contains("data in another state"),
        "{note}"
    );
    assert!(table.contains("data_fingerprint"), "{table}");

    std::fs::rename(lab.folder.path().join("data"), lab.folder.path().join("x")).unwrap();
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));
    assert_eq!(shown["data_changes"][0]["differences"][0]["what"], "gone");
}
