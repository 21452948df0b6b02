//! A layer of the transformer, as in BERT: attention and feed-forward, each with a layer norm behind its residual connection.

use super::CnnsaConfig;
use crate::models::network::Pass;
use crate::models::onnx::{Graph, Wire};
use crate::nn::{self, Attended, LayerNorm, Linear, Mode, Tape, Value};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// BERT's, smaller than PyTorch's.
const EPSILON: f64 = 1e-12;

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) n_heads: usize,
    attention_dropout: f32,
    hidden_dropout: f32,
    /// Names for the dropout draws.
    names: [String; 3],
    query: Linear,
    key: Linear,
    value: Linear,
    pub(super) to_out: Linear,
    attention_norm: LayerNorm,
    hidden: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

impl Layer {
    pub(super) fn new(config: &CnnsaConfig, builder: &VarBuilder<'_>) -> Result<Self> {
        let (width, inner) = (config.token_width(), config.feed_forward_width);
        let of_self = |part: &str| {
            let builder = builder.pp("attention.self").pp(part);
            Linear::new(&builder, width, width)
        };
        let norm = |part: &str| -> Result<LayerNorm> {
            let norm = LayerNorm::new(&builder.pp(part).pp("LayerNorm"), width)?;
            Ok(LayerNorm {
                epsilon: EPSILON,
                ..norm
            })
        };
        Ok(Self {
            n_heads: config.n_heads,
            attention_dropout: config.attention_dropout,
            hidden_dropout: config.hidden_dropout,
            names: ["attention", "to_out", "output"]
                .map(|part| format!("{}.{part}", builder.prefix())),
            query: of_self("query")?,
            key: of_self("key")?,
            value: of_self("value")?,
            to_out: Linear::new(&builder.pp("attention.output.dense"), width, width)?,
            attention_norm: norm("attention.output")?,
            hidden: Linear::new(&builder.pp("intermediate.dense"), width, inner)?,
            output: Linear::new(&builder.pp("output.dense"), inner, width)?,
            output_norm: norm("output")?,
        })
    }

    /// Changes the tokens `[batch, n, width]` and gives the attention.
    pub(super) fn forward(&self, pass: &Pass, x: &mut Value) -> Result<Attended> {
        let attended = self.attend(pass, x)?;
        let read = self.after_attention(pass, x, &attended.context)?;
        *x = self.feed_forward(&pass.tape, pass.mode, &read)?;
        Ok(attended)
    }

    /// What attention makes of the tokens.
    pub(super) fn attend(&self, pass: &Pass, x: &Value) -> Result<Attended> {
        let tape = &pass.tape;
        let parts = [
            &self.query.forward(tape, x)?,
            &self.key.forward(tape, x)?,
            &self.value.forward(tape, x)?,
        ];
        let qkv = nn::concat(parts, 2)?;
        match pass.mode {
            Mode::Train { .. } if self.attention_dropout > 0.0 => {
                self.dropping(pass.mode, parts, &qkv)
            }
            _ => nn::attention(&qkv, self.n_heads),
        }
    }

    /// Attention with dropout on its weights; those that are handed out are from before.
    fn dropping(&self, mode: Mode, parts: [&Value; 3], qkv: &Value) -> Result<Attended> {
        let (batch, n, width) = parts[0].dims3()?;
        let head_width = width / self.n_heads;
        let heads = |x: &Value| -> Result<Value> {
            let x = nn::reshape(x, &[batch, n, self.n_heads, head_width])?;
            nn::permute(&x, &[0, 2, 1, 3])
        };
        let [query, key, value] = parts;
        let scores = nn::matmul(&heads(query)?, &nn::transpose(&heads(key)?, 2, 3)?)?;
        let scale = Tensor::new(
            (head_width as f64).sqrt().recip(),
            scores.tensor()?.device(),
        )?
        .to_dtype(scores.dtype())?
        .reshape((1, 1, 1, 1))?;
        let weights = nn::softmax(&nn::mul(&scores, &Value::constant(scale))?)?;
        let kept = mode.dropout(&weights, self.attention_dropout, &self.names[0])?;
        let context = nn::permute(&nn::matmul(&kept, &heads(value)?)?, &[0, 2, 1, 3])?;
        Ok(Attended {
            context: nn::reshape(&context, &[batch, n, width])?,
            weights: weights.detached(),
            qkv: qkv.detached(),
        })
    }

    /// The first residual connection: tokens `x` and what they read. Any shape with the width last.
    pub(super) fn after_attention(&self, pass: &Pass, x: &Value, context: &Value) -> Result<Value> {
        let read = self.to_out.forward(&pass.tape, context)?;
        let read = pass
            .mode
            .dropout(&read, self.hidden_dropout, &self.names[1])?;
        self.attention_norm.forward(&pass.tape, &nn::add(&read, x)?)
    }

    /// The second half, residual connection included. Any shape with the width last.
    pub(super) fn feed_forward(&self, tape: &Tape, mode: Mode, x: &Value) -> Result<Value> {
        let y = nn::gelu(&self.hidden.forward(tape, x)?)?;
        let y = self.output.forward(tape, &y)?;
        let y = mode.dropout(&y, self.hidden_dropout, &self.names[2])?;
        self.output_norm.forward(tape, &nn::add(&y, x)?)
    }

    /// The whole layer in an ONNX graph.
    pub(super) fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire> {
        let queries = graph.linear(&self.query, x)?;
        let keys = graph.linear(&self.key, x)?;
        let values = graph.linear(&self.value, x)?;
        let width = self.output.weight.tensor().dim(0)?;
        let context = graph.attention([&queries, &keys, &values], width, self.n_heads);
        let read = graph.linear(&self.to_out, &context)?;
        let read = graph.binary("Add", &read, x);
        let x = graph.layer_norm(&self.attention_norm, &read)?;
        let y = graph.linear(&self.hidden, &x)?;
        let y = graph.gelu(&y);
        let y = graph.linear(&self.output, &y)?;
        let y = graph.binary("Add", &y, &x);
        graph.layer_norm(&self.output_norm, &y)
    }
}
