//! Convolution of plain tensors, of any kernel, stride, padding and dilation. Equals `plain::conv`.
//!
//! With some channels on both sides it goes by blocks of channels ([`super::convolution`]): turning the layout there and back is
//! little beside the products. Otherwise it takes the columns of a tile of pixels, then a matrix product.
#![expect(unsafe_code, reason = "tasks write interleaved parts of one image")]

use super::buffer::filled_vec;
use super::columns::{add_columns, columns};
use super::convolution::Convolution;
use super::maps::{from_planes, padded, to_planes};
use super::matmul;
use super::shared::Shared;
use super::sinks::{Store, WithBias};
use super::sources::Plain;
use super::units::filled;
use crate::element::{ConvShape, Matrix};
use rayon::prelude::*;
use std::ops::Range;

/// Output pixels of a tile: their columns for 128 channels of 3×3 (2.4 MB) go through the second-level cache in pieces.
const TILE: usize = 512;

/// How many partial sums of a weight gradient are kept; they are added in order.
const PARTS: usize = 8;

/// How many times fewer inputs than outputs a convolution has, for its input gradient to go by the columns of the inputs. For two clips
/// of Musicnn's kernels of 67 × 7, on two cores of an AMD EPYC, that is 0.2 s instead of 7.7 s.
const FEWER: usize = 4;

/// From how many channels on both sides on a convolution goes by blocks.
const FOR_BLOCKS: usize = 12;

/// The convolution by blocks of channels, if that is faster.
fn by_blocks(shape: &ConvShape) -> Option<Convolution> {
    (shape.in_channels.min(shape.out_channels) >= FOR_BLOCKS && !is_product(shape))
        .then(|| Convolution::new(*shape))
        .flatten()
}

/// Whether the columns would be the planes as they lie: a kernel of one pixel is a matrix product of channels with nothing to turn or copy.
fn is_product(shape: &ConvShape) -> bool {
    shape.kernel == [1, 1] && shape.stride == [1, 1] && shape.padding == [0, 0]
}

/// Runs `work` with the columns `[depth, pixels]` of some output pixels of an image; `buffer` is memory for them.
fn with_columns<R>(
    shape: &ConvShape,
    image: &[f32],
    pixels: Range<usize>,
    buffer: &mut Vec<f32>,
    work: impl FnOnce(Matrix<'_, f32>) -> R,
) -> R {
    if is_product(shape) {
        return work(Matrix {
            data: &image[pixels.start..],
            row_stride: shape.in_plane(),
            column_stride: 1,
        });
    }
    buffer.resize(shape.depth() * pixels.len(), 0.0);
    columns(shape, image, pixels.start, pixels.len(), buffer);
    work(Matrix::rows(buffer, pixels.len()))
}

/// Output `[batch, out channels, height, width]`.
pub(crate) fn forward(
    shape: &ConvShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let Some(conv) = by_blocks(shape) else {
        return by_columns(shape, x, weight, bias);
    };
    let (from, to) = (conv.from(), conv.to());
    let bias = padded(bias.into_iter().flatten().copied(), to.blocks());
    let x = from_planes(&from, x);
    let y = filled(&to, |to| {
        conv.forward(weight, &Plain(&x), &WithBias { to, bias: &bias });
    });
    to_planes(&to, &y)
}

fn by_columns(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (plane, depth, outs) = (shape.out_plane(), shape.depth(), shape.out_channels);
    let tiles = plane.div_ceil(TILE);
    let image_len = shape.in_channels * shape.in_plane();
    let fill = |y: Shared<f32>| {
        (0..shape.batch * tiles)
            .into_par_iter()
            .for_each_init(Vec::new, |buffer, task| {
                let (b, first) = (task / tiles, task % tiles * TILE);
                let pixels = TILE.min(plane - first);
                for o in 0..outs {
                    // SAFETY: this task alone writes these pixels of this image.
                    let row = unsafe { y.part((b * outs + o) * plane + first, pixels) };
                    row.fill(bias.map_or(0.0, |bias| bias[o]));
                }
                let to = y.pointer(b * outs * plane + first);
                let image = &x[b * image_len..][..image_len];
                let weight = Matrix::rows(weight, depth);
                with_columns(shape, image, first..first + pixels, buffer, |columns| {
                    // SAFETY: as above; the rows of `outs` channels lie a plane apart.
                    unsafe {
                        matmul::to_pointer(outs, pixels, depth, weight, columns, to, plane, 1.0);
                    }
                });
            });
    };
    // SAFETY: the tasks have all pixels of all images.
    unsafe { filled_vec(shape.batch * outs * plane, fill) }.0
}

/// Gradient for the input.
pub(crate) fn input_gradient(shape: &ConvShape, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    if let Some(conv) = by_blocks(shape) {
        let (from, to) = (conv.from(), conv.to());
        let dy = from_planes(&to, dy);
        let dx = filled(&from, |to| {
            conv.input_gradient(weight, &Plain(&dy), &Store { to });
        });
        return to_planes(&from, &dx);
    }
    let (plane, depth, outs) = (shape.out_plane(), shape.depth(), shape.out_channels);
    let mut dx = vec![0.0; shape.batch * shape.in_channels * shape.in_plane()];
    if plane == 0 || dx.is_empty() {
        return dx;
    }
    // With stride 1 it is the convolution of `dy` with the kernel turned round: no scattered additions. But its columns are those of
    // the outputs: where these are many more than the inputs, adding up the columns of the inputs is far less work.
    if shape.stride == [1, 1]
        && (is_product(shape) || shape.out_channels < FEWER * shape.in_channels)
        && let Some(turned) = turned(shape)
    {
        return by_columns(&turned, dy, &turned_weight(shape, weight), None);
    }
    // Tiles of one image overlap in the input: a task takes some channels of one image, whole.
    let per_channel = depth / shape.in_channels;
    let group = 8.min(shape.in_channels);
    let groups = shape.in_channels.div_ceil(group);
    let shared = Shared::new(&mut dx);
    (0..shape.batch * groups)
        .into_par_iter()
        .for_each_init(Vec::new, |buffer, task| {
            let (b, channel) = (task / groups, task % groups * group);
            let channels = group.min(shape.in_channels - channel);
            let part = channels * shape.in_plane();
            // SAFETY: this task alone writes these channels of this image.
            let image =
                unsafe { shared.part((b * shape.in_channels + channel) * shape.in_plane(), part) };
            for first in (0..plane).step_by(TILE) {
                let pixels = TILE.min(plane - first);
                buffer.clear();
                buffer.resize(channels * per_channel * pixels, 0.0);
                let weight = Matrix {
                    data: &weight[channel * per_channel..],
                    row_stride: 1,
                    column_stride: depth,
                };
                let dy = Matrix {
                    data: &dy[b * outs * plane + first..],
                    row_stride: plane,
                    column_stride: 1,
                };
                matmul::single(
                    channels * per_channel,
                    pixels,
                    outs,
                    weight,
                    dy,
                    buffer,
                    pixels,
                );
                let shape = ConvShape {
                    in_channels: channels,
                    ..*shape
                };
                add_columns(&shape, buffer, first, pixels, image);
            }
        });
    dx
}

/// The convolution whose output is the input gradient of `shape`; `None` if its padding would be negative.
fn turned(shape: &ConvShape) -> Option<ConvShape> {
    let padding = |axis: usize| {
        (shape.dilation[axis] * (shape.kernel[axis] - 1)).checked_sub(shape.padding[axis])
    };
    Some(ConvShape {
        in_channels: shape.out_channels,
        out_channels: shape.in_channels,
        input: shape.output()?,
        padding: [padding(0)?, padding(1)?],
        ..*shape
    })
}

/// Weights for [`turned`]: channels exchanged, kernel turned by half a turn.
fn turned_weight(shape: &ConvShape, weight: &[f32]) -> Vec<f32> {
    let area = shape.kernel[0] * shape.kernel[1];
    let mut turned = Vec::with_capacity(weight.len());
    for i in 0..shape.in_channels {
        for o in 0..shape.out_channels {
            let kernel = &weight[(o * shape.in_channels + i) * area..][..area];
            turned.extend(kernel.iter().rev());
        }
    }
    turned
}

/// Gradient for the weights `[out channels, in channels, kernel height, kernel width]`.
pub(crate) fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    if let Some(conv) = by_blocks(shape) {
        let (x, dy) = (from_planes(&conv.from(), x), from_planes(&conv.to(), dy));
        return conv.weight_gradient(&Plain(&x), &Plain(&dy));
    }
    let (plane, depth, outs) = (shape.out_plane(), shape.depth(), shape.out_channels);
    let image_len = shape.in_channels * shape.in_plane();
    let tiles = plane.div_ceil(TILE);
    let tasks = shape.batch * tiles;
    let parts = PARTS.min(tasks).max(1);
    let mut sums = vec![0.0; parts * outs * depth];
    sums.par_chunks_mut((outs * depth).max(1))
        .enumerate()
        .for_each(|(part, sum)| {
            let mut buffer = Vec::new();
            for task in (part..tasks).step_by(parts) {
                let (b, first) = (task / tiles, task % tiles * TILE);
                let pixels = TILE.min(plane - first);
                let dy = Matrix {
                    data: &dy[b * outs * plane + first..],
                    row_stride: plane,
                    column_stride: 1,
                };
                let image = &x[b * image_len..][..image_len];
                with_columns(
                    shape,
                    image,
                    first..first + pixels,
                    &mut buffer,
                    |columns| {
                        matmul::single(outs, depth, pixels, dy, columns.t(), sum, depth);
                    },
                );
            }
        });
    let (total, rest) = sums.split_at_mut(outs * depth);
    for part in rest.chunks_exact(total.len().max(1)) {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    sums.truncate(outs * depth);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    fn draw(n: usize, track: u64) -> Vec<f32> {
        let mut draws = Address::new(5, Purpose::Check, track).stream();
        (0..n).map(|_| draws.normal()).collect()
    }

    fn assert_close(found: &[f32], expected: &[f64], what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(0f64, |a, b| a.max(b.abs()));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() <= 2e-6 * largest,
                "{what}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn every_kind_of_convolution_gives_the_plain_result() {
        let base = ConvShape {
            batch: 2,
            in_channels: 3,
            out_channels: 5,
            input: [13, 41],
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
        };
        let shapes = [
            base,
            ConvShape {
                in_channels: 1,
                ..base
            },
            ConvShape {
                in_channels: 16,
                out_channels: 16,
                input: [32, 39],
                ..base
            },
            ConvShape {
                in_channels: 24,
                out_channels: 40,
                input: [8, 53],
                ..base
            },
            ConvShape {
                in_channels: 128,
                out_channels: 128,
                input: [6, 20],
                batch: 1,
                ..base
            },
            ConvShape {
                stride: [2, 3],
                ..base
            },
            ConvShape {
                padding: [0, 2],
                kernel: [2, 4],
                ..base
            },
            ConvShape {
                dilation: [2, 3],
                padding: [2, 3],
                ..base
            },
            ConvShape {
                kernel: [1, 1],
                padding: [0, 0],
                ..base
            },
            ConvShape {
                kernel: [1, 1],
                padding: [2, 2],
                ..base
            },
            ConvShape {
                input: [1, 70],
                kernel: [1, 3],
                stride: [1, 3],
                padding: [0, 0],
                ..base
            },
            ConvShape {
                input: [1, 1],
                stride: [2, 2],
                ..base
            },
            // By blocks of channels.
            ConvShape {
                in_channels: 18,
                out_channels: 33,
                stride: [2, 3],
                dilation: [2, 1],
                ..base
            },
            ConvShape {
                in_channels: 150,
                out_channels: 20,
                kernel: [1, 7],
                padding: [0, 3],
                input: [1, 90],
                ..base
            },
            ConvShape {
                in_channels: 17,
                out_channels: 140,
                kernel: [4, 2],
                stride: [5, 1],
                padding: [0, 0],
                ..base
            },
            // Few inputs, many outputs: the front ends of Musicnn.
            ConvShape {
                in_channels: 1,
                out_channels: 9,
                input: [24, 70],
                kernel: [17, 7],
                padding: [0, 3],
                ..base
            },
            ConvShape {
                in_channels: 1,
                out_channels: 6,
                input: [1, 700],
                kernel: [1, 65],
                padding: [0, 32],
                ..base
            },
            // A kernel that stands in the padding alone at both ends.
            ConvShape {
                input: [2, 5],
                kernel: [2, 2],
                stride: [3, 2],
                padding: [4, 7],
                ..base
            },
        ];
        for shape in shapes {
            let what = format!("{shape:?}");
            let x = draw(shape.batch * shape.in_channels * shape.in_plane(), 1);
            let weight = draw(shape.out_channels * shape.depth(), 2);
            let bias = draw(shape.out_channels, 3);
            let dy = draw(shape.batch * shape.out_channels * shape.out_plane(), 4);
            let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (x64, weight64, dy64) = (wide(&x), wide(&weight), wide(&dy));
            assert_close(
                &forward(&shape, &x, &weight, Some(&bias)),
                &plain::conv::forward(&shape, &x64, &weight64, Some(&wide(&bias))),
                &what,
            );
            assert_close(
                &input_gradient(&shape, &weight, &dy),
                &plain::conv::input_gradient(&shape, &weight64, &dy64),
                &what,
            );
            assert_close(
                &weight_gradient(&shape, &x, &dy),
                &plain::conv::weight_gradient(&shape, &x64, &dy64),
                &what,
            );
        }
    }
}
