//! The cache gives back what is in the files, survives what happens to caches, and names what it cannot use.

mod at_once;
mod failing;

use super::super::test_set::{RATE_HZ, make, samples, write_wav};
use super::super::{Dataset, Error, ProblemKind};
use super::budget::shards_in;
use super::*;
use crate::job::{Cancel, Job};
use std::fs::File;
use std::path::{Path, PathBuf};

fn check_holds(cache: &PcmCache, dataset: &Dataset, lengths: &[usize]) {
    for (number, &n_samples) in lengths.iter().enumerate() {
        let pcm = cache.samples(&dataset.tracks[number]).unwrap();
        assert_eq!(
            pcm.samples(),
            samples(number, n_samples),
            "track {number} comes back bit for bit"
        );
    }
}

#[test]
fn what_is_prepared_once_is_there_in_the_next_session() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [9000, 2000, 12_345, 8001];
    let dataset = make(folder.path(), &lengths);
    for (session, expected) in [(4, 0), (0, 4)].into_iter().enumerate() {
        let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).unwrap();
        assert!(cache.samples(&dataset.tracks[0]).is_none());
        let report = cache
            .prepare(&dataset, &[0, 1, 2, 3], &Job::quiet())
            .unwrap();
        assert_eq!(
            (report.n_decoded, report.n_cached),
            expected,
            "session {session}"
        );
        check_holds(&cache, &dataset, &lengths);
    }
}

#[test]
fn a_changed_file_is_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[4000, 4000]);
    let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).unwrap();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    write_wav(&dataset.tracks[1].path, &samples(5, 3000));
    let report = cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    assert_eq!((report.n_decoded, report.n_cached), (1, 1));
    let pcm = cache.samples(&dataset.tracks[1]).unwrap();
    assert_eq!(pcm.samples(), samples(5, 3000));
}

#[test]
fn missing_and_broken_files_are_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[4000, 4000, 4000, 0]);
    std::fs::remove_file(&dataset.tracks[0].path).unwrap();
    std::fs::write(&dataset.tracks[1].path, "this is no sound").unwrap();
    let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).unwrap();
    let report = cache
        .prepare(&dataset, &[0, 1, 2, 3], &Job::quiet())
        .unwrap();
    let found: Vec<_> = report
        .problems
        .iter()
        .map(|problem| (problem.track.as_str(), problem.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("t0", ProblemKind::Missing),
            ("t1", ProblemKind::Broken),
            ("t3", ProblemKind::Broken)
        ]
    );
    assert_eq!(report.n_skipped(), 3);
    assert!(cache.samples(&dataset.tracks[1]).is_none());
    assert!(cache.samples(&dataset.tracks[2]).is_some());
}

#[test]
fn after_a_cancel_or_a_kill_it_continues_with_what_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [4000; 12];
    let dataset = make(folder.path(), &lengths);
    let all: Vec<usize> = (0..12).collect();
    let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).unwrap();
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let job = Job::new(cancel, move |progress| {
        if progress.done >= 3 {
            raised.cancel();
        }
    });
    assert!(matches!(
        cache.prepare(&dataset, &all, &job),
        Err(Error::Cancelled(_))
    ));
    // As a kill leaves it: samples at the end of a shard that no index names.
    let shard = the_only(&folder.path().join("pcm"), "pcm");
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes.extend([1; 777]);
    std::fs::write(&shard, bytes).unwrap();
    let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
    assert!(report.n_cached >= 3, "{report:?}");
    assert_eq!(report.n_cached + report.n_decoded, 12);
    check_holds(&cache, &dataset, &lengths);
}

/// The one file of a kind.
fn the_only(pcm: &Path, kind: &str) -> PathBuf {
    let files = std::fs::read_dir(pcm.join(RATE_HZ.to_string())).unwrap();
    let mut files = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == kind));
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

#[test]
fn a_spoilt_or_deleted_cache_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [4000, 5000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let prepare = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
        check_holds(&cache, &dataset, &lengths);
        report.n_decoded
    };
    assert_eq!(prepare(), 2);
    for (kind, content) in [
        // As an older version wrote it, too.
        ("index", "{\"version\":1,\"entries\":[]}"),
        ("pcm", "shorter than the index says"),
        ("sums", ""),
    ] {
        std::fs::write(the_only(&pcm, kind), content).unwrap();
        assert_eq!(prepare(), 2, "{kind}");
        if kind == "index" {
            // What nothing can be read from does not stay.
            assert!(std::fs::read(the_only(&pcm, kind)).unwrap().len() > 50);
        } else {
            let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
            cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
            clear(&pcm).unwrap();
            check_holds(&cache, &dataset, &lengths);
            drop(cache);
            clear(&pcm).unwrap();
            assert_eq!(prepare(), 2);
        }
    }
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    std::fs::remove_dir_all(&pcm).unwrap();
    check_holds(&cache, &dataset, &lengths);
    assert_eq!(prepare(), 2, "deleted");
}

#[test]
fn the_longest_unused_goes_first_and_never_what_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [10_000; 3];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    // A shard each. A cache of its own, as another process has.
    let prepare = |track: usize| {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[track], &Job::quiet());
        (cache, report.unwrap().n_decoded)
    };
    let held: Vec<_> = (0..3).map(|track| prepare(track).0).collect();
    assert_eq!(clear(&pcm).unwrap().n_in_use, 3);
    drop(held);
    // The first is used again: the second is the oldest now.
    drop(prepare(0));
    let trimmed = trim(&pcm, 45_000).unwrap();
    assert_eq!((trimmed.n_removed, trimmed.n_in_use), (1, 0), "{trimmed:?}");
    assert!((40_000..45_000).contains(&trimmed.kept_bytes));
    assert_eq!(prepare(0).1 + prepare(2).1, 0);
    assert_eq!(prepare(1).1, 1, "that one is gone");
    let (in_use, _) = prepare(2);
    let cleared = clear(&pcm).unwrap();
    assert_eq!((cleared.n_removed, cleared.n_in_use), (2, 1));
    let wave = in_use.whole_wave(&dataset.tracks[2]).unwrap().unwrap();
    assert_eq!(wave.len(), 10_000);
    drop(in_use);
    assert_eq!(prepare(2).1, 0, "it stayed");
    assert_eq!(trim(&pcm, 1 << 30).unwrap().n_removed, 0);
}

#[test]
fn a_budget_makes_room_and_what_does_not_fit_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = make(folder.path(), &[10_000; 6]);
    let pcm = folder.path().join("pcm");
    let open = |bytes| {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        cache.with_budget(Some(bytes))
    };
    let size = || {
        contents(&pcm)
            .unwrap()
            .iter()
            .map(|rate| rate.bytes)
            .sum::<u64>()
    };
    // Shards are small where the budget is: six tracks of 20 kB do not lie in one.
    for track in 0..6 {
        open(70_000)
            .prepare(&dataset, &[track], &Job::quiet())
            .unwrap();
        assert!(size() <= 70_000, "{}", size());
    }
    let report = open(70_000).prepare(&dataset, &[3, 4, 5], &Job::quiet());
    assert_eq!(report.unwrap().n_decoded, 0, "the newest stayed");
    // Found out while decoding, as nobody knows how long the tracks are.
    let all: Vec<usize> = (0..6).collect();
    let error = open(70_000).prepare(&dataset, &all, &Job::quiet());
    let told = error.unwrap_err().to_string();
    assert!(told.contains("attune data cache budget"), "{told}");
    // Said before anything is decoded, where the data set states lengths.
    clear(&pcm).unwrap();
    for track in &mut dataset.tracks {
        track.duration_secs = Some(1.25);
    }
    let error = open(70_000).prepare(&dataset, &all, &Job::quiet());
    assert!(matches!(
        error,
        Err(Error::OverBudget {
            needed_bytes: 120_000,
            ..
        })
    ));
    assert_eq!(size(), 0);
    // Splits that are prepared one after the other count together.
    let cache = open(70_000);
    cache.prepare(&dataset, &all[..3], &Job::quiet()).unwrap();
    assert!(cache.prepare(&dataset, &all[3..], &Job::quiet()).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_shard_takes_one_open_file_whoever_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [10_000; 6];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let n_open = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.filter(|target| target.starts_with(&pcm)).count()
    };
    let all: Vec<usize> = (0..6).collect();
    for session in ["decoded now", "found there"] {
        // Small shards, of which each is full with two tracks.
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let cache = cache.with_budget(Some(640_000));
        cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
        let n_shards = shards_in(&pcm.join(RATE_HZ.to_string())).unwrap().len();
        assert!(n_shards >= 3, "{n_shards}");
        assert_eq!(n_open(), n_shards, "{session}");
    }
    assert_eq!(n_open(), 0);
}

#[test]
fn what_was_used_until_now_counts_as_used_now() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[1000]);
    let pcm = folder.path().join("pcm");
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    cache.prepare(&dataset, &[0], &Job::quiet()).unwrap();
    // As if the run had begun long ago.
    let used = File::open(the_only(&pcm, "used")).unwrap();
    used.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(contents(&pcm).unwrap()[0].unused_seconds > 1_000_000);
    drop(cache);
    assert!(contents(&pcm).unwrap()[0].unused_seconds < 1_000_000);
}

#[test]
#[cfg(unix)]
fn ids_of_one_file_are_decoded_once_and_each_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = make(folder.path(), &[4000, 10, 10, 4000, 10]);
    dataset.tracks[1].path = dataset.tracks[0].path.clone();
    let link = folder.path().join("linked.wav");
    std::os::unix::fs::symlink(&dataset.tracks[0].path, &link).unwrap();
    dataset.tracks[2].path = link;
    std::fs::write(&dataset.tracks[3].path, "this is no sound").unwrap();
    dataset.tracks[4].path = dataset.tracks[3].path.clone();
    let pcm = folder.path().join("pcm");
    for expected in [(1, 2), (0, 3)] {
        // What three share counts once against the budget.
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let cache = cache.with_budget(Some(9000));
        let report = cache
            .prepare(&dataset, &[0, 1, 2, 3, 4], &Job::quiet())
            .unwrap();
        assert_eq!((report.n_decoded, report.n_cached), expected);
        let told = report.problems.iter().map(|problem| &*problem.track);
        assert_eq!(told.collect::<Vec<_>>(), ["t3", "t4"]);
        for track in &dataset.tracks[..3] {
            let pcm = cache.samples(track).unwrap();
            assert_eq!(pcm.samples(), samples(0, 4000));
        }
    }
    assert_eq!(contents(&pcm).unwrap()[0].n_tracks, 1);
}

#[test]
fn a_budget_that_cannot_be_kept_is_told_once_and_kept_when_all_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[10_000; 6]);
    let pcm = folder.path().join("pcm");
    let budget_bytes = 90_000;
    let open = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        cache.with_budget(Some(budget_bytes))
    };
    let size = || contents(&pcm).unwrap()[0].bytes;
    for first_ends in [true, false] {
        clear(&pcm).unwrap();
        let (first, second) = (open(), open());
        first.prepare(&dataset, &[0, 1, 2], &Job::quiet()).unwrap();
        assert_eq!(first.take_warnings(), [""; 0]);
        for tracks in [[3, 4], [4, 5]] {
            second.prepare(&dataset, &tracks, &Job::quiet()).unwrap();
        }
        let told = second.take_warnings();
        assert_eq!(told.len(), 1, "{told:?}");
        for what in [
            " kB and may take 90 kB",
            "in use",
            "attune data cache budget",
        ] {
            assert!(told[0].contains(what), "{told:?}");
        }
        assert!(size() > budget_bytes);
        let (one, other) = if first_ends {
            (first, second)
        } else {
            (second, first)
        };
        drop(one);
        drop(other);
        assert!(size() <= budget_bytes, "{}", size());
    }
    // What was lowered holds from the next time on, also if nothing is to be decoded.
    let _in_use = open().prepare(&dataset, &[0, 1, 2], &Job::quiet());
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    let cache = cache.with_budget(Some(25_000));
    cache.prepare(&dataset, &[2], &Job::quiet()).unwrap();
    assert!(size() <= 25_000, "{}", size());
}

#[test]
fn what_was_decoded_before_it_proved_too_much_keeps_to_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[10_000; 6]);
    let pcm = folder.path().join("pcm");
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    let cache = cache.with_budget(Some(70_000));
    let all: Vec<usize> = (0..6).collect();
    let error = cache.prepare(&dataset, &all, &Job::quiet()).unwrap_err();
    assert!(matches!(error, Error::OverBudget { .. }), "{error}");
    assert!(contents(&pcm).unwrap()[0].bytes <= 70_000);
}
