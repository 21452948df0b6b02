//! Getting at the numbers of a tensor, and writing to them in place.

use candle_core::{
    CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Result, Storage, Tensor, WithDType, bail,
};
use std::cell::Cell;
use std::marker::PhantomData;

/// The numbers of a tensor as one slice, in row-major order: copied only if the tensor is not contiguous.
pub(crate) fn with_data<T: WithDType, R>(
    tensor: &Tensor,
    read: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        bail!("this operation works on the CPU only");
    };
    let data = storage.as_slice::<T>()?;
    let start = layout.start_offset();
    read(&data[start..start + layout.shape().elem_count()])
}

/// [`with_data`] for several tensors of one type.
pub(crate) fn with_all<T: WithDType, R, const N: usize>(
    tensors: [&Tensor; N],
    read: impl FnOnce([&[T]; N]) -> Result<R>,
) -> Result<R> {
    with_slices(&tensors, |slices| read(std::array::from_fn(|i| slices[i])))
}

/// [`with_data`] for any number of tensors of one type.
pub(crate) fn with_slices<T: WithDType, R>(
    tensors: &[&Tensor],
    read: impl FnOnce(&[&[T]]) -> Result<R>,
) -> Result<R> {
    let contiguous: Vec<Tensor> = tensors
        .iter()
        .map(|tensor| tensor.contiguous())
        .collect::<Result<_>>()?;
    let guards: Vec<_> = contiguous.iter().map(Tensor::storage_and_layout).collect();
    let mut slices = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else {
            bail!("this operation works on the CPU only");
        };
        let start = layout.start_offset();
        slices.push(&storage.as_slice::<T>()?[start..start + layout.shape().elem_count()]);
    }
    read(&slices)
}

/// Numbers as a tensor on the CPU, without a copy.
pub(crate) fn tensor<T: WithDType>(data: Vec<T>, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(data, shape, &candle_core::Device::Cpu)
}

/// Changes the numbers of a contiguous tensor where they lie. Everybody who holds the tensor sees the change.
pub(crate) fn update<T: Writable>(tensor: &Tensor, change: impl FnOnce(&mut [T])) -> Result<()> {
    struct Change<T, F>(Cell<Option<F>>, PhantomData<fn(T)>);
    impl<T: Writable, F: FnOnce(&mut [T])> InplaceOp1 for Change<T, F> {
        fn name(&self) -> &'static str {
            "update in place"
        }
        fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
            let Some((start, end)) = layout.contiguous_offsets() else {
                bail!("cannot write to a tensor that is not contiguous");
            };
            let data = &mut T::slice(storage)?[start..end];
            if let Some(change) = self.0.take() {
                change(data);
            }
            Ok(())
        }
    }
    tensor.inplace_op1(&Change(Cell::new(Some(change)), PhantomData))
}

/// Types whose tensors can be changed in place.
pub(crate) trait Writable: Sized {
    fn slice(storage: &mut CpuStorage) -> Result<&mut [Self]>;
}

macro_rules! writable {
    ($type:ty, $variant:ident) => {
        impl Writable for $type {
            fn slice(storage: &mut CpuStorage) -> Result<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(data) => Ok(data),
                    other => bail!(concat!("expected ", stringify!($type), ", found {:?}"), {
                        use candle_core::backend::BackendStorage;
                        other.dtype()
                    }),
                }
            }
        }
    };
}
writable!(f32, F32);
writable!(f64, F64);
writable!(i64, I64);

/// `to += from`, in place.
pub(crate) fn add_in_place(to: &Tensor, from: &Tensor) -> Result<()> {
    struct AddAssign;
    impl InplaceOp2 for AddAssign {
        fn name(&self) -> &'static str {
            "add in place"
        }
        fn cpu_fwd(
            &self,
            to: &mut CpuStorage,
            to_at: &Layout,
            from: &CpuStorage,
            from_at: &Layout,
        ) -> Result<()> {
            fn add<T: Copy + std::ops::AddAssign + Writable + WithDType>(
                to: &mut CpuStorage,
                to_at: &Layout,
                from: &CpuStorage,
                from_at: &Layout,
            ) -> Result<()> {
                let (Some((a, b)), Some((c, d))) =
                    (to_at.contiguous_offsets(), from_at.contiguous_offsets())
                else {
                    bail!("cannot add to or from a tensor that is not contiguous");
                };
                for (to, from) in T::slice(to)?[a..b]
                    .iter_mut()
                    .zip(&from.as_slice::<T>()?[c..d])
                {
                    *to += *from;
                }
                Ok(())
            }
            match to {
                CpuStorage::F32(_) => add::<f32>(to, to_at, from, from_at),
                _ => add::<f64>(to, to_at, from, from_at),
            }
        }
    }
    if to.dims() != from.dims() || to.dtype() != from.dtype() {
        bail!("cannot add {:?} to {:?}", from.shape(), to.shape());
    }
    to.inplace_op2(&from.contiguous()?, &AddAssign)
}

/// Copies `from` into `to`, in place; shapes and types must agree.
pub(crate) fn copy_in_place(to: &Tensor, from: &Tensor) -> Result<()> {
    if to.dims() != from.dims() || to.dtype() != from.dtype() {
        bail!(
            "cannot copy {:?} of {:?} into {:?} of {:?}",
            from.dtype(),
            from.dims(),
            to.dtype(),
            to.dims()
        );
    }
    match to.dtype() {
        DType::F32 => with_data(from, |data: &[f32]| {
            update(to, |to| to.copy_from_slice(data))
        }),
        DType::F64 => with_data(from, |data: &[f64]| {
            update(to, |to| to.copy_from_slice(data))
        }),
        DType::I64 => with_data(from, |data: &[i64]| {
            update(to, |to| to.copy_from_slice(data))
        }),
        other => bail!("cannot copy a tensor of {other:?} in place"),
    }
}

/// [`copy_in_place`] for tests.
#[cfg(test)]
pub(crate) fn copy_in_place_or_panic(to: &Tensor, from: &Tensor) {
    copy_in_place(to, from).unwrap();
}
