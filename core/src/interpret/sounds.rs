//! What a tag's evidence in a song sounds like, and what the model says of it.

use super::listening::{
    USUAL_SHARE, evidence_removed, evidence_stretches, moments_in_a_row, rest_faded,
    strongest_moments,
};
use super::model::failed;
use super::{Error, Method, Moment, SongExplanation};
use crate::audio::Clip;
use crate::job::Job;
use crate::predict::{Model, tag_track};

/// Sounds of a tag's evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Sounds {
    /// Its strongest moments, the strongest first.
    pub moments: Vec<Moment>,
    /// Part of the song that counts as evidence, 0..=1.
    pub share: f64,
    /// The moments one after the other.
    pub in_a_row: Clip,
    /// The song with all but the evidence faded down.
    pub evidence: Clip,
    /// The song with the evidence silent.
    pub without: Clip,
    /// Probability of the tag in the whole song: as it is, with all but its evidence faded down, with its evidence silent.
    pub answers: [f32; 3],
}

/// What is listened to.
#[derive(Clone, Copy, Debug)]
pub struct Listening<'a> {
    /// The song as it was recorded: the sounds are made of it.
    pub song: &'a Clip,
    /// The same, mono at the model's rate: the model is asked about it.
    pub heard: &'a Clip,
    /// Where the evidence lies.
    pub explanation: &'a SongExplanation,
    /// By this method.
    pub method: Method,
    /// Of this tag (index).
    pub tag: usize,
    /// So many moments at most.
    pub n_moments: usize,
}

/// Makes the sounds, and asks the model about them. Fails if nothing in the song speaks for the tag.
pub fn sounds(model: &Model, of: &Listening<'_>, job: &Job) -> Result<Sounds, Error> {
    let explained = of.explanation;
    let duration_secs = explained.duration_secs;
    let nothing = || Error::NoEvidence {
        tag: explained.tags.get(of.tag).cloned().unwrap_or_default(),
        method: of.method,
    };
    let map = explained.map(of.method).ok_or_else(nothing)?;
    let moments = strongest_moments(map, of.tag, of.n_moments, duration_secs);
    if moments.is_empty() {
        return Err(nothing());
    }
    let stretches = evidence_stretches(map, of.tag, USUAL_SHARE, duration_secs);
    let of_tag = |answer: &[f32]| answer.get(of.tag).copied().unwrap_or(f32::NAN);
    let ask = |clip: Clip| {
        let answer = tag_track(model, &clip.samples, job).map_err(failed)?;
        Ok::<f32, Error>(of_tag(&answer))
    };
    let answers = [
        of_tag(&explained.over_time.whole_song),
        ask(rest_faded(of.heard, &stretches))?,
        ask(evidence_removed(of.heard, &stretches))?,
    ];
    Ok(Sounds {
        in_a_row: moments_in_a_row(of.song, &moments),
        evidence: rest_faded(of.song, &stretches),
        without: evidence_removed(of.song, &stretches),
        share: stretches.iter().map(|s| s.end - s.start).sum::<f64>() / duration_secs.max(1e-9),
        moments,
        answers,
    })
}
