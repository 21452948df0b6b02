//! Puts an ONNX graph together, operation by operation.

use super::proto::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, AttributeProto, FLOAT, GraphProto, INT64,
    NodeProto, TensorProto,
};
use crate::nn::Weight;
use candle_core::{DType, Result, Tensor};
use std::collections::BTreeSet;

/// A value in the graph, by its name.
#[derive(Clone, Debug)]
pub struct Wire(pub(super) String);

/// A graph under construction.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// Names of weights that are in already.
    known: BTreeSet<String>,
}

impl Graph {
    /// Adds an operation with one output.
    pub(super) fn op(
        &mut self,
        kind: &str,
        inputs: &[&Wire],
        attributes: Vec<AttributeProto>,
    ) -> Wire {
        let [output] = self.op_with_outputs(kind, inputs, attributes);
        output
    }

    /// Adds an operation.
    pub(super) fn op_with_outputs<const N: usize>(
        &mut self,
        kind: &str,
        inputs: &[&Wire],
        attributes: Vec<AttributeProto>,
    ) -> [Wire; N] {
        let name = format!("{kind}_{}", self.nodes.len());
        let outputs = std::array::from_fn(|i| match i {
            0 => Wire(name.clone()),
            i => Wire(format!("{name}.{i}")),
        });
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|wire| wire.0.clone()).collect(),
            output: outputs.iter().map(|wire| wire.0.clone()).collect(),
            name,
            op_type: kind.to_owned(),
            attribute: attributes,
        });
        outputs
    }

    /// Gives a value the name under which the graph hands it out.
    pub(super) fn hand_out(&mut self, value: &Wire, name: &str) {
        self.nodes.push(NodeProto {
            input: vec![value.0.clone()],
            output: vec![name.to_owned()],
            name: format!("to_{name}"),
            op_type: "Identity".to_owned(),
            attribute: Vec::new(),
        });
    }

    /// A learned tensor, under its key.
    pub(in crate::models) fn weight(&mut self, weight: &Weight) -> Result<Wire> {
        self.tensor(weight.name(), weight.tensor())
    }

    /// A fixed tensor. Used twice under one name, it is there once.
    pub(in crate::models) fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<Wire> {
        let wire = Wire(name.to_owned());
        if self.known.insert(wire.0.clone()) {
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            self.floats(&wire, tensor.dims(), &values);
        }
        Ok(wire)
    }

    /// A fixed number.
    pub(in crate::models) fn number(&mut self, value: f32) -> Wire {
        let wire = Wire(format!("number_{}", self.initializers.len()));
        self.floats(&wire, &[], &[value]);
        wire
    }

    fn floats(&mut self, wire: &Wire, dims: &[usize], values: &[f32]) {
        self.initializers.push(TensorProto {
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type: FLOAT,
            name: wire.0.clone(),
            raw_data: values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        });
    }

    /// A list of whole numbers: a shape, axes, places.
    pub(in crate::models) fn ints(&mut self, values: &[i64]) -> Wire {
        let wire = Wire(format!("ints_{}", self.initializers.len()));
        self.initializers.push(TensorProto {
            dims: vec![values.len() as i64],
            data_type: INT64,
            name: wire.0.clone(),
            raw_data: values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        });
        wire
    }

    /// The graph, without its inputs and outputs.
    pub(super) fn finish(self) -> GraphProto {
        GraphProto {
            node: self.nodes,
            initializer: self.initializers,
            ..GraphProto::default()
        }
    }
}

/// A whole number beside an operation.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: value,
        r#type: ATTRIBUTE_INT,
        ..AttributeProto::default()
    }
}

/// Whole numbers beside an operation.
pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: values.iter().map(|&value| value as i64).collect(),
        r#type: ATTRIBUTE_INTS,
        ..AttributeProto::default()
    }
}

/// A number beside an operation.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f: value as f32,
        r#type: ATTRIBUTE_FLOAT,
        ..AttributeProto::default()
    }
}
