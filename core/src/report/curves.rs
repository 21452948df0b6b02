//! The curves of a run, reduced for a page: of the values that become one point, the lowest, the mean and the highest stay.

use super::Curve;
use crate::run::{History, Scalar, Validation};

/// Which chart shows a measure, and as what.
fn place(scalar: Scalar) -> Option<(&'static str, &'static str)> {
    Some(match scalar {
        Scalar::Loss => ("Loss", "training"),
        Scalar::SupervisedLoss => ("Student's losses", "labels"),
        Scalar::SemiSupervisedLoss => ("Student's losses", "pseudo-labels"),
        Scalar::RunningRocAuc => ("ROC-AUC", "training, running"),
        Scalar::RunningAveragePrecision => ("PR-AUC", "training, running"),
        Scalar::AgreementClean => ("Agreement with the teacher", "clean"),
        Scalar::AgreementAugmented => ("Agreement with the teacher", "augmented"),
        Scalar::LearningRate => ("Learning rate", "learning rate"),
        Scalar::GradientNorm => ("Gradient norm", "gradient norm"),
        Scalar::ClipsPerSecond => ("Speed", "training"),
        Scalar::LoaderWait => ("Time of a step", "waiting for data"),
        Scalar::TeacherSeconds => ("Time of a step", "teacher"),
        Scalar::ForwardSeconds => ("Time of a step", "forward"),
        Scalar::BackwardSeconds => ("Time of a step", "backward"),
        Scalar::OptimizerSeconds => ("Time of a step", "optimizer"),
        Scalar::LoaderReading => ("Time of the loader's threads", "reading"),
        Scalar::LoaderAugmenting => ("Time of the loader's threads", "augmentation"),
        Scalar::LoaderFeatures => ("Time of the loader's threads", "features"),
        // Speed says it already.
        Scalar::StepSeconds => return None,
    })
}

/// A value of a validation.
type Score = fn(&Validation) -> Option<f64>;

const VALIDATED: [(&str, &str, Score); 5] = [
    ("Loss", "validation", |v| Some(v.loss)),
    ("ROC-AUC", "validation", |v| v.scores.roc_auc_macro),
    ("PR-AUC", "validation", |v| v.scores.average_precision_macro),
    ("Localisation", "ROC-AUC", Validation::localisation_roc_auc),
    ("Localisation", "pointing game", Validation::pointing_game),
];

/// All curves that have a value, in the order of the charts.
pub(super) fn curves(history: &History, n_points: usize) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (chart, name, score) in VALIDATED {
        let values = history.validations().iter();
        let values = values.filter_map(|v| Some((v.step, score(v)? as f32)));
        let points = reduced(values.filter(|(_, value)| value.is_finite()), n_points);
        curves.extend(curve(chart, "", name, true, points));
    }
    for scalar in Scalar::ALL {
        let Some((chart, name)) = place(scalar) else {
            continue;
        };
        let values = history.series(scalar).iter();
        let points = reduced(values.filter(|(_, value)| value.is_finite()), n_points);
        curves.extend(curve(chart, scalar.unit(), name, false, points));
    }
    curves
}

fn curve(
    chart: &'static str,
    unit: &'static str,
    name: &'static str,
    is_marked: bool,
    points: Vec<Point>,
) -> Option<Curve> {
    let n_per_point = points.iter().map(|point| point.4).max()?;
    Some(Curve {
        chart,
        unit,
        name,
        is_marked,
        n_values: points.iter().map(|point| point.4 as usize).sum(),
        n_per_point: n_per_point as usize,
        points,
    })
}

/// Step, lowest, mean, highest, of how many.
type Point = (f64, f32, f32, f32, u32);

/// Neighbours are put together so that at most `n_points` are left.
fn reduced(values: impl Iterator<Item = (u64, f32)>, n_points: usize) -> Vec<Point> {
    let values: Vec<(u64, f32)> = values.collect();
    let n_together = values.len().div_ceil(n_points.max(1)).max(1);
    let points = values.chunks(n_together).map(|together| {
        let n = together.len() as f64;
        let low = together.iter().fold(f32::INFINITY, |low, v| low.min(v.1));
        let high = together
            .iter()
            .fold(f32::NEG_INFINITY, |high, v| high.max(v.1));
        let mean = together.iter().map(|v| f64::from(v.1)).sum::<f64>() / n;
        let step = together.iter().map(|v| v.0 as f64).sum::<f64>() / n;
        // A mean of equal numbers may come out beside them.
        (
            step,
            low,
            (mean as f32).clamp(low, high),
            high,
            together.len() as u32,
        )
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_one_point_keeps_its_extremes_its_mean_and_its_number() {
        let values = (0..10_000u64).map(|step| (step, if step == 7777 { 9.0 } else { 1.0 }));
        let points = reduced(values, 600);
        assert!(points.len() <= 600);
        assert_eq!(
            points.iter().map(|point| u64::from(point.4)).sum::<u64>(),
            10_000
        );
        let spike: Vec<_> = points.iter().filter(|point| point.3 > 1.0).collect();
        assert_eq!(spike.len(), 1);
        let &&(step, low, mean, high, n) = &spike[0];
        assert!((step - 7777.0).abs() < f64::from(n));
        assert_eq!((low, high), (1.0, 9.0));
        assert!((f64::from(mean) - (1.0 + 8.0 / f64::from(n))).abs() < 1e-6);
    }

    #[test]
    fn few_values_stay_as_they_are() {
        let points = reduced([(3, 0.5), (9, 0.25)].into_iter(), 600);
        assert_eq!(
            points,
            [(3.0, 0.5, 0.5, 0.5, 1), (9.0, 0.25, 0.25, 0.25, 1)]
        );
        assert!(reduced(std::iter::empty(), 600).is_empty());
    }
}
