//! The two published splits of the Million Song Dataset: pickles, arrays and lists, read as they are and held against each other.

use crate::attune;
use crate::published::{counts, finding, folder, no_errors, open, refused, split_names, tags};
use attune_core::dataset::{Dataset, Severity, Split};
use attune_tests::published::{msd, npy_floats, pickle_that_calls, put};

#[test]
fn the_conventional_split_is_read_from_pickles_of_python_2() {
    let (_keep, root) = folder();
    msd::write_pickles(&root);
    let collection = open(&root, "msd");
    assert_eq!(split_names(&collection), ["conventional"]);
    no_errors(&collection.findings);
    finding(&collection.findings, "4 recordings, published were 213454");
    finding(&collection.findings, "2 recordings, published were 28435");
    finding(&collection.findings, "ends before number 201680");
    assert_eq!(
        finding(&collection.findings, "known to be broken").tracks,
        [msd::BROKEN]
    );
    let data = Dataset::open(&root).unwrap();
    assert_eq!(counts(&data), [4, 0, 2, 0]);
    assert_eq!(
        (
            data.tags[0].as_str(),
            data.tags[17].as_str(),
            data.tags[49].as_str()
        ),
        ("rock", "Mellow", "happy")
    );
    assert_eq!(tags(&data, &msd::id(0)), ["rock", "happy"]);
    assert_eq!(
        tags(&data, &msd::id(11)),
        ["female vocalists", "happy"],
        "the sixth vector"
    );
    let track = &data.tracks[data.track_idx(&msd::id(0)).unwrap()];
    assert_eq!(track.artist, "Café Trio");
    assert!(
        track.path.ends_with("A/A/A/TRAAADIN128F930000.wav"),
        "{:?}",
        track.path
    );
    // A preview is found by the two dictionaries.
    put(&root.join("audio/8/9/8947470.clip.mp3"), "");
    let data = Dataset::open(&root).unwrap();
    assert!(
        data.tracks[data.track_idx(&msd::id(1)).unwrap()]
            .path
            .ends_with("8/9/8947470.clip.mp3")
    );
}

#[test]
fn paths_of_previews_that_cannot_be_used_are_told_and_left_out() {
    let (_keep, root) = folder();
    msd::write_pickles(&root);
    put(&root.join("split/msd/7D_id_to_path.pkl"), "(dp1\nS'89");
    let collection = open(&root, "msd");
    let damaged = finding(&collection.findings, "7D_id_to_path.pkl cannot be used");
    assert_eq!(damaged.severity, Severity::Warning);
    assert_eq!(counts(&Dataset::open(&root).unwrap()), [4, 0, 2, 0]);

    let (_keep, root) = folder();
    msd::write_lists(&root);
    put(&root.join("test_x_filename.txt"), "3/6/36120010.npy\n");
    let collection = open(&root, "msd");
    let shorter = finding(
        &collection.findings,
        "1 paths for 2 recordings in test_x_msd_id.txt",
    );
    assert_eq!(shorter.severity, Severity::Warning);
}

#[test]
fn a_pickle_that_would_run_a_command_is_refused_by_name() {
    let (keep, root) = folder();
    msd::write_pickles(&root);
    let trace = keep.path().join("was_here");
    put(
        &root.join("split/msd/filtered_list_test.cP"),
        pickle_that_calls(&format!("touch {}", trace.display())),
    );
    refused(&root, "filtered_list_test.cP", "names os.system");
    assert!(!trace.exists());
    // Beside another publication of the split, that one is read.
    let both = keep.path().join("both");
    std::fs::create_dir(&both).unwrap();
    msd::write_pickles(&both);
    msd::write_lists(&both);
    assert_eq!(split_names(&open(&both, "msd")), ["conventional", "choi"]);
    std::fs::copy(
        root.join("split/msd/filtered_list_test.cP"),
        both.join("split/msd/filtered_list_test.cP"),
    )
    .unwrap();
    let collection = open(&both, "msd");
    assert_eq!(split_names(&collection), ["choi"]);
    let told = finding(&collection.findings, "one published split is left out");
    assert!(told.message.contains("filtered_list_test.cP"), "{told:?}");
    let data = Dataset::open(&both).unwrap();
    assert_eq!(tags(&data, &msd::id(4)), ["electronic"]);
    assert!(!trace.exists());
    let output = attune::output(keep.path(), &["data", "info", root.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_conventional_split_is_read_from_lists_and_tables_of_bools() {
    let (_keep, root) = folder();
    msd::write_lists(&root);
    let collection = open(&root, "msd");
    assert_eq!(split_names(&collection), ["choi"]);
    finding(
        &collection.findings,
        "3 recordings in train, published were 201680",
    );
    let last = finding(&collection.findings, "no line break behind it");
    assert_eq!((last.severity, last.line), (Severity::Note, Some(3)));
    finding(&collection.findings, "artists and titles are not known");
    let data = Dataset::open(&root).unwrap();
    assert_eq!(counts(&data), [3, 2, 2, 0]);
    assert_eq!(tags(&data, &msd::id(4)), ["electronic"]);
    // One row less: every label behind it would be another recording's.
    let list = root.join("test_x_msd_id.txt");
    put(&list, format!("{}\n", msd::id(10)));
    refused(&root, "test_y.npy", "2 rows");
    std::fs::remove_file(root.join("test_y.npy")).unwrap();
    let findings = open(&root, "msd").findings;
    assert_eq!(
        finding(&findings, "no recording in test has labels").severity,
        Severity::Error
    );
}

#[test]
fn the_cals_split_has_its_own_tags_and_an_unlabelled_part() {
    let (_keep, root) = folder();
    msd::write_cals(&root);
    let collection = open(&root, "msd-cals");
    no_errors(&collection.findings);
    for part in [
        "4 recordings in train, published were 163504",
        "5 recordings marked STUDENT (for unlabelled), published were 516415",
    ] {
        finding(&collection.findings, part);
    }
    let data = Dataset::open(&root).unwrap();
    assert_eq!(
        counts(&data),
        [4, 2, 2, 5],
        "and those marked NONE are left out"
    );
    assert_eq!(
        (data.tags[5].as_str(), data.tags[49].as_str()),
        ("hip-hop", "progressive metal")
    );
    assert_eq!(tags(&data, &msd::id(5)), ["hip-hop", "progressive metal"]);
    let student = &data.tracks[data.track_idx(&msd::id(20)).unwrap()];
    assert_eq!(
        (student.split, student.tags.len(), student.duration_secs),
        (Split::Unlabelled, 0, Some(30.0))
    );
    // What the table has beyond the lists is counted.
    let table = root.join("data/splits/msd_splits.tsv");
    let text = std::fs::read_to_string(&table).unwrap();
    put(&table, format!("{text}{}\tx\tTRAIN\t661500\n", msd::id(77)));
    let unlisted = open(&root, "msd-cals").findings;
    let unlisted = finding(
        &unlisted,
        "1 recordings marked TRAIN are not in train_ids.npy",
    );
    assert_eq!(unlisted.severity, Severity::Warning);
    put(
        &root.join("data/splits/valid_binaries.npy"),
        npy_floats(&[vec![1], vec![2], vec![3]], 50),
    );
    refused(&root, "valid_binaries.npy", "3 rows");
    put(
        &root.join("data/splits/valid_binaries.npy"),
        npy_floats(&[vec![1], vec![2]], 49),
    );
    refused(&root, "valid_binaries.npy", "49 columns");
}
