//! Functions of single numbers, conversions, dropout.

use super::super::{CONVERT, DROPOUT, POINTWISE};
use super::bench::{Bench, Type, args, on_benches, wide};
use crate::dropout::{self, Mask};
use crate::plain::pointwise as plain;
use crate::rng::{Address, Purpose};

/// Sizes with and without a tail, smaller than a pack, larger than what all threads take at once.
const SIZES: [usize; 6] = [1, 7, 8, 769, 1024, 7001];

type Plain = fn(&[f64]) -> Vec<f64>;
type PlainGradient = fn(&[f64], &[f64]) -> Vec<f64>;

fn decibels(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| 10.0 * x.max(1e-10).log10()).collect()
}

fn decibels_gradient(x: &[f64], dy: &[f64]) -> Vec<f64> {
    let unit = 10.0 / std::f64::consts::LN_10;
    x.iter()
        .zip(dy)
        .map(|(&x, &dy)| if x < 1e-10 { 0.0 } else { unit / x * dy })
        .collect()
}

#[test]
fn functions_of_single_numbers_give_the_plain_result() {
    let functions: [(&str, Plain); 5] = [
        ("relu", plain::relu),
        ("gelu", plain::gelu),
        ("sigmoid", plain::sigmoid),
        ("tanh_of", plain::tanh),
        ("decibels", decibels),
    ];
    on_benches(|bench| {
        for n in SIZES {
            let mut values = bench.draw(n, 1);
            for (value, large) in values.iter_mut().zip([30.0, -30.0, 0.0, -0.0, 4.0, -5.5]) {
                *value = large;
            }
            let x = bench.numbers(&values);
            for (name, expected) in functions {
                let y = bench.room(n);
                bench.each(&POINTWISE, name, args![&x, &y, n], &[&y]);
                bench.compare(name, &y.read(), &expected(&wide(&values)), 2e-7);
            }
        }
    });
}

#[test]
fn gradients_of_single_numbers_give_the_plain_result() {
    let functions: [(&str, PlainGradient); 5] = [
        ("relu_gradient", plain::relu_gradient),
        ("gelu_gradient", plain::gelu_gradient),
        ("sigmoid_gradient", plain::sigmoid_gradient),
        ("tanh_gradient", plain::tanh_gradient),
        ("decibels_gradient", decibels_gradient),
    ];
    on_benches(|bench| {
        for n in SIZES {
            let (x, dy) = (bench.draw(n, 2), bench.draw(n, 3));
            let (a, b) = (bench.numbers(&x), bench.numbers(&dy));
            for (name, expected) in functions {
                let dx = bench.room(n);
                bench.each(&POINTWISE, name, args![&a, &b, &dx, n], &[&dx]);
                bench.compare(name, &dx.read(), &expected(&wide(&x), &wide(&dy)), 1e-6);
            }
        }
    });
}

#[test]
fn what_is_not_a_number_stays_so() {
    on_benches(|bench| {
        let x = bench.numbers(&[f32::NAN, 1.0, f32::NAN]);
        for name in ["relu", "gelu", "sigmoid", "tanh_of", "decibels"] {
            let y = bench.room(3);
            bench.each(&POINTWISE, name, args![&x, &y, 3usize], &[&y]);
            let y = y.read();
            assert_eq!(
                [y[0].is_nan(), y[1].is_nan(), y[2].is_nan()],
                [true, false, true],
                "{name}"
            );
        }
    });
}

#[test]
fn sums_in_place_factors_and_filling() {
    on_benches(|bench| {
        for n in SIZES {
            let (x, y) = (bench.draw(n, 4), bench.draw(n, 5));
            let (a, b) = (bench.numbers(&x), bench.numbers(&y));
            bench.each(&POINTWISE, "add_into", args![&a, &b, n], &[&a]);
            let sums: Vec<f64> = x.iter().zip(&y).map(|(&x, &y)| f64::from(x + y)).collect();
            bench.compare("add_into", &a.read(), &sums, 0.0);

            let (a, end) = (bench.numbers(&x), bench.room(n));
            bench.each(&POINTWISE, "add_relu", args![&a, &b, &end, n], &[&end]);
            let ends: Vec<f64> = sums.iter().map(|sum| sum.max(0.0)).collect();
            bench.compare("add_relu", &end.read(), &ends, 0.0);

            bench.each(&POINTWISE, "scale", args![&a, -0.3f32, n], &[&a]);
            let scaled: Vec<f64> = x.iter().map(|&x| f64::from(x * -0.3)).collect();
            bench.compare("scale", &a.read(), &scaled, 0.0);

            bench.each(&POINTWISE, "fill", args![&a, 1.5f32, n], &[&a]);
            assert_eq!(a.read(), vec![1.5; n]);

            let (slope, factor, to) = (bench.floats(&y), bench.floats(&[0.5]), bench.room(n));
            bench.each(
                &POINTWISE,
                "scale_by",
                args![&slope, &factor, &to, n],
                &[&to],
            );
            let halves: Vec<f64> = y.iter().map(|&y| f64::from(y) / 2.0).collect();
            bench.compare("scale_by", &to.read(), &halves, 0.0);
        }
    });
}

#[test]
fn conversions_round_to_the_nearest() {
    on_benches(|bench| {
        // Ties to even, the largest and the smallest numbers, what rounds up to infinity, not a number.
        let mut x = vec![
            1.0 + 1.0 / 256.0,
            1.0 + 3.0 / 256.0,
            -1.0 - 1.0 / 256.0,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
        ];
        x.extend(bench.draw(900, 6).iter().map(|x| x * 1.000_123));
        let n = x.len();
        let (from, to, back) = (bench.floats(&x), bench.room(n), bench.room_of(4, n));
        bench.each(&CONVERT, "from_float", args![&from, &to, n], &[&to]);
        bench.each(&CONVERT, "to_float", args![&to, &back, n], &[&back]);
        let expected: Vec<u32> = x.iter().map(|&x| bench.kind.round(x).to_bits()).collect();
        let found: Vec<u32> = back.read().iter().map(|x| x.to_bits()).collect();
        assert_eq!(found, expected);

        let from = bench.floats(&[f32::NAN, -f32::NAN]);
        bench.each(&CONVERT, "from_float", args![&from, &to, 2usize], &[&to]);
        assert!(to.read()[..2].iter().all(|x| x.is_nan()));

        let pcm: Vec<i16> = (-32768..32767).step_by(111).map(|x| x as i16).collect();
        let bytes: Vec<u8> = pcm.iter().flat_map(|x| x.to_le_bytes()).collect();
        let (from, to) = (bench.bytes(&bytes), bench.room_of(4, pcm.len()));
        bench.each(
            &CONVERT,
            "pcm_to_float",
            args![&from, &to, pcm.len()],
            &[&to],
        );
        let expected: Vec<f32> = pcm.iter().map(|&x| f32::from(x) / 32768.0).collect();
        assert_eq!(to.read(), expected);
    });
}

#[test]
fn a_number_that_is_none_is_found_wherever_it_stands() {
    on_benches(|bench| {
        let find = |x: &[f32]| {
            let (x, flag) = (bench.numbers(x), bench.bytes(&[0; 4]));
            bench.each(
                &CONVERT,
                "find_not_finite",
                args![&x, &flag, 1000usize],
                &[&flag],
            );
            flag.integers()[0]
        };
        let mut x = bench.draw(1000, 7);
        assert_eq!(find(&x), 0);
        for (place, value) in [
            (0, f32::NAN),
            (999, f32::INFINITY),
            (500, f32::NEG_INFINITY),
        ] {
            let before = std::mem::replace(&mut x[place], value);
            assert_eq!(find(&x), 1, "{place}");
            x[place] = before;
        }
    });
}

/// A mask's numbers as a kernel wants them.
fn mask(address: Address, p: f32) -> (Mask, [u32; 3], f32) {
    let words = address.block(0);
    let threshold = (f64::from(p) * 2f64.powi(32)) as u32;
    let scale = (1.0 / (1.0 - f64::from(p))) as f32;
    (
        Mask::new(address, p),
        [words[0], words[1], threshold],
        scale,
    )
}

#[test]
fn dropout_drops_what_the_cpu_drops() {
    on_benches(|bench: &Bench| {
        for n in SIZES {
            let x: Vec<f32> = bench.draw(n, 8);
            let (mask, [key_0, key_1, threshold], scale) =
                mask(Address::new(3, Purpose::Dropout, 5), 0.3);
            let (from, to) = (bench.numbers(&x), bench.room(n));
            bench.each(
                &DROPOUT,
                "dropout",
                args![&from, &to, key_0, key_1, threshold, scale, n],
                &[&to],
            );
            let expected = dropout::apply(&mask, &x);
            let found = to.read();
            if bench.kind == Type::F32 {
                assert_eq!(found, expected);
            }
            bench.compare("dropout", &found, &wide(&expected), 0.0);
        }
    });
}
