//! What a GPU is doing, as its driver and the driver's management library (NVML) tell.
//!
//! Memory is asked of the driver, which knows what the part of a divided GPU (MIG) has; how busy a GPU is, NVML alone knows. Where NVML is missing
//! or does not tell, that is unknown, and all else goes on.

use super::device::Device;
use super::libraries;
use crate::place::GpuActivity;
use cudarc::driver::{CudaContext, DriverError, result, sys};
use libloading::Library;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

const FILE: &str = "libnvidia-ml.so.1";

/// A GPU, as NVML knows it.
type Handle = *mut c_void;

/// `nvmlUtilization_t`: percent of the time, over the last second or less, in which a kernel ran, or memory was read or written.
#[repr(C)]
#[derive(Default)]
struct Rates {
    computing: c_uint,
    memory: c_uint,
}

/// The library, begun. It stays open to the end of the program.
struct Nvml {
    of_place: unsafe extern "C" fn(*const c_char, *mut Handle) -> c_int,
    rates: unsafe extern "C" fn(Handle, *mut Rates) -> c_int,
    _library: Library,
}

impl Nvml {
    /// Opens it once; `None` where it is missing, or refuses.
    fn get() -> Option<&'static Self> {
        static OPENED: OnceLock<Option<Nvml>> = OnceLock::new();
        OPENED.get_or_init(Self::open).as_ref()
    }

    #[expect(
        unsafe_code,
        reason = "functions of a C library are found by name and called"
    )]
    fn open() -> Option<Self> {
        let library = libraries::open_by_name(FILE)?;
        // SAFETY: these are the types that nvml.h declares for these names, and the functions are not kept longer than the library.
        unsafe {
            let begin = library.get::<unsafe extern "C" fn() -> c_int>(b"nvmlInit_v2\0");
            let begin = *begin.ok()?;
            let of_place = *library.get(b"nvmlDeviceGetHandleByPciBusId_v2\0").ok()?;
            let rates = *library.get(b"nvmlDeviceGetUtilizationRates\0").ok()?;
            (begin() == 0).then_some(Self {
                of_place,
                rates,
                _library: library,
            })
        }
    }

    /// The share of the last second or less in which the GPU at this place of the bus computed, 0 to 1.
    #[expect(unsafe_code, reason = "the library writes to addresses")]
    fn busy_share(&self, place: &str) -> Option<f64> {
        let place = CString::new(place).ok()?;
        let mut handle = std::ptr::null_mut();
        let mut rates = Rates::default();
        // SAFETY: the string ends with a zero byte; both addresses are valid during the calls, and the handle is one that the library gave.
        let told = unsafe {
            (self.of_place)(place.as_ptr(), &raw mut handle) == 0
                && (self.rates)(handle, &raw mut rates) == 0
        };
        told.then(|| f64::from(rates.computing.min(100)) / 100.0)
    }
}

impl Device {
    /// What it is doing; what is not told is unknown.
    pub(crate) fn activity(&self) -> GpuActivity {
        let context = self.context();
        let memory = context.mem_get_info().ok();
        GpuActivity {
            name: self.name().into(),
            busy_share: place_on_bus(context)
                .ok()
                .and_then(|place| Nvml::get()?.busy_share(&place)),
            process_bytes: pool_bytes(context).ok(),
            used_bytes: memory.map(|(free, total)| total.saturating_sub(free) as u64),
            total_bytes: memory.map(|(_, total)| total as u64),
        }
    }
}

/// As NVML calls it: `00000000:C1:00.0`. NVML counts GPUs in another order than CUDA, which also leaves out those that are hidden from it.
fn place_on_bus(context: &CudaContext) -> Result<String, DriverError> {
    use sys::CUdevice_attribute as Attribute;
    let domain = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?;
    let bus = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?;
    let device = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?;
    Ok(format!("{domain:08X}:{bus:02X}:{device:02X}.0"))
}

/// What this program's arrays hold, and what is kept for the next ones.
#[expect(unsafe_code, reason = "the pool is asked by address")]
fn pool_bytes(context: &CudaContext) -> Result<u64, DriverError> {
    let mut bytes = 0u64;
    // SAFETY: the device is the context's; the attribute is a 64-bit number, written during the call.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        result::mem_pool::get_attribute(
            pool,
            sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT,
            (&raw mut bytes).cast(),
        )?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Array, fake};
    use crate::{DeviceName, Place, Precision};
    use candle_core::Tensor;

    #[test]
    fn a_gpu_tells_how_busy_it_is_and_what_its_memory_holds() {
        let is_fake = fake::libraries().is_some();
        let place = Place::open(DeviceName::Cuda(0), Precision::F32).unwrap();
        let before = place.activity().unwrap();
        assert_eq!(*before.name, *place.label());
        let held = before.process_bytes.unwrap();
        assert!(before.used_bytes.unwrap() <= before.total_bytes.unwrap());
        let numbers = Tensor::zeros(
            (1 << 22,),
            candle_core::DType::F32,
            &candle_core::Device::Cpu,
        );
        let Place::Gpu(device) = &place else {
            panic!("a GPU was asked for");
        };
        let array = Array::upload(device, &numbers.unwrap()).unwrap();
        let after = place.activity().unwrap();
        assert!(
            after.process_bytes.unwrap() >= held.max(4 << 22),
            "{after:?}"
        );
        drop(array);
        match after.busy_share {
            Some(share) => assert!((0.0..=1.0).contains(&share), "{share}"),
            None => assert!(!is_fake, "the one that stands in tells it"),
        }
        if is_fake {
            assert_eq!(after.busy_share, Some(0.73));
        }
    }

    #[test]
    fn a_place_where_no_gpu_is_has_no_share() {
        fake::libraries();
        if let Some(nvml) = Nvml::get() {
            assert_eq!(nvml.busy_share("0000FFFF:FF:1F.0"), None);
            assert_eq!(nvml.busy_share("with a \0 in it"), None);
        }
    }
}
