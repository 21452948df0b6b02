//! The first convolutions of a network: 3×3 from one plain channel `[batch, height, width]` to blocks of channels, one or two of
//! them (block and shortcut) over the same input at once; and their way back.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::buffer::Buffer;
use super::lanes::{Kernel, LANES, Lanes, dispatch};
use super::maps::{BehindNorm, MapShape};
use super::shared::Shared;
use super::winograd::{Source, SourceBlock, TaskSums};
use rayon::prelude::*;

/// Rows of an image in one task.
const ROWS: usize = 8;

/// Weights `[channels, 1, 3, 3]` as `[blocks, 9, 16]`.
fn blocked(weight: &[f32], blocks: usize) -> Vec<f32> {
    let mut to = vec![0.0; blocks * 9 * LANES];
    for (channel, kernel) in weight.chunks_exact(9).enumerate() {
        for (k, &value) in kernel.iter().enumerate() {
            to[(channel / LANES * 9 + k) * LANES + channel % LANES] = value;
        }
    }
    to
}

/// Images with one pixel of zeros around: `[batch, height + 2, width + 2]`.
fn bordered(shape: &MapShape, x: &[f32]) -> Vec<f32> {
    let (height, width) = (shape.height, shape.width);
    let mut to = vec![0.0; shape.batch * (height + 2) * (width + 2)];
    for (image, to) in x
        .chunks_exact(height * width)
        .zip(to.chunks_exact_mut((height + 2) * (width + 2)))
    {
        for (row, to) in image
            .chunks_exact(width)
            .zip(to[width + 2..].chunks_exact_mut(width + 2))
        {
            to[1..=width].copy_from_slice(row);
        }
    }
    to
}

/// Convolves `x` with each of `weights` into maps of `shape`, with sums for their statistics, task by task.
pub(crate) fn forward<const N: usize>(
    shape: &MapShape,
    x: &[f32],
    weights: [&[f32]; N],
) -> [(Buffer, Vec<TaskSums>); N] {
    let x = bordered(shape, x);
    let weights = weights.map(|weight| blocked(weight, shape.blocks()));
    let chunks = shape.height.div_ceil(ROWS);
    let tasks = shape.batch * chunks;
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut sums: Vec<Vec<TaskSums>> = Vec::new();
    for weight in &weights {
        let mut of_tasks = Vec::new();
        // SAFETY: the tasks write every pixel of every block of every image.
        buffers.push(unsafe {
            Buffer::filled(shape.len(), |to| {
                of_tasks = (0..tasks)
                    .into_par_iter()
                    .map(|task| {
                        dispatch(Forward {
                            shape,
                            x: &x,
                            weight,
                            image: task / chunks,
                            first_row: task % chunks * ROWS,
                            to,
                        })
                    })
                    .collect();
            })
        });
        sums.push(of_tasks);
    }
    let mut results = buffers.into_iter().zip(sums);
    std::array::from_fn(|_| match results.next() {
        Some(result) => result,
        None => unreachable!("one result per weight"),
    })
}

struct Forward<'a> {
    shape: &'a MapShape,
    /// With a border.
    x: &'a [f32],
    weight: &'a [f32],
    image: usize,
    first_row: usize,
    to: Shared<f32>,
}

impl Kernel for Forward<'_> {
    type Output = TaskSums;

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> TaskSums {
        let (width, blocks) = (self.shape.width, self.shape.blocks());
        let rows = self.first_row..(self.first_row + ROWS).min(self.shape.height);
        let line = width + 2;
        let image = self.image * (self.shape.height + 2) * line;
        let mut all_sums = vec![[[0.0; LANES]; 3]; blocks];
        for (block, sums) in all_sums.iter_mut().enumerate() {
            // SAFETY: the caller's promise; offsets stay in the bordered image and in the plane.
            unsafe {
                let mut kernel = [L::zero(); 9];
                for (k, kernel) in kernel.iter_mut().enumerate() {
                    *kernel = L::load(self.weight.as_ptr().add((block * 9 + k) * LANES));
                }
                let plane = (self.image * blocks + block) * self.shape.plane();
                let (mut pivot, mut sum, mut square) = (L::zero(), L::zero(), L::zero());
                for y in rows.clone() {
                    let from = self.x.as_ptr().add(image + y * line);
                    let to = self.to.pointer(plane + y * width * LANES);
                    for x in 0..width {
                        let mut value = L::zero();
                        for k in 0..9 {
                            let pixel = L::splat(*from.add(k / 3 * line + x + k % 3));
                            value = pixel.times_plus(kernel[k], value);
                        }
                        value.store(to.add(x * LANES));
                        if x == 0 && y == rows.start {
                            pivot = value;
                        }
                        let distance = value.minus(pivot);
                        sum = sum.plus(distance);
                        square = distance.times_plus(distance, square);
                    }
                }
                *sums = [pivot.array(), sum.array(), square.array()];
            }
        }
        TaskSums {
            blocks: all_sums,
            n_pixels: rows.len() * width,
        }
    }
}

/// Gradients of the weights (each `[channels, 1, 3, 3]`) and, if `input` asks for it, of the input `[batch, height, width]`.
pub(crate) fn backward<const N: usize>(
    shape: &MapShape,
    x: &[f32],
    weights: [&[f32]; N],
    gradients: [BehindNorm<'_>; N],
    input: bool,
) -> ([Vec<f32>; N], Option<Vec<f32>>) {
    let x = bordered(shape, x);
    let weights = weights.map(|weight| blocked(weight, shape.blocks()));
    let chunks = shape.height.div_ceil(ROWS);
    type Part = (Vec<[[f32; LANES]; 9]>, Vec<f32>);
    let parts: Vec<Part> = (0..shape.batch * chunks)
        .into_par_iter()
        .map(|task| {
            dispatch(Backward {
                shape,
                x: &x,
                weights: &weights,
                gradients: &gradients,
                image: task / chunks,
                first_row: task % chunks * ROWS,
                input,
            })
        })
        .collect();

    let blocks = shape.blocks();
    let mut totals = vec![[[0f64; LANES]; 9]; N * blocks];
    for (part, _) in &parts {
        for (total, part) in totals.iter_mut().zip(part) {
            for (total, part) in total.iter_mut().zip(part) {
                for (total, &part) in total.iter_mut().zip(part) {
                    *total += f64::from(part);
                }
            }
        }
    }
    let of_weights = std::array::from_fn(|n| {
        (0..shape.channels * 9)
            .map(|i| {
                let (channel, k) = (i / 9, i % 9);
                totals[n * blocks + channel / LANES][k][channel % LANES] as f32
            })
            .collect()
    });

    // A task's part reaches one pixel beyond its rows: parts overlap, and are added in order.
    let of_input = input.then(|| {
        let (height, width) = (shape.height, shape.width);
        let mut dx = vec![0f32; shape.batch * height * width];
        dx.par_chunks_mut(height * width)
            .enumerate()
            .for_each(|(image, dx)| {
                for (chunk, (_, part)) in parts[image * chunks..][..chunks].iter().enumerate() {
                    for (row, part) in part.chunks_exact(width + 2).enumerate() {
                        let y = (chunk * ROWS + row).wrapping_sub(1);
                        if y < height {
                            let to = &mut dx[y * width..][..width];
                            for (to, part) in to.iter_mut().zip(&part[1..]) {
                                *to += part;
                            }
                        }
                    }
                }
            });
        dx
    });
    (of_weights, of_input)
}

struct Backward<'a, const N: usize> {
    shape: &'a MapShape,
    /// With a border.
    x: &'a [f32],
    weights: &'a [Vec<f32>; N],
    gradients: &'a [BehindNorm<'a>; N],
    image: usize,
    first_row: usize,
    input: bool,
}

impl<const N: usize> Kernel for Backward<'_, N> {
    /// Weight gradients `[N, blocks][9]`, and the input's over this task's rows and one more on each side, with a border.
    type Output = (Vec<[[f32; LANES]; 9]>, Vec<f32>);

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> Self::Output {
        let (width, blocks) = (self.shape.width, self.shape.blocks());
        let rows = self.first_row..(self.first_row + ROWS).min(self.shape.height);
        let line = width + 2;
        let image = self.image * (self.shape.height + 2) * line;
        let mut of_weights = Vec::with_capacity(N * blocks);
        let mut of_input = vec![
            0f32;
            if self.input {
                (rows.len() + 2) * line
            } else {
                0
            }
        ];
        for n in 0..N {
            for block in 0..blocks {
                let plane = (self.image * blocks + block) * self.shape.plane();
                // SAFETY: the caller's promise; offsets stay in the bordered image and in the plane.
                unsafe {
                    let gradient = self.gradients[n].block::<L>(block);
                    let mut sums = [L::zero(); 9];
                    for y in rows.clone() {
                        let from = self.x.as_ptr().add(image + y * line);
                        for x in 0..width {
                            let dy = gradient.at(plane + (y * width + x) * LANES);
                            for k in 0..9 {
                                let pixel = L::splat(*from.add(k / 3 * line + x + k % 3));
                                sums[k] = pixel.times_plus(dy, sums[k]);
                            }
                        }
                    }
                    of_weights.push(sums.map(|sum| sum.array()));
                }
            }
        }
        if self.input {
            for y in rows.clone() {
                for x in 0..width {
                    // SAFETY: as above; the part has a border of one pixel.
                    unsafe {
                        let mut sums = [L::zero(); 9];
                        for n in 0..N {
                            for block in 0..blocks {
                                let plane = (self.image * blocks + block) * self.shape.plane();
                                let gradient = self.gradients[n].block::<L>(block);
                                let dy = gradient.at(plane + (y * width + x) * LANES);
                                let kernel = self.weights[n].as_ptr().add(block * 9 * LANES);
                                for k in 0..9 {
                                    let kernel = L::load(kernel.add(k * LANES));
                                    sums[k] = dy.times_plus(kernel, sums[k]);
                                }
                            }
                        }
                        let to = of_input.as_mut_ptr().add((y - rows.start) * line + x);
                        for k in 0..9 {
                            *to.add(k / 3 * line + k % 3) += sums[k].sum();
                        }
                    }
                }
            }
        }
        (of_weights, of_input)
    }
}
