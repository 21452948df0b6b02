//! Many that build, trim and verify one cache at once: no committed track is lost, no wrong sample read, the budget kept in the end.

use super::*;
use proptest::prelude::*;

#[test]
fn readers_writers_and_those_who_throw_away_do_not_harm_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [3000; 10];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    std::thread::scope(|scope| {
        for first in [0, 4] {
            let (pcm, dataset) = (&pcm, &dataset);
            scope.spawn(move || {
                for round in 0..15 {
                    let cache = PcmCache::open(pcm, RATE_HZ).unwrap();
                    let tracks: Vec<usize> = (first..first + 6).collect();
                    cache.prepare(dataset, &tracks, &Job::quiet()).unwrap();
                    for &number in &tracks {
                        let pcm = cache.samples(&dataset.tracks[number]).unwrap();
                        assert_eq!(pcm.samples(), samples(number, 3000), "round {round}");
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                clear(&pcm).unwrap();
                std::thread::yield_now();
            }
        });
    });
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

#[test]
fn those_who_trim_at_once_throw_away_no_more_than_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[10_000; 12]);
    let pcm = folder.path().join("pcm");
    for round in 0..5 {
        for track in 0..12 {
            // A shard each.
            let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
            cache.prepare(&dataset, &[track], &Job::quiet()).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| trim(&pcm, 150_000).unwrap());
            }
        });
        let left = contents(&pcm).unwrap();
        assert_eq!(left[0].n_shards, 7, "round {round}");
    }
}

/// What somebody does with a cache that others use as well.
#[derive(Clone, Debug)]
enum Deed {
    /// Opens it, prepares so many tracks from one on and reads them.
    Build {
        first: usize,
        n: usize,
    },
    Trim {
        bytes: u64,
    },
    Clear,
    Verify,
}

const N_TRACKS: usize = 9;
const N_SAMPLES: usize = 3000;
/// Five tracks with their checksums and indexes.
const BUDGET: u64 = 32_000;

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..N_TRACKS, 1..=5_usize).prop_map(|(first, n)| Deed::Build { first, n }),
        1 => (0..40_000_u64).prop_map(|bytes| Deed::Trim { bytes }),
        1 => Just(Deed::Clear),
        1 => Just(Deed::Verify),
    ]
}

fn build(pcm: &Path, dataset: &Dataset, tracks: &[usize]) -> (PcmCache, usize) {
    let cache = PcmCache::open(pcm, RATE_HZ).unwrap();
    let cache = cache.with_budget(Some(BUDGET));
    let report = cache.prepare(dataset, tracks, &Job::quiet()).unwrap();
    assert_eq!(report.n_decoded + report.n_cached, tracks.len());
    (cache, report.n_decoded)
}

fn carry_out(deed: &Deed, pcm: &Path, dataset: &Dataset) {
    match *deed {
        Deed::Build { first, n } => {
            let tracks: Vec<usize> = (first..first + n).map(|track| track % N_TRACKS).collect();
            let (cache, _) = build(pcm, dataset, &tracks);
            // Another process that wants the same while this one has it.
            let (same, n_decoded) = build(pcm, dataset, &tracks);
            assert_eq!(n_decoded, 0, "what is committed and in use is never lost");
            for &track in &tracks {
                for cache in [&cache, &same] {
                    let found = cache.samples(&dataset.tracks[track]).unwrap();
                    assert_eq!(found.samples(), samples(track, N_SAMPLES));
                }
            }
        }
        Deed::Trim { bytes } => drop(trim(pcm, bytes).unwrap()),
        Deed::Clear => drop(clear(pcm).unwrap()),
        Deed::Verify => {
            let verified = verify(pcm, &Job::quiet()).unwrap();
            assert_eq!(verified.n_damaged, 0, "{verified:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_several_do_at_once_nothing_is_lost_wrong_or_too_much(
        deeds in prop::collection::vec(prop::collection::vec(deed(), 1..6), 2..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let dataset = make(folder.path(), &[N_SAMPLES; N_TRACKS]);
        let pcm = folder.path().join("pcm");
        std::thread::scope(|scope| {
            for deeds in &deeds {
                let (pcm, dataset) = (&pcm, &dataset);
                // Handles of its own, as another process has: locks hold between open files, whosever they are.
                scope.spawn(move || {
                    for deed in deeds {
                        carry_out(deed, pcm, dataset);
                    }
                });
            }
        });
        let bytes: u64 = contents(&pcm).unwrap().iter().map(|rate| rate.bytes).sum();
        prop_assert!(bytes <= BUDGET, "{bytes} bytes when nobody uses it");
        prop_assert_eq!(verify(&pcm, &Job::quiet()).unwrap().n_damaged, 0);
    }
}
