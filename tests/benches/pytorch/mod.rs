//! PyTorch in a process of its own, timed on request beside Attune; and what both benchmarks say about the machine.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Options of both benchmarks.
pub struct Options {
    /// A Python with PyTorch; without it only Attune is timed.
    pub python: Option<String>,
    pub threads: usize,
    pub repeats: usize,
    /// Only cases with this in their name.
    pub only: String,
    /// Where to write the results as JSON.
    pub json: Option<String>,
}

impl Options {
    /// From the command line. Panics with advice if it is not understood.
    pub fn read() -> Self {
        let mut options = Self {
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

    /// Writes results with the machine that they were measured on.
    pub fn write(&self, results: &[Value], sgemm_flops_per_s: Option<f64>) {
        let Some(path) = &self.json else { return };
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
        let report = json!({
            "cpu": cpu,
            "threads": self.threads,
            "attune": env!("CARGO_PKG_VERSION"),
            "sgemm_flops_per_s": sgemm_flops_per_s,
            "results": results,
        });
        std::fs::write(path, format!("{report:#}\n")).expect("the report is written");
        println!("written to {path}");
    }
}

/// A script that prints a time in milliseconds for each line that it reads.
pub struct Theirs {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// What the script says about itself.
    pub about: Value,
}

impl Theirs {
    /// Starts `script` (beside this file's folder) and tells it what to prepare.
    pub fn new(python: &str, script: &str, config: &Value) -> Self {
        let mut process = Command::new(python)
            .arg(format!("{}/benches/{script}", env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut to = process.stdin.take().expect("a pipe");
        let mut from = BufReader::new(process.stdout.take().expect("a pipe"));
        writeln!(to, "{config}").expect("python listens");
        let mut line = String::new();
        from.read_line(&mut line).expect("python answers");
        Self {
            about: serde_json::from_str(&line).expect("python answers in JSON"),
            process,
            to,
            from,
        }
    }

    /// One number for one question.
    pub fn ask(&mut self, what: &str) -> f64 {
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

/// Median and smallest of some times.
pub fn median_and_best(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}
