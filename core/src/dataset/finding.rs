//! What is noteworthy about a data set: found while it is read, or looked for by the doctor.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

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
    /// Recordings whose published files are known to be broken.
    KnownFault,
    /// A split that Attune made because nobody published one.
    MadeSplit,
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
    /// Files against the checksums that were published.
    Checksum,
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
            Self::Checksum => "checksum",
            Self::KnownFault => "known-fault",
            Self::MadeSplit => "made-split",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// At most so many ids are kept.
pub(super) const MOST_TRACKS: usize = 1000;

impl Finding {
    /// A finding of which no more is known than these words.
    pub fn new(check: Check, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            check,
            severity,
            tracks: Vec::new(),
            n_concerned: 0,
            file: None,
            line: None,
            message: message.into(),
            mend: String::new(),
        }
    }

    /// With what the user can do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }

    /// With the file concerned.
    #[must_use]
    pub fn of_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_path_buf());
        self
    }

    /// With the line concerned, from 1.
    #[must_use]
    pub fn on_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self.n_concerned = self.n_concerned.max(1);
        self
    }

    /// With the tracks concerned, of which the first thousand are named.
    #[must_use]
    pub fn about<'a>(mut self, tracks: impl IntoIterator<Item = &'a str>) -> Self {
        for id in tracks {
            self.n_concerned += 1;
            if self.tracks.len() < MOST_TRACKS {
                self.tracks.push(id.to_owned());
            }
        }
        self
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " ({}, line {line})", file.display()),
            (Some(file), None) => write!(f, " ({})", file.display()),
            (None, _) => Ok(()),
        }
    }
}
