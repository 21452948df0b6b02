//! What every fused block is tested for: that it gives what the single operations give in f64 (values, all gradients, running
//! statistics), on every kind of processor, and the same bits from any number of threads.

use super::kernels::lanes::Level;
use super::tape::{Tape, Value, backward};
use super::{Mode, Parameters, linear, reshape};
use crate::rng::{Address, Purpose};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

/// A network of blocks.
pub(crate) type Network = Box<dyn Fn(&Tape, Mode, &Value) -> Result<Value>>;

fn draw(track: u64, dims: &[usize], dtype: DType) -> Tensor {
    let mut draws = Address::new(8, Purpose::Check, track).stream();
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    let values = Tensor::from_vec(values, dims, &Device::Cpu).unwrap();
    values.to_dtype(dtype).unwrap()
}

/// Output, running statistics and all gradients, in f64.
fn run(
    dims: &[usize],
    mode: Mode,
    dtype: DType,
    network: &(impl Fn(&VarBuilder<'_>) -> Result<Network> + Sync),
) -> Vec<(String, Vec<f64>)> {
    let store = Parameters::initialise(3, dtype);
    let network = network(&store.var_builder()).unwrap();
    // Nothing at its neutral value.
    for (i, parameter) in store.all().into_iter().enumerate() {
        if parameter.tensor.dtype() == dtype {
            let noise = draw(50 + i as u64, parameter.tensor.dims(), dtype);
            let moved = (&parameter.tensor + (noise * 0.1).unwrap()).unwrap();
            crate::copy_for_tests(&parameter.tensor, &moved.abs().unwrap());
        }
    }
    let tape = Tape::recording();
    let x = tape.watched(&draw(1, dims, dtype));
    let y = network(&tape, mode, &x).unwrap();
    let n = y.elem_count();
    let row = reshape(&y, &[1, n]).unwrap();
    let weight = tape.constant(&draw(2, &[1, n], dtype));
    let gradients = backward(&linear(&row, &weight, None).unwrap()).unwrap();
    let values = |t: &Tensor| {
        let t = t.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        t.to_vec1::<f64>().unwrap()
    };
    let of_input = values(gradients.of(&x).unwrap());
    let mut all = vec![
        ("output".to_owned(), values(y.tensor().unwrap())),
        ("input gradient".to_owned(), of_input),
    ];
    for (name, gradient) in gradients.all().unwrap() {
        all.push((format!("gradient of {name}"), values(gradient)));
    }
    for parameter in store.all() {
        all.push((parameter.name.to_string(), values(&parameter.tensor)));
    }
    all
}

/// Fails unless a network of blocks computes in f32, from an input of these dimensions, what it computes in f64.
pub(crate) fn check_blocks(
    name: &str,
    dims: &[usize],
    network: impl Fn(&VarBuilder<'_>) -> Result<Network> + Sync,
) {
    for mode in [Mode::Train { seed: 0, step: 0 }, Mode::Eval] {
        let expected = run(dims, mode, DType::F64, &network);
        for level in Level::available() {
            let found = level.run(|| run(dims, mode, DType::F32, &network));
            assert_eq!(found.len(), expected.len());
            for ((part, found), (_, expected)) in found.iter().zip(&expected) {
                assert_eq!(found.len(), expected.len(), "{name}: {part}");
                let largest = expected.iter().fold(0f64, |a, b| a.max(b.abs()));
                // Winograd's rounding (see there) through several convolutions; biases before a batch's norm have no gradient.
                let bound = 2e-5 * largest + 2e-5;
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() <= bound,
                        "{name} of {dims:?}, {level:?}, {mode:?}, {part}: {found} for {expected} (largest {largest})"
                    );
                }
            }
        }
        let with_threads = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| run(dims, mode, DType::F32, &network))
        };
        let one = with_threads(1);
        for n_threads in [2, 3] {
            assert!(
                one == with_threads(n_threads),
                "{name}: {n_threads} threads"
            );
        }
    }
}
