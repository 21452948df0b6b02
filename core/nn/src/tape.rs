//! The tape: which operations made a value, so that gradients can walk back through them.
//!
//! Own, and not candle's autograd, because candle's custom operations take at most three tensors, give back one and
//! lose the gradients of everything in between: residual blocks, attention that hands out its weights and
//! explanations by gradient need more. A tape that is off records nothing and keeps nothing alive: that is inference.
//!
//! A tape belongs to one thread and to one forward pass; [`backward`] uses it up.

use super::numbers::Numbers;
use super::parameters::Parameters;
use candle_core::{DType, Device, Result, Tensor, bail};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Records operations, or does not.
#[derive(Clone, Debug)]
pub struct Tape {
    records: Option<Rc<RefCell<Records>>>,
    /// Whose weights are taken from where they lie.
    home: Option<Parameters>,
}

/// Numbers and, on a recording tape, the operation that made them.
///
/// An operation runs on the GPU if any of its inputs lies there. One that has no kernels for it fetches them and goes on on the host.
#[derive(Clone, Debug)]
pub struct Value {
    numbers: Numbers,
    node: Option<Node>,
}

#[derive(Clone)]
struct Node {
    records: Rc<RefCell<Records>>,
    slot: usize,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.slot)
    }
}

#[derive(Default)]
struct Records {
    n_slots: usize,
    n_bytes: usize,
    steps: Vec<Step>,
    parameters: BTreeMap<Arc<str>, usize>,
    /// Parameters are constants: no gradient of them is wanted.
    frozen: bool,
    watched: Vec<usize>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Records({} steps)", self.steps.len())
    }
}

struct Step {
    name: &'static str,
    inputs: Vec<Option<usize>>,
    first_output: usize,
    n_outputs: usize,
    backward: Backward,
}

type Backward = Box<dyn FnOnce(Vec<Option<Numbers>>) -> Result<Vec<Option<Gradient>>>>;

/// What a backward pass hands to one of its inputs.
#[derive(Debug)]
pub(crate) struct Gradient {
    numbers: Numbers,
    /// Nobody else holds this memory: the slot may add to it in place.
    exclusive: bool,
}

impl Gradient {
    /// A gradient in memory of its own.
    pub(crate) fn fresh(numbers: impl Into<Numbers>) -> Option<Self> {
        Some(Self {
            numbers: numbers.into(),
            exclusive: true,
        })
    }

    /// A gradient whose memory others hold as well (the same tensor for two parents, a view of the incoming one).
    pub(crate) fn shared(numbers: impl Into<Numbers>) -> Option<Self> {
        Some(Self {
            numbers: numbers.into(),
            exclusive: false,
        })
    }
}

impl Tape {
    /// A tape that records, for training and for gradients.
    pub fn recording() -> Self {
        Self::of(Some(Rc::default()))
    }

    /// A tape for gradients of watched values alone: parameters are constants on it, so that nothing is computed for them.
    pub fn of_watched() -> Self {
        let records = Records {
            frozen: true,
            ..Records::default()
        };
        Self::of(Some(Rc::new(RefCell::new(records))))
    }

    /// A tape that records nothing: inference.
    pub fn off() -> Self {
        Self::of(None)
    }

    fn of(records: Option<Rc<RefCell<Records>>>) -> Self {
        Self {
            records,
            home: None,
        }
    }

    /// The same tape for a network of these parameters: it computes where they lie, see [`Parameters::move_to`].
    #[must_use]
    pub fn beside(self, parameters: &Parameters) -> Self {
        Self {
            home: parameters.is_on_gpu().then(|| parameters.clone()),
            ..self
        }
    }

    /// Whether it computes on a GPU.
    pub(crate) fn is_on_gpu(&self) -> bool {
        self.home.is_some()
    }

    /// The parameters beside which it computes, if they lie on a GPU.
    #[cfg(feature = "cuda")]
    pub(crate) fn home(&self) -> Option<&Parameters> {
        self.home.as_ref()
    }

    /// Memory of what the operations recorded so far keep for the backward pass, in bytes: their outputs, and what fused ones keep
    /// beside them.
    pub fn recorded_bytes(&self) -> usize {
        self.records
            .as_ref()
            .map_or(0, |records| records.borrow().n_bytes)
    }

    /// Whether operations on its values are recorded.
    pub fn is_recording(&self) -> bool {
        self.records.is_some()
    }

    /// A value whose gradient is not wanted (the input of the network, the targets).
    pub fn constant(&self, tensor: &Tensor) -> Value {
        Value::constant(tensor.clone())
    }

    /// A value whose gradient is wanted, to be asked for by [`Gradients::of`].
    pub fn watched(&self, tensor: &Tensor) -> Value {
        let value = self.leaf(tensor.clone().into());
        if let Some(node) = &value.node {
            node.records.borrow_mut().watched.push(node.slot);
        }
        value
    }

    /// The parameter of that name. Its gradient is found under the name; used twice, it is the same value.
    pub fn parameter(&self, name: &Arc<str>, tensor: &Tensor) -> Value {
        let numbers = match &self.home {
            Some(home) => home.numbers_of(name, tensor),
            None => tensor.clone().into(),
        };
        let records = match &self.records {
            Some(records) if !records.borrow().frozen => records,
            _ => return Value::unrecorded(numbers),
        };
        let known = records.borrow().parameters.get(name).copied();
        if let Some(slot) = known {
            return Value {
                numbers,
                node: Some(Node {
                    records: records.clone(),
                    slot,
                }),
            };
        }
        let value = self.leaf(numbers);
        if let Some(node) = &value.node {
            records
                .borrow_mut()
                .parameters
                .insert(name.clone(), node.slot);
        }
        value
    }

    fn leaf(&self, numbers: Numbers) -> Value {
        let node = self.records.as_ref().map(|records| {
            let slot = records.borrow().n_slots;
            records.borrow_mut().n_slots += 1;
            Node {
                records: records.clone(),
                slot,
            }
        });
        Value { numbers, node }
    }
}

impl Value {
    /// A value that no tape knows.
    pub fn constant(tensor: Tensor) -> Self {
        Self::unrecorded(tensor.into())
    }

    /// A value that no tape knows, wherever its numbers lie.
    pub(crate) fn unrecorded(numbers: Numbers) -> Self {
        Self {
            numbers,
            node: None,
        }
    }

    /// The same numbers, unknown to any tape.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self::unrecorded(self.numbers.clone())
    }

    /// Its numbers on the host. If they lie on a GPU, they are fetched the first time, in f32; that waits for the GPU.
    pub fn tensor(&self) -> Result<&Tensor> {
        self.numbers.host()
    }

    /// Its numbers, wherever they lie.
    #[cfg(feature = "cuda")]
    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Sizes of its axes.
    pub fn dims(&self) -> &[usize] {
        self.numbers.dims()
    }

    /// Size of one axis. Fails if there is no such axis.
    pub fn dim(&self, axis: usize) -> Result<usize> {
        match self.dims().get(axis) {
            Some(&n) => Ok(n),
            None => bail!("no axis {axis} in a tensor of shape {:?}", self.dims()),
        }
    }

    /// Sizes of its two axes. Fails if it has another number of them.
    pub fn dims2(&self) -> Result<(usize, usize)> {
        let [a, b] = self.axes()?;
        Ok((a, b))
    }

    /// Sizes of its three axes. Fails if it has another number of them.
    pub fn dims3(&self) -> Result<(usize, usize, usize)> {
        let [a, b, c] = self.axes()?;
        Ok((a, b, c))
    }

    /// Sizes of its four axes. Fails if it has another number of them.
    pub fn dims4(&self) -> Result<(usize, usize, usize, usize)> {
        let [a, b, c, d] = self.axes()?;
        Ok((a, b, c, d))
    }

    fn axes<const N: usize>(&self) -> Result<[usize; N]> {
        match self.dims().try_into() {
            Ok(dims) => Ok(dims),
            Err(_) => bail!("expected {N} axes, found shape {:?}", self.dims()),
        }
    }

    /// How many axes it has.
    pub fn rank(&self) -> usize {
        self.dims().len()
    }

    /// How many numbers it has.
    pub fn elem_count(&self) -> usize {
        self.numbers.elem_count()
    }

    /// The type of its numbers.
    pub fn dtype(&self) -> DType {
        self.numbers.dtype()
    }

    /// Whether a tape recorded how it was made.
    pub fn is_recorded(&self) -> bool {
        self.node.is_some()
    }

    /// Counts memory that the operation behind this value keeps beside its outputs, see [`Tape::recorded_bytes`].
    pub(crate) fn count_kept(&self, n_bytes: usize) {
        if let Some(node) = &self.node {
            node.records.borrow_mut().n_bytes += n_bytes;
        }
    }

    /// From now on its gradient is kept for [`Gradients::of`], though it is an intermediate result (a tap).
    pub fn watch(&self) {
        if let Some(node) = &self.node {
            node.records.borrow_mut().watched.push(node.slot);
        }
    }
}

/// Puts an operation on the tape of its inputs (if any of them is on one) and gives its outputs.
///
/// `backward` gets the gradients of the outputs (`None`: nobody used that output) and gives those of the inputs, in
/// order. It is called only if at least one output has a gradient.
pub(crate) fn record<const I: usize, const O: usize>(
    name: &'static str,
    inputs: [&Value; I],
    outputs: [Tensor; O],
    backward: impl FnOnce([Option<Tensor>; O]) -> Result<[Option<Gradient>; I]> + 'static,
) -> [Value; O] {
    record_numbers(
        name,
        inputs,
        outputs.map(Numbers::Host),
        move |gradients: [Option<Numbers>; O]| {
            let mut on_host = [const { None }; O];
            for (to, from) in on_host.iter_mut().zip(gradients) {
                *to = from.map(|numbers| numbers.host().cloned()).transpose()?;
            }
            backward(on_host)
        },
    )
}

/// [`record`] of an operation wherever its numbers lie.
pub(crate) fn record_numbers<const I: usize, const O: usize>(
    name: &'static str,
    inputs: [&Value; I],
    outputs: [Numbers; O],
    backward: impl FnOnce([Option<Numbers>; O]) -> Result<[Option<Gradient>; I]> + 'static,
) -> [Value; O] {
    let Some(records) = inputs
        .iter()
        .find_map(|value| value.node.as_ref().map(|node| node.records.clone()))
    else {
        return outputs.map(Value::unrecorded);
    };
    let first_output = {
        let mut held = records.borrow_mut();
        let first_output = held.n_slots;
        held.n_slots += O;
        held.n_bytes += outputs.iter().map(Numbers::n_bytes).sum::<usize>();
        held.steps.push(Step {
            name,
            inputs: inputs
                .iter()
                .map(|value| value.node.as_ref().map(|node| node.slot))
                .collect(),
            first_output,
            n_outputs: O,
            backward: Box::new(move |gradients| {
                let mut gradients = gradients.into_iter();
                let gradients = std::array::from_fn(|_| gradients.next().flatten());
                Ok(backward(gradients)?.into_iter().collect())
            }),
        });
        first_output
    };
    let mut slot = first_output;
    outputs.map(|numbers| {
        let node = Some(Node {
            records: records.clone(),
            slot,
        });
        slot += 1;
        Value { numbers, node }
    })
}

/// Gradients of a loss.
#[derive(Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<Arc<str>, Numbers>,
    by_slot: BTreeMap<usize, Tensor>,
}

impl Gradients {
    /// The gradient of the parameter of that name, on the host; `None` if the loss does not depend on it.
    pub fn get(&self, name: &str) -> Result<Option<&Tensor>> {
        self.by_name.get(name).map(Numbers::host).transpose()
    }

    /// The gradient of the parameter of that name, wherever it lies.
    #[cfg(feature = "cuda")]
    pub(crate) fn numbers(&self, name: &str) -> Option<&Numbers> {
        self.by_name.get(name)
    }

    /// Names and gradients of all parameters that the loss depends on, by name, on the host.
    pub fn all(&self) -> Result<Vec<(&str, &Tensor)>> {
        self.by_name
            .iter()
            .map(|(name, numbers)| Ok((name.as_ref(), numbers.host()?)))
            .collect()
    }

    /// Euclidean norm over the gradients of all parameters, summed in the order of their names.
    pub fn norm(&self) -> Result<f64> {
        #[cfg(feature = "cuda")]
        if let Some(arrays) = self.arrays() {
            return super::gpu::ops::norm(&arrays);
        }
        let mut squares = 0.0;
        for numbers in self.by_name.values() {
            squares += super::data::with_data(
                &numbers.host()?.to_dtype(DType::F32)?,
                |data: &[f32]| {
                    Ok(data
                        .iter()
                        .map(|&value| f64::from(value) * f64::from(value))
                        .sum::<f64>())
                },
            )?;
        }
        Ok(squares.sqrt())
    }

    /// Multiplies the gradients of all parameters by `factor`.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        for numbers in self.by_name.values_mut() {
            #[cfg(feature = "cuda")]
            if let Some(array) = numbers.array() {
                *numbers = super::gpu::ops::scaled(array, factor as f32)?.into();
                continue;
            }
            *numbers = numbers.host()?.affine(factor, 0.0)?.into();
        }
        Ok(())
    }

    /// All gradients, if every one lies on a GPU and there is any.
    #[cfg(feature = "cuda")]
    fn arrays(&self) -> Option<Vec<&super::gpu::Array>> {
        let all: Option<Vec<_>> = self.by_name.values().map(Numbers::array).collect();
        all.filter(|all| !all.is_empty())
    }

    /// The gradient of a watched value.
    pub fn of(&self, value: &Value) -> Option<&Tensor> {
        self.by_slot.get(&value.node.as_ref()?.slot)
    }
}

/// Gradients of `loss` (one element) for every parameter and every watched value. Uses up the tape: what the operations
/// kept is freed on the way.
///
/// Fails if `loss` is not on a recording tape, has more than one element, or an operation fails.
pub fn backward(loss: &Value) -> Result<Gradients> {
    if loss.elem_count() != 1 {
        bail!(
            "no gradients of a tensor of shape {:?}: a loss has one element",
            loss.dims()
        );
    }
    // A loss on a GPU stays there: asking for its numbers would wait for it.
    let dtype = match loss.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    backward_from(loss, &Tensor::ones(loss.dims(), dtype, &Device::Cpu)?)
}

/// As [`backward`], from a value of any shape whose gradient is known: products of that gradient with the derivatives of the value.
///
/// Fails if `y` is not on a recording tape, if `gradient` has another shape, or if an operation fails.
pub fn backward_from(y: &Value, gradient: &Tensor) -> Result<Gradients> {
    let Some(node) = &y.node else {
        bail!("no gradients: the value was not recorded");
    };
    if gradient.dims() != y.dims() {
        bail!(
            "a gradient of shape {:?} for a value of shape {:?}",
            gradient.dims(),
            y.dims()
        );
    }
    let records = std::mem::take(&mut *node.records.borrow_mut());
    let mut slots: Vec<Option<Gradient>> = Vec::new();
    slots.resize_with(records.n_slots, || None);
    slots[node.slot] = Gradient::shared(gradient.clone());

    let mut gradients = Gradients::default();
    for step in records.steps.into_iter().rev() {
        let outputs: Vec<Option<Numbers>> = (step.first_output..step.first_output + step.n_outputs)
            .map(|slot| {
                let gradient = slots[slot].take().map(|gradient| gradient.numbers);
                if let Some(numbers) = &gradient
                    && records.watched.contains(&slot)
                {
                    gradients.by_slot.insert(slot, numbers.host()?.clone());
                }
                Ok(gradient)
            })
            .collect::<Result<_>>()?;
        if outputs.iter().all(Option::is_none) {
            continue;
        }
        let inputs = (step.backward)(outputs).map_err(|error| error.context(step.name))?;
        for (slot, gradient) in step.inputs.into_iter().zip(inputs) {
            if let (Some(slot), Some(gradient)) = (slot, gradient) {
                accumulate(&mut slots[slot], gradient)?;
            }
        }
    }
    for (name, slot) in records.parameters {
        if let Some(gradient) = slots[slot].take() {
            gradients.by_name.insert(name, gradient.numbers);
        }
    }
    for slot in records.watched {
        if let Some(gradient) = slots[slot].take() {
            let tensor = gradient.numbers.host()?.clone();
            gradients.by_slot.insert(slot, tensor);
        }
    }
    Ok(gradients)
}

/// Moved in if it is the first, added in place if the slot owns its memory, else added into new memory.
fn accumulate(slot: &mut Option<Gradient>, new: Gradient) -> Result<()> {
    *slot = Some(match slot.take() {
        None => new,
        Some(old) => {
            let (kept, added) = if old.exclusive || !new.exclusive {
                (old, new)
            } else {
                (new, old)
            };
            #[cfg(feature = "cuda")]
            if let Some(sum) =
                super::gpu::ops::accumulated(&kept.numbers, &added.numbers, kept.exclusive)?
            {
                *slot = Gradient::fresh(sum);
                return Ok(());
            }
            let (to, from) = (kept.numbers.host()?, added.numbers.host()?);
            if kept.exclusive {
                super::data::add_in_place(to, from)?;
                kept
            } else {
                Gradient {
                    numbers: (to + from)?.into(),
                    exclusive: true,
                }
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap()
    }

    /// Twice the input, by handing the same gradient to both of two parents.
    fn doubled(x: &Value) -> Value {
        let [y] = record(
            "double",
            [x, x],
            [(x.tensor().unwrap() + x.tensor().unwrap()).unwrap()],
            |[gradient]| {
                let gradient = gradient.unwrap();
                Ok([
                    Gradient::shared(gradient.clone()),
                    Gradient::shared(gradient),
                ])
            },
        );
        y
    }

    #[test]
    fn a_value_of_any_shape_passes_a_known_gradient_on() {
        let tape = Tape::recording();
        let x = tape.watched(&tensor(&[1.0, 2.0]));
        let y = doubled(&x);
        assert!(backward_from(&y, &tensor(&[1.0])).is_err());
        let gradients = backward_from(&y, &tensor(&[3.0, -1.0])).unwrap();
        let found = gradients.of(&x).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(found, [6.0, -2.0]);
    }

    #[test]
    fn a_gradient_that_goes_two_ways_is_added_up_without_spoiling_either() {
        let tape = Tape::recording();
        let x = tape.watched(&tensor(&[1.0]));
        let y = doubled(&x);
        y.watch();
        let z = doubled(&y);
        let gradients = backward(&z).unwrap();
        let of = |v: &Value| gradients.of(v).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(of(&y), [2.0]);
        assert_eq!(of(&x), [4.0]);
    }

    #[test]
    fn a_tape_that_is_off_keeps_nothing() {
        let tape = Tape::off();
        let y = doubled(&tape.parameter(&"w".into(), &tensor(&[1.0])));
        assert!(!y.is_recorded());
        assert!(backward(&y).is_err());
    }

    #[test]
    fn a_parameter_used_twice_gets_one_gradient() {
        let tape = Tape::recording();
        let name: Arc<str> = "w".into();
        let w = tensor(&[3.0]);
        let (a, b) = (tape.parameter(&name, &w), tape.parameter(&name, &w));
        let [sum] = record(
            "add",
            [&a, &b],
            [(a.tensor().unwrap() + b.tensor().unwrap()).unwrap()],
            |[g]| {
                let g = g.unwrap();
                Ok([Gradient::shared(g.clone()), Gradient::shared(g)])
            },
        );
        let gradients = backward(&sum).unwrap();
        let of_w = gradients.get("w").unwrap().unwrap();
        assert_eq!(of_w.to_vec1::<f32>().unwrap(), [2.0]);
        assert!(gradients.get("v").unwrap().is_none());
    }
}
