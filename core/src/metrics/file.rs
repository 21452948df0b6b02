//! Scores and labels from a safetensors file, for `attune metrics`. What is wrong with the file is said, never guessed.

use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};

/// Scores and true labels of clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Row-major `[clips, n_tags]`; no NaN.
    pub scores: Vec<f64>,
    /// Row-major `[clips, n_tags]`.
    pub labels: Vec<bool>,
    /// How many tags.
    pub n_tags: usize,
}

/// Why a file of scores cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no safetensors file.
    #[error("not a safetensors file: {}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing.
    #[error("no tensor {name:?} (the file has {found:?}): {}", path.display())]
    Missing {
        /// The tensor.
        name: &'static str,
        /// The tensors that are there.
        found: Vec<String>,
        /// The file.
        path: PathBuf,
    },
    /// A tensor has a type that scores or labels cannot have.
    #[error("{name:?} is {found}, expected {expected}: {}", path.display())]
    Type {
        /// The tensor.
        name: &'static str,
        /// Its type.
        found: String,
        /// The types it may have.
        expected: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Scores and labels are not two tables of one shape.
    #[error("scores have shape {scores:?}, labels {labels:?}; expected (clips, tags) for both: {}", path.display())]
    Shape {
        /// Shape of the scores.
        scores: Vec<usize>,
        /// Shape of the labels.
        labels: Vec<usize>,
        /// The file.
        path: PathBuf,
    },
    /// A score is not a number.
    #[error("the score of clip {clip}, tag {tag} is not a number: {}", path.display())]
    NotANumber {
        /// Row, from 0.
        clip: usize,
        /// Column, from 0.
        tag: usize,
        /// The file.
        path: PathBuf,
    },
    /// A label is neither 0 nor 1.
    #[error("the label of clip {clip}, tag {tag} is {found}, expected 0 or 1: {}", path.display())]
    Label {
        /// Row, from 0.
        clip: usize,
        /// Column, from 0.
        tag: usize,
        /// What stands there.
        found: f64,
        /// The file.
        path: PathBuf,
    },
}

/// Reads the tensors `scores` (F32 or F64) and `labels` (U8 or F32, 0 or 1), both (clips, tags).
pub fn read(path: &Path) -> Result<Labelled, Error> {
    let owned = || path.to_owned();
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: owned(),
        source,
    })?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|source| Error::Format {
        path: owned(),
        source,
    })?;
    let tensor = |name: &'static str| {
        tensors.tensor(name).map_err(|_missing| {
            let mut found: Vec<String> = tensors.names().iter().map(ToString::to_string).collect();
            found.sort();
            Error::Missing {
                name,
                found,
                path: owned(),
            }
        })
    };
    let wrong_type = |name, found: Dtype, expected| Error::Type {
        name,
        found: format!("{found:?}"),
        expected,
        path: owned(),
    };
    let (scores, labels) = (tensor("scores")?, tensor("labels")?);
    let score_values: Vec<f64> = match scores.dtype() {
        Dtype::F32 => values(scores.data(), |four| f64::from(f32::from_le_bytes(four))),
        Dtype::F64 => values(scores.data(), f64::from_le_bytes),
        other => return Err(wrong_type("scores", other, "F32 or F64")),
    };
    let label_values: Vec<f64> = match labels.dtype() {
        Dtype::U8 => values(labels.data(), |[byte]: [u8; 1]| f64::from(byte)),
        Dtype::F32 => values(labels.data(), |four| f64::from(f32::from_le_bytes(four))),
        other => return Err(wrong_type("labels", other, "U8 or F32")),
    };
    let n_tags = match (scores.shape(), labels.shape()) {
        (&[clips, tags], &[label_clips, label_tags])
            if clips == label_clips && tags == label_tags && tags > 0 =>
        {
            tags
        }
        (scores, labels) => {
            return Err(Error::Shape {
                scores: scores.to_vec(),
                labels: labels.to_vec(),
                path: owned(),
            });
        }
    };
    if let Some(at) = score_values.iter().position(|score| score.is_nan()) {
        return Err(Error::NotANumber {
            clip: at / n_tags,
            tag: at % n_tags,
            path: owned(),
        });
    }
    if let Some(at) = label_values
        .iter()
        .position(|&label| label != 0.0 && label != 1.0)
    {
        return Err(Error::Label {
            clip: at / n_tags,
            tag: at % n_tags,
            found: label_values[at],
            path: owned(),
        });
    }
    Ok(Labelled {
        scores: score_values,
        labels: label_values.into_iter().map(|label| label == 1.0).collect(),
        n_tags,
    })
}

fn values<const WIDTH: usize>(bytes: &[u8], from: impl Fn([u8; WIDTH]) -> f64) -> Vec<f64> {
    let (values, _) = bytes.as_chunks::<WIDTH>();
    values.iter().map(|&value| from(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn f32s(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// Reads a file of these tensors (name, type, shape, bytes); an error as it is shown, without the path.
    fn check(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Result<Labelled, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.safetensors");
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (
                *name,
                TensorView::new(*dtype, shape.to_vec(), bytes).unwrap(),
            )
        });
        std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        read(&path).map_err(|error| {
            let shown = error.to_string();
            shown.replace(&format!(": {}", path.display()), "")
        })
    }

    #[test]
    fn every_allowed_type_reads_the_same() {
        let expected = Labelled {
            scores: vec![0.5, 0.25],
            labels: vec![true, false],
            n_tags: 2,
        };
        let doubles: Vec<u8> = [0.5f64, 0.25]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        for scores in [(Dtype::F32, f32s(&[0.5, 0.25])), (Dtype::F64, doubles)] {
            for labels in [(Dtype::U8, vec![1, 0]), (Dtype::F32, f32s(&[1.0, 0.0]))] {
                let read = check(&[
                    ("scores", scores.0, &[1, 2], scores.1.clone()),
                    ("labels", labels.0, &[1, 2], labels.1),
                ]);
                assert_eq!(read.as_ref(), Ok(&expected));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let scores = || ("scores", Dtype::F32, &[1, 2][..], f32s(&[0.5, 0.25]));
        let error = |tensors: &[(&str, Dtype, &[usize], Vec<u8>)]| check(tensors).unwrap_err();
        assert_eq!(
            error(&[scores()]),
            r#"no tensor "labels" (the file has ["scores"])"#
        );
        assert_eq!(
            error(&[scores(), ("labels", Dtype::U8, &[2, 1], vec![0, 1])]),
            "scores have shape [1, 2], labels [2, 1]; expected (clips, tags) for both"
        );
        assert_eq!(
            error(&[scores(), ("labels", Dtype::U8, &[1, 2], vec![0, 2])]),
            "the label of clip 0, tag 1 is 2, expected 0 or 1"
        );
        assert_eq!(
            error(&[scores(), ("labels", Dtype::F16, &[1, 2], vec![0; 4])]),
            r#""labels" is F16, expected U8 or F32"#
        );
        assert_eq!(
            error(&[
                ("scores", Dtype::F32, &[2, 1], f32s(&[0.5, f32::NAN])),
                ("labels", Dtype::U8, &[2, 1], vec![0, 1])
            ]),
            "the score of clip 1, tag 0 is not a number"
        );
    }
}
