//! Disks, memory and people that change what lies in the cache: nothing wrong is ever given, nothing ends the process, all is mended.

use super::*;

/// Changes a byte of a track's sample in the cache, where it is unique.
fn damage(pcm: &Path, number: usize, n_samples: usize, place: usize) {
    let shard = the_only(pcm, "pcm");
    let mut bytes = std::fs::read(&shard).unwrap();
    let track: Vec<u8> = samples(number, n_samples)
        .iter()
        .flat_map(|sample| sample.to_ne_bytes())
        .collect();
    let start = bytes.windows(track.len()).position(|part| part == track);
    bytes[start.unwrap() + 2 * place] ^= 4;
    std::fs::write(&shard, bytes).unwrap();
}

#[test]
fn damaged_samples_are_never_given_and_the_track_is_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    // The first has several checksums.
    let lengths = [100_000, 3000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let open = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
        (cache, report.n_decoded)
    };
    drop(open());
    damage(&pcm, 0, lengths[0], 70_000);
    let (cache, n_decoded) = open();
    assert_eq!(n_decoded, 0, "nothing is read before it is needed");
    let sound = |n: usize, from: usize, to: usize| -> Vec<f32> {
        let samples = samples(n, lengths[n])[from..to].to_vec();
        samples
            .into_iter()
            .map(|s| f32::from(s) / 32768.0)
            .collect()
    };
    let track = &dataset.tracks[0];
    let read = |cache: &PcmCache, from, n| cache.wave(track, from, n).unwrap();
    assert_eq!(read(&cache, 0, 60_000), sound(0, 0, 60_000));
    let n_shards = || shards_in(&pcm.join(RATE_HZ.to_string())).unwrap().len();
    assert_eq!(n_shards(), 1, "what is sound there is read there");
    let waves: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let reading = [(); 4].map(|()| scope.spawn(|| read(&cache, 65_000, 10_000)));
        reading.map(|thread| thread.join().unwrap()).into()
    });
    assert!(waves.iter().all(|wave| *wave == sound(0, 65_000, 75_000)));
    assert_eq!(n_shards(), 2, "four threads decode it once");
    let told = cache.take_warnings();
    assert_eq!(told.len(), 1, "and say so once");
    assert!(told[0].contains("`t0`"), "{told:?}");
    assert!(cache.take_warnings().is_empty());
    // The next process takes the sound one.
    let (cache, n_decoded) = open();
    assert_eq!(n_decoded, 0);
    check_holds(&cache, &dataset, &lengths);
    assert_eq!(n_shards(), 2);
}

#[test]
fn damage_whose_file_is_gone_or_another_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[9000]);
    let pcm = folder.path().join("pcm");
    let open = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        cache.prepare(&dataset, &[0], &Job::quiet()).unwrap();
        cache
    };
    drop(open());
    damage(&pcm, 0, 9000, 10);
    let cache = open();
    let error = |cache: &PcmCache| cache.wave(&dataset.tracks[0], 0, 100).unwrap_err();
    let path = &dataset.tracks[0].path;
    write_wav(path, &samples(3, 50));
    let told = error(&cache).to_string();
    assert!(
        told.contains("was changed") && told.contains("`t0`"),
        "{told}"
    );
    std::fs::remove_file(path).unwrap();
    let told = error(&cache).to_string();
    assert!(told.contains("attune data cache verify"), "{told}");
}

#[test]
fn verifying_finds_what_is_damaged_and_has_it_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [4000, 5000, 6000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let prepare = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[0, 1, 2], &Job::quiet());
        check_holds(&cache, &dataset, &lengths);
        report.unwrap().n_decoded
    };
    assert_eq!(verify(&pcm, &Job::quiet()).unwrap(), Verified::default());
    prepare();
    let sound = verify(&pcm, &Job::quiet()).unwrap();
    assert_eq!((sound.n_tracks, sound.bytes), (3, 30_000));
    assert_eq!(sound.n_damaged, 0);
    damage(&pcm, 1, 5000, 4999);
    assert_eq!(verify(&pcm, &Job::quiet()).unwrap().n_damaged, 1);
    assert_eq!(verify(&pcm, &Job::quiet()).unwrap().n_damaged, 0);
    assert_eq!(prepare(), 1);
    let found = contents(&pcm).unwrap();
    assert_eq!((found[0].rate_hz, found[0].n_tracks), (RATE_HZ, 3));
}

#[test]
fn a_shard_that_was_cut_off_is_mapped_once_however_many_tracks_lie_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [3000; 8];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let all: Vec<usize> = (0..8).collect();
    let open = || PcmCache::open(&pcm, RATE_HZ).unwrap();
    open().prepare(&dataset, &all, &Job::quiet()).unwrap();
    let shard = the_only(&pcm, "pcm");
    let file = File::options().write(true).open(shard).unwrap();
    file.set_len(2 * 2 * 3000 + 100).unwrap();
    let cache = open();
    let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
    assert_eq!((report.n_cached, report.n_decoded), (2, 6));
    assert_eq!(cache.known().n_maps(), 2, "the damaged one and a new one");
    check_holds(&cache, &dataset, &lengths);
}

#[test]
fn the_repairs_of_a_session_lie_in_one_shard() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [3000, 4000, 5000, 6000, 7000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let all: Vec<usize> = (0..5).collect();
    let open = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
        (cache, report.n_decoded)
    };
    drop(open());
    for (number, &n_samples) in lengths.iter().enumerate() {
        damage(&pcm, number, n_samples, 100);
    }
    let (cache, _) = open();
    let n_shards = || shards_in(&pcm.join(RATE_HZ.to_string())).unwrap().len();
    for (number, &n_samples) in lengths.iter().enumerate() {
        let track = &dataset.tracks[number];
        assert!(cache.whole_wave(track).unwrap().is_some());
        assert_eq!(
            cache.samples(track).unwrap().samples(),
            samples(number, n_samples)
        );
        assert_eq!(n_shards(), 2, "readable at once, beside the damaged one");
    }
    assert_eq!(
        cache.known().n_maps(),
        2,
        "a longer map takes the place of the shorter one"
    );
    assert_eq!(cache.take_warnings().len(), 5);
    check_holds(&cache, &dataset, &lengths);
    // Deleted in between: the next repair begins a shard of its own.
    std::fs::remove_dir_all(&pcm).unwrap();
    check_holds(&cache, &dataset, &lengths);
    drop(cache);
    let (cache, n_decoded) = open();
    assert_eq!(n_decoded, 5);
    check_holds(&cache, &dataset, &lengths);
}

#[test]
fn repairs_are_newer_than_what_was_decoded_before_them() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = make(folder.path(), &[3000, 4000]);
    let pcm = folder.path().join("pcm");
    let open = || PcmCache::open(&pcm, RATE_HZ).unwrap();
    let damage_all = || {
        for stored in shards_in(&pcm.join(RATE_HZ.to_string())).unwrap() {
            let path = stored.path_of(shard::SAMPLES);
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).unwrap();
        }
    };
    open().prepare(&dataset, &[0], &Job::quiet()).unwrap();
    damage_all();
    let cache = open();
    cache.prepare(&dataset, &[0], &Job::quiet()).unwrap();
    assert!(cache.whole_wave(&dataset.tracks[0]).unwrap().is_some());
    // Now there is a shard of repairs, and then a newer one.
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    drop(cache);
    damage_all();
    let cache = open();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    for track in &dataset.tracks {
        assert!(cache.whole_wave(track).unwrap().is_some());
    }
    drop(cache);
    let cache = open();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    check_holds(&cache, &dataset, &[3000, 4000]);
}

#[test]
fn a_shard_that_somebody_cuts_off_while_it_is_mapped_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [100_000, 3000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
    cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
    let before = cache.whole_wave(&dataset.tracks[0]).unwrap();
    let shard = File::options().write(true).open(the_only(&pcm, "pcm"));
    shard.unwrap().set_len(0).unwrap();
    assert_eq!(cache.whole_wave(&dataset.tracks[0]).unwrap(), before);
    assert_eq!(cache.wave(&dataset.tracks[1], 0, 10).unwrap().len(), 10);
    let told = cache.take_warnings();
    assert!(told.len() == 2 && told[0].contains("cut off"), "{told:?}");
    check_holds(&cache, &dataset, &lengths);
}

#[test]
fn verifying_what_cannot_be_read_names_the_file_and_has_it_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [40_000, 3000];
    let dataset = make(folder.path(), &lengths);
    let pcm = folder.path().join("pcm");
    let open = || {
        let cache = PcmCache::open(&pcm, RATE_HZ).unwrap();
        let report = cache.prepare(&dataset, &[0, 1], &Job::quiet()).unwrap();
        (cache, report.n_decoded)
    };
    drop(open());
    let shard = the_only(&pcm, "pcm");
    // A folder can be opened, and every attempt to read from it fails, as from a disk that is broken there.
    std::fs::remove_file(&shard).unwrap();
    std::fs::create_dir(&shard).unwrap();
    let verified = verify(&pcm, &Job::quiet()).unwrap();
    assert_eq!((verified.n_tracks, verified.n_damaged), (2, 2));
    let [damaged] = &*verified.damaged else {
        panic!("{verified:?}");
    };
    assert_eq!((&damaged.path, damaged.n_tracks), (&shard, 2));
    assert!(damaged.why.contains("cannot be read"), "{damaged:?}");
    std::fs::remove_dir(&shard).unwrap();
    let (cache, n_decoded) = open();
    assert_eq!(n_decoded, 2);
    check_holds(&cache, &dataset, &lengths);
    drop(cache);
    // Cut off, it is told so.
    let shard = the_only(&pcm, "pcm");
    let file = File::options().write(true).open(&shard).unwrap();
    file.set_len(1000).unwrap();
    let verified = verify(&pcm, &Job::quiet()).unwrap();
    assert_eq!(verified.damaged[0].why, "the file was cut off");
    assert_eq!(verified.n_damaged, 2);
}
