//! What the doctor finds in made-up data sets, and what it leaves alone.

use super::duplicates::{Listed, find};
use super::examination::{Options, examine};
use super::{Entry, Files, Notebook, Report, fingerprint, tag_orders};
use crate::audio::{Codec, resample, round_trip, write_wav};
use crate::dataset::{
    Check, Collection, Error, Finding, Labelling, NamedSplit, Problem, ProblemKind, Recording,
    Severity, Split,
};
use crate::job::{Cancel, Job};
use crate::rng::{Address, Purpose};
use crate::workspace::Workspace;
use std::sync::Mutex;

/// A made-up piece: chords of a few harmonics that change four times a second, and a soft hiss.
fn piece(number: u64, secs: f64, rate_hz: u32) -> Vec<f32> {
    let n_samples = (secs * f64::from(rate_hz)) as usize;
    let step = rate_hz as usize / 4;
    let mut chance = Address::new(5, Purpose::Check, number).stream();
    let mut hiss = Address::new(6, Purpose::Check, number).stream();
    let mut wave = Vec::with_capacity(n_samples);
    while wave.len() < n_samples {
        let tones: Vec<f32> = (0..3)
            .map(|_| 110.0 * 2f32.powf(chance.index(36) as f32 / 12.0))
            .collect();
        for i in 0..step.min(n_samples - wave.len()) {
            let secs = i as f32 / rate_hz as f32;
            let sum: f32 = tones
                .iter()
                .flat_map(|hz| {
                    (1..6).map(move |n| {
                        (std::f32::consts::TAU * hz * n as f32 * secs).sin() / n as f32
                    })
                })
                .sum();
            wave.push(0.12 * sum * (-3.0 * secs).exp() + 0.002 * hiss.normal());
        }
    }
    wave
}

fn print(wave: &[f32], rate_hz: u32) -> Vec<u32> {
    fingerprint::of(wave, rate_hz)
}

/// Which of the prints are copies, as lists of numbers.
fn groups(prints: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let digests: Vec<String> = (0..prints.len()).map(|number| number.to_string()).collect();
    let files = prints.iter().zip(&digests);
    groups_of(files.map(|(print, digest)| (digest.as_str(), print.as_slice(), false)))
}

/// The same of files by digest, print and whether they are silent.
fn groups_of<'a>(files: impl Iterator<Item = (&'a str, &'a [u32], bool)>) -> Vec<Vec<usize>> {
    let listed = files.map(|(digest, print, is_silent)| {
        Some(Listed {
            digest,
            print,
            secs: 10.0,
            is_silent,
        })
    });
    let found = find(&listed.collect::<Vec<_>>(), &Job::quiet()).unwrap();
    found.into_iter().map(|copies| copies.members).collect()
}

#[test]
fn a_copy_is_known_through_codecs_rates_gains_shifts_and_cuts() {
    let wave = piece(0, 12.0, 44_100);
    let mut copies = vec![print(&wave, 44_100)];
    for (codec, kbps) in [
        (Codec::Mp3, 128.0),
        (Codec::Mp3, 40.0),
        (Codec::Vorbis, 64.0),
    ] {
        copies.push(print(
            &round_trip(&wave, 44_100, codec, kbps).unwrap(),
            44_100,
        ));
    }
    for rate_hz in [16_000, 22_050, 48_000] {
        copies.push(print(&resample(&wave, 44_100, rate_hz).unwrap(), rate_hz));
    }
    let soft: Vec<f32> = wave.iter().map(|x| 0.05 * x).collect();
    copies.push(print(&soft, 44_100));
    copies.push(print(&wave[20_000..], 44_100));
    let mut late = vec![0.0; 31_000];
    late.extend_from_slice(&wave);
    copies.push(print(&late, 44_100));
    copies.push(print(&wave[100_000..400_000], 44_100));
    let n_copies = copies.len();
    // And among other pieces of the same sounds.
    copies.extend((1..40).map(|number| print(&piece(number, 12.0, 44_100), 44_100)));
    assert_eq!(groups(&copies), [(0..n_copies).collect::<Vec<_>>()]);
}

#[test]
fn silence_is_a_copy_of_nothing_and_a_short_file_of_the_same_samples() {
    let silence = print(&vec![0.0; 441_000], 44_100);
    assert!(silence.iter().all(|&word| word == fingerprint::NOTHING));
    assert_eq!(
        groups(&[silence.clone(), silence.clone()]),
        Vec::<Vec<usize>>::new()
    );
    let silent = |digest| (digest, silence.as_slice(), true);
    // Half a second of sound has no print; its samples are known all the same.
    let short = print(&piece(0, 0.5, 44_100), 44_100);
    assert!(short.is_empty());
    let short = |digest| (digest, short.as_slice(), false);
    let files = [
        silent("nothing"),
        short("click"),
        silent("nothing"),
        short("clack"),
        short("click"),
    ];
    assert_eq!(groups_of(files.into_iter()), [[1, 4]]);
}

#[test]
fn what_was_heard_is_kept_through_a_cancel_and_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "track_id,path,artist,split,duration_s,source,license\n".to_owned();
    for number in 0..12 {
        write_wav(
            &folder.path().join(format!("{number}.wav")),
            &piece(number, 2.0, 8000),
            8000,
        )
        .unwrap();
        rows += &format!("t{number},{number}.wav,a{number},unlabelled,,,\n");
    }
    std::fs::write(folder.path().join("tracks.csv"), rows).unwrap();
    let workspace = Workspace::at(folder.path().join("home"));
    let collection = Collection::open(folder.path()).unwrap();
    let look = |job: &Job| {
        let mut notebook = Notebook::open(&workspace).unwrap();
        let options = Options::default();
        examine(&collection, None, &options, &mut notebook, &|_| (), job)
    };
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let stopped = look(&Job::new(cancel, move |progress| {
        if progress.done >= 4 {
            raised.cancel();
        }
    }));
    assert!(matches!(stopped, Err(Error::Cancelled(_))), "{stopped:?}");
    let report = look(&Job::quiet()).unwrap();
    assert!(report.files.n_known >= 4, "{:?}", report.files);
    assert_eq!(report.files.n_known + report.files.n_decoded, 12);
    let wave = piece(99, 2.5, 8000);
    write_wav(&folder.path().join("3.wav"), &wave, 8000).unwrap();
    let again = look(&Job::quiet()).unwrap();
    assert_eq!((again.files.n_known, again.files.n_decoded), (11, 1));
    let file = folder.path().join("report.json");
    again.write(&file).unwrap();
    assert_eq!(super::Report::read(&file).unwrap(), again);
}

#[test]
fn what_is_wrong_is_told_while_other_files_are_still_to_be_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "track_id,path,artist,split,duration_s,source,license\n".to_owned();
    for number in 0..40 {
        let file = folder.path().join(format!("{number}.wav"));
        match number {
            0 => std::fs::write(file, [0x5A; 900]).unwrap(),
            1 => write_wav(&file, &vec![0.0; 16_000], 8000).unwrap(),
            _ => write_wav(&file, &piece(number, 2.0, 8000), 8000).unwrap(),
        }
        rows += &format!("t{number},{number}.wav,a{number},unlabelled,,,\n");
    }
    rows += "t40,40.wav,a40,unlabelled,,,\n";
    std::fs::write(folder.path().join("tracks.csv"), rows).unwrap();
    let collection = Collection::open(folder.path()).unwrap();
    let mut notebook = Notebook::open(&Workspace::at(folder.path().join("home"))).unwrap();
    let cancel = Cancel::new();
    let told = Mutex::new(Vec::new());
    let take = |entry: &Entry| {
        told.lock().unwrap().push(entry.key.clone());
        // Who has seen enough stops it.
        if entry.finding.check == Check::Unreadable {
            cancel.cancel();
        }
    };
    let job = Job::new(cancel.clone(), |_| ());
    let options = Options::default();
    let stopped = examine(&collection, None, &options, &mut notebook, &take, &job);
    assert!(matches!(stopped, Err(Error::Cancelled(_))), "{stopped:?}");
    let first = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(first[0], "missing-file/files");
    assert!(first.contains(&"unreadable/t0".to_owned()), "{first:?}");
    // The next examination tells what is known, then goes on; what is told is in its report.
    cancel.withdraw();
    let quiet = Job::quiet();
    let report = examine(&collection, None, &options, &mut notebook, &take, &quiet).unwrap();
    assert!(report.files.n_decoded < 40, "{:?}", report.files);
    let mut told = told.into_inner().unwrap();
    told.sort();
    assert_eq!(told, ["missing-file/files", "silent/t1", "unreadable/t0"]);
    let keys: Vec<&String> = report.entries.iter().map(|entry| &entry.key).collect();
    assert!(told.iter().all(|key| keys.contains(&key)), "{keys:?}");
    let again = examine(
        &collection,
        None,
        &options,
        &mut notebook,
        &|_| panic!("all is known"),
        &quiet,
    );
    assert_eq!(again.unwrap().entries, report.entries);
}

fn order_findings(tags: &[&str]) -> Vec<(Severity, String)> {
    let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
    let mut entries = Vec::new();
    tag_orders::check(&tags, &mut entries);
    entries
        .into_iter()
        .map(|entry| (entry.finding.severity, entry.finding.message))
        .collect()
}

#[test]
fn the_order_of_jamendos_tags_is_known() {
    // The sets' own names hold the categories.
    let text = "genre---alternative genre---ambient genre---atmospheric genre---chillout genre---classical genre---dance genre---downtempo \
        genre---easylistening genre---electronic genre---experimental genre---folk genre---funk genre---hiphop genre---house genre---indie \
        genre---instrumentalpop genre---jazz genre---lounge genre---metal genre---newage genre---orchestral genre---pop genre---popfolk \
        genre---poprock genre---reggae genre---rock genre---soundtrack genre---techno genre---trance genre---triphop genre---world \
        instrument---acousticguitar instrument---bass instrument---computer instrument---drummachine instrument---drums \
        instrument---electricguitar instrument---electricpiano instrument---guitar instrument---keyboard instrument---piano \
        instrument---strings instrument---synthesizer instrument---violin instrument---voice mood/theme---emotional \
        mood/theme---energetic mood/theme---film mood/theme---happy mood/theme---relaxing";
    let mut tags: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(order_findings(&tags), []);
    tags.swap(0, 49);
    let found = order_findings(&tags);
    assert!(found[0].1.contains("MTG-Jamendo's 50"), "{found:?}");
}

#[test]
fn a_known_vocabulary_in_another_order_is_told() {
    let genres = [
        "blues",
        "classical",
        "country",
        "disco",
        "hip-hop",
        "jazz",
        "metal",
        "pop",
        "reggae",
        "rock",
    ];
    assert_eq!(order_findings(&genres), []);
    let mut swapped = genres;
    swapped.swap(3, 4);
    let found = order_findings(&swapped);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Warning);
    assert!(
        found[0]
            .1
            .contains("column 4 is `hip-hop`, column 5 is `disco`"),
        "{found:?}"
    );
    assert_eq!(
        order_findings(&genres[1..]),
        [],
        "another vocabulary has an order of its own"
    );
}

/// Recordings by id and file, with named splits; nothing of it is on disk.
fn collection(tracks: &[(&str, &str)], splits: &[(&str, &[Split])]) -> Collection {
    let recordings = tracks.iter().map(|(id, file)| Recording {
        id: (*id).to_owned(),
        path: std::path::Path::new("/nowhere/audio").join(file),
        artist: format!("artist of {id}"),
        album: String::new(),
        title: String::new(),
        duration_secs: None,
        source: String::new(),
        license: String::new(),
    });
    let splits = splits.iter().map(|(name, parts)| NamedSplit {
        name: (*name).to_owned(),
        labelling: 0,
        parts: (0..).zip(parts.iter().copied()).collect(),
    });
    Collection {
        name: "made up".to_owned(),
        layout: "made-up",
        root: "/nowhere".into(),
        recordings: recordings.collect(),
        labellings: vec![Labelling::default()],
        splits: splits.collect(),
        problems: Vec::new(),
        findings: Vec::new(),
    }
}

fn examined(collection: &Collection) -> Report {
    let home = tempfile::tempdir().unwrap();
    let mut notebook = Notebook::open(&Workspace::at(home.path().to_path_buf())).unwrap();
    let options = Options {
        listen: false,
        ..Options::default()
    };
    let nobody = |_: &Entry| panic!("there is nothing to wait for");
    examine(
        collection,
        None,
        &options,
        &mut notebook,
        &nobody,
        &Job::quiet(),
    )
    .unwrap()
}

fn left_out(report: &Report) -> Vec<String> {
    let rules = report.mending();
    let mut ids: Vec<String> = rules.exclude.into_iter().flat_map(|of| of.ids).collect();
    ids.sort();
    ids
}

#[test]
fn of_a_file_under_several_ids_the_one_that_is_scored_on_stays() {
    use Split::{Test, Train, Valid};
    let tracks = [
        ("a", "1.wav"),
        ("b", "1.wav"),
        ("c", "2.wav"),
        ("d", "1.wav"),
    ];
    let report = examined(&collection(&tracks, &[("", &[Train, Test, Train, Valid])]));
    assert_eq!(left_out(&report), ["a", "d"]);
    let keys: Vec<&str> = report
        .entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    let files = [
        "file-leak/train/test",
        "file-leak/train/valid",
        "file-leak/valid/test",
        "duplicate-audio/file/a",
    ];
    assert_eq!(keys, files);
    assert!(
        report.entries[3].finding.mend.contains("keep b"),
        "{report:?}"
    );
}

#[test]
fn where_two_splits_disagree_one_track_of_a_recording_stays_all_the_same() {
    use Split::{Test, Train};
    let tracks = [("a", "1.wav"), ("b", "1.wav")];
    let both = [("one", &[Train, Test][..]), ("two", &[Test, Train])];
    let report = examined(&collection(&tracks, &both));
    assert_eq!(left_out(&report), ["b"]);
    for entry in &report.entries {
        assert_eq!(entry.leave_out, ["b"], "{entry:?}");
    }
    // In the first split the second track is scored on, and in the second only: the part in any split counts.
    let other = [("one", &[Train, Train][..]), ("two", &[Train, Test])];
    assert_eq!(left_out(&examined(&collection(&tracks, &other))), ["a"]);
}

#[test]
fn a_copy_against_which_something_else_speaks_is_not_the_one_that_stays() {
    use Split::{Test, Train};
    let tracks = [("a", "1.wav"), ("b", "1.wav")];
    let mut made = collection(&tracks, &[("", &[Train, Test])]);
    made.findings =
        vec![Finding::new(Check::SplitOverlap, Severity::Error, "in two parts").about(["b"])];
    assert_eq!(left_out(&examined(&made)), ["b"]);
}

#[test]
fn findings_that_read_alike_are_all_told_and_annotations_stay_missing_beside_audio() {
    let mut made = collection(
        &[("a", "1.wav"), ("b", "2.wav")],
        &[("", &[Split::Train; 2])],
    );
    let table = std::path::Path::new("/nowhere/lists/table.tsv");
    let missing = |message: &str| Finding::new(Check::MissingFile, Severity::Warning, message);
    let short = |line| {
        let words = "the line has 2 fields; the line is left out";
        let finding = Finding::new(Check::BadLine, Severity::Warning, words);
        finding.of_file(table).on_line(line)
    };
    made.findings = vec![
        missing("1 of 2 audio files are missing").about(["a"]),
        missing("1 audio files are of a format that Attune cannot decode").about(["b"]),
        missing("labels.cP is not there: no labels").of_file(table),
        short(3),
        short(7),
        short(9),
        short(9),
    ];
    made.problems = vec![Problem {
        track: "a".into(),
        path: "/nowhere/audio/1.wav".into(),
        kind: ProblemKind::Missing,
        message: "the audio file is missing".into(),
    }];
    let report = examined(&made);
    let mut keys: Vec<&str> = report
        .entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    keys.sort_unstable();
    let line = "the line has 2 fields; the line is left out";
    assert_eq!(
        keys,
        [
            format!("bad-line/lists/table.tsv, line 3: {line}"),
            format!("bad-line/lists/table.tsv, line 7: {line}"),
            format!("bad-line/lists/table.tsv, line 9: {line}"),
            "missing-file/1 audio files are of a format that Attune cannot decode".to_owned(),
            "missing-file/files".to_owned(),
            "missing-file/lists/table.tsv: labels.cP is not there: no labels".to_owned(),
        ]
    );
}

#[test]
fn different_findings_under_one_key_are_both_told_and_the_same_one_once() {
    let entry = |message: &str| {
        let (check, severity) = (Check::TagSpelling, Severity::Warning);
        Entry::new(check, severity, "rock", message.to_owned(), "")
    };
    let entries = vec![entry("one"), entry("two"), entry("one")];
    let report = Report::new("x".into(), "/x".into(), None, Files::default(), entries);
    let told: Vec<(&str, &str)> = report
        .entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.finding.message.as_str()))
        .collect();
    let keys = [
        ("tag-spelling/rock", "one"),
        ("tag-spelling/rock (2)", "two"),
    ];
    assert_eq!(told, keys);
}

#[test]
fn line_ends_are_looked_at_in_every_file_of_annotations_and_told_with_their_line() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().join("set");
    std::fs::create_dir(&root).unwrap();
    let header = "track_id,path,artist,split,duration_s,source,license";
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    write(
        "tracks.csv",
        &format!("{header}\r\na,1.wav,x,train,,,\r\nb,2.wav,y,train,,,\n"),
    );
    write("tags.txt", "\u{feff}rock\npop \n");
    write("labels.csv", "track_id,tag\r\na,rock\r\nb,pop\r\n");
    write("README.txt", "not \r\n annotations \n");
    let description = here.path().join("described.toml");
    let annotations = root.display();
    std::fs::write(&description, format!("annotations = '{annotations}'\n")).unwrap();
    for place in [&root, &description] {
        let report = examined(&Collection::open(place).unwrap());
        let forms: Vec<(&str, Option<u64>, &str)> = report
            .entries
            .iter()
            .filter(|entry| entry.finding.check == Check::TextForm)
            .map(|entry| {
                let finding = &entry.finding;
                (entry.key.as_str(), finding.line, finding.message.as_str())
            })
            .collect();
        assert_eq!(
            forms,
            [
                (
                    "text-form/tags.txt",
                    Some(1),
                    "tags.txt: it begins with a byte order mark; line 2 has blanks at its ends"
                ),
                (
                    "text-form/tracks.csv",
                    Some(3),
                    "tracks.csv: 2 of 3 lines end in CRLF, the others in LF"
                ),
            ],
            "{}",
            place.display()
        );
    }
}
