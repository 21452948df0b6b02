//! The class token of CNNSA, which is no parameter: the numbers that NumPy draws from its legacy generator with seed 0.
//!
//! The generator is MT19937 (Matsumoto, Nishimura, *Mersenne twister*, ACM TOMACS 1998), with two draws for a number of 53 bits.

/// Words of the generator's state.
const N: usize = 624;

/// `[width]`, uniform in [0, 1).
pub(super) fn class_token(width: usize) -> Vec<f32> {
    let mut words = Twister::new(0);
    (0..width)
        .map(|_| {
            let (high, low) = (words.next() >> 5, words.next() >> 6);
            ((f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0) as f32
        })
        .collect()
}

struct Twister {
    state: [u32; N],
    at: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let last = state[i - 1];
            state[i] = (last ^ (last >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i as u32);
        }
        Self { state, at: N }
    }

    fn next(&mut self) -> u32 {
        if self.at == N {
            for i in 0..N {
                let joined =
                    (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % N] ^ (joined >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.random.seed(0); numpy.random.random(3)`.
    #[test]
    fn begins_as_numpy_does() {
        let expected = [0.548_813_5, 0.715_189_4, 0.602_763_4];
        for (found, expected) in class_token(3).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7, "{found} for {expected}");
        }
    }
}
