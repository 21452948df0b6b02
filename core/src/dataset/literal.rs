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
            'u' | 'b' if matches!(self.rest.as_bytes().get(1), Some(b'\'' | b'"')) => {
                self.rest = &self.rest[1..];
                self.value()
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
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.push(match letters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                _ if letter == quote => {
                    self.rest = &self.rest[at + letter.len_utf8()..];
                    return Some(Literal::Text(text));
                }
                _ => text.push(letter),
            }
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
        fn no_text_makes_the_reader_panic(text in "[\\[\\](){}:,'\"\\\\ub0-9A-Zé ]{0,40}") {
            drop(parse(&text));
        }
    }
}
