//! What the doctor finds in made-up data sets, and what it leaves alone.

use super::duplicates::{Listed, find};
use super::examination::{Options, examine};
use super::{Notebook, fingerprint, tag_orders};
use crate::audio::{Clip, Codec, resample, round_trip, write_wav};
use crate::dataset::{Collection, Error, Severity};
use crate::job::{Cancel, Job};
use crate::rng::{Address, Purpose};
use crate::workspace::Workspace;

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
    fingerprint::of(&Clip::mono(wave.to_vec(), rate_hz))
}

/// Which of the prints are copies, as lists of numbers.
fn groups(prints: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let digests: Vec<String> = (0..prints.len()).map(|number| number.to_string()).collect();
    let listed: Vec<Option<Listed<'_>>> = prints
        .iter()
        .zip(&digests)
        .map(|(print, digest)| {
            Some(Listed {
                digest,
                print,
                secs: 10.0,
            })
        })
        .collect();
    let found = find(&listed, &Job::quiet()).unwrap();
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
fn silence_is_a_copy_of_nothing() {
    let silence = print(&vec![0.0; 441_000], 44_100);
    assert!(silence.iter().all(|&word| word == fingerprint::NOTHING));
    assert_eq!(
        groups(&[silence.clone(), silence]),
        Vec::<Vec<usize>>::new()
    );
    assert!(print(&[0.1; 100], 44_100).is_empty());
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
        examine(&collection, None, &Options::default(), &mut notebook, job)
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
