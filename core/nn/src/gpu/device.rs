//! One GPU, ready to compute: its stream, its libraries, its kernels.

use super::convolution::Convolutions;
use super::kernels::{ALL, Source};
use super::launch::Kind;
use super::libraries;
use super::module::{self, Target};
use super::products::Products;
use crate::Precision;
use candle_core::{Error, Result, bail};
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaStream, DriverError, result, sys};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A GPU. Clones are handles to the same one.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    products: Products,
    convolutions: Convolutions,
    kernels: Mutex<Kernels>,
    name: String,
    target: Target,
    precision: Precision,
}

/// What is compiled and loaded so far.
#[derive(Default)]
struct Kernels {
    modules: BTreeMap<(&'static str, Kind), Arc<CudaModule>>,
    functions: BTreeMap<(Kind, &'static str), CudaFunction>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({})", self.0.name)
    }
}

/// What the driver refused, in words.
pub(super) fn driver_error(doing: &str, error: DriverError) -> Error {
    Error::Msg(format!("GPU: {doing}: {error}"))
}

impl Device {
    /// The GPU of that number, from 0. Fails if libraries are missing or there is no such GPU.
    pub(crate) fn open(number: usize, precision: Precision) -> Result<Self> {
        if let Some(words) = libraries::words(libraries::missing()) {
            bail!("{words}");
        }
        let refused = |error| driver_error("starting it", error);
        let n_gpus = result::init()
            .and_then(|()| CudaContext::device_count())
            .map_err(|error| {
                Error::Msg(format!(
                    "NVIDIA's driver finds no GPU ({error}): look at the output of nvidia-smi, install a newer driver if it is older than 580"
                ))
            })?;
        if number >= n_gpus as usize {
            bail!("there is no GPU number {number}: this machine has {n_gpus}, counted from 0");
        }
        let context = CudaContext::new(number).map_err(refused)?;
        let capability = context.compute_capability().map_err(refused)?;
        let name = context.name().map_err(refused)?;
        if capability < (8, 0) {
            bail!(
                "{name} has compute capability {}.{}: 8.0 (Ampere) or newer is needed",
                capability.0,
                capability.1
            );
        }
        keep_freed_memory(&context).map_err(refused)?;
        let stream = context.default_stream();
        Ok(Self(Arc::new(Inner {
            products: Products::new(&stream)?,
            convolutions: Convolutions::new(&stream)?,
            kernels: Mutex::default(),
            name,
            target: Target {
                capability,
                nvrtc: nvrtc_version()?,
            },
            precision,
            stream,
            context,
        })))
    }

    /// As its maker calls it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Memory that is free and that there is, in bytes.
    pub fn memory(&self) -> Result<(usize, usize)> {
        self.0
            .context
            .mem_get_info()
            .map_err(|error| driver_error("asking for its memory", error))
    }

    /// Waits until all that was asked of it is done.
    pub(crate) fn wait(&self) -> Result<()> {
        self.bind()?;
        self.0
            .stream
            .synchronize()
            .map_err(|error| driver_error("waiting for it", error))
    }

    /// What convolutions and products are computed in.
    pub(super) fn kind(&self) -> Kind {
        match self.0.precision {
            Precision::F32 => Kind::F32,
            Precision::Bf16 => Kind::Bf16,
        }
    }

    pub(super) fn context(&self) -> &Arc<CudaContext> {
        &self.0.context
    }

    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        &self.0.stream
    }

    /// Makes it the one that this thread's calls of the driver and the libraries mean.
    pub(super) fn bind(&self) -> Result<()> {
        self.0
            .context
            .bind_to_thread()
            .map_err(|error| driver_error("turning to it", error))
    }

    pub(super) fn products(&self) -> &Products {
        &self.0.products
    }

    pub(super) fn convolutions(&self) -> &Convolutions {
        &self.0.convolutions
    }

    /// A kernel, compiled and loaded if it is the first time.
    pub(super) fn function(&self, kind: Kind, name: &'static str) -> Result<CudaFunction> {
        let mut kernels = self
            .0
            .kernels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = kernels.functions.get(&(kind, name)) {
            return Ok(function.clone());
        }
        let Some(source) = source_of(name) else {
            bail!("there is no kernel named {name}");
        };
        let module = match kernels.modules.get(&(source.name, kind)) {
            Some(module) => module.clone(),
            None => {
                let image = module::image(source, kind, self.0.target)?;
                let module = self
                    .0
                    .context
                    .load_module(image)
                    .map_err(|error| driver_error(source.name, error))?;
                kernels.modules.insert((source.name, kind), module.clone());
                module
            }
        };
        let function = module
            .load_function(name)
            .map_err(|error| driver_error(name, error))?;
        kernels.functions.insert((kind, name), function.clone());
        Ok(function)
    }
}

/// The file in which a kernel stands.
fn source_of(name: &str) -> Option<&'static Source> {
    ALL.iter().find(|source| source.functions.contains(&name))
}

/// Memory that is freed stays with the program for the next array: steps are alike, so that after the first nothing is asked of the driver.
#[expect(unsafe_code, reason = "the pool's settings are reached by address")]
fn keep_freed_memory(context: &CudaContext) -> std::result::Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut all = u64::MAX;
    // SAFETY: the device is the context's; the attribute is a 64-bit number, read during the call.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        result::mem_pool::set_attribute(
            pool,
            sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
            (&raw mut all).cast(),
        )
    }
}

#[expect(unsafe_code, reason = "NVRTC writes its version to addresses")]
fn nvrtc_version() -> Result<(i32, i32)> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both addresses are valid during the call.
    let status = unsafe { cudarc::nvrtc::sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    status
        .result()
        .map_err(|error| Error::Msg(format!("NVRTC does not tell its version: {error:?}")))?;
    Ok((major, minor))
}
