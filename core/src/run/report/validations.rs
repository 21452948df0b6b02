//! The validations of a run as a table for other programs.

use crate::run::History;

/// One line per validation that counts; a field is empty where a score was not measured or is not defined.
pub(in crate::run) fn csv(history: &History) -> String {
    let mut text = "step,epoch,loss,roc_auc_macro,average_precision_macro,localisation_roc_auc,pointing_game,seconds\n".to_owned();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for validation in history.validations() {
        let scores = [
            Some(validation.loss).filter(|loss| loss.is_finite()),
            validation.scores.roc_auc_macro,
            validation.scores.average_precision_macro,
            validation.localisation_roc_auc(),
            validation.pointing_game(),
        ];
        let (step, epoch, seconds) = (validation.step, validation.epoch, validation.seconds);
        let scores = scores.map(number).join(",");
        text += &format!("{step},{epoch},{scores},{seconds}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Localised, Scores};
    use crate::run::{Event, RunLog, TimelineScores};

    #[test]
    fn what_was_not_measured_is_empty_and_not_nought() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        let found = Localised {
            n_tags: 1,
            roc_auc: Some(0.75),
            average_precision: None,
            pointing: None,
        };
        let localisation = TimelineScores {
            method: "contribution".to_owned(),
            n_tracks: 2,
            found,
            seconds: 0.5,
        };
        for (step, loss, localisation) in [(10, 0.5, None), (20, f64::NAN, Some(localisation))] {
            let validated = Event::Validated {
                loss,
                scores: Scores::default(),
                seconds: 2.5,
                localisation,
            };
            log.event(step, 0, validated).unwrap();
        }
        let text = csv(&History::open(folder.path()).unwrap());
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines, ["10,0,0.5,,,,,2.5", "20,0,,,,0.75,,2.5"]);
    }
}
