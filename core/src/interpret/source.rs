//! What an explanation is of: stands in the files that other programs read.

/// Names that an explanation itself does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Name of the song.
    pub song: &'a str,
    /// Name of the model.
    pub model: &'a str,
    /// Hash of the model, equal for equal answers.
    pub fingerprint: &'a str,
}

/// Seconds to a millionth, as in all files: what is left out is rounding of the computer's.
pub(super) fn rounded(secs: f64) -> f64 {
    (secs * 1e6).round() / 1e6
}
