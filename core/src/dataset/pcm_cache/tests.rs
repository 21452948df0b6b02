//! The cache gives back what is in the files, survives what happens to caches, and names what it cannot use.

use super::super::test_set::{RATE_HZ, make, samples, write_wav};
use super::*;
use crate::job::Cancel;

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
    let shard = folder.path().join(format!("pcm/{RATE_HZ}/00000.pcm"));
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes.extend([1; 777]);
    std::fs::write(&shard, bytes).unwrap();
    let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
    assert!(report.n_cached >= 3, "{report:?}");
    assert_eq!(report.n_cached + report.n_decoded, 12);
    check_holds(&cache, &dataset, &lengths);
}

#[test]
fn a_spoilt_or_deleted_cache_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [4000, 5000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let shards = pcm.join(RATE_HZ.to_string());
    let prepare = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
        check_holds(&cache, &dataset, &lengths);
        report.n_decoded
    };
    assert_eq!(prepare(), 2);
    std::fs::write(shards.join("00000.index"), "{ not json").unwrap();
    assert_eq!(prepare(), 2, "unreadable index");
    std::fs::write(shards.join("00001.pcm"), [0; 100]).unwrap();
    assert_eq!(prepare(), 2, "shard shorter than its index says");
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    std::fs::remove_dir_all(&pcm).unwrap();
    check_holds(&cache, &dataset, &lengths);
    assert_eq!(prepare(), 2, "deleted");
}

#[test]
fn two_that_prepare_at_once_share_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [4000; 8];
    let dataset = make(folder.path(), &lengths);
    let all: Vec<usize> = (0..8).collect();
    let n_decoded: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    // A cache of its own, as another process has.
                    let cache = PcmCache::open(folder.path().join("pcm"), RATE_HZ).unwrap();
                    let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
                    check_holds(&cache, &dataset, &lengths);
                    report.n_decoded
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(n_decoded, 8, "no file is decoded twice");
}
