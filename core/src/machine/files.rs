//! How many files this process may have open at once.
//!
//! Systems give programs far fewer than they could, for the sake of old ones that count on small numbers; who wants more has to ask.

use std::io;

/// Has the system allow as many open files as it would allow at all. For the start of a program, which must not use `select`.
pub fn allow_many_files() {
    #[cfg(unix)]
    if let Some(limits) = limits()
        && limits.rlim_cur < limits.rlim_max
    {
        raise(libc::rlimit {
            rlim_cur: limits.rlim_max,
            ..limits
        });
    }
}

/// How many files may be open at once; `None` where the system does not tell, or does not mind.
pub fn file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        let limit = limits()?.rlim_cur;
        (limit != libc::RLIM_INFINITY).then_some(limit)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// Whether a file could not be opened because too many others are.
pub fn is_too_many_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
    }
    #[cfg(not(unix))]
    {
        // ERROR_TOO_MANY_OPEN_FILES
        error.raw_os_error() == Some(4)
    }
}

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "getrlimit has no safe wrapper in the standard library"
)]
fn limits() -> Option<libc::rlimit> {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limits` is the one struct that the call fills; it keeps no pointer.
    let told = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits) };
    (told == 0).then_some(limits)
}

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "setrlimit has no safe wrapper in the standard library"
)]
fn raise(limits: libc::rlimit) {
    // SAFETY: the call only reads the struct. Where it is refused everything stays as it is, and running out of files is told then.
    let _refused = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_limit_is_as_high_as_the_system_allows() {
        allow_many_files();
        let limits = limits().unwrap();
        assert_eq!(limits.rlim_cur, limits.rlim_max);
        assert!(is_too_many_files(&io::Error::from_raw_os_error(
            libc::EMFILE
        )));
        assert!(!is_too_many_files(&io::Error::from_raw_os_error(
            libc::ENOENT
        )));
    }
}
