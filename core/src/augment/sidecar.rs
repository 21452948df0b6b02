//! The record beside an augmented sound (`OUT.json` beside `OUT.wav`): enough to make it again.
//!
//! ```json
//! { "attune": "0.1.0", "source": "song.mp3", "start_samples": 0, "n_samples": 441000, "rate_hz": 44100,
//!   "draw": { "seed": 7, "epoch": 0, "visit": 0, "track": 0, "effects": [{ "effect": "gain", "db": -6.0 }] },
//!   "chain": "reference", "company": ["other.wav"], "note": "" }
//! ```

use super::{Draw, Error};
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How an augmented sound was made.
///
/// The sound is: `source` decoded, mixed down to mono and resampled to `rate_hz`; from `start_samples` on `n_samples` of it (zeros beyond
/// its end); then `draw` applied among the sounds of `company` ([`super::Sounds`]), each made the same way, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Version of Attune that made it.
    pub attune: String,
    /// The file that it was made of.
    pub source: PathBuf,
    /// Where the clip begins in its file, in samples at `rate_hz`.
    #[serde(default)]
    pub start_samples: u64,
    /// Length of the clip in samples at `rate_hz`.
    pub n_samples: u64,
    /// Rate of the sound.
    pub rate_hz: u32,
    /// What was applied, and at which address.
    pub draw: Draw,
    /// Name of the chain that was rolled, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Files of the other tracks for mixup and background, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub company: Vec<PathBuf>,
    /// What somebody wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Sidecar {
    /// Where the record of a sound lies: `OUT.json` beside `OUT.wav`.
    pub fn beside(sound: &Path) -> PathBuf {
        sound.with_extension("json")
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Sidecar {
            what: "written",
            path: path.to_owned(),
            source,
        };
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| failed(io::Error::other(error)))?;
        text.push('\n');
        write_whole(path, |file| file.write_all(text.as_bytes())).map_err(failed)
    }

    /// Reads it back. Numbers that the effects do not take are refused, and more samples than a WAV file holds.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Sidecar {
            what: "read",
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let sidecar: Self =
            serde_json::from_str(&text).map_err(|error| failed(io::Error::other(error)))?;
        if sidecar.n_samples > MAX_SAMPLES {
            let why = format!(
                "n_samples {} is more than the {MAX_SAMPLES} that a WAV file holds",
                sidecar.n_samples
            );
            return Err(failed(io::Error::other(why)));
        }
        Ok(sidecar)
    }

    /// The clip out of its whole file, mono at `rate_hz`.
    pub fn cut(&self, whole: &[f32]) -> Vec<f32> {
        let at = |sample: u64| {
            usize::try_from(sample)
                .unwrap_or(usize::MAX)
                .min(whole.len())
        };
        let end = at(self.start_samples.saturating_add(self.n_samples));
        let mut clip = whole[at(self.start_samples)..end].to_vec();
        clip.resize(self.n_samples.min(MAX_SAMPLES) as usize, 0.0);
        clip
    }
}

/// A WAV file counts its bytes in 32 bits, and a sample has four of them.
const MAX_SAMPLES: u64 = u32::MAX as u64 / 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Effect;

    fn sidecar() -> Sidecar {
        Sidecar {
            attune: "0.1.0".to_owned(),
            source: "song.mp3".into(),
            start_samples: 10,
            n_samples: 5,
            rate_hz: 22050,
            draw: Draw::of(vec![Effect::Gain { db: -6.1 }], 7),
            chain: Some("mine".to_owned()),
            company: vec!["other.wav".into()],
            note: "too soft".to_owned(),
        }
    }

    #[test]
    fn it_is_written_beside_its_sound_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = Sidecar::beside(&folder.path().join("out.wav"));
        assert_eq!(path, folder.path().join("out.json"));
        sidecar().write(&path).unwrap();
        assert_eq!(Sidecar::read(&path).unwrap(), sidecar());
    }

    #[test]
    fn a_clip_is_cut_at_its_place_and_padded() {
        let whole: Vec<f32> = (0..13).map(|i| i as f32).collect();
        assert_eq!(sidecar().cut(&whole), [10.0, 11.0, 12.0, 0.0, 0.0]);
        assert_eq!(sidecar().cut(&[]), [0.0; 5]);
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let mut text = serde_json::to_string(&sidecar()).unwrap();
        text = text.replace("-6.1", "900.0");
        std::fs::write(&path, &text).unwrap();
        let told = || crate::message::full_message(&Sidecar::read(&path).unwrap_err());
        let error = told();
        assert!(error.contains("900") && error.contains("60 dB"), "{error}");
        std::fs::write(&path, "{").unwrap();
        let error = told();
        assert!(error.contains("x.json"), "{error}");
        let endless = Sidecar {
            n_samples: 4_000_000_000,
            ..sidecar()
        };
        std::fs::write(&path, serde_json::to_string(&endless).unwrap()).unwrap();
        let error = told();
        assert!(error.contains("n_samples 4000000000"), "{error}");
    }
}
