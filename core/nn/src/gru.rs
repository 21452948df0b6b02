//! One layer of gated recurrent units in one direction, through time and back.
//!
//! As in PyTorch: rows of the weights are reset, update, new gate, in this order; the new gate is
//! `tanh(W x + b + r * (U h + c))` with the reset gate inside, after the product; the state starts at 0. What depends on
//! the input alone is one matrix product for all times; the walk through time has one small product per step.

use super::data::{tensor, with_all};
use super::element::{Element, Matrix, by_type};
use super::plain::pointwise::logistic;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// Which way a recurrent layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first time to the last.
    Forward,
    /// From the last time to the first. Output `t` stands at time `t` all the same.
    Backward,
}

/// Weights of one layer and direction.
#[derive(Clone, Copy, Debug)]
pub struct GruWeights<'a> {
    /// Of the input, `[3 * hidden, in]`.
    pub input: &'a Value,
    /// Of the state, `[3 * hidden, hidden]`.
    pub hidden: &'a Value,
    /// `[3 * hidden]`
    pub input_bias: &'a Value,
    /// `[3 * hidden]`
    pub hidden_bias: &'a Value,
}

/// The states of a gated recurrent layer at all times: `x` `[batch, times, in]`, to `[batch, times, hidden]`.
///
/// Fails if shapes do not fit together or there is no time at all.
pub fn gru(x: &Value, weights: GruWeights<'_>, direction: Direction) -> Result<Value> {
    let (batch, times, ins) = x.dims3()?;
    let (rows, hidden) = weights.hidden.dims2()?;
    let fits = rows == 3 * hidden
        && weights.input.dims() == [rows, ins]
        && weights.input_bias.dims() == [rows]
        && weights.hidden_bias.dims() == [rows];
    if !fits || batch * times * ins * hidden == 0 {
        bail!(
            "recurrent layer: input {:?}, weights {:?} and {:?}, biases {:?} and {:?}",
            x.dims(),
            weights.input.dims(),
            weights.hidden.dims(),
            weights.input_bias.dims(),
            weights.hidden_bias.dims()
        );
    }
    let sizes = Sizes {
        batch,
        times,
        ins,
        hidden,
        direction,
    };
    by_type!(x.dtype(), T => run::<T>(sizes, x, weights))
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    times: usize,
    ins: usize,
    hidden: usize,
    direction: Direction,
}

impl Sizes {
    /// The times in the order in which they are read.
    fn order(&self) -> Vec<usize> {
        match self.direction {
            Direction::Forward => (0..self.times).collect(),
            Direction::Backward => (0..self.times).rev().collect(),
        }
    }

    /// The numbers `[batch, width]` at one time of `[batch, times, width]`.
    fn at<'a, T>(&self, all: &'a [T], time: usize, width: usize) -> Matrix<'a, T> {
        Matrix {
            data: &all[time * width..],
            row_stride: self.times * width,
            column_stride: 1,
        }
    }
}

fn run<T: Element>(sizes: Sizes, x: &Value, weights: GruWeights<'_>) -> Result<Value> {
    let GruWeights {
        input,
        hidden,
        input_bias,
        hidden_bias,
    } = weights;
    let inputs = [x, input, hidden, input_bias, hidden_bias];
    let on_host: Vec<Tensor> = inputs
        .iter()
        .map(|value| value.tensor().cloned())
        .collect::<Result<_>>()?;
    let kept: [Tensor; 5] = std::array::from_fn(|i| on_host[i].clone());
    let states = with_all(kept.each_ref(), |inputs: [&[T]; 5]| {
        Ok(forward(&sizes, inputs))
    })?;
    let y = tensor(states.h, &[sizes.batch, sizes.times, sizes.hidden])?;
    let (y_kept, gates) = (y.clone(), states.gates);
    let [y] = record("recurrent layer", inputs, [y], move |[dy]| {
        let Some(dy) = dy else {
            return Ok([const { None }; 5]);
        };
        let [x, input, hidden, ..] = &kept;
        let gradients = with_all([x, input, hidden, &y_kept, &dy], |slices: [&[T]; 5]| {
            Ok(gradients(&sizes, slices, &gates))
        })?;
        let mut fresh = [const { None }; 5];
        for ((to, gradient), of) in fresh.iter_mut().zip(gradients).zip(&kept) {
            *to = Gradient::fresh(tensor(gradient, of.dims())?);
        }
        Ok(fresh)
    });
    Ok(y)
}

struct States<T> {
    /// `[batch, times, hidden]`
    h: Vec<T>,
    /// Reset, update, new gate, and what the state gives the new gate before it is reset: `[batch, times, 4, hidden]`.
    gates: Vec<T>,
}

fn forward<T: Element>(sizes: &Sizes, inputs: [&[T]; 5]) -> States<T> {
    let [x, input, hidden, input_bias, hidden_bias] = inputs;
    let Sizes {
        batch,
        times,
        ins,
        hidden: n,
        ..
    } = *sizes;
    let mut of_input = input_bias.repeat(batch * times);
    T::matmul(
        batch * times,
        3 * n,
        ins,
        Matrix::rows(x, ins),
        Matrix::rows(input, ins).t(),
        &mut of_input,
    );
    let mut h = vec![T::ZERO; batch * times * n];
    let mut gates = vec![T::ZERO; batch * times * 4 * n];
    let mut before = vec![T::ZERO; batch * n];
    for time in sizes.order() {
        let mut of_state = hidden_bias.repeat(batch);
        T::matmul(
            batch,
            3 * n,
            n,
            Matrix::rows(&before, n),
            Matrix::rows(hidden, n).t(),
            &mut of_state,
        );
        for clip in 0..batch {
            let row = clip * times + time;
            let (a, b) = (&of_input[row * 3 * n..], &of_state[clip * 3 * n..]);
            let gates = &mut gates[row * 4 * n..][..4 * n];
            for i in 0..n {
                let reset = logistic(a[i] + b[i]);
                let update = logistic(a[n + i] + b[n + i]);
                let new = (a[2 * n + i] + reset * b[2 * n + i]).tanh();
                let state = &mut before[clip * n + i];
                *state = (T::ONE - update) * new + update * *state;
                h[row * n + i] = *state;
                gates[i] = reset;
                gates[n + i] = update;
                gates[2 * n + i] = new;
                gates[3 * n + i] = b[2 * n + i];
            }
        }
    }
    States { h, gates }
}

/// Gradients for the input, both weights and both biases.
fn gradients<T: Element>(sizes: &Sizes, slices: [&[T]; 5], gates: &[T]) -> [Vec<T>; 5] {
    let [x, input, hidden, h, dy] = slices;
    let Sizes {
        batch,
        times,
        ins,
        hidden: n,
        ..
    } = *sizes;
    let rows = batch * times;
    // The gates' gradients before their functions, as the input sees them and as the state does: they differ in the new gate.
    let mut of_input = vec![T::ZERO; rows * 3 * n];
    let mut of_state = vec![T::ZERO; rows * 3 * n];
    // The states that each time started from.
    let mut before = vec![T::ZERO; rows * n];
    let mut carried = vec![T::ZERO; batch * n];
    let order = sizes.order();
    for (step, &time) in order.iter().enumerate().rev() {
        for clip in 0..batch {
            let row = clip * times + time;
            if step > 0 {
                let from = (clip * times + order[step - 1]) * n;
                before[row * n..][..n].copy_from_slice(&h[from..from + n]);
            }
            let gates = &gates[row * 4 * n..][..4 * n];
            let (a, b) = (
                &mut of_input[row * 3 * n..][..3 * n],
                &mut of_state[row * 3 * n..][..3 * n],
            );
            for i in 0..n {
                let (reset, update, new) = (gates[i], gates[n + i], gates[2 * n + i]);
                let dh = dy[row * n + i] + carried[clip * n + i];
                let dnew = dh * (T::ONE - update) * (T::ONE - new * new);
                let dupdate = dh * (before[row * n + i] - new) * update * (T::ONE - update);
                let dreset = dnew * gates[3 * n + i] * reset * (T::ONE - reset);
                carried[clip * n + i] = dh * update;
                (a[i], b[i]) = (dreset, dreset);
                (a[n + i], b[n + i]) = (dupdate, dupdate);
                (a[2 * n + i], b[2 * n + i]) = (dnew, dnew * reset);
            }
        }
        let of_state = sizes.at(&of_state, time, 3 * n);
        let hidden = Matrix::rows(hidden, n);
        T::matmul(batch, n, 3 * n, of_state, hidden, &mut carried);
    }

    let product = |m: usize, n: usize, k: usize, a: Matrix<'_, T>, b: Matrix<'_, T>| {
        let mut to = vec![T::ZERO; m * n];
        T::matmul(m, n, k, a, b, &mut to);
        to
    };
    let sums = |gates: &[T]| {
        let mut sums = vec![T::ZERO; 3 * n];
        for row in gates.chunks_exact(3 * n) {
            for (sum, &gate) in sums.iter_mut().zip(row) {
                *sum += gate;
            }
        }
        sums
    };
    let (a, b) = (
        Matrix::rows(&of_input, 3 * n),
        Matrix::rows(&of_state, 3 * n),
    );
    [
        product(rows, ins, 3 * n, a, Matrix::rows(input, ins)),
        product(3 * n, ins, rows, a.t(), Matrix::rows(x, ins)),
        product(3 * n, n, rows, b.t(), Matrix::rows(&before, n)),
        sums(&of_input),
        sums(&of_state),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::arithmetic::mul;
    use super::super::check::check;
    use super::*;
    use candle_core::Device;

    /// A recurrent layer of inputs as [`check`] draws them, but with weights so small that it does not run wild.
    fn layer(inputs: [&Value; 5], direction: Direction) -> Result<Value> {
        let [x, input, hidden, input_bias, hidden_bias] = inputs;
        let share = Tensor::full(0.3f32, (1, 1), &Device::Cpu)?;
        let share = Value::constant(share.to_dtype(x.dtype())?);
        let weights = GruWeights {
            input: &mul(input, &share)?,
            hidden: &mul(hidden, &share)?,
            input_bias,
            hidden_bias,
        };
        gru(x, weights, direction)
    }

    #[test]
    fn through_time_and_back_in_both_directions() {
        for direction in [Direction::Forward, Direction::Backward] {
            for [batch, times, ins, hidden] in [[2, 5, 3, 4], [1, 1, 2, 3], [3, 7, 20, 9]] {
                let dims: [&[usize]; 5] = [
                    &[batch, times, ins],
                    &[3 * hidden, ins],
                    &[3 * hidden, hidden],
                    &[3 * hidden],
                    &[3 * hidden],
                ];
                check("recurrent layer", &dims, |inputs| layer(inputs, direction));
            }
        }
    }

    #[test]
    fn reading_backwards_is_reading_the_turned_clip() {
        let draw = |dims: &[usize]| {
            let values: Vec<f32> = (0..dims.iter().product())
                .map(|i: usize| ((i * 7919) % 101) as f32 / 50.0)
                .collect();
            Value::constant(Tensor::from_vec(values, dims, &Device::Cpu).unwrap())
        };
        let turned = |x: &Value| Value::constant(x.tensor().unwrap().flip(&[1]).unwrap());
        let x = draw(&[2, 5, 3]);
        let (input, hidden, bias) = (draw(&[12, 3]), draw(&[12, 4]), draw(&[12]));
        let read =
            |x: &Value, direction| layer([x, &input, &hidden, &bias, &bias], direction).unwrap();
        let values = |x: &Value| {
            let x = x.tensor().unwrap().flatten_all().unwrap();
            x.to_vec1::<f32>().unwrap()
        };
        let back = read(&x, Direction::Backward);
        let there = read(&turned(&x), Direction::Forward);
        let apart = |a: &Value, b: &Value| {
            let pairs = values(a).into_iter().zip(values(b));
            pairs.fold(0f32, |worst, (a, b)| worst.max((a - b).abs()))
        };
        assert!(apart(&back, &turned(&there)) < 1e-6);
        assert!(apart(&back, &read(&x, Direction::Forward)) > 1e-2);
    }

    #[test]
    fn weights_of_another_size_are_refused() {
        let zeros = |dims: &[usize]| {
            Value::constant(Tensor::zeros(dims, candle_core::DType::F32, &Device::Cpu).unwrap())
        };
        let [x, input, hidden, bias] = [&[2, 5, 3][..], &[12, 3], &[12, 4], &[12]].map(zeros);
        let read = |x: &Value, input: &Value, hidden: &Value| {
            layer([x, input, hidden, &bias, &bias], Direction::Forward)
        };
        assert!(read(&x, &input, &hidden).is_ok());
        assert!(read(&zeros(&[2, 0, 3]), &input, &hidden).is_err());
        assert!(read(&x, &zeros(&[12, 4]), &hidden).is_err());
        assert!(read(&x, &input, &zeros(&[12, 3])).is_err());
    }
}
