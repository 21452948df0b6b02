//! The sources of the kernels, and what they define.
//!
//! A source is CUDA C++ behind [`PRELUDE`], compiled by NVRTC (and, in tests, for the CPU) without any header file, once for each
//! type of activations. The kernels' comments say what each computes, how it is launched and how many bytes it moves.

#[cfg(test)]
mod tests;

/// What stands in front of every source.
pub(crate) const PRELUDE: &str = include_str!("prelude.cuh");

/// A source of kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Of its file, without the ending.
    pub(crate) name: &'static str,
    /// Without the prelude.
    pub(crate) text: &'static str,
    /// The kernels in it.
    pub(crate) functions: &'static [&'static str],
}

impl Source {
    /// What is compiled: the prelude and the source, with directives so that a compiler's message names the right file and line.
    pub(crate) fn program(&self) -> String {
        let Self { name, text, .. } = self;
        format!("#line 1 \"prelude.cuh\"\n{PRELUDE}\n#line 1 \"{name}.cu\"\n{text}")
    }
}

pub(crate) const POINTWISE: Source = Source {
    name: "pointwise",
    text: include_str!("pointwise.cu"),
    functions: &[
        "relu",
        "gelu",
        "sigmoid",
        "tanh_of",
        "decibels",
        "relu_gradient",
        "gelu_gradient",
        "sigmoid_gradient",
        "tanh_gradient",
        "decibels_gradient",
        "add_into",
        "add_relu",
        "scale",
        "fill",
        "scale_by",
    ],
};

pub(crate) const CONVERT: Source = Source {
    name: "convert",
    text: include_str!("convert.cu"),
    functions: &["to_float", "from_float", "pcm_to_float", "find_not_finite"],
};

pub(crate) const DROPOUT: Source = Source {
    name: "dropout",
    text: include_str!("dropout.cu"),
    functions: &["dropout"],
};

pub(crate) const SPREAD: Source = Source {
    name: "spread",
    text: include_str!("spread.cu"),
    functions: &[
        "spread_sum",
        "spread_difference",
        "spread_product",
        "spread_sums",
    ],
};

pub(crate) const COPY: Source = Source {
    name: "copy",
    text: include_str!("copy.cu"),
    functions: &["strided_copy", "transpose_planes"],
};

pub(crate) const BATCH_NORM: Source = Source {
    name: "batch_norm",
    text: include_str!("batch_norm.cu"),
    functions: &[
        "moments_partial",
        "moments_finish",
        "moments_running",
        "normalise",
        "norm_gradient_partial",
        "norm_gradient_finish",
        "norm_gradient_apply",
    ],
};

pub(crate) const POOL: Source = Source {
    name: "pool",
    text: include_str!("pool.cu"),
    functions: &[
        "max_pool",
        "max_pool_gradient",
        "avg_pool",
        "avg_pool_gradient",
        "row_max",
        "row_max_gradient",
        "row_mean",
        "row_mean_gradient",
    ],
};

pub(crate) const LAYER_NORM: Source = Source {
    name: "layer_norm",
    text: include_str!("layer_norm.cu"),
    functions: &["layer_norm", "layer_norm_gradient", "layer_norm_partial"],
};

pub(crate) const SOFTMAX: Source = Source {
    name: "softmax",
    text: include_str!("softmax.cu"),
    functions: &["softmax", "softmax_gradient"],
};

pub(crate) const SUMS: Source = Source {
    name: "sums",
    text: include_str!("sums.cu"),
    functions: &[
        "column_partial",
        "column_finish",
        "channel_partial",
        "add_columns",
        "add_columns_gelu",
        "add_channels",
        "square_partial",
        "square_finish",
    ],
};

pub(crate) const TOKENS: Source = Source {
    name: "tokens",
    text: include_str!("tokens.cu"),
    functions: &["class_and_positions", "positions_gradient"],
};

pub(crate) const LOSS: Source = Source {
    name: "loss",
    text: include_str!("loss.cu"),
    functions: &["bce", "loss_finish"],
};

pub(crate) const OPTIMIZER: Source = Source {
    name: "optimizer",
    text: include_str!("optimizer.cu"),
    functions: &["adam", "sgd"],
};

pub(crate) const GRU: Source = Source {
    name: "gru",
    text: include_str!("gru.cu"),
    functions: &["gru_step", "gru_step_gradient"],
};

/// All of them.
pub(crate) const ALL: &[Source] = &[
    POINTWISE, CONVERT, DROPOUT, SPREAD, COPY, BATCH_NORM, POOL, LAYER_NORM, SOFTMAX, SUMS, TOKENS,
    LOSS, OPTIMIZER, GRU,
];
