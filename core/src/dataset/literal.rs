//! Python's literals (`[21, 10]`, `{'descr': '<f8', 'shape': (3,)}`), as annotations hold them. Nothing is evaluated.

/// A value. Tuples are lists.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// So deep may lists lie within each other.
const MOST_LEVELS: usize = 16;

/// Reads a text that is one literal; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<Literal> {
    let mut reader = Reader {
        rest: text,
        level: 0,
    };
    let value = reader.value()?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

impl Literal {
    /// The value of a key of a dictionary.
    pub(super) fn entry(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .find(|(name, _)| matches!(name, Self::Text(name) if name == key));
        found.map(|(_, value)| value)
    }
}

struct Reader<'a> {
    rest: &'a str,
    level: usize,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Steps over `sign` if it is next.
    fn takes(&mut self, sign: char) -> bool {
        self.skip_blanks();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self) -> Option<Literal> {
        self.skip_blanks();
        match self.rest.chars().next()? {
            '[' => self.list('[', ']'),
            '(' => self.list('(', ')'),
            '{' => self.dict(),
            quote @ ('\'' | '"') => self.text(quote),
            // Of Python 2 and of bytes.
            kind @ ('u' | 'b') if matches!(self.rest.as_bytes().get(1), Some(b'\'' | b'"')) => {
                self.rest = &self.rest[1..];
                let value = self.value()?;
                match value {
                    // Each letter stands for a byte.
                    Literal::Text(text) if kind == 'b' => {
                        let bytes = text.chars().map(|letter| u8::try_from(letter).ok());
                        let bytes = bytes.collect::<Option<Vec<u8>>>()?;
                        String::from_utf8(bytes).ok().map(Literal::Text)
                    }
                    value => Some(value),
                }
            }
            _ => self.word(),
        }
    }

    fn list(&mut self, open: char, close: char) -> Option<Literal> {
        self.deeper()?;
        let mut items = Vec::new();
        self.takes(open);
        while !self.takes(close) {
            items.push(self.value()?);
            if !self.takes(',') {
                if !self.takes(close) {
                    return None;
                }
                break;
            }
        }
        self.level -= 1;
        Some(Literal::List(items))
    }

    fn dict(&mut self) -> Option<Literal> {
        self.deeper()?;
        let mut entries = Vec::new();
        self.takes('{');
        while !self.takes('}') {
            let key = self.value()?;
            if !self.takes(':') {
                return None;
            }
            entries.push((key, self.value()?));
            if !self.takes(',') {
                if !self.takes('}') {
                    return None;
                }
                break;
            }
        }
        self.level -= 1;
        Some(Literal::Dict(entries))
    }

    fn deeper(&mut self) -> Option<()> {
        self.level += 1;
        (self.level <= MOST_LEVELS).then_some(())
    }

    fn text(&mut self, quote: char) -> Option<Literal> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = &self.rest[at + letter.len_utf8()..];
                return Some(Literal::Text(text));
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let (_, escaped) = letters.next()?;
            let n_digits = match escaped {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                // The name of a letter: nobody writes annotations so.
                'N' => return None,
                '0'..='7' => {
                    let mut code = escaped.to_digit(8)?;
                    for _ in 0..2 {
                        let next = letters.next_if(|(_, digit)| digit.is_digit(8));
                        let Some((_, digit)) = next else { break };
                        code = 8 * code + digit.to_digit(8)?;
                    }
                    text.push(char::from_u32(code)?);
                    continue;
                }
                other => {
                    match other {
                        '\n' => {}
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'a' => text.push('\u{7}'),
                        'b' => text.push('\u{8}'),
                        'f' => text.push('\u{c}'),
                        'v' => text.push('\u{b}'),
                        '\\' | '\'' | '"' => text.push(other),
                        // What is no escape keeps its stroke.
                        other => text.extend(['\\', other]),
                    }
                    continue;
                }
            };
            let mut code = 0u32;
            for _ in 0..n_digits {
                code = code.checked_mul(16)? + letters.next()?.1.to_digit(16)?;
            }
            text.push(char::from_u32(code)?);
        }
        None
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_')));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "None" => Some(Literal::None),
            "True" => Some(Literal::Bool(true)),
            "False" => Some(Literal::Bool(false)),
            // Python 2 wrote long integers with an L.
            _ => {
                let int = word.trim_end_matches('L').parse().map(Literal::Int);
                int.or_else(|_no_int| word.parse().map(Literal::Float)).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_tuples_and_dictionaries_are_read() {
        let numbers = Literal::List(vec![Literal::Int(21), Literal::Int(10)]);
        assert_eq!(parse("[21, 10]"), Some(numbers.clone()));
        assert_eq!(parse("(21L, 10,)"), Some(numbers));
        assert_eq!(parse("[]"), Some(Literal::List(Vec::new())));
        let dict = parse("{'a': u'it\\'s', \"b\": (None, -1.5)}").unwrap();
        assert_eq!(dict.entry("a"), Some(&Literal::Text("it's".into())));
        let list = vec![Literal::None, Literal::Float(-1.5)];
        assert_eq!(dict.entry("b"), Some(&Literal::List(list)));
    }

    #[test]
    fn escapes_stand_for_the_letters_they_name() {
        for (written, text) in [
            (r"'caf\xe9'", "caf\u{e9}"),
            (r"u'caf\u00e9'", "caf\u{e9}"),
            (r"'\U0001f3b5'", "\u{1f3b5}"),
            (r"b'caf\xc3\xa9'", "caf\u{e9}"),
            (r"'a\tb\101\0'", "a\tbA\0"),
            (r"'it\'s \q'", "it's \\q"),
        ] {
            assert_eq!(
                parse(written),
                Some(Literal::Text(text.into())),
                "{written}"
            );
        }
        for wrong in [
            r"'\xe'",
            r"'\ud800'",
            r"'\Uffffffff'",
            r"b'\xe9'",
            r"'\N{DASH}'",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_literal_is_none() {
        for text in ["", "[1", "[1 2]", "['a]", "print()", "[1] [2]", "{1}", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(
            parse(&format!("{}{}", "[".repeat(17), "]".repeat(17))),
            None
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\](){}:,'\"\\\\ubxU0-9A-Zé ]{0,40}") {
            drop(parse(&text));
        }
    }
}
