//! Convolutions by cuDNN: forward, gradient for the input, gradient for the weights; channels last, as tensor cores want it.
//!
//! How a convolution of certain sizes is best computed is asked once and kept, and so is the memory that it needs beside its arrays: one piece for
//! all, since one stream works on one convolution at a time.

use super::array::{Array, Order, piece};
use super::launch::Kind;
use crate::shapes::ConvShape;
use candle_core::{Error, Result, bail};
use cudarc::cudnn::result::CudnnError;
use cudarc::cudnn::{result, sys};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// cuDNN, on one stream.
pub(super) struct Convolutions(Mutex<State>);

struct State {
    handle: sys::cudnnHandle_t,
    plans: BTreeMap<Key, Plan>,
    /// What the hungriest convolution so far needs.
    workspace: Option<CudaSlice<u8>>,
}

// Handle and descriptors are addresses that cuDNN gave; the lock lets one thread use them at a time, as cuDNN asks for.
#[expect(
    unsafe_code,
    reason = "addresses are not sent to other threads by themselves"
)]
// SAFETY: as above.
unsafe impl Send for State {}

impl Drop for State {
    #[expect(unsafe_code, reason = "what cuDNN gave is given back by address")]
    fn drop(&mut self) {
        self.plans.clear();
        // SAFETY: the handle is valid and nobody else has it. There is nobody to tell if it fails.
        unsafe { result::destroy_handle(self.handle) }.ok();
    }
}

fn refused(error: CudnnError) -> Error {
    Error::Msg(format!("GPU: convolution: {error}"))
}

/// What a convolution is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Forward,
    ToInput,
    ToWeight,
}

type Key = (Way, Kind, [usize; 12]);

fn key(way: Way, kind: Kind, shape: &ConvShape) -> Key {
    let ConvShape {
        batch,
        in_channels,
        out_channels,
        input,
        kernel,
        stride,
        padding,
        dilation,
    } = *shape;
    let axes = [
        input[0], input[1], kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1],
    ];
    let mut numbers = [0; 12];
    numbers[..3].copy_from_slice(&[batch, in_channels, out_channels]);
    numbers[3..11].copy_from_slice(&axes);
    // Both at once: neither is ever near 2¹⁶.
    numbers[11] = dilation[0] << 16 | dilation[1];
    (way, kind, numbers)
}

/// How a convolution is computed.
struct Plan {
    x: sys::cudnnTensorDescriptor_t,
    weight: sys::cudnnFilterDescriptor_t,
    y: sys::cudnnTensorDescriptor_t,
    convolution: sys::cudnnConvolutionDescriptor_t,
    algorithm: Algorithm,
    workspace_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    ToInput(sys::cudnnConvolutionBwdDataAlgo_t),
    ToWeight(sys::cudnnConvolutionBwdFilterAlgo_t),
    NotYet,
}

impl Drop for Plan {
    #[expect(unsafe_code, reason = "what cuDNN gave is given back by address")]
    fn drop(&mut self) {
        // SAFETY: each is valid or null, and nobody else has it. There is nobody to tell if it fails.
        unsafe {
            if !self.x.is_null() {
                result::destroy_tensor_descriptor(self.x).ok();
            }
            if !self.y.is_null() {
                result::destroy_tensor_descriptor(self.y).ok();
            }
            if !self.weight.is_null() {
                result::destroy_filter_descriptor(self.weight).ok();
            }
            if !self.convolution.is_null() {
                result::destroy_convolution_descriptor(self.convolution).ok();
            }
        }
    }
}

/// Sizes as cuDNN takes them.
fn ints<const N: usize>(sizes: [usize; N]) -> Result<[i32; N]> {
    let mut ints = [0; N];
    for (to, from) in ints.iter_mut().zip(sizes) {
        *to = match i32::try_from(from) {
            Ok(size) => size,
            Err(_) => bail!("a convolution of size {from} is more than cuDNN counts"),
        };
    }
    Ok(ints)
}

impl Convolutions {
    #[expect(unsafe_code, reason = "cuDNN is told its stream by address")]
    pub(super) fn new(stream: &CudaStream) -> Result<Self> {
        stream
            .context()
            .bind_to_thread()
            .map_err(|error| super::device::driver_error("starting cuDNN", error))?;
        let state = State {
            handle: result::create_handle().map_err(refused)?,
            plans: BTreeMap::new(),
            workspace: None,
        };
        // SAFETY: both are valid, and the stream lives as long as the device that holds both.
        unsafe { result::set_stream(state.handle, stream.cu_stream().cast()) }.map_err(refused)?;
        Ok(Self(Mutex::new(state)))
    }
}

impl Plan {
    #[expect(unsafe_code, reason = "cuDNN's descriptions are reached by address")]
    fn new(handle: sys::cudnnHandle_t, way: Way, kind: Kind, shape: &ConvShape) -> Result<Self> {
        use sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC as LAST;
        let Some(output) = shape.output() else {
            bail!("convolution: the kernel is larger than the padded input");
        };
        let data_type = match kind {
            Kind::F32 => sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            Kind::Bf16 => sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16,
        };
        let math = match kind {
            // f32 by TF32.
            Kind::F32 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION,
            Kind::Bf16 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
        };
        let ConvShape {
            batch,
            in_channels,
            out_channels,
            input: [height, width],
            kernel: [kernel_height, kernel_width],
            stride,
            padding,
            dilation,
        } = *shape;
        let mut plan = Self {
            x: std::ptr::null_mut(),
            weight: std::ptr::null_mut(),
            y: std::ptr::null_mut(),
            convolution: std::ptr::null_mut(),
            algorithm: Algorithm::NotYet,
            workspace_bytes: 0,
        };
        let x_dims = ints([batch, in_channels, height, width])?;
        let weight_dims = ints([out_channels, in_channels, kernel_height, kernel_width])?;
        let y_dims = ints([batch, out_channels, output[0], output[1]])?;
        let steps = ints([
            padding[0],
            padding[1],
            stride[0],
            stride[1],
            dilation[0],
            dilation[1],
        ])?;
        plan.x = result::create_tensor_descriptor().map_err(refused)?;
        plan.weight = result::create_filter_descriptor().map_err(refused)?;
        plan.y = result::create_tensor_descriptor().map_err(refused)?;
        plan.convolution = result::create_convolution_descriptor().map_err(refused)?;
        // SAFETY: the descriptions were made above and live as long as the plan.
        unsafe {
            result::set_tensor4d_descriptor(plan.x, LAST, data_type, x_dims).map_err(refused)?;
            result::set_filter4d_descriptor(plan.weight, data_type, LAST, weight_dims)
                .map_err(refused)?;
            result::set_tensor4d_descriptor(plan.y, LAST, data_type, y_dims).map_err(refused)?;
            result::set_convolution2d_descriptor(
                plan.convolution,
                steps[0],
                steps[1],
                steps[2],
                steps[3],
                steps[4],
                steps[5],
                sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
                sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            )
            .map_err(refused)?;
            result::set_convolution_math_type(plan.convolution, math).map_err(refused)?;
            plan.choose(handle, way)?;
        }
        Ok(plan)
    }

    /// Asks cuDNN which algorithm is the fastest and what it needs.
    #[expect(unsafe_code, reason = "cuDNN's descriptions are reached by address")]
    unsafe fn choose(&mut self, handle: sys::cudnnHandle_t, way: Way) -> Result<()> {
        /// Algorithms that are asked for; cuDNN puts the fastest first.
        const MOST: usize = 10;
        let mut n_found = 0;
        macro_rules! fastest {
            ($result_type:ty, $ask:path, $($description:expr),*) => {{
                // SAFETY: a description of plain numbers, which cuDNN fills in.
                let mut found: [$result_type; MOST] = unsafe { std::mem::zeroed() };
                // SAFETY: handle and descriptions are valid; there is room for as many answers as are asked for.
                unsafe { $ask(handle, $($description),*, MOST as i32, &raw mut n_found, found.as_mut_ptr()) }
                    .map_err(refused)?;
                found[..(n_found as usize).min(MOST)]
                    .iter()
                    .find(|found| found.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS)
                    .map(|found| (found.algo, found.memory))
            }};
        }
        let (x, weight, y, convolution) = (self.x, self.weight, self.y, self.convolution);
        let chosen = match way {
            Way::Forward => fastest!(
                sys::cudnnConvolutionFwdAlgoPerf_t,
                result::get_convolution_forward_algorithm,
                x,
                weight,
                convolution,
                y
            )
            .map(|(algorithm, memory)| (Algorithm::Forward(algorithm), memory)),
            Way::ToInput => fastest!(
                sys::cudnnConvolutionBwdDataAlgoPerf_t,
                result::get_convolution_backward_data_algorithm,
                weight,
                y,
                convolution,
                x
            )
            .map(|(algorithm, memory)| (Algorithm::ToInput(algorithm), memory)),
            Way::ToWeight => fastest!(
                sys::cudnnConvolutionBwdFilterAlgoPerf_t,
                result::get_convolution_backward_filter_algorithm,
                x,
                y,
                convolution,
                weight
            )
            .map(|(algorithm, memory)| (Algorithm::ToWeight(algorithm), memory)),
        };
        let Some((algorithm, workspace_bytes)) = chosen else {
            bail!("GPU: cuDNN knows no way to compute a convolution ({way:?})");
        };
        self.algorithm = algorithm;
        self.workspace_bytes = workspace_bytes;
        Ok(())
    }
}

/// `x` `[batch, in, height, width]` with `weight` `[out, in, kernel height, kernel width]`, all channels last and of one type.
pub(super) fn forward(shape: &ConvShape, x: &Array, weight: &Array) -> Result<Array> {
    let [height, width] = shape.output().unwrap_or([0, 0]);
    let dims = [shape.batch, shape.out_channels, height, width];
    let y = Array::new(x.device(), &dims, x.kind(), Order::ChannelsLast)?;
    run(Way::Forward, shape, [x, weight, &y])?;
    Ok(y)
}

/// The gradient for the input from that of the output.
pub(super) fn input_gradient(shape: &ConvShape, weight: &Array, dy: &Array) -> Result<Array> {
    let [height, width] = shape.input;
    let dims = [shape.batch, shape.in_channels, height, width];
    let dx = Array::new(dy.device(), &dims, dy.kind(), Order::ChannelsLast)?;
    run(Way::ToInput, shape, [&dx, weight, dy])?;
    Ok(dx)
}

/// The gradient for the weights from that of the output.
pub(super) fn weight_gradient(shape: &ConvShape, x: &Array, dy: &Array) -> Result<Array> {
    let [height, width] = shape.kernel;
    let dims = [shape.out_channels, shape.in_channels, height, width];
    let dw = Array::new(dy.device(), &dims, dy.kind(), Order::ChannelsLast)?;
    run(Way::ToWeight, shape, [x, &dw, dy])?;
    Ok(dw)
}

/// Input, weight and output, of which one is written.
#[expect(unsafe_code, reason = "cuDNN reads and writes memory by address")]
fn run(way: Way, shape: &ConvShape, [x, weight, y]: [&Array; 3]) -> Result<()> {
    let kind = y.kind();
    let weights = shape.out_channels * shape.depth();
    let fits = [x, weight, y]
        .iter()
        .all(|array| array.kind() == kind && array.order() == Order::ChannelsLast)
        && x.elem_count() == shape.batch * shape.in_channels * shape.in_plane()
        && weight.elem_count() == weights
        && y.elem_count() == shape.batch * shape.out_channels * shape.out_plane();
    if !fits {
        bail!("GPU: arrays that do not fit the convolution {shape:?}");
    }
    let device = y.device();
    device.bind()?;
    let state = device.convolutions().0.lock();
    let state = &mut *state.unwrap_or_else(PoisonError::into_inner);
    let key = key(way, kind, shape);
    if !state.plans.contains_key(&key) {
        let plan = Plan::new(state.handle, way, kind, shape)?;
        state.plans.insert(key, plan);
    }
    let Some(plan) = state.plans.get(&key) else {
        bail!("GPU: a convolution without a plan");
    };
    let needed = plan.workspace_bytes;
    if state
        .workspace
        .as_ref()
        .is_none_or(|room| room.len() < needed)
    {
        state.workspace = None;
        state.workspace = Some(piece(device, needed)?);
    }
    let room = state.workspace.as_ref();
    let room = room.map_or(0, |room| room.device_ptr(device.stream()).0);
    let (one, zero) = (1f32, 0f32);
    let (one, zero) = ((&raw const one).cast(), (&raw const zero).cast());
    let [x, weight, y] = [x, weight, y].map(|array| array.address() as *mut std::ffi::c_void);
    let room = room as *mut std::ffi::c_void;
    // SAFETY: the arrays have the types, orders and sizes of the plan's descriptions (looked at above); the factors are read during the call; work on
    // memory that is freed later is done before, on the same stream.
    unsafe {
        match plan.algorithm {
            Algorithm::Forward(algorithm) => result::convolution_forward(
                state.handle,
                one,
                plan.x,
                x,
                plan.weight,
                weight,
                plan.convolution,
                algorithm,
                room,
                needed,
                zero,
                plan.y,
                y,
            ),
            Algorithm::ToInput(algorithm) => result::convolution_backward_data(
                state.handle,
                one,
                plan.weight,
                weight,
                plan.y,
                y,
                plan.convolution,
                algorithm,
                room,
                needed,
                zero,
                plan.x,
                x,
            ),
            Algorithm::ToWeight(algorithm) => result::convolution_backward_filter(
                state.handle,
                one,
                plan.x,
                x,
                plan.y,
                y,
                plan.convolution,
                algorithm,
                room,
                needed,
                zero,
                plan.weight,
                weight,
            ),
            Algorithm::NotYet => bail!("GPU: a convolution without an algorithm"),
        }
    }
    .map_err(refused)
}
