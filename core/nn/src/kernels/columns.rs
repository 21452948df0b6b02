//! The input of a convolution as columns, one per output pixel, and back: a convolution is a matrix product between the two.

use crate::element::ConvShape;

/// Neighbouring output pixels of one output row, and the input numbers that one tap of the kernel meets there.
struct Run {
    /// Its first pixel, counted from the first of all.
    start: usize,
    /// Its pixels.
    len: usize,
    /// Pixels before the tap enters the input; `len` if it stays outside.
    left: usize,
    /// Pixels with the tap inside of the input.
    inside: usize,
    /// The number that it meets first, in the image; each next one lies a stride further.
    from: usize,
}

/// Calls `visit` for all runs of the output pixels `first..first + pixels`, for row `row` (channel and tap) of the columns.
fn each_run(
    shape: &ConvShape,
    row: usize,
    first: usize,
    pixels: usize,
    mut visit: impl FnMut(Run),
) {
    let Some([_, out_width]) = shape.output() else {
        return;
    };
    let ([height, width], [kernel_height, kernel_width]) = (shape.input, shape.kernel);
    let (kw, kh, channel) = (
        row % kernel_width,
        row / kernel_width % kernel_height,
        row / (kernel_width * kernel_height),
    );
    let stride = shape.stride[1];
    let mut start = 0;
    while start < pixels {
        // As many pixels as lie in one output row.
        let (oh, ow) = ((first + start) / out_width, (first + start) % out_width);
        let len = (out_width - ow).min(pixels - start);
        let h = oh * shape.stride[0] + kh * shape.dilation[0];
        let mut run = Run {
            start,
            len,
            left: len,
            inside: 0,
            from: 0,
        };
        start += len;
        if h >= shape.padding[0] && h - shape.padding[0] < height {
            // Where the tap stands at the first pixel, counted from the left border of the padding.
            let at = ow * stride + kw * shape.dilation[1];
            let (before, end) = (shape.padding[1], shape.padding[1] + width);
            let left = before.saturating_sub(at).div_ceil(stride).min(len);
            let inside = end.saturating_sub(at + left * stride).div_ceil(stride);
            if left < len && inside > 0 {
                run.left = left;
                run.inside = inside.min(len - left);
                run.from =
                    (channel * height + h - shape.padding[0]) * width + at + left * stride - before;
            }
        }
        visit(run);
    }
}

/// Columns `[depth, pixels]` of the output pixels `first..first + pixels` of one image `[channels, height, width]`.
pub(super) fn columns(
    shape: &ConvShape,
    image: &[f32],
    first: usize,
    pixels: usize,
    columns: &mut [f32],
) {
    let stride = shape.stride[1];
    for (row, to) in columns.chunks_exact_mut(pixels).enumerate() {
        each_run(shape, row, first, pixels, |run| {
            let to = &mut to[run.start..run.start + run.len];
            let (left, to) = to.split_at_mut(run.left);
            let (to, right) = to.split_at_mut(run.inside);
            left.fill(0.0);
            right.fill(0.0);
            if stride == 1 {
                to.copy_from_slice(&image[run.from..run.from + run.inside]);
            } else {
                for (to, from) in to.iter_mut().zip(image[run.from..].iter().step_by(stride)) {
                    *to = *from;
                }
            }
        });
    }
}

/// Adds columns back to the pixels they came from: the transpose of [`columns`].
pub(super) fn add_columns(
    shape: &ConvShape,
    columns: &[f32],
    first: usize,
    pixels: usize,
    image: &mut [f32],
) {
    let stride = shape.stride[1];
    for (row, from) in columns.chunks_exact(pixels).enumerate() {
        each_run(shape, row, first, pixels, |run| {
            let from = &from[run.start + run.left..][..run.inside];
            if stride == 1 {
                for (to, from) in image[run.from..].iter_mut().zip(from) {
                    *to += *from;
                }
            } else {
                for (to, from) in image[run.from..].iter_mut().step_by(stride).zip(from) {
                    *to += *from;
                }
            }
        });
    }
}
