//! A sound card in memory, for the player's tests, and an allocator that counts what the callback does.
#![expect(
    unsafe_code,
    reason = "cpal hands buffers over by pointer, and an allocator cannot be written without"
)]

use attune::playback::Now;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Data, DeviceDescription, DeviceDescriptionBuilder, DeviceId, Error, ErrorKind,
    FrameCount, HostId, InputCallbackInfo, OutputCallbackInfo, OutputStreamTimestamp, SampleFormat,
    StreamConfig, StreamInstant, SupportedBufferSize, SupportedStreamConfig,
    SupportedStreamConfigRange,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Callback = Box<dyn FnMut(&mut Data, &OutputCallbackInfo) + Send>;
type OnError = Box<dyn FnMut(Error) + Send>;

/// A sound card that plays when it is turned.
#[derive(Clone)]
pub struct Card(Arc<Inner>);

struct Inner {
    rate_hz: u32,
    channels: u16,
    buffer: usize,
    latency_ms: u32,
    time_ns: AtomicU64,
    /// When the next buffer is due.
    due_ns: AtomicU64,
    stream: Mutex<Option<(Callback, OnError)>>,
    tape: Mutex<Vec<f32>>,
}

impl Card {
    pub fn new(rate_hz: u32, channels: u16, buffer: usize) -> Self {
        Self(Arc::new(Inner {
            rate_hz,
            channels,
            buffer,
            latency_ms: 0,
            time_ns: AtomicU64::new(1_000_000_000),
            due_ns: AtomicU64::new(1_000_000_000),
            stream: Mutex::new(None),
            tape: Mutex::default(),
        }))
    }

    /// A card whose sound is heard later than it is asked for.
    pub fn with_latency_ms(self, latency_ms: u32) -> Self {
        let Self(inner) = self;
        let inner = Arc::into_inner(inner).expect("nobody has it yet");
        Self(Arc::new(Inner {
            latency_ms,
            ..inner
        }))
    }

    pub fn host(&self) -> cpal::Host {
        cpal::Host::from(cpal::platform::CustomHost::from_host(TestHost(
            self.clone(),
        )))
    }

    /// The card's time.
    pub fn now(&self) -> Now {
        let inner = Arc::clone(&self.0);
        Arc::new(move || inner.time_ns.load(Ordering::Relaxed))
    }

    pub fn pass_ns(&self, ns: u64) {
        self.0.time_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Time goes on to when the next buffer is due.
    pub fn catch_up(&self) {
        let due = self.0.due_ns.load(Ordering::Relaxed);
        self.0.time_ns.fetch_max(due, Ordering::Relaxed);
    }

    /// Asks for that many buffers, each at its time.
    pub fn turn(&self, n_buffers: usize) {
        for _ in 0..n_buffers {
            self.turn_counting_allocations();
            self.catch_up();
        }
    }

    /// Asks for one buffer; counts allocations and frees of the callback.
    pub fn turn_counting_allocations(&self) -> u64 {
        let inner = &*self.0;
        let now = inner.time_ns.load(Ordering::Relaxed);
        let mut buffer = vec![0.0_f32; inner.buffer * usize::from(inner.channels)];
        let mut count = 0;
        if let Some((callback, _)) = inner.stream.lock().unwrap().as_mut() {
            let heard = now + u64::from(inner.latency_ms) * 1_000_000;
            let info = OutputCallbackInfo::new(OutputStreamTimestamp {
                callback: StreamInstant::from_nanos(now),
                playback: StreamInstant::from_nanos(heard),
            });
            // SAFETY: the buffer outlives the call and holds that many f32 samples.
            let mut data = unsafe {
                Data::from_parts(buffer.as_mut_ptr().cast(), buffer.len(), SampleFormat::F32)
            };
            COUNT.set(Some(0));
            callback(&mut data, &info);
            count = COUNT.replace(None).unwrap_or(0);
        }
        inner.tape.lock().unwrap().extend_from_slice(&buffer);
        let length_ns = inner.buffer as u64 * 1_000_000_000 / u64::from(inner.rate_hz);
        inner.due_ns.store(now + length_ns, Ordering::Relaxed);
        count
    }

    /// The left channel of all that was played since the last call.
    pub fn take_left(&self) -> Vec<f32> {
        let tape = std::mem::take(&mut *self.0.tape.lock().unwrap());
        tape.iter()
            .step_by(usize::from(self.0.channels))
            .copied()
            .collect()
    }

    /// The plug is pulled.
    pub fn lose(&self) {
        if let Some((_, on_error)) = self.0.stream.lock().unwrap().as_mut() {
            on_error(Error::new(ErrorKind::DeviceNotAvailable));
        }
    }
}

struct TestHost(Card);

#[derive(Clone)]
struct TestDevice(Card);

struct TestStream(Card);

impl PartialEq for TestDevice {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }
}

impl Eq for TestDevice {}

impl Hash for TestDevice {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0.0).hash(state);
    }
}

impl fmt::Debug for TestDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestDevice")
    }
}

impl fmt::Display for TestDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("test card")
    }
}

impl HostTrait for TestHost {
    type Device = TestDevice;
    type Devices = std::iter::Once<TestDevice>;

    fn is_available() -> bool {
        true
    }

    fn devices(&self) -> Result<Self::Devices, Error> {
        Ok(std::iter::once(TestDevice(self.0.clone())))
    }

    fn default_input_device(&self) -> Option<TestDevice> {
        None
    }

    fn default_output_device(&self) -> Option<TestDevice> {
        Some(TestDevice(self.0.clone()))
    }
}

impl TestDevice {
    fn sizes() -> SupportedBufferSize {
        SupportedBufferSize::Range {
            min: 64,
            max: 8_192,
        }
    }
}

impl DeviceTrait for TestDevice {
    type SupportedInputConfigs = std::iter::Empty<SupportedStreamConfigRange>;
    type SupportedOutputConfigs = std::iter::Once<SupportedStreamConfigRange>;
    type Stream = TestStream;

    fn description(&self) -> Result<DeviceDescription, Error> {
        Ok(DeviceDescriptionBuilder::new("test card").build())
    }

    fn id(&self) -> Result<DeviceId, Error> {
        Ok(DeviceId::new(HostId::Custom, "card"))
    }

    fn supported_input_configs(&self) -> Result<Self::SupportedInputConfigs, Error> {
        Ok(std::iter::empty())
    }

    fn supported_output_configs(&self) -> Result<Self::SupportedOutputConfigs, Error> {
        let (channels, rate) = (self.0.0.channels, self.0.0.rate_hz);
        let sizes = Self::sizes();
        let range = SupportedStreamConfigRange::new(channels, rate, rate, sizes, SampleFormat::F32);
        Ok(std::iter::once(range))
    }

    fn default_input_config(&self) -> Result<SupportedStreamConfig, Error> {
        Err(Error::new(ErrorKind::UnsupportedConfig))
    }

    fn default_output_config(&self) -> Result<SupportedStreamConfig, Error> {
        let (channels, rate) = (self.0.0.channels, self.0.0.rate_hz);
        let sizes = Self::sizes();
        Ok(SupportedStreamConfig::new(
            channels,
            rate,
            sizes,
            SampleFormat::F32,
        ))
    }

    fn build_input_stream_raw<D, E>(
        &self,
        _: StreamConfig,
        _: SampleFormat,
        _: D,
        _: E,
        _: Option<Duration>,
    ) -> Result<TestStream, Error>
    where
        D: FnMut(&Data, &InputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        Err(Error::new(ErrorKind::UnsupportedConfig))
    }

    fn build_output_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        format: SampleFormat,
        callback: D,
        on_error: E,
        _: Option<Duration>,
    ) -> Result<TestStream, Error>
    where
        D: FnMut(&mut Data, &OutputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        assert!(
            matches!(config.buffer_size, BufferSize::Fixed(_)),
            "the default may be 2 seconds"
        );
        assert_eq!(format, SampleFormat::F32);
        *self.0.0.stream.lock().unwrap() = Some((Box::new(callback), Box::new(on_error)));
        Ok(TestStream(self.0.clone()))
    }
}

impl StreamTrait for TestStream {
    fn play(&self) -> Result<(), Error> {
        Ok(())
    }

    fn pause(&self) -> Result<(), Error> {
        Ok(())
    }

    fn now(&self) -> StreamInstant {
        StreamInstant::from_nanos(self.0.0.time_ns.load(Ordering::Relaxed))
    }

    fn buffer_size(&self) -> Result<FrameCount, Error> {
        Ok(self.0.0.buffer as u32)
    }
}

impl Drop for TestStream {
    fn drop(&mut self) {
        *self.0.0.stream.lock().unwrap() = None;
    }
}

thread_local! {
    /// Allocations and frees of this thread while they are counted.
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    // While a thread ends there is nothing to count.
    _ = COUNT.try_with(|n| n.set(n.get().map(|n| n + 1)));
}

// SAFETY: all calls go on to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
