//! Functions of single numbers.

use crate::element::Float;

/// 1 / sqrt(2 pi)
const NORMAL_DENSITY_AT_0: f64 = 0.398_942_280_401_432_7;

fn below<T: Float>(x: T) -> T {
    T::of(0.5) * (T::ONE + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

/// The exact GELU (with erf, not the tanh approximation).
pub(crate) fn gelu<T: Float>(x: &[T]) -> Vec<T> {
    x.iter().map(|&x| x * below(x)).collect()
}

pub(crate) fn gelu_gradient<T: Float>(x: &[T], dy: &[T]) -> Vec<T> {
    x.iter()
        .zip(dy)
        .map(|(&x, &dy)| {
            let density = T::of(NORMAL_DENSITY_AT_0) * (-(x * x) * T::of(0.5)).exp();
            dy * (below(x) + x * density)
        })
        .collect()
}

/// What is not a number stays so, for the loss to show it.
pub(crate) fn relu<T: Float>(x: &[T]) -> Vec<T> {
    x.iter()
        .map(|&x| if x < T::ZERO { T::ZERO } else { x })
        .collect()
}

pub(crate) fn relu_gradient<T: Float>(y: &[T], dy: &[T]) -> Vec<T> {
    y.iter()
        .zip(dy)
        .map(|(&y, &dy)| if y > T::ZERO { dy } else { T::ZERO })
        .collect()
}

/// `1 / (1 + exp(-x))`, without overflow.
pub(crate) fn sigmoid<T: Float>(x: &[T]) -> Vec<T> {
    x.iter().map(|&x| logistic(x)).collect()
}

/// The sigmoid of one number.
pub(crate) fn logistic<T: Float>(x: T) -> T {
    let power = (-x.abs()).exp();
    if x < T::ZERO {
        power / (T::ONE + power)
    } else {
        T::ONE / (T::ONE + power)
    }
}

pub(crate) fn sigmoid_gradient<T: Float>(y: &[T], dy: &[T]) -> Vec<T> {
    y.iter()
        .zip(dy)
        .map(|(&y, &dy)| dy * y * (T::ONE - y))
        .collect()
}

pub(crate) fn tanh<T: Float>(x: &[T]) -> Vec<T> {
    x.iter().map(|&x| x.tanh()).collect()
}

pub(crate) fn tanh_gradient<T: Float>(y: &[T], dy: &[T]) -> Vec<T> {
    y.iter()
        .zip(dy)
        .map(|(&y, &dy)| dy * (T::ONE - y * y))
        .collect()
}
