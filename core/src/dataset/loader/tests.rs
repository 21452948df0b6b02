//! Batches in their order, whatever the threads, within the memory that was allowed.

use super::*;
use crate::dataset::clip::clip_of;
use crate::dataset::test_set::{RATE_HZ, make, samples};
use crate::features::{FrontEnd, InputExtractor};
use crate::job::Job;

const CROP: usize = 2000;

fn config(n_threads: usize) -> LoaderConfig {
    LoaderConfig {
        split: Split::Train,
        crop_samples: CROP,
        batch_size: 2,
        chain: None,
        seed: 11,
        n_threads,
        prefetch: 3,
        memory: Memory::AtMost(1 << 20),
        input: Input::LogMel(FrontEnd {
            sample_rate_hz: RATE_HZ,
            n_fft: 256,
            hop_samples: 128,
            n_mels: 8,
            f_min_hz: 0.0,
            f_max_hz: 4000.0,
        }),
        clean: None,
        steps_per_epoch: None,
    }
}

/// Seven tracks (three batches of two an epoch), one of them shorter than a crop.
fn prepared(folder: &std::path::Path) -> (Arc<Dataset>, Arc<PcmCache>) {
    let dataset = make(folder, &[9000, 2000, 12_345, 8001, 900, 7000, 7001]);
    let cache = PcmCache::open(folder.join("pcm"), RATE_HZ).unwrap();
    let all: Vec<usize> = (0..dataset.tracks.len()).collect();
    cache.prepare(&dataset, &all, &Job::quiet()).unwrap();
    (Arc::new(dataset), Arc::new(cache))
}

fn batches(loader: &mut Loader, n: usize) -> Vec<Batch> {
    (0..n).map(|_| loader.next().unwrap()).collect()
}

#[test]
fn batches_do_not_depend_on_threads_or_on_where_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let start = |n_threads, from| {
        Loader::start(dataset.clone(), cache.clone(), config(n_threads), from).unwrap()
    };
    let mut one = start(1, Position::default());
    assert_eq!(one.steps_per_epoch(), 3, "the seventh track waits");
    let expected = batches(&mut one, 10);
    let mut four = start(4, Position::default());
    assert_eq!(batches(&mut four, 10), expected);
    let from = Position {
        epoch: 1,
        step_in_epoch: 2,
    };
    let mut resumed = start(3, from);
    assert_eq!(resumed.position(), from);
    assert_eq!(batches(&mut resumed, 5), expected[5..]);
    assert_eq!(
        resumed.position(),
        Position {
            epoch: 3,
            step_in_epoch: 1
        }
    );
}

#[test]
fn an_epoch_takes_every_track_at_most_once_and_the_next_in_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let mut loader = Loader::start(dataset, cache, config(2), Position::default()).unwrap();
    let mut orders = Vec::new();
    for epoch in 0..4 {
        let mut order = Vec::new();
        for batch in batches(&mut loader, 3) {
            assert_eq!(batch.epoch, epoch);
            order.extend(batch.clips.iter().map(|clip| clip.track_idx));
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 6, "{order:?}");
        orders.push(order);
    }
    orders.dedup();
    assert!(orders.len() > 1, "shuffled anew");
}

#[test]
fn a_clip_is_a_stretch_of_its_track_with_its_labels_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let config = config(1);
    let extractor = InputExtractor::new(&config.input).unwrap();
    let mut loader = Loader::start(
        dataset.clone(),
        cache.clone(),
        config.clone(),
        Position::default(),
    )
    .unwrap();
    let mut offsets = std::collections::BTreeSet::new();
    for batch in batches(&mut loader, 12) {
        for (row, clip) in batch.clips.iter().enumerate() {
            let pcm = cache.samples(&dataset.tracks[clip.track_idx]).unwrap();
            let mut expected: Vec<f32> = samples(clip.track_idx, pcm.n_samples())
                .into_iter()
                .skip(clip.offset_samples)
                .take(CROP)
                .map(|sample| f32::from(sample) / 32768.0)
                .collect();
            // Only the short track is padded.
            assert!(expected.len() == CROP || pcm.n_samples() < CROP);
            expected.resize(CROP, 0.0);
            let again = clip_of(
                &dataset,
                &cache,
                &config,
                batch.epoch,
                clip.visit,
                clip.track_idx,
            )
            .unwrap();
            assert_eq!(again.wave, expected);
            assert_eq!(again.offset_samples, clip.offset_samples);
            let size = batch.inputs.n_rows * batch.inputs.n_columns;
            let mut input = vec![0.0; size];
            extractor.extract_into(&expected, &mut input).unwrap();
            assert_eq!(batch.inputs.values[row * size..(row + 1) * size], input[..]);
            let labels = &batch.labels[row * 3..(row + 1) * 3];
            for (tag, &label) in labels.iter().enumerate() {
                assert_eq!(label == 1.0, clip.track_idx % 3 == tag);
            }
            offsets.insert(clip.offset_samples);
        }
    }
    assert!(offsets.len() > 10, "crops start at random places");
}

#[test]
fn a_short_stream_goes_round_within_the_epoch_with_other_crops_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let config = LoaderConfig {
        steps_per_epoch: Some(7),
        ..config(2)
    };
    let start = |from| Loader::start(dataset.clone(), cache.clone(), config.clone(), from).unwrap();
    let mut loader = start(Position::default());
    assert_eq!(loader.steps_per_epoch(), 7);
    let epoch = batches(&mut loader, 7);
    let visits: Vec<u32> = epoch.iter().map(|batch| batch.clips[0].visit).collect();
    assert_eq!(visits, [0, 0, 0, 1, 1, 1, 2], "three batches a round");
    let places = |batches: &[Batch]| -> std::collections::BTreeSet<(usize, usize)> {
        let clips = batches.iter().flat_map(|batch| &batch.clips);
        clips
            .map(|clip| (clip.track_idx, clip.offset_samples))
            .collect()
    };
    assert_ne!(places(&epoch[..3]), places(&epoch[3..6]));
    assert_eq!(loader.next().unwrap().epoch, 1);
    let from = Position {
        epoch: 0,
        step_in_epoch: 4,
    };
    assert_eq!(
        batches(&mut start(from), 3),
        epoch[4..],
        "resumed within a round"
    );
}

#[test]
fn mixed_up_clips_have_mixed_labels_whatever_the_threads_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let chain = "[[steps]]\nprobability = 0.8\nchoices = [{ effect = \"mixup\", share = { min = 0.5, max = 0.9 }, other = { min = 0, max = 1 } }]
        [[steps]]\nprobability = 0.5\nchoices = [{ effect = \"background\", snr = { min = 5, max = 20 }, other = { min = 0, max = 1 } }]";
    let config = |n_threads| LoaderConfig {
        chain: Some(Chain::from_toml("mine", chain).unwrap()),
        ..config(n_threads)
    };
    let start = |n_threads| {
        let (dataset, cache) = (dataset.clone(), cache.clone());
        Loader::start(dataset, cache, config(n_threads), Position::default()).unwrap()
    };
    let all = batches(&mut start(1), 12);
    assert_eq!(batches(&mut start(4), 12), all);
    let mut others = std::collections::BTreeSet::new();
    for batch in &all {
        for (row, clip) in batch.clips.iter().enumerate() {
            let (epoch, visit) = (batch.epoch, clip.visit);
            let again =
                clip_of(&dataset, &cache, &config(1), epoch, visit, clip.track_idx).unwrap();
            assert_eq!(again.mixed, clip.mixed);
            let labels = &batch.labels[row * 3..(row + 1) * 3];
            assert_eq!(again.labels, labels);
            let mut expected = [0.0; 3];
            expected[clip.track_idx % 3] = 1.0;
            let mut wave = again.original.clone();
            for mixed in &clip.mixed {
                assert_ne!(mixed.track, clip.track_idx as u64, "never its own company");
                others.insert(mixed.track);
                if mixed.label_share < 1.0 {
                    expected = expected.map(|label| label * mixed.label_share);
                    expected[mixed.track as usize % 3] += 1.0 - mixed.label_share;
                }
            }
            assert_eq!(labels, expected);
            if !clip.mixed.is_empty() {
                assert_ne!(again.wave, wave);
                wave = again.wave.clone();
            }
            let mut input = vec![0.0; batch.inputs.n_rows * batch.inputs.n_columns];
            let extractor = InputExtractor::new(&config(1).input).unwrap();
            extractor.extract_into(&wave, &mut input).unwrap();
            let size = input.len();
            assert_eq!(batch.inputs.values[row * size..(row + 1) * size], input[..]);
        }
    }
    assert_eq!(others.len(), 7, "every track is company for another");
}

#[test]
fn the_threads_time_is_told_by_what_it_was_spent_on() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let chain = "[[steps]]\nprobability = 1.0\nchoices = [{ effect = \"polarity\" }]\n\
        [[steps]]\nprobability = 1.0\nchoices = [{ effect = \"reverb\", reverberance = { min = 50, max = 50 }, damping = { min = 50, max = 50 }, room = { min = 50, max = 50 } }]";
    let config = LoaderConfig {
        chain: Some(Chain::from_toml("mine", chain).unwrap()),
        ..config(2)
    };
    let mut loader = Loader::start(dataset, cache, config, Position::default()).unwrap();
    assert_eq!(loader.n_threads(), 2);
    assert_eq!(loader.take_spent(), Spent::default(), "nothing was taken");
    batches(&mut loader, 3);
    let spent = loader.take_spent();
    assert_eq!(spent.n_clips, 6);
    let effects: Vec<_> = spent.effects().map(|(kind, _)| kind.name()).collect();
    assert_eq!(effects, ["polarity", "reverb"]);
    let of_effects: std::time::Duration = spent.effects().map(|(_, time)| time).sum();
    assert!(of_effects <= spent.augmenting, "{spent:?}");
    assert!(
        !spent.reading.is_zero() && !spent.features.is_zero(),
        "{spent:?}"
    );
    assert_eq!(loader.take_spent(), Spent::default());
}

#[test]
fn a_teacher_gets_the_same_clips_without_augmentation() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let plain = config(1);
    let augmented = LoaderConfig {
        chain: Some(Chain::preset("reference").unwrap()),
        clean: Some(plain.input.clone()),
        ..plain.clone()
    };
    let first = |config| {
        Loader::start(dataset.clone(), cache.clone(), config, Position::default())
            .unwrap()
            .next()
            .unwrap()
    };
    let (plain, augmented) = (first(plain), first(augmented));
    assert_eq!(plain.clean, None);
    assert_eq!(augmented.clean.as_ref(), Some(&plain.inputs));
    assert_ne!(augmented.inputs, plain.inputs);
}

#[test]
fn what_cannot_work_fails_at_the_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let message = |config: LoaderConfig| {
        Loader::start(dataset.clone(), cache.clone(), config, Position::default())
            .unwrap_err()
            .to_string()
    };
    let many = LoaderConfig {
        batch_size: 8,
        ..config(1)
    };
    assert!(message(many).contains("7 usable tracks"));
    let empty = LoaderConfig {
        split: Split::Valid,
        ..config(1)
    };
    assert!(message(empty).contains("`valid`"));
    let short = LoaderConfig {
        crop_samples: 100,
        ..config(1)
    };
    assert!(!message(short).is_empty());
}

#[test]
fn the_budget_of_memory_is_kept_whatever_was_asked_for_and_changes_no_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let start = |n_threads, prefetch, memory_bytes| {
        let config = LoaderConfig {
            prefetch,
            memory: Memory::AtMost(memory_bytes),
            ..config(n_threads)
        };
        Loader::start(dataset.clone(), cache.clone(), config, Position::default())
    };
    let mut roomy = start(4, 12, 1 << 30).unwrap();
    assert_eq!(roomy.n_threads(), 4);
    // Two clips of 8 bands and 16 frames with 3 labels; a thread lays out two crops; seven tracks in a list and, as an epoch has three
    // batches only, in as many orders as there are threads.
    let (batch, bench, order): (u64, _, u64) = (4 * 2 * (8 * 16 + 3), 4 * 2 * CROP as u64, 7 * 4);
    let bytes =
        |batches: u64, threads: u64| batches * batch + threads * bench + (1 + threads) * order;
    assert_eq!(roomy.memory_bytes(), bytes(4 * 4 + 1, 4));
    let expected = batches(&mut roomy, 12);
    let (fewer, least) = (bytes(2 * 2 + 1, 2), bytes(2 + 1, 1));
    for (bytes, n_threads) in [(roomy.memory_bytes() - 1, 4), (fewer, 2), (least, 1)] {
        let mut loader = start(4, 12, bytes).unwrap();
        assert!(loader.memory_bytes() <= bytes);
        assert_eq!(loader.n_threads(), n_threads);
        for expected in &expected {
            let batch = loader.next().unwrap();
            assert_eq!(batch, *expected);
            loader.give_back(batch);
        }
    }
    let error = start(4, 12, least - 1).unwrap_err().to_string();
    assert!(error.contains("--loader-memory"), "{error}");
    // What nobody has said refuses nothing.
    let usual = LoaderConfig {
        memory: Memory::About(least - 1),
        ..config(4)
    };
    let mut loader =
        Loader::start(dataset.clone(), cache.clone(), usual, Position::default()).unwrap();
    assert_eq!((loader.n_threads(), loader.memory_bytes()), (1, least));
    assert_eq!(batches(&mut loader, 12), expected);
}

#[test]
fn what_is_given_back_is_used_again_and_nothing_of_it_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    for input in [
        config(1).input,
        Input::Waveform {
            sample_rate_hz: RATE_HZ,
        },
    ] {
        let config = LoaderConfig {
            chain: Some(Chain::preset("reference").unwrap()),
            clean: Some(input.clone()),
            input,
            ..config(1)
        };
        let start = || {
            let (dataset, cache) = (dataset.clone(), cache.clone());
            Loader::start(dataset, cache, config.clone(), Position::default()).unwrap()
        };
        let expected = batches(&mut start(), 20);
        let mut loader = start();
        let mut places = std::collections::BTreeSet::new();
        for expected in &expected {
            let mut batch = loader.next().unwrap();
            assert_eq!(batch, *expected);
            places.insert(batch.inputs.values.as_ptr() as usize);
            batch.inputs.values.fill(f32::NAN);
            batch.labels.fill(f32::NAN);
            loader.give_back(batch);
        }
        assert!(places.len() < 10, "{} batches were made", places.len());
    }
}

#[test]
fn dropping_a_loader_ends_its_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, cache) = prepared(folder.path());
    let loader = Loader::start(dataset.clone(), cache, config(4), Position::default()).unwrap();
    drop(loader);
    assert_eq!(Arc::strong_count(&dataset), 1);
}
