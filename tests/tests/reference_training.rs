//! Training against PyTorch's own results: single operations, and loss, gradients and Adam steps of a whole network.

mod reference;

use attune_core::models::{Mode, ModelConfig, Pass};
use attune_core::nn::{
    self, Adam, AdamConfig, ConvOptions, Gradients, Parameters, RunningStatistics, Statistics,
    Tape, Value,
};
use candle_core::{DType, Device, Tensor};
use reference::{Tensors, assert_close, distance, json, read, relative_distance, values};

/// Gradients of the watched values for the gradient `dy` of `y`: the loss is the sum of `y * dy`, on top of a linear map.
fn gradients(y: &Value, dy: &Tensor) -> Gradients {
    let n = dy.elem_count();
    let tape = Tape::off();
    let row = nn::reshape(y, &[1, n]).unwrap();
    let weight = tape.constant(&dy.reshape((1, n)).unwrap());
    let loss = nn::linear(&row, &weight, None).unwrap();
    nn::backward(&loss).unwrap()
}

/// Float32 rounding of one operation, in units of the largest value.
const ROUNDING: f32 = 3e-6;

fn check(tensors: &Tensors, case: &str, y: &Value, watched: &[(&str, &Value)]) {
    assert_close(
        y.tensor(),
        &tensors[&format!("{case}.y")],
        ROUNDING,
        &format!("{case}.y"),
    );
    let gradients = gradients(y, &tensors[&format!("{case}.gy")]);
    for (name, value) in watched {
        let name = format!("{case}.{name}");
        assert_close(
            gradients.of(value).unwrap(),
            &tensors[&name],
            ROUNDING,
            &name,
        );
    }
}

fn pair(value: &serde_json::Value) -> [usize; 2] {
    match value.as_array() {
        Some(pair) => [0, 1].map(|i| pair[i].as_u64().unwrap() as usize),
        None => [value.as_u64().unwrap() as usize; 2],
    }
}

fn cases(file: &str) -> Vec<(String, serde_json::Value)> {
    let manifest = json("training/ops/manifest.json");
    let cases = manifest["files"][file]["cases"].as_object().unwrap();
    cases
        .iter()
        .map(|(name, case)| (name.clone(), case.clone()))
        .collect()
}

#[test]
fn convolutions_and_their_gradients() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/conv2d.safetensors");
    for (name, case) in cases("conv2d.safetensors") {
        let tape = Tape::recording();
        let get = |part: &str| {
            tensors
                .get(&format!("{name}.{part}"))
                .map(|t| tape.watched(t))
        };
        let (x, w, b) = (get("x").unwrap(), get("w").unwrap(), get("b"));
        let options = ConvOptions {
            stride: pair(&case["stride"]),
            padding: pair(&case["padding"]),
            dilation: pair(&case["dilation"]),
        };
        let y = nn::conv2d(&x, &w, b.as_ref(), options).unwrap();
        let mut watched = vec![("gx", &x), ("gw", &w)];
        if let Some(b) = &b {
            watched.push(("gb", b));
        }
        check(&tensors, &name, &y, &watched);
    }
}

#[test]
fn max_pooling_of_odd_sizes_and_ties() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/maxpool2d.safetensors");
    for (name, case) in cases("maxpool2d.safetensors") {
        let tape = Tape::recording();
        let x = tape.watched(&tensors[&format!("{name}.x")]);
        let y = nn::max_pool2d(&x, pair(&case["kernel_and_stride"])).unwrap();
        check(&tensors, &name, &y, &[("gx", &x)]);
    }
}

#[test]
fn batch_norm_in_training_and_evaluation() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/batchnorm.safetensors");
    for (name, _) in cases("batchnorm.safetensors") {
        let get = |part: &str| &tensors[&format!("{name}.{part}")];
        let running = RunningStatistics {
            mean: get("running_mean_before").copy().unwrap(),
            variance: get("running_var_before").copy().unwrap(),
            n_batches: Tensor::new(0i64, &Device::Cpu).unwrap(),
            momentum: 0.1,
        };
        for statistics in [Statistics::Running, Statistics::Batch] {
            let tape = Tape::recording();
            let (x, w, b) = (
                tape.watched(get("x")),
                tape.watched(get("w")),
                tape.watched(get("b")),
            );
            let y = nn::batch_norm(&x, &w, &b, &running, 1e-5, statistics).unwrap();
            if statistics == Statistics::Batch {
                check(&tensors, &name, &y, &[("gx", &x), ("gw", &w), ("gb", &b)]);
            } else {
                assert_close(y.tensor(), get("eval.y"), ROUNDING, &name);
                let gradients = gradients(&y, get("gy"));
                assert_close(gradients.of(&x).unwrap(), get("eval.gx"), ROUNDING, &name);
            }
        }
        assert_close(&running.mean, get("running_mean_after"), ROUNDING, &name);
        assert_close(&running.variance, get("running_var_after"), ROUNDING, &name);
        assert_eq!(running.n_batches.to_scalar::<i64>().unwrap(), 1);
    }
}

#[test]
fn layer_norm() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/layernorm.safetensors");
    for (name, case) in cases("layernorm.safetensors") {
        let tape = Tape::recording();
        let get = |part: &str| tape.watched(&tensors[&format!("{name}.{part}")]);
        let (x, w, b) = (get("x"), get("w"), get("b"));
        let y = nn::layer_norm(&x, &w, &b, case["eps"].as_f64().unwrap()).unwrap();
        check(&tensors, &name, &y, &[("gx", &x), ("gw", &w), ("gb", &b)]);
    }
}

#[test]
fn gelu_and_relu() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/elementwise.safetensors");
    type Function = fn(&Value) -> candle_core::Result<Value>;
    for (name, function) in [("gelu_erf", nn::gelu as Function), ("relu", nn::relu)] {
        let tape = Tape::recording();
        let x = tape.watched(&tensors["x"]);
        let y = function(&x).unwrap();
        assert_close(y.tensor(), &tensors[&format!("{name}.y")], ROUNDING, name);
        let gradients = gradients(&y, &tensors["gy"]);
        assert_close(
            gradients.of(&x).unwrap(),
            &tensors[&format!("{name}.gx")],
            ROUNDING,
            name,
        );
    }
}

/// `[batch, heads, tokens, width]` three times to `[batch, tokens, 3 * heads * width]`, or back.
fn packed(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let (batch, heads, tokens, width) = q.dims4().unwrap();
    let parts: Vec<Tensor> = [q, k, v]
        .iter()
        .map(|t| {
            t.permute((0, 2, 1, 3))
                .unwrap()
                .reshape((batch, tokens, heads * width))
                .unwrap()
        })
        .collect();
    Tensor::cat(&parts, 2).unwrap()
}

#[test]
fn attention_with_its_weights() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/attention.safetensors");
    let tape = Tape::recording();
    let get = |name: &str| &tensors[&format!("core.{name}")];
    let qkv = tape.watched(&packed(get("q"), get("k"), get("v")));
    let attended = nn::attention(&qkv, 4).unwrap();
    assert_close(&attended.weights, get("attention"), ROUNDING, "weights");
    // `y` and `gy` are [batch, heads, tokens, width]; the context has the heads side by side.
    let side_by_side = |t: &Tensor| {
        packed(t, t, t)
            .narrow(2, 0, 64)
            .unwrap()
            .contiguous()
            .unwrap()
    };
    assert_close(
        attended.context.tensor(),
        &side_by_side(get("y")),
        ROUNDING,
        "context",
    );
    let gradients = gradients(&attended.context, &side_by_side(get("gy")));
    let expected = packed(get("gq"), get("gk"), get("gv"));
    assert_close(gradients.of(&qkv).unwrap(), &expected, ROUNDING, "gradient");

    let get = |name: &str| tape_free(&tensors, &format!("module.{name}"));
    let tape = Tape::recording();
    let x = tape.watched(&get("x"));
    let (qkv, out, bias) = (
        tape.watched(&get("to_qkv.weight")),
        tape.watched(&get("to_out.0.weight")),
        tape.watched(&get("to_out.0.bias")),
    );
    let context = nn::attention(&nn::linear(&x, &qkv, None).unwrap(), 4)
        .unwrap()
        .context;
    let y = nn::linear(&context, &out, Some(&bias)).unwrap();
    check(
        &tensors,
        "module",
        &y,
        &[
            ("gx", &x),
            ("g.to_qkv.weight", &qkv),
            ("g.to_out.0.weight", &out),
            ("g.to_out.0.bias", &bias),
        ],
    );
}

fn tape_free(tensors: &Tensors, name: &str) -> Tensor {
    tensors[name].clone()
}

#[test]
fn linear_maps_and_the_loss() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/linear_bce.safetensors");
    let tape = Tape::recording();
    let get = |name: &str| tape.watched(&tensors[name]);
    let (x, w, b) = (get("linear.x"), get("linear.w"), get("linear.b"));
    let y = nn::linear(&x, &w, Some(&b)).unwrap();
    check(
        &tensors,
        "linear",
        &y,
        &[("gx", &x), ("gw", &w), ("gb", &b)],
    );

    let tape = Tape::recording();
    let z = tape.watched(&tensors["bce_sigmoid.z"]);
    let loss = nn::bce_with_logits(&z, &tensors["bce.y"]).unwrap();
    assert_close(
        loss.tensor(),
        &tensors["bce_with_logits.loss"],
        ROUNDING,
        "loss",
    );
    let gradients = nn::backward(&loss).unwrap();
    assert_close(
        gradients.of(&z).unwrap(),
        &tensors["bce_with_logits.gz"],
        ROUNDING,
        "gradient",
    );
}

#[test]
fn adam_with_and_without_decay() {
    if reference::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/optimizers.safetensors");
    for (name, weight_decay) in [("adam", 0.0), ("adam_wd", 1e-4)] {
        let parameters = Parameters::from_map(&Tensors::from([(
            "p".into(),
            tensors["p0"].copy().unwrap(),
        )]))
        .unwrap();
        let mut adam = Adam::new(AdamConfig {
            weight_decay,
            ..AdamConfig::default()
        });
        for step in 0..5 {
            // The gradient of the sum of p * g is g.
            let tape = Tape::recording();
            let p = tape.parameter(&"p".into(), &parameters.get("p").unwrap());
            let gradients = gradients(&p, &tensors[&format!("g{step}")]);
            adam.step(&parameters, &gradients, 1e-4).unwrap();
            let expected = &tensors[&format!("{name}.p{}", step + 1)];
            assert_close(&parameters.get("p").unwrap(), expected, 1e-6, name);
        }
        let state = adam.to_map().unwrap();
        for part in ["exp_avg", "exp_avg_sq"] {
            let expected = tensors[&format!("{name}.{part}")].flatten_all().unwrap();
            assert_close(&state[&format!("p.{part}")], &expected, 1e-5, name);
        }
        let back = Adam::from_map(AdamConfig::default(), &state).unwrap();
        assert_eq!(back.n_steps(), 5);
    }
}

/// Loss and gradients of the first step, losses and parameters of five Adam steps, from the stored log-mel.
#[test]
fn a_small_transformer_trains_as_in_pytorch() {
    if reference::folder().is_none() {
        return;
    }
    let manifest = json("training/mtt_small/manifest.json");
    let batch = read("training/mtt_small/batch.safetensors");
    let expected_gradients = read("training/mtt_small/gradients.safetensors");
    let noise: Vec<&str> = manifest["gradients_that_are_rounding_noise"]["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut init = read("training/mtt_small/init.safetensors");
    let ModelConfig::MusicTaggingTransformer(mut config) =
        ModelConfig::recognise(&init, Some(4)).unwrap();
    config.dropout = 0.0;
    init.retain(|name, _| !name.starts_with("spec."));
    let parameters = Parameters::from_map(&init).unwrap();
    let network = ModelConfig::MusicTaggingTransformer(config)
        .build(parameters.var_builder())
        .unwrap();
    assert_eq!(parameters.n_weights(), 164_452);

    let mut adam = Adam::new(AdamConfig::default());
    let losses: Vec<f64> = manifest["losses_before_each_step"]
        .as_array()
        .unwrap()
        .iter()
        .map(|loss| loss.as_f64().unwrap())
        .collect();
    for (step, expected) in losses.iter().enumerate() {
        let pass = Pass {
            mode: Mode::Train {
                seed: 0,
                step: step as u64,
            },
            ..Pass::training(0, step as u64)
        };
        let output = network.forward(&pass, &batch["logmel"]).unwrap();
        let loss = nn::bce_with_logits(&output.logits, &batch["targets"]).unwrap();
        let found = f64::from(loss.tensor().to_scalar::<f32>().unwrap());
        println!(
            "loss before step {}: {:e} apart, relative",
            step + 1,
            (found - expected).abs() / expected
        );
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "step {step}: loss {found} for {expected}"
        );
        if step == 0 {
            let probabilities = nn::probabilities(output.logits.tensor()).unwrap();
            assert!(distance(&probabilities, &batch["probs_step1"]) < 1e-5);
        }
        let gradients = nn::backward(&loss).unwrap();
        if step == 0 {
            let mut worst = (0f32, String::new());
            for (name, expected) in &expected_gradients {
                let found = gradients
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} has no gradient"));
                if noise.contains(&name.as_str()) {
                    let largest = values(found).iter().fold(0f32, |a, b| a.max(b.abs()));
                    assert!(
                        largest < 1e-6,
                        "{name}: {largest:e} where the gradient is 0"
                    );
                    continue;
                }
                let apart = relative_distance(found, expected);
                if apart > worst.0 {
                    worst = (apart, name.clone());
                }
            }
            println!(
                "gradients: at most {:e} apart, relative ({})",
                worst.0, worst.1
            );
            assert!(worst.0 < 1e-4, "{}: gradient {:e} apart", worst.1, worst.0);
        }
        adam.step(&parameters, &gradients, 1e-4).unwrap();
        let after = match step {
            0 => read("training/mtt_small/after1.safetensors"),
            4 => read("training/mtt_small/after5.safetensors"),
            _ => continue,
        };
        let mut worst = (0f32, String::new());
        for (name, expected) in &after {
            let found = parameters.get(name).unwrap();
            if found.dtype() != DType::F32 {
                assert_eq!(
                    found.to_scalar::<i64>().unwrap(),
                    expected.to_scalar::<i64>().unwrap()
                );
                continue;
            }
            // Biases before a batch norm walk at random by up to the learning rate in PyTorch, and running means with them.
            if noise.contains(&name.as_str()) || name.ends_with("running_mean") {
                let apart = distance(&found, expected);
                assert!(
                    apart <= 1e-4 * (step + 1) as f32 * 1.01,
                    "{name}: {apart:e} apart"
                );
                continue;
            }
            let apart = relative_distance(&found, expected);
            if apart > worst.0 {
                worst = (apart, name.clone());
            }
        }
        println!(
            "parameters after step {}: at most {:e} apart, relative ({})",
            step + 1,
            worst.0,
            worst.1
        );
        assert!(
            worst.0 < 1e-3,
            "{}: {:e} apart after step {}",
            worst.1,
            worst.0,
            step + 1
        );
    }
}
