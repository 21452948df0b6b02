//! A column of texts in lower case, laid end to end so that one pass over memory searches all of them.

use super::Bits;
use memchr::memmem::Finder;

/// Texts of rows or of names, each followed by a line feed, which no text holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    joined: String,
    /// Where the line feed of each text stands.
    ends: Vec<usize>,
}

/// As texts are compared and searched: in lower case, blanks of every kind as a space.
pub(super) fn plain(text: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    text.to_lowercase().chars().map(blank).collect()
}

impl Texts {
    /// The texts in their order.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for text in texts {
            // Most texts are plain ASCII.
            if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                let start = all.joined.len();
                all.joined.push_str(text);
                all.joined[start..].make_ascii_lowercase();
            } else {
                all.joined.push_str(&plain(text));
            }
            all.ends.push(all.joined.len());
            all.joined.push('\n');
        }
        all
    }

    /// The texts as they were stored; `None` if they are not UTF-8.
    pub(super) fn stored(bytes: Vec<u8>) -> Option<Self> {
        let joined = String::from_utf8(bytes).ok()?;
        let ends = memchr::memchr_iter(b'\n', joined.as_bytes()).collect();
        Some(Self { joined, ends })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.joined.as_bytes()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |last| self.ends[last] + 1);
        &self.joined[start..self.ends[place]]
    }

    /// Places whose text holds `word`, which is [`plain`].
    pub(super) fn holding(&self, word: &str) -> Bits {
        let mut found = Bits::none(self.len());
        let finder = Finder::new(word);
        let (mut place, mut from) = (0, 0);
        while let Some(at) = finder.find(&self.joined.as_bytes()[from..]) {
            let at = from + at;
            // Common words are a few texts apart, rare ones many.
            let mut step = 1;
            while place + step < self.ends.len() && self.ends[place + step] < at {
                place += step;
                step *= 2;
            }
            let upto = (place + step + 1).min(self.ends.len());
            place += self.ends[place..upto].partition_point(|&end| end < at);
            let Some(&end) = self.ends.get(place) else {
                break;
            };
            found.set(place);
            (place, from) = (place + 1, end + 1);
            if place >= self.ends.len() {
                break;
            }
        }
        found
    }

    /// Places whose text is `word`, which is [`plain`].
    pub(super) fn being(&self, word: &str) -> Bits {
        let mut found = self.holding(word);
        let held: Vec<u32> = found.rows().collect();
        found = Bits::none(self.len());
        for place in held {
            if self.get(place as usize) == word {
                found.set(place as usize);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_not_found_across_two_texts() {
        let texts = Texts::of(["ab", "cd", "", "Ä\nb"].into_iter());
        assert_eq!(texts.holding("bc").count(), 0);
        assert_eq!(texts.holding("ä b").rows().collect::<Vec<_>>(), [3]);
        assert_eq!(texts.being("ab").rows().collect::<Vec<_>>(), [0]);
        assert_eq!(texts.being("a").count(), 0);
        assert_eq!(texts.holding("").count(), 4);
        assert_eq!(Texts::stored(texts.as_bytes().to_vec()), Some(texts));
    }

    proptest! {
        #[test]
        fn words_are_found_wherever_they_are(texts in prop::collection::vec("[abAB ]{0,6}", 0..300), word in "[ab]{1,3}") {
            let column = Texts::of(texts.iter().map(String::as_str));
            let found: Vec<usize> = column.holding(&word).rows().map(|row| row as usize).collect();
            let expected: Vec<usize> = (0..texts.len()).filter(|&row| texts[row].to_lowercase().contains(&word)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
