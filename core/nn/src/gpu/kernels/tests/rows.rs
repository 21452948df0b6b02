//! Layer norm, softmax, pooling of rows, sums of columns and channels, biases.

use super::super::{LAYER_NORM, POOL, SOFTMAX, SUMS};
use super::bench::{Buffer, args, on_benches, wide};
use crate::plain;

const SHAPES: [[usize; 2]; 5] = [[1, 1], [9, 7], [20, 64], [3, 300], [50, 33]];

#[test]
fn layer_norm_and_its_gradients_give_the_plain_result() {
    on_benches(|bench| {
        for [rows, width] in SHAPES {
            let n = rows * width;
            let x: Vec<f32> = bench
                .draw(n, 1)
                .iter()
                .map(|x| bench.kind.round(x + 3.0))
                .collect();
            let (weight, bias) = (bench.draw(width, 2), bench.draw(width, 3));
            let (a, w, b) = (
                bench.numbers(&x),
                bench.floats(&weight),
                bench.floats(&bias),
            );
            let (y, mean, inverse) = (
                bench.room(n),
                bench.room_of(4, rows),
                bench.room_of(4, rows),
            );
            let epsilon = 1e-5f32;
            bench.launch(
                &LAYER_NORM,
                "layer_norm",
                [2, 1],
                args![&a, &w, &b, &y, &mean, &inverse, epsilon, width as i32, rows],
                &[&y, &mean, &inverse],
            );
            let epsilon = f64::from(epsilon);
            let (x, weight, bias) = (wide(&x), wide(&weight), wide(&bias));
            let expected = plain::norm::layer_norm(&x, &weight, &bias, epsilon);
            bench.compare("layer_norm", &y.read(), &expected, 2e-5);

            let slopes = bench.draw(n, 4);
            let (dy, dx) = (bench.numbers(&slopes), bench.room(n));
            bench.launch(
                &LAYER_NORM,
                "layer_norm_gradient",
                [3, 1],
                args![&a, &w, &mean, &inverse, &dy, &dx, width as i32, rows],
                &[&dx],
            );
            let expected = plain::norm::layer_norm_gradient(&x, &weight, epsilon, &wide(&slopes));
            // A row of one number has no variance: its inverse is 1 / sqrt(epsilon).
            bench.compare("layer_norm_gradient", &dx.read(), &expected.x, 1e-4);

            let parts = 4;
            let partial = bench.room_of(4, parts * 2 * width);
            bench.launch(
                &LAYER_NORM,
                "layer_norm_partial",
                [2, parts as u32],
                args![
                    &a,
                    &mean,
                    &inverse,
                    &dy,
                    &partial,
                    width as i32,
                    parts as i32,
                    rows
                ],
                &[&partial],
            );
            let sums = bench.room_of(4, 2 * width);
            let arguments = args![&partial, &sums, 2 * width as i32, parts as i32];
            bench.each(&SUMS, "column_finish", arguments, &[&sums]);
            let expected = [expected.weight, expected.bias].concat();
            bench.compare_floats("layer_norm_partial", &sums.read(), &expected, 2e-4);
        }
    });
}

#[test]
fn softmax_and_its_gradient_give_the_plain_result() {
    on_benches(|bench| {
        for [rows, width] in SHAPES {
            for scale in [1f32, 0.25] {
                let x: Vec<f32> = bench
                    .draw(rows * width, 5)
                    .iter()
                    .map(|x| 8.0 * x)
                    .collect();
                let (a, y) = (bench.numbers(&x), bench.room(x.len()));
                let arguments = args![&a, &y, scale, width as i32, rows];
                bench.launch(&SOFTMAX, "softmax", [2, 1], arguments, &[&y]);
                let scaled: Vec<f64> = x.iter().map(|&x| f64::from(x * scale)).collect();
                let expected = plain::softmax::softmax(width, &scaled);
                bench.compare("softmax", &y.read(), &expected, 1e-6);

                let slopes = bench.draw(x.len(), 6);
                let (dy, dx) = (bench.numbers(&slopes), bench.room(x.len()));
                let arguments = args![&y, &dy, &dx, scale, width as i32, rows];
                bench.launch(&SOFTMAX, "softmax_gradient", [2, 1], arguments, &[&dx]);
                let expected: Vec<f64> =
                    plain::softmax::gradient(width, &wide(&y.read()), &wide(&slopes))
                        .into_iter()
                        .map(|dx| dx * f64::from(scale))
                        .collect();
                bench.compare("softmax_gradient", &dx.read(), &expected, 2e-6);
            }
        }
    });
}

#[test]
fn pooling_of_rows_gives_the_plain_result() {
    on_benches(|bench| {
        for [rows, width] in SHAPES {
            let n = rows * width;
            // Few different numbers, so that maxima are often equal.
            let mut x: Vec<f32> = bench.draw(n, 7).iter().map(|x| (2.0 * x).round()).collect();
            if n > 40 {
                (x[30], x[35]) = (f32::NAN, f32::NAN);
            }
            let (a, y, places) = (bench.numbers(&x), bench.room(rows), bench.room_of(4, rows));
            let arguments = args![&a, &y, &places, width, rows];
            bench.launch(&POOL, "row_max", [2, 1], arguments, &[&y, &places]);
            let (expected, argmax) = plain::pool::row_max(width, &wide(&x));
            bench.compare("row_max", &y.read(), &expected, 0.0);
            let found = places.integers();
            assert!(
                found.iter().zip(&argmax).all(|(&a, &b)| a as u32 == b),
                "{found:?} for {argmax:?}"
            );

            let slopes = bench.draw(rows, 8);
            let (dy, dx) = (bench.numbers(&slopes), bench.room(n));
            let arguments = args![&places, &dy, &dx, width, n];
            bench.each(&POOL, "row_max_gradient", arguments, &[&dx]);
            let mut expected = vec![0f32; n];
            for (row, &place) in argmax.iter().enumerate() {
                expected[row * width + place as usize] = slopes[row];
            }
            assert_eq!(dx.read(), expected);

            let x = bench.draw(n, 9);
            let (a, y) = (bench.numbers(&x), bench.room(rows));
            bench.launch(&POOL, "row_mean", [2, 1], args![&a, &y, width, rows], &[&y]);
            let expected = plain::pool::row_mean(width, &wide(&x));
            bench.compare("row_mean", &y.read(), &expected, 1e-6);
            let arguments = args![&dy, &dx, width, n];
            bench.each(&POOL, "row_mean_gradient", arguments, &[&dx]);
            let expected: Vec<f64> = (0..n)
                .map(|i| f64::from(slopes[i / width]) / width as f64)
                .collect();
            bench.compare("row_mean_gradient", &dx.read(), &expected, 1e-7);
        }
    });
}

#[test]
fn columns_and_channels_are_added_up() {
    on_benches(|bench| {
        for [rows, width] in SHAPES {
            for parts in [1usize, 5] {
                let x = bench.draw(rows * width, 10);
                let (a, sums) = (bench.numbers(&x), bench.room_of(4, width));
                let partial = bench.room_of(4, parts * width);
                let arguments = args![&a, &partial, width as i32, parts as i32, rows];
                let grid = [1, parts as u32];
                bench.launch(&SUMS, "column_partial", grid, arguments, &[&partial]);
                finish(&partial, &sums, width, parts, bench);
                let mut expected = vec![0f64; width];
                for (i, &x) in x.iter().enumerate() {
                    expected[i % width] += f64::from(x);
                }
                bench.compare_floats("column_partial", &sums.read(), &expected, 1e-5);
            }
        }
        // More parts than clips, and fewer.
        for parts in [2usize, 3, 7] {
            let [batch, channels, plane] = [3usize, 5, 301];
            let x = bench.draw(batch * channels * plane, 11);
            let (a, sums) = (bench.numbers(&x), bench.room_of(4, channels));
            let partial = bench.room_of(4, parts * channels);
            let arguments = args![
                &a,
                &partial,
                batch as i32,
                channels as i32,
                plane,
                parts as i32
            ];
            let grid = [2, parts as u32];
            bench.launch(&SUMS, "channel_partial", grid, arguments, &[&partial]);
            finish(&partial, &sums, channels, parts, bench);
            let expected = plain::norm::channel_sums(channels, plane, &wide(&x));
            bench.compare_floats("channel_partial", &sums.read(), &expected, 2e-5);
        }
    });
}

fn finish(
    partial: &Buffer,
    sums: &Buffer,
    width: usize,
    parts: usize,
    bench: &super::bench::Bench,
) {
    let arguments = args![partial, sums, width as i32, parts as i32];
    bench.each(&SUMS, "column_finish", arguments, &[sums]);
}

#[test]
fn biases_are_added() {
    on_benches(|bench| {
        let [rows, width] = [40usize, 33];
        let n = rows * width;
        let (x, bias) = (bench.draw(n, 12), bench.draw(width, 13));
        let (a, b, y, z) = (
            bench.numbers(&x),
            bench.floats(&bias),
            bench.room(n),
            bench.room(n),
        );
        let arguments = args![&a, &b, &y, width as i32, n];
        bench.each(&SUMS, "add_columns", arguments, &[&y]);
        let sums: Vec<f64> = (0..n)
            .map(|i| f64::from(x[i]) + f64::from(bias[i % width]))
            .collect();
        bench.compare("add_columns", &y.read(), &sums, 1e-7);
        let arguments = args![&a, &b, &z, &y, width as i32, n];
        bench.each(&SUMS, "add_columns_gelu", arguments, &[&z, &y]);
        bench.compare("add_columns_gelu", &z.read(), &sums, 1e-7);
        let expected = plain::pointwise::gelu(&wide(&z.read()));
        bench.compare("add_columns_gelu", &y.read(), &expected, 2e-7);
        // [4, 10, 33]: a bias for each of ten channels.
        let arguments = args![&a, &b, &y, 10i32, 33usize, n];
        bench.each(&SUMS, "add_channels", arguments, &[&y]);
        let sums: Vec<f64> = (0..n)
            .map(|i| f64::from(x[i]) + f64::from(bias[i / 33 % 10]))
            .collect();
        bench.compare("add_channels", &y.read(), &sums, 1e-7);
    });
}
