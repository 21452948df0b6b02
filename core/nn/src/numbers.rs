//! Numbers with a shape, wherever they lie: in the host's memory, or on a GPU.
//!
//! Without the feature `cuda` there is the host alone, and this is nothing but a tensor. With it, whoever asks for numbers that lie on a GPU
//! waits for the GPU; who only asks for their shape does not.

#[cfg(feature = "cuda")]
use super::gpu::Array;
use candle_core::{DType, Result, Tensor};
#[cfg(feature = "cuda")]
use std::sync::{Arc, OnceLock};

/// Numbers with a shape.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// In the host's memory.
    Host(Tensor),
    /// On a GPU.
    #[cfg(feature = "cuda")]
    Gpu {
        array: Array,
        /// What was fetched when the host first asked for it. Nothing on a tape changes in place once it is there.
        fetched: Arc<OnceLock<Tensor>>,
    },
}

impl From<Tensor> for Numbers {
    fn from(tensor: Tensor) -> Self {
        Self::Host(tensor)
    }
}

#[cfg(feature = "cuda")]
impl From<Array> for Numbers {
    fn from(array: Array) -> Self {
        Self::Gpu {
            array,
            fetched: Arc::default(),
        }
    }
}

impl Numbers {
    /// Sizes of the axes.
    pub(crate) fn dims(&self) -> &[usize] {
        match self {
            Self::Host(tensor) => tensor.dims(),
            #[cfg(feature = "cuda")]
            Self::Gpu { array, .. } => array.dims(),
        }
    }

    /// The type that the host has or would have them in.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Self::Host(tensor) => tensor.dtype(),
            #[cfg(feature = "cuda")]
            Self::Gpu { .. } => DType::F32,
        }
    }

    /// How many they are.
    pub(crate) fn elem_count(&self) -> usize {
        self.dims().iter().product()
    }

    /// Memory that they take up, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Self::Host(tensor) => tensor.elem_count() * tensor.dtype().size_in_bytes(),
            #[cfg(feature = "cuda")]
            Self::Gpu { array, .. } => array.n_bytes(),
        }
    }

    /// On the host, in f32 if they come from a GPU; fetched from there once, which waits for all that was asked of it before.
    pub(crate) fn host(&self) -> Result<&Tensor> {
        match self {
            Self::Host(tensor) => Ok(tensor),
            #[cfg(feature = "cuda")]
            Self::Gpu { array, fetched } => {
                if let Some(tensor) = fetched.get() {
                    return Ok(tensor);
                }
                let tensor = array.fetch()?;
                Ok(fetched.get_or_init(|| tensor))
            }
        }
    }

    /// On the GPU, if that is where they lie.
    #[cfg(feature = "cuda")]
    pub(crate) fn array(&self) -> Option<&Array> {
        match self {
            Self::Host(_) => None,
            Self::Gpu { array, .. } => Some(array),
        }
    }
}

/// Lets an operation run on the GPU on which one of its inputs lies: `on_gpu!([x, weight] => what runs there)`, which is its result.
macro_rules! on_gpu {
    ([$($input:expr),+] => $run:expr) => {
        #[cfg(feature = "cuda")]
        if $crate::gpu::ops::device_of([$($input),+]).is_some() {
            return $run;
        }
    };
}
pub(crate) use on_gpu;
