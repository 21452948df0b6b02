//! What the timeline shows, written for print and for other programs.

use crate::explanation_files::{Format, Shown};
use crate::timeline::TagRow;
use crate::workbench::parts::song::OpenSong;
use attune_core::figure::{Figure, Print};
use attune_core::interpret::{DrawnTag, Method, SongExplanation, TokenMap};
use attune_core::predict::Model;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is written, and in which formats.
#[derive(Clone, Debug)]
pub struct Export {
    /// The song.
    pub song: Arc<OpenSong>,
    /// The model that explains it.
    pub model: Arc<Model>,
    /// What it finds by the methods for every day.
    pub explanation: Arc<SongExplanation>,
    /// The tags, with all that is shown of them.
    pub rows: Vec<TagRow>,
    /// The visible stretch, in seconds.
    pub secs: Range<f64>,
    /// The formats.
    pub formats: &'static [Format],
}

impl PartialEq for Export {
    /// Every export is one of its own.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Export {
    /// Writes below `folder` and names the files.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        self.with_shown(folder, |shown| shown.write(self.formats))
    }

    /// The picture of it.
    pub fn figure(&self) -> anyhow::Result<Figure> {
        self.with_shown(Path::new(""), |shown| Ok(shown.figure()))
    }

    fn with_shown<T>(
        &self,
        folder: &Path,
        then: impl FnOnce(&Shown<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let explained = with_maps(&self.explanation, &self.rows);
        let others: Vec<Option<SongExplanation>> = self.rows.iter().map(of_other).collect();
        let Some(&(method, _)) = self.rows.first().and_then(|row| row.methods.first()) else {
            anyhow::bail!("no tag is shown");
        };
        anyhow::ensure!(
            explained.map(method).is_some(),
            "the song is not explained by {} yet",
            method.name()
        );
        let rows = self.rows.iter().zip(&others).map(|(row, other)| DrawnTag {
            tag: row.tag_idx,
            methods: row.methods.iter().map(|(method, _)| *method).collect(),
            truth: self.song.heard.truth_of(&explained.tags[row.tag_idx]),
            other: row
                .other
                .as_ref()
                .zip(other.as_ref())
                .map(|(row, explained)| (row.name.as_str(), explained, row.tag_idx)),
        });
        let shown = Shown {
            name: &self.song.heard.name,
            model: &self.model,
            out: folder,
            file_rate_hz: self.song.as_recorded.rate_hz,
            wave: &self.song.heard.wave,
            explanation: &explained,
            method,
            secs: self.secs.clone(),
            rows: rows.collect(),
            print: Print::default(),
        };
        then(&shown)
    }
}

/// What is explained every day, and the maps of the rows by other methods: each with the rows' tags for which it is there.
fn with_maps(usual: &SongExplanation, rows: &[TagRow]) -> SongExplanation {
    let mut explained = usual.clone();
    let mut methods: Vec<Method> = Vec::new();
    for (method, _) in rows.iter().flat_map(|row| &row.methods) {
        if explained.map(*method).is_none() && !methods.contains(method) {
            methods.push(*method);
        }
    }
    for method in methods {
        let maps = rows.iter().filter_map(|row| {
            let (_, found) = row.methods.iter().find(|(its, _)| *its == method)?;
            Some((row.tag_idx, found.as_ref()?.map(method)?))
        });
        let maps: Vec<(usize, &TokenMap)> = maps.collect();
        let Some((_, first)) = maps.first() else {
            continue;
        };
        let values = if method.is_shared() {
            first.values.clone()
        } else {
            let values = maps.iter().flat_map(|(tag, map)| map.tag(*tag));
            values.copied().collect()
        };
        let tags = if method.is_shared() {
            Vec::new()
        } else {
            maps.iter().map(|(tag, _)| *tag).collect()
        };
        let map = TokenMap::new(method, first.grid, tags, values);
        explained.maps.push(map);
    }
    explained
}

/// What another model finds of a row's tag, with its map by the row's first method.
fn of_other(row: &TagRow) -> Option<SongExplanation> {
    let other = row.other.as_ref()?;
    let (method, _) = row.methods.first()?;
    let mut explained = (**other.usual.as_ref()?).clone();
    if explained.map(*method).is_none() {
        let map = other.map.as_ref()?.map(*method)?;
        explained.maps.push(map.clone());
    }
    Some(explained)
}
