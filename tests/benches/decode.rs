//! How fast files are decoded to what the cache holds (mono, 16 bit, 22,050 Hz), beside ffmpeg on one thread, alternating.
//!
//! ```text
//! cargo bench -p attune-tests --bench decode -- [--ffmpeg ffmpeg] [--repeats 9] [--minutes 8] [--json FILE] [FILE ...]
//! ```
//!
//! Without files, a stereo piece of music at 44,100 Hz is made of the demo's songs and encoded by ffmpeg as MP3 (192 kbit/s, and VBR) and as
//! Ogg Vorbis. Both sides are measured by the processor's time they take: ours by that of the thread, ffmpeg's as it tells itself
//! (`-benchmark`, user and system), less what it takes for the first hundredth of a second, so that starting a process does not count.
//! The ratio is the median of the rounds' ratios.

use attune_core::audio::{self, Clip};
use attune_core::dataset::{Dataset, demo};
use attune_core::job::Job;
use attune_core::workspace::Workspace;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

const RATE_HZ: u32 = 22_050;

struct Options {
    ffmpeg: String,
    repeats: usize,
    minutes: usize,
    json: Option<String>,
    files: Vec<PathBuf>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            ffmpeg: "ffmpeg".into(),
            repeats: 9,
            minutes: 8,
            json: None,
            files: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} what?"));
            match name.as_str() {
                "--ffmpeg" => options.ffmpeg = value(),
                "--repeats" => options.repeats = value().parse().expect("a number"),
                "--minutes" => options.minutes = value().parse().expect("a number"),
                "--json" => options.json = Some(value()),
                // What cargo adds.
                "--bench" => {}
                file => options.files.push(file.into()),
            }
        }
        options
    }

    /// Processor's seconds that ffmpeg takes to decode a file, or its first hundredth of a second.
    fn theirs(&self, file: &Path, start_only: bool) -> f64 {
        let mut command = Command::new(&self.ffmpeg);
        command
            .args("-hide_banner -nostdin -nostats -benchmark".split(' '))
            .args("-threads 1 -filter_threads 1 -i".split(' '))
            .arg(file);
        if start_only {
            command.args(["-t", "0.01"]);
        }
        let to = format!("-map 0:a:0 -ac 1 -ar {RATE_HZ} -c:a pcm_s16le -f s16le -y /dev/null");
        let output = command.args(to.split(' ')).output().expect("ffmpeg runs");
        let told = String::from_utf8_lossy(&output.stderr);
        let of = |name: &str| -> f64 {
            let value = told
                .split(name)
                .nth(1)
                .and_then(|rest| rest.split('s').next());
            let value = value.unwrap_or_else(|| panic!("ffmpeg tells no times: {told}"));
            value.parse().expect("seconds")
        };
        of("bench: utime=") + of(" stime=")
    }

    /// Makes music and encodes it.
    fn encoded(&self, folder: &Path) -> Vec<PathBuf> {
        let songs = demo::ensure(&Workspace::at(folder), &Job::quiet()).expect("the demo's songs");
        let songs = Dataset::open(&songs).expect("the demo");
        let wanted = 44_100 * 60 * self.minutes;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for pair in songs.tracks.chunks_exact(2).cycle() {
            let [l, r] = [0, 1].map(|side: usize| {
                audio::decode_mono(&pair[side].path, 44_100, &Job::quiet()).expect("a song")
            });
            let n = l.len().min(r.len());
            left.extend_from_slice(&l[..n]);
            right.extend_from_slice(&r[..n]);
            if left.len() >= wanted {
                break;
            }
        }
        // Not two voices but a mix with some width, as records are.
        let sides = left.iter().zip(&right);
        let samples: Vec<f32> = sides
            .flat_map(|(l, r)| [0.6 * l + 0.3 * r, 0.3 * l + 0.6 * r])
            .collect();
        let clip = Clip {
            rate_hz: 44_100,
            channels: 2,
            samples: samples.into(),
        };
        let source = folder.join("source.wav");
        audio::write_clip(&source, &clip).expect("a WAV file");
        let encode = |name: &str, how: &str| {
            let path = folder.join(name);
            let status = Command::new(&self.ffmpeg)
                .args("-v error -nostdin -y -i".split(' '))
                .arg(&source)
                .args(how.split(' '))
                .arg(&path)
                .status();
            assert!(status.expect("ffmpeg runs").success(), "{name}");
            path
        };
        vec![
            encode("cbr-192.mp3", "-c:a libmp3lame -b:a 192k"),
            encode("vbr-2.mp3", "-c:a libmp3lame -q:a 2"),
            encode("quality-5.ogg", "-c:a libvorbis -q:a 5"),
        ]
    }
}

/// Processor's seconds of this thread.
fn processor_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = told.split_whitespace().next().and_then(|n| n.parse().ok());
    nanoseconds.map_or(f64::NAN, |n: f64| n * 1e-9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let options = Options::read();
    let folder = tempfile::tempdir().expect("a folder");
    let files = match options.files.is_empty() {
        true => options.encoded(folder.path()),
        false => options.files.clone(),
    };
    println!(
        "{:32} {:>10} {:>10} {:>10} {:>8}",
        "file", "attune s", "ffmpeg s", "real time", "ratio"
    );
    let mut results = Vec::new();
    for file in &files {
        let mut length = 0.0;
        let mut ours = || {
            let before = processor_seconds();
            let (samples, _) =
                audio::decode_mono_16(file, RATE_HZ, &Job::quiet()).expect("it decodes");
            length = samples.len() as f64 / f64::from(RATE_HZ);
            processor_seconds() - before
        };
        let theirs = || options.theirs(file, false) - options.theirs(file, true);
        // Once to warm up.
        ours();
        theirs();
        let rounds: Vec<(f64, f64)> = (0..options.repeats).map(|_| (ours(), theirs())).collect();
        let of = |of: fn(&(f64, f64)) -> f64| median(rounds.iter().map(of).collect());
        let (ours, theirs) = (of(|round| round.0), of(|round| round.1));
        let ratio = of(|round| round.1 / round.0);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name:32} {ours:10.3} {theirs:10.3} {:9.0}x {ratio:8.2}",
            length / ours
        );
        results.push(json!({"file": name, "attune_s": ours, "ffmpeg_s": theirs, "ratio": ratio}));
    }
    println!("ratio: how many times as long as Attune ffmpeg takes");
    if let Some(path) = options.json {
        let text = format!("{:#}\n", json!({ "results": results }));
        std::fs::write(&path, text).expect("the report is written");
    }
}
