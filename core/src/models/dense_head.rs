//! The two dense layers that several networks end with.

use super::network::Pass;
use super::onnx::{Graph, Wire};
use crate::nn::{BatchNorm, Linear, Value, relu};
use candle_core::Result;
use candle_nn::VarBuilder;

/// Linear, batch norm, ReLU, dropout, linear: `dense1`, `bn`, `dense2`.
#[derive(Debug)]
pub(super) struct DenseHead {
    hidden: Linear,
    norm: BatchNorm,
    output: Linear,
    dropout: f32,
}

impl DenseHead {
    pub(super) fn new(
        builder: &VarBuilder<'_>,
        ins: usize,
        hidden: usize,
        n_tags: usize,
        dropout: f32,
    ) -> Result<Self> {
        Ok(Self {
            hidden: Linear::new(&builder.pp("dense1"), ins, hidden)?,
            norm: BatchNorm::new(&builder.pp("bn"), hidden)?,
            output: Linear::new(&builder.pp("dense2"), hidden, n_tags)?,
            dropout,
        })
    }

    /// `[batch, ins]` to logits `[batch, tags]`.
    pub(super) fn forward(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let tape = &pass.tape;
        let y = self.hidden.forward(tape, x)?;
        let y = relu(&self.norm.forward(tape, pass.mode, &y)?)?;
        let y = pass.mode.dropout(&y, self.dropout, "head")?;
        self.output.forward(tape, &y)
    }

    /// The same in an ONNX graph.
    pub(super) fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let y = graph.linear(&self.hidden, x)?;
        let y = graph.batch_norm(&self.norm, &y)?;
        let y = graph.unary("Relu", &y);
        graph.linear(&self.output, &y)
    }
}
