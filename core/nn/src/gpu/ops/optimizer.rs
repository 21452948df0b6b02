//! Steps of the optimizers, in f32 and in place.

use super::super::array::Array;
use super::super::launch::{Arg, Grid, Kind, launch, long};
use super::{in_kind, in_order, plain};
use crate::gpu::Order;
use candle_core::{Result, bail};

/// The factors of a step of Adam, as `crate::adam` computes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamRule {
    pub(crate) share_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) share_2: f32,
    pub(crate) epsilon: f32,
    pub(crate) weight_decay: f32,
    pub(crate) keep: f32,
    pub(crate) step: f32,
    pub(crate) correction: f32,
}

/// The factors of a step of gradient descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdRule {
    pub(crate) momentum: f32,
    pub(crate) weight_decay: f32,
    pub(crate) learning_rate: f32,
    /// Whether it goes where the sum of gradients will point.
    pub(crate) nesterov: bool,
}

/// Zeros, for a state that begins.
pub(crate) fn zeros_like(value: &Array) -> Result<Array> {
    value.zeros_like()
}

/// Changes a parameter and its two running means by its gradient.
pub(crate) fn adam(
    rule: AdamRule,
    value: &Array,
    gradient: &Array,
    [mean, square]: [&Array; 2],
) -> Result<()> {
    let gradient = plain(gradient)?;
    check(value, [&gradient, mean, square])?;
    let n = value.elem_count();
    let mut args: Vec<Arg> = [value, &gradient, mean, square].map(Array::arg).into();
    args.extend(
        [
            rule.share_1,
            rule.beta_2,
            rule.share_2,
            rule.epsilon,
            rule.weight_decay,
            rule.keep,
            rule.step,
            rule.correction,
        ]
        .map(Arg::Float),
    );
    args.push(long(n));
    launch(value.device(), Kind::F32, "adam", Grid::each(n), &args)
}

/// Changes a parameter and its velocity, if there is momentum, by its gradient.
pub(crate) fn sgd(
    rule: SgdRule,
    value: &Array,
    gradient: &Array,
    velocity: Option<&Array>,
) -> Result<()> {
    let gradient = in_order(&in_kind(gradient, Kind::F32)?, Order::Rows)?;
    check(value, [&gradient, velocity.unwrap_or(value)])?;
    let n = value.elem_count();
    let args = [
        value.arg(),
        gradient.arg(),
        velocity.map_or(Arg::Pointer(0), Array::arg),
        Arg::Float(rule.momentum),
        Arg::Float(rule.weight_decay),
        Arg::Float(rule.learning_rate),
        Arg::Int(rule.nesterov as i32),
        long(n),
    ];
    launch(value.device(), Kind::F32, "sgd", Grid::each(n), &args)
}

/// Fails unless all are in f32 and as many as `value`.
fn check<const N: usize>(value: &Array, others: [&Array; N]) -> Result<()> {
    let fits = |array: &Array| {
        array.kind() == Kind::F32
            && array.order() == Order::Rows
            && array.elem_count() == value.elem_count()
    };
    if fits(value) && others.into_iter().all(fits) {
        return Ok(());
    }
    bail!("the optimizer's state has another size");
}
