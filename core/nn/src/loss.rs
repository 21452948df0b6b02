//! Binary cross entropy.

use super::data::{tensor, with_all};
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::plain::pointwise::{logistic, sigmoid};
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// Mean binary cross entropy of `logits` against `targets` (same shape, in [0, 1]), from the logits, so that none is too large:
/// `max(z, 0) - z y + ln(1 + exp(-|z|))`.
pub fn bce_with_logits(logits: &Value, targets: &Tensor) -> Result<Value> {
    if logits.dims() != targets.dims() || targets.elem_count() == 0 {
        bail!(
            "targets of shape {:?} for logits of shape {:?}",
            targets.dims(),
            logits.dims()
        );
    }
    on_gpu!([logits] => crate::gpu::ops::bce(logits, targets, None));
    by_type!(logits.dtype(), T => mean::<T>(logits, targets))
}

/// Binary cross entropy of `logits` against `targets`, each number times its own weight, summed: `sum of w * bce(z, y)`. All three have
/// the same shape. With all weights 1 / n it is [`bce_with_logits`].
pub fn weighted_bce_with_logits(
    logits: &Value,
    targets: &Tensor,
    weights: &Tensor,
) -> Result<Value> {
    if logits.dims() != targets.dims() || weights.dims() != targets.dims() {
        bail!(
            "targets of shape {:?} and weights of shape {:?} for logits of shape {:?}",
            targets.dims(),
            weights.dims(),
            logits.dims()
        );
    }
    on_gpu!([logits] => crate::gpu::ops::bce(logits, targets, Some(weights)));
    by_type!(logits.dtype(), T => weighted::<T>(logits, targets, weights))
}

fn mean<T: Element>(logits: &Value, targets: &Tensor) -> Result<Value> {
    let n = T::of(targets.elem_count() as f64);
    let (loss, slope) = with_all([logits.tensor()?, targets], |[z, y]: [&[T]; 2]| {
        let mut loss = 0.0;
        let mut slope = Vec::with_capacity(z.len());
        for (&z, &y) in z.iter().zip(y) {
            loss += cross_entropy(z, y).wide();
            slope.push((logistic(z) - y) / n);
        }
        Ok((T::of(loss / n.wide()), slope))
    })?;
    recorded(logits, loss, slope)
}

fn weighted<T: Element>(logits: &Value, targets: &Tensor, weights: &Tensor) -> Result<Value> {
    let all = [logits.tensor()?, targets, weights];
    let (loss, slope) = with_all(all, |[z, y, w]: [&[T]; 3]| {
        let mut loss = 0.0;
        let mut slope = Vec::with_capacity(z.len());
        for ((&z, &y), &w) in z.iter().zip(y).zip(w) {
            loss += (cross_entropy(z, y) * w).wide();
            slope.push((logistic(z) - y) * w);
        }
        Ok((T::of(loss), slope))
    })?;
    recorded(logits, loss, slope)
}

/// Of one logit.
fn cross_entropy<T: Element>(z: T, y: T) -> T {
    let positive = if z < T::ZERO { T::ZERO } else { z };
    positive - z * y + (-z.abs()).exp().ln_1p()
}

/// The loss, with its slope by each logit.
fn recorded<T: Element>(logits: &Value, loss: T, slope: Vec<T>) -> Result<Value> {
    let dims = logits.dims().to_vec();
    let [loss] = record("bce", [logits], [tensor(vec![loss], &[])?], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dy = dy.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let dz = slope.into_iter().map(|slope| slope * T::of(dy)).collect();
        Ok([Gradient::fresh(tensor::<T>(dz, &dims)?)])
    });
    Ok(loss)
}

/// Probabilities of logits.
pub fn probabilities(logits: &Tensor) -> Result<Tensor> {
    fn run<T: Element>(logits: &Tensor) -> Result<Tensor> {
        super::data::with_data(logits, |z: &[T]| tensor(sigmoid(z), logits.dims()))
    }
    by_type!(logits.dtype(), T => run::<T>(logits))
}

#[cfg(test)]
mod tests {
    use super::super::tape::{Tape, backward};
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_largest_logits_give_a_finite_loss_and_gradient() {
        let tape = Tape::recording();
        let logits = tape.watched(&Tensor::new(&[200f32, -200.0, 1e30], &Device::Cpu).unwrap());
        let targets = Tensor::new(&[0f32, 1.0, 1.0], &Device::Cpu).unwrap();
        let loss = bce_with_logits(&logits, &targets).unwrap();
        assert_eq!(
            loss.tensor().unwrap().to_scalar::<f32>().unwrap(),
            400.0 / 3.0
        );
        let gradient = backward(&loss).unwrap();
        let gradient = gradient.of(&logits).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, [1.0 / 3.0, -1.0 / 3.0, 0.0]);
    }

    #[test]
    fn equal_weights_give_the_mean_and_a_weight_of_zero_takes_a_number_out() {
        let device = Device::Cpu;
        let targets = Tensor::new(&[0.0, 0.3, 1.0], &device).unwrap();
        let run = |weights: Option<[f64; 3]>| {
            let tape = Tape::recording();
            let logits = tape.watched(&Tensor::new(&[0.5, -2.0, 1.5], &device).unwrap());
            let loss = match weights {
                Some(weights) => {
                    let weights = Tensor::new(&weights, &device).unwrap();
                    weighted_bce_with_logits(&logits, &targets, &weights).unwrap()
                }
                None => bce_with_logits(&logits, &targets).unwrap(),
            };
            let gradient = backward(&loss)
                .unwrap()
                .of(&logits)
                .unwrap()
                .to_vec1::<f64>();
            (
                loss.tensor().unwrap().to_scalar::<f64>().unwrap(),
                gradient.unwrap(),
            )
        };
        let (mean, slopes) = run(None);
        let (loss, gradient) = run(Some([1.0 / 3.0; 3]));
        assert!((loss - mean).abs() < 1e-15);
        assert!(
            gradient
                .iter()
                .zip(&slopes)
                .all(|(a, b)| (a - b).abs() < 1e-15)
        );
        let (loss, gradient) = run(Some([0.0, 2.0, 0.0]));
        let expected = 2.0 * (0.6 + (-2f64).exp().ln_1p());
        assert!((loss - expected).abs() < 1e-15, "{loss} for {expected}");
        assert_eq!((gradient[0], gradient[2]), (0.0, 0.0));
        assert!((gradient[1] - 6.0 * slopes[1]).abs() < 1e-15);
    }
}
