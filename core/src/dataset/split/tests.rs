//! Splits keep artists together, tags balanced and shares as asked, and are the same for the same seed.

use super::*;
use crate::dataset::{Recording, TagIdx, Track};
use crate::rng::{Address, Purpose};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A track with an artist and tags; its id says its number.
fn track(number: usize, artist: &str, split: Split, tags: &[u32]) -> Track {
    let recording = Recording {
        id: format!("t{number}"),
        path: format!("/music/{number}.mp3").into(),
        artist: artist.to_owned(),
        album: String::new(),
        title: String::new(),
        duration_secs: Some(30.0),
        source: String::new(),
        license: String::new(),
    };
    let mut track = Track::new(recording, split);
    track.tags = tags.iter().map(|&tag| TagIdx(tag)).collect();
    track
}

fn dataset(n_tags: usize, tracks: Vec<Track>) -> Dataset {
    Dataset {
        name: "made".into(),
        root: "/music".into(),
        place: "/music".into(),
        labelling: String::new(),
        tags: (0..n_tags).map(|tag| format!("tag{tag}")).collect(),
        tracks,
        problems: Vec::new(),
        findings: Vec::new(),
    }
}

/// Artists with a taste: each has a few tags that most of its tracks share, and a few artists have very many tracks.
fn music(n_artists: usize, n_tags: u32, seed: u64) -> Dataset {
    let mut tracks = Vec::new();
    for artist in 0..n_artists {
        let mut chance = Address::new(seed, Purpose::Check, artist as u64).stream();
        let n_tracks = 1 + (4.0 / (0.02 + chance.uniform())) as usize % 60;
        let common = |chance: &mut crate::rng::Stream| {
            // Some tags are a hundred times as frequent as others.
            ((f32::from(n_tags as u16)) * chance.uniform().powi(3)) as u32
        };
        let taste = [
            common(&mut chance),
            common(&mut chance),
            common(&mut chance),
        ];
        for _ in 0..n_tracks {
            let mut tags: BTreeSet<u32> = taste
                .iter()
                .copied()
                .filter(|_| chance.chance(0.7))
                .collect();
            tags.insert(common(&mut chance));
            let tags: Vec<u32> = tags.into_iter().collect();
            let is_bare = chance.chance(0.2);
            let tags = if is_bare { &[][..] } else { &tags };
            tracks.push(track(
                tracks.len(),
                &format!("artist {artist}"),
                Split::Train,
                tags,
            ));
        }
    }
    dataset(n_tags as usize, tracks)
}

fn plan(shares: &str, seed: u64) -> Plan {
    Plan {
        shares: Shares::parse(shares).unwrap(),
        by: By::Artist,
        seed,
        together: Vec::new(),
    }
}

/// The parts that each artist's tracks are in.
fn parts_of(dataset: &Dataset, division: &Division) -> BTreeMap<String, BTreeSet<Split>> {
    let mut parts: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
    for (track, part) in dataset.tracks.iter().zip(&division.parts) {
        parts.entry(track.artist.clone()).or_default().extend(*part);
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_artist_is_on_both_sides_and_every_track_is_accounted_for(seed in 0u64..1000, n_artists in 40usize..300) {
        let dataset = music(n_artists, 12, seed);
        let division = divide(&dataset, &plan("train=0.7,valid=0.15,test=0.15", seed), &Job::quiet()).unwrap();
        prop_assert_eq!(division.parts.len(), dataset.tracks.len());
        for (artist, parts) in parts_of(&dataset, &division) {
            // The pool may share artists with training alone.
            let evaluated = parts.contains(&Split::Valid) || parts.contains(&Split::Test);
            prop_assert!(parts.len() == 1 || !evaluated, "{} is in {:?}", artist, parts);
        }
        let mut n_left_out = 0;
        for (track, part) in dataset.tracks.iter().zip(&division.parts) {
            match part {
                None => n_left_out += 1,
                Some(part) => prop_assert_eq!(*part == Split::Unlabelled, track.tags.is_empty()),
            }
        }
        prop_assert_eq!(n_left_out, division.n_left_out);
        let again = divide(&dataset, &plan("train=0.7,valid=0.15,test=0.15", seed), &Job::quiet()).unwrap();
        prop_assert_eq!(&again.parts, &division.parts);
        let n_labelled: usize = division.balance.parts.iter().map(|part| part.n_labelled).sum();
        let largest = 61.0 / n_labelled as f64;
        for part in &division.balance.parts {
            prop_assert!((part.share - part.wanted).abs() < 0.01 + largest, "{:?}", part);
        }
    }
}

#[test]
fn no_part_stays_empty_where_there_are_artists_enough() {
    for n_artists in 3..12 {
        let tracks = (0..n_artists).flat_map(|artist| {
            (0..4).map(move |n| track(artist * 4 + n, &artist.to_string(), Split::Train, &[0]))
        });
        let dataset = dataset(1, tracks.collect());
        let wanted = plan("train=0.98,valid=0.01,test=0.01", 1);
        let division = divide(&dataset, &wanted, &Job::quiet()).unwrap();
        let parts: BTreeSet<Split> = division.parts.iter().copied().flatten().collect();
        assert_eq!(parts.len(), 3, "{n_artists} artists");
    }
}

#[test]
fn tags_are_balanced_much_better_than_by_chance_and_another_seed_divides_otherwise() {
    let dataset = music(2000, 50, 7);
    let wanted = plan("train=0.8,valid=0.1,test=0.1", 1);
    let division = divide(&dataset, &wanted, &Job::quiet()).unwrap();
    // Artists dealt out by chance, with the same shares.
    let mut chance = Address::new(3, Purpose::Check, 0).stream();
    let mut part_of: BTreeMap<&str, Split> = BTreeMap::new();
    let by_chance: Vec<Option<Split>> = dataset
        .tracks
        .iter()
        .map(|track| {
            let drawn = match chance.uniform() {
                x if x < 0.8 => Split::Train,
                x if x < 0.9 => Split::Valid,
                _ => Split::Test,
            };
            Some(*part_of.entry(&track.artist).or_insert(drawn))
        })
        .collect();
    let is_labelled: Vec<bool> = dataset
        .tracks
        .iter()
        .map(|track| !track.tags.is_empty())
        .collect();
    let groups = Groups::of(&dataset, By::Artist, &[]);
    let random = Balance::of(&dataset, &by_chance, &is_labelled, &groups, &wanted.shares);
    let (own, random) = (
        division.balance.mean_off().unwrap(),
        random.mean_off().unwrap(),
    );
    assert!(
        own < 0.05 && own < random / 8.0,
        "off by {own}, by chance {random}"
    );
    for part in &division.balance.parts[..3] {
        assert!((part.share - part.wanted).abs() < 0.002, "{part:?}");
    }
    let other = divide(
        &dataset,
        &plan("train=0.8,valid=0.1,test=0.1", 2),
        &Job::quiet(),
    )
    .unwrap();
    assert_ne!(other.parts, division.parts);
}

#[test]
fn a_rare_tag_reaches_every_part() {
    let mut tracks: Vec<Track> = (0..300)
        .map(|number| {
            track(
                number,
                &format!("a{number}"),
                Split::Train,
                &[number as u32 % 3],
            )
        })
        .collect();
    for rare in tracks.iter_mut().step_by(100) {
        rare.tags.push(TagIdx(3));
    }
    let dataset = dataset(4, tracks);
    let division = divide(
        &dataset,
        &plan("train=0.8,valid=0.1,test=0.1", 0),
        &Job::quiet(),
    )
    .unwrap();
    let rare = division
        .balance
        .tags
        .iter()
        .find(|tag| tag.tag == "tag3")
        .unwrap();
    assert_eq!(rare.counts, [1, 1, 1]);
}

#[test]
fn unknown_artists_are_nobody_and_copies_stay_together() {
    let names = ["", "Various Artists", "unknown", "N/A"];
    let tracks: Vec<Track> = (0..200)
        .map(|number| track(number, names[number % 4], Split::Train, &[0]))
        .collect();
    let dataset = dataset(1, tracks);
    let mut plan = plan("train=0.5,test=0.5", 0);
    plan.together = vec![vec![3, 77, 150], vec![150, 9]];
    let division = divide(&dataset, &plan, &Job::quiet()).unwrap();
    assert_eq!(division.n_unknown, 200);
    let n_test = division
        .parts
        .iter()
        .filter(|part| **part == Some(Split::Test))
        .count();
    assert_eq!(n_test, 100);
    let together: BTreeSet<_> = [3, 77, 150, 9].map(|idx| division.parts[idx]).into();
    assert_eq!(together.len(), 1);
    assert_eq!(known_name("  The   BEATLES "), known_name("the beatles"));
}

#[test]
fn the_pool_loses_artists_of_the_evaluation_parts_alone() {
    let mut tracks = Vec::new();
    for artist in 0..50 {
        let name = format!("a{artist}");
        tracks.push(track(tracks.len(), &name, Split::Train, &[0]));
        tracks.push(track(tracks.len(), &name, Split::Unlabelled, &[]));
    }
    let dataset = dataset(1, tracks);
    let division = divide(
        &dataset,
        &plan("train=0.6,valid=0.2,test=0.2", 5),
        &Job::quiet(),
    )
    .unwrap();
    assert_eq!(division.n_left_out, 20);
    let pool = division
        .parts
        .iter()
        .filter(|part| **part == Some(Split::Unlabelled))
        .count();
    assert_eq!(pool, 30);
}

#[test]
fn the_pool_is_cleared_by_artist_whatever_the_tracks_are_divided_by() {
    let mut tracks = Vec::new();
    for artist in 0..20 {
        for number in 0..3 {
            let mut one = track(tracks.len(), &format!("a{artist}"), Split::Train, &[0]);
            one.album = format!("album {number}");
            tracks.push(one);
        }
        let mut bare = track(tracks.len(), &format!("a{artist}"), Split::Unlabelled, &[]);
        bare.album = "a live one".into();
        tracks.push(bare);
    }
    let dataset = dataset(1, tracks);
    for by in [By::Album, By::None, By::Artist] {
        // Labelled tracks that the plan gives to the pool are of it like the others.
        let shares = Shares::parse("train=0.7,valid=0.15,test=0.15").unwrap();
        let plan = Plan {
            by,
            shares: shares.with(Split::Unlabelled, 0.2).unwrap(),
            ..plan("train=1.0", 3)
        };
        let division = divide(&dataset, &plan, &Job::quiet()).unwrap();
        let mut n_pool = 0;
        for (artist, parts) in parts_of(&dataset, &division) {
            let is_scored_on = parts.contains(&Split::Valid) || parts.contains(&Split::Test);
            let is_in_pool = parts.contains(&Split::Unlabelled);
            assert!(!(is_scored_on && is_in_pool), "{by:?}: {artist} {parts:?}");
            n_pool += usize::from(is_in_pool);
        }
        assert!(n_pool > 0, "{by:?}: nothing is left of the pool");
        let n_none = division.parts.iter().filter(|part| part.is_none()).count();
        assert_eq!(division.n_left_out, n_none);
    }
}

#[test]
fn unknown_artists_and_albums_are_counted_and_said() {
    let mut tracks: Vec<Track> = ["Ann", "", "Various Artists", "Bob"]
        .iter()
        .enumerate()
        .map(|(number, artist)| track(number, artist, Split::Train, &[0]))
        .collect();
    for track in &mut tracks {
        track.album = "Songs".into();
    }
    tracks[3].album.clear();
    let unnamed = Unnamed::of(&dataset(1, tracks.clone()));
    assert!(!unnamed.is_blind());
    assert_eq!(
        unnamed.words().unwrap(),
        "nobody says the artist of 2 of its 4 tracks (50.0 %) and the album of 1 of its 4 tracks (25.0 %): whether these are on both \
         sides cannot be seen"
    );
    assert!(Unnamed::of(&dataset(1, tracks[1..3].to_vec())).is_blind());
    assert_eq!(Unnamed::of(&dataset(1, tracks[..1].to_vec())).words(), None);
}

#[test]
fn wrong_shares_say_what_is_wrong() {
    for (text, problem) in [
        ("train=0.8,test=0.1", "add up to 0.9"),
        ("train=0.8,train=0.2", "twice"),
        ("train", "no share"),
        ("train=much", "no number"),
        ("dev=1.0", "unknown split `dev`"),
        ("train=1.0,test=0", "above 0"),
    ] {
        let message = Shares::parse(text).unwrap_err().to_string();
        assert!(message.contains(problem), "{text}: {message}");
    }
    let shares = Shares::parse("train=0.8,test=0.2").unwrap();
    let with_pool = shares.with(Split::Unlabelled, 0.5).unwrap();
    assert_eq!(with_pool.to_string(), "train=0.4,test=0.1,unlabelled=0.5");
}

#[test]
fn leaks_are_counted_on_the_side_that_is_scored() {
    let mut tracks = vec![
        track(0, "Ann", Split::Train, &[0]),
        track(1, "ann ", Split::Test, &[0]),
        track(2, "Ann", Split::Test, &[0]),
        track(3, "Bob", Split::Valid, &[0]),
        track(4, "", Split::Train, &[0]),
        track(5, "", Split::Test, &[0]),
        track(6, "Cid", Split::Test, &[0]),
        track(7, "Dan", Split::Unlabelled, &[]),
    ];
    let same = tracks[0].path.clone();
    tracks[6].path = same;
    let dataset = dataset(1, tracks);
    let leaks = find_leaks(&dataset, &[vec![3, 7]]);
    let told: Vec<String> = leaks.iter().map(Leak::words).collect();
    assert_eq!(
        told,
        [
            "1 artist of train is in test as well: 2 of its 4 tracks (50.0 %)",
            "1 file of train is in test as well: 1 of its 4 tracks (25.0 %)",
            "1 recording of unlabelled is in valid as well: 1 of its 1 tracks (100.0 %)",
        ]
    );
    let one_file = find_leaks(&dataset, &[vec![0, 6]]);
    assert!(
        one_file.iter().all(|leak| leak.kind != LeakKind::Recording),
        "a file under two ids is told as a file: {one_file:?}"
    );
    assert_eq!(leaks[0].from_tracks, [0]);
    assert_eq!(leaks[0].examples[0].name, "Ann");
    assert_eq!(leaks[0].examples[0].tracks, ["t0", "t1"]);
}

#[test]
fn a_split_opens_like_a_data_set_and_says_what_has_changed_since() {
    let here = tempfile::tempdir().unwrap();
    let source = here.path().join("set");
    std::fs::create_dir(&source).unwrap();
    let rows: String = (0..4)
        .map(|n| format!("t{n},{n}.wav,a{n},train,,,\n"))
        .collect();
    let header = "track_id,path,artist,split,duration_s,source,license\n";
    std::fs::write(source.join("tracks.csv"), format!("{header}{rows}")).unwrap();
    std::fs::write(
        source.join("labels.csv"),
        "track_id,tag\nt0,hip hop\nt1,hiphop\nt2,rock\nt3,rare\n",
    )
    .unwrap();
    let own = here.path().join("own");
    let folder = SplitFolder {
        source: "../set".into(),
        tags: vec![
            KeptTag {
                name: "hip-hop".into(),
                of: vec!["hip hop".into(), "hiphop".into()],
            },
            KeptTag {
                name: "rock".into(),
                of: vec!["rock".into()],
            },
        ],
        made: None,
    };
    let parts = [
        ("t0", Split::Test),
        ("t1", Split::Train),
        ("t2", Split::Train),
    ];
    folder.write(&own, parts.into_iter()).unwrap();
    let dataset = Dataset::open(&own).unwrap();
    assert_eq!(dataset.name, "own");
    assert_eq!(dataset.tags, ["hip-hop", "rock"]);
    let told: Vec<(&str, Split, &[TagIdx])> = dataset
        .tracks
        .iter()
        .map(|track| (track.id.as_str(), track.split, track.tags.as_slice()))
        .collect();
    assert_eq!(
        told,
        [
            ("t0", Split::Test, &[TagIdx(0)][..]),
            ("t1", Split::Train, &[TagIdx(0)]),
            ("t2", Split::Train, &[TagIdx(1)]),
        ]
    );
    assert!(dataset.tracks[0].path.ends_with("set/0.wav"));
    assert_eq!(dataset.place, own, "it is opened again as what it is");
    assert!(
        folder.write(&own, parts.into_iter()).is_err(),
        "a full folder is left alone"
    );

    std::fs::write(
        source.join("tracks.csv"),
        format!("{header}{}", &rows[rows.find('\n').unwrap() + 1..]),
    )
    .unwrap();
    std::fs::write(
        source.join("labels.csv"),
        "track_id,tag\nt1,hiphop\nt2,rock\n",
    )
    .unwrap();
    let dataset = Dataset::open(&own).unwrap();
    let told: Vec<&str> = dataset
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(
        told[0].contains("no longer has the tags hip hop"),
        "{told:?}"
    );
    assert!(
        told[1].contains("1 tracks of the split are not in the data set any more, for example t0"),
        "{told:?}"
    );

    std::fs::write(own.join("split.toml"), "source = \".\"\n").unwrap();
    let message = Dataset::open(&own).unwrap_err().to_string();
    assert!(message.contains("circle"), "{message}");
    std::fs::write(own.join("split.toml"), "\nsorce = \".\"\n").unwrap();
    let message = Dataset::open(&own).unwrap_err().to_string();
    assert!(message.contains("split.toml, line 2"), "{message}");
}

/// Not part of the usual run, because it says how long it takes: `cargo test -p attune-core --lib a_million -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_million_tracks_of_a_hundred_thousand_artists() {
    let dataset = music(100_000, 50, 1);
    let since = std::time::Instant::now();
    let division = divide(
        &dataset,
        &plan("train=0.8,valid=0.1,test=0.1", 0),
        &Job::quiet(),
    )
    .unwrap();
    let secs = since.elapsed().as_secs_f64();
    let since = std::time::Instant::now();
    let leaks = find_leaks(&dataset, &[]);
    println!(
        "{} tracks: divided in {secs:.2} s, off by {:.3} % in the mean; {} leaks looked for in {:.2} s",
        dataset.tracks.len(),
        100.0 * division.balance.mean_off().unwrap(),
        leaks.len(),
        since.elapsed().as_secs_f64()
    );
}
