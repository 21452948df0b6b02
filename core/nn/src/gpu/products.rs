//! Matrix products by cuBLAS: f32 on tensor cores (TF32), or bfloat16 with sums in f32.

use super::array::Array;
use super::device::Device;
use super::launch::Kind;
use candle_core::{Error, Result, bail};
use cudarc::cublas::result::CublasError;
use cudarc::cublas::{result, sys};
use cudarc::driver::CudaStream;
use std::sync::{Mutex, PoisonError};

/// cuBLAS, on one stream.
pub(super) struct Products(Mutex<Handle>);

struct Handle(sys::cublasHandle_t);

// The handle is an address that cuBLAS gave; the lock lets one thread use it at a time, as cuBLAS asks for.
#[expect(
    unsafe_code,
    reason = "addresses are not sent to other threads by themselves"
)]
// SAFETY: as above.
unsafe impl Send for Handle {}

impl Drop for Handle {
    #[expect(unsafe_code, reason = "what cuBLAS gave is given back by address")]
    fn drop(&mut self) {
        // SAFETY: the handle is valid and nobody else has it. There is nobody to tell if it fails.
        unsafe { result::destroy_handle(self.0) }.ok();
    }
}

fn refused(error: CublasError) -> Error {
    Error::Msg(format!("GPU: matrix product: {error}"))
}

/// Matrices of an array: `[rows, columns]` as they lie, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor<'a> {
    /// Where they are.
    pub(super) array: &'a Array,
    /// Whether the transpose of each is meant.
    pub(super) transposed: bool,
}

impl<'a> Factor<'a> {
    /// As they lie.
    pub(super) fn of(array: &'a Array) -> Self {
        Self {
            array,
            transposed: false,
        }
    }

    /// Transposed.
    pub(super) fn t(array: &'a Array) -> Self {
        Self {
            array,
            transposed: true,
        }
    }
}

/// Sizes of the products `[m, k] [k, n]`, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
}

impl Products {
    #[expect(unsafe_code, reason = "cuBLAS is told its stream by address")]
    pub(super) fn new(stream: &CudaStream) -> Result<Self> {
        stream
            .context()
            .bind_to_thread()
            .map_err(|error| super::device::driver_error("starting cuBLAS", error))?;
        let handle = Handle(result::create_handle().map_err(refused)?);
        // SAFETY: both are valid, and the stream lives as long as the device that holds both.
        unsafe { result::set_stream(handle.0, stream.cu_stream().cast()) }.map_err(refused)?;
        Ok(Self(Mutex::new(handle)))
    }
}

/// `a b` of each pair, as arrays of type `to`, `scale` times. Both factors have one type.
///
/// Fails if sizes do not fit together or are more than cuBLAS counts.
pub(super) fn product(
    sizes: Sizes,
    a: Factor<'_>,
    b: Factor<'_>,
    dims: &[usize],
    to: Kind,
) -> Result<Array> {
    let Sizes { batch, m, n, k } = sizes;
    let fits = a.array.elem_count() == batch * m * k
        && b.array.elem_count() == batch * k * n
        && dims.iter().product::<usize>() == batch * m * n
        && a.array.kind() == b.array.kind();
    if !fits {
        bail!(
            "matrix products {sizes:?} of {:?} and {:?}",
            a.array.dims(),
            b.array.dims()
        );
    }
    let device = a.array.device();
    let y = Array::rows(device, dims, to)?;
    run(device, sizes, a, b, &y)?;
    Ok(y)
}

/// cuBLAS has matrices column by column: ours, read so, are their own transposes. `yᵀ = bᵀ aᵀ` then needs none of them turned.
#[expect(unsafe_code, reason = "cuBLAS reads and writes memory by address")]
fn run(device: &Device, sizes: Sizes, a: Factor<'_>, b: Factor<'_>, y: &Array) -> Result<()> {
    let Sizes { batch, m, n, k } = sizes;
    let [m_int, n_int, k_int, batch_int] = [m, n, k, batch].map(i32::try_from);
    let (Ok(m_int), Ok(n_int), Ok(k_int), Ok(batch_int)) = (m_int, n_int, k_int, batch_int) else {
        bail!("matrix products {sizes:?} are larger than cuBLAS counts");
    };
    let op = |factor: Factor<'_>, width: i32, transposed_width: i32| {
        if factor.transposed {
            (sys::cublasOperation_t::CUBLAS_OP_T, transposed_width)
        } else {
            (sys::cublasOperation_t::CUBLAS_OP_N, width)
        }
    };
    let (op_a, width_a) = op(a, k_int, m_int);
    let (op_b, width_b) = op(b, n_int, k_int);
    let (one, zero) = (1f32, 0f32);
    device.bind()?;
    let handle = device.products().0.lock();
    let handle = handle.unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the arrays have the sizes that cuBLAS is told (`product` looked); the two factors are read during the call; work on memory that is
    // freed later is done before, on the same stream.
    unsafe {
        result::gemm_strided_batched_ex(
            handle.0,
            op_b,
            op_a,
            n_int,
            m_int,
            k_int,
            (&raw const one).cast(),
            b.array.address() as *const _,
            type_of(b.array.kind()),
            width_b,
            (k * n) as i64,
            a.array.address() as *const _,
            type_of(a.array.kind()),
            width_a,
            (m * k) as i64,
            (&raw const zero).cast(),
            y.address() as *mut _,
            type_of(y.kind()),
            n_int,
            (m * n) as i64,
            batch_int,
            match a.array.kind() {
                Kind::F32 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
                Kind::Bf16 => sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            },
            sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
        )
    }
    .map_err(refused)
}

fn type_of(kind: Kind) -> sys::cudaDataType {
    match kind {
        Kind::F32 => sys::cudaDataType::CUDA_R_32F,
        Kind::Bf16 => sys::cudaDataType::CUDA_R_16BF,
    }
}
