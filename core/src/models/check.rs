//! What every network is tested for, at narrow widths: gradients by finite differences, the same from the fast kernels, the same
//! bits from any number of threads, inputs that do not fit, and feature maps that lie where the network says.

use super::map_slopes;
use super::network::{FeatureMaps, Network, Pass};
use super::{ModelConfig, presets};
use crate::nn::{
    Gradients, Maps, Parameters, Role, Tape, Value, backward, backward_from, bce_with_logits,
};
use crate::rng::{Address, Purpose};
use candle_core::{DType, Device, Tensor};

pub(super) fn draw(track: u64, shape: &[usize], dtype: DType) -> Tensor {
    let mut stream = Address::new(3, Purpose::Check, track).stream();
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| stream.normal())
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
        .unwrap()
        .to_dtype(dtype)
        .unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// A network with three tags, a batch for it, and what the loss is.
struct Case {
    config: ModelConfig,
    /// `[batch, rows, columns]`
    dims: [usize; 3],
    /// Spectra are not negative.
    positive: bool,
}

impl Case {
    fn build(&self, dtype: DType) -> (Parameters, Box<dyn Network>) {
        let parameters = Parameters::initialise(11, dtype);
        let network = self.config.build(parameters.var_builder()).unwrap();
        (parameters, network)
    }

    fn input(&self, dtype: DType) -> Tensor {
        let x = draw(1, &self.dims, dtype);
        if self.positive { x.sqr().unwrap() } else { x }
    }

    fn loss(&self, network: &dyn Network, dtype: DType, tape: Tape) -> Value {
        let targets = draw(2, &[self.dims[0], self.config.n_tags()], DType::F64);
        let targets = targets.gt(0.0).unwrap().to_dtype(dtype).unwrap();
        let pass = Pass {
            tape,
            ..Pass::training(5, 9)
        };
        let output = network.forward(&pass, &self.input(dtype)).unwrap();
        bce_with_logits(&output.logits, &targets).unwrap()
    }

    fn gradients(&self, dtype: DType) -> (Parameters, Box<dyn Network>, Gradients) {
        let (parameters, network) = self.build(dtype);
        let loss = self.loss(&*network, dtype, Tape::recording());
        let gradients = backward(&loss).unwrap();
        (parameters, network, gradients)
    }

    fn check_finite_differences(&self) -> Gradients {
        let (parameters, network, gradients) = self.gradients(DType::F64);
        for (i, parameter) in parameters.weights().into_iter().enumerate() {
            let name = &parameter.name;
            let gradient = gradients
                .get(name)
                .unwrap()
                .unwrap_or_else(|| panic!("{name} has no gradient"));
            let direction = draw(100 + i as u64, parameter.tensor.dims(), DType::F64);
            let slope: f64 = values(&(gradient * &direction).unwrap()).iter().sum();
            let mut map = parameters.to_map();
            for tensor in map.values_mut() {
                *tensor = tensor.copy().unwrap();
            }
            let original = map[name.as_ref()].clone();
            let mut loss_at = |step: f64| {
                let moved = (&original + (&direction * step).unwrap()).unwrap();
                map.insert(name.to_string(), moved);
                parameters.load_from(&map).unwrap();
                values(
                    self.loss(&*network, DType::F64, Tape::off())
                        .tensor()
                        .unwrap(),
                )[0]
            };
            // A maximum or a ReLU may change its place within a step, and in a small one the rounding of the loss shows: one of
            // several must agree. A wrong gradient agrees with none.
            let mut measured = Vec::new();
            let agrees = [1e-6, 1e-7, 1e-8, 1e-9].into_iter().any(|step| {
                let found = (loss_at(step) - loss_at(-step)) / (2.0 * step);
                measured.push(found);
                (slope - found).abs() < 1e-5 * slope.abs().max(1e-2)
            });
            loss_at(0.0);
            assert!(
                agrees,
                "{name}: gradient {slope:e}, finite differences {measured:?}"
            );
        }
        gradients
    }

    /// The gradient of an answer with respect to the input, in evaluation: by finite differences, and the same from the fast kernels.
    fn check_input_gradients(&self) {
        let gradient = |dtype: DType| {
            let (_, network) = self.build(dtype);
            let pass = Pass::explanation();
            let x = pass.tape.watched(&self.input(dtype));
            let logits = network.run(&pass, &x).unwrap().logits;
            let direction = draw(7, logits.dims(), dtype);
            let gradients = backward_from(&logits, &direction).unwrap();
            assert_eq!(
                gradients.all().unwrap().len(),
                0,
                "parameters are constants"
            );
            let slopes = values(gradients.of(&x).unwrap());
            // Decibels of next to nothing are steep: there the slope counts in shares of the input.
            let sizes = values(x.tensor().unwrap());
            let scaled =
                slopes.iter().zip(sizes).map(
                    |(slope, size)| {
                        if self.positive { slope * size } else { *slope }
                    },
                );
            scaled.collect::<Vec<f64>>()
        };
        let found = gradient(DType::F64);
        let (_, network) = self.build(DType::F64);
        let input = self.input(DType::F64);
        let step = draw(8, &self.dims, DType::F64);
        let slope: f64 = found.iter().zip(values(&step)).map(|(a, b)| a * b).sum();
        let step = if self.positive {
            (step * &input).unwrap()
        } else {
            step
        };
        let answer_at = |size: f64| -> f64 {
            let x = (&input + (&step * size).unwrap()).unwrap();
            let logits = network.forward(&Pass::inference(), &x).unwrap().logits;
            let direction = draw(7, logits.dims(), DType::F64);
            values(&(logits.tensor().unwrap() * direction).unwrap())
                .iter()
                .sum()
        };
        let mut measured = Vec::new();
        let agrees = [1e-5, 1e-6, 1e-7, 1e-8].into_iter().any(|size| {
            let found = (answer_at(size) - answer_at(-size)) / (2.0 * size);
            measured.push(found);
            (slope - found).abs() < 1e-5 * slope.abs().max(1e-2)
        });
        assert!(
            agrees,
            "input: gradient {slope:e}, finite differences {measured:?}"
        );
        let largest = found.iter().fold(0f64, |a, b| a.max(b.abs()));
        for (fast, plain) in gradient(DType::F32).iter().zip(&found) {
            assert!(
                (fast - plain).abs() < 2e-3 * largest,
                "input: {fast} for {plain} of at most {largest}"
            );
        }
    }

    fn check_f32(&self, expected: &Gradients) {
        let (_, _, found) = self.gradients(DType::F32);
        let largest_of =
            |gradient: &Tensor| values(gradient).iter().fold(0f64, |a, b| a.max(b.abs()));
        // Biases before a batch norm have no effect: their gradients are rounding noise of the others'.
        let floor = 2e-5
            * expected
                .all()
                .unwrap()
                .into_iter()
                .map(|(_, gradient)| largest_of(gradient))
                .fold(1.0, f64::max);
        for (name, expected) in expected.all().unwrap() {
            let largest = largest_of(expected);
            let (found, expected) = (values(found.get(name).unwrap().unwrap()), values(expected));
            for (found, expected) in found.iter().zip(expected) {
                // Rounding before a logarithm or a maximum is passed on enlarged; a wrong kernel is far off.
                assert!(
                    (found - expected).abs() < 1e-3 * largest + floor,
                    "{name}: {found} for {expected} of at most {largest}"
                );
            }
        }
    }

    fn check_threads(&self) {
        let run = |n_threads: usize| -> Vec<Vec<u32>> {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| {
                let (_, network) = self.build(DType::F32);
                let loss = self.loss(&*network, DType::F32, Tape::recording());
                let gradients = backward(&loss).unwrap();
                let bits = |t: &Tensor| -> Vec<u32> {
                    let values = t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    values.iter().map(|v| v.to_bits()).collect()
                };
                std::iter::once(bits(loss.tensor().unwrap()))
                    .chain(
                        gradients
                            .all()
                            .unwrap()
                            .into_iter()
                            .map(|(_, gradient)| bits(gradient)),
                    )
                    .collect()
            })
        };
        let one = run(1);
        for n_threads in [2, 3] {
            assert!(run(n_threads) == one, "{n_threads} threads");
        }
    }

    fn check_refusals(&self) {
        let (_, network) = self.build(DType::F32);
        let [_, n_rows, _] = self.dims;
        let answers = |n_rows: usize, n_columns: usize| {
            let x = Tensor::ones((1, n_rows, n_columns), DType::F32, &Device::Cpu).unwrap();
            network.forward(&Pass::inference(), &x).is_ok()
        };
        let (first, last) = (*network.columns().start(), *network.columns().end());
        assert!(answers(n_rows, first), "{first} columns");
        assert!(answers(n_rows, first + 1), "{} columns", first + 1);
        assert!(first == 1 || !answers(n_rows, first - 1));
        if last < usize::MAX {
            assert!(answers(n_rows, last), "{last} columns");
            assert!(!answers(n_rows, last + 1));
        }
        assert!(!answers(n_rows + 1, first));
        assert!(!answers(n_rows, 0));
    }

    /// The slopes of the answers on the feature maps, in evaluation: by finite differences, and the same from the fast kernels.
    fn check_map_slopes(&self) {
        let (_, network) = self.build(DType::F64);
        let Some(network) = network.feature_maps() else {
            return;
        };
        let input = self.input(DType::F64).narrow(0, 0, 1).unwrap();
        let maps = maps_of(network, &input);
        let answers = |pass: &Pass, maps: &Value| {
            let maps = Maps::new(maps).unwrap();
            network.read_maps(pass, &maps).unwrap().logits
        };
        let whole = network.forward(&Pass::inference(), &input).unwrap().logits;
        let halves = answers(&Pass::inference(), &Value::constant(maps.clone()));
        assert_eq!(
            values(whole.tensor().unwrap()),
            values(halves.tensor().unwrap()),
            "two halves"
        );

        let tag = self.config.n_tags() - 1;
        let gradient_at = |maps: &Tensor| {
            let pass = Pass::explanation();
            let watched = pass.tape.watched(maps);
            let logits = answers(&pass, &watched);
            let mut chosen = vec![0f64; self.config.n_tags()];
            chosen[tag] = 1.0;
            let chosen = Tensor::from_vec(chosen, logits.dims(), &Device::Cpu).unwrap();
            let gradients = backward_from(&logits, &chosen).unwrap();
            gradients.of(&watched).unwrap().clone()
        };
        // Where a map is 0 all along, as behind a ReLU, its maximum has no slope: beside there, it has.
        let beside = (&maps + (draw(10, maps.dims(), DType::F64) * 0.1).unwrap()).unwrap();
        let step = draw(9, maps.dims(), DType::F64);
        let slope: f64 = values(&(gradient_at(&beside) * &step).unwrap())
            .iter()
            .sum();
        let at = |size: f64| {
            let maps = (&beside + (&step * size).unwrap()).unwrap();
            let logits = answers(&Pass::inference(), &Value::constant(maps));
            values(logits.tensor().unwrap())[tag]
        };
        let mut measured = Vec::new();
        let agrees = [1e-5, 1e-6, 1e-7, 1e-8].into_iter().any(|size| {
            let found = (at(size) - at(-size)) / (2.0 * size);
            measured.push(found);
            (slope - found).abs() < 1e-5 * slope.abs().max(1e-2)
        });
        assert!(
            agrees,
            "maps: gradient {slope:e}, finite differences {measured:?}"
        );

        let (_, fast) = self.build(DType::F32);
        let input = input.squeeze(0).unwrap().to_dtype(DType::F32).unwrap();
        let found = map_slopes(fast.feature_maps().unwrap(), &input, &[0, tag]).unwrap();
        let n = maps.elem_count();
        assert_eq!(
            [1, found.n_channels, found.n_rows, found.n_columns],
            maps.dims()
        );
        assert_eq!(found.slopes.len(), 2 * n);
        let pairs = [
            (&found.maps[..], values(&maps)),
            (&found.slopes[n..], values(&gradient_at(&maps))),
        ];
        for (fast, plain) in pairs {
            let largest = plain.iter().fold(0f64, |a, b| a.max(b.abs()));
            assert!(largest > 0.0);
            for (fast, plain) in fast.iter().zip(plain) {
                assert!(
                    (f64::from(*fast) - plain).abs() < 2e-3 * largest,
                    "maps: {fast} for {plain} of at most {largest}"
                );
            }
        }
    }

    /// The columns of the feature maps are as many as their grid says and depend on what lies within their receptive field alone.
    fn check_map_grid(&self) {
        // Plain loops: fast kernels mix neighbours, which leaves rounding where nothing was heard.
        let (_, network) = self.build(DType::F64);
        let Some(network) = network.feature_maps() else {
            return;
        };
        let grid = network.map_grid();
        let [_, n_rows, n_columns] = self.dims;
        let shortest = *network.columns().start();
        for n_columns in [
            shortest,
            shortest + 1,
            shortest + 2,
            n_columns,
            n_columns + 3,
        ] {
            if network.columns().contains(&n_columns) {
                let x = Tensor::ones((1, n_rows, n_columns), DType::F64, &Device::Cpu).unwrap();
                let found = maps_of(network, &x).dim(3).unwrap();
                assert_eq!(found, grid.n_steps(n_columns), "{n_columns} columns");
            }
        }
        if matches!(self.config, ModelConfig::SampleCnnSe(_)) {
            // Excitation weighs all columns by what the whole clip holds.
            return;
        }
        let x = self.input(DType::F64).narrow(0, 0, 1).unwrap();
        let mut n_moved = 0;
        let before = maps_of(network, &x);
        for at in [0, n_columns / 3, n_columns / 2, n_columns - 2] {
            let mut other = values(&x);
            for row in other.chunks_exact_mut(n_columns) {
                row[at] = row[at] * 9.0 + 5.0;
            }
            let other = Tensor::from_vec(other, x.dims(), &Device::Cpu).unwrap();
            let after = maps_of(network, &other);
            let n_steps = after.dim(3).unwrap();
            let moved: Vec<usize> = (0..n_steps)
                .filter(|&step| {
                    let column = |maps: &Tensor| values(&maps.narrow(3, step, 1).unwrap());
                    column(&before) != column(&after)
                })
                .collect();
            let reach = (grid.receptive_field_columns - 1) as f64 / 2.0;
            n_moved += moved.len();
            for step in moved {
                let centre = grid.first_centre_columns + (step * grid.columns_per_step) as f64;
                assert!(
                    (centre - at as f64).abs() <= reach,
                    "step {step} at {centre} has heard column {at}, further than {reach} away"
                );
            }
        }
        // Pooling may leave columns over at the end, and a maximum may hide one.
        assert!(n_moved > 0, "no step has heard anything");
    }

    /// No statistic and no weight that the network has is forgotten: evaluation reads all of them.
    fn check_statistics_move(&self) {
        let (parameters, network) = self.build(DType::F32);
        let before: Vec<_> = parameters.all().iter().map(|p| values(&p.tensor)).collect();
        self.loss(&*network, DType::F32, Tape::recording());
        for (parameter, before) in parameters.all().iter().zip(before) {
            let moved = values(&parameter.tensor) != before;
            let is_statistic = parameter.role != Role::Weight;
            assert_eq!(moved, is_statistic, "{}", parameter.name);
        }
    }
}

#[cfg(feature = "cuda")]
impl Case {
    /// The same loss and gradients from a GPU, or from libraries that stand in for one; nothing where there is neither.
    fn check_on_gpu(&self) {
        use crate::nn::{DeviceName, Place, Precision};
        let place = match Place::open(DeviceName::Cuda(0), Precision::F32) {
            Ok(place) => place,
            Err(error) => {
                let needed = std::env::var_os("ATTUNE_NEEDS_GPU").is_some();
                assert!(!needed, "no GPU: {error}");
                return;
            }
        };
        let gradients = |place: &Place| {
            let (parameters, network) = self.build(DType::F32);
            parameters.move_to(place).unwrap();
            let tape = Tape::recording().beside(&parameters);
            let loss = self.loss(&*network, DType::F32, tape);
            let gradients = backward(&loss).unwrap();
            let loss = values(loss.tensor().unwrap())[0];
            // The running statistics as well.
            (loss, gradients, parameters.snapshot().unwrap())
        };
        let (expected_loss, expected, statistics) = gradients(&Place::Cpu);
        let (loss, found, found_statistics) = gradients(&place);
        assert!(
            (loss - expected_loss).abs() < 2e-3,
            "{loss} for {expected_loss}"
        );
        let length = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
        let apart =
            |a: &[f64], b: &[f64]| length(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
        let all = expected.all().unwrap();
        let largest = all
            .iter()
            .map(|(_, gradient)| length(&values(gradient)))
            .fold(0f64, f64::max);
        assert_eq!(all.len(), found.all().unwrap().len());
        for (name, expected) in all {
            let (found, expected) = (values(found.get(name).unwrap().unwrap()), values(expected));
            // TF32 has 10 bits, and a maximum may turn the other way.
            let (apart, length) = (apart(&found, &expected), length(&expected));
            assert!(
                apart < 0.02 * length + 1e-4 * largest,
                "{name}: {apart} of {length} away from the processor's gradient"
            );
        }
        for (found, expected) in found_statistics.all().iter().zip(statistics.all()) {
            let (found, expected) = (values(&found.tensor), values(&expected.tensor));
            let bound = 2e-3 * length(&expected) + 1e-5;
            assert!(apart(&found, &expected) < bound, "running statistics");
        }
    }
}

/// `[batch, channels, rows, columns]`: the feature maps of inputs.
fn maps_of(network: &dyn FeatureMaps, x: &Tensor) -> Tensor {
    let maps = network.to_maps(&Pass::inference(), &Value::constant(x.clone()));
    maps.unwrap().to_value().unwrap().tensor().unwrap().clone()
}

/// Fails unless the network is right in all that this module tests.
pub(super) fn check(config: ModelConfig, batch: usize, n_columns: usize) {
    config.check().unwrap();
    let case = Case {
        dims: [batch, config.input().n_rows(), n_columns],
        positive: matches!(config.input(), crate::features::Input::Spectrum(_)),
        config,
    };
    let gradients = case.check_finite_differences();
    case.check_f32(&gradients);
    case.check_input_gradients();
    #[cfg(feature = "cuda")]
    case.check_on_gpu();
    case.check_map_slopes();
    case.check_map_grid();
    case.check_threads();
    case.check_refusals();
    case.check_statistics_move();
}

/// The preset of that name, for three tags.
pub(super) fn preset(name: &str) -> ModelConfig {
    presets::preset(name).unwrap().config.with_n_tags(3)
}
