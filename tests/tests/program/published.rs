//! Data sets as they are published: each layout is recognised, read with its traps, held against what was published, and trained on.

use crate::attune;
use crate::lab::{Lab, succeed};
use crate::published_damaged::cut;
use attune_core::dataset::{
    Check, Collection, Dataset, Finding, Place, ProblemKind, Severity, Split, TagIdx, import,
};
use attune_tests::published::{
    fma, gtzan, jamendo, magnatagatune, mirdata, npy_floats, put, put_tone,
};
use std::path::{Path, PathBuf};

pub(super) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    std::fs::create_dir(&root).unwrap();
    (folder, root)
}

pub(super) fn open(folder: &Path, layout: &str) -> Collection {
    let collection = Collection::open(folder).unwrap();
    assert_eq!(collection.layout, layout);
    collection
}

pub(super) fn dataset(folder: &Path, split: &str) -> Dataset {
    Dataset::open(&Place::new(folder, Some(split)).into_path()).unwrap()
}

pub(super) fn split_names(collection: &Collection) -> Vec<&str> {
    collection
        .splits
        .iter()
        .map(|split| split.name.as_str())
        .collect()
}

/// How many tracks train, valid, test and unlabelled have.
pub(super) fn counts(dataset: &Dataset) -> [usize; 4] {
    Split::ALL.map(|split| {
        dataset
            .split_counts()
            .get(&split)
            .copied()
            .unwrap_or_default()
    })
}

pub(super) fn ids(dataset: &Dataset) -> Vec<&str> {
    dataset
        .tracks
        .iter()
        .map(|track| track.id.as_str())
        .collect()
}

/// The names of a track's tags.
pub(super) fn tags<'a>(dataset: &'a Dataset, id: &str) -> Vec<&'a str> {
    let track = &dataset.tracks[dataset.track_idx(id).unwrap()];
    track
        .tags
        .iter()
        .map(|tag| dataset.tags[tag.index()].as_str())
        .collect()
}

/// The finding that says `part`; there must be one, and just one.
pub(super) fn finding<'a>(findings: &'a [Finding], part: &str) -> &'a Finding {
    let mut found = findings
        .iter()
        .filter(|finding| finding.message.contains(part));
    let first = found.next();
    let first = first.unwrap_or_else(|| panic!("no finding says `{part}`: {findings:#?}"));
    assert_eq!(found.next(), None, "one finding about `{part}`");
    first
}

pub(super) fn no_errors(findings: &[Finding]) {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Finding>::new());
}

/// Opening fails, naming the file and saying `part`.
pub(super) fn refused(folder: &Path, file: &str, part: &str) {
    let message = Collection::open(folder).unwrap_err().to_string();
    assert!(
        message.contains(file) && message.contains(part),
        "{message}"
    );
}

#[test]
fn magnatagatune_is_read_from_its_table_in_the_order_of_its_tags() {
    let (_keep, root) = folder();
    magnatagatune::write(&root);
    let collection = open(&root, "magnatagatune");
    assert_eq!(
        split_names(&collection),
        ["top50", "all188", "top50-all-clips", "sota", "jongpillee"]
    );
    no_errors(&collection.findings);
    for part in [
        "8 clips, published were 25863",
        "2 clips in train of top50, published were 15247 or 15244",
        "1 clips in valid of sota, published were 1529",
    ] {
        assert_eq!(finding(&collection.findings, part).check, Check::Counts);
    }
    let known = finding(&collection.findings, "35644");
    assert_eq!(
        (known.check, &known.tracks[..]),
        (Check::KnownFault, &["35644".to_owned()][..])
    );
    let order = finding(&collection.findings, "another order of tags");
    assert!(
        order.message.contains("metal, female voice are exchanged")
            || order.message.contains("of metal, female voice"),
        "{order:?}"
    );

    let top = Dataset::open(&root).unwrap();
    assert_eq!(top.tags.join(","), magnatagatune::TOP_50);
    assert_eq!(
        ids(&top),
        ["2", "6", "10", "11", "19"],
        "with a tag, and not the empty clip"
    );
    assert_eq!(counts(&top), [2, 1, 2, 0]);
    assert_eq!(tags(&top, "10"), ["guitar", "loud", "metal"]);
    let first = &top.tracks[0];
    assert_eq!(
        (first.artist.as_str(), first.title.as_str()),
        ("American Bach Soloists", "BWV54 - I Aria")
    );
    assert_eq!(first.duration_secs, Some(29.0));
    let named = |id: &str| {
        let recording = collection.recordings.iter().find(|it| it.id == id).unwrap();
        (recording.artist.as_str(), recording.album.as_str())
    };
    assert_eq!(named("11"), ("Jag", "Four Strings"));
    assert_eq!(
        named("12"),
        named("11"),
        "one artist, though one clip has no line of its own"
    );
    assert_eq!(
        top.tracks[1].artist, "dac_crowell",
        "from the path, where nothing says more"
    );
    assert_eq!(
        top.problems.len(),
        5,
        "no audio is there, and the annotations are read"
    );
    assert_eq!(top.problems[0].kind, ProblemKind::Missing);
    finding(&top.findings, "none of the 8 audio files");

    let all = dataset(&root, "all188");
    assert_eq!((all.n_tags(), all.tracks.len()), (188, 7));
    assert_eq!(tags(&all, "12"), ["hard rock"]);
    let sota = dataset(&root, "sota");
    assert_eq!(ids(&sota), ["2", "6", "10", "11", "19"]);
    assert_eq!(counts(&dataset(&root, "jongpillee")), counts(&sota));
}

#[test]
fn magnatagatune_is_held_against_the_tables_that_others_made() {
    let (_keep, root) = folder();
    magnatagatune::write(&root);
    let binary = root.join("split/mtat/binary.npy");
    // The order of the other list: two columns are exchanged.
    let other: Vec<String> = magnatagatune::TOP_50
        .replace("metal,female voice", "female voice,metal")
        .split(',')
        .map(str::to_owned)
        .collect();
    put(&binary, npy_floats(&magnatagatune::rows(&other), 50));
    let differing = open(&root, "magnatagatune").findings;
    let finding_of_table = finding(&differing, "other labels here");
    assert_eq!(
        (finding_of_table.check, finding_of_table.severity),
        (Check::TagOrder, Severity::Error)
    );
    assert_eq!(
        finding_of_table.tracks,
        ["10", "11"],
        "those with metal or female voice"
    );

    put(&binary, npy_floats(&magnatagatune::rows(&other)[..7], 50));
    finding(
        &open(&root, "magnatagatune").findings,
        "the table has 7 rows",
    );

    // A row less in the table: all numbers behind it are others.
    let table = root.join("annotations_final.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let without: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 2)
        .map(|(_, line)| line)
        .collect();
    put(&table, without.join("\n") + "\n");
    let moved = open(&root, "magnatagatune").findings;
    let moved = moved
        .iter()
        .filter(|finding| finding.message.contains("another row number"));
    assert!(
        moved.clone().count() == 3
            && moved
                .clone()
                .all(|finding| finding.severity == Severity::Error)
    );
    assert_eq!(
        tags(&dataset(&root, "sota"), "10"),
        ["guitar", "loud", "metal"],
        "paths decide"
    );
}

#[test]
fn jamendo_is_read_split_by_split_with_its_audio_elsewhere() {
    let (keep, root) = folder();
    jamendo::write(&root);
    let audio = keep.path().join("audio-low");
    jamendo::write_audio(&audio);
    let collection = open(&root, "mtg-jamendo");
    let names = [
        "top50tags/split-0",
        "top50tags/split-1",
        "genre/split-0",
        "genre/split-1",
        "moodtheme/split-0",
        "moodtheme/split-1",
    ];
    assert_eq!(split_names(&collection), names);
    no_errors(&collection.findings);
    assert_eq!(collection.recordings.len(), jamendo::N_TRACKS);
    for part in [
        "16 tracks in train of top50tags/split-0, published were 32136",
        "4 tags of top50tags, published were 50",
        "2 tags of genre, published were 87",
    ] {
        assert_eq!(finding(&collection.findings, part).check, Check::Counts);
    }
    // Of the two lists of moods that there are, the one of the tags that the splits have.
    let unused = finding(
        &collection.findings,
        "55 of the 56 listed tags of moodtheme have no track",
    );
    assert_eq!(unused.severity, Severity::Warning);
    assert!(
        unused
            .file
            .as_ref()
            .unwrap()
            .ends_with("moodtheme_split.txt")
    );
    finding(
        &collection.findings,
        "46 of the 50 listed tags of top50tags",
    );
    assert_eq!(collection.problems.len(), jamendo::N_TRACKS, "no audio yet");

    let first = Dataset::open(&root).unwrap();
    assert_eq!(
        first.tags,
        [
            "genre---classical",
            "genre---rock",
            "instrument---piano",
            "mood/theme---happy"
        ]
    );
    assert_eq!(counts(&first), [16, 4, 4, 0]);
    let track = &first.tracks[first.track_idx("track_0000247").unwrap()];
    assert_eq!(
        (
            track.artist.as_str(),
            track.album.as_str(),
            track.title.as_str()
        ),
        ("artist_000000", "Songs", "A \"quoted\" song")
    );
    assert_eq!(track.duration_secs, Some(60.5));
    assert_eq!(track.tags, [TagIdx(0), TagIdx(2), TagIdx(3)]);
    assert!(track.path.ends_with("47/247.mp3"));
    let mood = dataset(&root, "moodtheme/split-1");
    assert_eq!(
        (mood.tracks.len(), &mood.tags[..]),
        (8, &["mood/theme---happy".to_owned()][..])
    );
    let message = Dataset::open(&root.join("../set#genre/split-7"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("genre/split-7") && message.contains("genre/split-0"),
        "{message}"
    );

    // A description joins annotations and audio, and names the split that is usual.
    let description = keep.path().join("set.toml");
    put(
        &description,
        "annotations = 'set'\naudio = 'audio-low'\nsplit = 'genre/split-1'\n",
    );
    let joined = Dataset::open(&description).unwrap();
    assert_eq!(joined.problems, []);
    assert_eq!(joined.tags, ["genre---classical", "genre---rock"]);
    let first = &joined.tracks[joined.track_idx("track_0000247").unwrap()];
    assert!(first.path.ends_with("47/247.low.wav"), "{:?}", first.path);
    let again = Dataset::open(&joined.place).unwrap();
    assert_eq!(again.fingerprint(), joined.fingerprint());
    let other =
        Dataset::open(&Place::new(&description, Some("genre/split-0")).into_path()).unwrap();
    assert_ne!(other.fingerprint(), joined.fingerprint());
    // The same wherever both lie.
    let moved = tempfile::tempdir().unwrap();
    for name in ["set", "audio-low", "set.toml"] {
        std::fs::rename(keep.path().join(name), moved.path().join(name)).unwrap();
    }
    let there = Dataset::open(&moved.path().join("set.toml")).unwrap();
    assert_eq!(there.fingerprint(), joined.fingerprint());
}

#[test]
fn gtzan_is_read_by_its_lists_and_by_its_folders() {
    let (keep, root) = folder();
    gtzan::write(&root);
    let collection = open(&root, "gtzan");
    assert_eq!(split_names(&collection), ["fault-filtered", "random"]);
    finding(&collection.findings, "4 clips in train, published were 443");
    let broken = finding(
        &collection.findings,
        "Kaggle; the fault-filtered split names",
    );
    assert_eq!(
        (broken.severity, &broken.tracks[..]),
        (Severity::Warning, &["jazz.00054".to_owned()][..])
    );
    let data = Dataset::open(&root).unwrap();
    assert_eq!(
        data.tags.join(","),
        "blues,classical,country,disco,hiphop,jazz,metal,pop,reggae,rock"
    );
    assert_eq!(counts(&data), [4, 1, 1, 0]);
    assert_eq!(tags(&data, "hiphop.00003"), ["hiphop"]);
    let problems: Vec<_> = data
        .problems
        .iter()
        .map(|problem| (problem.track.as_str(), problem.kind))
        .collect();
    assert_eq!(
        problems,
        [
            ("hiphop.00004", ProblemKind::Broken),
            ("jazz.00001", ProblemKind::Missing)
        ]
    );
    assert!(
        data.problems[0].message.contains("cannot decode .au"),
        "{:?}",
        data.problems[0]
    );
    assert_eq!(dataset(&root, "random").tracks.len(), 7);
    // The told mend: a converted copy beside the original is taken.
    put_tone(&root.join("genres/hiphop/hiphop.00004.wav"), false);
    let data = Dataset::open(&root).unwrap();
    assert_eq!(data.problems.len(), 1, "{:?}", data.problems);

    let bare = keep.path().join("bare");
    gtzan::write_audio(&bare);
    let collection = open(&bare, "gtzan");
    assert_eq!(split_names(&collection), ["random"]);
    assert_eq!(
        finding(&collection.findings, "6 clips, published were 1000").check,
        Check::Counts
    );
    assert_eq!(
        finding(&collection.findings, "Kaggle; no list names").severity,
        Severity::Note
    );
    assert_eq!(
        finding(&collection.findings, "nobody published a split").check,
        Check::MadeSplit
    );
}

#[test]
fn fma_is_read_through_three_header_lines_and_cells_of_several_lines() {
    let (_keep, root) = folder();
    fma::write(&root);
    let collection = open(&root, "fma");
    let names = [
        "small",
        "medium",
        "large",
        "full",
        "small/genres",
        "medium/genres",
        "large/genres",
        "full/genres",
    ];
    assert_eq!(split_names(&collection), names);
    no_errors(&collection.findings);
    for part in [
        "4 tracks, published were 106574",
        "1 tracks in small, published were 8000",
        "3 tracks in medium, published were 25000",
    ] {
        finding(&collection.findings, part);
    }
    assert_eq!(
        finding(&collection.findings, "shorter than 30 s").tracks,
        ["1486"]
    );
    assert_eq!(
        finding(&collection.findings, "not in the list of the archive").tracks,
        ["2"]
    );
    let small = Dataset::open(&root).unwrap();
    assert_eq!(
        (ids(&small), &small.tags[..]),
        (vec!["2"], &["Hip-Hop".to_owned()][..])
    );
    let track = &small.tracks[0];
    assert_eq!(
        (
            track.artist.as_str(),
            track.album.as_str(),
            track.license.as_str()
        ),
        ("AWOL", "AWOL, a \"way\"", "CC BY")
    );
    assert!(
        track.path.ends_with("fma_small/000/000002.wav"),
        "converted, under its own name"
    );
    // The table states the lengths of whole tracks; only one archive has them.
    assert_eq!(track.duration_secs, Some(30.0));
    std::fs::rename(root.join("fma_small"), root.join("fma_full")).unwrap();
    let whole = Dataset::open(&root).unwrap();
    assert_eq!(whole.tracks[0].duration_secs, Some(168.0));
    std::fs::rename(root.join("fma_full"), root.join("fma_small")).unwrap();
    assert_eq!(
        ids(&dataset(&root, "medium")),
        ["2", "1486"],
        "small is a part of medium; what has no genre is not"
    );
    let all = dataset(&root, "full/genres");
    assert_eq!(
        all.tags,
        ["Pop", "Rock", "Hip-Hop", "Punk", "Experimental Pop"]
    );
    assert_eq!(counts(&all), [2, 1, 1, 0]);
    assert_eq!(tags(&all, "1486"), ["Rock", "Punk"]);
    assert_eq!(
        open(&root.join("fma_metadata"), "fma").problems.len(),
        3,
        "the audio lies beside it"
    );

    cut(&root.join("fma_metadata/tracks.csv"), 12);
    let collection = open(&root, "fma");
    assert_eq!(
        finding(&collection.findings, "fields, the header 11").line,
        Some(8)
    );
    assert_eq!(collection.recordings.len(), 3);
}

#[test]
fn an_index_of_mirdata_is_read_with_its_table() {
    let (_keep, root) = folder();
    mirdata::write(&root);
    let collection = open(&root, "mirdata");
    assert_eq!(
        finding(&collection.findings, "no audio file").tracks,
        ["mute", "out"],
        "no path leads out"
    );
    let data = Dataset::open(&root).unwrap();
    assert_eq!(data.problems, []);
    assert_eq!(data.tags, ["cha cha", "latin", "tango"]);
    assert_eq!(tags(&data, "one"), ["cha cha", "latin"]);
    assert_eq!(counts(&data), [1, 0, 1, 0]);
    assert_eq!(data.tracks[0].artist, "Somebody");
    assert!(data.tracks[1].path.ends_with("audio/two.wav"));
    std::fs::remove_file(root.join("info.csv")).unwrap();
    let bare = Dataset::open(&root).unwrap();
    assert_eq!(counts(&bare), [0, 0, 0, 2]);
    finding(&bare.findings, "no labels and are unlabelled");
}

#[test]
fn the_whole_and_newest_index_of_mirdata_is_read_and_of_no_other_data_set() {
    let (keep, root) = folder();
    mirdata::write(&root);
    let whole = root.join("tunes_index_1.0.json");
    std::fs::rename(&whole, root.join("tunes_index_1.10.json")).unwrap();
    let other = r#"{"tracks": {"old": {"audio": ["audio/old.wav", "0f"]}}}"#;
    for name in ["1.9", "1.10_sample", "2.0_test"] {
        put(&root.join(format!("tunes_index_{name}.json")), other);
    }
    // A checkout beside the audio has the indexes of all data sets.
    put(&root.join("mirdata/datasets/indexes/a_index_9.json"), other);
    put(&root.join("mirdata/datasets/indexes/z_index_9.json"), other);
    let collection = open(&root, "mirdata");
    assert_eq!(collection.recordings.len(), 2);
    finding(
        &collection.findings,
        "4 indexes; tunes_index_1.10.json is read",
    );

    let checkout = keep.path().join("checkout");
    std::fs::create_dir(&checkout).unwrap();
    std::fs::rename(root.join("mirdata"), checkout.join("mirdata")).unwrap();
    refused(&checkout, "index_9.json", "indexes of 2 data sets lie here");
    let named = keep.path().join("z");
    std::fs::rename(&checkout, &named).unwrap();
    let collection = open(&named, "mirdata");
    assert_eq!(collection.recordings[0].id, "old");
}

#[test]
fn labels_of_mirdata_go_to_the_track_that_is_meant_or_to_none() {
    let (_keep, root) = folder();
    let index = r#"{"tracks": {"1": {"audio": ["a/song.wav", "0"]}, "2": {"audio": ["b/song.wav", "0"]}, "3": {"audio": ["b/three.wav", "0"]}}}"#;
    put(&root.join("tunes_index.json"), index);
    put(
        &root.join("info.csv"),
        "id,track_id,genre,fold\n3,1,tango,1\n1,2,waltz,2\n2,3,polka,1\n",
    );
    let collection = open(&root, "mirdata");
    let data = collection.clone().into_dataset(None).unwrap();
    assert_eq!(tags(&data, "1"), ["tango"], "track_id goes before id");
    let folds = finding(&collection.findings, "the column `fold` says");
    assert!(folds.message.ends_with("`1` (2), `2` (1)"), "{folds:?}");
    assert_eq!(folds.n_concerned, 3);

    put(
        &root.join("info.csv"),
        "filename,genre\nsong.wav,tango\nb/song.wav,waltz\nthree.wav,polka",
    );
    put(&root.join("more.tsv"), "file\tgenre\nthree.wav\tlatin");
    put(&root.join("worse.csv"), b"\xff,genre\n");
    let collection = open(&root, "mirdata");
    let data = collection.clone().into_dataset(None).unwrap();
    assert_eq!(tags(&data, "1"), Vec::<&str>::new(), "either may be meant");
    assert_eq!(tags(&data, "2"), ["waltz"]);
    assert_eq!(
        tags(&data, "3"),
        ["latin", "polka"],
        "last lines without end"
    );
    finding(&collection.findings, "that several tracks have");
    finding(
        &collection.findings,
        "worse.csv cannot be used: the line is not UTF-8",
    );

    // Half a tag would be another one.
    let whole = "track_id,genre\n1,tango\n2,waltz\n3,tango";
    put(&root.join("info.csv"), &whole[..whole.len() - 2]);
    std::fs::remove_file(root.join("more.tsv")).unwrap();
    let collection = open(&root, "mirdata");
    assert_eq!(collection.labellings[0].tags, ["tango", "waltz"]);
    let cut_off = finding(&collection.findings, "ends within the line");
    assert_eq!(cut_off.line, Some(4));
}

#[test]
fn folders_named_by_genre_are_tags_and_get_a_split_that_stays() {
    let (_keep, root) = folder();
    for number in 0..20 {
        put_tone(&root.join(format!("tango/{number}.wav")), true);
        put(&root.join(format!("waltz/old/{number}.mp3")), "");
    }
    let before = Dataset::open(&root).unwrap();
    assert_eq!(open(&root, "folders").splits[0].name, "random");
    finding(&before.findings, "nobody published a split");
    assert_eq!(
        (before.tracks.len(), &before.tags[..]),
        (40, &["tango".to_owned(), "waltz".to_owned()][..])
    );
    assert_eq!(tags(&before, "waltz/old/3.mp3"), ["waltz"]);
    let [train, valid, test, none] = counts(&before);
    assert!(
        train > 24 && valid > 0 && test > 0 && none == 0,
        "{:?}",
        counts(&before)
    );
    std::fs::remove_file(root.join("tango/7.wav")).unwrap();
    let after = Dataset::open(&root).unwrap();
    for track in &after.tracks {
        let then = &before.tracks[before.track_idx(&track.id).unwrap()];
        assert_eq!(track.split, then.split, "nobody moves because another went");
    }
    let (_keep, root) = folder();
    for part in ["train", "val", "test"] {
        for genre in ["tango", "waltz"] {
            put(&root.join(format!("{part}/{genre}/a.mp3")), "");
        }
    }
    let data = Dataset::open(&root).unwrap();
    assert_eq!(counts(&data), [2, 2, 2, 0]);
    assert_eq!(tags(&data, "val/waltz/a.mp3"), ["waltz"]);
}

#[test]
fn layouts_splits_and_findings_are_told_on_the_command_line() {
    let (keep, root) = folder();
    jamendo::write(&root);
    jamendo::write_audio(&keep.path().join("low"));
    let at = root.to_str().unwrap();
    let layouts = attune::json(keep.path(), &["data", "layouts", "--json"]);
    assert_eq!(layouts.as_array().unwrap().len(), import::LAYOUTS.len());
    let splits = attune::json(keep.path(), &["data", "splits", at, "--json"]);
    assert_eq!(splits["layout"], "mtg-jamendo");
    assert_eq!(splits["splits"][3]["name"], "genre/split-1");
    assert_eq!(splits["splits"][3]["parts"]["train"], 16);
    let table = attune::printed(keep.path(), &["data", "splits", at]);
    let line = table
        .lines()
        .find(|line| line.starts_with("moodtheme/split-0"))
        .unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("1"), "{table}");

    let info = attune::json(
        keep.path(),
        &["data", "info", &format!("{at}#genre/split-1"), "--json"],
    );
    assert_eq!((&info["tags"], &info["tracks"]), (&2.into(), &24.into()));
    let told = info["findings"].as_array().unwrap();
    let audio = told
        .iter()
        .find(|finding| finding["check"] == "missing-file")
        .unwrap();
    assert!(
        audio["mend"].as_str().unwrap().contains("--audio"),
        "{audio}"
    );
    let output = attune::output(keep.path(), &["data", "info", at]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("warning: none of the 24 audio files")
            && said.contains("attune data import DIR --audio"),
        "{said}"
    );
    let (code, said) = attune::refused(keep.path(), &["data", "info", &format!("{at}#genre")]);
    assert!(code == Some(3) && said.contains("genre/split-0"), "{said}");

    let import = [
        "data",
        "import",
        &format!("{at}#genre/split-0"),
        "--audio",
        "low",
        "--save-as",
        "low.toml",
        "--json",
    ];
    let imported = attune::json(keep.path(), &import);
    assert_eq!(imported["problems"], serde_json::json!([]));
    let info = attune::json(keep.path(), &["data", "info", "low.toml", "--json"]);
    assert_eq!(info["tags"], 2, "the split that was named is the usual one");
}

#[test]
fn a_description_is_written_only_if_it_can_be_opened_and_over_no_other_file() {
    let (keep, root) = folder();
    jamendo::write(&root);
    let at = root.to_str().unwrap();
    let recipe = keep.path().join("train.toml");
    put(&recipe, "[train]\nepochs = 3\n");
    let import = |place: &str, file: &str| {
        attune::refused(keep.path(), &["data", "import", place, "--save-as", file])
    };
    let (code, said) = import(at, "train.toml");
    assert!(
        code == Some(3) && said.contains("not overwritten"),
        "{said}"
    );
    assert_eq!(
        std::fs::read_to_string(&recipe).unwrap(),
        "[train]\nepochs = 3\n"
    );
    let (code, said) = import(&format!("{at}#nonsense"), "set.toml");
    assert!(
        code == Some(3) && said.contains("no split `nonsense`") && said.contains("genre/split-0"),
        "{said}"
    );
    let (code, said) = import(&format!("{at}-elsewhere"), "set.toml");
    assert!(code == Some(3) && said.contains("elsewhere"), "{said}");
    assert!(!keep.path().join("set.toml").exists());

    let description = keep.path().join("own.toml");
    put(&description, "annotations = 'set'\nsplit = 'nonsense'\n");
    refused(&description, "own.toml", "no split `nonsense`");
    // Another split is opened by its name all the same, and a description may be written over.
    let other = Place::new(&description, Some("genre/split-0")).into_path();
    assert_eq!(Dataset::open(&other).unwrap().tags.len(), 2);
    let arguments = ["data", "import", at, "--save-as", "own.toml", "--json"];
    attune::json(keep.path(), &arguments);
    assert_eq!(Collection::open(&description).unwrap().splits.len(), 6);
}

#[test]
fn a_published_split_is_trained_on_by_its_name_and_watched_for_changes() {
    let lab = Lab::new();
    let root = lab.folder.path().join("repository");
    jamendo::write(&root);
    jamendo::write_audio(&lab.folder.path().join("sound"));
    let description = lab.folder.path().join("jamendo.toml");
    put(
        &description,
        "annotations = 'repository'\naudio = 'sound'\n",
    );
    let place = format!("{}#genre/split-1", description.display());
    let arguments = [
        "train",
        "--preset",
        "tiny",
        "--data",
        &place,
        "--epochs",
        "1",
        "--input-secs",
        "1",
        "--batch",
        "4",
        "--json",
    ];
    let run = succeed(lab.attune("w", &arguments));
    let id = run["id"].as_str().unwrap();
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));
    assert_eq!(shown["data_changes"], serde_json::json!([]), "{shown}");
    let files = import::annotation_files(Path::new(&place));
    let file = root.join("data/splits/split-1/autotagging_genre-train.tsv");
    assert!(
        files.contains(&file) && files.contains(&description),
        "{files:?}"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let shorter: Vec<&str> = text.lines().take(16).collect();
    put(&file, shorter.join("\r\n") + "\r\n");
    let shown = succeed(lab.attune("w", &["runs", "show", id, "--json"]));
    assert_eq!(
        shown["data_changes"][0]["differences"][0]["what"], "n-tracks",
        "{shown}"
    );
}
