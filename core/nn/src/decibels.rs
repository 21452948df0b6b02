//! Power in decibels, for front ends with learned filters; fixed front ends take theirs from `features`.

use super::data::{tensor, with_all, with_data};
use super::element::{Element, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::Result;
use rayon::prelude::*;

/// What quieter power counts as, in [`decibels`].
pub const DECIBEL_FLOOR: f64 = 1e-10;

/// Numbers of one task.
const TASK: usize = 1 << 12;

/// `10 log₁₀(max(x, 1e-10))` of every number; below the floor no gradient passes.
pub fn decibels(x: &Value) -> Result<Value> {
    on_gpu!([x] => crate::gpu::ops::function(crate::gpu::ops::Function::Decibels, x));
    by_type!(x.dtype(), T => run::<T>(x))
}

fn map<T: Element>(x: &[T], f: impl Fn(usize, T) -> T + Sync) -> Vec<T> {
    x.par_iter()
        .enumerate()
        .with_min_len(TASK)
        .map(|(i, &x)| f(i, x))
        .collect()
}

fn run<T: Element>(x: &Value) -> Result<Value> {
    let dims = x.dims().to_vec();
    let floor = T::of(DECIBEL_FLOOR);
    // Decibels of a factor e.
    let unit = T::of(10.0 / std::f64::consts::LN_10);
    let y = with_data(x.tensor()?, |x: &[T]| {
        // What is not a number stays so.
        let audible = |x: T| if x < floor { floor } else { x };
        tensor(map(x, |_, x| unit * audible(x).ln()), &dims)
    })?;
    let kept = x.tensor()?.clone();
    let [y] = record("decibels", [x], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dx = with_all([&kept, &dy], |[x, dy]: [&[T]; 2]| {
            let slope = |x: T| if x < floor { T::ZERO } else { unit / x };
            Ok(map(x, |i, x| slope(x) * dy[i]))
        })?;
        Ok([Gradient::fresh(tensor(dx, &dims)?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::mul;
    use super::*;

    #[test]
    fn decibels_of_squares() {
        check("decibels", &[&[3, 50]], |[x]| decibels(&mul(x, x)?));
    }

    #[test]
    fn the_floor_is_at_minus_one_hundred_and_passes_nothing() {
        let tape = super::super::Tape::recording();
        let x =
            candle_core::Tensor::new(&[0f32, 1e-12, 1e-10, 1.0, 100.0], &candle_core::Device::Cpu);
        let x = tape.watched(&x.unwrap());
        let y = decibels(&x).unwrap();
        let found = y.tensor().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in found.iter().zip([-100.0, -100.0, -100.0, 0.0, 20.0]) {
            assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
        }
        let total = super::super::global_avg_pool(
            &super::super::reshape(&y, &[1, 5]).unwrap(),
            super::super::Over::Time,
        );
        let gradients = super::super::backward(&total.unwrap()).unwrap();
        let slopes = gradients.of(&x).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(slopes[..2], [0.0, 0.0]);
        assert!(slopes[2..].iter().all(|&slope| slope > 0.0));
    }
}
