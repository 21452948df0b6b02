//! Every operation on a GPU against the same on the processor: values and all gradients.
//!
//! They run on a GPU where there is one, else on the libraries of `tests/fake_cuda` that stand in for one.

use crate::rng::{Address, Purpose};
use crate::{
    Adam, AdamConfig, ConvBlock, ConvBlock1d, ConvOptions, DeviceName, Maps, Mode, Optimizer,
    OptimizerConfig, Over, Parameters, Place, Precision, ResidualBlock, Tape, Value, backward,
    linear, reshape,
};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use std::collections::BTreeMap;

fn place(precision: Precision) -> Place {
    super::fake::libraries();
    Place::open(DeviceName::Cuda(0), precision).unwrap()
}

fn draw(track: u64, dims: &[usize]) -> Tensor {
    let mut draws = Address::new(9, Purpose::Check, track).stream();
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// How far numbers may be apart, of the largest.
fn tolerance(precision: Precision) -> f32 {
    match precision {
        // A real GPU rounds products to TF32.
        Precision::F32 => 2e-3,
        Precision::Bf16 => 4e-2,
    }
}

fn compare(name: &str, found: &[(String, Tensor)], expected: &[(String, Tensor)], bound: f32) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for ((part, found), (other, expected)) in found.iter().zip(expected) {
        assert_eq!(part, other, "{name}");
        assert_eq!(found.dims(), expected.dims(), "{name}: {part}");
        let (found, expected) = (values(found), values(expected));
        let largest = expected.iter().fold(1e-2f32, |a, b| a.max(b.abs()));
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(
                (found - expected).abs() <= bound * largest,
                "{name}: {part}[{place}] is {found} on the GPU, {expected} on the processor (largest {largest})"
            );
        }
    }
}

/// Fails if the Euclidean distance of a part is more than a quarter of its length.
fn compare_norms(name: &str, found: &[(String, Tensor)], expected: &[(String, Tensor)]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let length = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>().sqrt();
    for ((part, found), (other, expected)) in found.iter().zip(expected) {
        assert_eq!(part, other, "{name}");
        let (found, expected) = (values(found), values(expected));
        let apart: Vec<f32> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        let (apart, all) = (length(&apart), length(&expected));
        assert!(
            apart <= 0.25 * all,
            "{name}: {part} is {apart} of {all} away"
        );
    }
}

/// Output and gradients of `f` of values that lie where `place` says.
fn run<const N: usize>(
    place: &Place,
    dims: &[&[usize]; N],
    f: impl Fn([&Value; N]) -> Result<Value>,
) -> Vec<(String, Tensor)> {
    let tensors: BTreeMap<String, Tensor> = (0..N)
        .map(|i| (format!("input {i}"), draw(i as u64, dims[i])))
        .collect();
    let parameters = Parameters::from_map(&tensors).unwrap();
    parameters.move_to(place).unwrap();
    let tape = Tape::recording().beside(&parameters);
    let inputs: Vec<Value> = tensors
        .iter()
        .map(|(name, tensor)| tape.parameter(&name.as_str().into(), tensor))
        .collect();
    let y = f(std::array::from_fn(|i| &inputs[i])).unwrap();
    let n = y.elem_count();
    let weights = Value::constant(draw(100, &[1, n]));
    let row = reshape(&y, &[1, n]).unwrap();
    let gradients = backward(&linear(&row, &weights, None).unwrap()).unwrap();
    let mut all = vec![("output".to_owned(), y.tensor().unwrap().clone())];
    for (name, gradient) in gradients.all().unwrap() {
        all.push((name.to_owned(), gradient.clone()));
    }
    all
}

fn check<const N: usize>(
    name: &str,
    dims: [&[usize]; N],
    f: impl Fn([&Value; N]) -> Result<Value>,
) {
    for precision in [Precision::F32, Precision::Bf16] {
        let gpu = place(precision);
        let found = run(&gpu, &dims, &f);
        let expected = run(&Place::Cpu, &dims, &f);
        let name = format!("{name}, {precision:?}");
        compare(&name, &found, &expected, tolerance(precision));
    }
}

#[test]
fn functions_of_single_numbers() {
    for (name, f) in [
        ("gelu", crate::gelu as fn(&Value) -> Result<Value>),
        ("relu", crate::relu),
        ("sigmoid", crate::sigmoid),
        ("tanh", crate::tanh),
        ("decibels", |x| crate::decibels(&crate::mul(x, x)?)),
    ] {
        check(name, [&[3, 1041]], |[x]| f(x));
    }
    let address = Address::new(7, Purpose::Dropout, 3);
    check("dropout", [&[5, 1003]], |[x]| {
        crate::dropout(x, 0.3, address)
    });
}

#[test]
fn sums_differences_and_products() {
    for b in [
        [2, 3, 4, 50],
        [2, 3, 1, 1],
        [2, 3, 4, 1],
        [1, 3, 1, 50],
        [1, 1, 1, 1],
    ] {
        for (name, f) in [
            ("sum", crate::add as fn(&Value, &Value) -> Result<Value>),
            ("difference", crate::sub),
            ("product", crate::mul),
        ] {
            check(name, [&[2, 3, 4, 50], &b], |[a, b]| f(a, b));
        }
    }
    check("square", [&[3, 5]], |[a]| crate::mul(a, a));
}

#[test]
fn moving_numbers_about() {
    check("permutation", [&[2, 3, 4, 5]], |[x]| {
        crate::permute(x, &[2, 0, 3, 1])
    });
    check("part", [&[2, 7, 5]], |[x]| crate::narrow(x, 1, 2, 3));
    check("place", [&[2, 7, 5]], |[x]| crate::select(x, 2, 4));
    check("concatenation", [&[2, 3, 5], &[2, 4, 5]], |[a, b]| {
        crate::concat([a, b, a], 1)
    });
    check("tokens", [&[2, 3, 4, 5]], |[x]| crate::tokens_of_maps(x));
    check("first token", [&[2, 3, 4]], |[x]| crate::first_token(x));
    check(
        "positions",
        [&[2, 3, 4], &[4], &[1, 6, 4]],
        |[x, class, positions]| crate::class_and_positions(x, class, positions),
    );
}

#[test]
fn products_of_matrices() {
    check(
        "linear",
        [&[3, 5, 7], &[4, 7], &[4]],
        |[x, weight, bias]| linear(x, weight, Some(bias)),
    );
    check("without a bias", [&[5, 7], &[4, 7]], |[x, weight]| {
        linear(x, weight, None)
    });
    check("products", [&[2, 3, 5, 7], &[2, 3, 7, 4]], |[a, b]| {
        crate::matmul(a, b)
    });
    check("attention", [&[2, 6, 24]], |[qkv]| {
        Ok(crate::attention(qkv, 2)?.context)
    });
    check("softmax", [&[4, 33]], |[x]| crate::softmax(x));
}

#[test]
fn norms_and_pools() {
    check("layer norm", [&[3, 5, 40], &[40], &[40]], |[x, w, b]| {
        crate::layer_norm(x, w, b, 1e-5)
    });
    check("max", [&[2, 3, 7, 11]], |[x]| crate::max_pool2d(x, [2, 3]));
    check("average", [&[2, 3, 7, 11]], |[x]| {
        crate::avg_pool2d(x, [2, 3])
    });
    check("max along time", [&[2, 3, 10]], |[x]| {
        crate::max_pool1d(x, 3)
    });
    for over in [Over::Time, Over::FrequencyAndTime] {
        check("global max", [&[2, 3, 5, 37]], |[x]| {
            crate::global_max_pool(x, over)
        });
        check("global mean", [&[2, 3, 5, 37]], |[x]| {
            crate::global_avg_pool(x, over)
        });
    }
}

#[test]
fn convolutions() {
    for (stride, padding, dilation) in [([1, 1], [1, 1], [1, 1]), ([2, 3], [0, 2], [1, 2])] {
        let options = ConvOptions {
            stride,
            padding,
            dilation,
        };
        check(
            "convolution",
            [&[2, 3, 9, 12], &[5, 3, 3, 3], &[5]],
            |[x, weight, bias]| crate::conv2d(x, weight, Some(bias), options),
        );
    }
    let options = crate::Conv1dOptions {
        padding: 3,
        ..crate::Conv1dOptions::default()
    };
    check(
        "convolution along time, then pooled",
        [&[2, 3, 20], &[5, 3, 7], &[5]],
        |[x, weight, bias]| crate::max_pool1d(&crate::conv1d(x, weight, Some(bias), options)?, 2),
    );
}

#[test]
fn what_has_no_kernels_goes_on_on_the_processor() {
    use crate::{Direction, GruWeights, gru};
    let dims: [&[usize]; 5] = [&[2, 4, 3], &[12, 3], &[12, 4], &[12], &[12]];
    check(
        "recurrent layer",
        dims,
        |[x, input, hidden, input_bias, hidden_bias]| {
            let weights = GruWeights {
                input,
                hidden,
                input_bias,
                hidden_bias,
            };
            gru(&crate::tanh(x)?, weights, Direction::Forward)
        },
    );
}

#[test]
fn the_loss_and_its_slope() {
    let targets = draw(50, &[3, 7]).abs().unwrap().clamp(0f32, 1f32).unwrap();
    let weights = draw(51, &[3, 7]).abs().unwrap();
    check("bce", [&[3, 7]], |[x]| crate::bce_with_logits(x, &targets));
    check("weighted bce", [&[3, 7]], |[x]| {
        crate::weighted_bce_with_logits(x, &targets, &weights)
    });
}

type Network = Box<dyn Fn(&Tape, Mode, &Value) -> Result<Value>>;

/// Output, gradients and what is learned in three steps of a network.
fn train(
    place: &Place,
    dims: &[usize],
    optimizer: OptimizerConfig,
    network: &impl Fn(&VarBuilder<'_>) -> Result<Network>,
) -> Vec<(String, Tensor)> {
    let store = Parameters::initialise(3, DType::F32);
    let network = network(&store.var_builder()).unwrap();
    store.move_to(place).unwrap();
    let mut optimizer = Optimizer::new(optimizer);
    let x = Value::constant(draw(1, dims));
    let mut all = Vec::new();
    for step in 0..3 {
        let tape = Tape::recording().beside(&store);
        let y = network(&tape, Mode::Train { seed: 0, step }, &x).unwrap();
        let n = y.elem_count();
        let row = reshape(&y, &[1, n]).unwrap();
        let weights = Value::constant(draw(2, &[1, n]));
        let mut gradients = backward(&linear(&row, &weights, None).unwrap()).unwrap();
        if step == 0 {
            all.push(("output".into(), y.tensor().unwrap().clone()));
            for (name, gradient) in gradients.all().unwrap() {
                all.push((format!("gradient of {name}"), gradient.clone()));
            }
            let norm = gradients.norm().unwrap() as f32;
            all.push(("norm".into(), Tensor::new(norm, &Device::Cpu).unwrap()));
            gradients.scale(0.5).unwrap();
        }
        optimizer.step(&store, &gradients, 1e-3).unwrap();
        // As if the run had ended here and gone on.
        let state = optimizer.to_map().unwrap();
        optimizer = Optimizer::from_map(OptimizerConfig::default(), &state)
            .ok()
            .filter(|_| matches!(optimizer, Optimizer::Adam(_)))
            .unwrap_or(optimizer);
    }
    let eval = network(&Tape::off().beside(&store), Mode::Eval, &x).unwrap();
    all.push(("after training".into(), eval.tensor().unwrap().clone()));
    for (name, tensor) in store.snapshot().unwrap().to_map() {
        if name.contains("running") {
            all.push((name, tensor));
        }
    }
    all
}

fn check_network(name: &str, dims: &[usize], network: impl Fn(&VarBuilder<'_>) -> Result<Network>) {
    for precision in [Precision::F32, Precision::Bf16] {
        let gpu = place(precision);
        for optimizer in OptimizerConfig::usual() {
            let expected = train(&Place::Cpu, dims, optimizer, &network);
            let mut found = train(&gpu, dims, optimizer, &network);
            // Biases before a batch's norm have no gradient but rounding.
            let noise = |part: &String| part.contains("conv") && part.ends_with("bias");
            let expected: Vec<_> = expected.into_iter().filter(|it| !noise(&it.0)).collect();
            found.retain(|it| !noise(&it.0));
            let name = format!("{name}, {precision:?}, {}", optimizer.name());
            match precision {
                Precision::F32 => compare(&name, &found, &expected, 3.0 * tolerance(precision)),
                // Rounding turns some ReLUs and maxima the other way: single numbers jump, all together stay near.
                Precision::Bf16 => compare_norms(&name, &found, &expected),
            }
        }
    }
}

#[test]
fn blocks_learn_the_same() {
    check_network("residual blocks", &[3, 1, 13, 18], |builder| {
        let first = ResidualBlock::new(&builder.pp("a"), 1, 8, [1, 1], [2, 2])?;
        let second = ResidualBlock::new(&builder.pp("b"), 8, 8, [1, 1], [2, 1])?;
        Ok(Box::new(move |tape, mode, x| {
            let maps = first.forward(tape, mode, &Maps::new(x)?)?;
            second.forward(tape, mode, &maps)?.to_tokens()
        }))
    });
    check_network("convolution blocks", &[3, 1, 13, 18], |builder| {
        let first = ConvBlock::new(&builder.pp("a"), 1, 6, [2, 2])?;
        let second = ConvBlock::new(&builder.pp("b"), 6, 5, [1, 3])?;
        Ok(Box::new(move |tape, mode, x| {
            let maps = first.forward(tape, mode, &Maps::new(x)?)?;
            second.forward(tape, mode, &maps)?.to_value()
        }))
    });
    check_network("blocks along time", &[3, 1, 95], |builder| {
        let first = ConvBlock1d::new(&builder.pp("a"), 1, 8, 3, 3, 1)?;
        let second = ConvBlock1d::new(&builder.pp("b"), 8, 5, 3, 1, 3)?;
        Ok(Box::new(move |tape, mode, x| {
            second.forward(tape, mode, &first.forward(tape, mode, x)?)
        }))
    });
}

#[test]
fn parameters_come_back_from_a_gpu_and_an_average_follows_them() {
    let gpu = place(Precision::F32);
    let of = |track| {
        let map = BTreeMap::from([("w".to_owned(), draw(track, &[3, 4]))]);
        Parameters::from_map(&map).unwrap().snapshot().unwrap()
    };
    let (live, average) = (of(1), of(2));
    live.move_to(&gpu).unwrap();
    live.load_from(&of(3).to_map()).unwrap();
    let tape = Tape::recording().beside(&live);
    let w = tape.parameter(&"w".into(), &draw(1, &[3, 4]));
    assert_eq!(values(w.tensor().unwrap()), values(&draw(3, &[3, 4])));
    let ones = Value::constant(Tensor::ones((1, 12), DType::F32, &Device::Cpu).unwrap());
    let loss = linear(&reshape(&w, &[1, 12]).unwrap(), &ones, None).unwrap();
    let gradients = backward(&loss).unwrap();
    let mut adam = Adam::new(AdamConfig::default());
    adam.step(&live, &gradients, 0.25).unwrap();
    average.approach(&live, 1.0).unwrap();
    live.move_to(&Place::Cpu).unwrap();
    let (live, average) = (live.get("w").unwrap(), average.get("w").unwrap());
    assert_eq!(values(&live), values(&average));
    for (moved, start) in values(&live).iter().zip(values(&draw(3, &[3, 4]))) {
        assert!(
            (moved - (start - 0.25)).abs() < 1e-5,
            "{moved} from {start}"
        );
    }
}

/// Every kernel that an operation asks for by name stands in a source.
#[test]
fn kernels_are_named_once() {
    let mut names: Vec<&str> = super::kernels::ALL
        .iter()
        .flat_map(|source| source.functions)
        .copied()
        .collect();
    let n = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n);
}
