//! How much of the processor a container may use: control groups of Linux, see cgroups(7) and the kernel's cgroup-v2.rst, "CPU".
//!
//! A machine of 64 cores that gives a container two of them shows all 64 in `/proc/stat`, mostly idle.

use std::path::{Path, PathBuf};

/// The least that the groups of this process allow, in cores; `None` where nothing is limited or the system does not tell.
pub(super) fn cores() -> Option<f64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    least(&groups, Path::new("/sys/fs/cgroup"))
}

/// `groups`: lines `HIERARCHY:CONTROLLERS:PATH`. A group is limited by those above it, too.
fn least(groups: &str, mounted: &Path) -> Option<f64> {
    let limits = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let is_second_version = controllers.is_empty();
        let has_cpu = controllers.split(',').any(|controller| controller == "cpu");
        let root = match (is_second_version, has_cpu) {
            (true, _) => Some(mounted.to_owned()),
            (_, true) => Some(mounted.join("cpu")),
            _ => None,
        };
        root.map(|root| group_limits(&root, path, is_second_version))
            .unwrap_or_default()
    });
    limits.reduce(f64::min)
}

/// The limits of a group and of all above it up to what is mounted. In a container, the path is often the machine's and not to be seen:
/// then what is mounted is the container's own group.
fn group_limits(root: &Path, path: &str, is_second_version: bool) -> Vec<f64> {
    let group = root.join(path.trim_start_matches('/'));
    let groups = group
        .ancestors()
        .take_while(|group| group.starts_with(root));
    groups
        .filter_map(|group| {
            let text = |name: &str| std::fs::read_to_string(PathBuf::from(group).join(name)).ok();
            if is_second_version {
                return ratio(&text("cpu.max")?);
            }
            let (quota, period) = (text("cpu.cfs_quota_us")?, text("cpu.cfs_period_us")?);
            ratio(&format!("{} {}", quota.trim(), period.trim()))
        })
        .collect()
}

/// `QUOTA PERIOD` in microseconds; no limit is `max` in the second version and -1 in the first.
fn ratio(text: &str) -> Option<f64> {
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let (quota, period) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(groups: &str, files: &[(&str, &str)]) -> Option<f64> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        least(groups, folder.path())
    }

    #[test]
    fn the_tightest_limit_of_a_group_and_those_above_it_holds() {
        let files = [
            ("cpu.max", "max 100000\n"),
            ("a/cpu.max", "150000 100000\n"),
            ("a/b/cpu.max", "400000 100000\n"),
        ];
        assert_eq!(check("0::/a/b\n", &files), Some(1.5));
        assert_eq!(check("0::/\n", &files), None);
        // As in a container: the path is not to be seen from inside.
        assert_eq!(
            check("0::/docker/123\n", &[("cpu.max", "50000 100000")]),
            Some(0.5)
        );
    }

    #[test]
    fn the_first_version_is_understood_and_nonsense_is_no_limit() {
        let first = [
            ("cpu/x/cpu.cfs_quota_us", "250000\n"),
            ("cpu/x/cpu.cfs_period_us", "100000\n"),
            ("cpu/cpu.cfs_quota_us", "-1\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
        ];
        let groups = "3:memory:/x\n2:cpu,cpuacct:/x\n0::/\n";
        assert_eq!(check(groups, &first), Some(2.5));
        assert_eq!(check("2:cpu:/\n", &first), None);
        assert_eq!(check("", &first), None);
        assert_eq!(check("0::/", &[("cpu.max", "0 0")]), None);
        assert_eq!(check("0::/", &[("cpu.max", "much")]), None);
    }
}
