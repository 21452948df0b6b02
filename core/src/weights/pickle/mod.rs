//! Reading Python's pickles without Python: values come out, nothing is ever called.
//!
//! A pickle is a program for a small stack machine. `machine` runs the part of it that makes values, keeps a call to a
//! function (`REDUCE`, `NEWOBJ`) as a value that names the function and its arguments, and leaves it to the reader of a
//! format to know what such a call would have made. So a file cannot run code, whatever it names.
//!
//! Time and memory are bounded: the machine runs a limited number of instructions ([`MOST_OPCODES`]), never recurses, and lets texts stay
//! where they are in the file. Values lie in one table and point to each other by number, so that neither deep nesting nor
//! a list that holds itself costs anything when they are dropped.

mod escapes;
mod machine;
#[cfg(test)]
mod tests;
mod value;

pub(super) use machine::read;
pub(crate) use machine::read_at_most;
pub(crate) use value::{Id, Pickle, Value};

/// The most instructions that are run for a file of weights: about 30 make a tensor, so that this is enough for 30,000 of them. The worst program found
/// (a tuple within a tuple, a million times over) takes 60 MB.
const MOST_OPCODES: usize = 1_000_000;
