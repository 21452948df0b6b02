//! How fast the paper's augmentations are, beside the Python chain of the reference implementation, alternating in one run.
//!
//! ```text
//! python3 -m venv /tmp/wav && /tmp/wav/bin/pip install torch==2.8.0 torchaudio==2.8.0 numpy julius wavaugment torchaudio-augmentations
//! cargo bench -p attune-tests --bench augment -- --python /tmp/wav/bin/python3 [--repeats 9] [--only chain] [--json FILE]
//! ```
//!
//! Python runs torchaudio-augmentations 0.2.4 with julius and wavaugment, that is libsox; torch 2.8 is the last whose torchaudio has it.
//! Both sides get the same clip of 10 s and the same draws, whose numbers Python reads from JSON. Against one thread of ours stands PyTorch
//! with one or with two threads, whichever is faster; against all cores a process for each core, as its data loader would have.
//! A round times both sides one after the other, and the ratio is the median of the rounds' ratios: what else the machine does
//! falls on both. Without `--python` only Attune is timed.

mod pytorch;

use attune_core::augment::{Chain, Draw, Effect};
use attune_core::rng::{Address, Purpose};
use pytorch::{Options, Theirs, median_and_best};
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::time::Instant;

const RATE_HZ: u32 = 22050;
const CLIP_SECONDS: usize = 10;
const N_DRAWS: u64 = 200;
/// In a turn, an effect is applied this often and the median counts.
const N_TIMES: usize = 11;

/// Typical numbers, and the ends of the filters' ranges, where the kernels are longest and shortest.
const EFFECTS: [&str; 13] = [
    "polarity",
    "noise:ratio=0.4",
    "gain:db=-6",
    "high-pass:hz=200",
    "high-pass:hz=1200",
    "low-pass:hz=2200",
    "low-pass:hz=4000",
    "delay:ms=300",
    "pitch:cents=-700",
    "pitch:cents=-300",
    "pitch:cents=300",
    "pitch:cents=700",
    "reverb:reverberance=50,damping=50,room=50",
];

/// Ten seconds of plucked chords over a little noise, well below full scale.
fn clip() -> Vec<f32> {
    const BEAT_SECONDS: f64 = 0.25;
    let mut draws = Address::new(1, Purpose::Check, 0).stream();
    (0..CLIP_SECONDS * RATE_HZ as usize)
        .map(|i| {
            let seconds = i as f64 / f64::from(RATE_HZ);
            let since_beat = seconds % BEAT_SECONDS;
            let root_hz = 110.0 * ((seconds / BEAT_SECONDS) as i32 % 7 + 2) as f64 / 2.0;
            let chord: f64 = [1.0, 1.26, 1.5, 3.0]
                .iter()
                .map(|partial| (TAU * root_hz * partial * seconds).sin())
                .sum();
            (0.12 * chord * (-6.0 * since_beat).exp()) as f32 + 0.01 * draws.normal()
        })
        .collect()
}

/// Python processes with torch on some threads each.
struct Workers {
    processes: Vec<Theirs>,
}

impl Workers {
    fn new(python: &str, n_processes: usize, threads: usize, clip: &str) -> Self {
        let config = json!({"clip": clip, "rate_hz": RATE_HZ, "threads": threads});
        let start = || Theirs::new(python, "pytorch_augment.py", &config);
        Self {
            processes: (0..n_processes).map(|_| start()).collect(),
        }
    }

    /// Milliseconds until all draws have been applied, shared among the processes.
    fn milliseconds(&mut self, draws: &[Draw], n_times: usize) -> f64 {
        let n_each = draws.len().div_ceil(self.processes.len());
        let times = std::thread::scope(|scope| {
            let parts = self.processes.iter_mut().zip(draws.chunks(n_each));
            let asked: Vec<_> = parts
                .map(|(process, part)| {
                    let question = json!({"draws": part, "times": n_times}).to_string();
                    scope.spawn(move || process.ask(&question))
                })
                .collect();
            let answers = asked.into_iter().map(|answer| answer.join());
            answers
                .map(|answer| answer.expect("an answer"))
                .collect::<Vec<f64>>()
        });
        times.into_iter().fold(0.0, f64::max)
    }
}

/// Milliseconds for all draws on this thread: the median of `n_times`. Copying the clip is not timed.
fn milliseconds(draws: &[Draw], n_times: usize, clip: &[f32]) -> f64 {
    let mut wave = clip.to_vec();
    let times = (0..n_times)
        .map(|_| {
            let each = draws.iter().map(|draw| {
                wave.copy_from_slice(clip);
                let started = Instant::now();
                draw.apply_in_place(&mut wave, RATE_HZ);
                started.elapsed().as_secs_f64() * 1e3
            });
            each.sum()
        })
        .collect();
    median_and_best(times).0
}

/// Milliseconds for all draws, shared among as many threads.
fn milliseconds_on(n_threads: usize, draws: &[Draw], clip: &[f32]) -> f64 {
    let n_each = draws.len().div_ceil(n_threads);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for part in draws.chunks(n_each) {
            scope.spawn(move || milliseconds(part, 1, clip));
        }
    });
    started.elapsed().as_secs_f64() * 1e3
}

/// Medians over the rounds.
struct Timed {
    ours_ms: f64,
    /// Theirs, and how many times as long as ours they take.
    theirs: Option<(f64, f64)>,
}

impl Timed {
    /// `theirs` has several ways; that with the smallest median counts.
    fn rounds(
        n_rounds: usize,
        mut ours: impl FnMut() -> f64,
        theirs: &mut [&mut dyn FnMut() -> f64],
    ) -> Self {
        // Once to warm up.
        ours();
        for way in &mut *theirs {
            way();
        }
        let mut rounds: Vec<Round> = Vec::new();
        for _ in 0..n_rounds {
            let ours_ms = ours();
            rounds.push((ours_ms, theirs.iter_mut().map(|way| way()).collect()));
        }
        let median =
            |of: &dyn Fn(&Round) -> f64| median_and_best(rounds.iter().map(of).collect()).0;
        let ways = (0..theirs.len()).map(|way| {
            let ms = median(&|(_, theirs)| theirs[way]);
            (ms, median(&|(ours, theirs)| theirs[way] / ours))
        });
        Self {
            ours_ms: median(&|(ours, _)| *ours),
            theirs: ways.min_by(|a, b| a.0.total_cmp(&b.0)),
        }
    }
}

/// Our time in ms, and theirs in each of their ways.
type Round = (f64, Vec<f64>);

fn print(name: &str, ours: f64, theirs: Option<f64>, ratio: Option<f64>, unit: &str) -> Value {
    let text = |value: Option<f64>, digits| {
        value.map_or(String::new(), |value| format!("{value:.digits$}"))
    };
    let digits = if unit == "ms" { 3 } else { 0 };
    println!(
        "{name:44} {ours:10.digits$} {:>10} {:>6}",
        text(theirs, digits),
        text(ratio, 1)
    );
    json!({"what": name, "unit": unit, "attune": ours, "python": theirs, "ratio": ratio})
}

fn header(what: &str, unit: &str) {
    let (ours, theirs) = (format!("attune {unit}"), format!("python {unit}"));
    println!("{what:44} {ours:>10} {theirs:>10} {:>6}", "ratio");
}

fn main() {
    let options = Options::read();
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let clip = clip();
    let folder = tempfile::tempdir().expect("a folder");
    let clip_path = folder.path().join("clip.f32");
    let bytes: Vec<u8> = clip.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&clip_path, bytes).expect("the clip is written");
    let workers = |n_processes, threads| {
        let python = options.python.as_ref()?;
        let clip_path = clip_path.to_str().expect("a path in UTF-8");
        Some(Workers::new(python, n_processes, threads, clip_path))
    };
    let mut alone = [workers(1, 1), workers(1, 2)];
    if let Some(workers) = &alone[0] {
        println!("beside {}", workers.processes[0].about);
    }
    let mut results = Vec::new();
    let wanted = |name: &str| name.contains(&options.only);

    let mut beside = |draws: &[Draw], n_times: usize| {
        let [one, two] = alone.each_mut().map(Option::as_mut);
        let ours = || milliseconds(draws, n_times, &clip);
        let Some((one, two)) = one.zip(two) else {
            return Timed::rounds(options.repeats, ours, &mut []);
        };
        let mut with_one = || one.milliseconds(draws, n_times);
        let mut with_two = || two.milliseconds(draws, n_times);
        Timed::rounds(options.repeats, ours, &mut [&mut with_one, &mut with_two])
    };
    header("an effect on a clip of 10 s, one thread", "ms");
    for text in EFFECTS.into_iter().filter(|text| wanted(text)) {
        let effect = Effect::parse(text).expect("an effect");
        let timed = beside(&[Draw::of(vec![effect], 1)], N_TIMES);
        let (theirs, ratio) = timed.theirs.unzip();
        results.push(print(text, timed.ours_ms, theirs, ratio, "ms"));
    }

    let name = format!("{N_DRAWS} draws of the reference chain");
    if wanted(&name) {
        let chain = Chain::preset("reference").expect("the preset");
        let draws: Vec<Draw> = (0..N_DRAWS)
            .map(|track| chain.draw(Address::new(1, Purpose::Augment, track)))
            .collect();
        let clips_per_s = |ms: f64| N_DRAWS as f64 / ms * 1e3;
        let mut report = |name: &str, timed: Timed| {
            let (theirs, ratio) = timed.theirs.unzip();
            let (ours, theirs) = (clips_per_s(timed.ours_ms), theirs.map(clips_per_s));
            results.push(print(name, ours, theirs, ratio, "clips/s"));
        };
        header(&name, "clips/s");
        report("one thread", beside(&draws, 1));
        let ours = || milliseconds_on(n_cores, &draws, &clip);
        let timed = match &mut workers(n_cores, 1) {
            Some(workers) => Timed::rounds(
                options.repeats,
                ours,
                &mut [&mut || workers.milliseconds(&draws, 1)],
            ),
            None => Timed::rounds(options.repeats, ours, &mut []),
        };
        report(&format!("all {n_cores} cores"), timed);
    }
    options.write(&results, None);
}
