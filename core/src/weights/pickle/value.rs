//! What a pickle holds.

use std::ops::Range;

/// The number of a value in [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(super) u32);

/// A value of Python's, as far as files of tensors need them. Texts and bytes are ranges of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits: little-endian, two's complement.
    LongInt(Range<usize>),
    Float,
    Text(Range<usize>),
    Bytes(Range<usize>),
    /// A text or bytes that were written with escapes: a range of [`Pickle::unescaped`].
    Unescaped(Range<usize>),
    Tuple(Box<[Id]>),
    /// A list, or a set.
    List(Vec<Id>),
    /// A `dict` or an `OrderedDict`, in its order; a later entry of the same key counts.
    Dict(Vec<(Id, Id)>),
    /// A function or class, by the values of its module and name.
    Global {
        module: Id,
        name: Id,
    },
    /// A call that was not made, or an object of a class that is not known.
    Call {
        function: Id,
        arguments: Id,
        /// What the object would have been given after it was made.
        state: Option<Id>,
    },
    /// Something that lies outside the pickle: a storage.
    Persistent(Id),
}

/// The values of one pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
    pub(super) end: usize,
    pub(super) unescaped: Vec<u8>,
}

impl<'a> Pickle<'a> {
    /// The value that the pickle stands for.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// The byte behind the pickle.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// A value. Values only name numbers of their own pickle.
    pub(crate) fn value(&self, id: Id) -> &Value {
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    /// All values, whether the root reaches them or not.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The bytes of a value that is a text or bytes, however they were written.
    pub(crate) fn raw(&self, id: Id) -> Option<&[u8]> {
        match self.value(id) {
            Value::Text(range) | Value::Bytes(range) => self.bytes.get(range.clone()),
            Value::Unescaped(range) => self.unescaped.get(range.clone()),
            _ => None,
        }
    }

    /// A value that is a text and was written without escapes.
    pub(crate) fn text(&self, id: Id) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(range) => std::str::from_utf8(self.bytes.get(range.clone())?).ok(),
            _ => None,
        }
    }

    /// A value that is an integer of at least 0.
    pub(crate) fn count(&self, id: Id) -> Option<usize> {
        match self.value(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A value that is a tuple.
    pub(crate) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A value that is a dictionary.
    pub(crate) fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(items) => Some(items),
            _ => None,
        }
    }

    /// A value that is a function or class: its module and its name.
    pub(crate) fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match self.value(id) {
            Value::Global { module, name } => Some((self.text(*module)?, self.text(*name)?)),
            _ => None,
        }
    }

    /// The value of a text key.
    pub(crate) fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let items = self.dict(dict)?;
        let found = items.iter().rev().find(|(k, _)| self.text(*k) == Some(key));
        found.map(|(_, value)| *value)
    }

    /// What kind of value it is, in Python's words.
    pub(crate) fn kind(&self, id: Id) -> String {
        match self.value(id) {
            Value::None => "None".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Int(_) | Value::LongInt(_) => "int".to_owned(),
            Value::Float => "float".to_owned(),
            Value::Text(_) | Value::Unescaped(_) => "str".to_owned(),
            Value::Bytes(_) => "bytes".to_owned(),
            Value::Tuple(_) => "tuple".to_owned(),
            Value::List(_) => "list".to_owned(),
            Value::Dict(_) => "dict".to_owned(),
            Value::Persistent(_) => "storage".to_owned(),
            Value::Call { function, .. } => match self.global(*function) {
                Some((module, name)) => format!("{module}.{name}"),
                None => "object".to_owned(),
            },
            Value::Global { .. } => match self.global(id) {
                Some((module, name)) => format!("the name {module}.{name}"),
                None => "name".to_owned(),
            },
        }
    }
}
