//! What is noteworthy about a data set: found while it is read, or looked for by the doctor.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know; results do not suffer.
    Note,
    /// Results may suffer, or tracks are left out.
    Warning,
    /// Results would be wrong.
    Error,
}

/// What was looked at. The names are those of the machine-readable report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Files of the data set that are not there.
    MissingFile,
    /// Lines of annotation that cannot be read.
    BadLine,
    /// Counts of tracks, tags or labels against those that were published.
    Counts,
    /// The tags and their order against those that were published.
    TagOrder,
    /// Audio files of which nothing can be decoded.
    Unreadable,
    /// Audio files that end before they should.
    CutOff,
    /// Audio files of which parts could not be decoded.
    Damaged,
    /// Files without sound, or mostly so.
    Silent,
    /// Sound beyond full scale, or with its tops cut.
    Clipped,
    /// Files shorter than the others, or than asked for.
    TooShort,
    /// Sample rates other than most, or than asked for.
    WrongRate,
    /// Mono among stereo and the other way round.
    Channels,
    /// Sound that is not centred on zero.
    DcOffset,
    /// The same recording under two ids.
    DuplicateAudio,
    /// Length of the audio against the one stated.
    Length,
    /// Tags that no track has.
    EmptyTag,
    /// Tags that no track of one part has.
    AbsentTag,
    /// Labelled tracks without any tag.
    NoTag,
    /// Tags whose names differ only in how they are written, or that carry blanks.
    TagSpelling,
    /// Line ends, byte order marks and blanks of annotation files.
    TextForm,
    /// A track in two parts of one split.
    SplitOverlap,
    /// An artist on both sides of a split.
    ArtistLeak,
    /// An album on both sides of a split.
    AlbumLeak,
    /// An audio file on both sides of a split.
    FileLeak,
    /// Copies of a recording on both sides of a split.
    RecordingLeak,
    /// Audio files that no track names.
    UnlistedFile,
}

impl Check {
    /// The name in reports: that of the machine-readable one.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingFile => "missing-file",
            Self::BadLine => "bad-line",
            Self::Counts => "counts",
            Self::TagOrder => "tag-order",
            Self::Unreadable => "unreadable",
            Self::CutOff => "cut-off",
            Self::Damaged => "damaged",
            Self::Silent => "silent",
            Self::Clipped => "clipped",
            Self::TooShort => "too-short",
            Self::WrongRate => "wrong-rate",
            Self::Channels => "channels",
            Self::DcOffset => "dc-offset",
            Self::DuplicateAudio => "duplicate-audio",
            Self::Length => "length",
            Self::EmptyTag => "empty-tag",
            Self::AbsentTag => "absent-tag",
            Self::NoTag => "no-tag",
            Self::TagSpelling => "tag-spelling",
            Self::TextForm => "text-form",
            Self::SplitOverlap => "split-overlap",
            Self::ArtistLeak => "artist-leak",
            Self::AlbumLeak => "album-leak",
            Self::FileLeak => "file-leak",
            Self::RecordingLeak => "recording-leak",
            Self::UnlistedFile => "unlisted-file",
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Severity {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How much it matters.
    pub severity: Severity,
    /// Ids of the tracks concerned, if it is about tracks; at most the first thousand.
    pub tracks: Vec<String>,
    /// How many tracks or lines are concerned.
    pub n_concerned: usize,
    /// The file concerned.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// What was found, in words.
    pub message: String,
    /// What the user can do about it, in words; empty where there is nothing to do.
    pub mend: String,
}
