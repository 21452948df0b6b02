//! The player on a sound card in memory: what is heard, sample by sample, and what the play head says at that time.
//!
//! The card runs only when a test turns it ([`Card::turn`]), on a clock of its own, so that nothing here depends on how busy the
//! machine is. The player's code is the one that plays on real devices, through cpal's `custom` host.

use attune::playback::{Now, Output, Player, State, Track, Variant};
use attune_core::audio::Clip;
use std::f64::consts::TAU;
use std::sync::Arc;

use crate::card::Card;

const RATE_HZ: u32 = 44_100;
const BUFFER: usize = 1_024;
/// Frames of the 10 ms crossfade and of the 5 ms ramp at play and pause.
const CROSSFADE: usize = 441;
const RAMP: usize = 222;

fn tone(hz: f64, amplitude: f64, secs: f64, rate_hz: u32) -> Vec<f32> {
    (0..(secs * f64::from(rate_hz)) as usize)
        .map(|i| (amplitude * (TAU * hz * i as f64 / f64::from(rate_hz)).sin()) as f32)
        .collect()
}

fn track(variants: &[Vec<f32>]) -> Arc<Track> {
    let variants = variants
        .iter()
        .map(|samples| Variant::new("v", Clip::mono(samples.clone(), RATE_HZ)))
        .collect();
    Arc::new(Track::new("t", variants))
}

/// A card, a player on it with the track loaded, everything ready.
fn ready(variants: &[Vec<f32>]) -> (Card, Player) {
    ready_on(Card::new(RATE_HZ, 2, BUFFER), variants)
}

fn ready_on(card: Card, variants: &[Vec<f32>]) -> (Card, Player) {
    let player = Player::with_time(card.host(), card.now());
    player.load(track(variants));
    player.settle();
    (card, player)
}

/// Another sound in the place of a variant, as for a moved slider.
fn replace(player: &Player, variant: usize, samples: &[f32]) {
    let mut track = (*player.track().unwrap()).clone();
    track.variants[variant].clip = Clip::mono(samples, RATE_HZ);
    player.exchange(track);
}

fn largest_step(samples: &[f32]) -> f32 {
    samples
        .windows(2)
        .map(|w| (w[1] - w[0]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn a_song_is_played_to_the_last_sample_and_nothing_is_missing() {
    let samples = tone(440.0, 0.5, 1.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    assert_eq!(player.output(), Output::Device("test card".to_owned()));
    assert_eq!(player.state(), State::Paused);
    card.turn(3);
    assert!(
        card.take_left().iter().all(|v| *v == 0.0),
        "a pause is silent"
    );

    player.play();
    assert_eq!(player.state(), State::Playing);
    card.turn(60);
    let heard = card.take_left();
    let n = samples.len();
    assert_eq!(heard[RAMP..n - RAMP], samples[RAMP..n - RAMP]);
    assert!(heard[n..].iter().all(|v| *v == 0.0));
    assert_eq!(player.state(), State::Paused, "it is over");
    assert!((player.position_secs() - 1.0).abs() < 1e-9);

    player.play();
    card.turn(2);
    assert_eq!(
        card.take_left()[RAMP..2 * BUFFER],
        samples[RAMP..2 * BUFFER],
        "from the beginning again"
    );
}

#[test]
fn a_seek_is_in_the_next_buffer_and_does_not_click() {
    let samples = tone(440.0, 0.5, 3.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.play();
    card.turn(10);
    card.take_left();
    player.seek(2.0);
    assert!(
        (player.position_secs() - 2.0).abs() < 1e-9,
        "the play head is there at once"
    );
    card.turn(2);
    let heard = card.take_left();
    let target = 2 * RATE_HZ as usize;
    assert_eq!(
        heard[CROSSFADE..],
        samples[target + CROSSFADE..target + 2 * BUFFER]
    );
    // A step of the tone itself is 0.031; half the amplitude at once would be a click.
    assert!(largest_step(&heard) < 0.04, "{}", largest_step(&heard));
}

#[test]
fn a_loop_has_the_exact_length_in_samples() {
    let samples: Vec<f32> = (0..RATE_HZ).map(|i| i as f32 / RATE_HZ as f32).collect();
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.set_loop(Some((0.25, 0.35)));
    assert!(
        (player.position_secs() - 0.25).abs() < 1e-9,
        "it goes into the loop"
    );
    player.play();
    card.turn(40);
    let heard = card.take_left();
    let (start, len) = (11_025, 4_410);
    for round in 0..9 {
        let round = &heard[round * len..(round + 1) * len];
        assert_eq!(round[CROSSFADE..], samples[start + CROSSFADE..start + len]);
    }
    // All rounds after the first are the same to the bit.
    for round in 2..9 {
        assert_eq!(heard[round * len..(round + 1) * len], heard[len..2 * len]);
    }
    player.set_loop(None);
    card.turn(40);
    assert_eq!(
        player.state(),
        State::Paused,
        "without the loop it comes to its end"
    );
}

#[test]
fn a_clip_that_ends_loud_is_repeated_without_a_click() {
    // A quarter of a period too long: it ends at its crest and begins at zero.
    let samples = tone(440.0, 0.5, 0.5 + 0.25 / 440.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.set_loop(Some((0.0, player.duration_secs())));
    player.play();
    card.turn(80);
    let heard = card.take_left();
    assert!(heard.len() > 3 * samples.len(), "three rounds");
    let steepest = largest_step(&samples);
    let step = largest_step(&heard);
    assert!(
        step < 1.2 * steepest,
        "{step} where the tone has {steepest}"
    );
}

#[test]
fn the_variants_are_switched_at_the_same_position_without_a_click() {
    let original = tone(440.0, 0.5, 3.0, RATE_HZ);
    let shifted = tone(554.4, 0.4, 3.0, RATE_HZ);
    let (card, player) = ready(&[original.clone(), shifted.clone()]);
    player.play();
    card.turn(20);
    card.take_left();
    for (variant, samples, buffers) in [(1, &shifted, 20), (0, &original, 24), (1, &shifted, 28)] {
        player.select_variant(variant);
        card.turn(4);
        let heard = card.take_left();
        let at = buffers * BUFFER;
        assert_eq!(heard[CROSSFADE..], samples[at + CROSSFADE..at + 4 * BUFFER]);
        assert!(largest_step(&heard) < 0.04, "{}", largest_step(&heard));
    }
}

#[test]
fn a_moved_slider_is_heard_in_the_next_buffer_at_the_same_position() {
    let (card, player) = ready(&[
        tone(440.0, 0.5, 2.0, RATE_HZ),
        tone(440.0, 0.5, 2.0, RATE_HZ),
    ]);
    player.select_variant(1);
    player.play();
    card.turn(8);
    for step in 0..5_usize {
        let louder = tone(440.0, 0.5 + 0.05 * step as f64, 2.0, RATE_HZ);
        replace(&player, 1, &louder);
        player.settle();
        card.take_left();
        card.turn(2);
        let heard = card.take_left();
        let at = (8 + 2 * step) * BUFFER;
        assert_eq!(heard[CROSSFADE..], louder[at + CROSSFADE..at + 2 * BUFFER]);
        assert!(largest_step(&heard) < 0.05);
    }
}

#[test]
fn the_play_head_is_where_the_sound_is_not_where_the_buffers_are() {
    let latency_ms = 70;
    let card = Card::new(RATE_HZ, 2, BUFFER).with_latency_ms(latency_ms);
    let (card, player) = ready_on(card, &[tone(440.0, 0.5, 5.0, RATE_HZ)]);
    let start_ns = (card.now())();
    player.play();
    let mut before = 0.0;
    for _ in 0..100 {
        card.turn_counting_allocations();
        for _ in 0..4 {
            let heard_secs =
                ((card.now())() - start_ns) as f64 * 1e-9 - f64::from(latency_ms) * 1e-3;
            let position = player.position_secs();
            assert!(
                (position - heard_secs.max(0.0)).abs() < 1e-4,
                "{position} {heard_secs}"
            );
            assert!(position >= before, "it never goes back");
            before = position;
            // The window paints between two buffers, too, as the card's time goes on.
            card.pass_ns(BUFFER as u64 * 1_000_000_000 / u64::from(RATE_HZ) / 5);
        }
        card.catch_up();
    }
    player.pause();
    card.turn(20);
    let stopped = player.position_secs();
    card.turn(20);
    assert_eq!(player.position_secs(), stopped);
}

#[test]
fn in_a_loop_the_play_head_stays_in_the_loop() {
    let card = Card::new(RATE_HZ, 2, BUFFER).with_latency_ms(50);
    let (card, player) = ready_on(card, &[tone(440.0, 0.5, 2.0, RATE_HZ)]);
    player.set_loop(Some((0.5, 0.8)));
    player.play();
    let mut rounds = 0;
    let mut before = 0.5;
    for _ in 0..150 {
        card.turn(1);
        let position = player.position_secs();
        assert!((0.5..0.8 + 1e-9).contains(&position), "{position}");
        rounds += usize::from(position < before);
        before = position;
    }
    // 150 buffers are 3.48 s, less the latency: eleven rounds are over.
    assert_eq!(rounds, 11);
}

#[test]
fn pause_and_play_ramp_and_lose_nothing() {
    let samples = tone(440.0, 0.5, 3.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.play();
    card.turn(10);
    player.toggle();
    card.turn(3);
    assert_eq!(player.state(), State::Paused);
    player.toggle();
    card.turn(5);
    let heard = card.take_left();
    assert!(largest_step(&heard) < 0.04);
    // It goes on where the ramp out ended.
    let at = 10 * BUFFER + RAMP - 2;
    let tail = &heard[13 * BUFFER + RAMP..18 * BUFFER];
    let found = (at..at + 5).any(|at| tail == &samples[at + RAMP..][..tail.len()]);
    assert!(found);
}

#[test]
fn volume_moves_without_steps() {
    let (card, player) = ready(&[vec![0.5; 3 * RATE_HZ as usize]]);
    player.play();
    card.turn(5);
    card.take_left();
    for volume in [0.0, 1.0, 0.3] {
        player.set_volume(volume);
        card.turn(2);
        let heard = card.take_left();
        assert!(largest_step(&heard) < 0.002);
        assert!((heard[2 * BUFFER - 1] - 0.5 * volume).abs() < 1e-6);
    }
}

#[test]
fn a_device_with_another_rate_and_one_channel_plays_the_same_pitch() {
    let card = Card::new(48_000, 1, 512);
    let (card, player) = ready_on(card, &[tone(997.0, 0.5, 2.0, RATE_HZ)]);
    player.play();
    card.turn(100);
    let heard = card.take_left();
    let expected = tone(997.0, 0.5, 2.0, 48_000);
    let worst = (2_000..50_000)
        .map(|i| (heard[i] - expected[i]).abs())
        .fold(0.0, f32::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn without_a_sound_card_the_clock_runs_and_says_so() {
    let time = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let clock = Arc::clone(&time);
    let now: Now = Arc::new(move || clock.load(std::sync::atomic::Ordering::Relaxed));
    let pass =
        |secs: f64| time.fetch_add((secs * 1e9) as u64, std::sync::atomic::Ordering::Relaxed);
    let player = Player::silent(now);
    player.load(track(&[vec![0.0; 4 * RATE_HZ as usize]]));
    player.settle();
    assert!(matches!(player.output(), Output::Silent(_)));
    let messages = player.messages();
    assert!(
        messages.iter().any(|m| m.contains("no sound")),
        "{messages:?}"
    );

    let check = |secs: f64| assert!((player.position_secs() - secs).abs() < 1e-6);
    player.play();
    pass(1.5);
    check(1.5);
    player.pause();
    pass(1.0);
    check(1.5);
    player.set_loop(Some((2.0, 2.5)));
    check(2.0);
    player.play();
    pass(1.2);
    check(2.2);
    player.set_loop(None);
    pass(10.0);
    check(4.0);
    assert_eq!(player.state(), State::Paused);
    player.play();
    check(0.0);
    assert_eq!(player.state(), State::Playing);
}

#[test]
fn a_lost_device_is_told_and_the_clock_goes_on_until_another_is_chosen() {
    let samples = tone(440.0, 0.5, 20.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.play();
    card.turn(20);
    card.lose();
    // The first answer comes when the loss may be just noticed, the second surely after.
    player.settle();
    player.settle();
    assert!(
        matches!(player.output(), Output::Silent(_)),
        "{:?}",
        player.output()
    );
    assert!(player.messages().iter().any(|m| m.contains("has gone")));
    let before = player.position_secs();
    card.pass_ns(500_000_000);
    assert!((player.position_secs() - before - 0.5).abs() < 1e-3);
    assert_eq!(player.state(), State::Playing);

    card.take_left();
    player.choose_device(None);
    player.settle();
    let position = player.position_secs();
    card.turn(4);
    let heard = card.take_left();
    let at = (position * f64::from(RATE_HZ)).round() as usize;
    assert_eq!(
        heard[RAMP..4 * BUFFER],
        samples[at + RAMP..at + 4 * BUFFER],
        "it goes on where it was"
    );
}

#[test]
fn a_new_track_takes_over_and_a_seek_made_meanwhile_waits_for_it() {
    let (first, second) = (
        tone(440.0, 0.5, 2.0, RATE_HZ),
        tone(660.0, 0.5, 2.0, RATE_HZ),
    );
    let (card, player) = ready(&[first]);
    player.play();
    card.turn(10);
    player.load(track(std::slice::from_ref(&second)));
    player.seek(0.5);
    assert!((player.position_secs() - 0.5).abs() < 1e-9);
    player.settle();
    card.take_left();
    card.turn(4);
    let heard = card.take_left();
    let at = RATE_HZ as usize / 2;
    assert_eq!(heard[CROSSFADE..], second[at + CROSSFADE..at + 4 * BUFFER]);
    assert!(largest_step(&heard) < 0.06);
}

#[test]
fn the_callback_allocates_nothing_and_frees_nothing() {
    let (card, player) = ready(&[
        tone(440.0, 0.5, 2.0, RATE_HZ),
        tone(550.0, 0.5, 2.0, RATE_HZ),
    ]);
    player.play();
    player.set_loop(Some((0.1, 0.2)));
    let mut n = 0;
    for i in 0..60 {
        match i % 6 {
            0 => player.select_variant(i / 6 % 2),
            1 => player.seek(0.15),
            2 => player.set_volume(0.5),
            3 => player.load(track(&[tone(330.0, 0.5, 1.0, RATE_HZ)])),
            4 => replace(&player, 0, &tone(220.0, 0.5, 1.0, RATE_HZ)),
            _ => player.play(),
        }
        player.settle();
        n += card.turn_counting_allocations();
    }
    assert_eq!(n, 0);
}

/// How often the wave goes through zero upwards, in a second.
fn pitch_hz(samples: &[f32]) -> f64 {
    let n = samples.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0);
    n.count() as f64 * f64::from(RATE_HZ) / samples.len() as f64
}

#[test]
fn at_another_speed_the_song_goes_by_faster_or_slower_at_the_same_pitch() {
    for speed in [0.5, 0.8, 1.25, 2.0] {
        let card = Card::new(RATE_HZ, 2, BUFFER).with_latency_ms(50);
        let (card, player) = ready_on(card, &[tone(440.0, 0.5, 12.0, RATE_HZ)]);
        player.play();
        card.turn(40);
        let before = player.position_secs();
        player.set_speed(speed);
        assert!(
            (player.position_secs() - before).abs() < 0.05,
            "it goes on where it is"
        );
        card.turn(10);
        card.take_left();
        let start = player.position_secs();
        card.turn(100);
        let heard = card.take_left();
        let secs = 100.0 * BUFFER as f64 / f64::from(RATE_HZ);
        let passed = player.position_secs() - start;
        assert!(
            (passed / secs / speed - 1.0).abs() < 0.01,
            "{passed} s in {secs} s at × {speed}"
        );
        assert!(
            (pitch_hz(&heard) - 440.0).abs() < 3.0,
            "{}",
            pitch_hz(&heard)
        );
        assert!(largest_step(&heard) < 0.045, "{}", largest_step(&heard));
        let rms = (heard.iter().map(|v| v * v).sum::<f32>() / heard.len() as f32).sqrt();
        assert!((rms / 0.3535 - 1.0).abs() < 0.02, "{rms}: no holes");
    }
}

#[test]
fn back_at_the_recorded_speed_it_is_the_recording_to_the_bit() {
    let samples = tone(440.0, 0.5, 8.0, RATE_HZ);
    let (card, player) = ready(std::slice::from_ref(&samples));
    player.play();
    card.turn(20);
    card.take_left();
    let mut heard = Vec::new();
    for speed in [0.5, 2.0, 0.7, 1.0] {
        player.set_speed(speed);
        card.turn(20);
        heard = card.take_left();
        assert!(
            largest_step(&heard) < 0.045,
            "× {speed}: {}",
            largest_step(&heard)
        );
    }
    let at = (player.position_secs() * f64::from(RATE_HZ)).round() as usize;
    let n = 10 * BUFFER;
    assert_eq!(heard[heard.len() - n..], samples[at - n..at]);
}

#[test]
fn at_half_speed_a_loop_takes_twice_as_long_and_stays_in_its_bounds() {
    let card = Card::new(RATE_HZ, 2, BUFFER).with_latency_ms(50);
    let (card, player) = ready_on(
        card,
        &[
            tone(440.0, 0.5, 4.0, RATE_HZ),
            tone(440.0, 0.5, 4.0, RATE_HZ),
        ],
    );
    player.set_loop(Some((0.5, 0.8)));
    player.set_speed(0.5);
    player.play();
    let (mut rounds, mut before) = (0, 0.5);
    for i in 0..150 {
        if i == 40 {
            player.select_variant(1);
        }
        card.turn(1);
        let position = player.position_secs();
        assert!((0.5..0.8 + 1e-9).contains(&position), "{position}");
        rounds += usize::from(position < before);
        before = position;
    }
    // 150 buffers are 3.48 s; a round takes 0.6 s.
    assert_eq!(rounds, 5);
    assert!(largest_step(&card.take_left()) < 0.045);
}

#[test]
fn another_speed_allocates_nothing() {
    let (card, player) = ready(&[tone(440.0, 0.5, 20.0, RATE_HZ)]);
    player.play();
    player.set_speed(0.7);
    let n_allocations: u64 = (0..400).map(|_| card.turn_counting_allocations()).sum();
    assert_eq!(n_allocations, 0);
}

#[test]
#[ignore = "a measurement: cargo test -p attune-tests --test sound another_speed -- --ignored --nocapture"]
fn measure_another_speed() {
    let (card, player) = ready(&[tone(440.0, 0.5, 20.0, RATE_HZ)]);
    player.play();
    player.set_speed(0.7);
    let start = std::time::Instant::now();
    for _ in 0..400 {
        card.turn(1);
    }
    let secs = start.elapsed().as_secs_f64();
    let real_time = secs / (400.0 * BUFFER as f64 / f64::from(RATE_HZ));
    println!("{:.1} % of a core", 100.0 * real_time);
    assert!(real_time < 0.3, "{real_time} of real time");
}

#[test]
fn without_a_sound_card_the_speed_counts_as_well() {
    let time = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let clock = Arc::clone(&time);
    let now: Now = Arc::new(move || clock.load(std::sync::atomic::Ordering::Relaxed));
    let player = Player::silent(now);
    player.load(track(&[vec![0.0; 4 * RATE_HZ as usize]]));
    player.settle();
    player.play();
    let pass =
        |secs: f64| time.fetch_add((secs * 1e9) as u64, std::sync::atomic::Ordering::Relaxed);
    pass(1.0);
    player.set_speed(0.5);
    pass(1.0);
    assert!((player.position_secs() - 1.5).abs() < 1e-6);
    player.step_speed(true);
    assert_eq!(player.speed(), 0.6);
    player.set_speed(7.0);
    assert_eq!(player.speed(), 2.0);
}
