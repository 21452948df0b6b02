//! Asking a model about the windows of a song, chunk by chunk, so that nothing is heard twice.

use super::between::Between;
use super::{Error, Explainer, Wanted, WindowExplanation};
use crate::job::Job;
use crate::predict::{SlidingWindows, Tokens};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is asked, and of what.
pub(super) struct Asked<'a> {
    pub(super) model: &'a dyn Explainer,
    pub(super) wave: &'a [f32],
    pub(super) windows: &'a SlidingWindows,
    pub(super) wanted: Wanted<'a>,
    pub(super) between: Option<Between>,
}

impl Asked<'_> {
    /// Explains the windows from some chunks on up to the next. `heard` is what was heard in chunks, and is kept for the next call as far as
    /// it is of use there.
    pub(super) fn explain(
        &self,
        chunks: Range<usize>,
        heard: &mut BTreeMap<usize, Tokens>,
        job: &Job,
    ) -> Result<Vec<(usize, WindowExplanation)>, Error> {
        let of_chunks = &self.windows.chunks;
        let end = of_chunks.get(chunks.end).copied();
        let windows = of_chunks[chunks.start]..end.unwrap_or(self.windows.starts.len());
        let mut joints = Vec::new();
        if let Some(between) = &self.between {
            heard.retain(|chunk, _| *chunk >= chunks.start);
            let to_hear: Vec<usize> = (chunks.start..(chunks.end + 1).min(of_chunks.len()))
                .filter(|chunk| !heard.contains_key(chunk))
                .collect();
            let newly = in_parallel(to_hear, job, |chunk| {
                let tokens = self
                    .model
                    .hear(&self.windows.cut(self.wave, of_chunks[chunk]));
                Ok((chunk, self.locate(of_chunks[chunk], tokens)?))
            })?;
            heard.extend(
                newly
                    .into_iter()
                    .filter_map(|(chunk, tokens)| Some((chunk, tokens?))),
            );
            joints = in_parallel(chunks.clone().collect(), job, |chunk| {
                let (from, next) = (of_chunks[chunk], of_chunks.get(chunk + 1));
                // A joint is heard for the windows across it.
                let Some(&next) = next.filter(|&&next| next > from + 1) else {
                    return Ok(None);
                };
                let [start, end] = [from, next].map(|idx| self.windows.starts[idx]);
                self.locate(from, between.joint(self.model, self.wave, start, end))
            })?;
        }
        let heard = &*heard;
        in_parallel(windows.collect(), job, |idx| {
            let wave = self.windows.cut(self.wave, idx);
            let chunk = of_chunks.partition_point(|&chunk| chunk <= idx) - 1;
            let answer = match &self.between {
                Some(between) => {
                    let joint = joints.get(chunk - chunks.start).and_then(Option::as_ref);
                    let tokens = self.tokens(between, idx, chunk, heard, joint);
                    tokens.and_then(|tokens| {
                        self.model
                            .explain_heard(&wave, tokens.as_deref(), &self.wanted)
                    })
                }
                None => self.model.explain(&wave, &self.wanted),
            };
            Ok((idx, self.locate(idx, answer)?))
        })
    }

    /// What was heard in a window, which starts at a chunk or between it and the next.
    fn tokens<'a>(
        &self,
        between: &Between,
        window: usize,
        chunk: usize,
        heard: &'a BTreeMap<usize, Tokens>,
        joint: Option<&Tokens>,
    ) -> Result<Option<Cow<'a, Tokens>>, Error> {
        let start_of = |window: usize| self.windows.starts[window];
        let first = self.windows.chunks[chunk];
        let (Some(before), false) = (heard.get(&chunk), window == first) else {
            return Ok(heard.get(&chunk).map(Cow::Borrowed));
        };
        let Some(behind) = heard.get(&(chunk + 1)) else {
            return Ok(None);
        };
        let gap = start_of(self.windows.chunks[chunk + 1]) - start_of(first);
        let from_chunk = start_of(window) - start_of(first);
        let tokens = between.window(from_chunk, gap, before, joint, behind)?;
        Ok(Some(Cow::Owned(tokens)))
    }

    /// Says where in the song a model failed.
    fn locate<T>(&self, window: usize, answer: Result<T, Error>) -> Result<T, Error> {
        let start = self.windows.starts[window] as f64;
        answer.map_err(|error| match error {
            Error::Model { source, .. } => Error::Model {
                start_secs: start / f64::from(self.model.sample_rate_hz()),
                source,
            },
            other => other,
        })
    }
}

/// The answers for some numbers, in their order, or the first failure.
fn in_parallel<T: Send>(
    of: Vec<usize>,
    job: &Job,
    answer: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    of.into_par_iter()
        .map(|one| {
            job.check()?;
            answer(one)
        })
        .collect()
}
