//! The parameters and buffers of a network, by name: their initial values, and where a model takes them from.
//!
//! One store serves training (it makes a parameter when a model first asks for it) and loading (it holds what a file
//! had). Names equal the keys of the reference implementation's checkpoints. The order is that of the names, so that
//! everything that walks over the parameters does so in the same order on every machine.

use super::data::copy_in_place;
use super::numbers::Numbers;
use super::place::Place;
use crate::rng::{Address, Purpose, hash_name};
use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What a tensor of the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Learned: the optimizer changes it.
    Weight,
    /// Belongs to the state but is not learned: running statistics, front-end tables.
    Buffer,
}

impl Role {
    /// The role that a tensor of this name has.
    pub fn of(name: &str) -> Self {
        let last = name.rsplit('.').next().unwrap_or(name);
        if matches!(last, "running_mean" | "running_var" | "num_batches_tracked")
            || name.split('.').any(|part| part == "spec")
        {
            Self::Buffer
        } else {
            Self::Weight
        }
    }
}

/// One tensor of the store.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its key, as in the reference implementation's checkpoints.
    pub name: Arc<str>,
    /// Its values. Clones share memory: an optimizer's step shows in every model built from this store.
    pub tensor: Tensor,
    /// Learned or not.
    pub role: Role,
}

/// All parameters of a network. Clones are handles to the same store.
#[derive(Clone, Debug)]
pub struct Parameters(Arc<Store>);

#[derive(Debug)]
struct Store {
    tensors: RwLock<BTreeMap<Arc<str>, Tensor>>,
    missing: Missing,
    dtype: DType,
    /// The numbers in use, if that is on a GPU: those on the host are then as they were last fetched.
    #[cfg(feature = "cuda")]
    on_gpu: RwLock<Option<OnGpu>>,
}

#[cfg(feature = "cuda")]
#[derive(Debug)]
struct OnGpu {
    device: super::gpu::Device,
    arrays: BTreeMap<Arc<str>, super::gpu::Array>,
}

/// What happens if a model asks for a tensor that is not there.
#[derive(Clone, Copy, Debug)]
enum Missing {
    Draw { seed: u64 },
    Refuse,
}

impl Parameters {
    /// An empty store that draws a tensor's initial value, by `seed` and its name, when a model first asks for it.
    pub fn initialise(seed: u64, dtype: DType) -> Self {
        Self::with(BTreeMap::new(), Missing::Draw { seed }, dtype)
    }

    /// A store of these tensors; a model that asks for another one gets an error.
    ///
    /// F16, BF16 and F64 are converted to F32. The store shares memory with tensors that are F32 already.
    pub fn from_map(tensors: &BTreeMap<String, Tensor>) -> Result<Self> {
        let mut map = BTreeMap::new();
        for (name, tensor) in tensors {
            let tensor = match tensor.dtype() {
                DType::F16 | DType::BF16 | DType::F64 => tensor.to_dtype(DType::F32)?,
                _ => tensor.contiguous()?,
            };
            map.insert(Arc::from(name.as_str()), tensor);
        }
        Ok(Self::with(map, Missing::Refuse, DType::F32))
    }

    fn with(tensors: BTreeMap<Arc<str>, Tensor>, missing: Missing, dtype: DType) -> Self {
        Self(Arc::new(Store {
            tensors: RwLock::new(tensors),
            missing,
            dtype,
            #[cfg(feature = "cuda")]
            on_gpu: RwLock::new(None),
        }))
    }

    /// What models are built from.
    pub fn var_builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), self.0.dtype, Device::Cpu)
    }

    /// All tensors, by name.
    pub fn all(&self) -> Vec<Parameter> {
        self.read()
            .iter()
            .map(|(name, tensor)| Parameter {
                name: name.clone(),
                tensor: tensor.clone(),
                role: Role::of(name),
            })
            .collect()
    }

    /// The learned ones, by name.
    pub fn weights(&self) -> Vec<Parameter> {
        let mut all = self.all();
        all.retain(|parameter| parameter.role == Role::Weight);
        all
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<Tensor> {
        self.read().get(name).cloned()
    }

    /// How many learned numbers there are.
    pub fn n_weights(&self) -> usize {
        self.weights()
            .iter()
            .map(|parameter| parameter.tensor.elem_count())
            .sum()
    }

    /// Moves the numbers to where a network of them is to compute; all of its tensors must have been asked for by then.
    ///
    /// On a GPU they are changed there, and the host has them as [`Parameters::fetch`] or [`Parameters::snapshot`] last found them.
    /// Checkpoints are written from the host, so that they do not depend on where a run computes.
    pub fn move_to(&self, place: &Place) -> Result<()> {
        self.fetch()?;
        match place {
            Place::Cpu => {
                #[cfg(feature = "cuda")]
                self.write_gpu(None);
            }
            #[cfg(feature = "cuda")]
            Place::Gpu(device) => {
                let on_gpu = OnGpu::of(device, &self.read())?;
                self.write_gpu(Some(on_gpu));
            }
        }
        Ok(())
    }

    /// Brings the numbers on the host up to date with those on a GPU, which waits for it; on the host there is nothing to do.
    pub fn fetch(&self) -> Result<()> {
        #[cfg(feature = "cuda")]
        if let Some(on_gpu) = &*self.read_gpu() {
            for (name, tensor) in &*self.read() {
                if let Some(array) = on_gpu.arrays.get(name) {
                    copy_in_place(tensor, &array.fetch()?)?;
                }
            }
        }
        Ok(())
    }

    /// Whether the numbers in use lie on a GPU.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(clippy::unused_self, reason = "without GPUs there is the host alone")
    )]
    pub(crate) fn is_on_gpu(&self) -> bool {
        #[cfg(feature = "cuda")]
        return self.read_gpu().is_some();
        #[cfg(not(feature = "cuda"))]
        false
    }

    /// The numbers in use under that name; `tensor` are those on the host.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(
            unused_variables,
            clippy::unused_self,
            reason = "the host's are those in use"
        )
    )]
    pub(crate) fn numbers_of(&self, name: &str, tensor: &Tensor) -> Numbers {
        #[cfg(feature = "cuda")]
        if let Some(array) = self.array(name) {
            return array.into();
        }
        tensor.clone().into()
    }

    /// The numbers of that name on the GPU.
    #[cfg(feature = "cuda")]
    pub(crate) fn array(&self, name: &str) -> Option<super::gpu::Array> {
        self.read_gpu().as_ref()?.arrays.get(name).cloned()
    }

    #[cfg(feature = "cuda")]
    fn read_gpu(&self) -> std::sync::RwLockReadGuard<'_, Option<OnGpu>> {
        self.0.on_gpu.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "cuda")]
    fn write_gpu(&self, on_gpu: Option<OnGpu>) {
        *self
            .0
            .on_gpu
            .write()
            .unwrap_or_else(PoisonError::into_inner) = on_gpu;
    }

    /// Takes the host's numbers over to the GPU, if those in use lie there.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(clippy::unused_self, reason = "without GPUs there is the host alone")
    )]
    fn push(&self) -> Result<()> {
        #[cfg(feature = "cuda")]
        {
            let device = self.read_gpu().as_ref().map(|it| it.device.clone());
            if let Some(device) = device {
                let on_gpu = OnGpu::of(&device, &self.read())?;
                self.write_gpu(Some(on_gpu));
            }
        }
        Ok(())
    }

    /// A copy that later steps do not change, on the host.
    pub fn snapshot(&self) -> Result<Self> {
        self.fetch()?;
        let mut map = BTreeMap::new();
        for parameter in self.all() {
            map.insert(parameter.name, parameter.tensor.copy()?);
        }
        Ok(Self::with(map, Missing::Refuse, self.0.dtype))
    }

    /// Names and tensors on the host, for writing: of a [`Parameters::snapshot`] if the numbers in use may lie on a GPU. The tensors share
    /// memory with the store.
    pub fn to_map(&self) -> BTreeMap<String, Tensor> {
        self.read()
            .iter()
            .map(|(name, tensor)| (name.to_string(), tensor.clone()))
            .collect()
    }

    /// Takes over the values of `tensors`, in place: models built from this store see them.
    ///
    /// Every tensor of the store must be there, with its shape; others are passed over. Nothing is changed if it fails.
    pub fn load_from(&self, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
        let all = self.all();
        let mut copies = Vec::with_capacity(all.len());
        for Parameter { name, tensor, .. } in &all {
            let Some(found) = tensors.get(name.as_ref()) else {
                bail!("no tensor named {name}");
            };
            if found.dims() != tensor.dims() {
                bail!(
                    "{name}: expected shape {:?}, found {:?}",
                    tensor.dims(),
                    found.dims()
                );
            }
            copies.push((tensor, found.to_dtype(tensor.dtype())?));
        }
        for (to, from) in copies {
            // Onto itself there is nothing to copy, and its lock cannot be had twice.
            if to.id() != from.id() {
                copy_in_place(to, &from)?;
            }
        }
        self.push()
    }

    /// Moves every tensor, in place, by `share` (0 to 1) of the way to the one of that name in `target`; whole numbers (counters) are
    /// taken over. So an exponential moving average of another network's weights is kept: `share` is 1 less its decay.
    pub fn approach(&self, target: &Self, share: f64) -> Result<()> {
        self.fetch()?;
        target.fetch()?;
        let mut moved = BTreeMap::new();
        for Parameter { name, tensor, .. } in self.all() {
            let Some(to) = target.get(&name) else {
                bail!("no tensor named {name}");
            };
            let value = if tensor.dtype().is_float() {
                (tensor.affine(1.0 - share, 0.0)? + to.affine(share, 0.0)?)?
            } else {
                to
            };
            moved.insert(name.to_string(), value);
        }
        self.load_from(&moved)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Arc<str>, Tensor>> {
        self.0
            .tensors
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "cuda")]
impl OnGpu {
    /// Copies of all tensors but whole numbers (counters), which stay on the host.
    fn of(device: &super::gpu::Device, tensors: &BTreeMap<Arc<str>, Tensor>) -> Result<Self> {
        let mut arrays = BTreeMap::new();
        for (name, tensor) in tensors {
            if tensor.dtype().is_float() {
                let array = super::gpu::Array::upload(device, tensor)?;
                arrays.insert(name.clone(), array);
            }
        }
        Ok(Self {
            device: device.clone(),
            arrays,
        })
    }
}

impl SimpleBackend for Parameters {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let known = self.read().get(name).cloned();
        let tensor = match (known, self.0.missing) {
            (Some(tensor), _) => tensor,
            (None, Missing::Refuse) => bail!("no tensor named {name}"),
            (None, Missing::Draw { seed }) => {
                let tensor = draw(seed, name, &shape, init)?
                    .to_dtype(dtype)?
                    .to_device(device)?;
                self.0
                    .tensors
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(Arc::from(name), tensor.clone());
                tensor
            }
        };
        if tensor.shape() != &shape {
            bail!(
                "{name}: expected shape {:?}, found {:?}",
                shape.dims(),
                tensor.dims()
            );
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        match self.read().get(name) {
            Some(tensor) => Ok(tensor.clone()),
            None => bail!("no tensor named {name}"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.read().contains_key(name)
    }
}

/// An initial value, a function of seed and name alone.
fn draw(seed: u64, name: &str, shape: &Shape, init: Init) -> Result<Tensor> {
    let mut stream = Address::new(seed, Purpose::Init, hash_name(name)).stream();
    let n = shape.elem_count();
    let values: Vec<f32> = match init {
        Init::Const(value) => vec![value as f32; n],
        Init::Randn { mean, stdev } => (0..n)
            .map(|_| mean as f32 + stdev as f32 * stream.normal())
            .collect(),
        Init::Uniform { lo, up } => (0..n).map(|_| stream.range(lo as f32, up as f32)).collect(),
        other @ Init::Kaiming { .. } => bail!("{name}: no initial values by {other:?}"),
    };
    Tensor::from_vec(values, shape, &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(seed: u64, names: &[&str]) -> Parameters {
        let parameters = Parameters::initialise(seed, DType::F32);
        let builder = parameters.var_builder();
        for name in names {
            builder
                .get_with_hints(
                    (3, 5),
                    name,
                    Init::Randn {
                        mean: 0.0,
                        stdev: 1.0,
                    },
                )
                .unwrap();
        }
        parameters
    }

    fn values(parameters: &Parameters, name: &str) -> Vec<f32> {
        let tensor = parameters.get(name).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn initial_values_depend_on_seed_and_name_and_not_on_the_order_of_asking() {
        let (a, b, c) = (
            filled(1, &["x", "y"]),
            filled(1, &["y", "x"]),
            filled(2, &["x"]),
        );
        assert_eq!(values(&a, "x"), values(&b, "x"));
        assert_ne!(values(&a, "x"), values(&a, "y"));
        assert_ne!(values(&a, "x"), values(&c, "x"));
    }

    #[test]
    fn a_snapshot_stays_when_the_original_moves_on() {
        let live = filled(1, &["x"]);
        let frozen = live.snapshot().unwrap();
        let before = values(&frozen, "x");
        live.load_from(&filled(2, &["x"]).to_map()).unwrap();
        assert_eq!(values(&frozen, "x"), before);
        assert_ne!(values(&live, "x"), before);
    }

    #[test]
    fn an_average_moves_by_its_share_and_leaves_the_other_alone() {
        let (average, live) = (filled(1, &["x"]), filled(2, &["x"]));
        let (before, target) = (values(&average, "x"), values(&live, "x"));
        average.approach(&live, 0.25).unwrap();
        for ((found, from), to) in values(&average, "x").iter().zip(&before).zip(&target) {
            assert!((found - (0.75 * from + 0.25 * to)).abs() < 1e-6);
        }
        assert_eq!(values(&live, "x"), target);
        assert!(filled(1, &["x", "y"]).approach(&live, 0.5).is_err());
    }

    #[test]
    fn loading_names_what_is_missing_or_of_the_wrong_shape() {
        let live = filled(1, &["x", "y"]);
        let error = live.load_from(&filled(2, &["x"]).to_map()).unwrap_err();
        assert!(error.to_string().contains("no tensor named y"), "{error}");
        let fixed = filled(1, &["x"]).snapshot().unwrap();
        let error = fixed.var_builder().get((5, 3), "x").unwrap_err();
        assert!(error.to_string().contains("expected shape"), "{error}");
    }

    #[test]
    fn running_statistics_and_front_end_tables_are_not_learned() {
        assert_eq!(Role::of("frontend.input_bn.running_mean"), Role::Buffer);
        assert_eq!(Role::of("spec.mel_scale.fb"), Role::Buffer);
        assert_eq!(Role::of("frontend.input_bn.weight"), Role::Weight);
    }
}
