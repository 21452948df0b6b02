//! Labels of elsewhere as decisions: a `labels.csv` (track_id, tag) that somebody worked on with other means.

use super::{Corrections, Mark, Verdict};
use crate::dataset::table::Table;
use crate::dataset::{Dataset, Error};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Takes over a `labels.csv`: each track in it whose tags are others than those that count now is marked as accepted with the file's. Gives
/// how many were. Tracks that are not in the file stay as they are; a track that the data set does not have is an error, and nothing is taken
/// over. All of it can be undone, a track a step.
pub fn import_labels(
    corrections: &mut Corrections,
    dataset: &Dataset,
    file: &Path,
) -> Result<usize, Error> {
    let tracks: BTreeMap<&str, usize> = (0..)
        .zip(&dataset.tracks)
        .map(|(place, track)| (track.id.as_str(), place))
        .collect();
    let table = Table::read(file, &["track_id", "tag"])?;
    let mut wanted: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for row in table.rows() {
        let row = row?;
        let id = row.required("track_id")?;
        let Some(&place) = tracks.get(id) else {
            return Err(row.wrong(
                format!("unknown track `{id}`"),
                "remove this line or name another data set",
            ));
        };
        let tag = row.required("tag")?.to_owned();
        wanted.entry(place).or_default().insert(tag);
    }
    let mut n_marked = 0;
    for (place, tags) in wanted {
        let track = &dataset.tracks[place];
        let now: BTreeSet<String> = match corrections.ledger().mark(&track.id) {
            Some(mark) => mark.tags.iter().cloned().collect(),
            None => dataset.tag_names(place).map(str::to_owned).collect(),
        };
        if now != tags {
            let mark = Mark {
                tags: tags.into_iter().collect(),
                verdict: Some(Verdict::Accepted),
            };
            corrections.mark(&track.id, mark)?;
            n_marked += 1;
        }
    }
    Ok(n_marked)
}
