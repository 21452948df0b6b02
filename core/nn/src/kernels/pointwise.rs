//! Functions of single numbers. Equal `plain::pointwise` within the accuracy stated at each.
#![expect(unsafe_code, reason = "memory that is not cleared before it is filled")]

use super::buffer::filled_by_tasks;
use super::lanes::{Kernel, Lanes, dispatch};
use super::shared::Shared;

/// Numbers in one task.
const TASK: usize = 1 << 14;

/// `eˣ`, without a branch, within two units of the last place; 0 far below and infinite far above.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinite; the first is rounded away from zero for the shift below.
    let x = x.clamp(-104.0, 89.0);
    // Adding and taking away 1.5 · 2²³ rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that the rest is exact.
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let p = 1.987_569_2e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5.000_000_3e-1;
    let y = p * r * r + r + 1.0;
    // 2ⁿ in two steps: n alone may be beyond what an exponent holds. It stands in the last bits of the shifted number; a cast would do, but
    // looks after what is no number or too large, and is made of one number at a time: a third of a softmax's time and more.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    y * power(half) * power(n - half)
}

/// The share of a standard normal below `x`, within 1e-7. By Abramowitz and Stegun 7.1.26.
#[inline(always)]
fn below(x: f32, exponential: f32) -> f32 {
    let a = (x * std::f32::consts::FRAC_1_SQRT_2).abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_72;
    let p = p * t + 0.254_829_6;
    // Of the tail beyond |x|, so that what is small keeps its digits.
    let tail = 0.5 * p * t * exponential;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// `f(x, y)` at every number.
pub(super) struct Map<'a, F> {
    pub(super) x: &'a [f32],
    pub(super) y: &'a [f32],
    /// As long as `x`; need not have been written before.
    pub(super) to: Shared<f32>,
    pub(super) f: F,
}

impl<F: Fn(f32, f32) -> f32> Kernel for Map<'_, F> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let to = self.to.pointer(0);
        assert!(self.x.len() == self.to.len(), "a result of another length");
        for (i, (&x, &y)) in self.x.iter().zip(self.y).enumerate() {
            // SAFETY: checked above.
            unsafe { to.add(i).write((self.f)(x, y)) };
        }
    }
}

fn map(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32 + Copy + Sync + Send) -> Vec<f32> {
    assert_eq!(x.len(), y.len(), "numbers of pairs");
    // SAFETY: each number is written, as the two have the same length.
    unsafe {
        filled_by_tasks(x.len(), TASK, |first, to| {
            let (x, y) = (&x[first..][..to.len()], &y[first..][..to.len()]);
            dispatch(Map { x, y, to, f });
        })
    }
    .0
}

pub(crate) fn gelu(x: &[f32]) -> Vec<f32> {
    map(
        x,
        x,
        #[inline(always)]
        |x, _| x * below(x, exp(-0.5 * x * x)),
    )
}

pub(crate) fn gelu_gradient(x: &[f32], dy: &[f32]) -> Vec<f32> {
    map(
        x,
        dy,
        #[inline(always)]
        |x, dy| {
            let exponential = exp(-0.5 * x * x);
            dy * (below(x, exponential) + x * 0.398_942_3 * exponential)
        },
    )
}

pub(crate) fn relu(x: &[f32]) -> Vec<f32> {
    map(
        x,
        x,
        #[inline(always)]
        |x, _| if x < 0.0 { 0.0 } else { x },
    )
}

pub(crate) fn relu_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
    map(
        y,
        dy,
        #[inline(always)]
        |y, dy| if y > 0.0 { dy } else { 0.0 },
    )
}

/// Within two units of the last place.
#[inline(always)]
fn logistic(x: f32) -> f32 {
    let power = exp(-x.abs());
    let share = 1.0 / (1.0 + power);
    if x < 0.0 { power * share } else { share }
}

pub(crate) fn sigmoid(x: &[f32]) -> Vec<f32> {
    map(
        x,
        x,
        #[inline(always)]
        |x, _| logistic(x),
    )
}

pub(crate) fn sigmoid_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
    map(
        y,
        dy,
        #[inline(always)]
        |y, dy| dy * y * (1.0 - y),
    )
}

/// Within two units of the last place: a polynomial (of Cephes) near 0, where the exponential would lose digits.
#[inline(always)]
fn hyperbolic_tangent(x: f32) -> f32 {
    let a = x.abs();
    let far = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_908_8e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = x + x * z * p;
    if a > 0.625 { far.copysign(x) } else { near }
}

pub(crate) fn tanh(x: &[f32]) -> Vec<f32> {
    map(
        x,
        x,
        #[inline(always)]
        |x, _| hyperbolic_tangent(x),
    )
}

pub(crate) fn tanh_gradient(y: &[f32], dy: &[f32]) -> Vec<f32> {
    map(
        y,
        dy,
        #[inline(always)]
        |y, dy| dy * (1.0 - y * y),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain;

    fn numbers() -> Vec<f32> {
        (-4000..4000).map(|i| i as f32 * 0.003).collect()
    }

    #[test]
    fn the_exponential_is_exact_to_two_units_and_safe_at_the_ends() {
        for i in -10_300..8_800 {
            let x = i as f32 * 0.01;
            let expected = f64::from(x).exp();
            let apart = (f64::from(exp(x)) - expected).abs();
            assert!(
                apart <= 2.5e-7 * expected + 1.5e-45,
                "{x}: {} for {expected}",
                exp(x)
            );
        }
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(exp(1e30), f32::INFINITY);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_and_its_gradient_give_the_plain_result() {
        let x = numbers();
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let ones = vec![1f32; x.len()];
        let pairs = [
            (gelu(&x), plain::pointwise::gelu(&wide)),
            (
                gelu_gradient(&x, &ones),
                plain::pointwise::gelu_gradient(&wide, &vec![1.0; x.len()]),
            ),
        ];
        for (found, expected) in pairs {
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                let bound = 3e-7 * expected.abs().max(1.0);
                assert!(
                    (f64::from(*found) - expected).abs() < bound,
                    "{}: {found} for {expected}",
                    x[i]
                );
            }
        }
    }

    #[test]
    fn sigmoid_and_tanh_keep_their_digits_everywhere() {
        let mut x = numbers();
        x.extend([
            -200.0, -88.0, -1e-20, 0.0, 1e-20, 3e-5, 88.0, 200.0, 1e30, -1e30,
        ]);
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        for (found, expected) in [
            (sigmoid(&x), plain::pointwise::sigmoid(&wide)),
            (tanh(&x), plain::pointwise::tanh(&wide)),
        ] {
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(
                    (f64::from(*found) - expected).abs() <= 4e-7 * expected.abs() + 1e-37,
                    "{}: {found} for {expected}",
                    x[i]
                );
            }
        }
        assert!(sigmoid(&[f32::NAN])[0].is_nan() && tanh(&[f32::NAN])[0].is_nan());
        assert_eq!(sigmoid_gradient(&[0.25], &[2.0]), [0.375]);
        assert_eq!(tanh_gradient(&[0.5], &[2.0]), [1.5]);
    }

    #[test]
    fn what_is_not_a_number_goes_through_a_relu() {
        assert!(relu(&[f32::NAN])[0].is_nan());
        assert_eq!(relu(&[-1.0, 0.0, 2.0]), [0.0, 0.0, 2.0]);
        assert_eq!(relu_gradient(&[0.0, 2.0], &[5.0, 5.0]), [0.0, 5.0]);
    }
}
