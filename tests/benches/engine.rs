//! How fast the engine is, beside PyTorch, alternating in one run: medians and ratios, as a table and as JSON.
//!
//! ```text
//! python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy
//! cargo bench -p attune-tests --bench engine -- --python /tmp/torch/bin/python3 [--threads 2] [--repeats 9] [--only tiny] [--json FILE]
//! ```
//!
//! Without `--python` only Attune is timed.

use attune_core::models::{ModelConfig, Network, Pass};
use attune_core::nn::{self, Adam, AdamConfig, Parameters};
use candle_core::{DType, Device, Tensor};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// What is timed: a name, a preset, clips, frames (159: 3.69 s, 216: 5 s), and whether a training step or inference.
const CASES: [(&str, &str, usize, usize, &str); 7] = [
    ("transformer 4.6 M, 2 x 5 s, step", "paper", 2, 216, "step"),
    ("transformer 4.6 M, 4 x 5 s, step", "paper", 4, 216, "step"),
    ("student 0.5 M, 4 x 5 s, step", "student", 4, 216, "step"),
    ("tiny, 16 x 3.69 s, step", "tiny", 16, 159, "step"),
    (
        "transformer 4.6 M, 6 x 5 s, inference",
        "paper",
        6,
        216,
        "forward",
    ),
    (
        "student 0.5 M, 6 x 5 s, inference",
        "student",
        6,
        216,
        "forward",
    ),
    ("tiny, 16 x 3.69 s, inference", "tiny", 16, 159, "forward"),
];

struct Options {
    python: Option<String>,
    threads: usize,
    repeats: usize,
    only: String,
    json: Option<String>,
}

fn options() -> Options {
    let mut options = Options {
        python: None,
        threads: 2,
        repeats: 9,
        only: String::new(),
        json: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        match name.as_str() {
            "--python" => options.python = Some(value()),
            "--threads" => options.threads = value().parse().expect("a number of threads"),
            "--repeats" => options.repeats = value().parse().expect("a number of repeats"),
            "--only" => options.only = value(),
            "--json" => options.json = Some(value()),
            // What cargo adds.
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    options
}

/// Ours: a network that steps and answers.
struct Ours {
    network: Box<dyn Network>,
    parameters: Parameters,
    adam: Adam,
    log_mels: Tensor,
    targets: Tensor,
    step: u64,
}

impl Ours {
    fn new(preset: &str, batch: usize, frames: usize) -> Self {
        let config = ModelConfig::preset(preset).expect("a preset");
        let parameters = Parameters::initialise(1, DType::F32);
        let network = config.build(parameters.var_builder()).expect("a network");
        let noise = |n: usize, seed: u64| -> Vec<f32> {
            let purpose = attune_core::rng::Purpose::Check;
            let mut draws = attune_core::rng::Address::new(seed, purpose, 0).stream();
            (0..n).map(|_| draws.normal()).collect()
        };
        let log_mels = noise(batch * 128 * frames, 1)
            .into_iter()
            .map(|x| x * 15.0 - 10.0)
            .collect();
        let targets = noise(batch * 50, 2)
            .into_iter()
            .map(|x| f32::from(x > 1.3))
            .collect();
        Self {
            network,
            parameters,
            adam: Adam::new(AdamConfig::default()),
            log_mels: Tensor::from_vec::<_, f32>(log_mels, (batch, 128, frames), &Device::Cpu)
                .expect("a tensor"),
            targets: Tensor::from_vec::<_, f32>(targets, (batch, 50), &Device::Cpu)
                .expect("a tensor"),
            step: 0,
        }
    }

    fn run(&mut self, work: &str) -> candle_core::Result<()> {
        if work == "forward" {
            self.network.forward(&Pass::inference(), &self.log_mels)?;
            return Ok(());
        }
        let started = Instant::now();
        let output = self
            .network
            .forward(&Pass::training(1, self.step), &self.log_mels)?;
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

    fn milliseconds(&mut self, work: &str) -> f64 {
        let started = Instant::now();
        self.run(work).expect("a step");
        started.elapsed().as_secs_f64() * 1e3
    }
}

/// Theirs: `pytorch_step.py` in a process of its own.
struct Theirs {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    about: serde_json::Value,
}

impl Theirs {
    fn new(
        python: &str,
        preset: &str,
        batch: usize,
        frames: usize,
        work: &str,
        threads: usize,
    ) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pytorch_step.py");
        let script = std::env::var("ATTUNE_PYTORCH_STEP").unwrap_or_else(|_| script.to_owned());
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut to = process.stdin.take().expect("a pipe");
        let mut from = BufReader::new(process.stdout.take().expect("a pipe"));
        let config = ModelConfig::preset(preset).expect("a preset");
        let mut config = serde_json::to_value(config).expect("JSON");
        config["batch"] = batch.into();
        config["frames"] = frames.into();
        config["threads"] = threads.into();
        config["works"] = json!([work]);
        writeln!(to, "{config}").expect("python listens");
        let mut line = String::new();
        from.read_line(&mut line).expect("python answers");
        let about = serde_json::from_str(&line).expect("python answers in JSON");
        Self {
            process,
            to,
            from,
            about,
        }
    }

    fn ask(&mut self, what: &str) -> f64 {
        writeln!(self.to, "{what}").expect("python listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("python answers");
        line.trim().parse().expect("a number")
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // It has nothing to lose.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Largest resident size of this process so far, in MiB.
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
    let options = options();
    attune_core::device::set_threads(options.threads);
    let mut results = Vec::new();
    println!(
        "{:42} {:>10} {:>10} {:>8} {:>10} {:>10}",
        "median of both, alternating", "attune ms", "torch ms", "ratio", "best ms", "best ms"
    );
    for (name, preset, batch, frames, work) in CASES {
        if !name.contains(&options.only) {
            continue;
        }
        let mut ours = Ours::new(preset, batch, frames);
        let mut theirs = options
            .python
            .as_ref()
            .map(|python| Theirs::new(python, preset, batch, frames, work, options.threads));
        ours.milliseconds(work);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..options.repeats {
            a.push(ours.milliseconds(work));
            if let Some(theirs) = &mut theirs {
                b.push(theirs.ask(work));
            }
        }
        let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let (best_a, best_b) = (best(&a), best(&b));
        let ours_ms = median(&mut a);
        let mut result = json!({"case": name, "attune_ms": ours_ms, "attune_best_ms": best_a});
        if let Some(theirs) = &mut theirs {
            let theirs_ms = median(&mut b);
            result["torch_ms"] = theirs_ms.into();
            result["torch_best_ms"] = best_b.into();
            result["ratio"] = (theirs_ms / ours_ms).into();
            result["torch"] = theirs.about.clone();
            result["torch_peak_mib"] = theirs.ask("memory").into();
            println!(
                "{name:42} {ours_ms:10.1} {theirs_ms:10.1} {:8.2} {best_a:10.1} {best_b:10.1}",
                theirs_ms / ours_ms
            );
        } else {
            println!(
                "{name:42} {ours_ms:10.1} {:>10} {:>8} {best_a:10.1}",
                "", ""
            );
        }
        results.push(result);
    }
    println!(
        "peak memory of attune over all cases: {:.0} MiB",
        peak_mib()
    );
    if let Some(path) = options.json {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
        let report = json!({"cpu": cpu, "threads": options.threads, "attune": env!("CARGO_PKG_VERSION"), "results": results});
        std::fs::write(&path, format!("{report:#}\n")).expect("the report is written");
    }
}
