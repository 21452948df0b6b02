//! Where tensors live, and how many threads work on them.
//!
//! The default build knows the CPU only. Training asks for a device once and hands clones on.

use std::sync::Once;

/// The CPU, the only device of the default build.
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

/// Gives the engine `n_threads` worker threads (0: one per core). Works once per process, before the first tensor
/// operation; returns whether it took effect.
pub fn set_threads(n_threads: usize) -> bool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|i| format!("attune-worker-{i}"))
        .build_global()
        .is_ok()
}

/// How many worker threads the engine uses.
pub fn n_threads() -> usize {
    rayon::current_num_threads()
}
