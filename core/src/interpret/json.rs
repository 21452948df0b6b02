//! An explanation as JSON: all that was made of some tags, with units in the names, for programs of one's own.

use super::source::rounded;
use super::{Grid, Method, SongExplanation, Source, TokenMap};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Told by the field `version`; goes up when a field changes its meaning or goes away.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    format: &'static str,
    version: u32,
    attune_version: &'static str,
    song: &'a str,
    duration_s: f64,
    model: ModelName<'a>,
    /// Length of what a probability over time speaks of.
    window_s: f64,
    methods: Vec<MethodEntry<'a>>,
    tags: Vec<TagEntry<'a>>,
}

#[derive(Serialize)]
struct ModelName<'a> {
    name: &'a str,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct MethodEntry<'a> {
    method: Method,
    unit: &'static str,
    meaning: &'static str,
    signed: bool,
    grid: GridEntry,
    /// Of a method that knows no tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [f32]>,
}

/// Value `i` has its centre at `first_centre_s + i * step_s`.
#[derive(Serialize)]
struct GridEntry {
    first_centre_s: f64,
    step_s: f64,
    receptive_field_s: f64,
    n: usize,
}

#[derive(Serialize)]
struct TagEntry<'a> {
    tag: &'a str,
    /// For the whole song.
    probability: f32,
    over_time: OverTime,
    values: BTreeMap<&'static str, &'a [f32]>,
}

#[derive(Serialize)]
struct OverTime {
    /// Centres of the windows.
    time_s: Vec<f64>,
    probability: Vec<f32>,
}

impl From<Grid> for GridEntry {
    fn from(grid: Grid) -> Self {
        Self {
            first_centre_s: grid.centre_secs(0),
            step_s: grid.token_secs(),
            receptive_field_s: grid.receptive_field_secs(),
            n: grid.n_tokens,
        }
    }
}

/// Writes the probabilities of `tags` (indices) and their values by all methods that were asked for; tags that a method was not made for have
/// none by it. Methods that know no tags have their values beside their names.
pub fn write_json(
    explanation: &SongExplanation,
    source: &Source<'_>,
    tags: &[usize],
    out: &mut impl Write,
) -> io::Result<()> {
    let over_time = &explanation.over_time;
    let methods = explanation.maps.iter().map(|map| MethodEntry {
        method: map.method,
        unit: map.method.unit(),
        meaning: map.method.meaning(),
        signed: map.method.is_signed(),
        grid: map.grid.into(),
        values: map.method.is_shared().then_some(&map.values[..]),
    });
    let of_tag = |map: &'_ TokenMap| !map.method.is_shared();
    let tags = tags.iter().filter_map(|&tag| {
        let maps = explanation.maps.iter().filter(|map| of_tag(map));
        let values = maps.map(|map| (map.method.name(), map.tag(tag)));
        let windows = 0..over_time.n_windows();
        Some(TagEntry {
            tag: explanation.tags.get(tag)?,
            probability: *over_time.whole_song.get(tag)?,
            over_time: OverTime {
                time_s: over_time
                    .centres_secs
                    .iter()
                    .copied()
                    .map(rounded)
                    .collect(),
                probability: windows
                    .filter_map(|window| over_time.get(window, tag))
                    .collect(),
            },
            values: values.filter(|(_, values)| !values.is_empty()).collect(),
        })
    });
    let file = File {
        format: "attune-explanation",
        version: VERSION,
        attune_version: env!("CARGO_PKG_VERSION"),
        song: source.song,
        duration_s: rounded(explanation.duration_secs),
        model: ModelName {
            name: source.model,
            fingerprint: source.fingerprint,
        },
        window_s: rounded(over_time.window_secs),
        methods: methods.collect(),
        tags: tags.collect(),
    };
    serde_json::to_writer(&mut *out, &file)?;
    writeln!(out)
}
