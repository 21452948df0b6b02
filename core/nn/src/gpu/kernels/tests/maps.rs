//! Batch norm and pooling of maps, with the channels in the middle and last.

use super::super::{BATCH_NORM, POOL};
use super::bench::{Arg, Bench, args, on_benches, wide};
use crate::element::{Moments, PoolShape};
use crate::plain;

/// Numbers of `[batch, channels, plane]`, laid out so that the channels lie last.
fn channels_last<V: Copy>(x: &[V], channels: usize, plane: usize) -> Vec<V> {
    (0..x.len())
        .map(|i| {
            let (b, p, c) = (i / (channels * plane), i / channels % plane, i % channels);
            x[(b * channels + c) * plane + p]
        })
        .collect()
}

/// Back again.
fn channels_first<V: Copy>(x: &[V], channels: usize, plane: usize) -> Vec<V> {
    channels_last(x, plane, channels)
}

/// Maps in one layout and how they are read back in the other.
struct Layout {
    last: i32,
    channels: usize,
    plane: usize,
}

impl Layout {
    fn lay<V: Copy>(&self, x: &[V]) -> Vec<V> {
        match self.last {
            0 => x.to_vec(),
            _ => channels_last(x, self.channels, self.plane),
        }
    }

    fn back<V: Copy>(&self, x: &[V]) -> Vec<V> {
        match self.last {
            0 => x.to_vec(),
            _ => channels_first(x, self.channels, self.plane),
        }
    }
}

const EPSILON: f32 = 1e-5;

fn check_batch_norm(bench: &Bench, batch: usize, layout: &Layout, parts: usize, relu: bool) {
    let &Layout {
        last,
        channels,
        plane,
    } = layout;
    let n = batch * channels * plane;
    // Means far from 0 on every third channel.
    let x: Vec<f32> = bench
        .draw(n, 1)
        .iter()
        .enumerate()
        .map(|(i, x)| {
            bench.kind.round(
                x + if i / plane % channels % 3 == 0 {
                    10.0
                } else {
                    0.0
                },
            )
        })
        .collect();
    let (weight, bias) = (bench.draw(channels, 2), bench.draw(channels, 3));
    let (old_mean, old_variance) = (bench.draw(channels, 4), vec![2.0; channels]);
    let a = bench.numbers(&layout.lay(&x));
    let [w, b, running_mean, running_variance] =
        [&weight, &bias, &old_mean, &old_variance].map(|x| bench.floats(x));
    let [mean, inverse, scale, shift] = [(); 4].map(|()| bench.room_of(4, channels));
    let (ints, grid) = (
        [batch, channels, parts].map(|n| n as i32),
        [2, parts as u32],
    );
    let partial = bench.room_of(4, 3 * channels * parts);
    bench.launch(
        &BATCH_NORM,
        "moments_partial",
        grid,
        args![&a, &partial, ints[0], ints[1], plane, ints[2], last],
        &[&partial],
    );
    let momentum = 0.1f32;
    bench.each(
        &BATCH_NORM,
        "moments_finish",
        args![
            &partial,
            &w,
            &b,
            &mean,
            &inverse,
            &scale,
            &shift,
            &running_mean,
            &running_variance,
            momentum,
            EPSILON,
            ints[1],
            ints[2]
        ],
        &[
            &mean,
            &inverse,
            &scale,
            &shift,
            &running_mean,
            &running_variance,
        ],
    );
    let y = bench.room(n);
    bench.each(
        &BATCH_NORM,
        "normalise",
        args![
            &a,
            &scale,
            &shift,
            &y,
            ints[1],
            plane,
            last,
            i32::from(relu),
            n
        ],
        &[&y],
    );
    let (x, weight, bias) = (wide(&x), wide(&weight), wide(&bias));
    let epsilon = f64::from(EPSILON);
    let (mut expected, moments) = plain::norm::batch_norm(plane, &x, &weight, &bias, epsilon);
    if relu {
        expected = plain::pointwise::relu(&expected);
    }
    let found = layout.back(&y.read());
    bench.compare("normalise", &found, &expected, 3e-5);
    let means: Vec<f64> = moments.iter().map(|m| m.mean).collect();
    bench.compare_floats("mean", &mean.read(), &means, 1e-6);
    let count = (batch * plane) as f64;
    let learnt = |old: &[f32], new: Vec<f64>| -> Vec<f64> {
        old.iter()
            .zip(new)
            .map(|(&old, new)| 0.9 * f64::from(old) + 0.1 * new)
            .collect()
    };
    bench.compare_floats(
        "running mean",
        &running_mean.read(),
        &learnt(&old_mean, means),
        1e-6,
    );
    let unbiased: Vec<f64> = moments
        .iter()
        .map(|m| m.variance * count / (count - 1.0))
        .collect();
    let expected = learnt(&old_variance, unbiased);
    bench.compare_floats(
        "running variance",
        &running_variance.read(),
        &expected,
        2e-5,
    );

    let slopes = bench.draw(n, 5);
    let dy = bench.numbers(&layout.lay(&slopes));
    let behind = || -> Arg { if relu { (&y).into() } else { ().into() } };
    let partial = bench.room_of(4, 2 * channels * parts);
    let mut arguments = args![
        &a,
        (),
        &dy,
        &mean,
        &inverse,
        &partial,
        ints[0],
        ints[1],
        plane,
        ints[2],
        last
    ]
    .to_vec();
    arguments[1] = behind();
    bench.launch(
        &BATCH_NORM,
        "norm_gradient_partial",
        grid,
        &arguments,
        &[&partial],
    );
    for running in [0, 1] {
        let [dweight, dbias, by_dy, by_x, by_one] = [(); 5].map(|()| bench.room_of(4, channels));
        bench.each(
            &BATCH_NORM,
            "norm_gradient_finish",
            args![
                &partial,
                &w,
                &mean,
                &inverse,
                &dweight,
                &dbias,
                &by_dy,
                &by_x,
                &by_one,
                count as f32,
                ints[1],
                ints[2],
                running
            ],
            &[&dweight, &dbias, &by_dy, &by_x, &by_one],
        );
        let dx = bench.room(n);
        let mut arguments = args![
            &a,
            (),
            &dy,
            &by_dy,
            &by_x,
            &by_one,
            &dx,
            ints[1],
            plane,
            last,
            n
        ]
        .to_vec();
        arguments[1] = behind();
        bench.each(&BATCH_NORM, "norm_gradient_apply", &arguments, &[&dx]);
        let mut slopes = wide(&slopes);
        if relu {
            slopes = plain::pointwise::relu_gradient(&wide(&found), &slopes);
        }
        let mut expected =
            plain::norm::batch_norm_gradient(plane, &x, &weight, &moments, epsilon, &slopes);
        if running == 1 {
            let scales: Vec<f64> = moments
                .iter()
                .zip(&weight)
                .map(|(m, w)| w / (m.variance + epsilon).sqrt())
                .collect();
            let zero = vec![0.0; channels];
            expected.x = plain::norm::scale_channels(channels, plane, &slopes, &scales, &zero);
        }
        bench.compare("dx", &layout.back(&dx.read()), &expected.x, 1e-4);
        bench.compare_floats("dweight", &dweight.read(), &expected.weight, 1e-3);
        bench.compare_floats("dbias", &dbias.read(), &expected.bias, 1e-4);
    }
}

#[test]
fn batch_norm_and_its_gradients_give_the_plain_result() {
    on_benches(|bench| {
        for [batch, channels, plane, parts] in [
            [3, 5, 37, 2],
            [2, 8, 300, 5],
            [4, 16, 24, 4],
            [1, 3, 2, 1],
            [5, 130, 9, 3],
        ] {
            for last in [0, 1] {
                let layout = Layout {
                    last,
                    channels,
                    plane,
                };
                for relu in [false, true] {
                    check_batch_norm(bench, batch, &layout, parts, relu);
                }
            }
        }
    });
}

#[test]
fn running_statistics_are_used_as_they_are() {
    on_benches(|bench| {
        let n = 700;
        let [mean, weight, bias] = [1, 2, 3].map(|seed| bench.draw(n, seed));
        let variance: Vec<f32> = bench.draw(n, 4).iter().map(|x| x * x).collect();
        let buffers = [&mean, &variance, &weight, &bias].map(|x| bench.floats(x));
        let [m, v, w, b] = &buffers;
        let [to_mean, inverse, scale, shift] = [(); 4].map(|()| bench.room_of(4, n));
        bench.each(
            &BATCH_NORM,
            "moments_running",
            args![
                m, v, w, b, &to_mean, &inverse, &scale, &shift, EPSILON, n as i32
            ],
            &[&to_mean, &inverse, &scale, &shift],
        );
        assert_eq!(to_mean.read(), mean);
        for i in 0..n {
            let moments = Moments {
                mean: mean[i],
                variance: variance[i],
            };
            let expected = moments
                .affine(weight[i], bias[i], f64::from(EPSILON))
                .map(f64::from);
            bench.compare_floats("scale", &scale.read()[i..=i], &expected[..1], 0.0);
            bench.compare_floats("shift", &shift.read()[i..=i], &expected[1..], 1e-6);
        }
    });
}

const POOLS: [([usize; 2], [usize; 2]); 6] = [
    ([8, 40], [2, 2]),
    ([9, 41], [2, 3]),
    ([30, 3], [30, 1]),
    ([5, 17], [2, 1]),
    ([1, 100], [1, 3]),
    ([2, 2], [2, 2]),
];

#[test]
fn pooling_of_maps_gives_the_plain_result() {
    on_benches(|bench| {
        let [batch, channels] = [2usize, 9];
        for (input, window) in POOLS {
            let shape = PoolShape {
                planes: batch * channels,
                input,
                window,
            };
            let [out_height, out_width] = shape.output();
            let plane = input[0] * input[1];
            let n = batch * channels * plane;
            let out_plane = out_height * out_width;
            let n_out = batch * channels * out_plane;
            // Few different numbers, so that maxima are often equal.
            let mut x: Vec<f32> = bench.draw(n, 6).iter().map(|x| (2.0 * x).round()).collect();
            x[3] = f32::NAN;
            let slopes = bench.draw(n_out, 7);
            for last in [0, 1] {
                let maps = Layout {
                    last,
                    channels,
                    plane,
                };
                let pooled = Layout {
                    last,
                    channels,
                    plane: out_plane,
                };
                let a = bench.numbers(&maps.lay(&x));
                let (y, argmax) = (bench.room(n_out), bench.room_of(1, n_out));
                let [c, h, w, wh, ww] =
                    [channels, input[0], input[1], window[0], window[1]].map(|n| n as i32);
                let arguments = args![&a, &y, &argmax, c, h, w, wh, ww, last, n_out];
                bench.each(&POOL, "max_pool", arguments, &[&y, &argmax]);
                let (expected, places) = plain::pool::max_pool(&shape, &wide(&x));
                bench.compare("max_pool", &pooled.back(&y.read()), &expected, 0.0);
                assert_eq!(pooled.back(&argmax.places()), places);

                let (dy, dx) = (bench.numbers(&pooled.lay(&slopes)), bench.room(n));
                let arguments = args![&argmax, &dy, &dx, c, h, w, wh, ww, last, n];
                bench.each(&POOL, "max_pool_gradient", arguments, &[&dx]);
                let expected = plain::pool::max_pool_gradient(&shape, &places, &wide(&slopes));
                bench.compare("max_pool_gradient", &maps.back(&dx.read()), &expected, 0.0);

                let arguments = args![&a, &y, c, h, w, wh, ww, last, n_out];
                bench.each(&POOL, "avg_pool", arguments, &[&y]);
                let expected = plain::pool::avg_pool(&shape, &wide(&x));
                bench.compare("avg_pool", &pooled.back(&y.read()), &expected, 1e-6);
                let arguments = args![&dy, &dx, c, h, w, wh, ww, last, n];
                bench.each(&POOL, "avg_pool_gradient", arguments, &[&dx]);
                let expected = plain::pool::avg_pool_gradient(&shape, &wide(&slopes));
                bench.compare("avg_pool_gradient", &maps.back(&dx.read()), &expected, 1e-7);
            }
        }
    });
}
