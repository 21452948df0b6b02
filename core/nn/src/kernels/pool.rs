//! Pooling over windows that do not overlap, for any window.
//!
//! Equals `plain::pool`. First down the columns of a window's rows, then along the row: both are loops over a whole row, which the
//! compiler puts into registers; for the usual widths of a window the second knows its step when it is compiled. On two cores of an
//! AMD EPYC (AVX-512, shared with other work) maxima of 2 × 2 take a third of the plain loop's time, of 30 × 1 a thirtieth.
#![expect(
    unsafe_code,
    reason = "kernels are unsafe to call; memory that is not cleared before it is filled"
)]

use super::buffer::filled_by_tasks;
use super::lanes::{Kernel, Lanes, dispatch};
use crate::element::PoolShape;
use rayon::prelude::*;

/// Input numbers of one task, about.
const TASK: usize = 1 << 15;

/// Output rows of one task.
fn rows_of_task(shape: &PoolShape) -> usize {
    (TASK / (shape.window[0] * shape.input[1]).max(1)).max(1)
}

/// The input rows of the windows of output row `i`, over all planes.
fn rows_of_window<'a>(shape: &PoolShape, x: &'a [f32], i: usize) -> &'a [f32] {
    let ([height, width], [out_height, _]) = (shape.input, shape.output());
    let first = i / out_height * height + i % out_height * shape.window[0];
    &x[first * width..][..shape.window[0] * width]
}

/// One output row of a maximum pooling. `best` and `best_row` are scratch memory for one input row.
struct MaxRow<'a> {
    rows: &'a [f32],
    width: usize,
    window_width: usize,
    best: &'a mut [f32],
    best_row: &'a mut [u32],
    y: &'a mut [f32],
    argmax: &'a mut [u8],
}

impl Kernel for MaxRow<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let (first, rest) = self.rows.split_at(self.width);
        self.best.copy_from_slice(first);
        self.best_row.fill(0);
        for (i, row) in rest.chunks_exact(self.width).enumerate() {
            let i = i as u32 + 1;
            for ((&x, best), best_row) in row
                .iter()
                .zip(self.best.iter_mut())
                .zip(self.best_row.iter_mut())
            {
                let larger = (x > *best) | x.is_nan();
                *best = if larger { x } else { *best };
                *best_row = if larger { i } else { *best_row };
            }
        }
        match self.window_width {
            1 => {
                self.y.copy_from_slice(self.best);
                for (to, row) in self.argmax.iter_mut().zip(&*self.best_row) {
                    *to = *row as u8;
                }
            }
            2 => self.along::<2>(2),
            3 => self.along::<3>(3),
            4 => self.along::<4>(4),
            5 => self.along::<5>(5),
            n => self.along::<0>(n),
        }
    }
}

impl MaxRow<'_> {
    /// The largest of each `n` columns, `N` unless that is 0.
    #[inline(always)]
    fn along<const N: usize>(&mut self, n: usize) {
        let n = if N == 0 { n } else { N };
        let columns = self.best.chunks_exact(n).zip(self.best_row.chunks_exact(n));
        for (((values, rows), y), argmax) in columns.zip(&mut *self.y).zip(&mut *self.argmax) {
            let (mut best, mut place) = (values[0], rows[0] * n as u32);
            for i in 1..n {
                let (x, here) = (values[i], rows[i] * n as u32 + i as u32);
                // A column to the left may have its maximum in a lower row: then the later column came first.
                let wins = if x == best { here < place } else { x > best };
                let better = wins | x.is_nan();
                best = if better { x } else { best };
                place = if better { here } else { place };
            }
            *y = best;
            *argmax = place as u8;
        }
    }
}

/// The maxima, and where in its window (row-major) each was found.
pub(crate) fn max_pool(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<u8>) {
    let ([_, width], [out_height, out_width]) = (shape.input, shape.output());
    let n = shape.planes * out_height * out_width;
    let (mut y, mut argmax) = (vec![0f32; n], vec![0u8; n]);
    let rows = rows_of_task(shape);
    y.par_chunks_mut(rows * out_width)
        .zip(argmax.par_chunks_mut(rows * out_width))
        .enumerate()
        .for_each_init(
            || (vec![0f32; width], vec![0u32; width]),
            |(best, best_row), (task, (y, argmax))| {
                let rows_of_y = y.chunks_exact_mut(out_width);
                for (i, (y, argmax)) in rows_of_y
                    .zip(argmax.chunks_exact_mut(out_width))
                    .enumerate()
                {
                    dispatch(MaxRow {
                        rows: rows_of_window(shape, x, task * rows + i),
                        width,
                        window_width: shape.window[1],
                        best,
                        best_row,
                        y,
                        argmax,
                    });
                }
            },
        );
    (y, argmax)
}

pub(crate) fn max_pool_gradient(shape: &PoolShape, argmax: &[u8], dy: &[f32]) -> Vec<f32> {
    let (width, [window_height, window_width]) = (shape.input[1], shape.window);
    let [out_height, out_width] = shape.output();
    // Where the places of a window lie, seen from its corner: no division for each number.
    let places: Vec<usize> = (0..window_height * window_width)
        .map(|k| k / window_width * width + k % window_width)
        .collect();
    let out_plane = out_height * out_width;
    gradient_by_planes(shape, |plane, dx| {
        dx.fill(0.0);
        let range = plane * out_plane..(plane + 1) * out_plane;
        for (row, (dy, argmax)) in dy[range.clone()]
            .chunks_exact(out_width)
            .zip(argmax[range].chunks_exact(out_width))
            .enumerate()
        {
            let dx = &mut dx[row * window_height * width..][..window_height * width];
            for (column, (&dy, &k)) in dy.iter().zip(argmax).enumerate() {
                dx[column * window_width + places[usize::from(k)]] = dy;
            }
        }
    })
}

/// One output row of an average pooling. `sums` is scratch memory for one input row.
struct AvgRow<'a> {
    rows: &'a [f32],
    width: usize,
    window_width: usize,
    share: f32,
    sums: &'a mut [f32],
    y: &'a mut [f32],
}

impl Kernel for AvgRow<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (first, rest) = self.rows.split_at(self.width);
        self.sums.copy_from_slice(first);
        for row in rest.chunks_exact(self.width) {
            for (sum, &x) in self.sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
        match self.window_width {
            2 => self.along::<2>(2),
            3 => self.along::<3>(3),
            4 => self.along::<4>(4),
            n => self.along::<0>(n),
        }
    }
}

impl AvgRow<'_> {
    /// The mean of each `n` columns, `N` unless that is 0.
    #[inline(always)]
    fn along<const N: usize>(self, n: usize) {
        let n = if N == 0 { n } else { N };
        for (y, sums) in self.y.iter_mut().zip(self.sums.chunks_exact(n)) {
            *y = self.share * sums.iter().sum::<f32>();
        }
    }
}

/// The means of the windows.
pub(crate) fn avg_pool(shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    let ([_, width], [out_height, out_width]) = (shape.input, shape.output());
    let share = 1.0 / (shape.window[0] * shape.window[1]) as f32;
    let task = rows_of_task(shape) * out_width;
    // SAFETY: every row is written.
    unsafe {
        filled_by_tasks(shape.planes * out_height * out_width, task, |first, y| {
            let mut sums = vec![0.0; width];
            for i in (0..y.len()).step_by(out_width) {
                dispatch(AvgRow {
                    rows: rows_of_window(shape, x, (first + i) / out_width),
                    width,
                    window_width: shape.window[1],
                    share,
                    sums: &mut sums,
                    y: y.part(i, out_width),
                });
            }
        })
    }
    .0
}

/// The gradient for the input rows of one output row.
struct AvgRowGradient<'a> {
    dy: &'a [f32],
    width: usize,
    window_width: usize,
    share: f32,
    rows: &'a mut [f32],
}

impl Kernel for AvgRowGradient<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (first, rest) = self.rows.split_at_mut(self.width);
        match self.window_width {
            2 => spread::<2>(2, self.share, self.dy, first),
            3 => spread::<3>(3, self.share, self.dy, first),
            4 => spread::<4>(4, self.share, self.dy, first),
            n => spread::<0>(n, self.share, self.dy, first),
        }
        for row in rest.chunks_exact_mut(self.width) {
            row.copy_from_slice(first);
        }
    }
}

/// Gives each number's share to `n` columns, `N` unless that is 0.
#[inline(always)]
fn spread<const N: usize>(n: usize, share: f32, dy: &[f32], row: &mut [f32]) {
    let n = if N == 0 { n } else { N };
    for (columns, &dy) in row.chunks_exact_mut(n).zip(dy) {
        for column in columns {
            *column = share * dy;
        }
    }
}

pub(crate) fn avg_pool_gradient(shape: &PoolShape, dy: &[f32]) -> Vec<f32> {
    let ([height, width], [window_height, window_width]) = (shape.input, shape.window);
    let out_plane: usize = shape.output().iter().product();
    let share = 1.0 / (window_height * window_width) as f32;
    let all_in_windows = height % window_height == 0 && width % window_width == 0;
    gradient_by_planes(shape, |plane, dx| {
        if !all_in_windows {
            dx.fill(0.0);
        }
        for (rows, dy) in dx
            .chunks_exact_mut(window_height * width)
            .zip(dy[plane * out_plane..][..out_plane].chunks_exact(shape.output()[1]))
        {
            dispatch(AvgRowGradient {
                dy,
                width,
                window_width,
                share,
                rows,
            });
        }
    })
}

/// The gradient for the input, of which `fill` writes every number of a plane.
fn gradient_by_planes(shape: &PoolShape, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let plane = shape.input[0] * shape.input[1];
    let task = (TASK / plane).max(1) * plane;
    // SAFETY: `fill` writes each plane.
    unsafe {
        filled_by_tasks(shape.planes * plane, task, |first, to| {
            for i in (0..to.len()).step_by(plane) {
                fill((first + i) / plane, to.part(i, plane));
            }
        })
    }
    .0
}

#[cfg(test)]
mod tests {
    use super::super::lanes::Level;
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    const SHAPES: [([usize; 2], [usize; 2]); 9] = [
        ([8, 40], [2, 2]),
        ([9, 41], [2, 3]),
        ([13, 7], [3, 5]),
        ([16, 50], [4, 4]),
        ([30, 33], [30, 1]),
        ([5, 17], [2, 1]),
        ([1, 100], [1, 3]),
        ([7, 30], [1, 7]),
        ([2, 2], [2, 2]),
    ];

    /// Few different numbers, so that maxima are often equal.
    fn draw(n: usize, levels: f32) -> Vec<f32> {
        let mut draws = Address::new(2, Purpose::Check, n as u64).stream();
        (0..n)
            .map(|_| (draws.normal() * levels).round() / levels)
            .collect()
    }

    #[test]
    fn maxima_and_their_places_are_those_of_the_plain_loop() {
        for level in Level::available() {
            for (input, window) in SHAPES {
                let shape = PoolShape {
                    planes: 5,
                    input,
                    window,
                };
                for levels in [1.0, 1000.0] {
                    let x = draw(5 * input[0] * input[1], levels);
                    let found = level.run(|| max_pool(&shape, &x));
                    let expected = plain::pool::max_pool(&shape, &x);
                    assert_eq!(found, expected, "{level:?} {shape:?}");
                    let dy = draw(found.0.len(), 100.0);
                    assert_eq!(
                        max_pool_gradient(&shape, &found.1, &dy),
                        plain::pool::max_pool_gradient(&shape, &found.1, &dy),
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_wins_its_window() {
        for place in 0..6 {
            let mut x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
            x[place] = f32::NAN;
            let shape = PoolShape {
                planes: 1,
                input: [2, 3],
                window: [2, 3],
            };
            let (y, argmax) = max_pool(&shape, &x);
            assert!(y[0].is_nan());
            assert_eq!(argmax, [place as u8]);
            assert!(plain::pool::max_pool(&shape, &x).0[0].is_nan());
        }
    }

    #[test]
    fn means_are_those_of_the_plain_loop() {
        for level in Level::available() {
            for (input, window) in SHAPES {
                let shape = PoolShape {
                    planes: 5,
                    input,
                    window,
                };
                let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let x = draw(5 * input[0] * input[1], 1000.0);
                let y = level.run(|| avg_pool(&shape, &x));
                let dy = draw(y.len(), 1000.0);
                let dx = level.run(|| avg_pool_gradient(&shape, &dy));
                for (found, expected) in [
                    (y, plain::pool::avg_pool(&shape, &wide(&x))),
                    (dx, plain::pool::avg_pool_gradient(&shape, &wide(&dy))),
                ] {
                    assert_eq!(found.len(), expected.len());
                    for (found, expected) in found.iter().zip(expected) {
                        assert!(
                            (f64::from(*found) - expected).abs() < 1e-6,
                            "{level:?} {shape:?}: {found} for {expected}"
                        );
                    }
                }
            }
        }
    }
}
