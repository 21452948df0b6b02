//! How fast single operations are, forward and backward together, beside PyTorch, alternating in one run.
//!
//! ```text
//! python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy
//! cargo bench -p attune-tests --bench operations -- --python /tmp/torch/bin/python3 [--threads 2] [--repeats 9] [--only conv] [--json FILE]
//! ```
//!
//! The backward pass starts from a given gradient of the output. Each side has its turn on a machine at rest, see [`REST`], and makes one
//! pass that is not timed first. The residual block of the transformer is timed with the whole step, see `engine.rs`.

mod pytorch;

use attune_core::nn::{
    self, Conv1dOptions, ConvOptions, Direction, GruWeights, Over, RunningStatistics, Statistics,
    Tape, Value,
};
use attune_core::rng::{Address, Purpose};
use candle_core::{Device, Result, Tensor};
use pytorch::{Options, Theirs, median_and_best};
use serde_json::json;
use std::time::{Duration, Instant};

/// Before each turn. PyTorch's threads go on spinning for some milliseconds after their work: without a rest they would keep our threads
/// from the cores for just as long, and a ReLU of 1.4 ms would seem to take 5.6.
const REST: Duration = Duration::from_millis(30);

/// An operation on inputs of some shapes.
struct Case {
    name: &'static str,
    /// Its name in `pytorch_operations.py`.
    operation: &'static str,
    inputs: &'static [&'static [usize]],
}

const fn case(
    name: &'static str,
    operation: &'static str,
    inputs: &'static [&'static [usize]],
) -> Case {
    Case {
        name,
        operation,
        inputs,
    }
}

/// Shapes of the networks' own layers, on clips of a few seconds.
const CASES: [Case; 24] = [
    case(
        "conv2d 3x3, 128 to 128, 2 x 64 x 108",
        "conv2d",
        &[&[2, 128, 64, 108], &[128, 128, 3, 3], &[128]],
    ),
    case(
        "conv2d 3x3, 64 to 128, 4 x 48 x 80",
        "conv2d",
        &[&[4, 64, 48, 80], &[128, 64, 3, 3], &[128]],
    ),
    case(
        "conv2d 1x1, 128 to 256, 4 x 32 x 54",
        "conv2d",
        &[&[4, 128, 32, 54], &[256, 128, 1, 1], &[256]],
    ),
    case(
        "conv2d 67x7, 1 to 51, 4 x 96 x 192",
        "conv2d-valid",
        &[&[4, 1, 96, 192], &[51, 1, 67, 7], &[51]],
    ),
    case(
        "conv2d 38x7, 1 to 51, 4 x 96 x 192",
        "conv2d-valid",
        &[&[4, 1, 96, 192], &[51, 1, 38, 7], &[51]],
    ),
    case(
        "conv1d 129, 1 to 51, 4 x 192",
        "conv1d",
        &[&[4, 1, 192], &[51, 1, 129], &[51]],
    ),
    case(
        "conv1d 7, 512 to 512, 4 x 192",
        "conv1d",
        &[&[4, 512, 192], &[512, 512, 7], &[512]],
    ),
    case(
        "conv1d 3 stride 3, 1 to 128, 4 x 59049",
        "conv1d-stride-3",
        &[&[4, 1, 59049], &[128, 1, 3], &[128]],
    ),
    case(
        "conv1d 3, 128 to 128, 4 x 6561",
        "conv1d",
        &[&[4, 128, 6561], &[128, 128, 3], &[128]],
    ),
    case(
        "batch norm, 4 x 128 x 64 x 108",
        "batch-norm",
        &[&[4, 128, 64, 108], &[128], &[128]],
    ),
    case(
        "max pool 2x2, 4 x 128 x 64 x 108",
        "max-pool",
        &[&[4, 128, 64, 108]],
    ),
    case(
        "average pool 2x2, 4 x 128 x 64 x 108",
        "avg-pool",
        &[&[4, 128, 64, 108]],
    ),
    case(
        "max pool 3, 4 x 128 x 19683",
        "max-pool1d",
        &[&[4, 128, 19683]],
    ),
    case(
        "linear 2048 to 256, 220 rows",
        "linear",
        &[&[220, 2048], &[256, 2048], &[256]],
    ),
    case(
        "layer norm 256, 880 rows",
        "layer-norm",
        &[&[880, 256], &[256], &[256]],
    ),
    case(
        "attention 8 x 32, 16 x 55 tokens",
        "attention",
        &[&[16, 55, 768]],
    ),
    case("gelu, 880 x 1024", "gelu", &[&[880, 1024]]),
    case("relu, 4 x 128 x 64 x 108", "relu", &[&[4, 128, 64, 108]]),
    case("dropout, 880 x 1024", "dropout", &[&[880, 1024]]),
    case("softmax, 128 x 55 x 55", "softmax", &[&[128, 55, 55]]),
    case(
        "global max pool, 4 x 512 x 4 x 29",
        "global-max-pool",
        &[&[4, 512, 4, 29]],
    ),
    case(
        "global avg pool, 4 x 512 x 4 x 29",
        "global-avg-pool",
        &[&[4, 512, 4, 29]],
    ),
    case("BCE from logits, 64 x 50", "bce", &[&[64, 50]]),
    case(
        "GRU 64 to 32, 16 x 60",
        "gru",
        &[&[16, 60, 64], &[96, 32], &[96, 64], &[96], &[96]],
    ),
];

fn draw(dims: &[usize], track: u64) -> Tensor {
    let mut draws = Address::new(1, Purpose::Check, track).stream();
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("a tensor")
}

fn apply(operation: &str, inputs: &[Value]) -> Result<Value> {
    let same = |axis: usize| inputs[1].dims()[axis] / 2;
    match operation {
        "conv2d" => {
            let options = ConvOptions {
                padding: [same(2), same(3)],
                ..ConvOptions::default()
            };
            nn::conv2d(&inputs[0], &inputs[1], Some(&inputs[2]), options)
        }
        "conv2d-valid" => nn::conv2d(
            &inputs[0],
            &inputs[1],
            Some(&inputs[2]),
            ConvOptions::default(),
        ),
        "conv1d" => {
            let options = Conv1dOptions {
                padding: same(2),
                ..Conv1dOptions::default()
            };
            nn::conv1d(&inputs[0], &inputs[1], Some(&inputs[2]), options)
        }
        "conv1d-stride-3" => {
            let options = Conv1dOptions {
                stride: 3,
                ..Conv1dOptions::default()
            };
            nn::conv1d(&inputs[0], &inputs[1], Some(&inputs[2]), options)
        }
        "batch-norm" => {
            let channel = |value| Tensor::full(value, inputs[1].dims(), &Device::Cpu);
            let running = RunningStatistics {
                mean: channel(0f32)?,
                variance: channel(1f32)?,
                n_batches: Tensor::new(0i64, &Device::Cpu)?,
                momentum: 0.1,
            };
            nn::batch_norm(
                &inputs[0],
                &inputs[1],
                &inputs[2],
                &running,
                1e-5,
                Statistics::Batch,
            )
        }
        "max-pool" => nn::max_pool2d(&inputs[0], [2, 2]),
        "avg-pool" => nn::avg_pool2d(&inputs[0], [2, 2]),
        "max-pool1d" => nn::max_pool1d(&inputs[0], 3),
        "linear" => nn::linear(&inputs[0], &inputs[1], Some(&inputs[2])),
        "layer-norm" => nn::layer_norm(&inputs[0], &inputs[1], &inputs[2], 1e-5),
        "attention" => Ok(nn::attention(&inputs[0], 8)?.context),
        "gelu" => nn::gelu(&inputs[0]),
        "relu" => nn::relu(&inputs[0]),
        "dropout" => nn::dropout(&inputs[0], 0.1, Address::new(1, Purpose::Dropout, 0)),
        "softmax" => nn::softmax(&inputs[0]),
        "global-max-pool" => nn::global_max_pool(&inputs[0], Over::FrequencyAndTime),
        "global-avg-pool" => nn::global_avg_pool(&inputs[0], Over::FrequencyAndTime),
        "bce" => nn::bce_with_logits(&inputs[0], &inputs[0].tensor().unwrap().zeros_like()?),
        "gru" => {
            let weights = GruWeights {
                input: &inputs[2],
                hidden: &inputs[1],
                input_bias: &inputs[3],
                hidden_bias: &inputs[4],
            };
            nn::gru(&inputs[0], weights, Direction::Forward)
        }
        other => panic!("no operation {other}"),
    }
}

/// Forward and backward, in milliseconds.
fn milliseconds(case: &Case, inputs: &[Tensor], gradient: &mut Option<Tensor>) -> Result<f64> {
    let started = Instant::now();
    let tape = Tape::recording();
    let values: Vec<Value> = inputs.iter().map(|input| tape.watched(input)).collect();
    let y = apply(case.operation, &values)?;
    let gradient = gradient.get_or_insert_with(|| draw(y.dims(), 99));
    nn::backward_from(&y, gradient)?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

fn main() {
    attune_core::device::keep_freed_memory();
    let options = Options::read();
    attune_core::device::set_threads(options.threads);
    let mut results = Vec::new();
    println!(
        "{:42} {:>10} {:>10} {:>6}",
        format!("forward + backward, median, {} threads", options.threads),
        "attune ms",
        "torch ms",
        "ratio"
    );
    for case in CASES
        .iter()
        .filter(|case| case.name.contains(&options.only))
    {
        let inputs: Vec<Tensor> = (0u64..)
            .zip(case.inputs)
            .map(|(track, dims)| draw(dims, track))
            .collect();
        let mut gradient = None;
        let mut ours = || milliseconds(case, &inputs, &mut gradient).expect("an operation");
        let mut theirs = options.python.as_ref().map(|python| {
            let config = json!({
                "operation": case.operation,
                "inputs": case.inputs,
                "threads": options.threads,
            });
            Theirs::new(python, "pytorch_operations.py", &config)
        });
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..options.repeats {
            std::thread::sleep(REST);
            ours();
            a.push(ours());
            if let Some(theirs) = &mut theirs {
                std::thread::sleep(REST);
                theirs.ask("again");
                b.push(theirs.ask("again"));
            }
        }
        let (ours_ms, _) = median_and_best(a);
        let mut result = json!({"operation": case.name, "attune_ms": ours_ms});
        let (mut theirs_text, mut ratio_text) = (String::new(), String::new());
        if let Some(theirs) = &theirs {
            let (theirs_ms, _) = median_and_best(b);
            result["torch_ms"] = theirs_ms.into();
            result["ratio"] = (theirs_ms / ours_ms).into();
            result["torch"] = theirs.about.clone();
            theirs_text = format!("{theirs_ms:.2}");
            ratio_text = format!("{:.2}", theirs_ms / ours_ms);
        }
        println!(
            "{:42} {ours_ms:10.2} {theirs_text:>10} {ratio_text:>6}",
            case.name
        );
        results.push(result);
    }
    options.write(&results, None);
}
