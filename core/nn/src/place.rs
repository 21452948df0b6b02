//! Where a network computes: on the processor, or on a GPU if this build and this machine have one.

use candle_core::Result;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What somebody chose to compute on: `cpu`, `cuda` (the first GPU) or `cuda:1` and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of that number, from 0.
    Cuda(usize),
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("there is no device {name:?}: cpu, cuda or cuda:N, N a number");
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            None if name == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) => match number.parse() {
                Ok(number) => Ok(Self::Cuda(number)),
                Err(_) => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// What a GPU computes convolutions and matrix products in. The processor always takes f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Numbers of 32 bits; on tensor cores their products are rounded to 10 bits behind the point (TF32).
    #[default]
    F32,
    /// Activations of 16 bits (bfloat16), sums, statistics, loss and weights of 32.
    Bf16,
}

impl Precision {
    /// The one of that name: `f32` or `bf16`. Fails with the names that there are.
    pub fn of_name(name: &str) -> std::result::Result<Self, String> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(format!("there is no precision {name:?}: f32 or bf16")),
        }
    }
}

/// What a GPU is doing. `None`: nobody tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GpuActivity {
    /// As its maker calls it.
    pub name: Arc<str>,
    /// The share of the last second or less in which it computed, whoever for, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_share: Option<f64>,
    /// Memory that this process's arrays hold, and what it keeps for the next ones, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_bytes: Option<u64>,
    /// Memory that is taken, whoever by, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// All its memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// A device that is ready to compute.
#[derive(Clone, Debug, Default)]
pub enum Place {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU. Clones are handles to the same one.
    #[cfg(feature = "cuda")]
    Gpu(super::gpu::Device),
}

impl Place {
    /// Makes a device ready. Fails, in words that say what is missing and where it is to be had, if a GPU cannot be used.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(unused_variables, reason = "the processor has one precision")
    )]
    pub fn open(name: DeviceName, precision: Precision) -> Result<Self> {
        match name {
            DeviceName::Cpu => Ok(Self::Cpu),
            #[cfg(feature = "cuda")]
            DeviceName::Cuda(number) => Ok(Self::Gpu(super::gpu::Device::open(number, precision)?)),
            #[cfg(not(feature = "cuda"))]
            DeviceName::Cuda(_) => {
                candle_core::bail!(
                    "this program was built without GPUs: build it with `cargo build --release --features cuda`"
                )
            }
        }
    }

    /// Waits until all that was asked of it is done; the processor has done it already.
    pub fn wait(&self) -> Result<()> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => device.wait(),
        }
    }

    /// Memory of a GPU that is free and that there is, in bytes; `None` of the processor.
    pub fn memory(&self) -> Result<Option<(usize, usize)>> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => device.memory().map(Some),
        }
    }

    /// What a GPU is doing; `None` of the processor. Does not wait for what was asked of it.
    pub fn activity(&self) -> Option<GpuActivity> {
        match self {
            Self::Cpu => None,
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => Some(device.activity()),
        }
    }

    /// As it is called: `cpu`, or the name that its maker gave a GPU.
    pub fn label(&self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => device.name().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_by_name_and_number() {
        assert_eq!("cpu".parse(), Ok(DeviceName::Cpu));
        assert_eq!("cuda".parse(), Ok(DeviceName::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(DeviceName::Cuda(3)));
        assert_eq!(DeviceName::Cuda(3).to_string(), "cuda:3");
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cpu:0", "CUDA"] {
            let error = wrong.parse::<DeviceName>().unwrap_err();
            assert!(error.contains("cuda:N"), "{error}");
        }
    }

    #[test]
    fn without_a_gpu_the_words_say_what_to_do() {
        if let Err(error) = Place::open(DeviceName::Cuda(0), Precision::F32) {
            let words = error.to_string();
            assert!(
                words.contains("--features cuda") || words.contains("install"),
                "{words}"
            );
        }
    }
}
