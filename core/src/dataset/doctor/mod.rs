//! The doctor: listens to every file of a data set, reads its annotations again, and says what is wrong and how to mend it.
//!
//! ```text
//!                ┌─ listening: hearing, measuring (decode once, on all cores, in pieces) ─► Notebook (kept by path, size, time of change)
//! Collection ────┤                    │ figures, fingerprints (as many words as fit into memory)
//!                │                    ├─ sound_checks of each file, told at once
//!                │                    └─ sound_checks of all, duplicates (fingerprints) ┐
//!                └─ label_checks, split_checks, file_checks ────────────────────┴─ copies (what stays) ─► Report ─► table, JSON, rules
//! ```
//!
//! A file that has not changed is not decoded again, so that stopped work goes on where it was and a second look is quick.

mod checksums;
mod copies;
mod duplicates;
mod examination;
mod file_checks;
mod fingerprint;
mod hearing;
mod label_checks;
mod listening;
mod measuring;
mod notebook;
mod report;
mod sound_checks;
mod split_checks;
mod tag_orders;

pub use duplicates::{Copies, Match};
pub use examination::{KnownCopies, Options, copies_by_notebook, examine};
pub use notebook::Notebook;
pub use report::{Counted, Entry, Files, Report, Sound};

#[cfg(test)]
mod tests;
