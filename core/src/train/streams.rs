//! The streams of clips of a run: labelled ones and, with a teacher, unlabelled ones beside them.

use super::{Error, TrainConfig};
use crate::dataset::{LoaderConfig, Memory, Split};
use crate::features::Input;

/// How long the streams are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) labelled_tracks: usize,
    pub(super) unlabelled_tracks: usize,
    /// Steps in which all labelled tracks come once.
    pub(super) labelled_steps: u32,
    pub(super) unlabelled_steps: u32,
}

impl Lengths {
    /// Of so many tracks with sound. Fails if a stream has fewer than one of its batches needs.
    pub(super) fn of(
        config: &TrainConfig,
        labelled_tracks: usize,
        unlabelled_tracks: usize,
    ) -> Result<Self, Error> {
        let (labelled, unlabelled) = config.clips();
        if labelled_tracks < labelled {
            return Err(Error::TooFewTracks {
                tracks: labelled_tracks,
                batch_size: labelled,
            });
        }
        if unlabelled_tracks < unlabelled {
            return Err(Error::TooFewUnlabelled {
                tracks: unlabelled_tracks,
                clips: unlabelled,
            });
        }
        Ok(Self {
            labelled_tracks,
            unlabelled_tracks,
            labelled_steps: (labelled_tracks / labelled) as u32,
            unlabelled_steps: unlabelled_tracks.checked_div(unlabelled).unwrap_or(0) as u32,
        })
    }

    /// How often the tracks of a split can come within an epoch; of the last round there may be only a part.
    pub(super) fn rounds(self, split: Split) -> u32 {
        let steps = match split {
            Split::Unlabelled => self.unlabelled_steps,
            _ => self.labelled_steps,
        };
        self.steps_per_epoch().div_ceil(steps.max(1))
    }

    /// The shorter of the two streams goes round within the epoch, as in the reference code.
    pub(super) fn steps_per_epoch(self) -> u32 {
        self.labelled_steps.max(self.unlabelled_steps)
    }
}

/// The stream of labelled clips for a network that takes in `input`.
pub(super) fn labelled(
    config: &TrainConfig,
    lengths: Lengths,
    input: Input,
) -> Result<LoaderConfig, Error> {
    Ok(LoaderConfig {
        split: Split::Train,
        crop_samples: (config.input_secs * f64::from(config.clip_rate_hz)).round() as usize,
        batch_size: config.clips().0,
        chain: config.augmentation.resolve()?,
        seed: config.seed,
        n_threads: crate::device::loader_threads(),
        prefetch: 4,
        memory: crate::device::loader_memory().map_or(
            Memory::About(crate::device::USUAL_LOADER_MEMORY),
            Memory::AtMost,
        ),
        input,
        clean: None,
        steps_per_epoch: Some(lengths.steps_per_epoch()),
    })
}

/// The stream of unlabelled clips, cut and augmented as the labelled ones. A teacher that takes in `clean` hears them, too.
pub(super) fn unlabelled(
    config: &TrainConfig,
    labelled: &LoaderConfig,
    clean: Option<Input>,
) -> LoaderConfig {
    LoaderConfig {
        split: Split::Unlabelled,
        batch_size: config.clips().1,
        clean,
        ..labelled.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::NoisyStudent;

    #[test]
    fn the_shorter_stream_goes_round_and_the_longer_comes_once() {
        let config = TrainConfig {
            batch_size: 4,
            noisy_student: Some(NoisyStudent::of("teacher")),
            ..TrainConfig::default()
        };
        let (labelled, unlabelled) = config.clips();
        let lengths = Lengths::of(&config, 3 * labelled, 7 * unlabelled).unwrap();
        assert_eq!(lengths.steps_per_epoch(), 7);
        assert_eq!(
            lengths.rounds(Split::Train),
            3,
            "two, and a part of the third"
        );
        assert_eq!(lengths.rounds(Split::Unlabelled), 1);
    }
}
