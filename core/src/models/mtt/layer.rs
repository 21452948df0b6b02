//! A layer of the transformer.

use super::MttConfig;
use crate::models::network::Pass;
use crate::models::onnx::{Graph, Wire};
use crate::nn::{self, Attended, LayerNorm, Linear, Value};
use candle_core::Result;
use candle_nn::VarBuilder;

/// Width of the hidden layer of the feed-forward part, in attention widths.
const MLP_RATIO: usize = 4;

/// A pre-norm transformer layer: attention and feed-forward, each with a residual connection.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) n_heads: usize,
    dropout: f32,
    /// Names for the dropout draws.
    names: [String; 3],
    pub(super) attention_norm: LayerNorm,
    pub(super) to_qkv: Linear,
    pub(super) to_out: Linear,
    feed_forward_norm: LayerNorm,
    hidden: Linear,
    output: Linear,
}

impl Layer {
    pub(super) fn new(config: &MttConfig, builder: &VarBuilder<'_>) -> Result<Self> {
        let width = config.attention_width;
        let (attention, feed_forward) = (builder.pp("0.fn"), builder.pp("1.fn"));
        Ok(Self {
            n_heads: config.n_heads,
            dropout: config.dropout,
            names: ["to_out", "hidden", "output"]
                .map(|part| format!("{}.{part}", builder.prefix())),
            attention_norm: LayerNorm::new(&attention.pp("norm"), width)?,
            to_qkv: Linear::without_bias(&attention.pp("fn.to_qkv"), width, 3 * width)?,
            to_out: Linear::new(&attention.pp("fn.to_out.0"), width, width)?,
            feed_forward_norm: LayerNorm::new(&feed_forward.pp("norm"), width)?,
            hidden: Linear::new(&feed_forward.pp("fn.net.0"), width, MLP_RATIO * width)?,
            output: Linear::new(&feed_forward.pp("fn.net.3"), MLP_RATIO * width, width)?,
        })
    }

    /// Changes the tokens `[batch, n, width]` and gives the attention.
    pub(super) fn forward(&self, pass: &Pass, x: &mut Value) -> Result<Attended> {
        let tape = &pass.tape;
        let qkv = self
            .to_qkv
            .forward(tape, &self.attention_norm.forward(tape, x)?)?;
        let attended = nn::attention(&qkv, self.n_heads)?;
        let read = self.to_out.forward(tape, &attended.context)?;
        let read = pass.mode.dropout(&read, self.dropout, &self.names[0])?;
        *x = self.feed_forward(pass, &nn::add(x, &read)?)?;
        Ok(attended)
    }

    /// The second half, residual connection included. Any shape with the width last.
    pub(super) fn feed_forward(&self, pass: &Pass, x: &Value) -> Result<Value> {
        let tape = &pass.tape;
        let y = self
            .hidden
            .forward(tape, &self.feed_forward_norm.forward(tape, x)?)?;
        let y = pass
            .mode
            .dropout(&nn::gelu(&y)?, self.dropout, &self.names[1])?;
        let y = self.output.forward(tape, &y)?;
        let y = pass.mode.dropout(&y, self.dropout, &self.names[2])?;
        nn::add(x, &y)
    }

    /// The whole layer in an ONNX graph.
    pub(super) fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let y = graph.layer_norm(&self.attention_norm, x)?;
        let qkv = graph.linear(&self.to_qkv, &y)?;
        let parts = graph.thirds(&qkv);
        let width = self.output.weight.tensor().dim(0)?;
        let context = graph.attention(parts.each_ref(), width, self.n_heads);
        let read = graph.linear(&self.to_out, &context)?;
        let x = graph.binary("Add", x, &read);
        let y = graph.layer_norm(&self.feed_forward_norm, &x)?;
        let y = graph.linear(&self.hidden, &y)?;
        let y = graph.gelu(&y);
        let y = graph.linear(&self.output, &y)?;
        Ok(graph.binary("Add", &x, &y))
    }
}
