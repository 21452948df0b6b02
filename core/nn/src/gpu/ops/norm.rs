//! Batch norm, layer norm, softmax. Statistics, scales and sums are in f32 whatever the activations are in.

use super::super::array::{Array, Order};
use super::super::launch::{Arg, Grid, Kind, THREADS, int, launch, long};
use super::sums::{column_finish, parts_of};
use super::{arrays, in_order, plain, record_one};
use crate::tape::{Gradient, Value};
use candle_core::{Result, bail};

const NULL: Arg = Arg::Pointer(0);

/// The running statistics of a batch norm where they lie on the GPU.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) mean: Array,
    pub(crate) variance: Array,
    pub(crate) momentum: f64,
}

/// What batch norm does to feature maps.
struct Sizes {
    batch: usize,
    channels: usize,
    plane: usize,
    last: Arg,
}

impl Sizes {
    fn of(x: &Array) -> Self {
        let dims = x.dims();
        Self {
            batch: dims[0],
            channels: dims[1],
            plane: dims[2..].iter().product(),
            last: Arg::Int((x.order() == Order::ChannelsLast) as i32),
        }
    }

    /// Blocks beside each other for the sums of one part: a block sums one channel, or channels that lie side by side.
    fn blocks(&self, x: &Array) -> usize {
        let side_by_side = match (x.order(), x.kind()) {
            (Order::Rows, _) => 1,
            (Order::ChannelsLast, Kind::F32) => 64,
            (Order::ChannelsLast, Kind::Bf16) => 128,
        };
        self.channels.div_ceil(side_by_side)
    }

    fn parts(&self) -> usize {
        // About as many values to a block whatever the number of channels.
        (self.batch * self.plane / 4096).clamp(1, 1024)
    }
}

/// [`crate::batch_norm`]. With `learn` from the batch, whose statistics the running ones move towards; else from the running ones.
pub(crate) fn batch_norm(
    x: &Value,
    weight: &Value,
    bias: &Value,
    running: &Running,
    epsilon: f64,
    learn: bool,
) -> Result<Value> {
    let [array, weight_array, bias_array] = arrays([x, weight, bias])?;
    let (weight_array, bias_array) = (plain(&weight_array)?, plain(&bias_array)?);
    let sizes = Sizes::of(&array);
    let (device, channels) = (array.device(), sizes.channels);
    if weight.dims() != [channels] || bias.dims() != [channels] {
        bail!("batch norm of {:?} over {:?}", weight.dims(), x.dims());
    }
    let per_channel = || Array::rows(device, &[channels], Kind::F32);
    let (mean, inverse, scale, shift) = (
        per_channel()?,
        per_channel()?,
        per_channel()?,
        per_channel()?,
    );
    let epsilon = Arg::Float(epsilon as f32);
    let affine = [weight_array.arg(), bias_array.arg()];
    let to = [mean.arg(), inverse.arg(), scale.arg(), shift.arg()];
    let moving = [running.mean.arg(), running.variance.arg()];
    if learn {
        let parts = sizes.parts();
        let partial = Array::rows(device, &[channels, parts, 3], Kind::F32)?;
        let args = [
            array.arg(),
            partial.arg(),
            int(sizes.batch)?,
            int(channels)?,
            long(sizes.plane),
            int(parts)?,
            sizes.last,
        ];
        let grid = Grid::pairs(sizes.blocks(&array), parts)?;
        launch(device, array.kind(), "moments_partial", grid, &args)?;
        let mut args = vec![partial.arg()];
        args.extend(affine);
        args.extend(to);
        args.extend(moving);
        args.extend([
            Arg::Float(running.momentum as f32),
            epsilon,
            int(channels)?,
            int(parts)?,
        ]);
        launch(
            device,
            Kind::F32,
            "moments_finish",
            Grid::each(channels),
            &args,
        )?;
    } else {
        let mut args = moving.to_vec();
        args.extend(affine);
        args.extend(to);
        args.extend([epsilon, int(channels)?]);
        launch(
            device,
            Kind::F32,
            "moments_running",
            Grid::each(channels),
            &args,
        )?;
    }
    let y = array.like()?;
    let n = array.elem_count();
    let args = [
        array.arg(),
        scale.arg(),
        shift.arg(),
        y.arg(),
        int(channels)?,
        long(sizes.plane),
        sizes.last,
        Arg::Int(0),
        long(n),
    ];
    launch(device, array.kind(), "normalise", Grid::each(n), &args)?;
    Ok(record_one("batch norm", [x, weight, bias], y, move |dy| {
        batch_norm_gradient(&array, &weight_array, &mean, &inverse, learn, &dy)
    }))
}

fn batch_norm_gradient(
    x: &Array,
    weight: &Array,
    mean: &Array,
    inverse: &Array,
    learnt: bool,
    dy: &Array,
) -> Result<[Option<Gradient>; 3]> {
    let sizes = Sizes::of(x);
    let (device, channels, parts) = (x.device(), sizes.channels, sizes.parts());
    let partial = Array::rows(device, &[channels, parts, 2], Kind::F32)?;
    let args = [
        x.arg(),
        NULL,
        dy.arg(),
        mean.arg(),
        inverse.arg(),
        partial.arg(),
        int(sizes.batch)?,
        int(channels)?,
        long(sizes.plane),
        int(parts)?,
        sizes.last,
    ];
    let grid = Grid::pairs(sizes.blocks(x), parts)?;
    launch(device, x.kind(), "norm_gradient_partial", grid, &args)?;
    let per_channel = || Array::rows(device, &[channels], Kind::F32);
    let (dweight, dbias) = (per_channel()?, per_channel()?);
    let factors = [per_channel()?, per_channel()?, per_channel()?];
    let [a, b, c] = factors.each_ref().map(Array::arg);
    let args = [
        partial.arg(),
        weight.arg(),
        mean.arg(),
        inverse.arg(),
        dweight.arg(),
        dbias.arg(),
        a,
        b,
        c,
        Arg::Float((sizes.batch * sizes.plane) as f32),
        int(channels)?,
        int(parts)?,
        Arg::Int(!learnt as i32),
    ];
    launch(
        device,
        Kind::F32,
        "norm_gradient_finish",
        Grid::each(channels),
        &args,
    )?;
    let dx = x.like()?;
    let n = x.elem_count();
    let args = [
        x.arg(),
        NULL,
        dy.arg(),
        a,
        b,
        c,
        dx.arg(),
        int(channels)?,
        long(sizes.plane),
        sizes.last,
        long(n),
    ];
    launch(
        device,
        x.kind(),
        "norm_gradient_apply",
        Grid::each(n),
        &args,
    )?;
    Ok([
        Gradient::fresh(dx),
        Gradient::fresh(dweight),
        Gradient::fresh(dbias),
    ])
}

/// [`crate::layer_norm`].
pub(crate) fn layer_norm(x: &Value, weight: &Value, bias: &Value, epsilon: f64) -> Result<Value> {
    let [array, weight_array, bias_array] = arrays([x, weight, bias])?;
    let array = in_order(&array, Order::Rows)?;
    let (weight_array, bias_array) = (plain(&weight_array)?, plain(&bias_array)?);
    let width = weight.elem_count();
    let rows = array.elem_count() / width.max(1);
    let device = array.device();
    let (mean, inverse) = (
        Array::rows(device, &[rows], Kind::F32)?,
        Array::rows(device, &[rows], Kind::F32)?,
    );
    let y = array.like()?;
    let args = [
        array.arg(),
        weight_array.arg(),
        bias_array.arg(),
        y.arg(),
        mean.arg(),
        inverse.arg(),
        Arg::Float(epsilon as f32),
        int(width)?,
        long(rows),
    ];
    launch(device, array.kind(), "layer_norm", Grid::rows(rows), &args)?;
    Ok(record_one("layer norm", [x, weight, bias], y, move |dy| {
        let (device, kind) = (dy.device(), dy.kind());
        let dx = dy.like()?;
        let args = [
            array.arg(),
            weight_array.arg(),
            mean.arg(),
            inverse.arg(),
            dy.arg(),
            dx.arg(),
            int(width)?,
            long(rows),
        ];
        launch(device, kind, "layer_norm_gradient", Grid::rows(rows), &args)?;
        let parts = parts_of(rows);
        let partial = Array::rows(device, &[parts, 2 * width], Kind::F32)?;
        let args = [
            array.arg(),
            mean.arg(),
            inverse.arg(),
            dy.arg(),
            partial.arg(),
            int(width)?,
            int(parts)?,
            long(rows),
        ];
        let grid = Grid::pairs(width.div_ceil(THREADS), parts)?;
        launch(device, kind, "layer_norm_partial", grid, &args)?;
        let both = column_finish(&partial, 2 * width, parts, &[2, width])?;
        let part = |i: usize| -> Result<Array> {
            let one = Array::rows(device, &[width], Kind::F32)?;
            super::layout::copy(&both, i * width, &[1], &one, 0, &[1], &[width])?;
            Ok(one)
        };
        Ok([
            Gradient::fresh(dx),
            Gradient::fresh(part(0)?),
            Gradient::fresh(part(1)?),
        ])
    }))
}

/// [`crate::softmax`].
pub(crate) fn softmax(x: &Value) -> Result<Value> {
    let [array] = arrays([x])?;
    let array = in_order(&array, Order::Rows)?;
    let width = x.dims().last().copied().unwrap_or(0);
    let y = softmax_of(&array, width, 1.0)?;
    let kept = y.clone();
    Ok(record_one("softmax", [x], y, move |dy| {
        Ok([Gradient::fresh(softmax_gradient(&kept, &dy, width, 1.0)?)])
    }))
}

/// Softmax of rows of `width` numbers, each times `scale`.
pub(super) fn softmax_of(x: &Array, width: usize, scale: f32) -> Result<Array> {
    let y = x.like()?;
    let rows = x.elem_count() / width.max(1);
    let args = [x.arg(), y.arg(), Arg::Float(scale), int(width)?, long(rows)];
    launch(x.device(), x.kind(), "softmax", Grid::rows(rows), &args)?;
    Ok(y)
}

/// The gradient of [`softmax_of`] for its input, from its output.
pub(super) fn softmax_gradient(y: &Array, dy: &Array, width: usize, scale: f32) -> Result<Array> {
    let dx = y.like()?;
    let rows = y.elem_count() / width.max(1);
    let args = [
        y.arg(),
        dy.arg(),
        dx.arg(),
        Arg::Float(scale),
        int(width)?,
        long(rows),
    ];
    launch(
        y.device(),
        y.kind(),
        "softmax_gradient",
        Grid::rows(rows),
        &args,
    )?;
    Ok(dx)
}
