//! Single operations against PyTorch's own results: outputs, gradients, optimizer steps.

use crate::data::{self, Tensors, assert_close, json, read, relative_distance, values};
use attune_core::nn::{
    self, AdamConfig, AdamWConfig, Conv1dOptions, ConvOptions, Gradients, Gru, Momentum, Optimizer,
    OptimizerConfig, Parameters, Reading, RunningStatistics, SgdConfig, Statistics, Tape, Value,
};
use candle_core::{DType, Device, Tensor};

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

/// Says how far apart two tensors are, and fails if it is more than rounding.
fn close(found: &Tensor, expected: &Tensor, what: &str) {
    println!("{what}: {:e} apart", relative_distance(found, expected));
    assert_close(found, expected, ROUNDING, what);
}

fn check(tensors: &Tensors, case: &str, y: &Value, watched: &[(&str, &Value)]) {
    let name = format!("{case}.y");
    close(y.tensor().unwrap(), &tensors[&name], &name);
    let gradients = gradients(y, &tensors[&format!("{case}.gy")]);
    for (name, value) in watched {
        let name = format!("{case}.{name}");
        close(gradients.of(value).unwrap(), &tensors[&name], &name);
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
    if data::folder().is_none() {
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
    if data::folder().is_none() {
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
fn convolutions_along_time() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/conv1d.safetensors");
    for (name, case) in cases("conv1d.safetensors") {
        let tape = Tape::recording();
        let get = |part: &str| tape.watched(&tensors[&format!("{name}.{part}")]);
        let (x, w, b) = (get("x"), get("w"), get("b"));
        let [stride, padding] = ["stride", "padding"].map(|key| pair(&case[key])[0]);
        let options = Conv1dOptions {
            stride,
            padding,
            dilation: 1,
        };
        let y = nn::conv1d(&x, &w, Some(&b), options).unwrap();
        check(&tensors, &name, &y, &[("gx", &x), ("gw", &w), ("gb", &b)]);
    }
}

#[test]
fn pooling_along_time() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/pool1d.safetensors");
    for (name, case) in cases("pool1d.safetensors") {
        let window = pair(&case["kernel_and_stride"])[0];
        let tape = Tape::recording();
        let x = tape.watched(&tensors[&format!("{name}.x")]);
        let y = nn::max_pool1d(&x, window).unwrap();
        check(&tensors, &name, &y, &[("gx", &x)]);

        let tape = Tape::recording();
        let x = tape.watched(&tensors[&format!("{name}.x")]);
        let y = nn::avg_pool1d(&x, window).unwrap();
        let found = gradients(&y, &tensors[&format!("{name}.gy")]);
        for (part, found) in [("y", y.tensor().unwrap()), ("gx", found.of(&x).unwrap())] {
            let part = format!("{name}.avg.{part}");
            close(found, &tensors[&part], &part);
        }
    }
}

#[test]
fn batch_norm_in_training_and_evaluation() {
    if data::folder().is_none() {
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
                assert_close(y.tensor().unwrap(), get("eval.y"), ROUNDING, &name);
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
    if data::folder().is_none() {
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
fn functions_of_single_numbers() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/elementwise.safetensors");
    type Function = fn(&Value) -> candle_core::Result<Value>;
    for (name, function) in [
        ("gelu_erf", nn::gelu as Function),
        ("relu", nn::relu),
        ("sigmoid", nn::sigmoid),
        ("tanh", nn::tanh),
    ] {
        let tape = Tape::recording();
        let x = tape.watched(&tensors["x"]);
        let y = function(&x).unwrap();
        let found = gradients(&y, &tensors["gy"]);
        for (part, found) in [("y", y.tensor().unwrap()), ("gx", found.of(&x).unwrap())] {
            let part = format!("{name}.{part}");
            close(found, &tensors[&part], &part);
        }
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
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/attention.safetensors");
    let tape = Tape::recording();
    let get = |name: &str| &tensors[&format!("core.{name}")];
    let qkv = tape.watched(&packed(get("q"), get("k"), get("v")));
    let attended = nn::attention(&qkv, 4).unwrap();
    assert_close(
        attended.weights.tensor().unwrap(),
        get("attention"),
        ROUNDING,
        "weights",
    );
    // `y` and `gy` are [batch, heads, tokens, width]; the context has the heads side by side.
    let side_by_side = |t: &Tensor| {
        packed(t, t, t)
            .narrow(2, 0, 64)
            .unwrap()
            .contiguous()
            .unwrap()
    };
    assert_close(
        attended.context.tensor().unwrap(),
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

#[test]
fn softmax_on_its_own() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/attention.safetensors");
    let tape = Tape::recording();
    let x = tape.watched(&tensors["softmax.x"]);
    let y = nn::softmax(&x).unwrap();
    check(&tensors, "softmax", &y, &[("gx", &x)]);
    let large = nn::softmax(&tape.constant(&tensors["softmax.large_x"])).unwrap();
    close(
        large.tensor().unwrap(),
        &tensors["softmax.large_y"],
        "large numbers",
    );
}

/// The same as [`attention_with_its_weights`] from products, softmax and exchanged axes, as attention with dropout is put together.
#[test]
fn attention_from_single_operations() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/attention.safetensors");
    let tape = Tape::recording();
    let [q, k, v] = ["core.q", "core.k", "core.v"].map(|name| tape.watched(&tensors[name]));
    let scale = Tensor::full(16f32.powf(-0.5), (1, 1, 1, 1), &Device::Cpu).unwrap();
    let scores = nn::matmul(&q, &nn::transpose(&k, 2, 3).unwrap()).unwrap();
    let scores = nn::mul(&scores, &tape.constant(&scale)).unwrap();
    let weights = nn::softmax(&scores).unwrap();
    close(
        weights.tensor().unwrap(),
        &tensors["core.attention"],
        "weights",
    );
    let y = nn::matmul(&weights, &v).unwrap();
    check(&tensors, "core", &y, &[("gq", &q), ("gk", &k), ("gv", &v)]);
}

/// Two layers, from the parameters of PyTorch by their names, with all gradients and the last state of each layer.
#[test]
fn gated_recurrent_units_through_time() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/gru.safetensors");
    let mut weights = tensors.clone();
    weights.retain(|name, _| name.starts_with("weight_") || name.starts_with("bias_"));
    let parameters = Parameters::from_map(&weights).unwrap();
    let builder = parameters.var_builder();
    let tape = Tape::recording();
    let x = tape.watched(&tensors["x"]);
    let network = Gru::new(&builder, 128, 32, 2, Reading::Forward).unwrap();
    let y = network.forward(&tape, &x).unwrap();
    close(y.tensor().unwrap(), &tensors["y"], "y");
    let gradients = gradients(&y, &tensors["gy"]);
    close(gradients.of(&x).unwrap(), &tensors["gx"], "gx");
    for name in weights.keys() {
        let expected = &tensors[&format!("g.{name}")];
        close(gradients.get(name).unwrap().unwrap(), expected, name);
    }
    for (layer, n_layers) in [1, 2].into_iter().enumerate() {
        let network = Gru::new(&builder, 128, 32, n_layers, Reading::Forward).unwrap();
        let y = network.forward(&Tape::off(), &Value::constant(tensors["x"].clone()));
        let last = nn::select(&y.unwrap(), 1, 17).unwrap();
        close(
            last.tensor().unwrap(),
            &tensors["h_n"].get(layer).unwrap(),
            "last state",
        );
    }
}

fn tape_free(tensors: &Tensors, name: &str) -> Tensor {
    tensors[name].clone()
}

#[test]
fn linear_maps_and_the_loss() {
    if data::folder().is_none() {
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
        loss.tensor().unwrap(),
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

/// Power spectra `[frames, bins]` by the definition: 512 samples every 256, periodic Hann window, reflected at both ends.
fn power_spectra(wave: &[f32]) -> (usize, Vec<f64>) {
    const N: usize = 512;
    let n_frames = wave.len() * 2 / N + 1;
    let sample = |i: isize| {
        let last = wave.len() as isize - 1;
        let i = i.abs();
        f64::from(wave[if i > last { 2 * last - i } else { i } as usize])
    };
    let turn = |i: usize| std::f64::consts::TAU * (i % N) as f64 / N as f64;
    let mut power = Vec::new();
    for frame in 0..n_frames {
        let start = (frame * N / 2) as isize - N as isize / 2;
        let windowed: Vec<f64> = (0..N)
            .map(|i| sample(start + i as isize) * (0.5 - 0.5 * turn(i).cos()))
            .collect();
        for bin in 0..=N / 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, x) in windowed.iter().enumerate() {
                re += x * turn(bin * i).cos();
                im += x * turn(bin * i).sin();
            }
            power.push(re * re + im * im);
        }
    }
    (n_frames, power)
}

#[test]
fn learned_harmonic_filters_in_decibels() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("frontend/harmonic_stft.safetensors");
    let (n_frames, power) = power_spectra(&tensors["wave"].to_vec1().unwrap());
    let tape = Tape::off();
    let power = Tensor::from_vec(power, (n_frames, 257), &Device::Cpu).unwrap();
    let power = tape.constant(&power.to_dtype(DType::F32).unwrap());
    let centres = &tensors["f0_hz"];
    let widths = centres.affine(0.1079, 24.7).unwrap();
    let bins: Vec<f32> = (0..257).map(|bin| bin as f32 * 31.25).collect();
    let bins = Tensor::new(bins, &Device::Cpu).unwrap();
    let q = tape.constant(&tensors["bw_Q"]);
    let filters = nn::band_filters(&q, centres, &widths, &bins).unwrap();
    let db = nn::decibels(&nn::linear(&power, &filters, None).unwrap()).unwrap();
    // [frames, harmonics * bands] to [harmonics, bands, every second frame]
    let found = nn::transpose(&db, 0, 1).unwrap();
    let found = found.tensor().unwrap().to_vec2::<f32>().unwrap();
    let expected = values(&tensors["hstft_db"]);
    let loudest = expected.iter().copied().fold(f32::MIN, f32::max);
    let mut worst = 0f32;
    for (i, expected) in expected.into_iter().enumerate() {
        let found = found[i / 32][i % 32 * 2];
        // Bands with next to no power hold rounding of the Fourier transform.
        if expected > loudest - 60.0 {
            worst = worst.max((found - expected).abs());
        }
    }
    println!("harmonic filters: {worst:e} dB apart");
    assert!(worst < 2e-3, "{worst} dB apart");
}

#[test]
fn five_steps_of_every_optimizer() {
    if data::folder().is_none() {
        return;
    }
    let tensors = read("training/ops/optimizers.safetensors");
    let about = &json("training/ops/manifest.json")["files"]["optimizers.safetensors"];
    let number = |name: &str, key: &str| about[name][key].as_f64().unwrap_or(0.0);
    let adam = |name: &str| {
        OptimizerConfig::Adam(AdamConfig {
            weight_decay: number(name, "weight_decay"),
            ..AdamConfig::default()
        })
    };
    for (name, config, state) in [
        ("adam", adam("adam"), &["exp_avg", "exp_avg_sq"][..]),
        ("adam_wd", adam("adam_wd"), &["exp_avg", "exp_avg_sq"]),
        (
            "adamw",
            OptimizerConfig::AdamW(AdamWConfig {
                weight_decay: number("adamw", "weight_decay"),
                ..AdamWConfig::default()
            }),
            &["exp_avg", "exp_avg_sq"],
        ),
        (
            "sgd_nesterov",
            OptimizerConfig::Sgd(SgdConfig {
                momentum: number("sgd_nesterov", "momentum"),
                kind: Momentum::Nesterov,
                weight_decay: number("sgd_nesterov", "weight_decay"),
            }),
            &["momentum_buffer"],
        ),
    ] {
        let parameters = Parameters::from_map(&Tensors::from([(
            "p".into(),
            tensors["p0"].copy().unwrap(),
        )]))
        .unwrap();
        let mut optimizer = Optimizer::new(config);
        for step in 0..5 {
            // The gradient of the sum of p * g is g.
            let tape = Tape::recording();
            let p = tape.parameter(&"p".into(), &parameters.get("p").unwrap());
            let gradients = gradients(&p, &tensors[&format!("g{step}")]);
            optimizer
                .step(&parameters, &gradients, number(name, "lr"))
                .unwrap();
            let expected = &tensors[&format!("{name}.p{}", step + 1)];
            let found = parameters.get("p").unwrap();
            println!("{name}: {:e} apart", relative_distance(&found, expected));
            assert_close(&found, expected, 1e-6, name);
            // As if the run had ended here and gone on.
            optimizer = Optimizer::from_map(config, &optimizer.to_map().unwrap()).unwrap();
        }
        let map = optimizer.to_map().unwrap();
        for part in state {
            let expected = tensors[&format!("{name}.{part}")].flatten_all().unwrap();
            assert_close(&map[&format!("p.{part}")], &expected, 1e-5, name);
        }
        assert_eq!(optimizer.n_steps(), 5);
    }
}
