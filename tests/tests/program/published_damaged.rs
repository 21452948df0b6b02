//! Published data sets whose files are damaged, cut off or made by others: what is wrong is told, and the rest is read.

use super::published::{counts, dataset, finding, folder, open, split_names};
use attune_core::dataset::{Check, Collection, Error, Severity};
use attune_core::job::{Cancel, Job};
use attune_tests::published::{self, fma, gtzan, jamendo, magnatagatune, mirdata, msd, put};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Takes the last bytes from a file.
pub(super) fn cut(file: &Path, n: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes.truncate(bytes.len() - n);
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn damaged_files_that_others_made_of_magnatagatune_are_told_and_left_out() {
    let (_keep, root) = folder();
    magnatagatune::write(&root);
    for name in ["tags.npy", "binary.npy", "test.npy"] {
        cut(&root.join("split/mtat").join(name), 5);
    }
    let list = root.join("split/mtat/top50_tags.txt");
    let text = std::fs::read_to_string(&list).unwrap();
    put(&list, text.trim_end_matches("choral\n"));
    put(&root.join("split/mtat/valid_list_pub.cP"), "(lp1\nS'3");
    put(&root.join("clip_info_final.csv"), "");
    let collection = open(&root, "magnatagatune");
    for part in [
        "tags.npy cannot be used",
        "binary.npy cannot be used",
        "test.npy cannot be used",
        "valid_list_pub.cP cannot be used",
        "clip_info_final.csv cannot be used",
        "49 tags, published were 50",
    ] {
        let told = finding(&collection.findings, part);
        assert_eq!(told.severity, Severity::Warning, "{part}");
    }
    assert_eq!(counts(&dataset(&root, "sota")), [2, 1, 0, 0]);
    assert_eq!(counts(&dataset(&root, "top50")), [2, 1, 2, 0]);
    std::fs::remove_file(root.join("split/mtat/train.npy")).unwrap();
    let findings = open(&root, "magnatagatune").findings;
    let missing = finding(&findings, "the split sota has no part train");
    assert_eq!(
        missing.file.as_ref(),
        Some(&root.join("split/mtat/train.npy"))
    );
}

#[test]
fn a_cut_off_or_wrong_line_of_a_table_is_told_and_left_out() {
    let (_keep, root) = folder();
    magnatagatune::write(&root);
    let table = root.join("annotations_final.csv");
    cut(&table, 20);
    let text = std::fs::read_to_string(&table).unwrap();
    put(&table, text.replacen("\"1\"", "\"7\"", 1));
    let collection = open(&root, "magnatagatune");
    let cut_off = finding(&collection.findings, "ends within the line");
    assert_eq!(
        (cut_off.check, cut_off.line, cut_off.file.as_ref()),
        (Check::BadLine, Some(9), Some(&table))
    );
    assert_eq!(
        finding(&collection.findings, "`7` is neither 0 nor 1").line,
        Some(2)
    );
    assert_eq!(collection.recordings.len(), 6);
}

#[test]
fn what_jamendo_does_not_need_is_told_and_does_not_end_the_reading() {
    let (_keep, root) = folder();
    jamendo::write(&root);
    let list = root.join("data/tags/moodtheme_split.txt");
    let text = std::fs::read_to_string(&list).unwrap();
    put(&list, text.replace("---happy", "---cheerful"));
    let findings = open(&root, "mtg-jamendo").findings;
    let unlisted = finding(&findings, "1 tags of moodtheme are not in the published");
    assert_eq!(
        (unlisted.check, unlisted.severity),
        (Check::TagOrder, Severity::Error)
    );
    assert!(unlisted.message.ends_with("mood/theme---happy"));

    put(&list, b"\xff\xfe");
    let titles = root.join("data/raw.meta.tsv");
    let text = std::fs::read_to_string(&titles).unwrap();
    put(&titles, format!("{text}track_0000348\tartist_000000\r\n"));
    let valid = "data/splits/split-1/autotagging_genre-validation.tsv";
    std::fs::remove_file(root.join(valid)).unwrap();
    let findings = open(&root, "mtg-jamendo").findings;
    finding(&findings, "moodtheme_split.txt cannot be used");
    let bad = finding(&findings, "another number of fields");
    assert_eq!((bad.line, bad.file.as_ref()), (Some(3), Some(&titles)));
    let missing = finding(&findings, "genre/split-1 has no part valid");
    assert_eq!(missing.file.as_ref(), Some(&root.join(valid)));

    put(&titles, "");
    finding(
        &open(&root, "mtg-jamendo").findings,
        "raw.meta.tsv cannot be used: the header is missing",
    );
}

#[test]
fn damaged_lists_leave_the_rest_of_a_data_set_as_it_is() {
    let (_keep, root) = folder();
    jamendo::write(&root);
    let part = root.join("data/splits/split-1/autotagging_genre-test.tsv");
    put(&part, "");
    let collection = open(&root, "mtg-jamendo");
    let told = finding(
        &collection.findings,
        "autotagging_genre-test.tsv cannot be used: the header is missing",
    );
    assert_eq!(told.file.as_ref(), Some(&part));
    assert_eq!(counts(&dataset(&root, "genre/split-1"))[2], 0);
    assert_ne!(counts(&dataset(&root, "genre/split-0"))[2], 0);
    // Of a whole subset nothing else is there.
    put(&root.join("data/splits/split-1/autotagging-test.tsv"), "");
    let collection = open(&root, "mtg-jamendo");
    finding(&collection.findings, "autotagging-test.tsv cannot be used");
    assert!(!split_names(&collection).contains(&"autotagging/split-1"));

    let (_keep, root) = folder();
    fma::write(&root);
    put(&root.join("fma_metadata/genres.csv"), b"\xff\n");
    let collection = open(&root, "fma");
    finding(&collection.findings, "genres.csv cannot be used");

    let (_keep, root) = folder();
    gtzan::write(&root);
    put(&root.join("valid_filtered.txt"), b"\xff\n");
    let collection = open(&root, "gtzan");
    finding(&collection.findings, "valid_filtered.txt cannot be used");
}

#[test]
fn reading_is_told_and_stops_when_it_is_asked_to() {
    for write in [
        magnatagatune::write as fn(&Path),
        jamendo::write,
        msd::write_cals,
        fma::write,
        mirdata::write,
        gtzan::write,
        write_genres,
        write_generic,
    ] {
        let (_keep, root) = folder();
        write(&root);
        let whole = Collection::open(&root).unwrap();
        let cancel = Cancel::new();
        let raised = cancel.clone();
        let job = Job::new(cancel, move |progress| {
            assert!(!progress.what.is_empty());
            raised.cancel();
        });
        let stopped = Collection::open_with(&root, &job);
        assert!(
            matches!(stopped, Err(Error::Cancelled(_))),
            "{}: {:?}",
            whole.layout,
            stopped.map(|it| it.recordings.len())
        );
    }
}

#[test]
fn half_a_tag_at_the_end_of_a_file_is_no_new_tag() {
    let (_keep, root) = folder();
    jamendo::write(&root);
    let file = root.join("data/splits/split-1/autotagging_top50tags-train.tsv");
    cut(&file, 5);
    let collection = open(&root, "mtg-jamendo");
    let cut_off = finding(&collection.findings, "ends within the line");
    assert_eq!(
        (cut_off.line, cut_off.file.as_ref()),
        (Some(17), Some(&file))
    );
    assert_eq!(collection.labellings[0].tags.len(), 4);
    assert_eq!(counts(&dataset(&root, "top50tags/split-1")), [15, 4, 4, 0]);
    assert_eq!(
        counts(&dataset(&root, "top50tags/split-0")),
        [16, 4, 4, 0],
        "another file"
    );
    // A track in two parts is one to be tested on, and that is told.
    let line = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    let test = root.join("data/splits/split-1/autotagging_top50tags-test.tsv");
    let text = std::fs::read_to_string(&test).unwrap();
    put(&test, format!("{text}{line}\r\n"));
    let findings = open(&root, "mtg-jamendo").findings;
    assert_eq!(
        finding(&findings, "in two parts of the split top50tags/split-1").severity,
        Severity::Error
    );
    assert_eq!(counts(&dataset(&root, "top50tags/split-1")), [14, 4, 5, 0]);
}

/// All files below a folder that are no audio, sorted.
fn annotations_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(annotations_below(&path));
        } else if path
            .extension()
            .is_none_or(|ending| ending != "wav" && ending != "au")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Folders by genre, whose only text is of no use to them.
fn write_genres(folder: &Path) {
    for file in [
        "notes.txt",
        "train/tango/a.mp3",
        "train/waltz/b.mp3",
        "test/tango/c.ogg",
    ] {
        put(&folder.join(file), "x");
    }
}

/// The generic form with all its files.
fn write_generic(folder: &Path) {
    for (name, text) in [
        (
            "tracks.csv",
            "track_id,path,artist,split,duration_s,source,license\none,a.wav,\"A, \"\"b\"\"\",train,1.5,,\ntwo,b.wav,x,test,,,\n",
        ),
        ("labels.csv", "track_id,tag\none,slow\ntwo,fast\n"),
        ("tags.txt", "fast\nslow\n"),
        (
            "timelines.csv",
            "track_id,tag,start_s,end_s\none,slow,0.5,1\n",
        ),
    ] {
        put(&folder.join(name), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_cut_and_no_wrong_byte_makes_an_importer_panic_or_leave_its_ranges(
        layout in 0usize..10, file in any::<prop::sample::Index>(), cut_at in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), byte in any::<u8>(), is_cut in any::<bool>(),
    ) {
        let (_keep, root) = folder();
        [magnatagatune::write as fn(&Path), jamendo::write, msd::write_pickles, msd::write_lists, msd::write_cals, fma::write, mirdata::write, gtzan::write, write_genres, write_generic][layout](&root);
        let files = annotations_below(&root);
        let file = file.get(&files);
        let mut bytes = std::fs::read(file).unwrap();
        if !bytes.is_empty() {
            let place = at.index(bytes.len());
            bytes[place] = byte;
            if is_cut {
                bytes.truncate(cut_at.index(bytes.len()));
            }
        }
        published::put(file, bytes);
        if let Ok(collection) = Collection::open(&root) {
            for split in &collection.splits {
                let tags = collection.labellings[split.labelling].tags.len();
                let labels = &collection.labellings[split.labelling].labels;
                prop_assert!(labels.iter().all(|(n, tag)| (*n as usize) < collection.recordings.len() && tag.index() < tags));
                prop_assert!(split.parts.is_sorted_by(|a, b| a.0 < b.0));
            }
            for name in collection.splits.iter().map(|split| split.name.clone()).collect::<Vec<_>>() {
                drop(collection.clone().into_dataset(Some(&name)));
            }
        }
    }
}
