//! What every operation is tested for: gradients by finite differences, the same from the fast kernels, the same bits from any
//! number of threads.

use super::tape::{Tape, Value, backward};
use super::{linear, reshape};
use crate::rng::{Address, Purpose};
use candle_core::{DType, Device, Result, Tensor};

fn draw(track: u64, dims: &[usize]) -> Tensor {
    let mut draws = Address::new(9, Purpose::Check, track).stream();
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Fails unless the operation `f` of inputs of these shapes has the gradients that it should have.
pub(crate) fn check<const N: usize>(
    name: &str,
    dims: &[&[usize]],
    f: impl Fn([&Value; N]) -> Result<Value> + Sync,
) {
    assert_eq!(dims.len(), N, "{name}: one shape per input");
    let inputs: [Tensor; N] = std::array::from_fn(|i| draw(i as u64, dims[i]));
    // A sum of the output's numbers, each with a weight of its own, is the loss.
    let loss = |tape: &Tape, inputs: &[Tensor; N]| -> ([Value; N], Value, Value) {
        let inputs = inputs.each_ref().map(|input| tape.watched(input));
        let y = f(inputs.each_ref()).unwrap();
        let n = y.elem_count();
        let weights = draw(100, &[1, n]).to_dtype(y.dtype()).unwrap();
        let row = reshape(&y, &[1, n]).unwrap();
        let loss = linear(&row, &Value::constant(weights), None).unwrap();
        (inputs, y, loss)
    };
    let all_of = |inputs: &[Tensor; N]| -> (Tensor, Vec<Tensor>) {
        let (inputs, y, loss) = loss(&Tape::recording(), inputs);
        let gradients = backward(&loss).unwrap();
        let gradients = inputs
            .iter()
            .map(|input| gradients.of(input).unwrap().clone())
            .collect();
        (y.tensor().unwrap().clone(), gradients)
    };

    let wide = inputs.each_ref().map(|x| x.to_dtype(DType::F64).unwrap());
    let (y, gradients) = all_of(&wide);
    for (i, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.dims(), dims[i], "{name}: gradient of input {i}");
        let direction = draw(200 + i as u64, dims[i]).to_dtype(DType::F64).unwrap();
        let slope: f64 = values(&(gradient * &direction).unwrap()).iter().sum();
        let loss_at = |step: f64| {
            let mut moved = wide.clone();
            moved[i] = (&wide[i] + (&direction * step).unwrap()).unwrap();
            values(loss(&Tape::off(), &moved).2.tensor().unwrap())[0]
        };
        let step = 1e-6;
        let measured = (loss_at(step) - loss_at(-step)) / (2.0 * step);
        assert!(
            (slope - measured).abs() < 1e-6 * slope.abs().max(1.0),
            "{name}, input {i}: gradient {slope:e}, finite differences {measured:e}"
        );
    }

    let with_threads = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        let (y, gradients) = pool.install(|| all_of(&inputs));
        std::iter::once(y).chain(gradients).collect::<Vec<_>>()
    };
    let fast = with_threads(1);
    for (found, expected) in fast.iter().zip(std::iter::once(&y).chain(&gradients)) {
        assert_eq!(found.dims(), expected.dims(), "{name}: f32 and f64");
        let (found, expected) = (values(found), values(expected));
        let largest = expected.iter().fold(1e-3, |a: f64, b| a.max(b.abs()));
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 5e-6 * largest,
                "{name}: {found} in f32 for {expected} in f64 (largest {largest})"
            );
        }
    }
    for n_threads in [2, 3] {
        for (one, many) in fast.iter().zip(with_threads(n_threads)) {
            let bits = |t: &Tensor| -> Vec<u32> {
                let t = t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                t.iter().map(|x| x.to_bits()).collect()
            };
            assert!(bits(one) == bits(&many), "{name}: {n_threads} threads");
        }
    }
}
