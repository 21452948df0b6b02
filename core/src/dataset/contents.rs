//! What a data set consists of, condensed part by part: by this a run tells later what has changed in its data, and not only that something has.

use super::{Dataset, Track};
use serde::{Deserialize, Serialize};

/// The parts of a data set. Each digest is 16 hexadecimal digits, the same wherever the folder lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many tracks there are.
    pub tracks: u64,
    /// Which they are: ids, paths, artists, in their order.
    pub listed: String,
    /// In which split each is.
    pub splits: String,
    /// Which tags each has.
    pub labels: String,
    /// When they sound, where that is known.
    pub timelines: String,
}

impl Dataset {
    /// What [`Dataset::fingerprint`] condenses as a whole, part by part; the vocabulary aside.
    pub fn contents(&self) -> Contents {
        let digest = |put: &dyn Fn(&Track, &mut Vec<u8>)| {
            let mut hash = blake3::Hasher::new();
            let mut bytes = Vec::new();
            for track in &self.tracks {
                bytes.clear();
                put(track, &mut bytes);
                hash.update(&(bytes.len() as u64).to_le_bytes());
                hash.update(&bytes);
            }
            hash.finalize().to_hex()[..16].to_owned()
        };
        let base = self.audio_base();
        Contents {
            tracks: self.tracks.len() as u64,
            listed: digest(&|track, bytes| {
                let path = track.path.strip_prefix(&base).unwrap_or(&track.path);
                for part in [track.id.as_bytes(), path.as_os_str().as_encoded_bytes()] {
                    bytes.extend((part.len() as u64).to_le_bytes());
                    bytes.extend(part);
                }
                bytes.extend(track.artist.as_bytes());
            }),
            splits: digest(&|track, bytes| bytes.extend(track.split.name().as_bytes())),
            labels: digest(&|track, bytes| {
                bytes.extend(track.tags.iter().flat_map(|tag| tag.0.to_le_bytes()));
            }),
            timelines: digest(&|track, bytes| {
                for span in &track.timeline {
                    bytes.extend(span.tag.0.to_le_bytes());
                    bytes.extend(span.start_secs.to_le_bytes());
                    bytes.extend(span.end_secs.to_le_bytes());
                }
            }),
        }
    }
}
