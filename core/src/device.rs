//! Where tensors live, and how many threads work on them.
//!
//! The default build knows the CPU only; with the feature `cuda` networks may be trained and asked on an NVIDIA GPU.

use crate::nn::{DeviceName, GpuActivity, Place, Precision};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// What networks compute on, and what was made ready for it.
struct Chosen {
    name: DeviceName,
    ready: Vec<(Precision, Place)>,
}

static CHOSEN: Mutex<Chosen> = Mutex::new(Chosen {
    name: DeviceName::Cpu,
    ready: Vec::new(),
});

/// From now on networks are trained and asked on this device. Fails, and changes nothing, if it cannot be used: in words that say what is missing
/// and where it is to be had.
pub fn choose(name: DeviceName) -> candle_core::Result<()> {
    let place = Place::open(name, Precision::default())?;
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    *chosen = Chosen {
        name,
        ready: vec![(Precision::default(), place)],
    };
    Ok(())
}

/// The device that was chosen, the processor if none was, ready to compute in this precision.
pub fn place(precision: Precision) -> candle_core::Result<Place> {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    let ready = chosen.ready.iter();
    if let Some((_, place)) = ready.clone().find(|(known, _)| *known == precision) {
        return Ok(place.clone());
    }
    let place = Place::open(chosen.name, precision)?;
    chosen.ready.push((precision, place.clone()));
    Ok(place)
}

/// What the GPU that networks compute on is doing; `None` if they compute on the processor.
pub fn gpu_activity() -> Option<GpuActivity> {
    let place = {
        let chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.ready.first()?.1.clone()
    };
    place.activity()
}

/// Where tensors are made: the host's memory.
pub fn cpu() -> candle_core::Device {
    candle_core::Device::Cpu
}

/// Keeps freed tensor memory in the process, so that a training step meets no page faults after the first.
///
/// glibc gives blocks of more than 32 MB back to the kernel at once; every big tensor would then be paged in anew
/// (measured: 10 to 25 % of a step). Call it first thing in `main`; later calls do nothing. Elsewhere than on
/// Linux with glibc it does nothing.
pub fn keep_freed_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        tune_malloc();
    });
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
fn tune_malloc() {
    // SAFETY: mallopt only sets parameters of the allocator; it takes plain integers and keeps no reference.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}

/// Whether tensor work gives way to the window and to the sound.
static IN_BACKGROUND: AtomicBool = AtomicBool::new(false);

/// Gives the engine `n_threads` worker threads (0: one per core). Works once per process, before the first tensor
/// operation; returns whether it took effect.
pub fn set_threads(n_threads: usize) -> bool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|i| format!("attune-worker-{i}"))
        .build_global()
        .is_ok()
}

/// How many threads prepare training clips beside the engine, if the user has said it; else 0.
static LOADER_THREADS: AtomicUsize = AtomicUsize::new(0);

/// From now on loaders start so many threads (0: as many as suit the machine). How many there are changes no clip and no order.
pub fn set_loader_threads(n_threads: usize) {
    LOADER_THREADS.store(n_threads, Ordering::Relaxed);
}

/// How many threads prepare training clips: as many as [`set_loader_threads`] says, else a quarter of the cores, because training wants the
/// others, and at least one.
pub fn loader_threads() -> usize {
    match LOADER_THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1)),
        n_threads => n_threads,
    }
}

/// What a loader's batches may take in memory, in bytes, if the user has said it; else 0.
static LOADER_MEMORY: AtomicU64 = AtomicU64::new(0);
/// What they take otherwise, in bytes: room for some hundred batches of log-mels, ten of waveforms.
pub const USUAL_LOADER_MEMORY: u64 = 1 << 30;

/// From now on the batches of each loader take at most so many bytes (0: nothing is said, and [`USUAL_LOADER_MEMORY`] is a measure, no limit).
pub fn set_loader_memory(bytes: u64) {
    LOADER_MEMORY.store(bytes, Ordering::Relaxed);
}

/// What the user allows the batches of a loader to take in memory, in bytes: what [`set_loader_memory`] says, if anything.
pub fn loader_memory() -> Option<u64> {
    Some(LOADER_MEMORY.load(Ordering::Relaxed)).filter(|&bytes| bytes > 0)
}

/// From now on the engine's workers, and threads that call [`enter_worker`], run with a lower priority than the threads of the
/// window and of the sound card, so that a frame or a sound buffer does not wait for a training step. Alone on a machine
/// they are as fast as before.
pub fn work_in_background() {
    IN_BACKGROUND.store(true, Ordering::Relaxed);
    rayon::broadcast(|_| enter_worker());
}

/// Says that the calling thread does long work. Lowers its priority if [`work_in_background`] asked for that.
pub fn enter_worker() {
    if IN_BACKGROUND.load(Ordering::Relaxed) {
        // The scheduler then gives such a thread about a tenth of a core that it shares with a normal one.
        #[cfg(target_os = "linux")]
        set_niceness(10);
    }
}

/// Asks for a higher priority for the calling thread, which feeds the sound card. Many systems allow that only to some users; where
/// it is refused, nothing changes. Neither allocates nor waits.
pub fn enter_sound() {
    #[cfg(target_os = "linux")]
    set_niceness(-11);
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "setpriority has no safe wrapper")]
fn set_niceness(niceness: i32) {
    // SAFETY: plain integers; on Linux 0 means the calling thread. A refusal is reported as an error code and changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) };
}

/// How many worker threads the engine uses.
pub fn n_threads() -> usize {
    rayon::current_num_threads()
}
