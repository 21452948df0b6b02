//! Decisions as a user makes them: undone, done again, torn, exported, imported.

use super::*;
use crate::dataset::{Track, test_set};
use crate::job::Job;
use proptest::prelude::*;

fn bench() -> (tempfile::TempDir, Workspace, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    std::fs::create_dir(&set).unwrap();
    let dataset = test_set::make(&set, &[10, 10, 10, 10]);
    let workspace = Workspace::at(folder.path().join("home"));
    (folder, workspace, dataset)
}

fn accepted(tags: &[&str]) -> Mark {
    Mark {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        verdict: Some(Verdict::Accepted),
    }
}

#[derive(Clone, Debug)]
enum Act {
    Mark(u8, u8),
    Undo,
    Redo,
}

proptest! {
    /// Against the plain form: all states there ever were, and a place among them.
    #[test]
    fn undo_and_redo_lead_back_and_forth_through_all_states(
        acts in prop::collection::vec(prop_oneof![
            3 => (0u8..4, 0u8..5).prop_map(|(track, tag)| Act::Mark(track, tag)),
            2 => Just(Act::Undo),
            1 => Just(Act::Redo),
        ], 0..60)
    ) {
        let mut ledger = Ledger::default();
        let mut states = vec![std::collections::BTreeMap::new()];
        let mut at = 0;
        for act in acts {
            match act {
                Act::Mark(track, tag) => {
                    let (track, mark) = (track.to_string(), accepted(&[&tag.to_string()]));
                    ledger.apply(Line::mark(&track, mark.clone()));
                    states.truncate(at + 1);
                    let mut next = states[at].clone();
                    next.insert(track, mark);
                    states.push(next);
                    at += 1;
                }
                Act::Undo => {
                    ledger.apply(Line::undo());
                    at = at.saturating_sub(1);
                }
                Act::Redo => {
                    ledger.apply(Line::redo());
                    at = (at + 1).min(states.len() - 1);
                }
            }
            let found: std::collections::BTreeMap<String, Mark> = ledger
                .marks()
                .map(|(track, mark)| (track.to_owned(), mark.clone()))
                .collect();
            prop_assert_eq!(&found, &states[at]);
        }
    }
}

#[test]
fn a_torn_last_line_is_cut_off_and_all_else_is_as_it_was() {
    let (_folder, workspace, dataset) = bench();
    let mut corrections = Corrections::open(&workspace, &dataset).unwrap();
    corrections.mark("t0", accepted(&["two"])).unwrap();
    corrections.mark("t1", accepted(&["one", "two"])).unwrap();
    corrections.undo().unwrap();
    corrections.mark("t2", Mark::default()).unwrap();
    let path = corrections.path().to_path_buf();
    let second = Corrections::open(&workspace, &dataset).unwrap_err();
    assert!(second.to_string().contains("open"), "{second}");
    drop(corrections);
    let whole = std::fs::read(&path).unwrap();
    let n_whole = whole.split(|&byte| byte == b'\n').count() - 1;
    assert_eq!(n_whole, 4);
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut corrections = Corrections::open(&workspace, &dataset).unwrap();
        let before = corrections.ledger().clone();
        corrections.mark("t3", accepted(&["three"])).unwrap();
        corrections.undo().unwrap().unwrap();
        drop(corrections);
        let after = Ledger::read(&workspace, &dataset).unwrap();
        assert!(after.marks().eq(before.marks()), "{length} bytes");
    }
    std::fs::write(&path, "nonsense\n").unwrap();
    let error = Ledger::read(&workspace, &dataset).unwrap_err().to_string();
    assert!(error.contains(", line 1"), "{error}");
}

#[test]
fn an_export_opens_as_a_data_set_says_what_changed_and_comes_back_by_import() {
    let (folder, workspace, dataset) = bench();
    let unchanged = dataset.fingerprint();
    let mut corrections = Corrections::open(&workspace, &dataset).unwrap();
    // t0 has `one`, t1 `two`, t2 `three`, t3 `one`.
    corrections.mark("t0", accepted(&["two", "new"])).unwrap();
    let rejected = Mark {
        verdict: Some(Verdict::Rejected),
        ..Mark::default()
    };
    corrections.mark("t1", rejected).unwrap();
    let unsure = Mark {
        verdict: Some(Verdict::Unsure),
        ..Mark::default()
    };
    corrections.mark("t2", unsure).unwrap();
    let out = folder.path().join("out");
    let exported = export_labels(&dataset, corrections.ledger(), &out, &Job::quiet()).unwrap();
    let expected = Exported {
        tracks: 3,
        rejected: 1,
        added: 2,
        removed: 1,
        opens: true,
    };
    assert_eq!(exported, expected);
    let changes = std::fs::read_to_string(out.join("changes.csv")).unwrap();
    assert_eq!(
        changes,
        "track_id,verdict,added,removed\nt0,accepted,new; two,one\nt1,rejected,,\nt2,unsure,,\n"
    );
    let opened = Dataset::open(&out).unwrap();
    assert!(opened.problems.is_empty(), "{:?}", opened.problems);
    assert_eq!(opened.tags, ["one", "two", "three", "new"]);
    let names = |dataset: &Dataset, place| -> Vec<String> {
        dataset.tag_names(place).map(str::to_owned).collect()
    };
    assert_eq!(names(&opened, 0), ["two", "new"]);
    assert_eq!(names(&opened, 1), ["three"]);
    assert_eq!(dataset.fingerprint(), unchanged);
    let own = export_labels(&dataset, corrections.ledger(), &dataset.root, &Job::quiet());
    assert!(own.is_err());

    // Elsewhere, the file says the same.
    let elsewhere = Workspace::at(folder.path().join("elsewhere"));
    let mut imported = Corrections::open(&elsewhere, &dataset).unwrap();
    let labels = out.join("labels.csv");
    assert_eq!(import_labels(&mut imported, &dataset, &labels).unwrap(), 1);
    assert_eq!(imported.ledger().mark("t0").unwrap().tags, ["new", "two"]);
    assert_eq!(import_labels(&mut imported, &dataset, &labels).unwrap(), 0);
}

#[test]
fn a_line_that_failed_half_way_is_cut_off_before_the_next() {
    let (_folder, workspace, dataset) = bench();
    let mut corrections = Corrections::open(&workspace, &dataset).unwrap();
    corrections.mark("t0", accepted(&["two"])).unwrap();
    // As a full disk leaves it: a part of the line was written, and there was no cutting it off.
    corrections.file.write_all(b"{\"at_unix_ms\":17").unwrap();
    corrections.is_torn = true;
    corrections.mark("t1", accepted(&["one"])).unwrap();
    drop(corrections);
    let read = Ledger::read(&workspace, &dataset).unwrap();
    assert_eq!(read.marks().count(), 2);
    // A file that takes nothing: an error, and all that was decided before is still there.
    let mut corrections = Corrections::open(&workspace, &dataset).unwrap();
    let file = std::mem::replace(
        &mut corrections.file,
        File::open(&corrections.path).unwrap(),
    );
    assert!(corrections.mark("t2", accepted(&["one"])).is_err());
    assert_eq!(corrections.ledger(), &read);
    corrections.file = file;
    corrections.mark("t2", accepted(&["three"])).unwrap();
    drop(corrections);
    let read = Ledger::read(&workspace, &dataset).unwrap();
    assert_eq!(read.mark("t2").unwrap().tags, ["three"]);
}

/// MTG-Jamendo's layout: two splits of one set of tags, and another set.
fn two_splits(folder: &Path) {
    for (split, subset) in [(0, "top50tags"), (1, "top50tags"), (0, "genre")] {
        for (number, part) in ["train", "validation", "test"].into_iter().enumerate() {
            let file = format!("data/splits/split-{split}/autotagging_{subset}-{part}.tsv");
            let (file, id) = (folder.join(file), 100 + (number + split) % 3);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let line = format!("track_{id:07}\tartist_1\talbum_1\t00/{id}.mp3\t9.0\tgenre---rock");
            let head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS";
            std::fs::write(file, format!("{head}\r\n{line}\r\n")).unwrap();
        }
    }
}

#[test]
fn corrections_belong_to_all_splits_that_share_their_labels_and_older_journals_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    two_splits(&set);
    let written = |split: &str| PathBuf::from(format!("{}{split}", set.display()));
    let named = |split: &str| Dataset::open(&written(split)).unwrap();
    let (plain, first, second) = (
        named(""),
        named("#top50tags/split-0"),
        named("#top50tags/split-1"),
    );
    let genre = named("#genre/split-0");
    let workspace = Workspace::at(folder.path().join("home"));
    // What earlier versions wrote: a journal for each way of writing the split.
    let older = |split: &str, lines: &str| {
        let hash = blake3::hash(written(split).as_os_str().as_encoded_bytes()).to_hex();
        let file = format!("{}-{}.jsonl", plain.name, &hash.as_str()[..8]);
        let file = workspace.corrections().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, lines).unwrap();
    };
    let mark = |at: u32, track: &str, tag: &str| {
        format!(
            "{{\"at_unix_ms\":{at},\"do\":\"mark\",\"track\":\"{track}\",\"tags\":[\"{tag}\"]}}\n"
        )
    };
    let undo = |at: u32| format!("{{\"at_unix_ms\":{at},\"do\":\"undo\"}}\n");
    older("", &(mark(1, "a", "one") + &mark(5, "b", "late")));
    older(
        "#top50tags/split-1",
        &(mark(2, "a", "two") + &mark(3, "b", "early") + &mark(4, "c", "wrong") + &undo(6)),
    );
    older("#genre/split-0", &mark(9, "a", "genre"));
    let tags = |ledger: &Ledger| -> Vec<(String, Vec<String>)> {
        let marks = ledger.marks();
        marks
            .map(|(track, mark)| (track.to_owned(), mark.tags.clone()))
            .collect()
    };
    let expected = [("a", "two"), ("b", "late")].map(|(t, tag)| (t.into(), vec![tag.into()]));
    for dataset in [&plain, &first, &second] {
        assert_eq!(tags(&Ledger::read(&workspace, dataset).unwrap()), expected);
    }
    let mut corrections = Corrections::open(&workspace, &first).unwrap();
    assert_eq!(tags(corrections.ledger()), expected);
    assert!(Corrections::open(&workspace, &second).is_err(), "in use");
    corrections.mark("d", accepted(&["new"])).unwrap();
    drop(corrections);
    let mut corrections = Corrections::open(&workspace, &second).unwrap();
    assert_eq!(corrections.ledger().marks().count(), 3);
    corrections.undo().unwrap();
    drop(corrections);
    assert_eq!(tags(&Ledger::read(&workspace, &plain).unwrap()), expected);
    let of_genre = Corrections::open(&workspace, &genre).unwrap();
    assert_eq!(
        tags(of_genre.ledger()),
        [("a".into(), vec!["genre".into()])]
    );
}

#[test]
fn an_export_of_a_description_finds_its_audio_and_keeps_titles_and_a_stopped_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["tables", "sound/a", "sound/b"] {
        std::fs::create_dir_all(at(name)).unwrap();
    }
    let tracks = "track_id,path,artist,split,duration_s,source,license,album,title\n\
        t0,a/0.wav,x,train,1,,,First,\"Song, one\"\nt1,b/1.wav,y,test,1,,,,\n";
    std::fs::write(at("tables/tracks.csv"), tracks).unwrap();
    std::fs::write(at("tables/labels.csv"), "track_id,tag\nt0,one\nt1,one\n").unwrap();
    for name in ["sound/a/0.wav", "sound/b/1.wav"] {
        std::fs::write(at(name), "").unwrap();
    }
    std::fs::write(at("set.toml"), "annotations = 'tables'\naudio = 'sound'\n").unwrap();
    let dataset = Dataset::open(&at("set.toml")).unwrap();
    let (ledger, out) = (Ledger::default(), at("out"));
    let exported = export_labels(&dataset, &ledger, &out, &Job::quiet()).unwrap();
    assert!(exported.opens);
    let opened = Dataset::open(&out).unwrap();
    assert!(opened.problems.is_empty(), "{:?}", opened.problems);
    let names = |track: &Track| (track.album.clone(), track.title.clone());
    let names: Vec<_> = opened.tracks.iter().map(names).collect();
    assert_eq!(names[0], ("First".to_owned(), "Song, one".to_owned()));
    assert_eq!(names[1], (String::new(), String::new()));

    let before = std::fs::read(out.join("labels.csv")).unwrap();
    let mut other = dataset.clone();
    other.tracks[0].tags.clear();
    let stopped = Job::quiet();
    stopped.cancel.cancel();
    let outcome = export_labels(&other, &ledger, &out, &stopped);
    assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
    assert_eq!(std::fs::read(out.join("labels.csv")).unwrap(), before);
}
