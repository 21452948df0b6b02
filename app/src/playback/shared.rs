//! What the window, the worker and the callback share: wishes one way, the clock the other.

use super::slot::Slot;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Nanoseconds on a clock that only goes forward. A parameter, so that tests have their own time.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What becomes of the sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A device is being opened.
    Opening,
    /// It is heard on this device.
    Device(String),
    /// It is not heard, and why; the play head runs all the same.
    Silent(String),
}

/// What the listener wants; the callback follows within a buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wishes {
    pub(super) playing: bool,
    pub(super) volume: f32,
    pub(super) variant: usize,
    /// Start and end in seconds.
    pub(super) repeat: Option<(f64, f64)>,
    /// The track that was loaded last.
    pub(super) track: u64,
    /// Counts seeks; a seek that the engine has not seen is still to be done.
    pub(super) seek: u64,
    pub(super) seek_secs: f64,
    /// Seconds of the song in a second, at the same pitch.
    pub(super) speed: f64,
}

impl Wishes {
    pub(super) const N_WORDS: usize = 9;

    pub(super) fn words(&self) -> [u64; Self::N_WORDS] {
        let (start, end) = self.repeat.unwrap_or((f64::NAN, f64::NAN));
        [
            u64::from(self.playing),
            u64::from(self.volume.to_bits()),
            self.variant as u64,
            start.to_bits(),
            end.to_bits(),
            self.track,
            self.seek,
            self.seek_secs.to_bits(),
            self.speed.to_bits(),
        ]
    }

    pub(super) fn of_words(words: [u64; Self::N_WORDS]) -> Self {
        let (start, end) = (f64::from_bits(words[3]), f64::from_bits(words[4]));
        Self {
            playing: words[0] != 0,
            volume: f32::from_bits(words[1] as u32),
            variant: words[2] as usize,
            repeat: (start < end).then_some((start, end)),
            track: words[5],
            seek: words[6],
            seek_secs: f64::from_bits(words[7]),
            speed: f64::from_bits(words[8]),
        }
    }
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            playing: false,
            volume: 1.0,
            variant: 0,
            repeat: None,
            track: 0,
            seek: 0,
            seek_secs: 0.0,
            speed: 1.0,
        }
    }
}

/// Where the sound is, told by the callback at the end of each buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Clock {
    pub(super) rate_hz: u32,
    /// Track that is played; 0 if none.
    pub(super) track: u64,
    /// Last seek that was done.
    pub(super) seek: u64,
    pub(super) variant: usize,
    /// The track is over.
    pub(super) ended: bool,
    /// Frames played in all; stands still in a pause.
    pub(super) played: u64,
    /// Position in the track after the last of them.
    pub(super) at: u64,
    /// When the last of them will have been heard.
    pub(super) heard_ns: u64,
    /// `played` when the position last jumped.
    pub(super) jump_played: u64,
    /// Where a loop jumped from. `None` after a seek: then the new position counts at once.
    pub(super) jump_from: Option<u64>,
    /// Position that the last jump led to.
    pub(super) jump_to: u64,
    /// Frames of the track that go by in a frame of the device.
    pub(super) speed: f64,
}

impl Clock {
    pub(super) const N_WORDS: usize = 12;

    pub(super) fn words(&self) -> [u64; Self::N_WORDS] {
        [
            u64::from(self.rate_hz),
            self.track,
            self.seek,
            self.variant as u64,
            u64::from(self.ended),
            self.played,
            self.at,
            self.heard_ns,
            self.jump_played,
            self.jump_from.unwrap_or(u64::MAX),
            self.jump_to,
            self.speed.to_bits(),
        ]
    }

    pub(super) fn of_words(words: [u64; Self::N_WORDS]) -> Self {
        Self {
            rate_hz: words[0] as u32,
            track: words[1],
            seek: words[2],
            variant: words[3] as usize,
            ended: words[4] != 0,
            played: words[5],
            at: words[6],
            heard_ns: words[7],
            jump_played: words[8],
            jump_from: (words[9] != u64::MAX).then_some(words[9]),
            jump_to: words[10],
            speed: f64::from_bits(words[11]),
        }
    }

    /// Position in seconds of what is heard at `now_ns`: between buffers time goes on, but never beyond what was played.
    pub(super) fn position_secs(&self, now_ns: u64) -> f64 {
        let rate_hz = f64::from(self.rate_hz.max(1));
        let to_come = self.heard_ns.saturating_sub(now_ns) as f64 * 1e-9 * rate_hz;
        let since_jump = (self.played - self.jump_played) as f64;
        let at = if to_come <= since_jump {
            self.at as f64 - to_come * self.speed
        } else if let Some(from) = self.jump_from {
            // The loop has jumped, but what is heard is still the end of the round before.
            let round = from.saturating_sub(self.jump_to).max(1) as f64;
            from as f64 - (to_come - since_jump) * self.speed % round
        } else {
            self.jump_to as f64
        };
        at.max(0.0) / rate_hz
    }
}

/// The meeting place.
#[derive(Debug)]
pub(super) struct Shared {
    /// Written by the player only.
    pub(super) wishes: Slot<{ Wishes::N_WORDS }>,
    /// Written by the callback only.
    pub(super) clock: Slot<{ Clock::N_WORDS }>,
    /// The clock without a device, written by the player only: at this time, this position (seconds).
    pub(super) anchor: Slot<2>,
    /// A callback has run, and the device is not lost: `clock` counts.
    pub(super) is_live: AtomicBool,
    /// When the callback last ran.
    pub(super) called_ns: AtomicU64,
    /// Times that the device ran out of sound while something played.
    pub(super) n_dropouts: AtomicU64,
    /// The device has gone.
    pub(super) is_lost: AtomicBool,
    pub(super) output: Mutex<Output>,
    pub(super) devices: Mutex<Arc<[super::DeviceInfo]>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            wishes: Slot::new(Wishes::default().words()),
            clock: Slot::new(Clock::default().words()),
            anchor: Slot::new([0; 2]),
            is_live: AtomicBool::new(false),
            called_ns: AtomicU64::new(0),
            n_dropouts: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            output: Mutex::new(Output::Opening),
            devices: Mutex::new(Arc::default()),
        }
    }

    /// Where the play head is, with a device or without, in a track of this length.
    pub(super) fn position_secs(&self, wishes: &Wishes, duration_secs: f64, now_ns: u64) -> f64 {
        if !self.is_live.load(Ordering::Acquire) {
            return self.silent_position_secs(wishes, duration_secs, now_ns);
        }
        let clock = Clock::of_words(self.clock.read());
        if clock.track == wishes.track && clock.seek == wishes.seek {
            clock.position_secs(now_ns).min(duration_secs)
        } else {
            // The engine has not come to the last seek: its target is the best answer.
            wishes.seek_secs
        }
    }

    /// Position without a device: what has passed since the anchor, round the loop, up to the end.
    pub(super) fn silent_position_secs(
        &self,
        wishes: &Wishes,
        duration_secs: f64,
        now_ns: u64,
    ) -> f64 {
        let [anchor_ns, from] = self.anchor.read();
        let from = f64::from_bits(from);
        if !wishes.playing {
            return from.clamp(0.0, duration_secs);
        }
        let at = from + now_ns.saturating_sub(anchor_ns) as f64 * 1e-9 * wishes.speed;
        match wishes.repeat {
            Some((start, end)) if from < end && at >= end => start + (at - start) % (end - start),
            _ => at.clamp(0.0, duration_secs),
        }
    }
}
