//! What this machine and this process are doing: processor, memory, disk.
//!
//! Read from `/proc`, where Linux tells it as text, so that no crate and no `unsafe` stands between (`sysinfo` reads the same files and
//! hundreds more); only the room on a disk and the number of files that may be open are asked by system calls. Other systems have no `/proc`: there is no [`Probe`], and nothing is made up. Of
//! graphics processors the one is looked at that networks compute on.

mod files;
mod proc_text;
mod quota;

pub use files::{allow_many_files, file_limit, is_too_many_files};

use crate::nn::GpuActivity;
use proc_text::{CpuTicks, bytes_read, cpu_ticks, memory_line, process_ticks};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was going on since the look before. `None`: the system does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// Cores that the machine has.
    pub cores: Option<f64>,
    /// Cores' worth of time that this process may use, where it is in a container that may use less than the machine has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_cores: Option<f64>,
    /// Cores that were busy, whoever kept them so; time that a hypervisor gave to others counts as busy.
    pub busy_cores: Option<f64>,
    /// Cores that this process kept busy, with all its threads.
    pub process_cores: Option<f64>,
    /// Memory that this process holds, in bytes.
    pub resident_bytes: Option<u64>,
    /// Memory that the machine could still give away, in bytes.
    pub available_bytes: Option<u64>,
    /// All memory of the machine, in bytes.
    pub total_bytes: Option<u64>,
    /// What this process had the disk read, in bytes; what the system had in its cache does not count.
    pub read_bytes: Option<u64>,
    /// The GPU that networks compute on; `None` if they compute on the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuActivity>,
}

/// Looks at the machine again and again; each look tells of the time since the one before.
#[derive(Debug)]
pub struct Probe {
    seen: Counters,
}

/// What only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counters {
    machine: Option<CpuTicks>,
    process: Option<u64>,
    read_bytes: Option<u64>,
}

impl Counters {
    fn read() -> Self {
        Self {
            machine: text("stat").as_deref().and_then(cpu_ticks),
            process: text("self/stat").as_deref().and_then(process_ticks),
            read_bytes: text("self/io").as_deref().and_then(bytes_read),
        }
    }

    /// What happened between `before` and now.
    fn since(&self, before: &Self) -> Activity {
        let mut activity = Activity {
            read_bytes: self
                .read_bytes
                .zip(before.read_bytes)
                .map(|(now, then)| now.saturating_sub(then)),
            ..Activity::default()
        };
        let Some((now, then)) = self.machine.zip(before.machine) else {
            return activity;
        };
        let cores = f64::from(now.n_cores);
        activity.cores = Some(cores);
        // The kernel counts both in the same ticks, whose length cancels out.
        let elapsed = now.total.saturating_sub(then.total) as f64;
        if elapsed > 0.0 {
            let share = |ticks: u64| cores * (ticks as f64 / elapsed).min(1.0);
            activity.busy_cores = Some(share(now.busy.saturating_sub(then.busy)));
            activity.process_cores = self
                .process
                .zip(before.process)
                .map(|(now, then)| share(now.saturating_sub(then)));
        }
        activity
    }
}

impl Probe {
    /// Begins to look; `None` where the system tells nothing.
    pub fn new() -> Option<Self> {
        let seen = Counters::read();
        (seen != Counters::default()).then_some(Self { seen })
    }

    /// What was going on since the last look, and how memory stands now.
    pub fn look(&mut self) -> Activity {
        let now = Counters::read();
        let activity = now.since(&self.seen);
        self.seen = now;
        let memory = text("meminfo");
        let of_machine = |name| memory_line(memory.as_deref()?, name);
        let quota = quota::cores();
        Activity {
            quota_cores: quota.filter(|quota| activity.cores.is_none_or(|cores| *quota < cores)),
            resident_bytes: text("self/status").and_then(|text| memory_line(&text, "VmRSS")),
            available_bytes: of_machine("MemAvailable"),
            total_bytes: of_machine("MemTotal"),
            gpu: crate::device::gpu_activity(),
            ..activity
        }
    }
}

/// Memory that the machine could still give away, in bytes, where the system tells.
pub fn available_memory() -> Option<u64> {
    memory_line(&text("meminfo")?, "MemAvailable")
}

/// Room that is left on the disk of a file or folder, in bytes, for whoever is not its administrator; `None` where the system does not tell.
#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "statvfs has no safe wrapper in the standard library"
)]
pub fn room_on_disk(path: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut told = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a string that ends with a zero byte, and `told` is room for the one struct that the call fills; it keeps neither.
    let told = unsafe {
        if libc::statvfs(path.as_ptr(), told.as_mut_ptr()) != 0 {
            return None;
        }
        told.assume_init()
    };
    // The fields are of other types on other systems.
    Some((told.f_bavail as f64 * told.f_frsize as f64) as u64)
}

/// As on Unix, where the system would tell.
#[cfg(not(unix))]
pub fn room_on_disk(_path: &Path) -> Option<u64> {
    None
}

fn text(name: &str) -> Option<String> {
    std::fs::read_to_string(Path::new("/proc").join(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(busy: u64, total: u64, process: u64) -> Counters {
        Counters {
            machine: Some(CpuTicks {
                busy,
                total,
                n_cores: 4,
            }),
            process: Some(process),
            read_bytes: Some(process * 1000),
        }
    }

    #[test]
    fn ticks_become_cores_whatever_a_tick_is() {
        let activity = counters(1300, 2400, 150).since(&counters(1000, 2000, 50));
        assert_eq!(activity.cores, Some(4.0));
        assert_eq!(activity.busy_cores, Some(3.0), "300 of 400 ticks");
        assert_eq!(activity.process_cores, Some(1.0), "100 of 400 ticks");
        assert_eq!(activity.read_bytes, Some(100_000));
    }

    #[test]
    fn what_is_not_told_or_not_known_yet_is_absent() {
        let still = counters(1000, 2000, 50);
        let activity = still.since(&still);
        assert_eq!((activity.busy_cores, activity.process_cores), (None, None));
        assert_eq!(activity.cores, Some(4.0));
        let nothing = Counters::default().since(&still);
        assert_eq!(nothing, Activity::default());
        // Counters that were set back (a restored virtual machine) are no negative work.
        let back = counters(10, 20, 5).since(&still);
        assert_eq!((back.busy_cores, back.read_bytes), (None, Some(0)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_tells() {
        let mut probe = Probe::new().unwrap();
        let mut sum = 0u64;
        let activity = loop {
            // Work until a tick has passed.
            sum = (0..1_000_000).fold(sum, |sum, i| std::hint::black_box(sum ^ i));
            let activity = probe.look();
            if activity.busy_cores.is_some() {
                break activity;
            }
        };
        let (total, free) = (activity.total_bytes, activity.available_bytes);
        assert!(total.unwrap() > free.unwrap(), "{activity:?}");
        assert!(activity.resident_bytes.unwrap() > 100_000, "{activity:?}");
        assert!(activity.busy_cores <= activity.cores, "{activity:?}");
        assert!(room_on_disk(Path::new("/")).is_some());
        assert_eq!(room_on_disk(Path::new("/no such folder")), None);
    }
}
