//! What can be wrong with an effect or a chain that a user wrote. Applying an effect never fails.

use std::path::PathBuf;

/// Why an effect or a chain cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No effect has that name.
    #[error("there is no effect `{name}`; the effects are {known}")]
    UnknownEffect {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The effect has no parameter of that name.
    #[error("{effect} has no parameter `{name}`; {known}")]
    UnknownParameter {
        /// The effect's name.
        effect: &'static str,
        /// What was asked for.
        name: String,
        /// What the effect takes, in words.
        known: String,
    },
    /// A parameter is given twice.
    #[error("{effect}: `{name}` is given twice")]
    RepeatedParameter {
        /// The effect's name.
        effect: &'static str,
        /// The parameter's name.
        name: &'static str,
    },
    /// A parameter is not written as `name=number`.
    #[error("{effect}: expected name=number, found `{text}`; {known}")]
    NotAnAssignment {
        /// The effect's name.
        effect: &'static str,
        /// What was found.
        text: String,
        /// What the effect takes, in words.
        known: String,
    },
    /// A number lies outside what the effect takes.
    #[error("{effect}: {name} {value} is outside {min} to {max} {unit}")]
    OutOfRange {
        /// The effect's name.
        effect: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// What was asked for.
        value: f32,
        /// Smallest value.
        min: f32,
        /// Largest value.
        max: f32,
        /// Unit of the three.
        unit: &'static str,
    },
    /// A range from which numbers are drawn makes no sense.
    #[error("{effect}: the range of {name}, {min} to {max} {unit}, {why}")]
    BadRange {
        /// The effect's name.
        effect: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// Smallest value.
        min: f32,
        /// Largest value.
        max: f32,
        /// Unit of the two.
        unit: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// An effect needs another clip where there is none.
    #[error(
        "{effect} needs another track, and a sweep has none: it would change nothing. Leave {effect} out"
    )]
    NoCompany {
        /// The effect's name.
        effect: &'static str,
    },
    /// A choice of a chain does not say where a number is drawn from.
    #[error("{effect}: expected a range for {name}, as {name} = {{ min = …, max = … }}")]
    MissingRange {
        /// The effect's name.
        effect: &'static str,
        /// The parameter's name.
        name: &'static str,
    },
    /// A step of a chain makes no sense.
    #[error("step {number} of the chain: {reason}")]
    BadStep {
        /// Number of the step, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// No preset has that name.
    #[error(
        "there is no augmentation chain `{name}`; the chains are {known}, or name a .toml file"
    )]
    UnknownChain {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The chain's file is not there or cannot be read.
    #[error("the augmentation chain cannot be read: {path}")]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A chain cannot have that name.
    #[error("a chain cannot be called {name:?}: {why}")]
    BadName {
        /// What was asked for.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The chain's file cannot be written or removed.
    #[error("the augmentation chain cannot be {what}: {path}")]
    Store {
        /// "written" or "removed".
        what: &'static str,
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The record beside an augmented sound cannot be read or written.
    #[error("the record of an augmented sound cannot be {what}: {path}")]
    Sidecar {
        /// "read" or "written".
        what: &'static str,
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The chain is not the TOML it should be.
    #[error("the augmentation chain {name} is not right")]
    Toml {
        /// File or preset.
        name: String,
        /// Line and reason.
        source: Box<toml::de::Error>,
    },
    /// There is nothing to paste.
    #[error("there is no draw in the clipboard: Copy puts one there")]
    NothingCopied,
    /// The text is no draw.
    #[error("this is not a draw as Copy writes it")]
    NotADraw(#[source] serde_json::Error),
    /// The file of kept draws cannot be read or written.
    #[error("the kept draws are not readable or writable: {path}")]
    Notebook {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A chain or a draw cannot be written as TOML.
    #[error("it cannot be written as TOML")]
    Write(#[from] toml::ser::Error),
}
