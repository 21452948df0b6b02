//! Decisions as a user makes them: undone, done again, torn, exported, imported.

use super::*;
use crate::dataset::test_set;
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
    let exported = export_labels(&dataset, corrections.ledger(), &out).unwrap();
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
    assert!(export_labels(&dataset, corrections.ledger(), &dataset.root).is_err());

    // Elsewhere, the file says the same.
    let elsewhere = Workspace::at(folder.path().join("elsewhere"));
    let mut imported = Corrections::open(&elsewhere, &dataset).unwrap();
    let labels = out.join("labels.csv");
    assert_eq!(import_labels(&mut imported, &dataset, &labels).unwrap(), 1);
    assert_eq!(imported.ledger().mark("t0").unwrap().tags, ["new", "two"]);
    assert_eq!(import_labels(&mut imported, &dataset, &labels).unwrap(), 0);
}
