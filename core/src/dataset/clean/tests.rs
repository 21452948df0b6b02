//! Every cleaning rule takes away what it says, and says how much.

use super::super::Dataset;
use super::*;

/// Six tracks with tags in several spellings, lengths and artists.
fn set(folder: &Path) -> Dataset {
    let rows = [
        "t0,0.wav,Ann,train,30,,",
        "t1,1.wav,Ann,train,30,,",
        "t2,2.wav,Ann,valid,4,,",
        "t3,3.wav,Bob,test,30,,",
        "t4,4.wav,,train,,,",
        "t5,5.wav,Cid,unlabelled,90,,",
    ];
    let text = format!(
        "track_id,path,artist,split,duration_s,source,license\n{}\n",
        rows.join("\n")
    );
    std::fs::write(folder.join("tracks.csv"), text).unwrap();
    let labels = [
        "t0,Hip-Hop",
        "t0,seen live",
        "t1,hip hop",
        "t1,rock",
        "t2,rock",
        "t3,hip hop",
        "t3,rock",
        "t3,sad",
        "t4,rap",
        "t4,rock",
    ];
    std::fs::write(
        folder.join("labels.csv"),
        format!("track_id,tag\n{}\n", labels.join("\n")),
    )
    .unwrap();
    Dataset::open(folder).unwrap()
}

/// Ids, vocabulary, and what each rule took away.
type Left = (String, String, Vec<(&'static str, usize)>);

/// What the rules leave: ids and vocabulary; and what each rule says it took away.
fn cleaned(rules: &str) -> Result<Left, String> {
    let folder = tempfile::tempdir().unwrap();
    let dataset = set(folder.path());
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, format!("[clean]\n{rules}\n")).unwrap();
    std::fs::write(folder.path().join("ids.txt"), "t0 # a reason\r\n\nt3\n").unwrap();
    let cleaned = Rules::read(&file)
        .and_then(|rules| rules.apply(dataset))
        .map_err(|error| error.to_string())?;
    let ids: Vec<&str> = cleaned
        .dataset
        .tracks
        .iter()
        .map(|track| track.id.as_str())
        .collect();
    let steps = cleaned
        .steps
        .iter()
        .map(|step| (step.rule, step.n_removed))
        .collect();
    for tag in cleaned.dataset.tracks.iter().flat_map(|track| &track.tags) {
        assert!(tag.index() < cleaned.dataset.n_tags());
    }
    let names: Vec<&String> = cleaned.vocabulary.iter().map(|tag| &tag.name).collect();
    assert_eq!(names, cleaned.dataset.tags.iter().collect::<Vec<_>>());
    Ok((ids.join(" "), cleaned.dataset.tags.join(" | "), steps))
}

/// The vocabulary in the order of names, as the generic format has it without a `tags.txt`.
const ALL: &str = "Hip-Hop | hip hop | rap | rock | sad | seen live";

#[track_caller]
fn check(rules: &str, ids: &str, tags: &str, steps: &[(&'static str, usize)]) {
    let found = cleaned(rules).unwrap();
    assert_eq!(
        found,
        (ids.to_owned(), tags.to_owned(), steps.to_vec()),
        "{rules}"
    );
}

#[test]
fn no_rule_changes_nothing() {
    check("", "t0 t1 t2 t3 t4 t5", ALL, &[]);
}

#[test]
fn ids_are_listed_in_the_rules_or_in_files() {
    check(
        "include = [\"t1\", \"t5\"]",
        "t1 t5",
        ALL,
        &[("include", 4)],
    );
    check(
        "include_file = \"ids.txt\"",
        "t0 t3",
        ALL,
        &[("include", 4)],
    );
    check(
        "exclude_file = \"ids.txt\"",
        "t1 t2 t4 t5",
        ALL,
        &[("exclude_file", 2)],
    );
    check(
        "exclude = [{ why = \"bad\", ids = [\"t2\", \"none\"] }]",
        "t0 t1 t3 t4 t5",
        ALL,
        &[("exclude", 1)],
    );
}

#[test]
fn what_nobody_states_is_held_against_no_track_but_an_unknown_artist_has_one_track_alone() {
    check(
        "min_secs = 10.0\nmax_secs = 60.0",
        "t0 t1 t3 t4",
        ALL,
        &[("min_secs", 1), ("max_secs", 1)],
    );
    check(
        "known_artist = true",
        "t0 t1 t2 t3 t5",
        ALL,
        &[("known_artist", 1)],
    );
    check(
        "min_tracks_per_artist = 2",
        "t0 t1 t2",
        ALL,
        &[("min_tracks_per_artist", 3)],
    );
    check(
        "max_tracks_per_artist = 2",
        "t0 t1 t3 t4 t5",
        ALL,
        &[("max_tracks_per_artist", 1)],
    );
}

#[test]
fn tags_are_merged_renamed_dropped_and_kept() {
    let tags = "hiphop | rock | sad | seen live";
    check(
        "merge = { hiphop = [\"Hip-Hop\", \"hip hop\", \"rap\"] }",
        "t0 t1 t2 t3 t4 t5",
        tags,
        &[("merge", 3)],
    );
    let tags = "hip hop | rap | rock | sad | seen live";
    check(
        "merge_spellings = true",
        "t0 t1 t2 t3 t4 t5",
        tags,
        &[("merge_spellings", 1)],
    );
    let tags = "Hip-Hop | hip hop | rap | rock";
    check(
        "drop_tags = [\"sad\", \"seen live\"]",
        "t0 t1 t2 t3 t4 t5",
        tags,
        &[("drop_tags", 2)],
    );
    check(
        "keep_tags = [\"rock\", \"rap\"]",
        "t0 t1 t2 t3 t4 t5",
        "rock | rap",
        &[("keep_tags", 4)],
    );
}

#[test]
fn tracks_are_chosen_by_their_tags_and_tags_by_their_tracks() {
    check(
        "require_any = [\"rap\", \"sad\"]",
        "t3 t4",
        ALL,
        &[("require_any", 4)],
    );
    check(
        "require_all = [\"rock\", \"sad\"]",
        "t3",
        ALL,
        &[("require_all", 5)],
    );
    check("without = [\"rock\"]", "t0 t5", ALL, &[("without", 4)]);
    check("max_tags = 2", "t0 t1 t2 t4 t5", ALL, &[("max_tags", 1)]);
    // The order in the file does not matter: the vocabulary is settled first.
    check(
        "min_tags = 1\ntop_tags = 2\nmerge_spellings = true",
        "t0 t1 t2 t3 t4",
        "rock | hip hop",
        &[("merge_spellings", 1), ("top_tags", 3), ("min_tags", 1)],
    );
    check(
        "min_tracks_per_tag = 2",
        "t0 t1 t2 t3 t4 t5",
        "hip hop | rock",
        &[("min_tracks_per_tag", 4)],
    );
}

#[test]
fn wrong_rules_say_what_is_wrong() {
    for (rules, problem) in [
        (
            "drop_tags = [\"Rock\"]",
            "which is not in the vocabulary (there is `rock`)",
        ),
        ("minimum = 3", "rules.toml, line 2"),
        ("drop_found = [\"silent\"]", "needs `report`"),
        ("merge = { a = [\"rock\"], b = [\"rock\"] }", "choose one"),
        ("include_file = \"none.txt\"", "none.txt"),
        (
            "keep_tags = [\"rock\", \"sad\", \"rock\"]",
            "names the tag `rock` twice",
        ),
        (
            "drop_tags = [\"sad\"]\nmin_tracks_per_tag = 9",
            "is left after the rule min_tracks_per_tag",
        ),
    ] {
        let message = cleaned(rules).unwrap_err();
        assert!(message.contains(problem), "{rules}: {message}");
    }
}

#[test]
fn rules_are_written_as_they_are_read() {
    let rules = Rules {
        exclude: vec![Exclusion {
            why: "silent".into(),
            ids: vec!["t1".into()],
        }],
        merge_spellings: true,
        top_tags: Some(50),
        ..Rules::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, rules.to_toml().unwrap()).unwrap();
    assert_eq!(Rules::read(&file).unwrap(), rules);
    // A doctor that found nothing leaves a file of no rules.
    std::fs::write(&file, Rules::default().to_toml().unwrap()).unwrap();
    assert_eq!(Rules::read(&file).unwrap(), Rules::default());
}

#[test]
fn an_id_may_hold_the_sign_of_a_comment_and_ids_of_no_track_are_told() {
    let known = ["rock/Song #1.mp3", "a#b", "#1", "t0"];
    let id = |line: &'static str| id_on(line, |id| known.contains(&id));
    for (line, wanted) in [
        ("rock/Song #1.mp3", Some("rock/Song #1.mp3")),
        ("rock/Song #1.mp3 # too loud", Some("rock/Song #1.mp3")),
        (
            "rock/Song #1.mp3\t# too loud # twice",
            Some("rock/Song #1.mp3"),
        ),
        ("a#b", Some("a#b")),
        ("c#d", Some("c#d")),
        ("#1", Some("#1")),
        ("# t0", None),
        ("#t0", None),
        ("t0 #1", Some("t0")),
        ("unknown # why", Some("unknown")),
        ("", None),
    ] {
        assert_eq!(id(line), wanted, "{line}");
    }
    let folder = tempfile::tempdir().unwrap();
    let dataset = set(folder.path());
    let rules = Rules {
        include: ["t0", "t9", "x", "y", "z"].map(str::to_owned).to_vec(),
        exclude: vec![Exclusion {
            why: "bad".into(),
            ids: vec!["t1".into()],
        }],
        ..Rules::default()
    };
    let steps = rules.apply(dataset).unwrap().steps;
    assert_eq!(steps[0].n_unknown, 4);
    assert!(
        steps[0]
            .words()
            .ends_with("4 of the listed ids are those of no track here (t9, x, y …)"),
        "{}",
        steps[0].words()
    );
    assert_eq!(steps[1].n_unknown, 0, "t1 is a track, if one that is gone");
}

#[test]
fn a_report_of_another_data_set_is_refused_and_one_of_a_copy_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = set(folder.path());
    let file = folder.path().join("check.json");
    let write = |name: &str, root: &Path| {
        let report = serde_json::json!({
            "format": 1, "name": name, "root": root, "split": null, "entries": [],
            "files": { "n_listed": 0, "n_there": 0, "n_decoded": 0, "n_known": 0, "hours": 0.0 },
        });
        std::fs::write(&file, report.to_string()).unwrap();
        let rules = Rules {
            report: Some(file.clone()),
            drop_found: vec![Check::Silent],
            ..Rules::default()
        };
        let applied = rules.apply(dataset.clone());
        applied
            .map(|cleaned| cleaned.steps[0].why.clone())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        write("any", folder.path()).unwrap(),
        "because the doctor found: silent"
    );
    let told = write(&dataset.name, Path::new("/elsewhere")).unwrap();
    assert!(told.ends_with("(in /elsewhere)"), "{told}");
    let refused = write("other", Path::new("/elsewhere")).unwrap_err();
    assert!(
        refused.contains("is of another data set, other in /elsewhere"),
        "{refused}"
    );
}
