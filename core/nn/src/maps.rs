//! Feature maps between the blocks of a network, in the layout that the fast kernels like.

use super::data::{tensor, with_data};
use super::kernels::maps::{MapShape, from_planes, from_tokens, to_planes, to_tokens};
use super::tape::{Gradient, Value, record};
use super::tokens_of_maps;
use candle_core::{Result, bail};

/// Feature maps between blocks, in the layout that the engine likes.
#[derive(Clone, Debug)]
pub struct Maps {
    /// One plain channel or any number `[batch, channels, height, width]`, or blocks `[batch, blocks, height, width, 16]`.
    value: Value,
    channels: usize,
}

impl Maps {
    /// Feature maps `[batch, channels, height, width]`.
    pub fn new(value: &Value) -> Result<Self> {
        Ok(Self {
            value: value.clone(),
            channels: value.dims4()?.1,
        })
    }

    /// Feature maps in blocks.
    pub(crate) fn of_blocks(value: Value, channels: usize) -> Self {
        Self { value, channels }
    }

    /// In either layout.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn shape(&self) -> Result<MapShape> {
        let dims = self.value.dims();
        let (&[batch, _, height, width] | &[batch, _, height, width, _]) = dims else {
            bail!("feature maps of shape {dims:?}");
        };
        Ok(MapShape {
            batch,
            channels: self.channels,
            height,
            width,
        })
    }

    pub(crate) fn in_blocks(&self) -> bool {
        self.value.rank() == 5
    }

    /// The plain form, `[batch, channels, height, width]`.
    pub fn to_value(&self) -> Result<Value> {
        if !self.in_blocks() {
            return Ok(self.value.clone());
        }
        let shape = self.shape()?;
        let dims = [shape.batch, shape.channels, shape.height, shape.width];
        let y = with_data(self.value.tensor()?, |maps| {
            tensor(to_planes(&shape, maps), &dims)
        })?;
        let [y] = record("planes of maps", [&self.value], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy| Ok(from_planes(&shape, dy)))?;
            Ok([Gradient::fresh(tensor(dx, &shape.dims())?)])
        });
        Ok(y)
    }

    /// In blocks of channels; in f32.
    pub(crate) fn blocked(&self) -> Result<Self> {
        if self.in_blocks() {
            return Ok(self.clone());
        }
        let shape = self.shape()?;
        let dims = [shape.batch, shape.channels, shape.height, shape.width];
        let y = with_data(self.value.tensor()?, |planes| {
            tensor(from_planes(&shape, planes), &shape.dims())
        })?;
        let [value] = record("maps of planes", [&self.value], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy| Ok(to_planes(&shape, dy)))?;
            Ok([Gradient::fresh(tensor(dx, &dims)?)])
        });
        Ok(Self {
            value,
            channels: self.channels,
        })
    }

    /// As tokens `[batch, times, channels * frequencies]`.
    pub fn to_tokens(&self) -> Result<Value> {
        if !self.in_blocks() {
            return tokens_of_maps(&self.value);
        }
        let shape = self.shape()?;
        let dims = [shape.batch, shape.width, shape.channels * shape.height];
        let y = with_data(self.value.tensor()?, |maps| {
            tensor(to_tokens(&shape, maps), &dims)
        })?;
        let [y] = record("tokens of maps", [&self.value], [y], move |[dy]| {
            let Some(dy) = dy else { return Ok([None]) };
            let dx = with_data(&dy, |dy| Ok(from_tokens(&shape, dy)))?;
            Ok([Gradient::fresh(tensor(dx, &shape.dims())?)])
        });
        Ok(y)
    }
}
