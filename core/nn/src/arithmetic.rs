//! Sum, difference and product of two tensors, number by number.
//!
//! The second one may have 1 where the first has more: it is then the same along that axis (the excitation of a channel, positions
//! for every clip), and its gradient is the sum along it.

use super::data::{tensor, with_all, with_data};
use super::element::{Element, Float, by_type};
use super::numbers::on_gpu;
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

/// Sum; `b` may have 1 where `a` has more.
pub fn add(a: &Value, b: &Value) -> Result<Value> {
    on_gpu!([a, b] => crate::gpu::ops::arithmetic("sum", a, b));
    if a.dims() != b.dims() {
        return of(Kind::Sum, a, b);
    }
    let [y] = record("sum", [a, b], [(a.tensor()? + b.tensor()?)?], |[dy]| {
        let Some(dy) = dy else {
            return Ok([None, None]);
        };
        Ok([Gradient::shared(dy.clone()), Gradient::shared(dy)])
    });
    Ok(y)
}

/// Difference; `b` may have 1 where `a` has more.
pub fn sub(a: &Value, b: &Value) -> Result<Value> {
    of(Kind::Difference, a, b)
}

/// Product; `b` may have 1 where `a` has more: `[batch, channels, 1]` scales the channels of `[batch, channels, length]`.
pub fn mul(a: &Value, b: &Value) -> Result<Value> {
    of(Kind::Product, a, b)
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Sum,
    Difference,
    Product,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Difference => "difference",
            Self::Product => "product",
        }
    }

    fn of<T: Float>(self, a: T, b: T) -> T {
        match self {
            Self::Sum => a + b,
            Self::Difference => a - b,
            Self::Product => a * b,
        }
    }
}

fn of(kind: Kind, a: &Value, b: &Value) -> Result<Value> {
    on_gpu!([a, b] => crate::gpu::ops::arithmetic(kind.name(), a, b));
    let Some(spread) = Spread::of(a.tensor()?, b.tensor()?) else {
        bail!(
            "{} of tensors of shapes {:?} and {:?}",
            kind.name(),
            a.dims(),
            b.dims()
        );
    };
    by_type!(a.dtype(), T => run::<T>(kind, spread, a, b))
}

fn run<T: Element>(kind: Kind, spread: Spread, a: &Value, b: &Value) -> Result<Value> {
    let dims = a.dims().to_vec();
    let y = with_all([a.tensor()?, b.tensor()?], |[a, b]: [&[T]; 2]| {
        tensor(spread.map(a, b, |a, b| kind.of(a, b)), &dims)
    })?;
    let (a_kept, b_kept) = (a.tensor()?.clone(), b.tensor()?.clone());
    let needs = [a.is_recorded(), b.is_recorded()];
    let [y] = record(kind.name(), [a, b], [y], move |[dy]| {
        let mut gradients = [None, None];
        let Some(dy) = dy else { return Ok(gradients) };
        if needs[0] {
            gradients[0] = match kind {
                Kind::Sum | Kind::Difference => Gradient::shared(dy.clone()),
                Kind::Product => {
                    let da = with_all([&dy, &b_kept], |[dy, b]: [&[T]; 2]| {
                        Ok(spread.map(dy, b, |dy, b| dy * b))
                    })?;
                    Gradient::fresh(tensor(da, &dims)?)
                }
            };
        }
        if needs[1] {
            let db = match kind {
                Kind::Sum => with_data(&dy, |dy: &[T]| Ok(spread.sums(|i| dy[i])))?,
                Kind::Difference => with_data(&dy, |dy: &[T]| Ok(spread.sums(|i| -dy[i])))?,
                Kind::Product => with_all([&dy, &a_kept], |[dy, a]: [&[T]; 2]| {
                    Ok(spread.sums(|i| dy[i] * a[i]))
                })?,
            };
            gradients[1] = Gradient::fresh(tensor(db, b_kept.dims())?);
        }
        Ok(gradients)
    });
    Ok(y)
}

/// How the numbers of `b` are spread over those of `a`: rows of `a` that lie side by side, each with its place in `b`.
#[derive(Clone, Debug)]
struct Spread {
    /// Numbers of one row of `a`.
    row: usize,
    /// Numbers of `b` for one row: as many, or one for all.
    row_of_b: usize,
    /// Where the numbers for each row start in `b`.
    starts: Vec<usize>,
    n_b: usize,
}

/// Lanes of a sum, for the compiler to put into a register.
const LANES: usize = 16;

/// Numbers of one task.
const TASK: usize = 1 << 14;

impl Spread {
    fn of(a: &Tensor, b: &Tensor) -> Option<Self> {
        if a.rank() != b.rank() || a.dtype() != b.dtype() {
            return None;
        }
        // Axes in groups that `b` has, or does not have.
        let mut groups: Vec<(usize, bool)> = Vec::new();
        for (&n, &n_b) in a.dims().iter().zip(b.dims()) {
            let has = n_b == n;
            if !has && n_b != 1 {
                return None;
            }
            match groups.last_mut() {
                _ if n == 1 => {}
                Some((size, before)) if *before == has => *size *= n,
                _ => groups.push((n, has)),
            }
        }
        let (row, has) = groups.pop().unwrap_or((1, true));
        let row_of_b = if has { row } else { 1 };
        let mut starts = vec![0];
        let mut step = row_of_b;
        for (size, has) in groups.into_iter().rev() {
            starts = (0..size)
                .flat_map(|i| {
                    starts
                        .iter()
                        .map(move |start| start + if has { i * step } else { 0 })
                })
                .collect();
            if has {
                step *= size;
            }
        }
        Some(Self {
            row,
            row_of_b,
            starts,
            n_b: b.elem_count(),
        })
    }

    /// `f` of each number of `a` and its number of `b`.
    fn map<T: Element>(&self, a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
        let mut y = vec![T::ZERO; a.len()];
        y.par_chunks_mut(self.row.max(1))
            .zip(a.par_chunks(self.row.max(1)))
            .zip(&self.starts)
            .with_min_len((TASK / self.row.max(1)).max(1))
            .for_each(|((y, a), &start)| {
                let b = &b[start..start + self.row_of_b];
                let pieces = y.par_chunks_mut(TASK).zip(a.par_chunks(TASK));
                if let (true, &[b]) = (self.row > 1, b) {
                    pieces.for_each(|(y, a)| {
                        for (y, &a) in y.iter_mut().zip(a) {
                            *y = f(a, b);
                        }
                    });
                } else {
                    pieces.zip(b.par_chunks(TASK)).for_each(|((y, a), b)| {
                        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                            *y = f(a, b);
                        }
                    });
                }
            });
        y
    }

    /// For each number of `b` the sum of `f` over the places that it is spread to, always in the same order.
    fn sums<T: Element>(&self, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let sum_of_row = |row: usize| -> T {
            let range = row * self.row..(row + 1) * self.row;
            let mut lanes = [T::ZERO; LANES];
            let whole = range.start + self.row / LANES * LANES;
            for group in (range.start..whole).step_by(LANES) {
                for (lane, sum) in lanes.iter_mut().enumerate() {
                    *sum += f(group + lane);
                }
            }
            lanes.into_iter().sum::<T>() + (whole..range.end).map(&f).sum::<T>()
        };
        // One number per row: rows are independent up to here.
        if self.row_of_b == 1 {
            let of_rows: Vec<T> = (0..self.starts.len())
                .into_par_iter()
                .with_min_len((TASK / self.row.max(1)).max(1))
                .map(sum_of_row)
                .collect();
            let mut sums = vec![T::ZERO; self.n_b];
            for (sum, &start) in of_rows.into_iter().zip(&self.starts) {
                sums[start] += sum;
            }
            return sums;
        }
        let mut sums = vec![T::ZERO; self.n_b];
        for (row, &start) in self.starts.iter().enumerate() {
            for (i, sum) in sums[start..start + self.row].iter_mut().enumerate() {
                *sum += f(row * self.row + i);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn tensors_of_one_shape_and_every_way_to_spread_one_over_the_other() {
        for b in [
            [2, 3, 4, 50],
            [2, 3, 1, 1],
            [2, 3, 4, 1],
            [1, 3, 4, 50],
            [1, 3, 1, 1],
            [2, 1, 4, 1],
            [1, 3, 1, 50],
            [1, 1, 1, 1],
        ] {
            for (name, f) in [
                ("sum", add as fn(&Value, &Value) -> Result<Value>),
                ("difference", sub),
                ("product", mul),
            ] {
                check(name, &[&[2, 3, 4, 50], &b], |[a, b]| f(a, b));
            }
        }
        check("product", &[&[1, 1], &[1, 1]], |[a, b]| mul(a, b));
    }

    #[test]
    fn a_tensor_times_itself_has_both_gradients() {
        check("square", &[&[3, 5]], |[a]| mul(a, a));
    }

    #[test]
    fn excitation_scales_whole_channels() {
        let device = candle_core::Device::Cpu;
        let a = Tensor::arange(0f32, 12.0, &device).unwrap();
        let a = Value::constant(a.reshape((2, 2, 3)).unwrap());
        let b = Tensor::new(&[1f32, 2.0, 3.0, 4.0], &device).unwrap();
        let b = Value::constant(b.reshape((2, 2, 1)).unwrap());
        let y = mul(&a, &b).unwrap();
        let y = y
            .tensor()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let expected = [0., 1., 2., 6., 8., 10., 18., 21., 24., 36., 40., 44.];
        assert_eq!(y, expected);
        assert!(mul(&b, &a).is_err(), "the first is the larger one");
    }
}
