//! The tape: which operations made a value, so that gradients can walk back through them.
//!
//! Own, and not candle's autograd, because candle's custom operations take at most three tensors, give back one and
//! lose the gradients of everything in between: residual blocks, attention that hands out its weights and
//! explanations by gradient need more. A tape that is off records nothing and keeps nothing alive: that is inference.
//!
//! A tape belongs to one thread and to one forward pass; [`backward`] uses it up.

use candle_core::{Result, Tensor, bail};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Records operations, or does not.
#[derive(Clone, Debug)]
pub struct Tape(Option<Rc<RefCell<Records>>>);

/// A tensor and, on a recording tape, the operation that made it.
#[derive(Clone, Debug)]
pub struct Value {
    tensor: Tensor,
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

type Backward = Box<dyn FnOnce(Vec<Option<Tensor>>) -> Result<Vec<Option<Gradient>>>>;

/// What a backward pass hands to one of its inputs.
#[derive(Debug)]
pub(crate) struct Gradient {
    tensor: Tensor,
    /// Nobody else holds this memory: the slot may add to it in place.
    exclusive: bool,
}

impl Gradient {
    /// A gradient in memory of its own.
    pub(crate) fn fresh(tensor: Tensor) -> Option<Self> {
        Some(Self {
            tensor,
            exclusive: true,
        })
    }

    /// A gradient whose memory others hold as well (the same tensor for two parents, a view of the incoming one).
    pub(crate) fn shared(tensor: Tensor) -> Option<Self> {
        Some(Self {
            tensor,
            exclusive: false,
        })
    }
}

impl Tape {
    /// A tape that records, for training and for gradients.
    pub fn recording() -> Self {
        Self(Some(Rc::default()))
    }

    /// A tape for gradients of watched values alone: parameters are constants on it, so that nothing is computed for them.
    pub fn of_watched() -> Self {
        let records = Records {
            frozen: true,
            ..Records::default()
        };
        Self(Some(Rc::new(RefCell::new(records))))
    }

    /// A tape that records nothing: inference.
    pub fn off() -> Self {
        Self(None)
    }

    /// Memory of what the operations recorded so far keep for the backward pass, in bytes: their outputs, and what fused ones keep
    /// beside them.
    pub fn recorded_bytes(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |records| records.borrow().n_bytes)
    }

    /// Whether operations on its values are recorded.
    pub fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// A value whose gradient is not wanted (the input of the network, the targets).
    pub fn constant(&self, tensor: &Tensor) -> Value {
        Value::constant(tensor.clone())
    }

    /// A value whose gradient is wanted, to be asked for by [`Gradients::of`].
    pub fn watched(&self, tensor: &Tensor) -> Value {
        let value = self.leaf(tensor);
        if let Some(node) = &value.node {
            node.records.borrow_mut().watched.push(node.slot);
        }
        value
    }

    /// The parameter of that name. Its gradient is found under the name; used twice, it is the same value.
    pub fn parameter(&self, name: &Arc<str>, tensor: &Tensor) -> Value {
        let records = match &self.0 {
            Some(records) if !records.borrow().frozen => records,
            _ => return Value::constant(tensor.clone()),
        };
        let known = records.borrow().parameters.get(name).copied();
        if let Some(slot) = known {
            return Value {
                tensor: tensor.clone(),
                node: Some(Node {
                    records: records.clone(),
                    slot,
                }),
            };
        }
        let value = self.leaf(tensor);
        if let Some(node) = &value.node {
            records
                .borrow_mut()
                .parameters
                .insert(name.clone(), node.slot);
        }
        value
    }

    fn leaf(&self, tensor: &Tensor) -> Value {
        let node = self.0.as_ref().map(|records| {
            let slot = records.borrow().n_slots;
            records.borrow_mut().n_slots += 1;
            Node {
                records: records.clone(),
                slot,
            }
        });
        Value {
            tensor: tensor.clone(),
            node,
        }
    }
}

impl Value {
    /// A value that no tape knows.
    pub fn constant(tensor: Tensor) -> Self {
        Self { tensor, node: None }
    }

    /// Its numbers.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
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
    let Some(records) = inputs
        .iter()
        .find_map(|value| value.node.as_ref().map(|node| node.records.clone()))
    else {
        return outputs.map(Value::constant);
    };
    let first_output = {
        let mut held = records.borrow_mut();
        let first_output = held.n_slots;
        held.n_slots += O;
        held.n_bytes += outputs
            .iter()
            .map(|tensor| tensor.elem_count() * tensor.dtype().size_in_bytes())
            .sum::<usize>();
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
    outputs.map(|tensor| {
        let node = Some(Node {
            records: records.clone(),
            slot,
        });
        slot += 1;
        Value { tensor, node }
    })
}

/// Gradients of a loss.
#[derive(Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<Arc<str>, Tensor>,
    by_slot: BTreeMap<usize, Tensor>,
}

impl Gradients {
    /// The gradient of the parameter of that name; `None` if the loss does not depend on it.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.by_name.get(name)
    }

    /// Names and gradients of all parameters that the loss depends on, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.by_name
            .iter()
            .map(|(name, tensor)| (name.as_ref(), tensor))
    }

    /// Euclidean norm over the gradients of all parameters, summed in the order of their names.
    pub fn norm(&self) -> Result<f64> {
        let mut squares = 0.0;
        for tensor in self.by_name.values() {
            squares += super::data::with_data(
                &tensor.to_dtype(candle_core::DType::F32)?,
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
        for tensor in self.by_name.values_mut() {
            *tensor = tensor.affine(factor, 0.0)?;
        }
        Ok(())
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
    if loss.tensor.elem_count() != 1 {
        bail!(
            "no gradients of a tensor of shape {:?}: a loss has one element",
            loss.tensor.dims()
        );
    }
    backward_from(loss, &loss.tensor.ones_like()?)
}

/// As [`backward`], from a value of any shape whose gradient is known: products of that gradient with the derivatives of the value.
///
/// Fails if `y` is not on a recording tape, if `gradient` has another shape, or if an operation fails.
pub fn backward_from(y: &Value, gradient: &Tensor) -> Result<Gradients> {
    let Some(node) = &y.node else {
        bail!("no gradients: the value was not recorded");
    };
    if gradient.dims() != y.tensor.dims() {
        bail!(
            "a gradient of shape {:?} for a value of shape {:?}",
            gradient.dims(),
            y.tensor.dims()
        );
    }
    let records = std::mem::take(&mut *node.records.borrow_mut());
    let mut slots: Vec<Option<Gradient>> = Vec::new();
    slots.resize_with(records.n_slots, || None);
    slots[node.slot] = Gradient::shared(gradient.clone());

    let mut gradients = Gradients::default();
    for step in records.steps.into_iter().rev() {
        let outputs: Vec<Option<Tensor>> = (step.first_output..step.first_output + step.n_outputs)
            .map(|slot| {
                let gradient = slots[slot].take().map(|gradient| gradient.tensor);
                if let Some(tensor) = &gradient
                    && records.watched.contains(&slot)
                {
                    gradients.by_slot.insert(slot, tensor.clone());
                }
                gradient
            })
            .collect();
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
            gradients.by_name.insert(name, gradient.tensor);
        }
    }
    for slot in records.watched {
        if let Some(gradient) = slots[slot].take() {
            gradients.by_slot.insert(slot, gradient.tensor);
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
            if kept.exclusive {
                super::data::add_in_place(&kept.tensor, &added.tensor)?;
                kept
            } else {
                Gradient {
                    tensor: (kept.tensor + added.tensor)?,
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
            [(x.tensor() + x.tensor()).unwrap()],
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
            [(a.tensor() + b.tensor()).unwrap()],
            |[g]| {
                let g = g.unwrap();
                Ok([Gradient::shared(g.clone()), Gradient::shared(g)])
            },
        );
        let gradients = backward(&sum).unwrap();
        assert_eq!(gradients.get("w").unwrap().to_vec1::<f32>().unwrap(), [2.0]);
        assert!(gradients.get("v").is_none());
    }
}
