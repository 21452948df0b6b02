//! The numbers that effects take: keys, units, ranges and defaults, effect by effect.

/// A number that an effect takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Key in text and TOML (`hz`).
    pub name: &'static str,
    /// Name for people ("cutoff").
    pub label: &'static str,
    /// Unit for people ("Hz").
    pub unit: &'static str,
    /// Smallest value taken.
    pub min: f32,
    /// Largest value taken.
    pub max: f32,
    /// Value where none is given.
    pub default: f32,
    /// Range that the reference implementation draws from; of an effect beyond the paper: one that keeps music recognisable.
    pub usual: (f32, f32),
    /// What one would set by ear, for sliders.
    pub by_ear: (f32, f32),
    /// Whether a slider should be logarithmic.
    pub logarithmic: bool,
}

const fn parameter(
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    (min, max): (f32, f32),
    default: f32,
    usual: (f32, f32),
) -> Parameter {
    Parameter {
        name,
        label,
        unit,
        min,
        max,
        default,
        usual,
        by_ear: (min, max),
        logarithmic: false,
    }
}

const RATIO: Parameter = Parameter {
    by_ear: (0.0, 2.0),
    ..parameter(
        "ratio",
        "noise to signal",
        "of the signal's deviation",
        (0.0, 10.0),
        0.4,
        (0.3, 0.5),
    )
};
const DB: Parameter = Parameter {
    by_ear: (-30.0, 20.0),
    ..parameter("db", "gain", "dB", (-120.0, 60.0), -6.0, (-20.0, -1.0))
};
const CUTOFF: Parameter = Parameter {
    logarithmic: true,
    by_ear: (20.0, 11025.0),
    ..parameter(
        "hz",
        "cutoff",
        "Hz",
        (10.0, 24000.0),
        700.0,
        (200.0, 1200.0),
    )
};
const MS: Parameter = Parameter {
    by_ear: (0.0, 1000.0),
    ..parameter("ms", "delay", "ms", (0.0, 5000.0), 300.0, (200.0, 450.0))
};
const CENTS: Parameter = parameter(
    "cents",
    "shift",
    "cents",
    (-1200.0, 1200.0),
    -300.0,
    (-700.0, 700.0),
);
const REVERBERANCE: Parameter = parameter(
    "reverberance",
    "reverberance",
    "%",
    (0.0, 100.0),
    50.0,
    (0.0, 99.0),
);
pub(super) const NOISE: &[Parameter] = &[RATIO];
pub(super) const GAIN: &[Parameter] = &[DB];
pub(super) const HIGH_PASS: &[Parameter] = &[CUTOFF];
pub(super) const LOW_PASS: &[Parameter] = &[Parameter {
    default: 3000.0,
    usual: (2200.0, 4000.0),
    ..CUTOFF
}];
pub(super) const DELAY: &[Parameter] = &[MS];
pub(super) const PITCH: &[Parameter] = &[CENTS];
pub(super) const REVERB: &[Parameter] = &[
    REVERBERANCE,
    Parameter {
        name: "damping",
        label: "damping of high frequencies",
        ..REVERBERANCE
    },
    Parameter {
        name: "room",
        label: "room size",
        ..REVERBERANCE
    },
];

pub(super) const TIME_STRETCH: &[Parameter] = &[Parameter {
    by_ear: (50.0, 200.0),
    ..parameter("percent", "tempo", "%", (25.0, 400.0), 110.0, (80.0, 125.0))
}];
pub(super) const TIME_MASK: &[Parameter] = &[
    parameter("start", "start", "%", (0.0, 100.0), 40.0, (0.0, 95.0)),
    Parameter {
        by_ear: (0.0, 2000.0),
        ..parameter("ms", "length", "ms", (0.0, 60_000.0), 500.0, (50.0, 500.0))
    },
];
pub(super) const FREQUENCY_MASK: &[Parameter] = &[
    Parameter {
        label: "centre",
        default: 1000.0,
        min: 50.0,
        usual: (200.0, 4000.0),
        by_ear: (50.0, 11025.0),
        ..CUTOFF
    },
    Parameter {
        by_ear: (0.1, 4.0),
        ..parameter("octaves", "width", "octaves", (0.1, 10.0), 1.0, (0.25, 1.0))
    },
];
pub(super) const CROP: &[Parameter] = &[
    parameter("start", "start", "%", (0.0, 100.0), 25.0, (0.0, 50.0)),
    parameter("keep", "length", "%", (1.0, 100.0), 50.0, (50.0, 100.0)),
];
const KBPS: Parameter = Parameter {
    logarithmic: true,
    ..parameter(
        "kbps",
        "bit rate",
        "kbps",
        (8.0, 320.0),
        48.0,
        (24.0, 128.0),
    )
};
pub(super) const MP3: &[Parameter] = &[KBPS];
pub(super) const OGG: &[Parameter] = &[Parameter {
    min: 16.0,
    max: 192.0,
    usual: (32.0, 96.0),
    by_ear: (16.0, 192.0),
    ..KBPS
}];
const OTHER: Parameter = parameter(
    "other",
    "which other track",
    "of the pool",
    (0.0, 1.0),
    0.5,
    (0.0, 1.0),
);
pub(super) const MIXUP: &[Parameter] = &[
    parameter(
        "share",
        "share of the clip",
        "of the mixture",
        (0.0, 1.0),
        0.7,
        (0.5, 1.0),
    ),
    OTHER,
];
pub(super) const BACKGROUND: &[Parameter] = &[
    Parameter {
        by_ear: (-10.0, 40.0),
        ..parameter(
            "snr",
            "signal to background",
            "dB",
            (-60.0, 100.0),
            12.0,
            (5.0, 30.0),
        )
    },
    OTHER,
];
