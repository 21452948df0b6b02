//! Binary cross entropy.

use super::data::{tensor, with_all};
use super::element::{Element, by_type};
use super::plain::pointwise::{logistic, sigmoid};
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// Mean binary cross entropy of `logits` against `targets` (same shape, in [0, 1]), from the logits, so that none is too large:
/// `max(z, 0) - z y + ln(1 + exp(-|z|))`.
pub fn bce_with_logits(logits: &Value, targets: &Tensor) -> Result<Value> {
    if logits.tensor().dims() != targets.dims() || targets.elem_count() == 0 {
        bail!(
            "targets of shape {:?} for logits of shape {:?}",
            targets.dims(),
            logits.tensor().dims()
        );
    }
    by_type!(logits.tensor().dtype(), T => run::<T>(logits, targets))
}

fn run<T: Element>(logits: &Value, targets: &Tensor) -> Result<Value> {
    let n = T::of(targets.elem_count() as f64);
    let dims = targets.dims().to_vec();
    let (loss, slope) = with_all([logits.tensor(), targets], |[z, y]: [&[T]; 2]| {
        let mut loss = 0.0;
        let mut slope = Vec::with_capacity(z.len());
        for (&z, &y) in z.iter().zip(y) {
            let positive = if z < T::ZERO { T::ZERO } else { z };
            loss += (positive - z * y + (-z.abs()).exp().ln_1p()).wide();
            slope.push((logistic(z) - y) / n);
        }
        Ok((T::of(loss / n.wide()), slope))
    })?;
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
        assert_eq!(loss.tensor().to_scalar::<f32>().unwrap(), 400.0 / 3.0);
        let gradient = backward(&loss).unwrap();
        let gradient = gradient.of(&logits).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, [1.0 / 3.0, -1.0 / 3.0, 0.0]);
    }
}
