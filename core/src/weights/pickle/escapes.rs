//! What texts with escapes stand for, in the two spellings of protocol 0.

/// A string as Python 2 prints it: `\n`, `\x1b`, `\'`. An escape that is none stands for itself.
pub(super) fn python_2(written: &[u8], out: &mut Vec<u8>) {
    let mut rest = written;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let escaped = if byte == b'\\' { behind.first() } else { None };
        let Some(&escaped) = escaped else {
            out.push(byte);
            continue;
        };
        rest = &behind[1..];
        match escaped {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'v' => out.push(11),
            b'f' => out.push(12),
            b'\\' | b'\'' | b'"' => out.push(escaped),
            b'x' => match hexadecimal(rest, 2).and_then(|value| u8::try_from(value).ok()) {
                Some(value) => {
                    out.push(value);
                    rest = &rest[2..];
                }
                None => out.extend(b"\\x"),
            },
            _ => out.extend([b'\\', escaped]),
        }
    }
}

/// A `unicode` of Python 2: Latin-1 with `\u00e9` and `\U0001f3b5`; as UTF-8.
pub(super) fn unicode(written: &[u8], out: &mut Vec<u8>) {
    let mut rest = written;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let digits = match (byte, behind.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let escaped = behind.get(1..).filter(|_| digits > 0);
        let escaped = escaped.and_then(|rest| hexadecimal(rest, digits));
        let letter = match escaped.and_then(char::from_u32) {
            Some(letter) => {
                rest = &behind[1 + digits..];
                letter
            }
            None => char::from(byte),
        };
        out.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

fn hexadecimal(text: &[u8], digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    let mut value = 0;
    for &digit in digits {
        value = value * 16 + char::from(digit).to_digit(16)?;
    }
    Some(value)
}
