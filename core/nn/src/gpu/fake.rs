//! For tests: NVIDIA's libraries, or where there are none the ones of `tests/fake_cuda` that stand in for them.
#![expect(
    unsafe_code,
    reason = "libraries are opened and their functions called"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

const RTLD_NOW: c_int = 2;
const RTLD_GLOBAL: c_int = 0x100;

/// What only the driver that stands in can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FakeDriver {
    set: unsafe extern "C" fn(c_int, c_int),
    damaged: unsafe extern "C" fn() -> usize,
}

impl FakeDriver {
    /// Whether new buffers begin at the edge of a page that nobody may touch, or end there.
    pub(crate) fn buffers_begin_at_an_edge(self, begin: bool) {
        // SAFETY: sets a number.
        unsafe { (self.set)(0, c_int::from(begin)) }
    }

    /// Whether threads and blocks run from the last to the first.
    pub(crate) fn run_backwards(self, backwards: bool) {
        // SAFETY: sets a number.
        unsafe { (self.set)(1, c_int::from(backwards)) }
    }

    /// Buffers beside which something was written.
    pub(crate) fn n_damaged(self) -> usize {
        // SAFETY: reads.
        unsafe { (self.damaged)() }
    }
}

/// Sees to it that there are libraries to load. `None` if they are NVIDIA's.
pub(crate) fn libraries() -> Option<FakeDriver> {
    static LOADED: OnceLock<Option<FakeDriver>> = OnceLock::new();
    *LOADED.get_or_init(|| {
        // SAFETY: looks for a library.
        if !unsafe { cudarc::driver::sys::is_culib_present() } {
            load();
        }
        driver()
    })
}

/// The driver that is loaded, if it is the one that stands in.
fn driver() -> Option<FakeDriver> {
    // SAFETY: looks for functions by name; those of these names have these types.
    unsafe {
        let library = dlopen(c"libcuda.so.1".as_ptr(), RTLD_NOW | RTLD_GLOBAL);
        let set = dlsym(library, c"fake_cuda_set".as_ptr());
        let damaged = dlsym(library, c"fake_cuda_damaged".as_ptr());
        (!set.is_null() && !damaged.is_null()).then(|| FakeDriver {
            set: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(c_int, c_int)>(set),
            damaged: std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> usize>(damaged),
        })
    }
}

/// Builds them beside the tests' program and opens them; later searches by name find what is open.
fn load() {
    let program = std::env::current_exe().unwrap();
    let to = program.ancestors().nth(2).unwrap().join("fake_cuda");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fake_cuda/build.sh");
    let built = Command::new(&script).arg(&to).output().unwrap();
    assert!(
        built.status.success(),
        "{}: {}",
        script.display(),
        String::from_utf8_lossy(&built.stderr)
    );
    for name in [
        "libcuda.so.1",
        "libnvrtc.so.13",
        "libcublasLt.so.13",
        "libcublas.so.13",
        "libcudnn.so.9",
        "libnvidia-ml.so.1",
    ] {
        let path = CString::new(to.join(name).to_str().unwrap()).unwrap();
        // SAFETY: our own libraries, which do nothing when they are opened.
        let library = unsafe { dlopen(path.as_ptr(), RTLD_NOW | RTLD_GLOBAL) };
        assert!(!library.is_null(), "{path:?} cannot be opened");
    }
}
