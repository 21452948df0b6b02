//! A set of rows: one bit each, so that a million rows are 125 kB and two sets meet in microseconds.

/// A set of rows of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// No row of `len`.
    pub fn none(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(64)],
            len,
        }
    }

    /// Every row of `len`.
    pub fn all(len: usize) -> Self {
        let mut bits = Self::none(len);
        bits.invert();
        bits
    }

    /// The rows that `is_in` accepts.
    pub(super) fn of(len: usize, is_in: impl Fn(usize) -> bool) -> Self {
        let mut bits = Self::none(len);
        for row in (0..len).filter(|&row| is_in(row)) {
            bits.set(row);
        }
        bits
    }

    pub(super) fn set(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Whether a row is in the set; those past the end are not.
    pub fn has(&self, row: usize) -> bool {
        let word = self.words.get(row / 64);
        word.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(super) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let n_last = self.len % 64;
        if n_last > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << n_last) - 1;
        }
    }

    /// How many rows are in the set.
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The rows, ascending.
    pub fn rows(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(place, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(place as u32 * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_its_rows_and_nothing_past_its_end() {
        let mut bits = Bits::of(130, |row| row % 64 == 1);
        assert_eq!(bits.rows().collect::<Vec<_>>(), [1, 65, 129]);
        assert!(bits.has(129) && !bits.has(128) && !bits.has(130) && !bits.has(5000));
        bits.invert();
        assert_eq!(bits.count(), 127);
        assert_eq!(Bits::all(130).count(), 130);
        bits.add(&Bits::of(130, |row| row == 1));
        bits.keep(&Bits::of(130, |row| row < 4));
        assert_eq!(bits.rows().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
