//! A handle on the player for the thread that makes the sound: what it has made is heard without waiting for a frame of the window.

use super::shared::Shared;
use super::track::Track;
use super::transport::Controls;
use super::worker::Request;
use crossbeam::channel::Sender;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Exchanges the variants of what is loaded, from any thread. Does nothing once the player is gone.
#[derive(Clone)]
pub struct Feed {
    pub(super) shared: Arc<Shared>,
    pub(super) controls: Arc<Mutex<Controls>>,
    pub(super) requests: Option<Weak<Sender<Request>>>,
}

impl Feed {
    /// Puts other variants in the place of those of the load with this number ([`super::Player::serial`]). Whether that is still loaded.
    pub fn exchange(&self, serial: u64, track: Track) -> bool {
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        if controls.wishes.track != serial {
            return false;
        }
        match &mut controls.track {
            Some(loaded) if !loaded.is(&track) => *loaded = Arc::new(track),
            loaded => return loaded.is_some(),
        }
        let Some(track) = controls.track.clone() else {
            return false;
        };
        let last = track.variants.len().saturating_sub(1);
        if controls.wishes.variant > last {
            controls.wishes.variant = last;
            self.shared.wishes.write(controls.wishes.words());
        }
        // Sent under the lock, so that the requests come in the order in which `controls` has seen them. A full channel means that the worker hangs;
        // the next exchange makes up for this one.
        if let Some(requests) = self.requests.as_ref().and_then(Weak::upgrade) {
            drop(requests.try_send(Request::Exchange { serial, track }));
        }
        true
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}
