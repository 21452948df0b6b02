//! What the layers of [`crate::nn`] are in ONNX, in evaluation mode.

use super::graph::{Graph, Wire, float, int, ints};
use crate::nn::{
    BatchNorm, Conv1d, Conv2d, ConvBlock, ConvBlock1d, Direction, Gru, LayerNorm, Linear,
    ResidualBlock, Weight,
};
use candle_core::{Result, Tensor, bail};

impl Graph {
    /// Two values to one: `Add`, `Mul`, `MatMul`.
    pub(in crate::models) fn binary(&mut self, kind: &str, a: &Wire, b: &Wire) -> Wire {
        self.op(kind, &[a, b], Vec::new())
    }

    /// One value to one: `Relu`, `Sigmoid`, `Tanh`, `Erf`, `Log`.
    pub(in crate::models) fn unary(&mut self, kind: &str, x: &Wire) -> Wire {
        self.op(kind, &[x], Vec::new())
    }

    /// Another shape; 0 keeps an axis, -1 is what is left.
    pub(in crate::models) fn reshape(&mut self, x: &Wire, shape: &[i64]) -> Wire {
        let shape = self.ints(shape);
        self.binary("Reshape", x, &shape)
    }

    /// Axis `i` of the result is axis `axes[i]` of `x`.
    pub(in crate::models) fn permute(&mut self, x: &Wire, axes: &[usize]) -> Wire {
        self.op("Transpose", &[x], vec![ints("perm", axes)])
    }

    /// An axis of size one more.
    pub(in crate::models) fn unsqueeze(&mut self, x: &Wire, axis: i64) -> Wire {
        let axes = self.ints(&[axis]);
        self.binary("Unsqueeze", x, &axes)
    }

    /// Without an axis of size one.
    pub(in crate::models) fn squeeze(&mut self, x: &Wire, axis: i64) -> Wire {
        let axes = self.ints(&[axis]);
        self.binary("Squeeze", x, &axes)
    }

    /// Values one after the other along `axis`.
    pub(in crate::models) fn concat(&mut self, parts: &[&Wire], axis: i64) -> Wire {
        self.op("Concat", parts, vec![int("axis", axis)])
    }

    /// The largest value (`ReduceMax`) or the mean (`ReduceMean`) over axes, which are then gone.
    pub(in crate::models) fn over(&mut self, kind: &str, x: &Wire, axes: &[usize]) -> Wire {
        self.op(kind, &[x], vec![ints("axes", axes), int("keepdims", 0)])
    }

    /// The first place of axis 1, which is then gone: the class token.
    pub(in crate::models) fn first_token(&mut self, x: &Wire) -> Wire {
        let (start, end, axis) = (self.ints(&[0]), self.ints(&[1]), self.ints(&[1]));
        let first = self.op("Slice", &[x, &start, &end, &axis], Vec::new());
        self.squeeze(&first, 1)
    }

    /// The size of one axis, as a list of one number.
    fn size(&mut self, x: &Wire, axis: i64) -> Wire {
        self.op(
            "Shape",
            &[x],
            vec![int("start", axis), int("end", axis + 1)],
        )
    }

    /// A class token `[width]` before the tokens `[batch, tokens, width]`.
    pub(in crate::models) fn class_token(&mut self, class: &Wire, width: usize, x: &Wire) -> Wire {
        let batch = self.size(x, 0);
        let one = self.ints(&[1, width as i64]);
        let shape = self.concat(&[&batch, &one], 0);
        let class = self.binary("Expand", class, &shape);
        self.concat(&[&class, x], 1)
    }

    /// Adds the positions `[1, places, width]` of the tokens that there are.
    pub(in crate::models) fn positions(&mut self, positions: &Weight, x: &Wire) -> Result<Wire> {
        let positions = self.weight(positions)?;
        let end = self.size(x, 1);
        let (start, axis) = (self.ints(&[0]), self.ints(&[1]));
        let used = self.op("Slice", &[&positions, &start, &end, &axis], Vec::new());
        Ok(self.binary("Add", x, &used))
    }

    /// Feature maps `[batch, channels, frequencies, times]` as tokens `[batch, times, channels * frequencies]`.
    pub(in crate::models) fn tokens_of_maps(&mut self, x: &Wire) -> Wire {
        let x = self.permute(x, &[0, 3, 1, 2]);
        self.reshape(&x, &[0, 0, -1])
    }

    pub(in crate::models) fn linear(&mut self, linear: &Linear, x: &Wire) -> Result<Wire> {
        let weight = self.weight(&linear.weight)?;
        let weight = self.permute(&weight, &[1, 0]);
        let y = self.binary("MatMul", x, &weight);
        let Some(bias) = &linear.bias else {
            return Ok(y);
        };
        let bias = self.weight(bias)?;
        Ok(self.binary("Add", &y, &bias))
    }

    pub(in crate::models) fn layer_norm(&mut self, norm: &LayerNorm, x: &Wire) -> Result<Wire> {
        let (weight, bias) = (self.weight(&norm.weight)?, self.weight(&norm.bias)?);
        let attributes = vec![int("axis", -1), float("epsilon", norm.epsilon)];
        Ok(self.op("LayerNormalization", &[x, &weight, &bias], attributes))
    }

    pub(in crate::models) fn batch_norm(&mut self, norm: &BatchNorm, x: &Wire) -> Result<Wire> {
        let (weight, bias) = (self.weight(&norm.weight)?, self.weight(&norm.bias)?);
        // Statistics have no names of their own: they stand beside their weight.
        let named = |part: &str| match norm.weight.name().rsplit_once('.') {
            Some((layer, _)) => format!("{layer}.{part}"),
            None => part.to_owned(),
        };
        let mean = self.tensor(&named("running_mean"), &norm.running.mean)?;
        let variance = self.tensor(&named("running_var"), &norm.running.variance)?;
        Ok(self.op(
            "BatchNormalization",
            &[x, &weight, &bias, &mean, &variance],
            vec![float("epsilon", norm.epsilon)],
        ))
    }

    /// Gaussian error linear unit, by the error function: ONNX has it as one operation only from opset 20 on.
    pub(in crate::models) fn gelu(&mut self, x: &Wire) -> Wire {
        let (half, one) = (self.number(0.5), self.number(1.0));
        let scale = self.number(std::f32::consts::FRAC_1_SQRT_2);
        let y = self.binary("Mul", x, &scale);
        let y = self.unary("Erf", &y);
        let y = self.binary("Add", &y, &one);
        let y = self.binary("Mul", x, &y);
        self.binary("Mul", &y, &half)
    }

    /// The three equal parts of the last axis: queries, keys, values.
    pub(in crate::models) fn thirds(&mut self, x: &Wire) -> [Wire; 3] {
        self.op_with_outputs("Split", &[x], vec![int("axis", -1)])
    }

    /// Softmax attention of `queries`, `keys` and `values`, each `[batch, n, width]`.
    pub(in crate::models) fn attention(
        &mut self,
        parts: [&Wire; 3],
        width: usize,
        n_heads: usize,
    ) -> Wire {
        let head_width = width / n_heads;
        let shape = [0, 0, n_heads as i64, head_width as i64];
        let [queries, keys, values] = parts.map(|part| self.reshape(part, &shape));
        let queries = self.permute(&queries, &[0, 2, 1, 3]);
        let keys = self.permute(&keys, &[0, 2, 3, 1]);
        let values = self.permute(&values, &[0, 2, 1, 3]);
        let scores = self.binary("MatMul", &queries, &keys);
        let scale = self.number((head_width as f32).sqrt().recip());
        let scores = self.binary("Mul", &scores, &scale);
        let weights = self.op("Softmax", &[&scores], vec![int("axis", -1)]);
        let context = self.binary("MatMul", &weights, &values);
        let context = self.permute(&context, &[0, 2, 1, 3]);
        self.reshape(&context, &[0, 0, width as i64])
    }

    pub(in crate::models) fn conv2d(&mut self, conv: &Conv2d, x: &Wire) -> Result<Wire> {
        let options = conv.options;
        let [rows, columns] = options.padding;
        let parts = [&conv.weight, &conv.bias];
        let (stride, dilation) = (options.stride, options.dilation);
        self.conv(
            parts,
            x,
            &stride,
            &[rows, columns, rows, columns],
            &dilation,
        )
    }

    pub(in crate::models) fn conv1d(&mut self, conv: &Conv1d, x: &Wire) -> Result<Wire> {
        let options = conv.options;
        let parts = [&conv.weight, &conv.bias];
        let pads = [options.padding; 2];
        self.conv(parts, x, &[options.stride], &pads, &[options.dilation])
    }

    fn conv(
        &mut self,
        [weight, bias]: [&Weight; 2],
        x: &Wire,
        strides: &[usize],
        pads: &[usize],
        dilations: &[usize],
    ) -> Result<Wire> {
        let attributes = vec![
            ints("kernel_shape", &weight.tensor().dims()[2..]),
            ints("strides", strides),
            ints("pads", pads),
            ints("dilations", dilations),
        ];
        let (weight, bias) = (self.weight(weight)?, self.weight(bias)?);
        Ok(self.op("Conv", &[x, &weight, &bias], attributes))
    }

    /// Maximum pooling without overlap; what is left at the end is dropped.
    pub(in crate::models) fn max_pool(&mut self, x: &Wire, window: &[usize]) -> Wire {
        if window.iter().all(|&size| size == 1) {
            return x.clone();
        }
        let attributes = vec![ints("kernel_shape", window), ints("strides", window)];
        self.op("MaxPool", &[x], attributes)
    }

    pub(in crate::models) fn conv_block(&mut self, block: &ConvBlock, x: &Wire) -> Result<Wire> {
        let (conv, norm) = block.unit();
        let y = self.conv2d(conv, x)?;
        let y = self.batch_norm(norm, &y)?;
        let y = self.unary("Relu", &y);
        Ok(self.max_pool(&y, &block.window()))
    }

    pub(in crate::models) fn conv_block1d(
        &mut self,
        block: &ConvBlock1d,
        x: &Wire,
    ) -> Result<Wire> {
        let (conv, norm) = block.unit();
        let y = self.conv1d(conv, x)?;
        let y = self.batch_norm(norm, &y)?;
        let y = self.unary("Relu", &y);
        Ok(self.max_pool(&y, &[block.window()]))
    }

    pub(in crate::models) fn residual_block(
        &mut self,
        block: &ResidualBlock,
        x: &Wire,
    ) -> Result<Wire> {
        let mut unit = |(conv, norm): &(Conv2d, BatchNorm), x: &Wire| {
            let y = self.conv2d(conv, x)?;
            self.batch_norm(norm, &y)
        };
        let y = unit(block.first(), x)?;
        let beside = match block.shortcut() {
            Some(shortcut) => unit(shortcut, x)?,
            None => x.clone(),
        };
        let y = self.unary("Relu", &y);
        let (conv, norm) = block.second();
        let y = self.conv2d(conv, &y)?;
        let y = self.batch_norm(norm, &y)?;
        let y = self.binary("Add", &y, &beside);
        let y = self.unary("Relu", &y);
        Ok(self.max_pool(&y, &block.window()))
    }

    /// The last state of the last layer: `[batch, times, in]` to `[batch, hidden]`. Fails for units that read backwards.
    pub(in crate::models) fn last_state(&mut self, gru: &Gru, x: &Wire) -> Result<Wire> {
        // ONNX has the times first.
        let mut states = self.permute(x, &[1, 0, 2]);
        let mut last = None;
        for (i, ways) in gru.layers().iter().enumerate() {
            let [(Direction::Forward, weights)] = &ways[..] else {
                bail!("recurrent units that read both ways have no single last state");
            };
            let [input, hidden, input_bias, hidden_bias] = weights.each_ref().map(Weight::tensor);
            let width = hidden.dim(1)?;
            let both = Tensor::cat(
                &[
                    update_gate_first(input_bias, width)?,
                    update_gate_first(hidden_bias, width)?,
                ],
                0,
            )?;
            let mut part = |name: &str, tensor: &Tensor| {
                self.tensor(&format!("gru.{i}.{name}"), &tensor.unsqueeze(0)?)
            };
            let parts = [
                part("W", &update_gate_first(input, width)?)?,
                part("R", &update_gate_first(hidden, width)?)?,
                part("B", &both)?,
            ];
            let inputs = [&states, &parts[0], &parts[1], &parts[2]];
            let attributes = vec![
                int("hidden_size", width as i64),
                int("linear_before_reset", 1),
            ];
            let [all, end] = self.op_with_outputs("GRU", &inputs, attributes);
            states = self.squeeze(&all, 1);
            last = Some(self.squeeze(&end, 0));
        }
        last.ok_or_else(|| candle_core::Error::msg("no recurrent layer"))
    }
}

/// From PyTorch's order of the gates (reset, update, new) to ONNX's (update, reset, new).
fn update_gate_first(x: &Tensor, width: usize) -> Result<Tensor> {
    let gate = |i: usize| x.narrow(0, i * width, width);
    Tensor::cat(&[gate(1)?, gate(0)?, gate(2)?], 0)
}
