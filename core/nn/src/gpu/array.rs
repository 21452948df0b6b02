//! Numbers in a GPU's memory, with their shape.

use super::device::{Device, driver_error};
use super::launch::{Arg, Kind};
use crate::data::with_data;
use candle_core::{DType, Error, Result, Tensor};
use cudarc::driver::{CudaSlice, DevicePtr, DriverError, sys::CUresult};
use std::sync::Arc;

/// Numbers on a GPU. Clones share memory.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    dims: Vec<usize>,
    kind: Kind,
    order: Order,
    memory: Memory,
}

/// In which order the numbers of an array lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Row-major: the last axis is the densest.
    Rows,
    /// `[batch, channels, ...]` as `[batch, ..., channels]`: what tensor cores want of feature maps.
    ChannelsLast,
}

/// A piece of a GPU's memory, given back when the last handle goes, behind all work that was asked for by then.
#[derive(Clone)]
pub(super) struct Memory(Arc<(CudaSlice<u8>, Device)>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} bytes)", self.0.0.len())
    }
}

impl Memory {
    /// A piece of `n_bytes` in which anything may stand.
    pub(super) fn new(device: &Device, n_bytes: usize) -> Result<Self> {
        Ok(Self(Arc::new((piece(device, n_bytes)?, device.clone()))))
    }

    /// A piece of `n_bytes` of zeros.
    #[expect(unsafe_code, reason = "memory is reached by address")]
    pub(super) fn zeros(device: &Device, n_bytes: usize) -> Result<Self> {
        let memory = Self::new(device, n_bytes)?;
        device.bind()?;
        let (at, stream) = (memory.address(), device.stream().cu_stream());
        // SAFETY: the piece has at least so many bytes.
        unsafe { cudarc::driver::result::memset_d8_async(at, 0, n_bytes, stream) }
            .map_err(|error| driver_error("clearing memory", error))?;
        Ok(memory)
    }

    /// Where it starts.
    pub(super) fn address(&self) -> u64 {
        // One stream does all the work: there is nothing to wait for, and so nothing to keep.
        self.0.0.device_ptr(self.0.1.stream()).0
    }

    /// As an argument of a kernel.
    pub(super) fn arg(&self) -> Arg {
        Arg::Pointer(self.address())
    }
}

/// Memory of `n_bytes` in which anything may stand; at least some, so that there is always an address.
#[expect(unsafe_code, reason = "new memory holds anything")]
pub(super) fn piece(device: &Device, n_bytes: usize) -> Result<CudaSlice<u8>> {
    // SAFETY: whoever takes memory writes all of it before anybody reads it.
    let piece = unsafe { device.stream().alloc::<u8>(n_bytes.max(16)) };
    piece.map_err(|error| out_of_memory(device, n_bytes, error))
}

/// Says how much was wanted and how much there is.
fn out_of_memory(device: &Device, n_bytes: usize, error: DriverError) -> Error {
    if error.0 != CUresult::CUDA_ERROR_OUT_OF_MEMORY {
        return driver_error("taking memory", error);
    }
    let mib = |bytes: usize| bytes >> 20;
    let room = device.memory().map_or_else(
        |_| String::new(),
        |(free, all)| format!(" ({} of {} MiB are free)", mib(free), mib(all)),
    );
    Error::Msg(format!(
        "{} has no room for {} MiB more{room}: a smaller batch_size needs less, in proportion",
        device.name(),
        mib(n_bytes).max(1)
    ))
}

impl Array {
    /// An array in which anything may stand.
    pub(super) fn new(device: &Device, dims: &[usize], kind: Kind, order: Order) -> Result<Self> {
        let n: usize = dims.iter().product();
        Ok(Self {
            dims: dims.to_vec(),
            kind,
            order,
            memory: Memory::new(device, n * size_of_kind(kind))?,
        })
    }

    /// A row-major array in which anything may stand.
    pub(super) fn rows(device: &Device, dims: &[usize], kind: Kind) -> Result<Self> {
        Self::new(device, dims, kind, Order::Rows)
    }

    /// An array like this one, in which anything may stand.
    pub(super) fn like(&self) -> Result<Self> {
        Self::new(self.device(), &self.dims, self.kind, self.order)
    }

    /// A copy of a tensor, in f32.
    pub(crate) fn upload(device: &Device, tensor: &Tensor) -> Result<Self> {
        let tensor = tensor.to_dtype(DType::F32)?;
        with_data(&tensor, |data: &[f32]| {
            Self::of_slice(device, data, tensor.dims())
        })
    }

    /// A copy of numbers, row-major.
    pub(crate) fn of_slice(device: &Device, data: &[f32], dims: &[usize]) -> Result<Self> {
        let array = Self::rows(device, dims, Kind::F32)?;
        array.memory.write(data)?;
        Ok(array)
    }

    /// A copy on the host, row-major and in f32. Waits for the GPU.
    pub(crate) fn fetch(&self) -> Result<Tensor> {
        let plain = super::ops::in_order(&super::ops::in_kind(self, Kind::F32)?, Order::Rows)?;
        let data = plain.memory.read::<f32>(self.elem_count())?;
        Tensor::from_vec(data, self.dims(), &candle_core::Device::Cpu)
    }

    /// The same numbers in another shape of as many.
    pub(super) fn with_dims(&self, dims: &[usize]) -> Self {
        debug_assert_eq!(self.elem_count(), dims.iter().product::<usize>());
        Self {
            dims: dims.to_vec(),
            ..self.clone()
        }
    }

    /// The same memory said to be in another order: for shapes of which both orders are the same.
    pub(super) fn relabelled(&self, order: Order) -> Self {
        Self {
            order,
            ..self.clone()
        }
    }

    /// An array of zeros like this one.
    pub(super) fn zeros_like(&self) -> Result<Self> {
        Ok(Self {
            memory: Memory::zeros(self.device(), self.n_bytes())?,
            ..self.clone()
        })
    }

    /// Sizes of the axes.
    pub(crate) fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// How many numbers.
    pub(crate) fn elem_count(&self) -> usize {
        self.dims.iter().product()
    }

    /// Memory that they take up, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.elem_count() * size_of_kind(self.kind)
    }

    /// Their type.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// How they lie.
    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// Where they lie.
    pub(crate) fn device(&self) -> &Device {
        &self.memory.0.1
    }

    /// Where they start.
    pub(super) fn address(&self) -> u64 {
        self.memory.address()
    }

    /// As an argument of a kernel.
    pub(super) fn arg(&self) -> Arg {
        self.memory.arg()
    }
}

fn size_of_kind(kind: Kind) -> usize {
    match kind {
        Kind::F32 => 4,
        Kind::Bf16 => 2,
    }
}

impl Memory {
    /// Copies numbers to the start of it.
    #[expect(unsafe_code, reason = "memory is reached by address")]
    fn write(&self, data: &[f32]) -> Result<()> {
        let stream = self.0.1.stream();
        self.0.1.bind()?;
        debug_assert!(size_of_val(data) <= self.0.0.len());
        // SAFETY: the piece is as long as the data. Memory that the host may page out is copied before the call comes back.
        let done = unsafe {
            cudarc::driver::result::memcpy_htod_async(self.address(), data, stream.cu_stream())
        };
        done.map_err(|error| driver_error("copying to it", error))
    }

    /// Copies `n` numbers from the start of it, when all work asked for is done.
    #[expect(unsafe_code, reason = "memory is reached by address")]
    pub(super) fn read<T: Copy + Default>(&self, n: usize) -> Result<Vec<T>> {
        let stream = self.0.1.stream();
        self.0.1.bind()?;
        let mut data = vec![T::default(); n];
        debug_assert!(size_of_val(&data[..]) <= self.0.0.len());
        // SAFETY: the piece holds `n` numbers of plain bits; the host's memory lives until the copy is waited for.
        let done = unsafe {
            cudarc::driver::result::memcpy_dtoh_async(
                &mut data[..],
                self.address(),
                stream.cu_stream(),
            )
        };
        done.and_then(|()| stream.synchronize())
            .map_err(|error| driver_error("copying from it", error))?;
        Ok(data)
    }
}
