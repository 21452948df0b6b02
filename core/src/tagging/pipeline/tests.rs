//! The pipeline with the shipped demo model on small files, good and bad.

use super::*;
use crate::predict::Shipped;
use crate::tagging::{Answers, list_paths};
use std::path::PathBuf;

/// A folder of `n` short sounds, one of which is no audio.
fn sounds(folder: &Path, n: usize) -> Vec<ToTag> {
    for number in 0..n {
        let path = folder.join(format!("{number:02}.wav"));
        let hz = 100.0 * (number + 1) as f32;
        let wave: Vec<f32> = (0..8000)
            .map(|at| 0.5 * (std::f32::consts::TAU * hz * at as f32 / 8000.0).sin())
            .collect();
        audio::write_wav(&path, &wave, 8000).unwrap();
    }
    std::fs::write(folder.join("01x.mp3"), "no sound at all").unwrap();
    list_paths(&[folder.to_path_buf()], None, &mut |_, _| ()).unwrap()
}

fn tagger<'a>(model: &'a Model, list: &'a [ToTag]) -> Tagger<'a> {
    Tagger {
        model,
        list,
        options: Options {
            n_decoders: 3,
            n_taggers: 2,
            overwrite: false,
        },
        catalogue: None,
    }
}

#[test]
fn stopped_work_goes_on_and_both_tables_hold_the_answers_for_single_files() {
    let model = Shipped::Demo.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = sounds(&folder.path().join("."), 12);
    let [whole, stopped, parquet] =
        ["whole.csv", "stopped.csv", "t.parquet"].map(|name| folder.path().join("out").join(name));
    let quiet = |out: &PathBuf| {
        let tagger = tagger(&model, &list);
        tagger.run(out, &Job::quiet(), &mut |_, _| ()).unwrap()
    };
    let summary = quiet(&whole);
    assert_eq!((summary.n_tracks, summary.n_failed), (13, 1));
    assert!(summary.most_waves <= tagger(&model, &list).options.most_waves());

    let job = Job::quiet();
    let mut n_told = 0;
    let outcome = tagger(&model, &list).run(&stopped, &job, &mut |standing, _| {
        n_told += 1;
        if standing.n_done == 4 {
            job.cancel.cancel();
        }
    });
    assert!(matches!(outcome, Err(Error::Cancelled(_))));
    assert!(!stopped.exists() && (4..13).contains(&n_told), "{n_told}");
    let summary = quiet(&stopped);
    assert!(summary.n_before >= 3, "the bad file may be among the four");
    assert_eq!(
        std::fs::read(&whole).unwrap(),
        std::fs::read(&stopped).unwrap()
    );
    assert!(!Journal::path_of(&stopped).exists());

    quiet(&parquet);
    for out in [&whole, &parquet] {
        let answers = Answers::read(out, &Job::quiet()).unwrap();
        assert_eq!(answers.about, About::of(&model));
        for track in &list {
            let found = answers.of(&track.id, &track.path);
            let wave = audio::decode_mono(&track.path, model.sample_rate_hz(), &Job::quiet());
            let expected = wave
                .ok()
                .map(|wave| tag_track(&model, &wave, &Job::quiet()).unwrap());
            assert_eq!(found, expected.as_deref(), "{}", track.id);
        }
    }
}

#[test]
fn a_finished_table_is_taken_over_and_only_new_files_are_tagged() {
    let model = Shipped::Demo.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = sounds(folder.path(), 3);
    let out = folder.path().join("t.parquet");
    let run = |list: &[ToTag]| {
        let mut told = Vec::new();
        let mut hear = |_: &Standing, row: &Row| told.push(row.id.clone());
        let tagger = tagger(&model, list);
        let summary = tagger.run(&out, &Job::quiet(), &mut hear).unwrap();
        (summary, told)
    };
    run(&list[..2]);
    let (summary, told) = run(&list);
    assert_eq!((summary.n_tracks, summary.n_before), (4, 2));
    assert_eq!(told.len(), 2, "{told:?}");
    // Another model's answers are not mixed in.
    let other = Shipped::Tunes.load().unwrap();
    let refused = tagger(&other, &list).run(&out, &Job::quiet(), &mut |_, _| ());
    assert!(matches!(refused, Err(Error::OtherModel { .. })));
    let (summary, told) = run(&list);
    assert_eq!((summary.n_before, told.len()), (3, 1), "the bad file alone");
}

#[test]
fn rows_of_tracks_that_another_list_does_not_have_stay_in_the_table() {
    let model = Shipped::Demo.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The bad file is the third.
    let list = sounds(folder.path(), 4);
    for name in ["t.csv", "t.parquet"] {
        let out = folder.path().join(name);
        let run = |list: &[ToTag], overwrite| {
            let mut tagger = tagger(&model, list);
            tagger.options.overwrite = overwrite;
            tagger.run(&out, &Job::quiet(), &mut |_, _| ()).unwrap()
        };
        let rows = || {
            let mut rows = Vec::new();
            let mut visit = |_: &About, row| {
                rows.push(row);
                Ok(())
            };
            read_table(&out, &mut visit).unwrap();
            rows
        };
        run(&list[..3], false);
        let before = rows();
        let summary = run(&list[3..], false);
        assert_eq!((summary.n_tracks, summary.n_kept), (2, 3), "{name}");
        let after = rows();
        assert_eq!(after[2..], before, "{name}");
        let mut moved = list[0].clone();
        moved.path.clone_from(&list[1].path);
        assert_eq!(run(&[moved], false).n_kept, 4, "a moved file is no other");
        // Work that was stopped goes on, and still knows of them.
        let about = About::of(&model);
        let mut journal = Journal::open(&out, &about, false).unwrap();
        journal.append(list[4].key_now(), &after[1]).unwrap();
        drop(journal);
        let summary = run(&list, false);
        assert_eq!((summary.n_kept, rows().len()), (0, 5), "{name}");
        assert_eq!(run(&list[..1], true).n_kept, 0);
        assert_eq!(rows().len(), 1, "told to overwrite");
    }
}

#[test]
fn a_file_that_was_replaced_in_place_is_tagged_again() {
    let model = Shipped::Demo.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = sounds(folder.path(), 3);
    for name in ["t.csv", "t.parquet"] {
        let out = folder.path().join(name);
        let run = || {
            let mut told = Vec::new();
            let mut hear = |_: &Standing, row: &Row| told.push(row.id.clone());
            let tagger = tagger(&model, &list);
            tagger.run(&out, &Job::quiet(), &mut hear).unwrap();
            // The bad file is tried again each time.
            told.retain(|id| !id.contains("01x"));
            told
        };
        assert_eq!(run().len(), 3, "{name}");
        assert!(run().is_empty(), "{name}");
        // The same name, the same length, another time.
        let bytes = std::fs::read(&list[1].path).unwrap();
        std::fs::write(&list[1].path, bytes).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        let file = std::fs::File::options().write(true).open(&list[1].path);
        file.unwrap().set_modified(later).unwrap();
        assert_eq!(run(), [list[1].id.clone()], "{name}");
        assert!(run().is_empty(), "{name}");
    }
}

#[test]
fn the_catalogue_is_told_how_files_were_decoded() {
    let model = Shipped::Demo.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    std::fs::create_dir(&set).unwrap();
    sounds(&set, 1);
    let tracks = "track_id,path,artist,split,duration_s,source,license\n\
        good,00.wav,x,train,,,\nbad,01x.mp3,y,test,,,\ngone,gone.wav,y,test,,,\n";
    std::fs::write(set.join("tracks.csv"), tracks).unwrap();
    let file = folder.path().join("catalogue.sqlite");
    let mut catalogue = crate::dataset::Catalogue::open(&file).unwrap();
    let (number, _) = catalogue.import_folder(&set, &Job::quiet()).unwrap();
    let list = list_paths(&[set], None, &mut |_, _| ()).unwrap();
    let tagger = Tagger {
        catalogue: Some(&file),
        ..tagger(&model, &list)
    };
    let out = folder.path().join("t.csv");
    let summary = tagger.run(&out, &Job::quiet(), &mut |_, _| ()).unwrap();
    assert_eq!((summary.n_failed, summary.not_noted), (2, None));
    let index = catalogue.index(number).unwrap();
    let statuses: Vec<Status> = (0..3).map(|row| index.status_of(row)).collect();
    assert_eq!(statuses, [Status::Fine, Status::Broken, Status::Missing]);
    let rows = catalogue.rows(&index, &[0, 1]).unwrap();
    assert_eq!(rows[0].duration_secs, Some(1.0));
    assert!(!rows[1].message.is_empty());
}
