//! How fast the engine is, beside PyTorch, alternating in one run: medians and ratios, as a table and as JSON.
//!
//! ```text
//! python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch torchaudio numpy
//! cargo bench -p attune-tests --bench engine -- --python /tmp/torch/bin/python3 [--threads 2] [--repeats 9] [--only tiny] [--json FILE]
//! ```
//!
//! Without `--python` only Attune is timed.

mod pytorch;

use attune_core::features::Input;
use attune_core::models::{ModelConfig, Network, Pass, presets};
use attune_core::nn::{self, Adam, AdamConfig, Parameters};
use attune_core::predict::Model;
use attune_core::rng::{Address, Purpose};
use candle_core::{DType, Device, Tensor};
use pytorch::{Options, Theirs, median_and_best};
use serde_json::json;
use std::time::Instant;

/// What is timed.
struct Case {
    name: &'static str,
    preset: &'static str,
    clips: usize,
    /// Frames or samples of a clip (159 frames of the transformer: 3.69 s, 216: 5 s).
    columns: usize,
    work: Work,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Forward, backward and Adam from log-mel.
    Step,
    /// Inference from log-mel.
    Forward,
    /// From waveforms to log-mel.
    LogMel,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Forward => "forward",
            Self::LogMel => "log-mel",
        }
    }
}

const fn case(
    name: &'static str,
    preset: &'static str,
    clips: usize,
    columns: usize,
    work: Work,
) -> Case {
    Case {
        name,
        preset,
        clips,
        columns,
        work,
    }
}

use Work::{Forward, LogMel, Step};

const CASES: [Case; 26] = [
    case("transformer 4.6 M, 2 x 5 s, step", "paper", 2, 216, Step),
    case("transformer 4.6 M, 4 x 5 s, step", "paper", 4, 216, Step),
    case("student 0.5 M, 4 x 5 s, step", "student", 4, 216, Step),
    case("tiny, 16 x 3.69 s, step", "tiny", 16, 159, Step),
    case(
        "Short-chunk ResNet, 4 x 3.69 s, step",
        "short-chunk-resnet",
        4,
        231,
        Step,
    ),
    case(
        "Short-chunk CNN, 4 x 3.69 s, step",
        "short-chunk-cnn",
        4,
        231,
        Step,
    ),
    case("Harmonic CNN, 4 x 5 s, step", "harmonic-cnn", 4, 313, Step),
    case("CNNSA, 2 x 15 s, step", "cnnsa", 2, 938, Step),
    case("FCN, 2 x 29 s, step", "fcn", 2, 1813, Step),
    case("CRNN, 2 x 29 s, step", "crnn", 2, 1813, Step),
    case("Musicnn, 4 x 3 s, step", "musicnn", 4, 188, Step),
    case(
        "Sample-level, 4 x 3.69 s, step",
        "sample-cnn",
        4,
        59_049,
        Step,
    ),
    case(
        "Sample-level + SE, 4 x 3.69 s, step",
        "sample-cnn-se",
        4,
        59_049,
        Step,
    ),
    case(
        "transformer 4.6 M, 6 x 5 s, inference",
        "paper",
        6,
        216,
        Forward,
    ),
    case(
        "student 0.5 M, 6 x 5 s, inference",
        "student",
        6,
        216,
        Forward,
    ),
    case("tiny, 16 x 3.69 s, inference", "tiny", 16, 159, Forward),
    case(
        "Short-chunk ResNet, 4 x 3.69 s, inference",
        "short-chunk-resnet",
        4,
        231,
        Forward,
    ),
    case(
        "Short-chunk CNN, 4 x 3.69 s, inference",
        "short-chunk-cnn",
        4,
        231,
        Forward,
    ),
    case(
        "Harmonic CNN, 4 x 5 s, inference",
        "harmonic-cnn",
        4,
        313,
        Forward,
    ),
    case("CNNSA, 2 x 15 s, inference", "cnnsa", 2, 938, Forward),
    case("FCN, 2 x 29 s, inference", "fcn", 2, 1813, Forward),
    case("CRNN, 2 x 29 s, inference", "crnn", 2, 1813, Forward),
    case("Musicnn, 4 x 3 s, inference", "musicnn", 4, 188, Forward),
    case(
        "Sample-level, 4 x 3.69 s, inference",
        "sample-cnn",
        4,
        59_049,
        Forward,
    ),
    case(
        "Sample-level + SE, 4 x 3.69 s, inference",
        "sample-cnn-se",
        4,
        59_049,
        Forward,
    ),
    case(
        "log-mel of 10 minutes, 120 x 5 s",
        "paper",
        120,
        216,
        LogMel,
    ),
];

/// Samples of a clip of five seconds.
const SAMPLES: usize = 110_250;

impl Case {
    fn config(&self) -> ModelConfig {
        presets::preset(self.preset).expect("a preset").config
    }

    fn for_pytorch(&self, threads: usize) -> serde_json::Value {
        let mut config = serde_json::to_value(self.config()).expect("JSON");
        config["batch"] = self.clips.into();
        config["rows"] = self.config().input().n_rows().into();
        config["columns"] = self.columns.into();
        config["samples"] = SAMPLES.into();
        config["threads"] = threads.into();
        config["works"] = json!([self.work.name()]);
        config
    }

    /// Floating-point operations (a multiplication and an addition are two) by direct summation, backward twice the forward.
    /// `None` where nobody counted them.
    fn flops(&self) -> Option<f64> {
        let per_clip = match self.config() {
            ModelConfig::MusicTaggingTransformer(config) => {
                let (c, d) = (config.conv_width as f64, config.attention_width as f64);
                let whole = 128.0 * self.columns as f64;
                // Kernels 3 x 3: from one channel twice, then from c to c at full, quarter and sixteenth size.
                let conv = 9.0 * whole * (2.0 * c + c * c * (1.0 + 2.0 / 4.0 + 2.0 / 16.0));
                let n = (self.columns / 4) as f64 + 1.0;
                let to_tokens = n * 16.0 * c * d;
                let layers = config.n_layers as f64 * (12.0 * n * d * d + 2.0 * n * n * d);
                conv + to_tokens + layers
            }
            ModelConfig::ShortChunkResnet(config) => {
                let (mut ins, mut height, mut width, mut sum) = (1, 128_usize, self.columns, 0);
                for outs in [1, 1, 2, 2, 2, 2, 4].map(|widths| widths * config.width) {
                    (height, width) = (height.div_ceil(2), width.div_ceil(2));
                    sum += 9 * height * width * outs * (2 * ins + outs);
                    ins = outs;
                }
                sum as f64
            }
            _ => return None,
        };
        let forward = 2.0 * self.clips as f64 * per_clip;
        match self.work {
            Work::Step => Some(3.0 * forward),
            Work::Forward => Some(forward),
            Work::LogMel => None,
        }
    }
}

/// Ours: a network that steps and answers.
struct Ours {
    network: Box<dyn Network>,
    parameters: Parameters,
    adam: Adam,
    inputs: Tensor,
    targets: Tensor,
    model: Model,
    waves: Vec<Vec<f32>>,
    step: u64,
}

fn noise(n: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut draws = Address::new(seed, Purpose::Check, 0).stream();
    (0..n).map(move |_| draws.normal())
}

impl Ours {
    fn new(case: &Case) -> Self {
        let parameters = Parameters::initialise(1, DType::F32);
        let network = case
            .config()
            .build(parameters.var_builder())
            .expect("a network");
        let (clips, input) = (case.clips, network.input());
        let dims = (clips, input.n_rows(), case.columns);
        let inputs: Vec<f32> = noise(dims.0 * dims.1 * dims.2, 1)
            .map(|x| match input {
                Input::LogMel(_) => x * 15.0 - 10.0,
                Input::Spectrum(_) => (x * 15.0 - 10.0).powi(2),
                Input::Waveform { .. } => x * 0.1,
            })
            .collect();
        let targets: Vec<f32> = noise(clips * 50, 2).map(|x| f32::from(x > 1.3)).collect();
        let waves = match case.work {
            Work::LogMel => (0..clips)
                .map(|clip| noise(SAMPLES, clip as u64).map(|x| x * 0.1).collect())
                .collect(),
            Work::Step | Work::Forward => Vec::new(),
        };
        let tags = (0..50).map(|tag| format!("tag {tag}")).collect();
        let n_samples = match case.work {
            Work::LogMel => SAMPLES,
            _ => *input.samples_of(case.columns..=case.columns).end(),
        };
        let model = Model::from_parameters(case.config(), tags, n_samples, &parameters);
        Self {
            model: model.expect("a model"),
            network,
            parameters,
            adam: Adam::new(AdamConfig::default()),
            inputs: Tensor::from_vec(inputs, dims, &Device::Cpu).expect("a tensor"),
            targets: Tensor::from_vec(targets, (clips, 50), &Device::Cpu).expect("a tensor"),
            waves,
            step: 0,
        }
    }

    fn run(&mut self, work: Work) -> candle_core::Result<()> {
        match work {
            Work::LogMel => {
                let waves: Vec<&[f32]> = self.waves.iter().map(Vec::as_slice).collect();
                self.model.inputs(&waves).expect("spectrograms");
                return Ok(());
            }
            Work::Forward => {
                self.network.forward(&Pass::inference(), &self.inputs)?;
                return Ok(());
            }
            Work::Step => {}
        }
        let started = Instant::now();
        let pass = Pass::training(1, self.step);
        let output = self.network.forward(&pass, &self.inputs)?;
        let loss = nn::bce_with_logits(&output.logits, &self.targets)?;
        let forward = started.elapsed();
        let gradients = nn::backward(&loss)?;
        let backward = started.elapsed() - forward;
        self.adam.step(&self.parameters, &gradients, 1e-4)?;
        if std::env::var_os("ATTUNE_BENCH_PARTS").is_some() {
            let adam = started.elapsed() - forward - backward;
            eprintln!("forward {forward:.1?}, backward {backward:.1?}, adam {adam:.1?}");
        }
        self.step += 1;
        Ok(())
    }

    fn milliseconds(&mut self, work: Work) -> f64 {
        let started = Instant::now();
        self.run(work).expect("a step");
        started.elapsed().as_secs_f64() * 1e3
    }
}

/// The best that matrix products of this machine give, in operations per second.
fn sgemm_peak() -> f64 {
    const N: usize = 2048;
    let matrix = |seed| {
        let values: Vec<f32> = noise(N * N, seed).collect();
        Tensor::from_vec(values, (N, N), &Device::Cpu).expect("a tensor")
    };
    let (a, b) = (matrix(1), matrix(2));
    let best = (0..5)
        .map(|_| {
            let started = Instant::now();
            a.matmul(&b).expect("a product");
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    2.0 * (N as f64).powi(3) / best
}

/// Forgets the largest resident size so far.
fn reset_peak() {
    // Where the system refuses, the peak is that of all cases so far: too high, never too low.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// Page faults of this process so far that needed no disk.
fn minor_faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name in brackets, which may hold anything: the eighth word.
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(7)?.parse().ok()
}

/// Largest resident size of this process since [`reset_peak`], in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| {
        line.trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<f64>()
            .ok()
    })
    .map_or(f64::NAN, |kib| kib / 1024.0)
}

fn main() {
    attune_core::device::keep_freed_memory();
    let options = Options::read();
    attune_core::device::set_threads(options.threads);
    let mut results = Vec::new();
    let peak = sgemm_peak();
    println!(
        "{:40} {:>10} {:>10} {:>6} {:>9} {:>9} {:>10} {:>8} {:>9} {:>7}",
        format!("median of both, alternating, {} threads", options.threads),
        "attune ms",
        "torch ms",
        "ratio",
        "best ms",
        "best ms",
        "of sgemm",
        "peak MiB",
        "torch MiB",
        "faults"
    );
    for case in CASES
        .iter()
        .filter(|case| case.name.contains(&options.only))
    {
        reset_peak();
        let mut ours = Ours::new(case);
        let mut theirs = options.python.as_ref().map(|python| {
            Theirs::new(
                python,
                "pytorch_step.py",
                &case.for_pytorch(options.threads),
            )
        });
        ours.milliseconds(case.work);
        let faults_before = minor_faults();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..options.repeats {
            a.push(ours.milliseconds(case.work));
            if let Some(theirs) = &mut theirs {
                b.push(theirs.ask(case.work.name()));
            }
        }
        let faults = minor_faults().zip(faults_before);
        let faults = faults.map(|(after, before)| (after - before) as f64 / a.len() as f64);
        let (ours_ms, best_a) = median_and_best(a);
        // Above 1 where Winograd's convolution needs fewer operations than direct summation.
        let share = case.flops().map(|flops| flops / (ours_ms / 1e3) / peak);
        let mut result = json!({
            "case": case.name,
            "attune_ms": ours_ms,
            "attune_best_ms": best_a,
            "share_of_sgemm_peak": share,
            "attune_peak_mib": peak_mib(),
            "attune_page_faults_per_run": faults,
        });
        let of_peak = share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
        let name = case.name;
        if let Some(theirs) = &mut theirs {
            let (theirs_ms, best_b) = median_and_best(b);
            let ratio = theirs_ms / ours_ms;
            result["torch_ms"] = theirs_ms.into();
            result["torch_best_ms"] = best_b.into();
            result["ratio"] = ratio.into();
            result["torch"] = theirs.about.clone();
            let torch_peak = theirs.ask("memory");
            result["torch_peak_mib"] = torch_peak.into();
            let (peak, faults) = (peak_mib(), faults.unwrap_or(f64::NAN));
            println!(
                "{name:40} {ours_ms:10.1} {theirs_ms:10.1} {ratio:6.2} {best_a:9.1} {best_b:9.1} {of_peak:>10} {peak:8.0} {torch_peak:9.0} {faults:7.0}"
            );
        } else {
            println!(
                "{name:40} {ours_ms:10.1} {:>10} {:>6} {best_a:9.1} {:>9} {of_peak:>10}",
                "", "", ""
            );
        }
        results.push(result);
    }
    println!("sgemm, 2048 x 2048: {:.0} GFLOP/s", peak / 1e9);
    options.write(&results, Some(peak));
}
