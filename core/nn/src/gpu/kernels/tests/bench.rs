//! Where kernels are tried: buffers, launches, comparisons.
#![expect(unsafe_code, reason = "the driver's functions are unsafe to call")]

use super::super::Source;
use crate::gpu::fake::{self, FakeDriver};
use crate::rng::{Address, Purpose};
use cudarc::driver::{result, sys};
use cudarc::nvrtc;
use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The type of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    F32,
    Bf16,
}

impl Type {
    /// What stands in front of a program. An option would reach NVRTC's own headers, which have a `T` of theirs.
    fn definition(self) -> &'static str {
        match self {
            Self::F32 => "#define T float\n",
            Self::Bf16 => "#define T bf16\n",
        }
    }

    fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// A number as this type holds it.
    pub(super) fn round(self, x: f32) -> f32 {
        match self {
            Self::F32 => x,
            Self::Bf16 => half::bf16::from_f32(x).to_f32(),
        }
    }

    /// How far a result of this type may be from the exact one, as a share of it.
    pub(super) fn share(self) -> f64 {
        match self {
            Self::F32 => 2e-6,
            Self::Bf16 => 4.5e-3,
        }
    }
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    Address(u64),
    Long(i64),
    Int(i32),
    Word(u32),
    Float(f32),
}

impl From<usize> for Arg {
    fn from(n: usize) -> Self {
        Self::Long(n as i64)
    }
}
impl From<i32> for Arg {
    fn from(n: i32) -> Self {
        Self::Int(n)
    }
}
impl From<u32> for Arg {
    fn from(n: u32) -> Self {
        Self::Word(n)
    }
}
impl From<f32> for Arg {
    fn from(x: f32) -> Self {
        Self::Float(x)
    }
}
impl From<&Buffer> for Arg {
    fn from(buffer: &Buffer) -> Self {
        Self::Address(buffer.at)
    }
}
/// No buffer.
impl From<()> for Arg {
    fn from((): ()) -> Self {
        Self::Address(0)
    }
}

/// The arguments of a launch.
macro_rules! args {
    ($($arg:expr),* $(,)?) => { &[$(crate::gpu::kernels::tests::bench::Arg::from($arg)),*] };
}
pub(super) use args;

/// Memory of the device.
#[derive(Debug)]
pub(super) struct Buffer {
    at: u64,
    n_bytes: usize,
    of: Option<Type>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        let freed = unsafe { result::free_sync(self.at) };
        assert!(
            freed.is_ok() || std::thread::panicking(),
            "written beside a buffer"
        );
    }
}

impl Buffer {
    fn new(bytes: &[u8], of: Option<Type>) -> Self {
        // SAFETY: memory of as many bytes as are written.
        unsafe {
            let at = result::malloc_sync(bytes.len().max(1)).unwrap();
            result::memcpy_htod_sync(at, bytes).unwrap();
            Self {
                at,
                n_bytes: bytes.len(),
                of,
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.n_bytes];
        // SAFETY: as many bytes as it has.
        unsafe { result::memcpy_dtoh_sync(&mut bytes, self.at).unwrap() };
        bytes
    }

    fn set_bytes(&self, bytes: &[u8]) {
        // SAFETY: as many bytes as it has.
        unsafe { result::memcpy_htod_sync(self.at, bytes).unwrap() };
    }

    /// Its numbers, of whatever type.
    pub(super) fn read(&self) -> Vec<f32> {
        match self.of {
            Some(Type::Bf16) => self
                .words::<2>()
                .map(|b| half::bf16::from_le_bytes(b).to_f32())
                .collect(),
            _ => self.words::<4>().map(f32::from_le_bytes).collect(),
        }
    }

    /// Its numbers of 32 bits.
    pub(super) fn integers(&self) -> Vec<i32> {
        self.words::<4>().map(i32::from_le_bytes).collect()
    }

    /// Its doubles.
    pub(super) fn doubles(&self) -> Vec<f64> {
        self.words::<8>().map(f64::from_le_bytes).collect()
    }

    /// Its bytes.
    pub(super) fn places(&self) -> Vec<u8> {
        self.bytes()
    }

    fn words<const N: usize>(&self) -> impl Iterator<Item = [u8; N]> {
        self.bytes()
            .chunks_exact(N)
            .map(|chunk| chunk.try_into().unwrap())
            .collect::<Vec<[u8; N]>>()
            .into_iter()
    }
}

/// The device, for one test at a time.
pub(super) struct Bench {
    pub(super) kind: Type,
    driver: Option<FakeDriver>,
}

fn device() -> MutexGuard<'static, ()> {
    static DEVICE: Mutex<()> = Mutex::new(());
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `work` for both types of activations and for buffers that begin, and that end, where no memory is.
pub(super) fn on_benches(work: impl Fn(&Bench)) {
    let _device = device();
    let driver = fake::libraries();
    // SAFETY: in the order that the driver wants.
    unsafe {
        result::init().unwrap();
        let context = result::primary_ctx::retain(result::device::get(0).unwrap()).unwrap();
        result::ctx::set_current(context).unwrap();
    }
    for kind in [Type::F32, Type::Bf16] {
        for begin in [false, true] {
            if let Some(driver) = driver {
                driver.buffers_begin_at_an_edge(begin);
            }
            work(&Bench { kind, driver });
        }
    }
}

type Modules = BTreeMap<(&'static str, Type), usize>;

#[expect(
    clippy::unused_self,
    reason = "tests ask the bench for whatever they need, of a type or not"
)]
impl Bench {
    /// Numbers around 0 as the type holds them, always the same for the same `seed`.
    pub(super) fn draw(&self, n: usize, seed: u64) -> Vec<f32> {
        let mut draws = Address::new(seed, Purpose::Check, n as u64).stream();
        (0..n).map(|_| self.kind.round(draws.normal())).collect()
    }

    /// Activations.
    pub(super) fn numbers(&self, x: &[f32]) -> Buffer {
        let bytes: Vec<u8> = match self.kind {
            Type::F32 => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Type::Bf16 => x
                .iter()
                .flat_map(|&x| half::bf16::from_f32(x).to_le_bytes())
                .collect(),
        };
        Buffer::new(&bytes, Some(self.kind))
    }

    /// Room for activations; what is in it is no number.
    pub(super) fn room(&self, n: usize) -> Buffer {
        Buffer::new(&vec![0xFF; n * self.kind.size()], Some(self.kind))
    }

    pub(super) fn floats(&self, x: &[f32]) -> Buffer {
        let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
        Buffer::new(&bytes, None)
    }

    pub(super) fn bytes(&self, x: &[u8]) -> Buffer {
        Buffer::new(x, None)
    }

    /// Room for numbers of `size` bytes.
    pub(super) fn room_of(&self, size: usize, n: usize) -> Buffer {
        Buffer::new(&vec![0xFF; n * size], None)
    }

    /// Launches a kernel in blocks of 256, twice; the results must be the same, bit by bit. `buffers`: what it may write to.
    pub(super) fn launch(
        &self,
        source: &Source,
        function: &str,
        grid: [u32; 2],
        arguments: &[Arg],
        writes: &[&Buffer],
    ) {
        self.check_signature(source, function, arguments);
        let before: Vec<Vec<u8>> = writes.iter().map(|buffer| buffer.bytes()).collect();
        self.launch_once(source, function, grid, arguments, false);
        let after: Vec<Vec<u8>> = writes.iter().map(|buffer| buffer.bytes()).collect();
        for (buffer, before) in writes.iter().zip(&before) {
            buffer.set_bytes(before);
        }
        self.launch_once(source, function, grid, arguments, true);
        for (buffer, after) in writes.iter().zip(&after) {
            assert!(
                buffer.bytes() == *after,
                "{function}: another order gives other bits"
            );
        }
        if let Some(driver) = self.driver {
            assert_eq!(driver.n_damaged(), 0, "{function} wrote beside a buffer");
        }
    }

    /// Launches over `n` numbers with few enough blocks that threads must take more than one.
    pub(super) fn each(
        &self,
        source: &Source,
        function: &str,
        arguments: &[Arg],
        writes: &[&Buffer],
    ) {
        self.launch(source, function, [3, 1], arguments, writes);
    }

    fn launch_once(
        &self,
        source: &Source,
        function: &str,
        grid: [u32; 2],
        arguments: &[Arg],
        backwards: bool,
    ) {
        if let Some(driver) = self.driver {
            driver.run_backwards(backwards);
        }
        let module = self.module(source);
        let mut parameters: Vec<*mut c_void> = arguments
            .iter()
            .map(|argument| match argument {
                Arg::Address(x) => std::ptr::from_ref(x).cast_mut().cast(),
                Arg::Long(x) => std::ptr::from_ref(x).cast_mut().cast(),
                Arg::Int(x) => std::ptr::from_ref(x).cast_mut().cast(),
                Arg::Word(x) => std::ptr::from_ref(x).cast_mut().cast(),
                Arg::Float(x) => std::ptr::from_ref(x).cast_mut().cast(),
            })
            .collect();
        let name = CString::new(function).unwrap();
        // SAFETY: the arguments are those of the kernel's signature, which was looked at.
        unsafe {
            let function = result::module::get_function(module, name).unwrap();
            result::launch_kernel(
                function,
                (grid[0], grid[1], 1),
                (256, 1, 1),
                0,
                std::ptr::null_mut(),
                &mut parameters,
            )
            .unwrap();
            result::ctx::synchronize().unwrap();
        }
    }

    /// Fails if the arguments are not those that the source names.
    fn check_signature(&self, source: &Source, function: &str, arguments: &[Arg]) {
        let start = source.text.find(&format!("KERNEL {function}(")).unwrap();
        let list = &source.text[start..];
        let list = &list[list.find('(').unwrap() + 1..list.find(')').unwrap()];
        let expected: Vec<&str> = list.split(',').map(str::trim).collect();
        assert_eq!(expected.len(), arguments.len(), "{function}({list})");
        for (expected, found) in expected.iter().zip(arguments) {
            let fits = match found {
                Arg::Address(_) => expected.contains('*'),
                Arg::Long(_) => expected.starts_with("i64 "),
                Arg::Int(_) => expected.starts_with("int "),
                Arg::Word(_) => expected.starts_with("u32 "),
                Arg::Float(_) => expected.starts_with("float ") && !expected.contains('*'),
            };
            assert!(fits, "{function}: {found:?} for {expected}");
        }
    }

    fn module(&self, source: &Source) -> sys::CUmodule {
        static MODULES: OnceLock<Mutex<Modules>> = OnceLock::new();
        let mut modules = MODULES
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let module = modules
            .entry((source.name, self.kind))
            .or_insert_with(|| self.compile(source) as usize);
        *module as sys::CUmodule
    }

    fn compile(&self, source: &Source) -> sys::CUmodule {
        let text = self.kind.definition().to_owned() + &source.program();
        let text = CString::new(text).unwrap();
        let program = nvrtc::result::create_program(&text, None).unwrap();
        let options = ["--gpu-architecture=compute_80"];
        // SAFETY: a program that was created, and its image with a zero behind it.
        unsafe {
            let compiled = nvrtc::result::compile_program(program, &options);
            let log = nvrtc::result::get_program_log(program).unwrap();
            let log = String::from_utf8_lossy(&log.iter().map(|&c| c as u8).collect::<Vec<_>>())
                .into_owned();
            assert!(compiled.is_ok(), "{}.cu: {log}", source.name);
            let image = nvrtc::result::get_ptx(program).unwrap();
            result::module::load_data(image.as_ptr().cast()).unwrap()
        }
    }

    /// Fails where `found` is further from `expected` than the type's rounding and `slack` (absolute) allow.
    pub(super) fn compare(&self, what: &str, found: &[f32], expected: &[f64], slack: f64) {
        self.compare_within(what, found, expected, self.kind.share(), slack);
    }

    /// The same for floats, whatever the type of activations.
    pub(super) fn compare_floats(&self, what: &str, found: &[f32], expected: &[f64], slack: f64) {
        self.compare_within(what, found, expected, Type::F32.share(), slack);
    }

    fn compare_within(&self, what: &str, found: &[f32], expected: &[f64], share: f64, slack: f64) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let apart = (f64::from(found) - expected).abs();
            assert!(
                apart <= share * expected.abs() + slack || (found.is_nan() && expected.is_nan()),
                "{what} in {:?}, number {i}: {found} for {expected}",
                self.kind
            );
        }
    }
}

/// In double.
pub(super) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}
