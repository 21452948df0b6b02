//! A network as an ONNX file: from its own input (log-mel, power spectrum or waveform) to logits and probabilities, in evaluation
//! mode. The batch stays open, and so does the time within the lengths that the network takes.
//!
//! Each network says in `Network::export` what it is made of; the layers are in `layers`, the file's messages in `proto`.

mod graph;
mod layers;
mod proto;

pub(super) use graph::{Graph, Wire};

use self::proto::{
    DimensionProto, DimensionValue, FLOAT, GraphProto, ModelProto, OperatorSetIdProto,
    StringStringEntryProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use super::Network;
use crate::features::Input;
use candle_core::Result;
use prost::Message;
use std::collections::BTreeMap;

/// The version of ONNX's operations that the files are written in: the first with layer norm (2022).
pub const OPSET: i64 = 17;

/// The version of the file format that came with it.
const IR_VERSION: i64 = 8;

/// The bytes of an ONNX file.
///
/// Input `log_mel` or `power_spectrum` `[batch, rows, frames]`, or `waveform` `[batch, samples]`; outputs `probabilities` and
/// `logits`, `[batch, tags]`. `metadata` goes into the file as it is; `columns` beside it holds the fewest and the most frames or samples
/// that the network takes, as JSON (`null`: any number).
///
/// Fails if the weights cannot be read.
pub fn onnx(network: &dyn Network, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let input = network.input();
    let (name, rows, columns) = match &input {
        Input::LogMel(_) => ("log_mel", Some(input.n_rows()), "frames"),
        Input::Spectrum(_) => ("power_spectrum", Some(input.n_rows()), "frames"),
        Input::Waveform { .. } => ("waveform", None, "samples"),
    };
    let mut graph = Graph::default();
    let mut x = Wire(name.to_owned());
    if rows.is_none() {
        x = graph.unsqueeze(&x, 1);
    }
    let logits = network.export(&mut graph, &x)?;
    let probabilities = graph.unary("Sigmoid", &logits);
    graph.hand_out(&probabilities, "probabilities");
    graph.hand_out(&logits, "logits");

    let named = |name: &str| DimensionValue::Name(name.to_owned());
    let sized = |size: usize| DimensionValue::Size(size as i64);
    let shape = [Some(named("batch")), rows.map(sized), Some(named(columns))];
    let fits = network.columns();
    let (least, most) = match *fits.end() {
        usize::MAX => (format!("at least {}", fits.start()), "null".to_owned()),
        most => (format!("{} to {most}", fits.start()), most.to_string()),
    };
    let lengths = format!("[{}, {most}]", fits.start());
    let fits = format!("{least} {columns}");
    let answers = || vec![named("batch"), sized(network.n_tags())];
    let graph = GraphProto {
        name: "attune".to_owned(),
        input: vec![value(name, shape.into_iter().flatten().collect(), &fits)],
        output: vec![
            value("probabilities", answers(), ""),
            value("logits", answers(), ""),
        ],
        ..graph.finish()
    };
    let columns = ("columns".to_owned(), lengths);
    let metadata = metadata.clone().into_iter().chain([columns]);
    let metadata = metadata.map(|(key, value)| StringStringEntryProto { key, value });
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "attune".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: describe(&input),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: metadata.collect(),
    };
    Ok(model.encode_to_vec())
}

fn value(name: &str, shape: Vec<DimensionValue>, about: &str) -> ValueInfoProto {
    let dim = shape
        .into_iter()
        .map(|value| DimensionProto { value: Some(value) });
    let tensor_type = TensorTypeProto {
        elem_type: FLOAT,
        shape: Some(TensorShapeProto { dim: dim.collect() }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
        doc_string: about.to_owned(),
    }
}

/// How the input is made of sound, for people; for programs it stands in the metadata.
fn describe(input: &Input) -> String {
    match input {
        Input::LogMel(front_end) => format!(
            "Music tagger. Input: log-mel spectrogram in dB of mono sound at {} Hz; {} bands, window {} samples, hop length {} samples.",
            front_end.sample_rate_hz, front_end.n_mels, front_end.n_fft, front_end.hop_samples
        ),
        Input::Spectrum(front_end) => format!(
            "Music tagger. Input: power spectrum of mono sound at {} Hz; window {} samples, hop length {} samples.",
            front_end.sample_rate_hz, front_end.n_fft, front_end.hop_samples
        ),
        Input::Waveform { sample_rate_hz } => {
            format!("Music tagger. Input: mono sound at {sample_rate_hz} Hz.")
        }
    }
}
