//! Part of a validation, if the recipe asks for it: whether the model's explanation finds what is known to sound, by the method that one looks at
//! first (the contribution, or occlusion where there is no class token), on the validation tracks with timelines.

use super::Run;
use crate::interpret::{self, Explainer, Localiser};
use crate::job::{Cancelled, Job};
use crate::message::full_message;
use crate::predict::Model;
use crate::run::{Event, TimelineScores};
use crate::train::Error;
use crate::train::handle::preparing_job;
use crate::train::prepare::whole_track;
use std::sync::Arc;
use std::time::Instant;

impl Run {
    /// How well `model` finds what the timelines tell; `None` if nobody wants to know or nothing could be found. What goes wrong here does not
    /// undo the validation: it is a warning. Fails with [`Error::Cancelled`] if the user stopped the run meanwhile.
    pub(super) fn localise(&mut self, model: &Model) -> Result<Option<TimelineScores>, Error> {
        if self.data.timeline_idxs.is_empty() {
            return Ok(None);
        }
        let found = self.localise_tracks(model);
        self.line.shared.progress.store(None);
        match found {
            Err(error) if !matches!(error, Error::Cancelled(_)) => {
                let why = full_message(&error);
                let message = format!("localisation was not measured: {why}");
                self.event(Event::Warned { message })?;
                Ok(None)
            }
            found => found,
        }
    }

    fn localise_tracks(&mut self, model: &Model) -> Result<Option<TimelineScores>, Error> {
        let begun = Instant::now();
        let (dataset, cache) = (Arc::clone(&self.data.dataset), Arc::clone(&self.data.cache));
        let Some(method) = model.usual_methods().first().copied() else {
            return Ok(None);
        };
        // A song may be long: a stop does not wait for its end.
        let cancel = preparing_job(&self.line.shared, &self.line.wake).cancel;
        let job = Job::new(cancel, |_| ());
        let mut localiser = Localiser::new(model, &dataset, &[method]);
        let track_idxs = self.data.timeline_idxs.clone();
        for (at, &track_idx) in track_idxs.iter().enumerate() {
            self.tell_progress(at, track_idxs.len(), "localising");
            self.obey()?;
            if self.wants_stop {
                return Err(Cancelled.into());
            }
            let Some(wave) = whole_track(&dataset, track_idx, &cache, model.sample_rate_hz())?
            else {
                continue;
            };
            match localiser.add(&dataset.tracks[track_idx], &wave, &job) {
                Err(interpret::Error::Cancelled(cancelled)) => {
                    // Nothing else raises this flag; the command itself may not have come in yet.
                    self.wants_stop = true;
                    return Err(cancelled.into());
                }
                added => added?,
            }
        }
        let found = localiser.localised(0);
        Ok(found.map(|found| TimelineScores {
            method: method.name().to_owned(),
            n_tracks: localiser.n_tracks() as u64,
            found,
            seconds: begun.elapsed().as_secs_f64(),
        }))
    }
}
