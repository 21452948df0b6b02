//! The player's own thread: opens devices and resamples tracks, which both may take longer than a frame of the window.

use super::device::{self, BUFFER_FRAMES, MAX_BUFFER_FRAMES, Opened, Plan};
use super::engine::Engine;
use super::shared::{Now, Output, Shared, Wishes};
use super::source::Prepared;
use super::track::{Track, Variant};
use attune_core::audio::Clip;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Between two looks at the health of the device.
const TICK: Duration = Duration::from_millis(100);
/// A device that has not asked for sound for so long is gone.
const STALLED_NS: u64 = 3_000_000_000;
/// The sound may be interrupted twice in this time; at the third time the buffers are doubled.
const PATIENCE_NS: u64 = 5_000_000_000;
/// Tracks on their way to the callback.
const RING_LEN: usize = 16;

/// What the player asks for.
pub(super) enum Request {
    /// Play this from now on.
    Load {
        serial: u64,
        track: Option<Arc<Track>>,
    },
    /// Other variants of what is loaded.
    Exchange { serial: u64, track: Arc<Track> },
    /// Play on this device (`None`: the default one).
    Choose(Option<String>),
    /// Look for devices again.
    List,
    /// Answer when all before is done.
    Settle(Sender<()>),
}

/// How the worker comes by its host.
pub(super) type FindHost = Box<dyn FnOnce() -> Option<cpal::Host> + Send>;

/// Sounds for the callback and the track they come from.
struct Loaded {
    track: Arc<Track>,
    prepared: Arc<Prepared>,
}

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) now: Now,
    pub(super) requests: Receiver<Request>,
    pub(super) messages: Sender<String>,
}

/// The worker at work.
struct Desk {
    worker: Worker,
    host: Option<cpal::Host>,
    opened: Option<Opened>,
    /// Id of the device; `None` is the default one.
    chosen: Option<String>,
    buffer_frames: u32,
    /// When the counting of interruptions began, and how many there were before.
    dropouts_since: (u64, u64),
    rate_hz: u32,
    to_engine: Option<rtrb::Producer<Arc<Prepared>>>,
    serial: u64,
    loaded: Option<Loaded>,
    /// All that the engine may still hold: freed here when it has let go.
    handed_over: Vec<Arc<Prepared>>,
}

impl Worker {
    /// Serves until the player is dropped.
    pub(super) fn run(self, find_host: FindHost) {
        let mut desk = Desk {
            host: find_host(),
            opened: None,
            chosen: None,
            buffer_frames: BUFFER_FRAMES,
            dropouts_since: (0, 0),
            // A guess that makes what is prepared before a device is open useful.
            rate_hz: 48_000,
            to_engine: None,
            serial: 0,
            loaded: None,
            handed_over: Vec::new(),
            worker: self,
        };
        desk.list();
        desk.open();
        loop {
            let patience = if desk.missing().is_some() {
                Duration::ZERO
            } else {
                TICK
            };
            match desk.worker.requests.recv_timeout(patience) {
                Ok(request) => desk.serve_all(request),
                Err(RecvTimeoutError::Timeout) => desk.prepare_next(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            desk.look_after_device();
            desk.handed_over
                .retain(|track| Arc::strong_count(track) > 1);
        }
    }
}

impl Desk {
    /// Serves this request and those that have come meanwhile, but only the newest of exchanges that follow one another:
    /// a slider that moves asks faster than a long clip can be resampled.
    fn serve_all(&mut self, first: Request) {
        let mut request = first;
        while let Ok(next) = self.worker.requests.try_recv() {
            let is_overtaken = matches!(
                (&request, &next),
                (Request::Exchange { serial: old, .. }, Request::Exchange { serial: new, .. }) if old == new
            );
            let before = std::mem::replace(&mut request, next);
            if !is_overtaken {
                self.serve(before);
            }
        }
        self.serve(request);
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Load { serial, track } => {
                self.serial = serial;
                self.loaded = track.map(|track| Loaded {
                    prepared: Arc::new(Prepared::new(serial, &track, self.rate_hz)),
                    track,
                });
                self.hand_over_when_ready();
            }
            Request::Exchange { serial, track } => self.exchange(serial, &track),
            Request::Choose(id) => {
                self.chosen = id;
                self.buffer_frames = BUFFER_FRAMES;
                self.open();
            }
            Request::List => self.list(),
            Request::Settle(done) => {
                while self.missing().is_some() {
                    self.prepare_next();
                }
                // Whoever waits no longer needs no answer.
                done.send(()).ok();
            }
        }
    }

    fn wishes(&self) -> Wishes {
        Wishes::of_words(self.worker.shared.wishes.read())
    }

    fn say(&self, message: String) {
        // A window that reads no messages misses the newest; it has seen worse by then.
        drop(self.worker.messages.try_send(message));
    }

    fn set_output(&self, output: Output) {
        let mut slot = self
            .worker
            .shared
            .output
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = output;
    }

    /// The next variant that is to be resampled.
    fn missing(&self) -> Option<usize> {
        let wanted = self.wishes().variant;
        self.loaded.as_ref()?.prepared.next_missing(wanted)
    }

    fn prepare_next(&mut self) {
        let (Some(variant), Some(loaded)) = (self.missing(), &self.loaded) else {
            return;
        };
        let Some(source) = loaded.track.variants.get(variant) else {
            return;
        };
        if let Err(error) = loaded.prepared.prepare(variant, source, self.rate_hz) {
            self.say(format!("{} cannot be played: {error}", loaded.track.name));
            // Silence in its place, so that it is not tried again and again.
            let silence = Variant::new("silence", Clip::mono(Vec::new(), self.rate_hz));
            drop(loaded.prepared.prepare(variant, &silence, self.rate_hz));
        }
    }

    /// Prepares what is to be heard first, and gives the track to the engine; the other variants follow by themselves.
    fn hand_over_when_ready(&mut self) {
        self.prepare_next();
        let (Some(loaded), Some(to_engine)) = (&self.loaded, &mut self.to_engine) else {
            return;
        };
        self.handed_over.push(Arc::clone(&loaded.prepared));
        if to_engine.push(Arc::clone(&loaded.prepared)).is_err() {
            // The callback has stood still for sixteen tracks: the device is looked after elsewhere.
            self.worker.shared.is_lost.store(true, Ordering::Release);
        }
    }

    fn exchange(&mut self, serial: u64, track: &Arc<Track>) {
        let rate_hz = self.rate_hz;
        let Some(loaded) = self.loaded.as_mut().filter(|_| serial == self.serial) else {
            return;
        };
        let prepared = loaded.prepared.exchanged(&loaded.track, track, rate_hz);
        loaded.prepared = Arc::new(prepared);
        loaded.track = Arc::clone(track);
        // It sounds: the engine gets it whole, so that whatever it is asked for meanwhile is there.
        while self.missing().is_some() {
            self.prepare_next();
        }
        self.hand_over_when_ready();
    }

    fn list(&self) {
        let devices = self.host.as_ref().map(device::list).unwrap_or_default();
        let mut slot = self
            .worker
            .shared
            .devices
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = devices.into();
    }

    fn close(&mut self) {
        self.opened = None;
        self.to_engine = None;
        self.worker.shared.is_live.store(false, Ordering::Release);
        self.worker.shared.is_lost.store(false, Ordering::Release);
    }

    /// Opens the chosen device, and goes on where the play head is.
    fn open(&mut self) {
        let now_ns = (self.worker.now)();
        let duration = self
            .loaded
            .as_ref()
            .map_or(0.0, |l| l.track.duration_secs());
        let start_secs = self
            .worker
            .shared
            .position_secs(&self.wishes(), duration, now_ns);
        self.close();
        self.set_output(Output::Opening);
        let output = match self.try_open(start_secs) {
            Ok(name) => Output::Device(name),
            Err(error) => {
                self.close();
                let why = format!("no sound: {error:#}");
                self.say(format!("{why}. The play head runs all the same."));
                Output::Silent(why)
            }
        };
        self.set_output(output);
    }

    /// Opens the chosen device; gives its name.
    fn try_open(&mut self, start_secs: f64) -> anyhow::Result<String> {
        let Some(host) = &self.host else {
            anyhow::bail!("this computer has no sound device");
        };
        if self.chosen.is_none() && alsa_without_card(host) {
            anyhow::bail!("this computer has no sound card and no sound server");
        }
        let device = device::find(host, self.chosen.as_deref())?;
        let name = device.to_string();
        let plan = Plan::new(device, self.buffer_frames)?;
        if plan.rate_hz() != self.rate_hz {
            self.rate_hz = plan.rate_hz();
            if let Some(loaded) = &mut self.loaded {
                let fresh = Prepared::new(loaded.prepared.serial, &loaded.track, self.rate_hz);
                loaded.prepared = Arc::new(fresh);
            }
        }
        let (to_engine, incoming) = rtrb::RingBuffer::new(RING_LEN);
        self.to_engine = Some(to_engine);
        self.hand_over_when_ready();
        let shared = &self.worker.shared;
        let engine = Engine::new(Arc::clone(shared), incoming, self.rate_hz, start_secs);
        let now_ns = (self.worker.now)();
        shared.called_ns.store(now_ns, Ordering::Relaxed);
        self.dropouts_since = (now_ns, shared.n_dropouts.load(Ordering::Relaxed));
        self.opened = Some(plan.open(engine, shared, &self.worker.now)?);
        Ok(name)
    }

    fn look_after_device(&mut self) {
        let Some(opened) = &self.opened else { return };
        let shared = &self.worker.shared;
        let idle_ns = (self.worker.now)().saturating_sub(shared.called_ns.load(Ordering::Relaxed));
        let is_lost =
            shared.is_lost.load(Ordering::Acquire) || idle_ns > STALLED_NS || !opened.is_running();
        if !is_lost {
            self.look_after_dropouts();
            return;
        }
        let name = match &*shared.output.lock().unwrap_or_else(PoisonError::into_inner) {
            Output::Device(name) => name.clone(),
            _ => "the sound device".to_owned(),
        };
        self.close();
        self.say(format!(
            "{name} has gone: the play head runs on without sound. Choose a device to hear it again."
        ));
        self.set_output(Output::Silent(format!("no sound: {name} has gone")));
        self.list();
    }

    /// A machine too busy for the buffers gets larger ones: later is better than broken.
    fn look_after_dropouts(&mut self) {
        let now_ns = (self.worker.now)();
        let n_dropouts = self.worker.shared.n_dropouts.load(Ordering::Relaxed);
        let (since_ns, before) = self.dropouts_since;
        if n_dropouts >= before + 3 && self.buffer_frames < MAX_BUFFER_FRAMES {
            self.buffer_frames *= 2;
            self.say(format!(
                "The sound was interrupted {} times, because the computer is busy: buffers are now {:.0} ms long.",
                n_dropouts - before,
                f64::from(self.buffer_frames) * 1e3 / f64::from(self.rate_hz)
            ));
            self.open();
        } else if now_ns > since_ns + PATIENCE_NS {
            self.dropouts_since = (now_ns, n_dropouts);
        }
    }
}

/// ALSA without a card still has a default device, which prints eight lines of its own to stderr when it is opened.
fn alsa_without_card(host: &cpal::Host) -> bool {
    cfg!(target_os = "linux")
        && host.id().to_string() == "alsa"
        && !Path::new("/dev/snd").exists()
        && std::env::var_os("ALSA_CONFIG_PATH").is_none()
}
