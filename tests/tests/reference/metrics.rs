//! Scores equal scikit-learn's (`golden/metrics.json` says which version and how undefined values are told), from the library
//! and from the command line.

use attune_core::metrics::{self, Scores};
use attune_tests::golden;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::path::Path;
use std::process::{Command, Output};

/// The aim is 1e-9. Counting in integers leaves the rounding of the reference itself.
const TOLERANCE: f64 = 1e-12;

struct Golden(Vec<u8>);

impl Golden {
    fn read() -> Self {
        Self(std::fs::read(golden("metrics.safetensors")).unwrap())
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    fn cases(&self) -> Vec<String> {
        let mut cases: Vec<String> = self
            .tensors()
            .names()
            .into_iter()
            .filter_map(|name| name.strip_suffix(".labels").map(str::to_owned))
            .collect();
        cases.sort();
        assert_eq!(cases.len(), 8, "{cases:?}");
        cases
    }

    fn f64s(&self, name: &str) -> Vec<f64> {
        let tensors = self.tensors();
        let (values, _) = tensors.tensor(name).unwrap().data().as_chunks::<8>();
        values
            .iter()
            .map(|&value| f64::from_le_bytes(value))
            .collect()
    }

    fn scores(&self, case: &str) -> (Vec<f32>, usize) {
        let tensors = self.tensors();
        let tensor = tensors.tensor(&format!("{case}.scores")).unwrap();
        let (values, _) = tensor.data().as_chunks::<4>();
        let values = values.iter().map(|&value| f32::from_le_bytes(value));
        (values.collect(), tensor.shape()[1])
    }

    fn labels(&self, case: &str) -> Vec<bool> {
        let tensors = self.tensors();
        let labels = tensors.tensor(&format!("{case}.labels")).unwrap().data();
        labels.iter().map(|&label| label == 1).collect()
    }

    fn check(&self, case: &str, scores: &Scores) {
        let equal = |key: &str, found: &[Option<f64>]| {
            let expected = self.f64s(&format!("{case}.{key}"));
            assert_eq!(expected.len(), found.len(), "{case}.{key}");
            for (tag_idx, (expected, found)) in expected.iter().zip(found).enumerate() {
                match found {
                    None => assert!(expected.is_nan(), "{case}.{key}[{tag_idx}] is {expected}"),
                    Some(found) => assert!(
                        (expected - found).abs() <= TOLERANCE,
                        "{case}.{key}[{tag_idx}] is {expected}, found {found}"
                    ),
                }
            }
        };
        equal("roc_auc_per_tag", &scores.roc_auc_per_tag);
        equal(
            "average_precision_per_tag",
            &scores.average_precision_per_tag,
        );
        equal("roc_auc_macro", &[scores.roc_auc_macro]);
        equal("average_precision_macro", &[scores.average_precision_macro]);
    }
}

#[test]
fn scores_equal_scikit_learn() {
    let golden = Golden::read();
    for case in golden.cases() {
        let ((scores, n_tags), labels) = (golden.scores(&case), golden.labels(&case));
        golden.check(&case, &metrics::score(&scores, &labels, n_tags));
        let doubles: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
        golden.check(&case, &metrics::score_f64(&doubles, &labels, n_tags));
    }
}

#[test]
fn running_scores_over_all_clips_equal_scikit_learn() {
    let golden = Golden::read();
    for case in golden.cases() {
        let ((scores, n_tags), labels) = (golden.scores(&case), golden.labels(&case));
        let mut running = metrics::RunningScores::new(n_tags, scores.len() / n_tags);
        running.push(&scores, &labels);
        golden.check(&case, &running.scores());
    }
}

#[test]
fn curves_equal_scikit_learn() {
    let golden = Golden::read();
    let (scores, n_tags) = golden.scores("ties");
    let column = |values: Vec<f64>| -> Vec<f64> { values.into_iter().step_by(n_tags).collect() };
    let scores = column(scores.into_iter().map(f64::from).collect());
    let labels: Vec<bool> = golden.labels("ties").into_iter().step_by(n_tags).collect();
    let roc = metrics::roc_curve(&scores, &labels).unwrap();
    let precision_recall = metrics::precision_recall_curve(&scores, &labels).unwrap();
    for (name, found) in [
        ("fpr", roc.false_positive_rate),
        ("tpr", roc.true_positive_rate),
        ("precision", precision_recall.precision),
        ("recall", precision_recall.recall),
    ] {
        let expected = golden.f64s(&format!("curve_tag0_of_ties.{name}"));
        assert_eq!(expected.len(), found.len(), "{name}");
        for (expected, found) in expected.iter().zip(&found) {
            assert!(
                (expected - found).abs() <= TOLERANCE,
                "{name}: {expected}, found {found}"
            );
        }
    }
}

fn attune_metrics(file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune-under-test"));
    command
        .arg("metrics")
        .arg(file)
        .arg("--json")
        .output()
        .unwrap()
}

#[test]
fn the_command_line_prints_the_same_scores_with_all_digits() {
    let golden = Golden::read();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scores.safetensors");
    for case in golden.cases() {
        let tensors = golden.tensors();
        let tensors = ["scores", "labels"]
            .map(|name| (name, tensors.tensor(&format!("{case}.{name}")).unwrap()));
        std::fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();
        let output = attune_metrics(&file);
        assert!(output.status.success(), "{output:?}");
        let scores: Scores = serde_json::from_slice(&output.stdout).unwrap();
        golden.check(&case, &scores);
    }
}

#[test]
fn a_file_that_cannot_be_scored_ends_with_code_3_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scores.safetensors");
    let check = |why: &str| {
        let output = attune_metrics(&file);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(output.stdout.is_empty());
        assert!(said.contains(why), "{said}");
    };
    check("No such file");
    std::fs::write(&file, "no tensors").unwrap();
    check("not a safetensors file");
    let bytes = [0u8; 16];
    let view = |dtype, shape: &[usize], n: usize| {
        TensorView::new(dtype, shape.to_vec(), &bytes[..n]).unwrap()
    };
    let write = |tensors: Vec<(&str, TensorView<'_>)>| {
        std::fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();
    };
    write(vec![("scores", view(Dtype::F32, &[2, 2], 16))]);
    check("no tensor \"labels\"");
    write(vec![
        ("scores", view(Dtype::F32, &[2, 2], 16)),
        ("labels", view(Dtype::U8, &[4], 4)),
    ]);
    check("expected (clips, tags)");
}
