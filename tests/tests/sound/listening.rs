//! Comparing by ear: switching between variants and dragging a slider are recorded on a sound card in memory, and must not click.
//!
//! A click is energy where no variant has any: the variants are chords below 2 kHz, so that above 8 kHz every frame of 5 ms has to stay
//! 60 dB below the music. A hard cut between two variants does not, which is shown, too.

use attune::panels::Panel;
use attune::playback::{Player, Track, Variant};
use attune::workbench::parts::audition::{self, Row};
use attune::workbench::{Command, Select, UiCommand};
use attune_core::audio::{self, Clip};
use attune_core::augment::{Draw, Effect, Kind};
use attune_tests::window::Window;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::card::Card;

const CARD_HZ: u32 = 44_100;
/// Of the clips, as networks hear them: the player has to resample.
const CLIP_HZ: u32 = 22_050;
/// Frames of 5 ms, as a click is short.
const FRAME: usize = 220;
/// Nothing above this in any variant.
const MUTE_ABOVE_HZ: f64 = 8_000.0;
/// As loud as a click may be, in dB below the music.
const CLICK_DB: f64 = -60.0;

/// A chord that begins and ends softly, so that only what happens between can click.
fn chord(secs: f64, tones_hz: &[f64]) -> Vec<f32> {
    let n = (secs * f64::from(CLIP_HZ)) as usize;
    (0..n)
        .map(|i| {
            let at_secs = i as f64 / f64::from(CLIP_HZ);
            let tones = tones_hz.iter().map(|hz| (TAU * hz * at_secs).sin());
            (0.5 * tones.sum::<f64>() / tones_hz.len() as f64) as f32
        })
        .collect()
}

const CHORD: [f64; 3] = [220.0, 554.4, 1318.5];

/// Energy above [`MUTE_ABOVE_HZ`] of the worst frame, in dB relative to the loudest frame.
fn worst_click_db(samples: &[f32]) -> f64 {
    let window: Vec<f64> = (0..FRAME)
        .map(|i| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / FRAME as f64).cos())
        .collect();
    let first_bin = (MUTE_ABOVE_HZ * FRAME as f64 / f64::from(CARD_HZ)).ceil() as usize;
    let turns: Vec<(f64, f64)> = (0..FRAME)
        .map(|i| (TAU * i as f64 / FRAME as f64).sin_cos())
        .collect();
    let (mut loudest, mut worst) = (0.0_f64, 0.0_f64);
    for start in (0..samples.len() - FRAME).step_by(FRAME / 2) {
        let frame: Vec<f64> = std::iter::zip(&samples[start..start + FRAME], &window)
            .map(|(sample, window)| f64::from(*sample) * window)
            .collect();
        // Parseval: the energy in all bins is that of the samples.
        let whole: f64 = frame.iter().map(|v| v * v).sum::<f64>() * FRAME as f64 / 2.0;
        let above: f64 = (first_bin..=FRAME / 2)
            .map(|bin| {
                let (mut re, mut im) = (0.0, 0.0);
                for (i, value) in frame.iter().enumerate() {
                    let (sin, cos) = turns[bin * i % FRAME];
                    re += value * cos;
                    im += value * sin;
                }
                re * re + im * im
            })
            .sum();
        loudest = loudest.max(whole);
        worst = worst.max(above);
    }
    10.0 * (worst / loudest).log10()
}

fn augmented(wave: &[f32], effects: &[Effect]) -> Vec<f32> {
    Draw::of(effects.to_vec(), 1).apply(wave, CLIP_HZ)
}

fn track(sounds: &[Vec<f32>]) -> Track {
    let variant = |samples: &Vec<f32>| Variant::new("v", Clip::mono(samples.clone(), CLIP_HZ));
    Track::new("t", sounds.iter().map(variant).collect())
}

/// Four variants that differ in level, colour and pitch.
fn four() -> Vec<Vec<f32>> {
    let original = chord(3.0, &CHORD);
    vec![
        augmented(&original, &[Effect::Gain { db: -12.0 }]),
        augmented(&original, &[Effect::Pitch { cents: 130.0 }]),
        augmented(
            &original,
            &[Effect::Polarity, Effect::LowPass { hz: 700.0 }],
        ),
        original,
    ]
}

/// A card with these variants playing, past the first ramp.
fn playing(sounds: &[Vec<f32>], buffer: usize) -> (Card, Player) {
    let card = Card::new(CARD_HZ, 2, buffer);
    let player = Player::with_time(card.host(), card.now());
    player.load(Arc::new(track(sounds)));
    player.settle();
    player.play();
    card.turn(CARD_HZ as usize / 10 / buffer);
    card.take_left();
    (card, player)
}

fn assert_no_click(heard: &[f32]) {
    let db = worst_click_db(heard);
    assert!(db < CLICK_DB, "a click of {db:.1} dB");
}

#[test]
fn a_hard_cut_would_be_found() {
    let sounds = four();
    let at_card = |samples: &[f32]| audio::resample(samples, CLIP_HZ, CARD_HZ).unwrap();
    let (one, two) = (at_card(&sounds[1]), at_card(&sounds[3]));
    let middle = CARD_HZ as usize / 10..CARD_HZ as usize;
    assert_no_click(&one[middle.clone()]);
    assert_no_click(&two[middle.clone()]);
    let mut n_found = 0;
    for at in (0..10).map(|i| CARD_HZ as usize / 2 + 137 * i) {
        let cut = [&one[middle.start..at], &two[at..middle.end]].concat();
        n_found += usize::from(worst_click_db(&cut) > CLICK_DB);
    }
    assert!(n_found >= 9, "{n_found} of 10 hard cuts were found");
}

#[test]
fn switching_between_four_variants_does_not_click() {
    let (card, player) = playing(&four(), 128);
    for step in 0..120 {
        player.select_variant([0, 1, 2, 3, 1, 3, 0, 2][step % 8]);
        // From faster than a crossfade to a fifth of a second.
        card.turn(1 + step * 7 % 23);
    }
    let heard = card.take_left();
    assert!(heard.len() > CARD_HZ as usize);
    assert_no_click(&heard);
}

#[test]
fn dragging_a_slider_does_not_click() {
    let original = chord(3.0, &CHORD);
    let from_to = |step: usize, from: f32, to: f32| from + (to - from) * step as f32 / 19.0;
    let drags: [&dyn Fn(usize) -> Effect; 3] = [
        &|step| Effect::LowPass {
            hz: from_to(step, 500.0, 5_000.0),
        },
        &|step| Effect::Gain {
            db: from_to(step, -20.0, 0.0),
        },
        &|step| Effect::Pitch {
            cents: from_to(step, -300.0, 300.0),
        },
    ];
    for (nth, effect_at) in drags.into_iter().enumerate() {
        // Every 3 ms, which is faster than the crossfade; and every 29 ms.
        for n_buffers in [1, 10] {
            let (card, player) = playing(&[original.clone(), original.clone()], 128);
            player.select_variant(1);
            card.turn(8);
            let before = card.take_left();
            assert_no_click(&before);
            let feed = player.feed();
            let mut n_changed = 0.0;
            for step in 0..20 {
                let moved = augmented(&original, &[effect_at(step)]);
                assert!(feed.exchange(player.serial(), track(&[original.clone(), moved])));
                player.settle();
                card.turn(n_buffers);
                n_changed += 1.0;
            }
            card.turn(20);
            let heard = card.take_left();
            assert_no_click(&heard);
            let last = augmented(&original, &[effect_at(19)]);
            let at_card = audio::resample(&last, CLIP_HZ, CARD_HZ).unwrap();
            let end = (player.position_secs() * f64::from(CARD_HZ)).round() as usize;
            let tail = 512;
            let difference =
                std::iter::zip(&heard[heard.len() - tail..], &at_card[end - tail..end])
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
            assert!(
                difference < 1e-4,
                "drag {nth}: the last value is heard ({difference} after {n_changed} steps)"
            );
        }
    }
}

#[test]
fn a_change_just_before_a_loop_goes_round_does_not_click() {
    // A loop that ends in the middle of a wave, and changes at any distance before its end.
    let (start_secs, end_secs) = (0.3, 0.5137);
    for before_end in 0..24 {
        let (card, player) = playing(&four(), 64);
        player.set_loop(Some((start_secs, end_secs)));
        card.turn(2);
        let until = ((end_secs - start_secs) * f64::from(CARD_HZ)) as usize / 64 - before_end;
        card.turn(until - 2);
        card.take_left();
        player.select_variant(1 + before_end % 3);
        card.turn(40);
        let heard = card.take_left();
        let db = worst_click_db(&heard);
        assert!(
            db < CLICK_DB,
            "{before_end} buffers before the end: {db:.1} dB"
        );
    }
}

#[test]
fn a_whole_clip_that_ends_in_the_middle_of_a_wave_repeats_without_a_click() {
    let sounds = four();
    for place in [0, 2, 3] {
        let (card, player) = playing(&[sounds[place].clone()], 128);
        player.set_loop(Some((0.0, player.duration_secs())));
        card.turn(7 * CARD_HZ as usize / 128);
        let heard = card.take_left();
        assert!(heard.len() > 2 * 3 * CARD_HZ as usize, "two rounds");
        assert_no_click(&heard);
    }
}

#[test]
fn gains_of_variants_are_heard_and_change_without_a_click() {
    let wave = chord(3.0, &CHORD);
    let (card, player) = playing(&[wave.clone(), wave.clone()], 128);
    let sounds = player.track().unwrap();
    let rms = |samples: &[f32]| {
        (samples.iter().map(|v| f64::from(v * v)).sum::<f64>() / samples.len() as f64).sqrt()
    };
    card.turn(80);
    let plain = rms(&card.take_left());
    let mut all = Vec::new();
    for gain_db in [-6.0, 3.0, -20.0, 0.0] {
        let mut track = (*sounds).clone();
        track.variants[0] = track.variants[0].clone().with_gain_db(gain_db);
        player.exchange(track);
        player.settle();
        card.turn(8);
        all.extend(card.take_left());
        card.turn(80);
        let heard = card.take_left();
        let db = 20.0 * (rms(&heard) / plain).log10();
        assert!(
            (db - f64::from(gain_db)).abs() < 0.1,
            "{db} dB, not {gain_db}"
        );
        all.extend(heard);
    }
    assert_no_click(&all);
}

// ---- from a slider to the sound ----

/// Beyond this something is stuck, however slow the machine.
const STUCK: Duration = Duration::from_secs(120);

/// A window with a song of 12 s playing in Audition on a card that a thread turns in real time.
struct Room {
    window: Window,
    /// When each buffer was asked for, and what was played.
    heard: mpsc::Receiver<(Instant, Vec<f32>)>,
    stop: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let song = folder.path().join("tone.wav");
        let wave: Vec<f32> = (0..12 * CLIP_HZ)
            .map(|i| (0.4 * (TAU * 441.0 * f64::from(i) / f64::from(CLIP_HZ)).sin()) as f32)
            .collect();
        audio::write_wav(&song, &wave, CLIP_HZ).unwrap();
        let card = Card::new(CARD_HZ, 2, 1024);
        let player = Player::with_time(card.host(), card.now());
        player.settle();
        let (sender, heard) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let turning = std::thread::Builder::new().name("sound card".to_owned());
        let turned = turning.spawn(move || {
            let start = Instant::now();
            let mut n = 0_u64;
            while !stopped.load(Ordering::Relaxed) {
                let due =
                    start + Duration::from_nanos(n * 1024 * 1_000_000_000 / u64::from(CARD_HZ));
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let at = Instant::now();
                card.turn(1);
                if sender.send((at, card.take_left())).is_err() {
                    break;
                }
                n += 1;
            }
        });
        turned.unwrap();
        let mut window = Window::with_player(&folder.path().join("workspace"), player);
        window.send(Command::OpenSong(song));
        window.send(UiCommand::Show(Panel::Audition));
        window.wait("the augmented clip", |window| {
            window.state().audition.augmented().is_some()
        });
        window.send(Select::LevelsAsTheyAre(true));
        Self {
            window,
            heard,
            stop,
            _folder: folder,
        }
    }

    fn set(&mut self, effect: Effect) {
        let rows = self.window.state().audition.rows();
        let row = rows
            .iter()
            .position(|row| row.effect.kind() == effect.kind())
            .unwrap();
        let to = Row {
            effect,
            is_on: true,
        };
        let command = Command::Audition(audition::Command::Set { row, to });
        self.window.app().sender().send(command);
    }

    /// Waits until the level has changed, with so many frames of the window, 60 a second; gives how long that took.
    fn until_heard(&mut self, level_before: f32, mut n_frames: usize) -> Duration {
        let since = Instant::now();
        loop {
            if n_frames > 0 {
                self.window.frames(1);
                n_frames -= 1;
            }
            for (at, samples) in self.heard.try_iter() {
                // Over whole periods of the tone: 100 samples.
                let changed = samples
                    .chunks_exact(100)
                    .any(|period| (rms(period) / level_before - 1.0).abs() > 0.15);
                if at > since && changed {
                    return at - since;
                }
            }
            assert!(since.elapsed() < STUCK, "never heard");
            // As a display with 60 pictures a second.
            std::thread::sleep(Duration::from_millis(12));
        }
    }

    fn level(&mut self) -> f32 {
        while self.heard.try_recv().is_ok() {}
        let (_, samples) = self.heard.recv().unwrap();
        rms(&samples[..1000])
    }
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|v| v * v).sum::<f32>() / samples.len() as f32).sqrt()
}

/// Seconds from a slider's command to the callback that plays the first changed sample, sorted.
fn slider_to_sound(n: usize, n_frames: usize) -> Vec<f64> {
    let mut room = Room::new();
    room.set(Effect::Pitch { cents: 0.0 });
    room.set(Kind::Reverb.default_effect());
    room.set(Effect::Gain { db: -3.0 });
    room.window
        .send(Command::Audition(audition::Command::Listen { place: 1 }));
    room.window.wait("the sound", |window| {
        window.state().activities().next().is_none()
    });
    let mut all = Vec::new();
    for i in 0..n {
        // Until everything is drawn and the reverb has swung in.
        let rest = Instant::now();
        while rest.elapsed() < Duration::from_millis(300 + 7 * i as u64 % 23) {
            room.window.frames(1);
            std::thread::sleep(Duration::from_millis(10));
        }
        let level = room.level();
        assert!(level > 0.001, "something is heard");
        // A slider does not wait for the sound card: at any time between two buffers.
        std::thread::sleep(Duration::from_micros(7_300 * i as u64 % 23_000));
        room.set(Effect::Gain {
            db: if i % 2 == 0 { -12.0 } else { -3.0 },
        });
        all.push(room.until_heard(level, n_frames).as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    all
}

#[test]
fn a_slider_is_heard_at_once_also_while_it_moves() {
    // At once: it waits for no other frame of the window than the one that takes the slider in. How long that takes is measured below.
    slider_to_sound(4, 1);

    // While a slider is dragged, what it passes is heard: not only where it is let go.
    let mut room = Room::new();
    room.set(Kind::Reverb.default_effect());
    room.window
        .send(Command::Audition(audition::Command::Listen { place: 1 }));
    room.window.wait("the sound", |window| {
        window.state().activities().next().is_none()
    });
    let clip = |room: &Room| {
        let track = room.window.state().player.track().unwrap();
        Arc::as_ptr(&track.variants[1].clip.samples).cast::<f32>() as usize
    };
    let mut heard = vec![clip(&room)];
    let since = Instant::now();
    let mut step = 0;
    // It is never let go: however slow the machine, more and more of what it passes is heard.
    while heard.len() < 9 {
        assert!(
            since.elapsed() < STUCK,
            "{} sounds at {step} positions",
            heard.len()
        );
        room.set(Effect::Gain {
            db: -20.0 + 0.01 * step as f32,
        });
        room.window.frames(1);
        step += 1;
        heard.push(clip(&room));
        heard.dedup();
        std::thread::sleep(Duration::from_millis(8));
    }
}

#[test]
#[ignore = "a measurement: cargo test -p attune-tests --test sound listening -- --ignored --nocapture"]
fn measure_slider_to_sound() {
    let all = slider_to_sound(100, usize::MAX);
    let at = |part: f64| 1e3 * all[((all.len() - 1) as f64 * part).round() as usize];
    println!(
        "10 s clip, pitch and reverb on, buffers of 23 ms: p50 {:.0} ms, p95 {:.0} ms, max {:.0} ms from command to callback",
        at(0.5),
        at(0.95),
        at(1.0)
    );
    assert!(at(0.5) < 50.0);
}
