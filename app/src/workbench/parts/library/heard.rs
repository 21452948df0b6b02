//! Tracks that were opened from the list are decoded by that: the catalogue remembers how it went.

use crate::workbench::parts::song;
use attune_core::dataset::Catalogue;
use attune_core::dataset::catalogue::{Checked, Status};
use std::path::{Path, PathBuf};

/// A track that was opened from the list and is being decoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    /// Number of the data set in the catalogue.
    pub(super) dataset: i64,
    /// Its id.
    pub(super) id: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// What the catalogue knew of it.
    pub(super) status: Status,
}

impl Heard {
    /// What decoding found, once it is over; `None` until then.
    pub(super) fn outcome(&self, song: &song::State) -> Option<Checked> {
        let opened = song.current().filter(|song| song.heard.path == self.path);
        let sound = opened.map(|song| &song.as_recorded);
        let (rate_hz, duration_secs) = sound
            .map(|clip| (clip.rate_hz, clip.duration_secs()))
            .unzip();
        let (status, message) = match (opened, song.error_of(&self.path)) {
            (Some(song), _) if song.warnings.is_empty() => (Status::Fine, String::new()),
            (Some(song), _) => (Status::Damaged, song.warnings.join("; ")),
            (None, Some(error)) => (Status::Broken, error.to_owned()),
            (None, None) => return None,
        };
        Some(Checked {
            track: self.id.clone(),
            path: self.path.clone(),
            status,
            message,
            rate_hz,
            duration_secs,
        })
    }
}

/// Keeps it in the catalogue.
pub(super) fn record(catalogue: &Path, dataset: i64, mut found: Checked) -> anyhow::Result<()> {
    if found.status == Status::Broken && !found.path.exists() {
        found.status = Status::Missing;
        found.message.clear();
    }
    Catalogue::open(catalogue)?.record(dataset, &[found])?;
    Ok(())
}
