//! The texts of Linux' `/proc`, understood (see proc(5)).

/// Time of all cores together, in the kernel's ticks since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CpuTicks {
    pub(super) busy: u64,
    pub(super) total: u64,
    pub(super) n_cores: u32,
}

/// `/proc/stat`: `cpu user nice system idle iowait irq softirq steal guest guest_nice`, then a line for each core.
pub(super) fn cpu_ticks(stat: &str) -> Option<CpuTicks> {
    let mut lines = stat.lines();
    let all = lines.next()?.strip_prefix("cpu ")?;
    // Guests are part of user and nice already.
    let fields: Vec<u64> = all
        .split_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    let idle = fields.get(3)? + fields.get(4).unwrap_or(&0);
    let total: u64 = fields.iter().sum();
    let n_cores = lines
        .take_while(|line| line.starts_with("cpu"))
        .count()
        .max(1);
    Some(CpuTicks {
        busy: total - idle,
        total,
        n_cores: n_cores as u32,
    })
}

/// `/proc/PID/stat`: user and system time of all threads of a process, in ticks. Its name, in brackets, may hold anything.
pub(super) fn process_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// `/proc/PID/io`: what was fetched from the disk, in bytes.
pub(super) fn bytes_read(io: &str) -> Option<u64> {
    let line = |line: &str| line.strip_prefix("read_bytes:")?.trim().parse().ok();
    io.lines().find_map(line)
}

/// A line `NAME:   1234 kB` of `/proc/meminfo` or `/proc/PID/status`, in bytes.
pub(super) fn memory_line(text: &str, name: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  1579247 513821 158251 333047 25387 7 1830 7887 11 12\ncpu0 763528 273098 73587 188445 6893 0 123 4007 0 0\n\
        cpu1 815718 240722 84663 144602 18493 0 1707 3880 0 0\nintr 91213 0 0\nctxt 123\n";

    #[test]
    fn idle_is_not_busy_and_guests_do_not_count_twice() {
        let ticks = cpu_ticks(STAT).unwrap();
        let busy = 1_579_247 + 513_821 + 158_251 + 7 + 1830 + 7887;
        assert_eq!(
            (ticks.busy, ticks.total, ticks.n_cores),
            (busy, busy + 333_047 + 25_387, 2)
        );
        // Kernels before 2.5.41 tell four numbers.
        let old = cpu_ticks("cpu  1 2 3 4\n").unwrap();
        assert_eq!((old.busy, old.total, old.n_cores), (6, 10, 1));
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let stat =
            "6287 (a) R 1 (b) S 6278 6278 1818 0 -1 4194304 100 0 0 0 250 31 7 9 20 0 1 0 1312616";
        assert_eq!(process_ticks(stat), Some(281));
    }

    #[test]
    fn memory_and_disk_are_found_by_their_names() {
        let memory = "MemTotal:       24684096 kB\nMemFree:         9427308 kB\nMemAvailable:   24069692 kB\n";
        assert_eq!(memory_line(memory, "MemAvailable"), Some(24_069_692 * 1024));
        assert_eq!(memory_line(memory, "Mem"), None, "names are whole");
        assert_eq!(
            memory_line("Name:\tattune\nVmRSS:\t    2200 kB\n", "VmRSS"),
            Some(2200 * 1024)
        );
        let io = "rchar: 6976\nwchar: 0\nread_bytes: 4096\nwrite_bytes: 0\n";
        assert_eq!(bytes_read(io), Some(4096));
    }

    #[test]
    fn what_is_no_such_text_is_nothing() {
        for text in [
            "",
            "cpu",
            "cpu x y",
            "cpu0 1 2 3 4",
            "VmRSS: many kB",
            "1 (x",
        ] {
            assert_eq!(cpu_ticks(text), None, "{text:?}");
            assert_eq!(process_ticks(text), None);
            assert_eq!(bytes_read(text), None);
            assert_eq!(memory_line(text, "VmRSS"), None);
        }
    }
}
