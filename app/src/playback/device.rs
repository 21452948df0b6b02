//! Opening a device with cpal and feeding it from the engine.

use super::engine::Engine;
use super::shared::{Now, Shared};
use anyhow::Context as _;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, I24, OutputCallbackInfo, SampleFormat, SizedSample,
    StreamConfig, SupportedBufferSize,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Frames in a buffer at first. Without this wish PulseAudio takes two seconds.
pub(super) const BUFFER_FRAMES: u32 = 1024;
/// A busy machine gets larger buffers, up to these.
pub(super) const MAX_BUFFER_FRAMES: u32 = 4096;
/// By so much the device's own estimate of its latency may be wrong.
const ESTIMATE_NS: u64 = 3_000_000;
/// Frames that are rendered at once.
const BLOCK_FRAMES: usize = 512;

/// A device to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Lasts over restarts; for [`super::Player::choose_device`].
    pub id: String,
    /// For the user.
    pub name: String,
}

/// All devices that can play. Asks the system, which may take its time.
pub(super) fn list(host: &cpal::Host) -> Vec<DeviceInfo> {
    let Ok(devices) = host.output_devices() else {
        return Vec::new();
    };
    devices
        .filter_map(|device| {
            Some(DeviceInfo {
                id: device.id().ok()?.to_string(),
                name: device.to_string(),
            })
        })
        .collect()
}

/// The device with this id, or the default one.
pub(super) fn find(host: &cpal::Host, id: Option<&str>) -> anyhow::Result<cpal::Device> {
    match id {
        None => host
            .default_output_device()
            .context("this computer has no sound device"),
        Some(id) => id
            .parse()
            .ok()
            .and_then(|id| host.device_by_id(&id))
            .with_context(|| format!("the sound device {id} is not there")),
    }
}

/// An open device; dropping it silences it.
pub(super) struct Opened {
    stream: cpal::Stream,
}

/// What a device wants to be fed with.
pub(super) struct Plan {
    device: cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
}

impl Plan {
    /// Asks the device for its rate, channels and sample format.
    pub(super) fn new(device: cpal::Device, buffer_frames: u32) -> anyhow::Result<Self> {
        let wish = device.default_output_config()?;
        let mut config: StreamConfig = wish.into();
        config.buffer_size = BufferSize::Fixed(match wish.buffer_size() {
            SupportedBufferSize::Range { min, max } if min <= max => {
                buffer_frames.clamp(*min, *max)
            }
            _ => buffer_frames,
        });
        Ok(Self {
            format: wish.sample_format(),
            device,
            config,
        })
    }

    pub(super) fn rate_hz(&self) -> u32 {
        self.config.sample_rate
    }

    /// Opens the device and lets the engine play on it.
    pub(super) fn open(
        self,
        engine: Engine,
        shared: &Arc<Shared>,
        now: &Now,
    ) -> anyhow::Result<Opened> {
        let stream = match self.format {
            SampleFormat::F32 => self.build::<f32>(engine, shared, now),
            SampleFormat::F64 => self.build::<f64>(engine, shared, now),
            SampleFormat::I16 => self.build::<i16>(engine, shared, now),
            SampleFormat::U16 => self.build::<u16>(engine, shared, now),
            SampleFormat::I24 => self.build::<I24>(engine, shared, now),
            SampleFormat::I32 => self.build::<i32>(engine, shared, now),
            SampleFormat::U8 => self.build::<u8>(engine, shared, now),
            other => anyhow::bail!("it wants samples as {other}, which is not supported"),
        }?;
        stream.play()?;
        Ok(Opened { stream })
    }

    fn build<T: SizedSample + FromSample<f32>>(
        &self,
        mut engine: Engine,
        shared: &Arc<Shared>,
        now: &Now,
    ) -> anyhow::Result<cpal::Stream> {
        let channels = usize::from(self.config.channels.max(1));
        let rate_hz = u64::from(self.config.sample_rate.max(1));
        let (in_callback, in_errors) = (Arc::clone(shared), Arc::clone(shared));
        let now = Arc::clone(now);
        let mut block = [[0.0_f32; 2]; BLOCK_FRAMES];
        let mut heard_until_ns = u64::MAX;
        let mut is_first = true;
        let stream = self.device.build_output_stream(
            self.config,
            move |out: &mut [T], info: &OutputCallbackInfo| {
                if std::mem::take(&mut is_first) {
                    attune_core::device::enter_sound();
                }
                let called_ns = now();
                in_callback.called_ns.store(called_ns, Ordering::Relaxed);
                // Not all systems tell when they ran dry.
                // A hole that is heard: half a buffer and more. Less may be the estimate's own error, and opening the device anew with
                // larger buffers is a hole itself.
                let half_buffer_ns = (out.len() / channels / 2) as u64 * 1_000_000_000 / rate_hz;
                let tolerance_ns = ESTIMATE_NS.max(half_buffer_ns);
                if engine.is_sounding() && called_ns > heard_until_ns.saturating_add(tolerance_ns) {
                    in_callback.n_dropouts.fetch_add(1, Ordering::Relaxed);
                }
                let times = info.timestamp();
                let latency = times.playback.saturating_duration_since(times.callback);
                let mut heard_ns = called_ns + latency.as_nanos() as u64;
                for part in out.chunks_mut(BLOCK_FRAMES * channels) {
                    let n_frames = part.len() / channels;
                    let frames = &mut block[..n_frames];
                    engine.render(frames, heard_ns);
                    heard_ns += n_frames as u64 * 1_000_000_000 / rate_hz;
                    for (to, from) in part.chunks_mut(channels).zip(frames) {
                        write_frame(to, *from);
                    }
                }
                heard_until_ns = heard_ns;
            },
            move |error| match error.kind() {
                ErrorKind::Xrun => {
                    in_errors.n_dropouts.fetch_add(1, Ordering::Relaxed);
                }
                ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
                _ => in_errors.is_lost.store(true, Ordering::Release),
            },
            Some(Duration::from_secs(3)),
        )?;
        Ok(stream)
    }
}

impl Opened {
    /// Whether the device still runs by its own account.
    pub(super) fn is_running(&self) -> bool {
        self.stream.buffer_size().is_ok()
    }
}

/// Left and right to the first two channels, or their mean to a single one.
fn write_frame<T: SizedSample + FromSample<f32>>(to: &mut [T], [left, right]: [f32; 2]) {
    match to {
        [one] => *one = T::from_sample((left + right) * 0.5),
        [first, second, rest @ ..] => {
            *first = T::from_sample(left);
            *second = T::from_sample(right);
            rest.fill(T::EQUILIBRIUM);
        }
        [] => {}
    }
}
