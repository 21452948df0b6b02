//! Power to decibels, fast enough not to show.
//!
//! `f32::log10` takes as long as the Fourier transform before it, because it is called value by value. This loop is written
//! so that the compiler makes vector code of it: exponent and mantissa apart by integer arithmetic, the logarithm of the
//! mantissa by the series of the inverse hyperbolic tangent, whose first five terms are exact to `f32`.

/// Below this power everything is silence: the `amin` of `AmplitudeToDB`.
const FLOOR_POWER: f32 = 1e-10;
/// The floor in decibels.
const FLOOR_DB: f32 = -100.0;

/// Replaces each power by `10 * log10(max(power, 1e-10))`, within 2e-5 dB.
pub(super) fn to_decibel(powers: &mut [f32]) {
    for power in powers {
        *power = decibel(*power);
    }
}

#[inline(always)]
fn decibel(power: f32) -> f32 {
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    const DB_PER_OCTAVE: f32 = 3.010_3;
    const DB_PER_NEPER: f32 = 4.342_944_8;
    // Wrapping: with overflow checks in between the loop would not become vector code.
    let bits = power.to_bits() as i32;
    let exponent = bits.wrapping_sub(SQRT_HALF_BITS) >> 23;
    // In sqrt(1/2)..sqrt(2)
    let mantissa = f32::from_bits(bits.wrapping_sub(exponent << 23) as u32);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let series = 1.0 + s2 * (1.0 / 3.0 + s2 * (1.0 / 5.0 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0))));
    let db = exponent as f32 * DB_PER_OCTAVE + 2.0 * DB_PER_NEPER * s * series;
    if power > FLOOR_POWER { db } else { FLOOR_DB }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_plain_logarithm_over_the_whole_range() {
        let mut power = 1.000_1e-10_f32;
        let mut worst = 0.0_f64;
        while power < 1e9 {
            let plain = 10.0 * f64::from(power).log10();
            worst = worst.max((f64::from(decibel(power)) - plain).abs());
            power *= 1.000_37;
        }
        assert!(worst < 2e-5, "{worst:e}");
    }

    #[test]
    fn silence_is_exactly_the_floor() {
        for power in [0.0, -0.0, 1e-30, 1e-10, f32::NAN, -1.0] {
            assert_eq!(decibel(power), -100.0, "{power}");
        }
        assert_eq!(decibel(1.0), 0.0);
    }
}
