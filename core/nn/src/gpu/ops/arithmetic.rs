//! Sums, differences and products, also of a small tensor spread over a larger one; gradients that come together.

use super::super::array::{Array, Order};
use super::super::launch::{Arg, Grid, int, launch, long};
use super::layout::{axes_by_density, strides};
use super::{arrays, in_kind, in_order, on, record_one};
use crate::numbers::Numbers;
use crate::tape::{Gradient, Value};
use candle_core::{Result, bail};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sum,
    Difference,
    Product,
}

/// [`crate::add`], [`crate::sub`] or [`crate::mul`], by their name on the tape; `b` may have 1 where `a` has more.
pub(crate) fn arithmetic(name: &'static str, a: &Value, b: &Value) -> Result<Value> {
    let (kind, kernel) = match name {
        "sum" => (Kind::Sum, "spread_sum"),
        "difference" => (Kind::Difference, "spread_difference"),
        _ => (Kind::Product, "spread_product"),
    };
    let fits = a.rank() == b.rank()
        && a.dims()
            .iter()
            .zip(b.dims())
            .all(|(&n, &n_b)| n_b == n || n_b == 1);
    if !fits {
        bail!(
            "{name} of tensors of shapes {:?} and {:?}",
            a.dims(),
            b.dims()
        );
    }
    let [a_array, b_array] = arrays([a, b])?;
    let equal = a.dims() == b.dims();
    // A tensor of the same shape comes in the same order; a smaller one lies row-major, which a larger one in channels-last order must agree with.
    let agrees = equal || a_array.order() == Order::Rows || kept_in_order(a.dims(), b.dims());
    let a_array = if agrees {
        a_array
    } else {
        in_order(&a_array, Order::Rows)?
    };
    let b_order = if equal { a_array.order() } else { Order::Rows };
    let b_kind = b_array.kind();
    let b_array = in_order(&in_kind(&b_array, a_array.kind())?, b_order)?;
    let spread = Spread::of(&a_array, &b_array);
    let y = spread.map(kernel, &a_array, &b_array)?;
    let needs = [a.is_recorded(), b.is_recorded()];
    Ok(record_one(name, [a, b], y, move |dy| {
        let da = match kind {
            _ if !needs[0] => None,
            Kind::Sum | Kind::Difference => Gradient::shared(dy.clone()),
            Kind::Product => Gradient::fresh(spread.map("spread_product", &dy, &b_array)?),
        };
        if !needs[1] {
            return Ok([da, None]);
        }
        let db = match kind {
            // Shared with `da`, unless it is converted; then it counts as shared all the same.
            Kind::Sum if equal => return Ok([da, Gradient::shared(in_kind(&dy, b_kind)?)]),
            Kind::Sum => spread.sums(&dy, None, 1.0, &b_array)?,
            Kind::Difference => spread.sums(&dy, None, -1.0, &b_array)?,
            Kind::Product if equal => spread.map("spread_product", &dy, &a_array)?,
            Kind::Product => spread.sums(&dy, Some(&a_array), 1.0, &b_array)?,
        };
        Ok([da, Gradient::fresh(in_kind(&db, b_kind)?)])
    }))
}

/// Whether the axes that `b` has more than one place on follow each other in channels-last order as they do row-major.
fn kept_in_order(dims: &[usize], dims_b: &[usize]) -> bool {
    let axes = axes_by_density(dims.len(), Order::ChannelsLast);
    let kept: Vec<usize> = axes.into_iter().filter(|&axis| dims_b[axis] > 1).collect();
    kept.is_sorted()
}

/// How `b` is spread over `a`: the axes of `a` as they lie, in groups that `b` has, or does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spread {
    /// Size, and whether `b` has it.
    groups: Vec<(usize, bool)>,
}

/// Groups that the kernels count along.
const GROUPS: usize = 4;

impl Spread {
    fn of(a: &Array, b: &Array) -> Self {
        Self::of_dims(a.dims(), b.dims(), a.order())
    }

    fn of_dims(dims: &[usize], dims_b: &[usize], order: Order) -> Self {
        let mut groups: Vec<(usize, bool)> = Vec::new();
        for axis in axes_by_density(dims.len(), order) {
            let (n, has) = (dims[axis], dims_b[axis] == dims[axis]);
            match groups.last_mut() {
                _ if n == 1 => {}
                Some((size, before)) if *before == has => *size *= n,
                _ => groups.push((n, has)),
            }
        }
        Self { groups }
    }

    /// Strides of the groups in `a` and in `b` (0 where it has none).
    fn strides(&self) -> Vec<(usize, usize)> {
        let (mut in_a, mut in_b) = (1, 1);
        let mut strides = vec![(0, 0); self.groups.len()];
        for (&(n, has), to) in self.groups.iter().zip(&mut strides).rev() {
            *to = (in_a, if has { in_b } else { 0 });
            in_a *= n;
            if has {
                in_b *= n;
            }
        }
        strides
    }

    fn map(&self, kernel: &'static str, a: &Array, b: &Array) -> Result<Array> {
        let Some(missing) = GROUPS.checked_sub(self.groups.len()) else {
            bail!(
                "GPU: a tensor spread over {} groups of axes",
                self.groups.len()
            );
        };
        let strides = self.strides();
        let y = a.like()?;
        let n = a.elem_count();
        let mut args = vec![a.arg(), b.arg(), y.arg()];
        for i in 1..GROUPS {
            let size = i.checked_sub(missing).map_or(1, |i| self.groups[i].0);
            args.push(int(size)?);
        }
        args.extend((0..GROUPS).map(|i| long(i.checked_sub(missing).map_or(0, |i| strides[i].1))));
        args.push(long(n));
        launch(a.device(), a.kind(), kernel, Grid::each(n), &args)?;
        Ok(y)
    }

    /// For each number of `b` the sum of `dy` (times `a`) over the places that it is spread to.
    fn sums(&self, dy: &Array, a: Option<&Array>, sign: f32, b: &Array) -> Result<Array> {
        let strides = self.strides();
        let side = |has: bool| -> Result<[(usize, usize); 2]> {
            let mut groups: Vec<(usize, usize)> = self
                .groups
                .iter()
                .zip(&strides)
                .filter(|((_, of_b), _)| *of_b == has)
                .map(|(&(n, _), &(in_a, _))| (n, in_a))
                .collect();
            if groups.len() > 2 {
                bail!("GPU: sums over {} groups of axes", groups.len());
            }
            while groups.len() < 2 {
                groups.insert(0, (1, 0));
            }
            Ok([groups[0], groups[1]])
        };
        let [kept_0, kept_1] = side(true)?;
        let [reduced_0, reduced_1] = side(false)?;
        let db = b.like()?;
        let args = [
            dy.arg(),
            a.map_or(Arg::Pointer(0), Array::arg),
            db.arg(),
            Arg::Float(sign),
            int(kept_1.0)?,
            long(kept_0.1),
            long(kept_1.1),
            int(reduced_1.0)?,
            long(reduced_0.1),
            long(reduced_1.1),
            long(reduced_0.0 * reduced_1.0),
            long(kept_0.0 * kept_1.0),
        ];
        let grid = Grid::rows(kept_0.0 * kept_1.0);
        launch(dy.device(), dy.kind(), "spread_sums", grid, &args)?;
        Ok(db)
    }
}

/// Two gradients of one value together, if either lies on a GPU; `owned`: the first one's memory is nobody else's.
pub(crate) fn accumulated(to: &Numbers, from: &Numbers, owned: bool) -> Result<Option<Array>> {
    let Some(device) = [to, from]
        .into_iter()
        .find_map(|numbers| Some(numbers.array()?.device().clone()))
    else {
        return Ok(None);
    };
    if to.dims() != from.dims() {
        bail!("gradients of shapes {:?} and {:?}", to.dims(), from.dims());
    }
    let owned = owned && to.array().is_some();
    let to = on(&device, to)?;
    let from = in_order(&in_kind(&on(&device, from)?, to.kind())?, to.order())?;
    if !owned {
        return Spread::of(&to, &from)
            .map("spread_sum", &to, &from)
            .map(Some);
    }
    let n = to.elem_count();
    let args = [to.arg(), from.arg(), long(n)];
    launch(&device, to.kind(), "add_into", Grid::each(n), &args)?;
    Ok(Some(to))
}

/// Every number times `factor`, in new memory.
pub(crate) fn scaled(x: &Array, factor: f32) -> Result<Array> {
    let y = x.like()?;
    let all = strides(x);
    super::layout::copy(x, 0, &all, &y, 0, &all, x.dims())?;
    let n = y.elem_count();
    let args = [y.arg(), Arg::Float(factor), long(n)];
    launch(y.device(), y.kind(), "scale", Grid::each(n), &args)?;
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_small_tensor_has_and_has_not_lies_in_groups() {
        let spread = Spread::of_dims(&[2, 3, 4, 5], &[2, 3, 1, 1], Order::Rows);
        assert_eq!(spread.groups, [(6, true), (20, false)]);
        assert_eq!(spread.strides(), [(20, 1), (1, 0)]);
        let spread = Spread::of_dims(&[2, 3, 4, 5], &[2, 3, 1, 1], Order::ChannelsLast);
        assert_eq!(spread.groups, [(2, true), (20, false), (3, true)]);
        assert_eq!(spread.strides(), [(60, 3), (3, 0), (1, 1)]);
        let equal = Spread::of_dims(&[2, 3, 4], &[2, 3, 4], Order::ChannelsLast);
        assert_eq!(equal.groups, [(24, true)]);
    }

    #[test]
    fn only_what_lies_alike_is_spread_over_channels_last() {
        assert!(kept_in_order(&[2, 3, 4, 5], &[2, 3, 1, 1]));
        assert!(kept_in_order(&[2, 3, 4, 5], &[1, 1, 4, 5]));
        assert!(!kept_in_order(&[2, 3, 4, 5], &[1, 3, 1, 5]));
    }
}
