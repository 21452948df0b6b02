//! Binary cross entropy, norms of gradients, optimizers.

use super::super::{LOSS, OPTIMIZER, SUMS};
use super::bench::{Bench, args, on_benches};
use crate::{
    Adam, AdamConfig, Momentum, Optimizer, OptimizerConfig, Parameters, SgdConfig, Tape, Value,
    backward, bce_with_logits, mul, weighted_bce_with_logits,
};
use candle_core::{DType, Device, Tensor};

#[test]
fn cross_entropy_and_its_slopes_are_those_of_the_cpu() {
    on_benches(|bench| {
        let n = 2999usize;
        let mut logits: Vec<f32> = bench
            .draw(n, 1)
            .iter()
            .map(|x| bench.kind.round(5.0 * x))
            .collect();
        (logits[0], logits[1], logits[2]) = (200.0, -200.0, 1e30);
        logits[2] = bench.kind.round(logits[2]);
        let mut targets: Vec<f32> = bench
            .draw(n, 2)
            .iter()
            .map(|x| f32::from(*x > 0.0))
            .collect();
        (targets[0], targets[1], targets[2], targets[3]) = (0.0, 1.0, 1.0, 0.3);
        let weights: Vec<f32> = bench.draw(n, 3).iter().map(|x| x.abs()).collect();
        for weighted in [false, true] {
            let tape = Tape::recording();
            let wide = |x: &[f32]| {
                let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                Tensor::from_vec(x, n, &Device::Cpu).unwrap()
            };
            let z = tape.watched(&wide(&logits));
            let loss = if weighted {
                weighted_bce_with_logits(&z, &wide(&targets), &wide(&weights))
            } else {
                bce_with_logits(&z, &wide(&targets))
            }
            .unwrap();
            let slopes = backward(&loss).unwrap();
            let slopes = slopes.of(&z).unwrap().to_vec1::<f64>().unwrap();
            let loss = loss.tensor().unwrap().to_scalar::<f64>().unwrap();

            let (a, y, w) = (
                bench.numbers(&logits),
                bench.floats(&targets),
                bench.floats(&weights),
            );
            let (slope, partial) = (bench.room_of(4, n), bench.room_of(8, 3));
            let share = if weighted { 1.0 } else { 1.0 / n as f32 };
            let mut arguments = args![&a, &y, (), &slope, &partial, share, n].to_vec();
            if weighted {
                arguments[2] = (&w).into();
            }
            bench.each(&LOSS, "bce", &arguments, &[&slope, &partial]);
            let found = bench.room_of(4, 1);
            bench.each(
                &LOSS,
                "loss_finish",
                args![&partial, &found, 3i32],
                &[&found],
            );
            bench.compare_floats("loss", &found.read(), &[loss], 1e-6);
            bench.compare_floats("slopes", &slope.read(), &slopes, 3e-7);
        }
    });
}

#[test]
fn squares_are_added_up() {
    on_benches(|bench| {
        let x = bench.draw(5003, 4);
        let a = bench.floats(&x);
        let (partial, total) = (bench.room_of(8, 3), bench.bytes(&2f64.to_le_bytes()));
        let arguments = args![&a, &partial, x.len()];
        bench.each(&SUMS, "square_partial", arguments, &[&partial]);
        let arguments = args![&partial, &total, 3i32];
        bench.each(&SUMS, "square_finish", arguments, &[&total]);
        let expected = 2.0 + x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        assert!((total.doubles()[0] - expected).abs() < 1e-9 * expected);
    });
}

/// Parameters `values`, stepped by `optimizer` `n_steps` times with `slopes` as gradients; the state in the optimizer.
fn on_the_cpu(
    optimizer: &mut Optimizer,
    values: &[f32],
    slopes: &[f32],
    rate: f64,
    n_steps: usize,
) -> Vec<f32> {
    let store = Parameters::initialise(1, DType::F32);
    let builder = store.var_builder();
    let weight = builder.get(values.len(), "w").unwrap();
    let draw = Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
    crate::copy_for_tests(&weight, &draw);
    for _ in 0..n_steps {
        let tape = Tape::recording();
        let value = tape.parameter(&"w".into(), &weight);
        let slopes = Tensor::from_slice(slopes, slopes.len(), &Device::Cpu).unwrap();
        let product = mul(&value, &Value::constant(slopes.clone())).unwrap();
        let ones = Tensor::ones(values.len(), DType::F32, &Device::Cpu).unwrap();
        let gradients = crate::backward_from(&product, &ones).unwrap();
        optimizer.step(&store, &gradients, rate).unwrap();
    }
    weight.to_vec1().unwrap()
}

#[test]
fn adam_takes_the_steps_of_the_cpu() {
    on_benches(|bench: &Bench| {
        let n = 1203usize;
        let (values, slopes) = (bench.draw(n, 5), bench.draw(n, 6));
        let config = AdamConfig {
            weight_decay: 0.01,
            ..AdamConfig::default()
        };
        let mut optimizer = Optimizer::Adam(Adam::new(config));
        let rate = 1e-2;
        let expected = on_the_cpu(&mut optimizer, &values, &slopes, rate, 3);
        let (value, gradient) = (bench.floats(&values), bench.floats(&slopes));
        let [mean, square] = [(); 2].map(|()| bench.floats(&vec![0.0; n]));
        for step in 1..=3i32 {
            let correction = |beta: f64| 1.0 - beta.powi(step);
            bench.each(
                &OPTIMIZER,
                "adam",
                args![
                    &value,
                    &gradient,
                    &mean,
                    &square,
                    (1.0 - config.beta_1) as f32,
                    config.beta_2 as f32,
                    (1.0 - config.beta_2) as f32,
                    config.epsilon as f32,
                    config.weight_decay as f32,
                    1f32,
                    (rate / correction(config.beta_1)) as f32,
                    (1.0 / correction(config.beta_2).sqrt()) as f32,
                    n
                ],
                &[&value, &mean, &square],
            );
        }
        let expected: Vec<f64> = expected.iter().map(|&x| f64::from(x)).collect();
        bench.compare_floats("adam", &value.read(), &expected, 1e-6);
    });
}

#[test]
fn gradient_descent_takes_the_steps_of_the_cpu() {
    on_benches(|bench: &Bench| {
        let n = 1000usize;
        let (values, slopes) = (bench.draw(n, 7), bench.draw(n, 8));
        for (momentum, kind) in [
            (0.0, Momentum::Plain),
            (0.9, Momentum::Plain),
            (0.9, Momentum::Nesterov),
        ] {
            let config = SgdConfig {
                momentum,
                kind,
                weight_decay: 0.1,
            };
            let mut optimizer = Optimizer::new(OptimizerConfig::Sgd(config));
            let expected = on_the_cpu(&mut optimizer, &values, &slopes, 0.03, 2);
            let (value, gradient) = (bench.floats(&values), bench.floats(&slopes));
            let velocity = bench.floats(&vec![0.0; n]);
            let nesterov = i32::from(kind == Momentum::Nesterov);
            let mut arguments = args![
                &value,
                &gradient,
                (),
                momentum as f32,
                0.1f32,
                0.03f32,
                nesterov,
                n
            ]
            .to_vec();
            if momentum > 0.0 {
                arguments[2] = (&velocity).into();
            }
            for _ in 0..2 {
                bench.each(&OPTIMIZER, "sgd", &arguments, &[&value, &velocity]);
            }
            let expected: Vec<f64> = expected.iter().map(|&x| f64::from(x)).collect();
            bench.compare_floats("sgd", &value.read(), &expected, 1e-6);
        }
    });
}
