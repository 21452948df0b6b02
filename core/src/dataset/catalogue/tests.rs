//! The catalogue against plain loops over the collection, against older versions, and against another process.

mod versions;

use super::*;
use crate::dataset::{
    Check, Collection, Labelling, NamedSplit, Problem, ProblemKind, Recording, Severity, Span,
    Split, TagIdx,
};
use crate::job::Cancel;
use proptest::prelude::*;

const WORDS: [&str; 6] = ["Ada", "bo", "Über", "x-1", "a", ""];

/// A collection with two vocabularies and two splits; what is in it follows from the numbers.
fn collection(root: &Path, numbers: &[u64]) -> Collection {
    let word = |number: u64, shift: u32| WORDS[(number >> shift) as usize % WORDS.len()];
    let recordings = numbers.iter().enumerate().map(|(row, &number)| Recording {
        id: format!("T{row}{}", word(number, 1)),
        path: root.join(format!("audio/{row}.ogg")),
        artist: word(number, 3).into(),
        album: word(number, 6).into(),
        title: format!("{} {}", word(number, 9), word(number, 12)),
        duration_secs: (number % 5 > 0).then_some((number % 7 * 10) as f64),
        source: word(number, 15).into(),
        license: word(number, 18).into(),
    });
    let labels = |bits: u32, n_tags: u32| {
        let pairs = numbers.iter().zip(0u32..).flat_map(move |(&number, row)| {
            let tags = (0..n_tags).filter(move |tag| number >> (bits + tag) & 1 == 1);
            tags.map(move |tag| (row, TagIdx(tag)))
        });
        pairs.collect::<Vec<_>>()
    };
    let mut first = labels(20, 3);
    first.reverse();
    // The same label twice says nothing new.
    first.extend_from_within(..first.len() / 2);
    let parts = |bits: u32| {
        let rows = numbers.iter().zip(0u32..);
        let parts = rows.filter_map(|(&number, row)| {
            let part = Split::ALL.get((number >> bits) as usize % 5)?;
            Some((row, *part))
        });
        parts.collect()
    };
    Collection {
        name: "set".into(),
        layout: "generic",
        root: root.to_path_buf(),
        recordings: recordings.collect(),
        labellings: vec![
            Labelling {
                name: "one".into(),
                tags: vec!["Piano".into(), "slow ada".into(), "loud".into()],
                labels: first,
                spans: vec![(
                    0,
                    Span {
                        tag: TagIdx(1),
                        start_secs: 1.0,
                        end_secs: 2.5,
                    },
                )],
            },
            Labelling {
                name: "two".into(),
                tags: vec!["loud".into(), "rare".into()],
                labels: labels(30, 2),
                spans: Vec::new(),
            },
        ],
        splits: vec![
            NamedSplit {
                name: "a".into(),
                labelling: 0,
                parts: parts(40),
            },
            NamedSplit {
                name: "b".into(),
                labelling: 1,
                parts: parts(44),
            },
        ],
        problems: vec![Problem {
            track: format!("T0{}", word(numbers[0], 1)),
            path: root.join("audio/0.ogg"),
            kind: ProblemKind::Missing,
            message: "the audio file is missing".into(),
        }],
        findings: vec![Finding {
            check: Check::Counts,
            severity: Severity::Warning,
            tracks: vec!["T0".into()],
            n_concerned: 1,
            file: Some(root.join("x.tsv")),
            line: Some(3),
            message: "one is missing".into(),
            mend: String::new(),
        }],
    }
}

fn numbers(n: u64) -> Vec<u64> {
    (0..n)
        .map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .collect()
}

fn opened(folder: &tempfile::TempDir) -> Catalogue {
    Catalogue::open(&folder.path().join("new/catalogue.sqlite")).unwrap()
}

/// What a term means, said as plainly as can be.
fn holds(data: &Collection, split: &NamedSplit, test: &Test, row: usize) -> bool {
    let it = &data.recordings[row];
    let low = |text: &str| text.to_lowercase();
    let carries = |labelling: &Labelling, tag: usize| {
        labelling.labels.contains(&(row as u32, TagIdx(tag as u32)))
    };
    let part = |split: &NamedSplit| {
        let found = split.parts.iter().find(|(other, _)| *other == row as u32);
        found.map(|(_, part)| *part)
    };
    let text = |field: &TextField| match field {
        TextField::Id => low(&it.id),
        TextField::Title => low(&it.title),
        TextField::Artist => low(&it.artist),
        TextField::Album => low(&it.album),
        TextField::Source => low(&it.source),
        TextField::Licence => low(&it.license),
    };
    match test {
        Test::Word(word) => {
            let texts = TextField::ALL
                .iter()
                .filter(|it| **it != TextField::Licence);
            texts.into_iter().any(|field| text(field).contains(word))
                || data.labellings.iter().any(|labelling| {
                    let tags = labelling.tags.iter().enumerate();
                    tags.into_iter()
                        .any(|(tag, name)| low(name).contains(word) && carries(labelling, tag))
                })
        }
        Test::Contains(field, word) => text(field).contains(word),
        Test::Is(field, word) => text(field) == *word,
        Test::AnyTag(names) => names.iter().any(|name| {
            let own = &data.labellings[split.labelling];
            let all = std::iter::once(own).chain(&data.labellings);
            let mut found = all.filter_map(|labelling| {
                let place = labelling
                    .tags
                    .iter()
                    .position(|tag| low(tag) == low(name))?;
                Some((labelling, place))
            });
            let (labelling, place) = found.next().unwrap();
            carries(labelling, place)
        }),
        Test::Untagged => {
            let own = &data.labellings[split.labelling];
            !(0..own.tags.len()).any(|tag| carries(own, tag))
        }
        Test::Part(wanted) => part(split) == Some(*wanted),
        Test::In(name) => {
            let split = data
                .splits
                .iter()
                .find(|split| split.name == *name)
                .unwrap();
            part(split).is_some()
        }
        Test::Status(status) => (*status == Status::Missing) == (row == 0),
        Test::Problem => row == 0,
        Test::Length(range) => it.duration_secs.is_some_and(|secs| range.has(secs)),
    }
}

fn any_term() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "ada",
        "b",
        "-über",
        "x-",
        "1a",
        "piano",
        "tag:loud",
        "-tag:rare",
        "tag:piano|rare",
        "tag:LOUD|piano",
        "split:train",
        "-split:test",
        "split:unlabelled",
        "in:a",
        "-in:b",
        "artist:ada",
        "artist=bo",
        "-artist=a",
        "album:-1",
        "title:\"ada bo\"",
        "id:t1",
        "source:a",
        "licence:b",
        "status:missing",
        "status:unchecked",
        "is:problem",
        "is:untagged",
        "dur>20",
        "dur:10..30",
        "-dur<=40",
        "dur=20",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_query_finds_what_a_plain_loop_finds_in_the_order_that_was_asked_for(
        numbers in prop::collection::vec(any::<u64>(), 1..150),
        terms in prop::collection::vec(any_term(), 0..4),
        split in prop::sample::select(vec![None, Some("a"), Some("b")]),
        sort in prop::sample::select(Sort::ALL.to_vec()),
        descending in any::<bool>(),
    ) {
        let data = collection(Path::new("/music/set"), &numbers);
        let mut index = Index::of(&data);
        let mut statuses = vec![Status::Unchecked; numbers.len()];
        statuses[0] = Status::Missing;
        index.set_statuses(&statuses);
        let query = Query {
            split: split.map(str::to_owned),
            terms: Query::parse(&terms.join(" ")).unwrap(),
            sort,
            descending,
        };
        let column = &data.splits[usize::from(split == Some("b"))];
        let part = |row: usize| {
            let found = column.parts.iter().find(|(other, _)| *other == row as u32);
            found.map(|(_, part)| *part)
        };
        let mut expected: Vec<u32> = (0..numbers.len()).filter(|&row| {
            (split.is_none() || part(row).is_some())
                && query.terms.iter().all(|term| holds(&data, column, &term.test, row) != term.is_negated)
        }).map(|row| row as u32).collect();
        let key = |row: u32| {
            let it = &data.recordings[row as usize];
            let own = &data.labellings[column.labelling];
            let mut labels: Vec<_> = own.labels.iter().filter(|(other, _)| *other == row).collect();
            labels.sort_unstable();
            labels.dedup();
            let none = String::new();
            // Names that differ in case alone stay together and in one order.
            let named = |name: &str| (name.to_lowercase(), name.to_owned(), 0);
            match sort {
                Sort::Place => (none.clone(), none, 0),
                Sort::Id => (it.id.to_lowercase(), none, 0),
                Sort::Title => (it.title.to_lowercase(), none, 0),
                Sort::Artist => named(&it.artist),
                Sort::Album => named(&it.album),
                Sort::Source => named(&it.source),
                Sort::Part => (none.clone(), none, Split::ALL.iter().position(|&it| Some(it) == part(row as usize)).unwrap_or(9)),
                Sort::Length => (none.clone(), none, it.duration_secs.map_or(0, |secs| 1 + secs as usize)),
                Sort::Tags => (none.clone(), none, labels.len()),
                Sort::Status => (none.clone(), none, usize::from(row == 0)),
            }
        };
        expected.sort_by_key(|&row| key(row));
        if descending {
            expected.reverse();
        }
        prop_assert_eq!(index.list(&query).unwrap(), expected);
    }

    #[test]
    fn counts_are_those_of_a_plain_loop(numbers in prop::collection::vec(any::<u64>(), 1..100)) {
        let data = collection(Path::new("/music/set"), &numbers);
        let index = Index::of(&data);
        let split = index.split(Some("a")).unwrap();
        let rows = Bits::all(numbers.len());
        let balance = index.balance(&rows, Some(split));
        let together = index.co_occurrence(&rows, Some(split));
        let carries = |row: u32, tag: u32| data.labellings[0].labels.contains(&(row, TagIdx(tag)));
        for one in 0..3u32 {
            for (place, &part) in Split::ALL.iter().enumerate() {
                let members = data.splits[0].parts.iter().filter(|(_, other)| *other == part);
                let count = members.filter(|(row, _)| carries(*row, one)).count();
                prop_assert_eq!(balance.tags[one as usize][place], count);
            }
            for other in 0..3u32 {
                let count = (0..numbers.len() as u32).filter(|&row| carries(row, one) && carries(row, other)).count();
                prop_assert_eq!(together.count(one as usize, other as usize) as usize, count);
            }
        }
        prop_assert_eq!(balance.tracks.iter().sum::<usize>() + balance.outside, numbers.len());
        let compared = index.compare(split, index.split(Some("b")).unwrap());
        prop_assert_eq!(compared.tracks.iter().flatten().sum::<usize>(), numbers.len());
        for from in 0..5 {
            for to in 0..5 {
                let place = |split: &NamedSplit, row: u32| split.parts.iter().find(|it| it.0 == row)
                    .and_then(|it| Split::ALL.iter().position(|&part| part == it.1)).unwrap_or(4);
                let moved = (0..numbers.len() as u32)
                    .filter(|&row| (place(&data.splits[0], row), place(&data.splits[1], row)) == (from, to));
                prop_assert_eq!(moved.count(), compared.tracks[from][to]);
                let artists: std::collections::BTreeSet<&str> = data.recordings.iter().enumerate().filter(|(row, _)| {
                    let place = |split: &NamedSplit| split.parts.iter().find(|it| it.0 == *row as u32)
                        .and_then(|it| Split::ALL.iter().position(|&part| part == it.1)).unwrap_or(4);
                    !data.recordings[*row].artist.is_empty() && data.recordings.iter().enumerate().any(|(other, it)| {
                        let place_of = |split: &NamedSplit| split.parts.iter().find(|it| it.0 == other as u32)
                            .and_then(|it| Split::ALL.iter().position(|&part| part == it.1)).unwrap_or(4);
                        it.artist == data.recordings[*row].artist && place_of(&data.splits[1]) == to
                    }) && place(&data.splits[0]) == from
                }).map(|(_, it)| it.artist.as_str()).collect();
                prop_assert_eq!(compared.artists[from][to], artists.len(), "{} {}", from, to);
            }
        }
    }
}

#[test]
fn what_was_imported_is_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = collection(Path::new("/music/set"), &numbers(70));
    let dataset = opened(&folder).import(&data, &Job::quiet()).unwrap();
    let catalogue = opened(&folder);
    let index = catalogue.index(dataset).unwrap();
    assert_eq!(index.vocabularies().len(), 2);
    assert_eq!(index.splits().len(), 2);
    let fresh = Index::of(&data);
    for line in ["ada", "tag:loud", "split:valid dur>10", "-artist=bo"] {
        let query = Query {
            terms: Query::parse(line).unwrap(),
            sort: Sort::Title,
            ..Query::default()
        };
        assert_eq!(index.list(&query), fresh.list(&query), "{line}");
    }
    let rows = catalogue.rows(&index, &[69, 0, 1_000_000]).unwrap();
    assert_eq!(rows.len(), 2);
    for (row, at) in rows.iter().zip([69, 0]) {
        let it = &data.recordings[at];
        assert_eq!((&row.id, &row.path), (&it.id, &it.path));
        assert_eq!((&row.title, &row.artist), (&it.title, &it.artist));
        assert_eq!((&row.album, &row.source), (&it.album, &it.source));
        assert_eq!(
            (&row.licence, row.duration_secs),
            (&it.license, it.duration_secs)
        );
    }
    assert_eq!(rows[1].status, Status::Missing);
    assert!(rows[1].message.contains("missing"));
    assert_eq!(catalogue.spans(&index, 0, 0).unwrap()[0].end_secs, 2.5);
    assert_eq!(catalogue.findings(dataset).unwrap(), data.findings);
    let entry = &catalogue.datasets().unwrap()[0];
    assert_eq!((entry.n_tracks, entry.n_tags, entry.n_problems), (70, 5, 1));
    assert_eq!(entry.fingerprint, data.fingerprint());
}

#[test]
fn importing_a_folder_again_replaces_what_was_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let other = collection(Path::new("/music/other"), &numbers(4));
    catalogue.import(&other, &Job::quiet()).unwrap();
    let root = Path::new("/music/set");
    let first = catalogue
        .import(&collection(root, &numbers(30)), &Job::quiet())
        .unwrap();
    let second = catalogue
        .import(&collection(root, &numbers(20)), &Job::quiet())
        .unwrap();
    assert_eq!(first, second, "what refers to the data set stays valid");
    let entries = catalogue.datasets().unwrap();
    assert_eq!(entries.len(), 2);
    let count = |table: &str| -> i64 {
        let question = format!("SELECT count(*) FROM {table}");
        catalogue
            .connection
            .query_row(&question, [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(
        (count("tracks"), count("splits"), count("findings")),
        (24, 4, 2)
    );
    assert!(catalogue.forget(root).unwrap());
    assert!(!catalogue.forget(root).unwrap());
    let count: i64 = catalogue
        .connection
        .query_row("SELECT count(*) FROM tracks", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 4, "the other data set is untouched");
}

#[test]
fn what_decoding_found_outlives_an_import_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    std::fs::create_dir_all(root.join("audio")).unwrap();
    for row in 0..3 {
        std::fs::write(root.join(format!("audio/{row}.ogg")), "sound").unwrap();
    }
    let mut data = collection(&root, &numbers(3));
    data.problems.clear();
    let mut catalogue = opened(&folder);
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    let found = |row: usize, status, message: &str| Checked {
        status,
        message: message.into(),
        ..Checked::fine(&data.recordings[row].id, &data.recordings[row].path)
    };
    let foreign = Checked::fine("nobody", &data.recordings[0].path);
    // A track of another data set that has the same id.
    let other = Checked::fine(&data.recordings[2].id, Path::new("/elsewhere/2.ogg"));
    let told = [
        found(0, Status::Fine, ""),
        found(1, Status::Broken, "no sync word"),
        found(2, Status::Damaged, "cut off"),
        foreign,
        other,
    ];
    assert_eq!(catalogue.record(dataset, &told).unwrap(), 3);
    let statuses = |catalogue: &Catalogue| {
        let index = catalogue.index(dataset).unwrap();
        let rows = catalogue.rows(&index, &[0, 1, 2]).unwrap();
        rows.into_iter()
            .map(|row| (row.status, row.message))
            .collect::<Vec<_>>()
    };
    let expected = [
        (Status::Fine, String::new()),
        (Status::Broken, "no sync word".to_owned()),
        (Status::Damaged, "cut off".to_owned()),
    ];
    assert_eq!(statuses(&catalogue), expected);
    assert_eq!(catalogue.datasets().unwrap()[0].n_problems, 2);
    std::fs::write(root.join("audio/1.ogg"), "another sound").unwrap();
    catalogue.import(&data, &Job::quiet()).unwrap();
    let after = statuses(&catalogue);
    assert_eq!(after[0], expected[0]);
    assert_eq!(
        after[1],
        (Status::Unchecked, String::new()),
        "it is another file"
    );
    assert_eq!(after[2], expected[2]);
    // A file that has gone, told with its length from before, and one that is there after all.
    std::fs::remove_file(root.join("audio/0.ogg")).unwrap();
    let gone = [
        found(0, Status::Missing, ""),
        found(1, Status::Missing, ""),
        Checked {
            rate_hz: Some(44_100),
            duration_secs: Some(12.5),
            ..found(1, Status::Fine, "")
        },
    ];
    assert_eq!(catalogue.record(dataset, &gone).unwrap(), 2);
    let entry = catalogue.dataset(&root).unwrap().unwrap();
    assert_eq!(
        Catalogue::record_of(&catalogue.path.clone(), &entry.root, &gone[1..2]).unwrap(),
        0,
        "what is there is not missing"
    );
    catalogue.import(&data, &Job::quiet()).unwrap();
    let after: Vec<Status> = statuses(&catalogue).into_iter().map(|it| it.0).collect();
    assert_eq!(after, [Status::Missing, Status::Fine, Status::Damaged]);
    let (rate_hz, secs): (u32, f64) = catalogue
        .connection
        .query_row(
            "SELECT rate_hz, decoded_s FROM checked WHERE status = 'fine'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((rate_hz, secs), (44_100, 12.5));
    std::fs::write(root.join("audio/0.ogg"), "it came").unwrap();
    catalogue.import(&data, &Job::quiet()).unwrap();
    assert_eq!(statuses(&catalogue)[0].0, Status::Unchecked);
}

#[test]
fn rows_of_an_index_that_is_no_longer_current_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let root = Path::new("/music/set");
    let mut data = collection(root, &numbers(10));
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    let before = catalogue.index(dataset).unwrap();
    assert_eq!(
        catalogue.rows(&before, &[3]).unwrap()[0].id,
        data.recordings[3].id
    );
    let is_outdated = |outcome: Result<(), Error>| match outcome {
        Err(error @ Error::Outdated(_)) => error.to_string().contains("imported again"),
        _ => false,
    };
    // Another process imports the same folder, and a track has come before the others.
    data.recordings.rotate_right(1);
    opened(&folder).import(&data, &Job::quiet()).unwrap();
    assert!(is_outdated(catalogue.rows(&before, &[3]).map(drop)));
    assert!(is_outdated(catalogue.spans(&before, 0, 0).map(drop)));
    let after = catalogue.index(dataset).unwrap();
    assert!(!after.is_of_same_import(&before));
    assert_eq!(
        catalogue.rows(&after, &[3]).unwrap()[0].id,
        data.recordings[3].id
    );
    // What is known of files may change without making it another one.
    let found = Checked {
        status: Status::Missing,
        ..Checked::fine(&data.recordings[3].id, &data.recordings[3].path)
    };
    assert_eq!(catalogue.record(dataset, &[found]).unwrap(), 1);
    assert!(catalogue.rows(&after, &[3]).is_ok());
    assert!(catalogue.index(dataset).unwrap().is_of_same_import(&after));
    // Forgotten, and its number taken by another one.
    catalogue.forget(root).unwrap();
    assert!(is_outdated(catalogue.rows(&after, &[3]).map(drop)));
    let other = collection(Path::new("/music/other"), &numbers(10));
    assert_eq!(catalogue.import(&other, &Job::quiet()).unwrap(), dataset);
    assert!(is_outdated(catalogue.rows(&after, &[3]).map(drop)));
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_no_utf_8_is_found_again() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let root = Path::new("/music").join(std::ffi::OsStr::from_bytes(b"s\xe9t"));
    let data = collection(&root, &numbers(5));
    let dataset = catalogue.import(&data, &Job::quiet()).unwrap();
    assert_eq!(catalogue.import(&data, &Job::quiet()).unwrap(), dataset);
    assert_eq!(catalogue.dataset(&root).unwrap().unwrap().root, root);
    let index = catalogue.index(dataset).unwrap();
    assert_eq!(
        catalogue.rows(&index, &[1]).unwrap()[0].path,
        data.recordings[1].path
    );
    assert!(catalogue.forget(&root).unwrap());
}

#[test]
fn a_catalogue_that_cannot_be_used_is_told_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    std::fs::write(
        &path,
        "this is a letter and no database, and long enough to tell",
    )
    .unwrap();
    let message = Catalogue::open(&path).unwrap_err().to_string();
    assert!(message.contains("no catalogue; move it away"), "{message}");
    std::fs::remove_file(&path).unwrap();
    let holder = Catalogue::open(&path).unwrap();
    holder.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let second = Catalogue::open(&path).unwrap();
    second
        .connection
        .busy_timeout(std::time::Duration::ZERO)
        .unwrap();
    let refused = second
        .connection
        .execute_batch("BEGIN IMMEDIATE")
        .unwrap_err();
    let message = told(&path)(refused).to_string();
    assert!(message.contains("another process is writing"), "{message}");
}

#[test]
fn a_stopped_import_leaves_the_old_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = opened(&folder);
    let root = Path::new("/music/set");
    let dataset = catalogue
        .import(&collection(root, &numbers(10)), &Job::quiet())
        .unwrap();
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let job = Job::new(cancel, move |progress| {
        if progress.what.contains("importing") && progress.done > 0 {
            raised.cancel();
        }
    });
    let outcome = catalogue.import(&collection(root, &numbers(9000)), &job);
    assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
    assert_eq!(catalogue.datasets().unwrap()[0].n_tracks, 10);
    assert_eq!(catalogue.index(dataset).unwrap().len(), 10);
    catalogue
        .import(&collection(root, &numbers(11)), &Job::quiet())
        .unwrap();
    assert_eq!(
        catalogue.index(dataset).unwrap().len(),
        11,
        "and the catalogue goes on"
    );
}

#[test]
fn imports_at_the_same_time_wait_for_each_other_and_readers_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = opened(&folder);
    let root = Path::new("/music/set");
    let dataset = first
        .import(&collection(root, &numbers(10)), &Job::quiet())
        .unwrap();
    // Another process in the middle of its transaction.
    first
        .connection
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM tracks")
        .unwrap();
    let (sender, news) = std::sync::mpsc::channel();
    let job = Job::new(Cancel::new(), move |progress| {
        drop(sender.send(progress.what))
    });
    let path = folder.path().join("new/catalogue.sqlite");
    let waiting = std::thread::Builder::new().name("import".into());
    let waiting = waiting
        .spawn(move || {
            let mut second = Catalogue::open(&path).unwrap();
            second
                .import(&collection(root, &numbers(20)), &job)
                .unwrap()
        })
        .unwrap();
    while !news.recv().unwrap().contains("waiting") {}
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let impatient = Job::new(cancel, move |progress| {
        if progress.what.contains("waiting") {
            raised.cancel();
        }
    });
    let stopped = opened(&folder).import(&collection(root, &numbers(30)), &impatient);
    assert!(matches!(stopped, Err(Error::Cancelled(_))), "{stopped:?}");
    assert_eq!(opened(&folder).index(dataset).unwrap().len(), 10);
    first.connection.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting.join().unwrap(), dataset);
    assert_eq!(first.index(dataset).unwrap().len(), 20);
}

#[test]
fn an_import_that_is_stopped_while_it_waits_leaves_the_connection_as_patient_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (other, mut stopped) = (opened(&folder), opened(&folder));
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let job = Job::new(cancel, move |progress| {
        if progress.what.contains("waiting") {
            raised.cancel();
        }
    });
    let outcome = stopped.import(&collection(Path::new("/music/set"), &numbers(3)), &job);
    assert!(matches!(outcome, Err(Error::Cancelled(_))));
    let patience: i64 = stopped
        .connection
        .pragma_query_value(None, "busy_timeout", |row| row.get(0))
        .unwrap();
    assert_eq!(patience, 30_000);
}

#[test]
fn a_folder_is_current_until_its_annotations_change() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    std::fs::create_dir(&root).unwrap();
    let head = "track_id,path,artist,split,duration_s,source,license\n";
    std::fs::write(
        root.join("tracks.csv"),
        format!("{head}a,a.ogg,Ada,train,,,\n"),
    )
    .unwrap();
    let mut catalogue = opened(&folder);
    let (dataset, read) = catalogue.import_folder(&root, &Job::quiet()).unwrap();
    assert_eq!(read.recordings.len(), 1);
    let is_current = |catalogue: &Catalogue| {
        let entry = catalogue.dataset(&root).unwrap().unwrap();
        Catalogue::is_current(&entry, &Job::quiet()).unwrap()
    };
    assert!(is_current(&catalogue));
    let text = format!("{head}a,a.ogg,Ada,train,,,\nb,b.ogg,Ada,test,,,\n");
    std::fs::write(root.join("tracks.csv"), text).unwrap();
    assert!(!is_current(&catalogue));
    catalogue.import_folder(&root, &Job::quiet()).unwrap();
    assert!(is_current(&catalogue));
    assert_eq!(catalogue.index(dataset).unwrap().len(), 2);
}

#[test]
fn an_unknown_tag_or_split_is_told_with_those_there_are() {
    let index = Index::of(&collection(Path::new("/music/set"), &numbers(3)));
    let ask = |line: &str| {
        let terms = Query::parse(line).unwrap();
        index
            .list(&Query {
                terms,
                ..Query::default()
            })
            .unwrap_err()
            .to_string()
    };
    assert!(ask("tag:pian").contains("there are: Piano"));
    assert!(ask("tag:nothing").contains("slow ada"));
    assert!(ask("in:c").contains("a, b"));
}
