//! How many ten-second clips a second one loader thread makes from a warm cache: waveforms, log-mels of the paper's front end, and both
//! augmented with the paper's chain.
//!
//! ```text
//! cargo bench -p attune-tests --bench loader -- [--repeats 7] [--tracks 200] [--million] [--json FILE]
//! ```
//!
//! A cache of `--tracks` tracks of 30 s is made in a temporary folder and read once, so that it lies in memory and its checksums have been
//! looked at; that first reading is timed, too. "Per core" is by the processor's time of the loader's thread, so that what else the machine
//! does counts as little as may be; by the clock is what a trainer that only takes batches would see. With `--million`, a cache that names
//! a million tracks is opened as well (its index is real, its sound is one file under a million names).

use attune_core::audio::write_wav;
use attune_core::augment::Chain;
use attune_core::dataset::{
    Dataset, Loader, LoaderConfig, Memory, PcmCache, Position, Split, TagIdx, Track,
};
use attune_core::features::{FrontEnd, Input};
use attune_core::job::Job;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const RATE_HZ: u32 = 22_050;
const TRACK_SECONDS: usize = 30;
const CLIP_SECONDS: usize = 10;
const BATCH: usize = 16;
/// Batches in a round.
const N_BATCHES: usize = 25;

struct Options {
    repeats: usize,
    tracks: usize,
    million: bool,
    json: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            repeats: 7,
            tracks: 200,
            million: false,
            json: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} what?"));
            match name.as_str() {
                "--repeats" => options.repeats = value().parse().expect("a number"),
                "--tracks" => options.tracks = value().parse().expect("a number"),
                "--million" => options.million = true,
                "--json" => options.json = Some(value()),
                // What cargo adds.
                "--bench" => {}
                other => panic!("unknown argument {other}"),
            }
        }
        options
    }
}

fn track(number: usize, path: &Path) -> Track {
    Track {
        id: format!("t{number}"),
        path: path.to_path_buf(),
        artist: format!("a{number}"),
        album: String::new(),
        title: String::new(),
        split: Split::Train,
        duration_secs: Some(TRACK_SECONDS as f64),
        source: String::new(),
        license: String::new(),
        tags: vec![TagIdx(number as u32 % 50)],
        timeline: Vec::new(),
    }
}

fn dataset(folder: &Path, tracks: Vec<Track>) -> Dataset {
    Dataset {
        name: "bench".into(),
        root: folder.to_path_buf(),
        place: folder.to_path_buf(),
        labelling: String::new(),
        tags: (0..50).map(|tag| format!("tag {tag}")).collect(),
        tracks,
        problems: Vec::new(),
        findings: Vec::new(),
    }
}

/// Tracks of chords over noise, each another.
fn sounds(folder: &Path, n_tracks: usize) -> Dataset {
    let made = (0..n_tracks).map(|number| {
        let path = folder.join(format!("{number}.wav"));
        let root_hz = 80.0 + 7.0 * (number % 60) as f32;
        let mut state = number as u32;
        let wave: Vec<f32> = (0..TRACK_SECONDS * RATE_HZ as usize)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
                let phase = i as f32 * root_hz / RATE_HZ as f32;
                0.3 * (phase.fract() - 0.5) + 0.2 * ((1.5 * phase).fract() - 0.5) + 0.05 * noise
            })
            .collect();
        write_wav(&path, &wave, RATE_HZ).expect("a WAV file");
        track(number, &path)
    });
    let tracks = made.collect();
    dataset(folder, tracks)
}

/// Seconds that a thread of this process has had a processor, by the thread's name.
fn processor_seconds(thread: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let of = |task: std::fs::DirEntry| {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
        (read("comm")?.trim() == thread).then_some(())?;
        let nanoseconds: f64 = read("schedstat")?.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds * 1e-9)
    };
    tasks.filter_map(|task| of(task.ok()?)).sum()
}

/// Clips a second of a thread's own time, and by the clock: the median over rounds.
fn clips_per_second(
    data: &Arc<Dataset>,
    cache: &Arc<PcmCache>,
    input: Input,
    chain: Option<Chain>,
    n_rounds: usize,
) -> (f64, f64, u64) {
    let config = LoaderConfig {
        split: Split::Train,
        crop_samples: CLIP_SECONDS * RATE_HZ as usize,
        batch_size: BATCH,
        chain,
        seed: 1,
        n_threads: 1,
        prefetch: 4,
        memory: Memory::AtMost(1 << 30),
        input,
        clean: None,
        steps_per_epoch: None,
    };
    let start = Position::default();
    let mut loader =
        Loader::start(Arc::clone(data), Arc::clone(cache), config, start).expect("a loader");
    let mut take = |n: usize| {
        for _ in 0..n {
            let batch = loader.next().expect("a batch");
            std::hint::black_box(&batch.inputs.values);
            loader.give_back(batch);
        }
    };
    take(N_BATCHES);
    let mut rounds: Vec<(f64, f64)> = (0..n_rounds)
        .map(|_| {
            let (clock, processor) = (Instant::now(), processor_seconds("attune-loader-0"));
            take(N_BATCHES);
            let n_clips = (N_BATCHES * BATCH) as f64;
            let processor = processor_seconds("attune-loader-0") - processor;
            (n_clips / processor, n_clips / clock.elapsed().as_secs_f64())
        })
        .collect();
    let mut median = |of: fn(&(f64, f64)) -> f64| {
        rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&rounds[rounds.len() / 2])
    };
    let (per_core, by_clock) = (median(|round| round.0), median(|round| round.1));
    (per_core, by_clock, loader.memory_bytes())
}

/// A cache that names a million tracks: how long opening takes, and what a track takes in memory.
fn million(folder: &Path) -> Value {
    const N: usize = 1_000_000;
    const PER_FOLDER: usize = 1000;
    println!("\nmaking a million names (hard links; some minutes) ...");
    let sound = folder.join("sound.wav");
    write_wav(&sound, &[0.25; 100], RATE_HZ).expect("a WAV file");
    let tracks = (0..N).map(|number| {
        let below = folder.join(format!("{:04}", number / PER_FOLDER));
        if number % PER_FOLDER == 0 {
            std::fs::create_dir_all(&below).expect("a folder");
            std::fs::copy(&sound, below.join("sound.wav")).expect("a copy");
        }
        let path = below.join(format!("{number:07}.wav"));
        std::fs::hard_link(below.join("sound.wav"), &path).expect("a link");
        track(number, &path)
    });
    let data = dataset(folder, tracks.collect());
    let all: Vec<usize> = (0..N).collect();
    let open = || PcmCache::open(folder.join("pcm"), RATE_HZ).expect("a cache");
    let since = Instant::now();
    let report = open().prepare(&data, &all, &Job::quiet()).expect("decoded");
    let decoding = since.elapsed().as_secs_f64();
    assert_eq!(report.n_decoded, N);
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix("kB"));
        number.map_or(0.0, |number| {
            number.trim().parse::<f64>().unwrap_or(0.0) * 1024.0
        })
    };
    let cache = open();
    let (since, before) = (Instant::now(), resident());
    let report = cache.prepare(&data, &all, &Job::quiet()).expect("found");
    let (opening, bytes) = (since.elapsed().as_secs_f64(), resident() - before);
    assert_eq!(report.n_cached, N);
    println!("a million tracks: decoded in {decoding:.1} s; found again in {opening:.2} s");
    println!(
        "  the process grew by {:.0} bytes a track",
        bytes / N as f64
    );
    json!({"what": "a million tracks found", "seconds": opening, "decoding_seconds": decoding, "bytes_a_track": bytes / N as f64})
}

fn main() {
    attune_core::device::keep_freed_memory();
    let options = Options::read();
    let folder = tempfile::tempdir().expect("a folder");
    let data = Arc::new(sounds(folder.path(), options.tracks));
    let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).expect("a cache");
    let all: Vec<usize> = (0..options.tracks).collect();
    cache.prepare(&data, &all, &Job::quiet()).expect("decoded");
    let cache = Arc::new(cache);
    let mut results = Vec::new();

    let mut wave = vec![0.0; TRACK_SECONDS * RATE_HZ as usize];
    let mut read_all = || {
        let since = Instant::now();
        for track in &data.tracks {
            cache.read(track, 0, &mut wave).expect("its sound");
        }
        let seconds = since.elapsed().as_secs_f64();
        (options.tracks * TRACK_SECONDS * RATE_HZ as usize * 2) as f64 / seconds / 1e9
    };
    let (first, again) = (read_all(), read_all());
    println!(
        "reading the cache: {first:.2} GB/s with checksums, {again:.2} GB/s once they are known to be right"
    );
    results.push(json!({"what": "reading", "first_gb_per_s": first, "again_gb_per_s": again}));

    println!(
        "\n{:40} {:>12} {:>12} {:>10}",
        "ten-second clips, one thread", "per core/s", "by clock/s", "memory"
    );
    let reference = Chain::preset("reference").expect("the paper's chain");
    let log_mel = Input::LogMel(FrontEnd::mtt());
    let waveform = Input::Waveform {
        sample_rate_hz: RATE_HZ,
    };
    for (what, input, chain) in [
        ("waveforms", waveform.clone(), None),
        ("log-mels", log_mel.clone(), None),
        ("waveforms, augmented", waveform, Some(reference.clone())),
        ("log-mels, augmented", log_mel, Some(reference)),
    ] {
        let (per_core, by_clock, bytes) =
            clips_per_second(&data, &cache, input, chain, options.repeats);
        let memory = format!("{} MiB", bytes >> 20);
        println!("{what:40} {per_core:12.0} {by_clock:12.0} {memory:>10}");
        results.push(
            json!({"what": what, "per_core": per_core, "by_clock": by_clock, "bytes": bytes}),
        );
    }
    if options.million {
        results.push(million(folder.path()));
    }
    if let Some(path) = options.json {
        let text = format!("{:#}\n", json!({ "results": results }));
        std::fs::write(&path, text).expect("the report is written");
    }
}
