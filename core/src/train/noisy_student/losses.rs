//! The loss of one step of a noisy student (paper, Table 2): labels and pseudo-labels, each a mean over its clips and tags, added.

use super::Passes;
use crate::models::{Network, Pass};
use crate::nn::{self, Mode, Value};
use candle_core::{Result, Tensor};

/// A batch in two parts.
#[derive(Clone, Copy, Debug)]
pub struct Halves<'a> {
    /// Inputs of the labelled clips, `[clips, rows, columns]`.
    pub labelled: &'a Tensor,
    /// Their labels, `[clips, tags]`, 0 to 1.
    pub labels: &'a Tensor,
    /// Inputs of the unlabelled clips, augmented, `[clips, rows, columns]`.
    pub unlabelled: &'a Tensor,
    /// The teacher's answers to them, `[clips, tags]`, 0 to 1.
    pub targets: &'a Tensor,
    /// How much each of these counts, `[clips, tags]`: all 1 / (clips × tags) for a mean.
    pub weights: &'a Tensor,
}

/// What a student answers, and how wrong it is.
#[derive(Clone, Debug)]
pub struct Losses {
    /// Mean binary cross entropy of the labelled clips.
    pub supervised: Value,
    /// Weighted sum of that of the unlabelled clips.
    pub semi_supervised: Value,
    /// Both added: what is learned from.
    pub total: Value,
    /// Logits of the labelled clips, `[clips, tags]`.
    pub labelled_logits: Value,
    /// Logits of the unlabelled clips, `[clips, tags]`.
    pub unlabelled_logits: Value,
}

/// The second of two passes of a step draws its dropout apart from the first.
const SECOND_PASS: u64 = 1 << 63;

/// Lets `network` hear both halves of a batch, in one pass or in two, and judges it.
pub fn losses(
    network: &dyn Network,
    pass: &Pass,
    passes: Passes,
    halves: Halves<'_>,
) -> Result<Losses> {
    let (labelled_logits, unlabelled_logits) = match passes {
        Passes::One => {
            let (n_labelled, n_unlabelled) = (halves.labelled.dim(0)?, halves.unlabelled.dim(0)?);
            let inputs = Tensor::cat(&[halves.labelled, halves.unlabelled], 0)?;
            let logits = network.forward(pass, &inputs)?.logits;
            (
                nn::narrow(&logits, 0, 0, n_labelled)?,
                nn::narrow(&logits, 0, n_labelled, n_unlabelled)?,
            )
        }
        Passes::Two => {
            let labelled = network.forward(pass, halves.labelled)?.logits;
            let second = Pass {
                mode: match pass.mode {
                    Mode::Train { seed, step } => Mode::Train {
                        seed,
                        step: step | SECOND_PASS,
                    },
                    Mode::Eval => Mode::Eval,
                },
                ..pass.clone()
            };
            (
                labelled,
                network.forward(&second, halves.unlabelled)?.logits,
            )
        }
    };
    let supervised = nn::bce_with_logits(&labelled_logits, halves.labels)?;
    let semi_supervised =
        nn::weighted_bce_with_logits(&unlabelled_logits, halves.targets, halves.weights)?;
    Ok(Losses {
        total: nn::add(&supervised, &semi_supervised)?,
        supervised,
        semi_supervised,
        labelled_logits,
        unlabelled_logits,
    })
}
