//! The pitched instruments. Each turns a note into samples; loudness between instruments is settled when they are mixed.
//!
//! Additive: piano, organ, bell, finger bass, flute. Frequency modulation: electric piano. Subtractive: strings, brass, synth, synth bass.
//! Plucked string (Karplus and Strong 1983): guitar. Saturation: distorted guitar.

use super::score::{Instrument, Timbre};
use super::sound::{
    Envelope, Filter, Noise, Partial, RATE, Saw, fade_out, hz_of, ring, samples, saturate, sine,
};
use crate::rng::Stream;

/// A note to be played.
pub(super) struct Played<'a> {
    pub(super) key: i32,
    pub(super) held_secs: f32,
    /// 0..=1.
    pub(super) velocity: f32,
    pub(super) timbre: &'a Timbre,
}

impl Played<'_> {
    fn hz(&self) -> f32 {
        hz_of(self.key)
    }

    /// Multiplies with an envelope's levels and the velocity.
    fn shaped(&self, mut wave: Vec<f32>, envelope: &Envelope) -> Vec<f32> {
        for (sample, level) in wave.iter_mut().zip(envelope.levels(self.held_secs)) {
            *sample *= level * self.velocity;
        }
        wave
    }
}

/// The samples of a note, its release included.
pub(super) fn sound(instrument: Instrument, note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let mut wave = match instrument {
        Instrument::Piano => piano(note, chance),
        Instrument::ElectricPiano => electric_piano(note),
        Instrument::Organ => organ(note, chance),
        Instrument::Strings => strings(note, chance),
        Instrument::Guitar => guitar(note, chance),
        Instrument::DistortedGuitar => distorted_guitar(note, chance),
        Instrument::Bass => bass(note, chance),
        Instrument::Flute => flute(note, chance),
        Instrument::Brass => brass(note, chance),
        Instrument::Synth => synth(note, chance),
        Instrument::Bell => bell(note, chance),
        Instrument::Drums => super::kit::sound(note, chance),
    };
    fade_out(&mut wave, 0.004);
    wave
}

fn piano(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: 0.002,
        decay_secs: 1.0,
        sustain: 1.0,
        release_secs: 0.12,
    };
    let hz = note.hz();
    let timbre = note.timbre;
    // Stiff strings: overtones lie higher than whole multiples.
    let stiffness = 0.0003 * ((note.key - 60) as f32 / 16.0).exp2();
    let length = 7.0 * (-(note.key - 48) as f32 / 16.0).exp2() * (0.6 + 0.8 * timbre.length);
    let slope = 1.75 - 0.5 * timbre.brightness - 0.4 * note.velocity;
    let mut partials = Vec::new();
    for number in 1..=14 {
        let n = number as f32;
        let stretched = hz * n * (1.0 + stiffness * n * n).sqrt();
        // The hammer strikes at an eighth of the string.
        let struck = (sine(n / 16.0)).abs() + 0.15;
        partials.push(Partial {
            hz: stretched,
            level: struck * n.powf(-slope),
            decay_secs: length / (1.0 + 0.3 * n),
        });
        if number <= 2 {
            // The second string of the pair: the tone beats slowly.
            partials.push(Partial {
                hz: stretched * (1.0 + 0.0006 * (0.5 + timbre.warmth)),
                level: 0.7 * struck * n.powf(-slope),
                decay_secs: length,
            });
        }
    }
    let mut wave = ring(&partials, envelope.n_samples(note.held_secs));
    let mut noise = Noise::new(chance);
    let mut felt = Filter::new(1400.0 + 2000.0 * timbre.brightness, 1.2);
    let n_knock = samples(0.02).min(wave.len());
    for (place, sample) in wave[..n_knock].iter_mut().enumerate() {
        let fade = 1.0 - place as f32 / n_knock as f32;
        *sample += 0.35 * fade * fade * felt.next(noise.next()).0;
    }
    note.shaped(wave, &envelope)
}

fn electric_piano(note: &Played<'_>) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: 0.003,
        decay_secs: 2.0 + 2.5 * note.timbre.length,
        sustain: 0.0,
        release_secs: 0.15,
    };
    let hz = note.hz();
    let n = envelope.n_samples(note.held_secs);
    let mut wave = ring(
        &[
            Partial {
                hz: hz * 7.02,
                level: 0.10 + 0.14 * note.timbre.brightness,
                decay_secs: 0.5,
            },
            Partial {
                hz: hz * 14.1,
                level: 0.08 * note.timbre.brightness,
                decay_secs: 0.2,
            },
        ],
        n,
    );
    let tremolo_hz = 4.0 + 2.5 * note.timbre.warmth;
    let depth = 0.12 + 0.3 * note.timbre.warmth;
    let index = (0.12 + 0.22 * note.timbre.brightness) * (0.4 + note.velocity);
    let fade = (-1.0 / (0.5 * RATE)).exp();
    let (mut phase, mut index) = (0.0f32, index);
    for (n, sample) in wave.iter_mut().enumerate() {
        phase += hz / RATE;
        phase -= phase.floor();
        index *= fade;
        let tone = sine(phase + index * sine(phase));
        let tremolo = 1.0 - depth * (0.5 + 0.5 * sine(tremolo_hz * n as f32 / RATE));
        *sample = (*sample + tone) * tremolo;
    }
    note.shaped(wave, &envelope)
}

fn organ(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    /// Pipes as multiples of the key's frequency.
    const PIPES: [f32; 8] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0];
    const REGISTRATIONS: [[f32; 8]; 3] = [
        [0.8, 1.0, 0.7, 0.5, 0.15, 0.1, 0.0, 0.05],
        [0.5, 1.0, 0.2, 0.8, 0.5, 0.6, 0.3, 0.4],
        [0.9, 1.0, 0.1, 0.1, 0.4, 0.0, 0.1, 0.3],
    ];
    let envelope = Envelope {
        attack_secs: 0.008,
        decay_secs: 0.1,
        sustain: 0.92,
        release_secs: 0.05,
    };
    let levels = REGISTRATIONS[((note.timbre.character * 3.0) as usize).min(2)];
    let partials: Vec<Partial> = PIPES
        .iter()
        .zip(levels)
        .map(|(multiple, level)| Partial {
            hz: note.hz() * multiple,
            level,
            decay_secs: 1e6,
        })
        .collect();
    let mut wave = ring(&partials, envelope.n_samples(note.held_secs));
    // The turning loudspeaker.
    let speed_hz = if note.timbre.warmth > 0.4 { 6.4 } else { 0.9 };
    let mut noise = Noise::new(chance);
    let n_click = samples(0.006);
    for (n, sample) in wave.iter_mut().enumerate() {
        *sample *= 1.0 - 0.16 * (1.0 + sine(speed_hz * n as f32 / RATE));
        if n < n_click {
            *sample += 0.5 * noise.next();
        }
    }
    note.shaped(wave, &envelope)
}

fn strings(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: (0.09 + 0.12 * note.timbre.length).min(note.held_secs * 0.6 + 0.02),
        decay_secs: 0.5,
        sustain: 0.85,
        release_secs: 0.28,
    };
    let hz = note.hz();
    let spread = 0.002 + 0.004 * note.timbre.warmth;
    let mut bows = [-1.0, 0.1, 1.0].map(|side: f32| {
        let hz = hz * (1.0 + spread * side);
        (
            Saw::new(chance.uniform()),
            hz,
            chance.uniform(),
            4.8 + chance.uniform(),
        )
    });
    let mut body = Filter::new(1900.0 + 2600.0 * note.timbre.brightness, 1.4);
    let mut air = Filter::new(180.0, 1.4);
    let wave = (0..envelope.n_samples(note.held_secs))
        .map(|n| {
            let time = n as f32 / RATE;
            let depth = 0.005 * (time * 3.0).min(1.0);
            let mix: f32 = bows
                .iter_mut()
                .map(|(saw, hz, phase, vibrato_hz)| {
                    saw.next(*hz * (1.0 + depth * sine(*vibrato_hz * time + *phase)))
                })
                .sum();
            air.next(body.next(mix * 0.33).0).2
        })
        .collect();
    note.shaped(wave, &envelope)
}

fn guitar(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: 0.001,
        decay_secs: 1.0,
        sustain: 1.0,
        release_secs: 0.10,
    };
    let hz = note.hz();
    let is_steel = note.timbre.character > 0.5;
    // The loop is delay + half a sample of the averaging + the all-pass's fraction.
    let period = RATE / hz;
    let whole = (period - 0.6).floor();
    let fraction = period - 0.5 - whole;
    let all_pass = (1.0 - fraction) / (1.0 + fraction);
    let delay = (whole as usize).max(2);
    let mut noise = Noise::new(chance);
    let mut pick = Filter::new(
        (if is_steel { 3800.0 } else { 1500.0 })
            * (0.5 + note.timbre.brightness)
            * (0.5 + 0.7 * note.velocity),
        1.6,
    );
    let burst: Vec<f32> = (0..delay).map(|_| pick.next(noise.next()).0).collect();
    // Plucked at a fifth of the string: no fifth overtone.
    let near = (delay / 5).max(1);
    let mut string: Vec<f32> = (0..delay)
        .map(|n| burst[n] - 0.8 * burst[(n + delay - near) % delay])
        .collect();
    let mean = string.iter().sum::<f32>() / delay as f32;
    string.iter_mut().for_each(|sample| *sample -= mean);
    let secs = (if is_steel { 3.2 } else { 1.7 })
        * (0.6 + 0.8 * note.timbre.length)
        * (-(note.key - 52) as f32 / 24.0).exp2();
    let keep = (-6.9078 / (secs * hz)).exp();
    let bright = if is_steel { 0.75 } else { 0.55 };
    let (mut last, mut passed_in, mut passed_out, mut place) = (0.0, 0.0, 0.0, 0);
    let mut body = Filter::new(190.0, 0.7);
    let wave = (0..envelope.n_samples(note.held_secs))
        .map(|_| {
            let out = string[place];
            let damped = keep * (bright * out + (1.0 - bright) * last);
            last = out;
            let passed = all_pass * (damped - passed_out) + passed_in;
            (passed_in, passed_out) = (damped, passed);
            string[place] = passed;
            place = (place + 1) % delay;
            out + 0.5 * body.next(out).1
        })
        .collect();
    note.shaped(wave, &envelope)
}

/// Root, fifth and octave through an amplifier that is turned up.
fn distorted_guitar(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let is_muted = note.held_secs < 0.17;
    let envelope = Envelope {
        attack_secs: 0.003,
        decay_secs: if is_muted { 0.16 } else { 3.0 },
        sustain: if is_muted { 0.1 } else { 0.5 },
        release_secs: 0.06,
    };
    let hz = note.hz();
    let mut tones =
        [1.0, 1.4983, 2.0, 1.002].map(|multiple: f32| (Saw::new(chance.uniform()), hz * multiple));
    let mut pickup = Filter::new(if is_muted { 1100.0 } else { 2600.0 }, 1.2);
    let mut cabinet = Filter::new(3000.0 + 2200.0 * note.timbre.brightness, 1.0);
    let mut rumble = Filter::new(95.0, 1.3);
    let drive = 5.0 + 9.0 * note.timbre.warmth;
    let mut noise = Noise::new(chance);
    let wave: Vec<f32> = envelope
        .levels(note.held_secs)
        .map(|level| {
            let mix: f32 = tones.iter_mut().map(|(saw, hz)| saw.next(*hz)).sum();
            let picked = pickup.next(0.25 * mix + 0.03 * noise.next()).0;
            // The saturation comes after the decay: the tone cleans up as it fades.
            let loud = saturate(drive * level * picked);
            rumble.next(cabinet.next(loud).0).2 * note.velocity
        })
        .collect();
    let gate = Envelope {
        decay_secs: 1.0,
        sustain: 1.0,
        ..envelope
    };
    wave.into_iter()
        .zip(gate.levels(note.held_secs))
        .map(|(sample, level)| sample * level)
        .collect()
}

fn bass(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: 0.004,
        decay_secs: 1.2,
        sustain: 0.6,
        release_secs: 0.07,
    };
    let hz = note.hz();
    let bright = note.timbre.brightness;
    let n = envelope.n_samples(note.held_secs);
    let wave = if note.timbre.character < 0.55 {
        // Fingers on a string.
        let partials: Vec<Partial> = (1..=10)
            .map(|number| {
                let k = number as f32;
                Partial {
                    hz: hz * k,
                    level: k.powf(-1.1 + 0.4 * bright) * ((k * 0.31).sin().abs() + 0.2),
                    decay_secs: (2.0 + 2.0 * note.timbre.length) / k.powf(0.75),
                }
            })
            .collect();
        let mut wave = ring(&partials, n);
        let mut noise = Noise::new(chance);
        let mut finger = Filter::new(900.0, 1.0);
        let n_touch = samples(0.012).min(n);
        for sample in &mut wave[..n_touch] {
            *sample += 0.25 * finger.next(noise.next()).0;
        }
        wave
    } else {
        let mut saw = Saw::new(0.5);
        let mut sub = Saw::new(0.0);
        let mut filter = Filter::new(200.0, 0.6);
        let mut sweep = 1.0f32;
        let fall = (-1.0 / (0.11 * RATE)).exp();
        (0..n)
            .map(|n| {
                if n % 16 == 0 {
                    filter.set(160.0 + (500.0 + 1800.0 * bright) * sweep, 0.6);
                }
                sweep *= fall;
                let mix = 0.6 * saw.next(hz) + 0.5 * sub.next_pulse(hz, 0.5);
                filter.next(mix).0
            })
            .collect()
    };
    note.shaped(wave, &envelope)
}

fn flute(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: (0.035 + 0.05 * note.timbre.length).min(note.held_secs * 0.5 + 0.01),
        decay_secs: 0.2,
        sustain: 0.85,
        release_secs: 0.09,
    };
    let hz = note.hz();
    let bright = note.timbre.brightness;
    let levels = [
        1.0,
        0.22 + 0.35 * bright,
        0.06 + 0.14 * bright,
        0.04 * bright,
    ];
    let mut noise = Noise::new(chance);
    let mut breath = Filter::new((hz * 2.0).min(6000.0), 0.5);
    let vibrato_hz = 4.6 + 1.2 * note.timbre.warmth;
    let mut phase = 0.0f32;
    let wave = (0..envelope.n_samples(note.held_secs))
        .map(|n| {
            let time = n as f32 / RATE;
            let wave = sine(vibrato_hz * time) * (time * 4.0 - 0.6).clamp(0.0, 1.0);
            phase += hz * (1.0 + 0.006 * wave) / RATE;
            phase -= phase.floor();
            let tone: f32 = (1..)
                .zip(levels)
                .map(|(number, level)| level * sine(phase * number as f32))
                .sum();
            // The air is heard most before the tone speaks.
            let chiff = 0.10 + 0.35 * (-time * 28.0).exp();
            tone * (1.0 + 0.14 * wave) + chiff * breath.next(noise.next()).1
        })
        .collect();
    note.shaped(wave, &envelope)
}

fn brass(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: (0.035 + 0.04 * note.timbre.length).min(note.held_secs * 0.5 + 0.01),
        decay_secs: 0.25,
        sustain: 0.72,
        release_secs: 0.07,
    };
    let hz = note.hz();
    let mut horns = [
        (Saw::new(chance.uniform()), 0.998),
        (Saw::new(chance.uniform()), 1.0025),
    ];
    let open = (3.5 + 5.0 * note.timbre.brightness) * (0.4 + 0.8 * note.velocity);
    let mut bell = Filter::new(hz, 1.1);
    let mut body = Filter::new(250.0, 1.4);
    let wave: Vec<f32> = envelope
        .levels(note.held_secs)
        .enumerate()
        .map(|(n, level)| {
            let time = n as f32 / RATE;
            if n % 16 == 0 {
                // Louder is brighter: what makes it brass.
                bell.set(hz * (0.8 + open * level * level), 0.9);
            }
            let scoop = 1.0 - 0.03 * (-time * 40.0).exp();
            let vibrato = 1.0 + 0.004 * sine(5.2 * time) * (time * 2.5 - 0.7).clamp(0.0, 1.0);
            let mix: f32 = horns
                .iter_mut()
                .map(|(saw, detune)| saw.next(hz * *detune * scoop * vibrato))
                .sum();
            body.next(bell.next(0.5 * mix).0).2
        })
        .collect();
    note.shaped(wave, &envelope)
}

fn synth(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let envelope = Envelope {
        attack_secs: 0.004,
        decay_secs: 0.35,
        sustain: 0.65,
        release_secs: 0.08 + 0.1 * note.timbre.length,
    };
    let hz = note.hz();
    let is_pulse = note.timbre.character < 0.5;
    let mut one = Saw::new(chance.uniform());
    let mut two = Saw::new(chance.uniform());
    let mut filter = Filter::new(hz, 0.35);
    let damping = 0.30 + 0.4 * (1.0 - note.timbre.warmth);
    let mut sweep = 1.0f32;
    let fall = (-1.0 / ((0.09 + 0.2 * note.timbre.length) * RATE)).exp();
    let top = 1200.0 + 5000.0 * note.timbre.brightness * note.velocity;
    let wave = (0..envelope.n_samples(note.held_secs))
        .map(|n| {
            let time = n as f32 / RATE;
            if n % 16 == 0 {
                filter.set(hz * 1.6 + 300.0 + top * sweep, damping);
            }
            sweep *= fall;
            let vibrato = 1.0 + 0.006 * sine(5.8 * time) * (time * 3.0 - 0.6).clamp(0.0, 1.0);
            let mix = if is_pulse {
                let width = 0.3 + 0.17 * sine(0.7 * time);
                one.next_pulse(hz * vibrato, width) + 0.5 * two.next_pulse(hz * 1.006, 0.5)
            } else {
                one.next(hz * vibrato) + two.next(hz * 1.009 * vibrato)
            };
            filter.next(0.5 * mix).0
        })
        .collect();
    note.shaped(wave, &envelope)
}

fn bell(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    /// Overtones of a bell (Risset 1969): multiple, level, relative length.
    const OVERTONES: [(f32, f32, f32); 9] = [
        (0.5, 0.35, 1.0),
        (1.0, 1.0, 0.9),
        (1.003, 0.6, 0.8),
        (1.19, 0.35, 0.55),
        (2.0, 0.7, 0.5),
        (2.74, 0.5, 0.33),
        (3.76, 0.45, 0.25),
        (5.2, 0.3, 0.15),
        (6.9, 0.2, 0.1),
    ];
    // A bell is not damped: it rings on, for a while.
    let secs = 1.3 + 2.2 * note.timbre.length;
    let tilt = 0.6 + 0.8 * note.timbre.brightness;
    let partials: Vec<Partial> = OVERTONES
        .iter()
        .map(|&(multiple, level, length)| Partial {
            hz: note.hz() * multiple,
            level: if multiple > 1.5 { level * tilt } else { level },
            decay_secs: secs * length,
        })
        .collect();
    let mut wave = ring(&partials, samples(secs.min(note.held_secs + 1.6)));
    let mut noise = Noise::new(chance);
    let n_strike = samples(0.004).min(wave.len());
    for sample in &mut wave[..n_strike] {
        *sample += 0.3 * noise.next();
    }
    wave.iter_mut().for_each(|sample| *sample *= note.velocity);
    fade_out(&mut wave, 0.1);
    wave
}
