//! A run as tables for any program: its steps, its validations, its tags.

use super::rows::rows;
use crate::run::report::{self, TestScores};
use crate::run::{Error, History, Scalar};
use crate::workspace::write_whole;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes `steps.csv`, `validations.csv` and `tags.csv` (scores of the split that was evaluated last, or of the best validation) into
/// `folder`, made if need be, and says which files these are. A field is empty where nothing was measured.
pub fn write_csv(history: &History, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut texts = vec![
        ("steps.csv", steps(history)?),
        ("validations.csv", report::validations_csv(history)),
    ];
    let best = || history.best().map(|best| &*best.scores);
    if let Some(scores) = history.evaluated().map(|(_, scores)| scores).or_else(best) {
        let by_tag = TestScores {
            tags: history.tags().to_vec(),
            scores: scores.clone(),
        };
        texts.push(("tags.csv", report::tag_csv(&by_tag)));
    }
    let mut files = Vec::new();
    for (name, text) in texts {
        let path = folder.join(name);
        write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(Error::io(&path))?;
        files.push(path);
    }
    Ok(files)
}

/// One line per training step.
fn steps(history: &History) -> Result<String, Error> {
    let mut text = "step,epoch,at_unix_ms".to_owned();
    for scalar in Scalar::ALL {
        text.push(',');
        text.push_str(scalar.name());
    }
    text.push('\n');
    for row in rows(history)? {
        let scalars = row.scalars;
        let (step, epoch) = (scalars.step, scalars.epoch);
        text += &format!("{step},{epoch},{}", row.at_unix_ms);
        for scalar in Scalar::ALL {
            text.push(',');
            if let Some(value) = scalars.get(scalar) {
                text += &value.to_string();
            }
        }
        text.push('\n');
    }
    Ok(text)
}
