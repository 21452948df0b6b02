//! A data set in which everything that the doctor looks for is wrong on purpose, among clips of the demo data set that are sound.

use crate::golden;
use attune_core::audio::{self, Clip, decode, mp3, resample, write_clip, write_wav};
use attune_core::dataset::{Dataset, demo};
use attune_core::job::Job;
use attune_core::workspace::Workspace;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rate of the demo clips, in Hz.
const RATE_HZ: u32 = 22_050;
/// Length of the sound clips, in seconds.
const SECS: f64 = 10.0;
/// Sound clips in the parts train, valid and test.
const SOUND: [(&str, usize); 3] = [("train", 12), ("valid", 6), ("test", 6)];
/// GTZAN's genres with two of them exchanged.
const TAGS: [&str; 10] = [
    "blues",
    "classical",
    "country",
    "hiphop",
    "disco",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
];

/// What the doctor must find, by the keys of its report, and nothing else.
pub const FOUND: [&str; 33] = [
    "absent-tag/test/rock",
    "artist-leak/train/test",
    "channels/2",
    "clipped/f-clipped",
    "cut-off/f-cut-mp3",
    "cut-off/f-cut-wav",
    "damaged/f-damaged",
    "dc-offset/f-offset",
    "duplicate-audio/c00",
    "duplicate-audio/c01",
    "duplicate-audio/c02",
    "duplicate-audio/c03",
    "duplicate-audio/c18",
    "duplicate-audio/d-high",
    "duplicate-audio/file/c04",
    "duplicate-audio/file/c21",
    "empty-tag/reggae",
    "file-leak/train/test",
    "length/f-cut-wav",
    "length/f-half-mp3",
    "missing-file/files",
    "no-tag/train",
    "recording-leak/train/test",
    "silent/f-fades",
    "silent/f-silent",
    "silent/f-silent-too",
    "tag-order/GTZAN's genres",
    "text-form/labels.csv",
    "too-short/f-cut-mp3",
    "too-short/f-cut-wav",
    "too-short/f-half-mp3",
    "too-short/f-short",
    "unlisted-file/files",
];

/// And these, which are about files that nothing can be decoded of, or of another rate.
pub const FOUND_BESIDES: [&str; 5] = [
    "unreadable/f-cut-ogg",
    "unreadable/f-empty",
    "unreadable/f-garbage",
    "wrong-rate/16000",
    "wrong-rate/44100",
];

/// The demo data set, made once for all tests and kept beside what is built.
///
/// # Panics
/// If it cannot be made.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
pub fn demo_folder() -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/demo-for-tests");
    demo::ensure(&Workspace::at(home), &Job::quiet()).unwrap()
}

/// Rows of the data set while it is written.
struct Writer<'a> {
    folder: &'a Path,
    tracks: String,
    labels: String,
    n_tracks: usize,
    clips: std::vec::IntoIter<PathBuf>,
}

#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
impl Writer<'_> {
    /// The next clip of the demo set that has not been used yet.
    fn clip(&mut self) -> Vec<f32> {
        let path = self.clips.next().unwrap();
        decode(&path, &Job::quiet()).unwrap().clip.to_mono()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join("audio").join(file)
    }

    /// A row for a file, with a tag; the artist is the track's own unless one is named.
    fn row(&mut self, id: &str, file: &str, split: &str, secs: f64, artist: Option<&str>) {
        let own = format!("artist of {id}");
        let artist = artist.unwrap_or(&own);
        write!(
            self.tracks,
            "{id},audio/{file},{artist},{split},{secs:.3},made,CC0-1.0\r\n"
        )
        .unwrap();
        // Eight genres go round, two at a time, so that six tracks have them all; rock comes in addition.
        for place in [self.n_tracks, self.n_tracks + 4] {
            let tag = TAGS
                .iter()
                .filter(|tag| !["rock", "reggae"].contains(tag))
                .nth(place % 8);
            if id != "f-bare" {
                write!(self.labels, "{id},{}\r\n", tag.unwrap()).unwrap();
            }
        }
        self.n_tracks += 1;
        if split != "test" && self.n_tracks.is_multiple_of(3) && id != "f-bare" {
            write!(self.labels, "{id},rock\r\n").unwrap();
        }
    }

    /// A file of a mono wave, in train.
    fn wave(&mut self, id: &str, wave: &[f32]) {
        let file = format!("{id}.wav");
        write_wav(&self.path(&file), wave, RATE_HZ).unwrap();
        self.row(
            id,
            &file,
            "train",
            wave.len() as f64 / f64::from(RATE_HZ),
            None,
        );
    }

    /// A file of these bytes, in train.
    fn bytes(&mut self, id: &str, file: &str, bytes: &[u8], stated_secs: f64) {
        std::fs::write(self.path(file), bytes).unwrap();
        self.row(id, file, "train", stated_secs, None);
    }
}

/// Writes the data set into `folder`.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
pub fn write(folder: &Path) {
    let demo = Dataset::open(&demo_folder()).unwrap();
    let clips = demo.tracks.iter().filter(|track| {
        track
            .duration_secs
            .is_some_and(|secs| (secs - SECS).abs() < 0.5)
    });
    // Not neighbours, which are of one family.
    let clips: Vec<PathBuf> = clips.map(|track| track.path.clone()).step_by(7).collect();
    std::fs::create_dir_all(folder.join("audio")).unwrap();
    let mut writer = Writer {
        folder,
        tracks: "track_id,path,artist,split,duration_s,source,license\r\n".to_owned(),
        labels: "track_id,tag\r\n".to_owned(),
        n_tracks: 0,
        clips: clips.into_iter(),
    };
    write_sound(&mut writer);
    write_faults(&mut writer);
    write_copies(&mut writer);
    let labels = writer.labels.replacen("\r\n", "\n", 3);
    std::fs::write(folder.join("labels.csv"), labels).unwrap();
    std::fs::write(folder.join("tracks.csv"), writer.tracks).unwrap();
    std::fs::write(
        folder.join("tags.txt"),
        TAGS.map(|tag| format!("{tag}\n")).concat(),
    )
    .unwrap();
}

/// Nothing is wrong with these. Two of them, on either side, are by "Various Artists", which is nobody.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
fn write_sound(writer: &mut Writer<'_>) {
    let mut number = 0;
    for (split, n_tracks) in SOUND {
        for _ in 0..n_tracks {
            let (id, file) = (format!("c{number:02}"), format!("c{number:02}.wav"));
            let wave = writer.clip();
            write_wav(&writer.path(&file), &wave, RATE_HZ).unwrap();
            let artist = [10, 20].contains(&number).then_some("Various Artists");
            writer.row(&id, &file, split, SECS, artist);
            number += 1;
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
fn write_faults(writer: &mut Writer<'_>) {
    writer.bytes("f-empty", "f-empty.mp3", &[], SECS);
    writer.bytes("f-garbage", "f-garbage.ogg", &[0x5A; 9000], SECS);
    for (id, file) in [("f-cut-mp3", "cbr.mp3"), ("f-cut-ogg", "vorbis.ogg")] {
        let whole = std::fs::read(golden("audio").join(file)).unwrap();
        writer.bytes(
            id,
            &format!("{id}-{file}"),
            &whole[..whole.len() * 6 / 10],
            0.6,
        );
    }
    let wave = writer.clip();
    writer.wave("f-cut-wav", &wave);
    let path = writer.path("f-cut-wav.wav");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let coded = mp3(&writer.clip(), RATE_HZ, 64.0).unwrap();
    writer.bytes("f-half-mp3", "f-half.mp3", &coded[..coded.len() / 2], SECS);

    let mut coded = mp3(&writer.clip(), RATE_HZ, 64.0).unwrap();
    spoil_frames(&mut coded);
    writer.bytes("f-damaged", "f-damaged.mp3", &coded, SECS);

    let n_samples = (SECS * f64::from(RATE_HZ)) as usize;
    // Twice: nothing is no copy of nothing.
    for id in ["f-silent", "f-silent-too"] {
        writer.wave(id, &vec![0.0; n_samples]);
    }
    let mut fades = writer.clip();
    fades[n_samples * 3 / 10..].fill(0.0);
    writer.wave("f-fades", &fades);
    let clipped: Vec<f32> = writer
        .clip()
        .iter()
        .map(|x| (8.0 * x).clamp(-1.0, 1.0))
        .collect();
    writer.wave("f-clipped", &clipped);
    let offset: Vec<f32> = writer.clip().iter().map(|x| 0.5 * x + 0.1).collect();
    writer.wave("f-offset", &offset);
    let short = writer.clip();
    writer.wave("f-short", &short[..2 * RATE_HZ as usize]);

    let slow = resample(&writer.clip(), RATE_HZ, 16_000).unwrap();
    write_wav(&writer.path("f-rate.wav"), &slow, 16_000).unwrap();
    writer.row("f-rate", "f-rate.wav", "train", SECS, None);
    let mono = writer.clip();
    let stereo = Clip {
        rate_hz: RATE_HZ,
        channels: 2,
        samples: mono.iter().flat_map(|&x| [x, 0.5 * x]).collect(),
    };
    write_clip(&writer.path("f-stereo.wav"), &stereo).unwrap();
    writer.row("f-stereo", "f-stereo.wav", "train", SECS, None);

    writer.row("f-gone", "f-gone.wav", "train", SECS, None);
    let bare = writer.clip();
    writer.wave("f-bare", &bare);
    let wave = writer.clip();
    write_wav(&writer.path("f-artist.wav"), &wave, RATE_HZ).unwrap();
    writer.row(
        "f-artist",
        "f-artist.wav",
        "train",
        SECS,
        Some("Artist  of C19"),
    );
    let unlisted = writer.clip();
    write_wav(&writer.path("nobody-knows.wav"), &unlisted, RATE_HZ).unwrap();
}

/// Fills what says how to decode ten frames in the middle of an MP3 file with nonsense; the heads of frames stay.
fn spoil_frames(coded: &mut [u8]) {
    let pairs = coded.windows(2).enumerate();
    let heads = pairs.filter(|(_, pair)| pair[0] == 0xFF && pair[1] & 0xF6 == 0xF2);
    let heads: Vec<usize> = heads.map(|(at, _)| at).collect();
    for &at in heads.iter().skip(heads.len() / 2).take(10) {
        coded[at + 4..at + 44].fill(0xFF);
    }
}

/// Copies of sound clips: the same samples, another codec, another bit rate, another loudness, shifted, one file under two ids, and one on the
/// other side.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
fn write_copies(writer: &mut Writer<'_>) {
    let wave_of = |writer: &Writer<'_>, id: &str| -> Result<Vec<f32>, audio::Error> {
        let decoded = decode(&writer.path(&format!("{id}.wav")), &Job::quiet())?;
        Ok(decoded.clip.to_mono())
    };
    let wave = wave_of(writer, "c00").unwrap();
    writer.wave("d-same", &wave);
    let coded = mp3(&wave_of(writer, "c01").unwrap(), RATE_HZ, 48.0).unwrap();
    writer.bytes("d-coded", "d-coded.mp3", &coded, SECS);
    let wave = writer.clip();
    for (id, kbps) in [("d-high", 128.0), ("d-low", 32.0)] {
        let coded = mp3(&wave, RATE_HZ, kbps).unwrap();
        writer.bytes(id, &format!("{id}.mp3"), &coded, SECS);
    }
    let soft: Vec<f32> = wave_of(writer, "c02")
        .unwrap()
        .iter()
        .map(|x| 0.2 * x)
        .collect();
    writer.wave("d-soft", &soft);
    let wave = wave_of(writer, "c03").unwrap();
    writer.wave("d-shifted", &wave[7500..]);
    writer.row("d-file", "c04.wav", "train", SECS, None);
    let leaked: Vec<f32> = wave_of(writer, "c18")
        .unwrap()
        .iter()
        .map(|x| 0.9 * x)
        .collect();
    writer.wave("d-leaked", &leaked);
    writer.row("d-across", "c21.wav", "train", SECS, None);
}

/// What the doctor must find in the data set of [`write_published`], by the beginnings of its keys, and nothing else but counts: they are
/// those of a part of MTG-Jamendo.
pub const FOUND_PUBLISHED: [&str; 10] = [
    "bad-line/data/splits/split-0/autotagging_moodtheme-train.tsv, line 3: the line has 2 fields",
    "bad-line/data/splits/split-0/autotagging_moodtheme-train.tsv, line 4: the line has 2 fields",
    "bad-line/data/splits/split-0/autotagging_moodtheme-train.tsv, line 6: the line has 2 fields",
    "duplicate-audio/file/track_0000103",
    "file-leak/moodtheme/split-0/train/test",
    "missing-file/data/splits/split-0/autotagging_moodtheme-validation.tsv: ",
    "missing-file/files",
    "split-overlap/data/splits/split-0/autotagging_moodtheme-train.tsv, line 12: 1 recordings are in two parts",
    "text-form/data/splits/split-0/autotagging_moodtheme-test.tsv",
    "text-form/data/splits/split-0/autotagging_moodtheme-train.tsv",
];

/// Writes a part of MTG-Jamendo, as it is published, into `folder`: without the list of one part and the audio of one track, with three
/// lines cut off in one list, a track in two parts, and one file under two ids in different parts.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
pub fn write_published(folder: &Path) {
    let demo = Dataset::open(&demo_folder()).unwrap();
    let mut clips = demo.tracks.iter().map(|track| &track.path).step_by(11);
    let row = |number: usize, file: usize| {
        format!(
            "track_{number:07}\tartist_{number:06}\talbum_{number:06}\t00/{file}.mp3\t10.0\tmood/theme---happy\r\n"
        )
    };
    let header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n";
    let (mut train, mut test) = (header.to_owned(), header.to_owned());
    for number in 100..112 {
        let part = if number < 105 { &mut test } else { &mut train };
        // Track 106 has the file of track 103, of which no other track of its part is.
        let file = if number == 106 { 103 } else { number };
        *part += &row(number, file);
        // No audio for track 108.
        if file == number && number != 108 {
            let wave = decode(clips.next().unwrap(), &Job::quiet()).unwrap();
            let path = folder.join(format!("audio/00/{number}.wav"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_wav(&path, &wave.clip.to_mono(), wave.clip.rate_hz).unwrap();
        }
        // Behind the first row two lines are cut off, behind the second another.
        let n_cut = match number {
            105 => 2,
            106 => 1,
            _ => 0,
        };
        for _ in 0..n_cut {
            train += "track_0000900\tartist_000900\r\n";
        }
    }
    train += &row(101, 101);
    let lists = folder.join("data/splits/split-0");
    std::fs::create_dir_all(&lists).unwrap();
    for (part, text) in [("train", train), ("test", test)] {
        std::fs::write(
            lists.join(format!("autotagging_moodtheme-{part}.tsv")),
            text,
        )
        .unwrap();
    }
}
