//! Which of NVIDIA's libraries are there, and in words what is missing.
//!
//! cudarc panics if it is asked for a library that is not there; so everything is looked for here first. The libraries of a Python environment
//! (`pip install nvidia-…`) lie where the system does not look: `ATTUNE_CUDA_LIBRARIES` names folders to look in besides.

use libloading::Library;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Folders, separated by colons, in which libraries are looked for besides the usual places.
pub(super) const FOLDERS_VARIABLE: &str = "ATTUNE_CUDA_LIBRARIES";

/// A library that computing needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needed {
    /// What it is.
    pub(super) what: &'static str,
    /// Its file.
    pub(super) file: &'static str,
    /// What the files begin with that it opens itself by name, from beside it.
    companions: &'static str,
    /// How to get it.
    pub(super) mend: &'static str,
    /// Whether cudarc finds it.
    is_present: fn() -> bool,
}

/// What no file begins with.
const NONE: &str = "/";

/// All of them, each after those that it needs itself.
const NEEDED: [Needed; 5] = [
    Needed {
        what: "NVIDIA's driver",
        file: "libcuda.so.1",
        companions: NONE,
        mend: "install the driver of the GPU, version 580 or newer (Debian, Ubuntu: apt install nvidia-driver)",
        is_present: driver,
    },
    Needed {
        what: "NVRTC, which compiles the kernels",
        file: "libnvrtc.so.13",
        companions: "libnvrtc-builtins.so.",
        mend: "pip install nvidia-cuda-nvrtc==13.0.88",
        is_present: nvrtc,
    },
    Needed {
        what: "cuBLASLt",
        file: "libcublasLt.so.13",
        companions: NONE,
        mend: "pip install nvidia-cublas",
        is_present: cublaslt,
    },
    Needed {
        what: "cuBLAS",
        file: "libcublas.so.13",
        companions: NONE,
        mend: "pip install nvidia-cublas",
        is_present: cublas,
    },
    Needed {
        what: "cuDNN",
        file: "libcudnn.so.9",
        companions: "libcudnn_",
        mend: "pip install nvidia-cudnn-cu13",
        is_present: cudnn,
    },
];

macro_rules! presence {
    ($($name:ident: $module:ident),*) => {
        $(
            #[expect(unsafe_code, reason = "whether a library can be opened is only known by opening it")]
            fn $name() -> bool {
                // SAFETY: the library is NVIDIA's; opening it runs its own initialisation alone.
                unsafe { cudarc::$module::sys::is_culib_present() }
            }
        )*
    };
}
presence!(driver: driver, nvrtc: nvrtc, cublaslt: cublaslt, cublas: cublas, cudnn: cudnn);

/// Opens what lies in [`FOLDERS_VARIABLE`]'s folders and says what is missing then. The answer is found once.
pub(super) fn missing() -> &'static [Needed] {
    static MISSING: OnceLock<Vec<Needed>> = OnceLock::new();
    MISSING.get_or_init(|| {
        let folders = folders(std::env::var_os(FOLDERS_VARIABLE).as_deref());
        NEEDED
            .into_iter()
            .filter(|needed| {
                open_from(&folders, needed.file, needed.companions);
                !(needed.is_present)()
            })
            .collect()
    })
}

/// A library that is no need: from [`FOLDERS_VARIABLE`]'s folders or the usual places, if it is there.
pub(super) fn open_by_name(file: &str) -> Option<Library> {
    let folders = folders(std::env::var_os(FOLDERS_VARIABLE).as_deref());
    let found = folders.iter().find_map(|folder| open(&folder.join(file)));
    found.or_else(|| open(Path::new(file)))
}

/// What is missing, in words; `None` if nothing is.
pub(super) fn words(missing: &[Needed]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let each: Vec<String> = missing
        .iter()
        .map(|needed| format!("{} ({}): {}", needed.what, needed.file, needed.mend))
        .collect();
    Some(format!(
        "this machine lacks {}; libraries of a Python environment are found if {FOLDERS_VARIABLE} names their folders, such as .../site-packages/nvidia/cu13/lib:.../site-packages/nvidia/cudnn/lib",
        each.join("; ")
    ))
}

fn folders(variable: Option<&std::ffi::OsStr>) -> Vec<PathBuf> {
    variable.map_or_else(Vec::new, |value| std::env::split_paths(value).collect())
}

/// Opens a library, and what it opens itself, from the first folder that has it and keeps them: whoever asks for one by its name alone is then
/// given this one. (NVRTC 13.0 does not look for its builtins beside itself.)
fn open_from(folders: &[PathBuf], file: &str, companions: &str) {
    for folder in folders {
        let Some(library) = open(&folder.join(file)) else {
            continue;
        };
        std::mem::forget(library);
        let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in beside {
            if entry.file_name().to_string_lossy().starts_with(companions) {
                // One that cannot be opened is missed by the library that wants it, which says so.
                if let Some(companion) = open(&entry.path()) {
                    std::mem::forget(companion);
                }
            }
        }
        return;
    }
}

#[expect(unsafe_code, reason = "opening a library runs code of it")]
fn open(path: &Path) -> Option<Library> {
    // SAFETY: the file is one of NVIDIA's libraries, where the system has them or in a folder that the user named for this.
    unsafe { Library::new(path) }.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_file_and_its_mend() {
        assert_eq!(words(&[]), None);
        let words = words(&NEEDED[1..]).unwrap();
        for part in [
            "libnvrtc.so.13",
            "pip install nvidia-cudnn-cu13",
            FOLDERS_VARIABLE,
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(!words.contains("libcuda.so.1 "), "{words}");
    }

    #[test]
    fn looking_for_libraries_never_panics() {
        assert!(missing().len() <= NEEDED.len());
        assert_eq!(folders(None), Vec::<PathBuf>::new());
        let two = folders(Some(std::ffi::OsStr::new("/a:/b")));
        assert_eq!(two, [PathBuf::from("/a"), PathBuf::from("/b")]);
        open_from(&two, "libnothing.so", NONE);
    }
}
