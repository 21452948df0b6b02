//! The slope of an answer with respect to the input: what gradient x input and integrated gradients are made of.

use super::network::{Network, Pass};
use super::relevance::one_hot;
use crate::nn::backward_from;
use candle_core::{Result, Tensor, bail};

/// For inputs `[batch, rows, columns]`: the logits of one tag, `[batch]`, and their gradients `[batch, rows, columns]`.
pub(crate) fn input_gradients(
    network: &dyn Network,
    inputs: &Tensor,
    tag: usize,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let pass = Pass::explanation();
    let x = pass.tape.watched(inputs);
    let logits = network.run(&pass, &x)?.logits;
    let tags = vec![tag; inputs.dim(0)?];
    let answers = logits.tensor()?.clone();
    let gradients = backward_from(&logits, &one_hot(&logits, &tags)?)?;
    let Some(gradient) = gradients.of(&x) else {
        bail!("the answer does not depend on the input");
    };
    let answers = answers.narrow(1, tag, 1)?.flatten_all()?.to_vec1()?;
    Ok((answers, gradient.flatten_all()?.to_vec1()?))
}
