//! Decoding a track again whose samples are not what was written.
//!
//! All repairs of a session lie in one shard of their own, which is readable after each of them. They do not wait for those who decode: that
//! lock only keeps two processes from decoding the same, and a loader might wait for hours.

use super::super::{Error, Track};
use super::cache::{PcmCache, locked};
use super::key::{Keys, hash_of};
use super::pcm::Pcm;
use super::shard::Damaged;
use super::writer::{Appended, Writer};
use crate::audio;
use crate::job::Job;
use crate::message::full_message;

impl PcmCache {
    /// Decodes a track again; says why not if that cannot be done.
    pub(super) fn repair(
        &self,
        track: &Track,
        pcm: &Pcm,
        damaged: &Damaged,
    ) -> Result<Pcm, String> {
        let mut repairs = locked(&self.repairs);
        // Another thread may have been faster.
        if let Some(pcm) = self.samples(track).filter(Pcm::is_sound) {
            return Ok(pcm);
        }
        let told = |error: Error| full_message(&error);
        let key = Keys::default().of(&track.path, self.rate_hz);
        let key = key.map_err(|error| error.to_string())?;
        let decoded = audio::decode_mono_16(&track.path, self.rate_hz, &Job::quiet());
        let (samples, _) = decoded.map_err(|error| full_message(&error))?;
        if samples.len() != pcm.n_samples() {
            return Err("the audio file was changed since it was decoded".into());
        }
        let written = match repairs.as_mut().map(|writer| write(writer, key, &samples)) {
            Some(Ok(place)) => place,
            // The first, or the folder was deleted since the last one.
            _ => {
                let writer = repairs.insert(Writer::new(&self.folder, self.budget_bytes));
                write(writer, key, &samples).map_err(told)?
            }
        };
        let path = hash_of(&track.path);
        let holder = repairs
            .as_ref()
            .and_then(|writer| writer.holder(&written.shard));
        let mut known = self.known_mut();
        let shard = (&*self.folder, &*written.shard);
        let is_noted = known
            .note(path, shard, &written.entry, holder)
            .map_err(told)?;
        let repaired = known.pcm(path).filter(|_| is_noted);
        let repaired = repaired.ok_or_else(|| "it vanished at once".to_owned())?;
        drop(known);
        self.warnings().tell(format!(
            "the decoded sound of track `{}` in the cache was damaged ({damaged}); it was decoded again ({})",
            track.id,
            pcm.shard_path().display()
        ));
        // It can be read all the same.
        if let Err(error) = self.keep_to_budget() {
            self.warnings().tell(full_message(&error));
        }
        Ok(repaired)
    }
}

/// Appends samples so that they can be read at once.
fn write(writer: &mut Writer, key: u128, samples: &[i16]) -> Result<Appended, Error> {
    let appended = writer.append(key, samples)?;
    writer.publish()?;
    Ok(appended)
}
