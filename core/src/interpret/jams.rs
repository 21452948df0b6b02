//! An explanation as JAMS: Humphrey, Salamon, Nieto, Forsyth, Bittner, Bello, *JAMS: a JSON annotated music specification for reproducible MIR
//! research*, ISMIR 2014.
//!
//! Of JAMS's own kinds of annotation two fit: `tag_open`, for the stretches that speak for a tag, and `vector`, for values over time. Both
//! are lists of observations, which the `jams` package validates, trims and turns into tables.

use super::source::rounded;
use super::{Method, SongExplanation, Source, TokenMap};
use serde::Serialize;
use std::io::{self, Write};

/// The version of JAMS whose schema the files were validated against.
const JAMS_VERSION: &str = "0.3.5";

/// A stretch speaks for a tag where the value is at least this share of the tag's largest: what Zhou et al. (*Learning deep features for
/// discriminative localization*, CVPR 2016) cut class activation maps at.
const SHARE_OF_LARGEST: f32 = 0.2;

#[derive(Serialize)]
struct Jams<'a> {
    file_metadata: FileMetadata<'a>,
    annotations: Vec<Entry<'a>>,
    sandbox: Empty,
}

#[derive(Serialize)]
struct FileMetadata<'a> {
    title: &'a str,
    artist: &'a str,
    release: &'a str,
    duration: f64,
    identifiers: Empty,
    jams_version: &'static str,
}

/// `{}`
#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Entry<'a> {
    namespace: &'static str,
    time: f64,
    duration: f64,
    annotation_metadata: AnnotationMetadata<'a>,
    data: Vec<Observation<'a>>,
    sandbox: Sandbox<'a>,
}

#[derive(Serialize)]
struct AnnotationMetadata<'a> {
    curator: Curator,
    annotator: Annotator<'a>,
    version: &'static str,
    corpus: &'static str,
    annotation_tools: String,
    annotation_rules: String,
    validation: &'static str,
    data_source: &'static str,
}

#[derive(Serialize)]
struct Curator {
    name: &'static str,
    email: &'static str,
}

#[derive(Serialize)]
struct Annotator<'a> {
    model: &'a str,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct Observation<'a> {
    time: f64,
    duration: f64,
    value: Value<'a>,
    confidence: Option<f32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Tag(&'a str),
    Numbers([f32; 1]),
}

#[derive(Serialize)]
struct Sandbox<'a> {
    tag: &'a str,
    /// Of the tag, for the whole song.
    probability: f32,
    method: Method,
    unit: &'static str,
    receptive_field_s: f64,
}

/// Writes two annotations for each of `tags` (indices), by `method` or by the first that there is.
///
/// `tag_open`: the stretches that speak for the tag, where its value is at least a fifth of its largest; the confidence is the tag's
/// probability in the windows around. `vector`: its value at every token, with the same confidence. Each token lasts half the way to its
/// neighbours.
pub fn write_jams(
    explanation: &SongExplanation,
    source: &Source<'_>,
    method: Method,
    tags: &[usize],
    out: &mut impl Write,
) -> io::Result<()> {
    let duration = rounded(explanation.duration_secs);
    let mut annotations = Vec::new();
    if let Some(map) = explanation.map_or_first(method) {
        for &tag in tags {
            let name = explanation.tags.get(tag);
            let probability = explanation.over_time.whole_song.get(tag);
            let (Some(tag_name), Some(&probability)) = (name, probability) else {
                continue;
            };
            let kinds = [
                ("tag_open", stretches(explanation, map, tag, tag_name)),
                ("vector", values(explanation, map, tag)),
            ];
            for (namespace, data) in kinds {
                annotations.push(Entry {
                    namespace,
                    time: 0.0,
                    duration,
                    annotation_metadata: metadata(source, map.method, namespace),
                    data,
                    sandbox: Sandbox {
                        tag: tag_name,
                        probability,
                        method: map.method,
                        unit: map.method.unit(),
                        receptive_field_s: rounded(map.grid.receptive_field_secs()),
                    },
                });
            }
        }
    }
    let file = Jams {
        file_metadata: FileMetadata {
            title: source.song,
            artist: "",
            release: "",
            duration,
            identifiers: Empty {},
            jams_version: JAMS_VERSION,
        },
        annotations,
        sandbox: Empty {},
    };
    serde_json::to_writer(&mut *out, &file)?;
    writeln!(out)
}

fn metadata<'a>(source: &Source<'a>, method: Method, namespace: &str) -> AnnotationMetadata<'a> {
    let rules = if namespace == "tag_open" {
        format!(
            "stretches where {} is at least {SHARE_OF_LARGEST} of its largest value; confidence: probability of the tag in the windows around",
            method.name()
        )
    } else {
        format!(
            "{} in the unit {}; confidence: probability of the tag in the windows around",
            method.name(),
            method.unit()
        )
    };
    AnnotationMetadata {
        curator: Curator {
            name: "",
            email: "",
        },
        annotator: Annotator {
            model: source.model,
            fingerprint: source.fingerprint,
        },
        version: env!("CARGO_PKG_VERSION"),
        corpus: "",
        annotation_tools: concat!("Attune ", env!("CARGO_PKG_VERSION")).to_owned(),
        annotation_rules: rules,
        validation: "",
        data_source: "program",
    }
}

/// From when to when a token lasts, within the song; `None` if it lies behind its end.
fn span(explanation: &SongExplanation, map: &TokenMap, token: usize) -> Option<[f64; 2]> {
    let (centre, half) = (map.grid.centre_secs(token), map.grid.token_secs() / 2.0);
    let from = rounded((centre - half).max(0.0));
    let to = rounded((centre + half).min(explanation.duration_secs));
    (to > from).then_some([from, to])
}

fn observation<'a>(
    explanation: &SongExplanation,
    tag: usize,
    [from, to]: [f64; 2],
    value: Value<'a>,
) -> Observation<'a> {
    Observation {
        time: from,
        duration: rounded(to - from),
        value,
        confidence: explanation.over_time.at_secs((from + to) / 2.0, tag),
    }
}

/// The value of every token.
fn values(explanation: &SongExplanation, map: &TokenMap, tag: usize) -> Vec<Observation<'static>> {
    let values = map.tag(tag).iter().enumerate();
    let spans = values.filter_map(|(token, &value)| {
        let span = span(explanation, map, token)?;
        // JSON knows no such numbers.
        value.is_finite().then_some((span, value))
    });
    spans
        .map(|(span, value)| observation(explanation, tag, span, Value::Numbers([value])))
        .collect()
}

/// Where the values are high.
fn stretches<'a>(
    explanation: &SongExplanation,
    map: &TokenMap,
    tag: usize,
    name: &'a str,
) -> Vec<Observation<'a>> {
    let values = map.tag(tag);
    let largest = values.iter().copied().fold(0f32, f32::max);
    let mut spans: Vec<[f64; 2]> = Vec::new();
    let mut last = None;
    for (token, &value) in values.iter().enumerate() {
        if value <= 0.0 || value < SHARE_OF_LARGEST * largest {
            continue;
        }
        let Some([from, to]) = span(explanation, map, token) else {
            continue;
        };
        match spans.last_mut() {
            Some(before) if last.is_some_and(|last| last + 1 == token) => before[1] = to,
            _ => spans.push([from, to]),
        }
        last = Some(token);
    }
    spans
        .into_iter()
        .map(|span| observation(explanation, tag, span, Value::Tag(name)))
        .collect()
}
