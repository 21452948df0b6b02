//! The handle that the window holds: wishes in, position out. No call waits for the device or for a file.

use super::device::DeviceInfo;
use super::feed::Feed;
use super::shared::{Clock, Now, Output, Shared, Wishes};
use super::track::Track;
use super::worker::{FindHost, Request, Worker};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Speeds to choose from; between the first and the last any other is possible.
pub const SPEEDS: [f64; 9] = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0];

/// Requests that the worker has not come to.
const MAX_REQUESTS: usize = 256;
/// Messages that the window has not read.
const MAX_MESSAGES: usize = 64;

/// What the player is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is loaded.
    Empty,
    /// It stands, perhaps at the end.
    Paused,
    /// The play head moves.
    Playing,
}

/// Plays one track at a time. Every method may be called in a frame of the window; none blocks, but [`Player::settle`].
///
/// Threads: the device's callback and one worker, which end when the player is dropped.
pub struct Player {
    shared: Arc<Shared>,
    now: Now,
    controls: Arc<Mutex<Controls>>,
    /// Feeds have it weakly: it ends with the player.
    requests: Option<Arc<Sender<Request>>>,
    messages: Receiver<String>,
    worker: Option<JoinHandle<()>>,
}

/// What only the holder of the handle writes; the lock is never held for longer than it takes to copy it.
#[derive(Default)]
pub(super) struct Controls {
    pub(super) wishes: Wishes,
    pub(super) track: Option<Arc<Track>>,
    device: Option<String>,
    was_live: bool,
}

impl Player {
    /// Plays on the default device of a host; opens it in the background.
    pub fn new(host: cpal::Host) -> Self {
        let start = Instant::now();
        Self::with_time(host, Arc::new(move || start.elapsed().as_nanos() as u64))
    }

    /// As [`Player::new`], looking for the computer's sound system in the background, too.
    pub fn open() -> Self {
        let start = Instant::now();
        let now: Now = Arc::new(move || start.elapsed().as_nanos() as u64);
        Self::start(Box::new(|| Some(cpal::default_host())), now)
    }

    /// Without any sound: only the clock runs.
    pub fn silent(now: Now) -> Self {
        Self::start(Box::new(|| None), now)
    }

    /// With another clock than the computer's, for tests.
    pub fn with_time(host: cpal::Host, now: Now) -> Self {
        Self::start(Box::new(move || Some(host)), now)
    }

    fn start(find_host: FindHost, now: Now) -> Self {
        let shared = Arc::new(Shared::new());
        let (requests, from_player) = bounded(MAX_REQUESTS);
        let (to_player, messages) = bounded(MAX_MESSAGES);
        let worker = Worker {
            shared: Arc::clone(&shared),
            now: Arc::clone(&now),
            requests: from_player,
            messages: to_player.clone(),
        };
        let worker = std::thread::Builder::new()
            .name("player".to_owned())
            .spawn(move || worker.run(find_host));
        let worker = worker
            .map_err(|error| {
                // Without the thread all runs as without a device. The channel is empty, so this cannot fail.
                drop(to_player.try_send(format!("no sound: {error}")));
            })
            .ok();
        Self {
            shared,
            now,
            controls: Arc::default(),
            requests: worker.is_some().then(|| Arc::new(requests)),
            messages,
            worker,
        }
    }

    // ---- what is heard ----

    /// Loads a track, at its beginning, without a loop. A track that plays goes over into the new one; a pause stays one.
    pub fn load(&self, track: Arc<Track>) {
        self.put(Some(track));
    }

    /// Loads nothing.
    pub fn unload(&self) {
        self.put(None);
    }

    fn put(&self, track: Option<Arc<Track>>) {
        let mut controls = self.controls();
        let is_empty = track.is_none();
        controls.track.clone_from(&track);
        let n_variants = track.as_ref().map_or(0, |track| track.variants.len());
        let wishes = &mut controls.wishes;
        wishes.track += 1;
        wishes.seek += 1;
        wishes.seek_secs = 0.0;
        wishes.repeat = None;
        wishes.playing &= !is_empty;
        wishes.variant = wishes.variant.min(n_variants.saturating_sub(1));
        let serial = wishes.track;
        self.publish(&controls, Some(0.0));
        self.request(Request::Load { serial, track });
    }

    /// What is loaded.
    pub fn track(&self) -> Option<Arc<Track>> {
        self.controls().track.clone()
    }

    /// Number of the load that is heard; every other one has another number.
    pub fn serial(&self) -> u64 {
        self.controls().wishes.track
    }

    /// Puts other variants in the place of those that are loaded: for a moved slider, another gain, one variant more. Heard at once at the same
    /// position, crossfaded; position, loop and play head stay. They are to be as long as those before.
    pub fn exchange(&self, track: Track) {
        let serial = self.serial();
        self.feed().exchange(serial, track);
    }

    /// A handle with which another thread exchanges the variants.
    pub fn feed(&self) -> Feed {
        Feed {
            shared: Arc::clone(&self.shared),
            controls: Arc::clone(&self.controls),
            requests: self.requests.as_ref().map(Arc::downgrade),
        }
    }

    /// Switches to another variant at the same position, without a click.
    pub fn select_variant(&self, variant: usize) {
        let mut controls = self.controls();
        let n_variants = controls
            .track
            .as_ref()
            .map_or(usize::MAX, |track| track.variants.len());
        if variant < n_variants {
            controls.wishes.variant = variant;
            self.publish(&controls, None);
        }
    }

    /// The variant that is selected.
    pub fn variant(&self) -> usize {
        self.controls().wishes.variant
    }

    // ---- the transport ----

    /// Plays on; from the beginning (or that of the loop) if the end was reached.
    pub fn play(&self) {
        let mut controls = self.controls();
        let Some(track) = &controls.track else { return };
        let at = self.position(&controls);
        let is_over = self.is_over(&controls) || at >= track.duration_secs();
        let start = controls.wishes.repeat.map_or(0.0, |repeat| repeat.0);
        controls.wishes.playing = true;
        if is_over {
            controls.wishes.seek += 1;
            controls.wishes.seek_secs = start;
        }
        self.publish(&controls, Some(if is_over { start } else { at }));
    }

    /// Stops where it is.
    pub fn pause(&self) {
        let mut controls = self.controls();
        let at = self.position(&controls);
        controls.wishes.playing = false;
        self.publish(&controls, Some(at));
    }

    /// Plays if it stands, stands if it plays.
    pub fn toggle(&self) {
        if self.state() == State::Playing {
            self.pause();
        } else {
            self.play();
        }
    }

    /// Goes to a position, in seconds.
    pub fn seek(&self, secs: f64) {
        let mut controls = self.controls();
        let Some(track) = &controls.track else { return };
        let secs = secs.clamp(0.0, track.duration_secs());
        controls.wishes.seek += 1;
        controls.wishes.seek_secs = secs;
        self.publish(&controls, Some(secs));
    }

    /// Repeats from start to end (seconds), sample-exactly, with a crossfade of 10 ms after the end; `None` plays on.
    /// A play head outside goes to the start.
    pub fn set_loop(&self, repeat: Option<(f64, f64)>) {
        let mut controls = self.controls();
        let Some(track) = &controls.track else { return };
        let duration = track.duration_secs();
        let repeat = repeat
            .map(|(a, b)| (a.min(b).clamp(0.0, duration), a.max(b).clamp(0.0, duration)))
            .filter(|(start, end)| start < end);
        let at = self.position(&controls);
        controls.wishes.repeat = repeat;
        let outside = repeat.filter(|(start, end)| !(*start..*end).contains(&at));
        if let Some((start, _)) = outside {
            controls.wishes.seek += 1;
            controls.wishes.seek_secs = start;
        }
        self.publish(&controls, Some(outside.map_or(at, |(start, _)| start)));
    }

    /// The loop, in seconds.
    pub fn loop_region(&self) -> Option<(f64, f64)> {
        self.controls().wishes.repeat
    }

    /// Plays so many seconds of the song in a second, at the same pitch: the first of [`SPEEDS`] to the last. Takes effect within 60 ms, at the same
    /// position. Positions and loops stay in seconds of the song.
    pub fn set_speed(&self, speed: f64) {
        let mut controls = self.controls();
        let at = self.position(&controls);
        let usable = speed.is_finite().then_some(speed);
        controls.wishes.speed = usable
            .unwrap_or(1.0)
            .clamp(SPEEDS[0], SPEEDS[SPEEDS.len() - 1]);
        self.publish(&controls, Some(at));
    }

    /// The speed.
    pub fn speed(&self) -> f64 {
        self.controls().wishes.speed
    }

    /// Goes to the next of [`SPEEDS`], the faster or the slower one.
    pub fn step_speed(&self, faster: bool) {
        let speed = self.speed();
        let next = if faster {
            SPEEDS.into_iter().find(|next| *next > speed)
        } else {
            SPEEDS.into_iter().rev().find(|next| *next < speed)
        };
        if let Some(next) = next {
            self.set_speed(next);
        }
    }

    /// 0 is silent, 1 as loud as the file; up to 2.
    pub fn set_volume(&self, volume: f32) {
        let mut controls = self.controls();
        controls.wishes.volume = if volume.is_finite() {
            volume.clamp(0.0, 2.0)
        } else {
            1.0
        };
        self.publish(&controls, None);
    }

    /// The volume.
    pub fn volume(&self) -> f32 {
        self.controls().wishes.volume
    }

    /// Where the play head is: what is heard now, in seconds.
    pub fn position_secs(&self) -> f64 {
        let mut controls = self.controls();
        self.notice_device(&mut controls);
        self.position(&controls)
    }

    /// Length of the track.
    pub fn duration_secs(&self) -> f64 {
        self.controls()
            .track
            .as_ref()
            .map_or(0.0, |track| track.duration_secs())
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        let mut controls = self.controls();
        self.notice_device(&mut controls);
        match &controls.track {
            None => State::Empty,
            Some(_) if controls.wishes.playing && !self.is_over(&controls) => State::Playing,
            Some(_) => State::Paused,
        }
    }

    // ---- devices ----

    /// Devices found when last looked.
    pub fn devices(&self) -> Arc<[DeviceInfo]> {
        let devices = self.shared.devices.lock();
        Arc::clone(&devices.unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for devices again, in the background.
    pub fn refresh_devices(&self) {
        self.request(Request::List);
    }

    /// Plays on this device from now on (`None`: the default one), also after the old one was lost.
    pub fn choose_device(&self, id: Option<&str>) {
        let mut controls = self.controls();
        controls.device = id.map(str::to_owned);
        let at = self.position(&controls);
        controls.was_live = false;
        self.publish_anchor(at);
        self.request(Request::Choose(controls.device.clone()));
    }

    /// Id of the device that was chosen; `None` is the default one.
    pub fn chosen_device(&self) -> Option<String> {
        self.controls().device.clone()
    }

    /// Whether and where it is heard.
    pub fn output(&self) -> Output {
        let output = self.shared.output.lock();
        output.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Messages for the user since the last call.
    pub fn messages(&self) -> Vec<String> {
        self.messages.try_iter().collect()
    }

    /// Times that the device ran out of sound while something played.
    pub fn n_dropouts(&self) -> u64 {
        self.shared.n_dropouts.load(Ordering::Relaxed)
    }

    /// Waits until the worker has done all that was asked for: the device is open, the track resampled. For tests and the command line.
    pub fn settle(&self) {
        let (done, wait) = bounded(1);
        self.request(Request::Settle(done));
        // An error means that the worker is gone: nothing to wait for.
        wait.recv().ok();
    }

    // ---- inside ----

    fn controls(&self) -> MutexGuard<'_, Controls> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, request: Request) {
        let Some(requests) = &self.requests else {
            return;
        };
        if let Err(TrySendError::Full(request)) = requests.try_send(request)
            && let Request::Settle(_) = &request
        {
            // Only `settle` may wait.
            drop(requests.send(request));
        }
    }

    /// Makes the wishes known, and where the clock without a device goes on from.
    fn publish(&self, controls: &Controls, at_secs: Option<f64>) {
        if let Some(at) = at_secs {
            self.publish_anchor(at);
        }
        self.shared.wishes.write(controls.wishes.words());
    }

    fn publish_anchor(&self, at_secs: f64) {
        self.shared.anchor.write([(self.now)(), at_secs.to_bits()]);
    }

    fn clock(&self) -> Option<Clock> {
        let is_live = self.shared.is_live.load(Ordering::Acquire);
        is_live.then(|| Clock::of_words(self.shared.clock.read()))
    }

    /// When the device has gone, the silent clock takes over where the sound stopped.
    fn notice_device(&self, controls: &mut Controls) {
        let is_live = self.shared.is_live.load(Ordering::Acquire);
        if controls.was_live && !is_live {
            let clock = Clock::of_words(self.shared.clock.read());
            if clock.track == controls.wishes.track && clock.seek == controls.wishes.seek {
                let (at, when) = (clock.position_secs(clock.heard_ns), clock.heard_ns);
                let now = (self.now)();
                let when = if controls.wishes.playing {
                    when.min(now)
                } else {
                    now
                };
                self.shared.anchor.write([when, at.to_bits()]);
            }
        }
        controls.was_live = is_live;
    }

    fn position(&self, controls: &Controls) -> f64 {
        let Some(track) = &controls.track else {
            return 0.0;
        };
        let wishes = &controls.wishes;
        let duration = track.duration_secs();
        self.shared.position_secs(wishes, duration, (self.now)())
    }

    fn is_over(&self, controls: &Controls) -> bool {
        let Some(track) = &controls.track else {
            return true;
        };
        let wishes = &controls.wishes;
        match self.clock() {
            None => {
                let at =
                    self.shared
                        .silent_position_secs(wishes, track.duration_secs(), (self.now)());
                wishes.repeat.is_none() && at >= track.duration_secs()
            }
            Some(clock) => clock.ended && clock.track == wishes.track && clock.seek == wishes.seek,
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // The worker ends when nobody can ask any more.
        self.requests = None;
        if let Some(worker) = self.worker.take() {
            // A worker that panicked has nothing left to clean up.
            drop(worker.join());
        }
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player")
            .field("wishes", &self.controls().wishes)
            .field("output", &self.output())
            .finish_non_exhaustive()
    }
}
