//! Starting own kernels: how many blocks, and arguments as the kernels declare them.

use super::device::{Device, driver_error};
use candle_core::{Result, bail};
use cudarc::driver::{LaunchConfig, PushKernelArg};

/// Threads of a block, for all kernels.
pub(super) const THREADS: usize = 256;

/// The most blocks along x: a loop in the kernel goes on from there, and every GPU is full by then.
const MOST_BLOCKS: usize = 65_535 * 8;

/// The most blocks along y that CUDA takes.
const MOST_BLOCKS_ALONG_Y: usize = 65_535;

/// How many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    x: u32,
    y: u32,
}

impl Grid {
    /// A thread for each of `n` numbers.
    pub(super) fn each(n: usize) -> Self {
        Self::rows(n.div_ceil(THREADS))
    }

    /// A block for each of `n` rows.
    pub(super) fn rows(n: usize) -> Self {
        Self {
            x: n.clamp(1, MOST_BLOCKS) as u32,
            y: 1,
        }
    }

    /// A block for each pair; neither is cut down. Fails if there are more than a GPU takes.
    pub(super) fn pairs(x: usize, y: usize) -> Result<Self> {
        let x_fits = i32::try_from(x).is_ok_and(|x| x > 0);
        if !x_fits || y == 0 || y > MOST_BLOCKS_ALONG_Y {
            bail!("{x} x {y} blocks are more than a GPU takes, or none");
        }
        Ok(Self {
            x: x as u32,
            y: y as u32,
        })
    }

    /// Blocks along x.
    pub(super) fn blocks(self) -> usize {
        self.x as usize
    }
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arg {
    /// An address on the GPU; 0 is null.
    Pointer(u64),
    /// `int`
    Int(i32),
    /// `long long`
    Long(i64),
    /// `unsigned`
    Unsigned(u32),
    /// `float`
    Float(f32),
}

/// A size as `int`. Fails if it is too large.
pub(super) fn int(n: usize) -> Result<Arg> {
    match i32::try_from(n) {
        Ok(n) => Ok(Arg::Int(n)),
        Err(_) => bail!("a size of {n} is more than the kernels count"),
    }
}

/// A size as `long long`.
pub(super) fn long(n: usize) -> Arg {
    Arg::Long(n as i64)
}

/// The number type that a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// 32 bits.
    F32,
    /// bfloat16.
    Bf16,
}

impl Kind {
    /// What `T` is in the source: a line in front of it. As an option it would reach into headers that NVRTC reads before, which use the name.
    pub(super) fn definition(self) -> &'static str {
        match self {
            Self::F32 => "#define T float\n",
            Self::Bf16 => "#define T bf16\n",
        }
    }
}

/// Starts the kernel of that name; whoever needs what it writes comes later on the same stream.
#[expect(unsafe_code, reason = "a kernel reads and writes memory by address")]
pub(super) fn launch(
    device: &Device,
    kind: Kind,
    name: &'static str,
    grid: Grid,
    args: &[Arg],
) -> Result<()> {
    let function = device.function(kind, name)?;
    let mut builder = device.stream().launch_builder(&function);
    for arg in args {
        match arg {
            Arg::Pointer(it) => builder.arg(it),
            Arg::Int(it) => builder.arg(it),
            Arg::Long(it) => builder.arg(it),
            Arg::Unsigned(it) => builder.arg(it),
            Arg::Float(it) => builder.arg(it),
        };
    }
    let config = LaunchConfig {
        grid_dim: (grid.x, grid.y, 1),
        block_dim: (THREADS as u32, 1, 1),
        shared_mem_bytes: 0,
    };
    // SAFETY: the callers in `ops` hand over arguments in the order and of the types that the kernel declares, and arrays of the sizes that it
    // is told; all memory is freed on the same stream, behind the kernel.
    unsafe { builder.launch(config) }.map_err(|error| driver_error(name, error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_thread_until_the_grid_is_full() {
        assert_eq!(Grid::each(0).blocks(), 1);
        assert_eq!(Grid::each(256).blocks(), 1);
        assert_eq!(Grid::each(257).blocks(), 2);
        assert_eq!(Grid::each(usize::MAX / 2).blocks(), MOST_BLOCKS);
        assert_eq!(Grid::rows(3).blocks(), 3);
    }

    #[test]
    fn what_a_gpu_does_not_count_is_refused() {
        assert!(Grid::pairs(128, 65_535).is_ok());
        assert!(Grid::pairs(128, 65_536).is_err());
        assert!(Grid::pairs(0, 1).is_err());
        assert!(Grid::pairs(1 << 31, 1).is_err());
        assert_eq!(int(7).unwrap(), Arg::Int(7));
        assert!(int(1 << 31).is_err());
        assert_eq!(long(1 << 40), Arg::Long(1 << 40));
    }
}
