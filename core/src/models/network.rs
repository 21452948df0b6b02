//! What every network can do.

use super::insight::{Ask, Insight};
use super::map_grid::MapGrid;
use super::onnx::{Graph, Wire};
use crate::features::Input;
use crate::nn::{Attended, Maps, Mode, Parameters, Tape, Value, reshape};
use candle_core::{Result, Tensor, bail};
use std::ops::RangeInclusive;

/// One forward pass: what it is for and what it leaves behind.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Where operations are recorded.
    pub tape: Tape,
    /// Training or evaluation.
    pub mode: Mode,
    /// Whether [`Output::attention`] is filled. On a recording tape, the gradients of its contexts are kept.
    pub record_attention: bool,
}

impl Pass {
    /// Evaluation: nothing recorded, running statistics, no dropout.
    pub fn inference() -> Self {
        Self {
            tape: Tape::off(),
            mode: Mode::Eval,
            record_attention: false,
        }
    }

    /// Evaluation, for the gradient of an answer with respect to what is watched.
    pub fn explanation() -> Self {
        Self {
            tape: Tape::of_watched(),
            mode: Mode::Eval,
            record_attention: false,
        }
    }

    /// The same pass for a network of these parameters: it computes where they lie.
    #[must_use]
    pub fn beside(self, parameters: &Parameters) -> Self {
        Self {
            tape: self.tape.beside(parameters),
            ..self
        }
    }

    /// Keeps the attention of a layer for whoever asked for it.
    pub(super) fn keep(&self, kept: &mut Vec<Attended>, attended: Attended) {
        if self.record_attention {
            attended.context.watch();
            kept.push(attended);
        }
    }

    /// Training: recorded, batch statistics, dropout drawn for this step of the run with this seed.
    pub fn training(seed: u64, step: u64) -> Self {
        Self {
            tape: Tape::recording(),
            mode: Mode::Train { seed, step },
            record_attention: false,
        }
    }
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// `[batch, tags]`, before the sigmoid.
    pub logits: Value,
    /// Attention, layer by layer; index 0 of its tokens is the class token. Empty unless the pass asked for it and the network has
    /// attention.
    pub attention: Vec<Attended>,
}

impl Output {
    /// Of a network without attention.
    pub(super) fn of(logits: Value) -> Self {
        Self {
            logits,
            attention: Vec::new(),
        }
    }
}

/// Where the tokens of a network lie in its frames: token `t` has its centre at `first_centre_frames + t * frames_per_token`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenGrid {
    /// Frames from one token to the next.
    pub frames_per_token: usize,
    /// Centre of token 0, in frames.
    pub first_centre_frames: f64,
    /// What one token sees through the convolutions, in frames around its centre.
    pub receptive_field_frames: usize,
    /// Whether frames that are left over at the end make a token as well.
    pub last_is_partial: bool,
}

impl TokenGrid {
    /// How many tokens a spectrogram of `n_frames` frames has.
    pub fn n_tokens(&self, n_frames: usize) -> usize {
        if self.last_is_partial {
            n_frames.div_ceil(self.frames_per_token)
        } else {
            n_frames / self.frames_per_token
        }
    }
}

/// A network with its parameters.
pub trait Network: Send + Sync {
    /// What it takes in of a sound.
    fn input(&self) -> Input;

    /// How many tags it answers for.
    fn n_tags(&self) -> usize;

    /// Inputs `[batch, rows, columns]`, as [`Network::input`] says, to logits.
    ///
    /// Fails if the number of columns is not within [`Network::columns`], or if there is another number of rows.
    fn forward(&self, pass: &Pass, x: &Tensor) -> Result<Output> {
        self.run(pass, &pass.tape.constant(x))
    }

    /// As [`Network::forward`], of a value, whose gradient may be wanted.
    fn run(&self, pass: &Pass, x: &Value) -> Result<Output>;

    /// The network as one whose class token reads tokens, if it is one.
    fn class_token(&self) -> Option<&dyn ClassToken> {
        None
    }

    /// The network as one that answers from feature maps, if it is one.
    fn feature_maps(&self) -> Option<&dyn FeatureMaps> {
        None
    }

    /// Puts it into an ONNX graph, in evaluation mode: from `x` `[batch, rows, columns]` to logits `[batch, tags]`.
    fn export(&self, graph: &mut Graph, x: &Wire) -> Result<Wire>;

    /// How many columns (frames or samples) it accepts.
    fn columns(&self) -> RangeInclusive<usize>;
}

/// A network in two halves: sound becomes tokens, and a class token reads them in layers of attention.
pub trait ClassToken: Network {
    /// Where the tokens lie.
    fn grid(&self) -> TokenGrid;

    /// What it hears: input `[batch, rows, columns]` to tokens `[batch, tokens, width]`. A token depends on nothing but what lies
    /// in its receptive field.
    fn hear(&self, pass: &Pass, x: &Value) -> Result<Value>;

    /// Tokens `[batch, tokens, width]` at their places behind the class token, `[batch, 1 + tokens, width]`.
    fn place(&self, pass: &Pass, tokens: &Value) -> Result<Value>;

    /// The first half: input `[batch, rows, columns]` to the class token and the others, `[batch, 1 + tokens, width]`.
    fn to_tokens(&self, pass: &Pass, x: &Value) -> Result<Value> {
        self.place(pass, &self.hear(pass, x)?)
    }

    /// The second half: from what [`ClassToken::to_tokens`] gives to the answer.
    fn read_tokens(&self, pass: &Pass, tokens: Value) -> Result<Output>;

    /// Looks inside, for what it heard in one input, `[tokens, width]`.
    fn inspect(&self, tokens: &Tensor, ask: Ask) -> Result<Insight>;
}

/// A network in two halves: sound becomes feature maps that tell times apart, and the rest answers from them.
///
/// These are the maps before all of time is pooled. Where convolutions and poolings themselves go down to a few times, they are the deepest
/// ones with at least eight columns in a clip of the published length: with fewer, they hardly say when.
pub trait FeatureMaps: Network {
    /// Where the columns of the maps lie.
    fn map_grid(&self) -> MapGrid;

    /// The first half: input `[batch, rows, columns]` to maps; of height 1 in networks along time.
    fn to_maps(&self, pass: &Pass, x: &Value) -> Result<Maps>;

    /// The second half: from what [`FeatureMaps::to_maps`] gives to the answer.
    fn read_maps(&self, pass: &Pass, maps: &Maps) -> Result<Output>;
}

/// `[batch, rows, columns]` as pictures of one channel, `[batch, 1, rows, columns]`.
pub(super) fn picture(x: &Value) -> Result<Value> {
    let (batch, n_rows, n_columns) = x.dims3()?;
    reshape(x, &[batch, 1, n_rows, n_columns])
}

/// `[batch, channels, columns]` of a network along time as maps of height 1.
pub(super) fn maps_of_columns(x: &Value) -> Result<Maps> {
    let (batch, channels, n_columns) = x.dims3()?;
    Maps::new(&reshape(x, &[batch, channels, 1, n_columns])?)
}

/// Back from [`maps_of_columns`].
pub(super) fn columns_of_maps(maps: &Maps) -> Result<Value> {
    let maps = maps.to_value()?;
    let (batch, channels, _, n_columns) = maps.dims4()?;
    reshape(&maps, &[batch, channels, n_columns])
}

/// Fails unless `x` `[batch, rows, columns]` is an input of that network.
pub(super) fn check_input(network: &dyn Network, x: &Value) -> Result<()> {
    let (_, n_rows, n_columns) = x.dims3()?;
    let (input, columns) = (network.input(), network.columns());
    if n_rows != input.n_rows() {
        bail!(
            "an input of {n_rows} rows, the network sees {}",
            input.n_rows()
        );
    }
    if !columns.contains(&n_columns) {
        let name = input.column_name();
        let fits = match *columns.end() {
            usize::MAX => format!("at least {}", columns.start()),
            last => format!("{} to {last}", columns.start()),
        };
        bail!("an input of {n_columns} {name}, the network sees {fits}");
    }
    Ok(())
}
