//! The stack machine: protocols 0 to 5.

use super::value::{Id, Pickle, Value};
use super::{MOST_OPCODES, escapes};
use crate::weights::cursor::{Cursor, Fault};
use std::collections::BTreeMap;
use std::ops::Range;

/// Values that need to be there once.
const NONE: Id = Id(0);
const TRUE: Id = Id(1);
const FALSE: Id = Id(2);
const EMPTY_TUPLE: Id = Id(3);

/// Reads the pickle that begins at byte `start`, as far as [`MOST_OPCODES`] instructions.
pub(in crate::weights) fn read(bytes: &[u8], start: usize) -> Result<Pickle<'_>, Fault> {
    read_at_most(bytes, start, MOST_OPCODES)
}

/// Reads the pickle that begins at byte `start`, as far as `most` instructions. Each takes at least a byte of the
/// file and makes five values at most (INST: two names, what they name, its arguments, the call).
pub(crate) fn read_at_most(bytes: &[u8], start: usize, most: usize) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine {
        bytes,
        cursor: Cursor::new(bytes, start),
        values: vec![
            Value::None,
            Value::Bool(true),
            Value::Bool(false),
            Value::Tuple(Box::default()),
        ],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        unescaped: Vec::new(),
        copies_left: most,
    };
    for _ in 0..most {
        let at = machine.cursor.at();
        let opcode = machine.cursor.u8("a pickle")?;
        if opcode == b'.' {
            let root = machine.pop(at)?;
            return Ok(Pickle {
                bytes,
                root,
                end: machine.cursor.at(),
                values: machine.values,
                unescaped: machine.unescaped,
            });
        }
        machine.step(opcode, at)?;
    }
    let why = format!(
        "a pickle of more than {most} instructions: of weights, save them alone (torch.save(model.state_dict(), ...))"
    );
    Err(Fault::new(machine.cursor.at(), why))
}

struct Machine<'a> {
    bytes: &'a [u8],
    cursor: Cursor<'a>,
    values: Vec<Value>,
    /// What texts with escapes stand for, one behind the other; shorter than the file.
    unescaped: Vec<u8>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
    /// How many entries of lists may still be copied: one list may be named by many instructions.
    copies_left: usize,
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8, at: usize) -> Result<(), Fault> {
        match opcode {
            // PROTO, FRAME: a frame's length is a hint for reading.
            0x80 => {
                let protocol = self.cursor.u8("a pickle")?;
                if protocol > 5 {
                    return Err(Fault::new(at, format!("pickle protocol {protocol}")));
                }
            }
            0x95 => drop(self.cursor.u64("a pickle")?),

            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                // POP takes a mark if that is on top.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop(at)?;
                }
            }
            b'1' => drop(self.pop_to_mark(at)?),
            b'2' => {
                let top = self.top(at)?;
                self.stack.push(top);
            }

            b'N' => self.stack.push(NONE),
            0x88 => self.stack.push(TRUE),
            0x89 => self.stack.push(FALSE),
            b'J' => {
                let value = i32::from_le_bytes(self.cursor.array("a number")?);
                self.push(Value::Int(i64::from(value)));
            }
            b'K' => {
                let value = self.cursor.u8("a number")?;
                self.push(Value::Int(i64::from(value)));
            }
            b'M' => {
                let value = self.cursor.u16("a number")?;
                self.push(Value::Int(i64::from(value)));
            }
            0x8a => {
                let n = self.cursor.u8("a number")?;
                self.long(usize::from(n))?;
            }
            0x8b => {
                let n = self.cursor.u32("a number")?;
                self.long(n as usize)?;
            }
            b'G' => {
                self.cursor.range(8, "a number")?;
                self.push(Value::Float);
            }

            // Texts: BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, and the two of Python 2.
            b'X' | b'T' => {
                let n = self.cursor.u32("a text")?;
                self.text(u64::from(n))?;
            }
            0x8c | b'U' => {
                let n = self.cursor.u8("a text")?;
                self.text(u64::from(n))?;
            }
            0x8d => {
                let n = self.cursor.u64("a text")?;
                self.text(n)?;
            }
            // Bytes: BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
            b'B' => {
                let n = self.cursor.u32("bytes")?;
                self.skip_bytes(u64::from(n))?;
            }
            b'C' => {
                let n = self.cursor.u8("bytes")?;
                self.skip_bytes(u64::from(n))?;
            }
            0x8e | 0x96 => {
                let n = self.cursor.u64("bytes")?;
                self.skip_bytes(n)?;
            }

            b')' => self.stack.push(EMPTY_TUPLE),
            b't' => {
                let items = self.pop_to_mark(at)?;
                self.push(Value::Tuple(items.into()));
            }
            0x85..=0x87 => {
                let n = usize::from(opcode - 0x84);
                let from = self
                    .stack
                    .len()
                    .checked_sub(n)
                    .filter(|&from| from >= self.floor());
                let from = from.ok_or_else(|| empty(at))?;
                let items: Box<[Id]> = self.stack.drain(from..).collect();
                self.push(Value::Tuple(items));
            }
            b']' | 0x8f => self.push(Value::List(Vec::new())),
            b'l' | 0x91 => {
                let items = self.pop_to_mark(at)?;
                self.push(Value::List(items));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.pop_to_mark(at)?;
                let items = pairs(&items, at)?;
                self.push(Value::Dict(items));
            }
            b'a' => {
                let item = self.pop(at)?;
                self.append(vec![item], at)?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark(at)?;
                self.append(items, at)?;
            }
            b's' => {
                let value = self.pop(at)?;
                let key = self.pop(at)?;
                self.set(vec![(key, value)], at)?;
            }
            b'u' => {
                let items = self.pop_to_mark(at)?;
                let items = pairs(&items, at)?;
                self.set(items, at)?;
            }

            b'q' => {
                let index = self.cursor.u8("a pickle")?;
                self.remember(u32::from(index), at)?;
            }
            b'r' => {
                let index = self.cursor.u32("a pickle")?;
                self.remember(index, at)?;
            }
            0x94 => {
                // Bounded by the number of instructions.
                let index = self.memo.len() as u32;
                self.remember(index, at)?;
            }
            b'h' => {
                let index = self.cursor.u8("a pickle")?;
                self.recall(u32::from(index), at)?;
            }
            b'j' => {
                let index = self.cursor.u32("a pickle")?;
                self.recall(index, at)?;
            }

            b'c' => {
                let module = self.cursor.line("a name")?;
                let name = self.cursor.line("a name")?;
                let [module, name] = [module, name].map(|range| self.keep(Value::Text(range)));
                self.push(Value::Global { module, name });
            }
            0x93 => {
                let name = self.pop(at)?;
                let module = self.pop(at)?;
                self.push(Value::Global { module, name });
            }
            // REDUCE and NEWOBJ: kept, never called.
            b'R' | 0x81 => {
                let arguments = self.pop(at)?;
                let function = self.pop(at)?;
                self.call(function, arguments, at)?;
            }
            0x92 => {
                self.pop(at)?;
                let arguments = self.pop(at)?;
                let function = self.pop(at)?;
                self.call(function, arguments, at)?;
            }
            // BUILD: the state of an object that was not made is kept; that of a dictionary (of a state dict, the versions of its modules)
            // is not needed.
            b'b' => {
                let given = self.pop(at)?;
                let top = self.top(at)?;
                if let Some(Value::Call { state, .. }) = self.values.get_mut(top.0 as usize) {
                    *state = Some(given);
                }
            }
            b'Q' => {
                let id = self.pop(at)?;
                self.push(Value::Persistent(id));
            }
            _ => return self.step_in_words(opcode, at),
        }
        Ok(())
    }

    /// The instructions of protocol 0, whose arguments are lines of text.
    fn step_in_words(&mut self, opcode: u8, at: usize) -> Result<(), Fault> {
        match opcode {
            // INT, LONG, FLOAT.
            b'I' => match self.word("a number")? {
                "00" => self.stack.push(FALSE),
                "01" => self.stack.push(TRUE),
                word => {
                    let value = word.parse().ok();
                    let value = value.ok_or_else(|| Fault::new(at, "what is not a number"))?;
                    self.push(Value::Int(value));
                }
            },
            b'L' => {
                let word = self.word("a number")?.trim_end_matches('L');
                let value = word.parse().ok();
                let value = value.ok_or_else(|| Fault::new(at, "what is not a number"))?;
                self.push(Value::Int(value));
            }
            b'F' => {
                self.word("a number")?;
                self.push(Value::Float);
            }
            // STRING as Python 2 prints it, UNICODE with its own escapes.
            b'S' => {
                let range = self.cursor.line("a text")?;
                let range = within_quotes(self.bytes, range)
                    .ok_or_else(|| Fault::new(at, "a text without its quotes"))?;
                if self.bytes[range.clone()].contains(&b'\\') {
                    let from = self.unescaped.len();
                    escapes::python_2(&self.bytes[range], &mut self.unescaped);
                    self.push(Value::Unescaped(from..self.unescaped.len()));
                } else {
                    self.push(Value::Text(range));
                }
            }
            b'V' => {
                let range = self.cursor.line("a text")?;
                if self.bytes[range.clone()]
                    .iter()
                    .all(|&byte| byte.is_ascii() && byte != b'\\')
                {
                    self.push(Value::Text(range));
                } else {
                    let from = self.unescaped.len();
                    escapes::unicode(&self.bytes[range], &mut self.unescaped);
                    self.push(Value::Unescaped(from..self.unescaped.len()));
                }
            }
            // PUT, GET.
            b'p' | b'g' => {
                let word = self.word("a pickle")?;
                let index: Option<u32> = word.parse().ok();
                let index = index.ok_or_else(|| Fault::new(at, "what is not a number"))?;
                if opcode == b'p' {
                    self.remember(index, at)?;
                } else {
                    self.recall(index, at)?;
                }
            }
            // INST, OBJ: kept, never called.
            b'i' => {
                let [module, name] = [self.cursor.line("a name")?, self.cursor.line("a name")?];
                let [module, name] = [module, name].map(|range| self.keep(Value::Text(range)));
                let function = self.keep(Value::Global { module, name });
                let items = self.pop_to_mark(at)?;
                let arguments = self.keep(Value::Tuple(items.into()));
                self.call(function, arguments, at)?;
            }
            b'o' => {
                let mut items = self.pop_to_mark(at)?;
                if items.is_empty() {
                    return Err(empty(at));
                }
                let function = items.remove(0);
                let arguments = self.keep(Value::Tuple(items.into()));
                self.call(function, arguments, at)?;
            }
            b'P' => {
                let range = self.cursor.line("a name")?;
                let id = self.keep(Value::Text(range));
                self.push(Value::Persistent(id));
            }
            _ => {
                let why = format!("unknown pickle instruction {opcode:#04x}");
                return Err(Fault::new(at, why));
            }
        }
        Ok(())
    }

    /// The line that follows, if it is text.
    fn word(&mut self, what: &str) -> Result<&'a str, Fault> {
        let at = self.cursor.at();
        let range = self.cursor.line(what)?;
        let bytes: &'a [u8] = self.bytes;
        let text = std::str::from_utf8(&bytes[range]);
        let text = text.map_err(|_unreadable| Fault::new(at, format!("{what} that is no text")))?;
        Ok(text.trim_end_matches('\r'))
    }

    fn keep(&mut self, value: Value) -> Id {
        // At most four values an instruction, and instructions are bounded.
        let id = Id(self.values.len() as u32);
        self.values.push(value);
        id
    }

    fn push(&mut self, value: Value) {
        let id = self.keep(value);
        self.stack.push(id);
    }

    /// Below this lies what belongs to an open mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self, at: usize) -> Result<Id, Fault> {
        if self.stack.len() <= self.floor() {
            return Err(empty(at));
        }
        self.stack.pop().ok_or_else(|| empty(at))
    }

    fn top(&self, at: usize) -> Result<Id, Fault> {
        if self.stack.len() <= self.floor() {
            return Err(empty(at));
        }
        self.stack.last().copied().ok_or_else(|| empty(at))
    }

    fn pop_to_mark(&mut self, at: usize) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| Fault::new(at, "no mark on the pickle's stack"))?;
        // Not `split_off`, which may hand on the whole stack's capacity with a few values.
        Ok(self.stack.drain(mark..).collect())
    }

    fn long(&mut self, n: usize) -> Result<(), Fault> {
        let range = self.cursor.range(n, "a number")?;
        let bytes = &self.bytes[range.clone()];
        self.push(match bytes.last() {
            None => Value::Int(0),
            Some(last) if n <= 8 => {
                let fill = if last & 0x80 == 0 { 0 } else { 0xff };
                let mut wide = [fill; 8];
                wide[..n].copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            Some(_) => Value::LongInt(range),
        });
        Ok(())
    }

    fn text(&mut self, n: u64) -> Result<(), Fault> {
        let range: Range<usize> = self.cursor.long_range(n, "a text")?;
        self.push(Value::Text(range));
        Ok(())
    }

    fn skip_bytes(&mut self, n: u64) -> Result<(), Fault> {
        let range = self.cursor.long_range(n, "bytes")?;
        self.push(Value::Bytes(range));
        Ok(())
    }

    fn remember(&mut self, index: u32, at: usize) -> Result<(), Fault> {
        let top = self.top(at)?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u32, at: usize) -> Result<(), Fault> {
        let Some(id) = self.memo.get(&index).copied() else {
            return Err(Fault::new(at, format!("nothing remembered as {index}")));
        };
        self.stack.push(id);
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>, at: usize) -> Result<(), Fault> {
        let top = self.top(at)?;
        match self.values.get_mut(top.0 as usize) {
            Some(Value::List(list)) => list.extend(items),
            // An object of a class derived from list: kept as a name only.
            Some(Value::Call { .. }) => {}
            _ => return Err(Fault::new(at, "appending to what is not a list")),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<(Id, Id)>, at: usize) -> Result<(), Fault> {
        let top = self.top(at)?;
        match self.values.get_mut(top.0 as usize) {
            Some(Value::Dict(dict)) => dict.extend(items),
            Some(Value::Call { .. }) => {}
            _ => {
                return Err(Fault::new(
                    at,
                    "setting an entry of what is not a dictionary",
                ));
            }
        }
        Ok(())
    }

    /// The one call whose result is a plain value: `OrderedDict()`, in Python 2 `OrderedDict([[key, value], ...])`.
    fn call(&mut self, function: Id, arguments: Id, at: usize) -> Result<(), Fault> {
        let value = match self.value(arguments) {
            Some(Value::Tuple(given)) if self.is_ordered_dict(function) => {
                let entries = self.entries(given.first().copied(), at)?;
                self.copies_left = match self.copies_left.checked_sub(entries.len()) {
                    Some(left) => left,
                    None => return Err(Fault::new(at, "a list that is copied too often")),
                };
                Value::Dict(entries)
            }
            _ => Value::Call {
                function,
                arguments,
                state: None,
            },
        };
        self.push(value);
        Ok(())
    }

    fn value(&self, id: Id) -> Option<&Value> {
        self.values.get(id.0 as usize)
    }

    fn is_ordered_dict(&self, function: Id) -> bool {
        let is = |id: Id, text: &[u8]| match self.value(id) {
            Some(Value::Text(range)) => self.bytes.get(range.clone()) == Some(text),
            _ => false,
        };
        match self.value(function) {
            Some(&Value::Global { module, name }) => {
                is(module, b"collections") && is(name, b"OrderedDict")
            }
            _ => false,
        }
    }

    /// The pairs of a list of pairs.
    fn entries(&self, list: Option<Id>, at: usize) -> Result<Vec<(Id, Id)>, Fault> {
        let Some(list) = list else {
            return Ok(Vec::new());
        };
        let Some(Value::List(rows)) = self.value(list) else {
            return Err(Fault::new(at, "an OrderedDict of what is not a list"));
        };
        rows.iter()
            .map(|&row| match self.value(row) {
                Some(Value::Tuple(pair)) => two(pair),
                Some(Value::List(pair)) => two(pair),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::new(at, "an OrderedDict of what are not pairs"))
    }
}

/// A line without the quotes around it.
fn within_quotes(bytes: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let line = bytes.get(range.clone())?;
    let n = line.trim_ascii_end().len();
    let is_quoted = n >= 2 && matches!(line[0], b'\'' | b'"') && line[n - 1] == line[0];
    is_quoted.then(|| range.start + 1..range.start + n - 1)
}

fn two(pair: &[Id]) -> Option<(Id, Id)> {
    match pair {
        [key, value] => Some((*key, *value)),
        _ => None,
    }
}

fn pairs(items: &[Id], at: usize) -> Result<Vec<(Id, Id)>, Fault> {
    if !items.len().is_multiple_of(2) {
        return Err(Fault::new(at, "a key without its value"));
    }
    Ok(items.chunks_exact(2).filter_map(two).collect())
}

fn empty(at: usize) -> Fault {
    Fault::new(at, "the pickle takes a value from an empty stack")
}
