//! The first convolutions of a network: from one plain channel `[batch, height, width]` to blocks of channels, one or two of
//! them (block and shortcut) over the same input at once; and their way back. Kernels of 3×3 and, along time, 3 taps.
#![expect(unsafe_code, reason = "vector instructions and interleaved output")]

use super::buffer::Buffer;
use super::lanes::{Kernel, LANES, Lanes, dispatch};
use super::shared::Shared;
use super::winograd::{Source, SourceBlock, TaskSums};
use crate::element::ConvShape;
use rayon::prelude::*;
use std::ops::Range;

/// Rows and columns of an image in one task.
const TILE: [usize; 2] = [8, 1024];

/// Whether a convolution from one plain channel is one that is done here.
pub(crate) fn takes(shape: &ConvShape) -> bool {
    shape.in_channels == 1 && [9, 3].contains(&(shape.kernel[0] * shape.kernel[1]))
}

/// How a convolution's output falls into tasks, and where they read.
struct Plan {
    batch: usize,
    /// Blocks of output channels.
    blocks: usize,
    /// Height and width: of the input with its border of zeros, and of the output.
    bordered: [usize; 2],
    out: [usize; 2],
    padding: [usize; 2],
    stride: [usize; 2],
    /// Rows and columns of tasks in an image.
    tasks: [usize; 2],
    /// Where the taps stand in a bordered image, seen from the first.
    taps: Vec<usize>,
}

impl Plan {
    fn new(shape: &ConvShape) -> Self {
        let bordered = [0, 1].map(|axis| shape.input[axis] + 2 * shape.padding[axis]);
        let out = shape.output().unwrap_or([0, 0]);
        let [down, across] = shape.dilation;
        Self {
            batch: shape.batch,
            blocks: shape.out_channels.div_ceil(LANES),
            bordered,
            out,
            padding: shape.padding,
            stride: shape.stride,
            tasks: [0, 1].map(|axis| out[axis].div_ceil(TILE[axis])),
            taps: (0..shape.kernel[0])
                .flat_map(|row| (0..shape.kernel[1]).map(move |column| (row, column)))
                .map(|(row, column)| row * down * bordered[1] + column * across)
                .collect(),
        }
    }

    fn n_tasks(&self) -> usize {
        self.batch * self.tasks[0] * self.tasks[1]
    }

    fn task(&self, task: usize) -> Task {
        let [down, across] = self.tasks;
        let range = |axis: usize, i: usize| {
            let first = i * TILE[axis];
            first..(first + TILE[axis]).min(self.out[axis])
        };
        Task {
            image: task / (down * across),
            rows: range(0, task / across % down),
            columns: range(1, task % across),
        }
    }

    /// Numbers of a task's part of the bordered input's gradient: rows, columns.
    fn part(&self, task: &Task) -> [usize; 2] {
        let last = self.taps.last().copied().unwrap_or(0);
        let reach = [last / self.bordered[1], last % self.bordered[1]];
        [
            (task.rows.len() - 1) * self.stride[0] + reach[0] + 1,
            (task.columns.len() - 1) * self.stride[1] + reach[1] + 1,
        ]
    }

    /// Where the first output of a row of a task reads, in the bordered images.
    fn start(&self, task: &Task, row: usize) -> usize {
        let [height, width] = self.bordered;
        (task.image * height + row * self.stride[0]) * width + task.columns.start * self.stride[1]
    }

    /// Where a row of a task lies in the maps of a block.
    fn offset(&self, task: &Task, block: usize, row: usize) -> usize {
        let [height, width] = self.out;
        let plane = task.image * self.blocks + block;
        ((plane * height + row) * width + task.columns.start) * LANES
    }

    /// Images with a border of zeros.
    fn with_border(&self, x: &[f32]) -> Vec<f32> {
        let [height, width] = self.bordered;
        let [above, left] = self.padding;
        let mut to = vec![0.0; self.batch * height * width];
        let inner = [height - 2 * above, width - 2 * left];
        for (image, to) in x
            .chunks_exact(inner[0] * inner[1])
            .zip(to.chunks_exact_mut(height * width))
        {
            for (row, to) in image
                .chunks_exact(inner[1])
                .zip(to[above * width..].chunks_exact_mut(width))
            {
                to[left..left + inner[1]].copy_from_slice(row);
            }
        }
        to
    }

    /// Weights `[channels, 1, taps]` as `[blocks, taps, 16]`.
    fn blocked(&self, weight: &[f32]) -> Vec<f32> {
        let n = self.taps.len();
        let mut to = vec![0.0; self.blocks * n * LANES];
        for (channel, kernel) in weight.chunks_exact(n).enumerate() {
            for (k, &value) in kernel.iter().enumerate() {
                to[(channel / LANES * n + k) * LANES + channel % LANES] = value;
            }
        }
        to
    }
}

/// Output pixels of one image.
struct Task {
    image: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Convolves `x` with each of `weights` into maps, with sums for their statistics, task by task.
pub(crate) fn forward<const N: usize>(
    shape: &ConvShape,
    x: &[f32],
    weights: [&[f32]; N],
) -> [(Buffer, Vec<TaskSums>); N] {
    let plan = Plan::new(shape);
    let x = plan.with_border(x);
    let len = plan.batch * plan.blocks * plan.out[0] * plan.out[1] * LANES;
    weights.map(|weight| {
        let weight = plan.blocked(weight);
        let mut sums = Vec::new();
        // SAFETY: the tasks write every pixel of every block of every image.
        let maps = unsafe {
            Buffer::filled(len, |to| {
                sums = (0..plan.n_tasks())
                    .into_par_iter()
                    .map(|task| {
                        dispatch(Forward {
                            plan: &plan,
                            x: &x,
                            weight: &weight,
                            task: plan.task(task),
                            to,
                        })
                    })
                    .collect();
            })
        };
        (maps, sums)
    })
}

struct Forward<'a> {
    plan: &'a Plan,
    /// With a border.
    x: &'a [f32],
    weight: &'a [f32],
    task: Task,
    to: Shared<f32>,
}

impl Kernel for Forward<'_> {
    type Output = TaskSums;

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> TaskSums {
        // SAFETY: the caller's promise.
        unsafe {
            match self.plan.taps.len() {
                9 => self.taps::<L, 9>(),
                _ => self.taps::<L, 3>(),
            }
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    unsafe fn taps<L: Lanes, const TAPS: usize>(self) -> TaskSums {
        let (plan, task) = (self.plan, &self.task);
        let places: [usize; TAPS] = std::array::from_fn(|k| plan.taps[k]);
        let stride = plan.stride[1];
        let mut all_sums = vec![[[0.0; LANES]; 3]; plan.blocks];
        for (block, sums) in all_sums.iter_mut().enumerate() {
            // SAFETY: the caller's promise; offsets stay in the bordered image and in the plane.
            unsafe {
                let mut kernel = [L::zero(); TAPS];
                for (k, kernel) in kernel.iter_mut().enumerate() {
                    *kernel = L::load(self.weight.as_ptr().add((block * TAPS + k) * LANES));
                }
                let (mut pivot, mut sum, mut square) = (L::zero(), L::zero(), L::zero());
                for y in task.rows.clone() {
                    let from = self.x.as_ptr().add(plan.start(task, y));
                    let to = self.to.pointer(plan.offset(task, block, y));
                    for x in 0..task.columns.len() {
                        let from = from.add(x * stride);
                        let mut value = L::zero();
                        for k in 0..TAPS {
                            let pixel = L::splat(*from.add(places[k]));
                            value = pixel.times_plus(kernel[k], value);
                        }
                        value.store(to.add(x * LANES));
                        if x == 0 && y == task.rows.start {
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
            n_pixels: task.rows.len() * task.columns.len(),
        }
    }
}

/// Gradients of the weights (each `[channels, 1, taps]`) and, if `input` asks for it, of the input `[batch, height, width]`.
pub(crate) fn backward<G: Source, const N: usize>(
    shape: &ConvShape,
    x: &[f32],
    weights: [&[f32]; N],
    gradients: [G; N],
    input: bool,
) -> ([Vec<f32>; N], Option<Vec<f32>>) {
    let plan = Plan::new(shape);
    let x = plan.with_border(x);
    let weights = weights.map(|weight| plan.blocked(weight));
    let parts: Vec<(Vec<[f32; LANES]>, Vec<f32>)> = (0..plan.n_tasks())
        .into_par_iter()
        .map(|task| {
            dispatch(Backward {
                plan: &plan,
                x: &x,
                weights: &weights,
                gradients: &gradients,
                task: plan.task(task),
                input,
            })
        })
        .collect();

    let n_taps = plan.taps.len();
    let mut totals = vec![[0f64; LANES]; N * plan.blocks * n_taps];
    for (part, _) in &parts {
        for (total, part) in totals.iter_mut().zip(part) {
            for (total, &part) in total.iter_mut().zip(part) {
                *total += f64::from(part);
            }
        }
    }
    let of_weights = std::array::from_fn(|n| {
        (0..shape.out_channels * n_taps)
            .map(|i| {
                let (channel, k) = (i / n_taps, i % n_taps);
                let block = n * plan.blocks + channel / LANES;
                totals[block * n_taps + k][channel % LANES] as f32
            })
            .collect()
    });
    let of_input = input.then(|| {
        let [height, width] = shape.input;
        let mut dx = vec![0f32; shape.batch * height * width];
        let per_image = plan.tasks[0] * plan.tasks[1];
        dx.par_chunks_mut((height * width).max(1))
            .enumerate()
            .for_each(|(image, dx)| {
                for task in image * per_image..(image + 1) * per_image {
                    add_part(&plan, &plan.task(task), &parts[task].1, dx, width);
                }
            });
        dx
    });
    (of_weights, of_input)
}

/// Adds a task's part of the input's gradient to its image. A part reaches beyond the task's pixels: parts overlap, and are added in order.
fn add_part(plan: &Plan, task: &Task, part: &[f32], dx: &mut [f32], width: usize) {
    let [_, columns] = plan.part(task);
    let left = task.columns.start * plan.stride[1];
    for (row, part) in part.chunks_exact(columns).enumerate() {
        let y = (task.rows.start * plan.stride[0] + row).wrapping_sub(plan.padding[0]);
        let Some(dx) = dx.chunks_exact_mut(width).nth(y) else {
            continue;
        };
        // The part of the row that lies in the image.
        let outside = plan.padding[1].saturating_sub(left).min(columns);
        let start = (left + outside - plan.padding[1]).min(width);
        for (to, part) in dx[start..].iter_mut().zip(&part[outside..]) {
            *to += part;
        }
    }
}

struct Backward<'a, G, const N: usize> {
    plan: &'a Plan,
    /// With a border.
    x: &'a [f32],
    weights: &'a [Vec<f32>; N],
    gradients: &'a [G; N],
    task: Task,
    input: bool,
}

impl<G: Source, const N: usize> Kernel for Backward<'_, G, N> {
    /// Weight gradients `[N, blocks, taps]`, and the input's around this task's pixels.
    type Output = (Vec<[f32; LANES]>, Vec<f32>);

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> Self::Output {
        // SAFETY: the caller's promise.
        unsafe {
            match self.plan.taps.len() {
                9 => self.taps::<L, 9>(),
                _ => self.taps::<L, 3>(),
            }
        }
    }
}

impl<G: Source, const N: usize> Backward<'_, G, N> {
    #[inline(always)]
    unsafe fn taps<L: Lanes, const TAPS: usize>(self) -> (Vec<[f32; LANES]>, Vec<f32>) {
        let (plan, task) = (self.plan, &self.task);
        let places: [usize; TAPS] = std::array::from_fn(|k| plan.taps[k]);
        let stride = plan.stride[1];
        let mut of_weights = Vec::with_capacity(N * plan.blocks * TAPS);
        for n in 0..N {
            for block in 0..plan.blocks {
                // SAFETY: the caller's promise; offsets stay in the bordered image and in the plane.
                unsafe {
                    let gradient = self.gradients[n].block::<L>(block);
                    let mut sums = [L::zero(); TAPS];
                    for y in task.rows.clone() {
                        let from = self.x.as_ptr().add(plan.start(task, y));
                        let offset = plan.offset(task, block, y);
                        for x in 0..task.columns.len() {
                            let dy = gradient.at(offset + x * LANES);
                            let from = from.add(x * stride);
                            for k in 0..TAPS {
                                let pixel = L::splat(*from.add(places[k]));
                                sums[k] = pixel.times_plus(dy, sums[k]);
                            }
                        }
                    }
                    of_weights.extend(sums.map(|sum| sum.array()));
                }
            }
        }
        if !self.input {
            return (of_weights, Vec::new());
        }
        let [height, width] = plan.part(task);
        // The same places in the part.
        let places =
            places.map(|place| place / plan.bordered[1] * width + place % plan.bordered[1]);
        let mut of_input = vec![0f32; height * width];
        for y in task.rows.clone() {
            for x in 0..task.columns.len() {
                // SAFETY: as above; the part reaches as far as the taps.
                unsafe {
                    let mut sums = [L::zero(); TAPS];
                    for n in 0..N {
                        for block in 0..plan.blocks {
                            let gradient = self.gradients[n].block::<L>(block);
                            let dy = gradient.at(plan.offset(task, block, y) + x * LANES);
                            let kernel = self.weights[n].as_ptr().add(block * TAPS * LANES);
                            for k in 0..TAPS {
                                let kernel = L::load(kernel.add(k * LANES));
                                sums[k] = dy.times_plus(kernel, sums[k]);
                            }
                        }
                    }
                    let row = (y - task.rows.start) * plan.stride[0];
                    let to = of_input.as_mut_ptr().add(row * width + x * stride);
                    for k in 0..TAPS {
                        *to.add(places[k]) += sums[k].sum();
                    }
                }
            }
        }
        (of_weights, of_input)
    }
}
