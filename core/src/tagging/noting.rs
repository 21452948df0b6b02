//! Tagging decodes every file: what that finds is told to the catalogue.

use super::{Row, ToTag};
use crate::dataset::Catalogue;
use crate::dataset::catalogue::{Checked, Status};
use crate::message::full_message;
use std::path::{Path, PathBuf};

/// Outcomes that are kept in memory at most before they are noted.
const AT_ONCE: usize = 4096;

/// How a file was decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decoding {
    pub(super) status: Status,
    /// The file's own rate in hertz, if it could be decoded.
    pub(super) rate_hz: Option<u32>,
}

/// What was found and is not in the catalogue yet.
#[derive(Debug)]
pub(super) struct Noting<'a> {
    catalogue: Option<&'a Path>,
    /// By data set.
    found: Vec<(PathBuf, Vec<Checked>)>,
    n_found: usize,
    /// Why the catalogue does not take it: tagging goes on without.
    refused: Option<String>,
}

impl<'a> Noting<'a> {
    /// For the catalogue in this file; for none, nothing is noted.
    pub(super) fn new(catalogue: Option<&'a Path>) -> Self {
        Self {
            catalogue,
            found: Vec::new(),
            n_found: 0,
            refused: None,
        }
    }

    /// Notes a track of a data set; others are in no catalogue.
    pub(super) fn note(&mut self, track: &ToTag, row: &Row, decoding: Decoding) {
        let Some((root, id)) = track.in_set() else {
            return;
        };
        if self.catalogue.is_none() || decoding.status == Status::Unchecked {
            return;
        }
        let message = match decoding.status {
            Status::Broken => &row.error,
            Status::Damaged => &row.warning,
            _ => "",
        };
        let checked = Checked {
            status: decoding.status,
            message: message.to_owned(),
            rate_hz: decoding.rate_hz,
            duration_secs: row.duration_secs,
            ..Checked::fine(id, &track.path)
        };
        match self.found.iter_mut().find(|(of, _)| of == root) {
            Some((_, found)) => found.push(checked),
            None => self.found.push((root.to_path_buf(), vec![checked])),
        }
        self.n_found += 1;
        if self.n_found >= AT_ONCE {
            self.write();
        }
    }

    /// Brings it into the catalogue.
    pub(super) fn write(&mut self) {
        self.n_found = 0;
        for (root, found) in std::mem::take(&mut self.found) {
            let Some(catalogue) = self.catalogue else {
                return;
            };
            if let Err(error) = Catalogue::record_of(catalogue, &root, &found) {
                self.refused = Some(full_message(&error));
                self.catalogue = None;
            }
        }
    }

    /// The same, when all is done; why some of it was not taken.
    pub(super) fn finish(mut self) -> Option<String> {
        self.write();
        self.refused
    }
}
