//! Tensors spread over others, numbers moved about, tokens and positions.

use super::super::{COPY, SPREAD, TOKENS};
use super::bench::{args, on_benches, wide};

/// Sizes of four axes and the strides of the small tensor, 0 where it is spread.
const SPREADS: [([usize; 4], [usize; 4]); 5] = [
    ([2, 3, 4, 50], [12, 4, 1, 0]),
    ([2, 3, 4, 50], [0, 200, 50, 1]),
    ([2, 3, 4, 5], [3, 1, 0, 0]),
    ([1, 7, 1, 33], [0, 0, 0, 1]),
    ([3, 1, 5, 7], [0, 0, 0, 0]),
];

/// What becomes of a number and the one that is spread over it.
type Combined = fn(f64, f64) -> f64;

fn place(i: usize, sizes: [usize; 4], strides: [usize; 4]) -> usize {
    let [_, n1, n2, n3] = sizes;
    i / (n1 * n2 * n3) * strides[0]
        + i / (n2 * n3) % n1 * strides[1]
        + i / n3 % n2 * strides[2]
        + i % n3 * strides[3]
}

#[test]
fn a_small_tensor_is_spread_over_a_large_one() {
    on_benches(|bench| {
        for (sizes, strides) in SPREADS {
            let n: usize = sizes.iter().product();
            let n_b = (0..n).map(|i| place(i, sizes, strides)).max().unwrap() + 1;
            let (a, b) = (bench.draw(n, 1), bench.draw(n_b, 2));
            let (x, z) = (bench.numbers(&a), bench.numbers(&b));
            let [n1, n2, n3] = [1, 2, 3].map(|i| sizes[i] as i32);
            let [s0, s1, s2, s3] = strides;
            let functions: [(&str, Combined); 3] = [
                ("spread_sum", |a, b| a + b),
                ("spread_difference", |a, b| a - b),
                ("spread_product", |a, b| a * b),
            ];
            for (name, f) in functions {
                let y = bench.room(n);
                let arguments = args![&x, &z, &y, n1, n2, n3, s0, s1, s2, s3, n];
                bench.each(&SPREAD, name, arguments, &[&y]);
                let expected: Vec<f64> = (0..n)
                    .map(|i| f(f64::from(a[i]), f64::from(b[place(i, sizes, strides)])))
                    .collect();
                bench.compare(name, &y.read(), &expected, 1e-7);
            }
        }
    });
}

#[test]
fn what_was_spread_is_added_up() {
    on_benches(|bench| {
        // Kept axes 0 and 2, reduced axes 1 and 3 of [3, 4, 5, 70].
        let [d0, d1, d2, d3] = [3usize, 4, 5, 70];
        let n = d0 * d1 * d2 * d3;
        let (dy, a) = (bench.draw(n, 3), bench.draw(n, 4));
        let (x, z) = (bench.numbers(&dy), bench.numbers(&a));
        for with_a in [false, true] {
            let db = bench.room(d0 * d2);
            let factor = if with_a { (&z).into() } else { ().into() };
            let mut arguments = args![
                &x,
                (),
                &db,
                -1f32,
                d2 as i32,
                d1 * d2 * d3,
                d3,
                d3 as i32,
                d2 * d3,
                1usize,
                d1 * d3,
                d0 * d2
            ]
            .to_vec();
            arguments[1] = factor;
            bench.launch(&SPREAD, "spread_sums", [4, 1], &arguments, &[&db]);
            let expected: Vec<f64> = (0..d0 * d2)
                .map(|j| {
                    let mut sum = 0.0;
                    for r in 0..d1 * d3 {
                        let p = ((j / d2 * d1 + r / d3) * d2 + j % d2) * d3 + r % d3;
                        sum -= f64::from(dy[p]) * if with_a { f64::from(a[p]) } else { 1.0 };
                    }
                    sum
                })
                .collect();
            bench.compare("spread_sums", &db.read(), &expected, 2e-5);
        }
    });
}

#[test]
fn copies_go_where_the_strides_say() {
    on_benches(|bench| {
        // [2, 3, 4, 5, 6] with its axes turned around, into a larger tensor at an offset of the last axis.
        let sizes = [2usize, 3, 4, 5, 6];
        let n: usize = sizes.iter().product();
        let x = bench.draw(n, 5);
        let from = bench.numbers(&x);
        let from_strides = [360usize, 120, 30, 6, 1];
        let to_strides = [1usize, 3, 3 * 3, 3 * 3 * 4, 3 * 3 * 4 * 5];
        let to = bench.numbers(&vec![0.5; 3 * 3 * 4 * 5 * 6]);
        let [x0, x1, x2, x3, x4] = from_strides;
        let [y0, y1, y2, y3, y4] = to_strides;
        bench.each(
            &COPY,
            "strided_copy",
            args![
                &from, &to, 3i32, 4i32, 5i32, 6i32, x0, x1, x2, x3, x4, y0, y1, y2, y3, y4, n
            ],
            &[&to],
        );
        let mut expected = vec![0.5; 3 * 3 * 4 * 5 * 6];
        for (i, &value) in x.iter().enumerate() {
            let places = [i / 360, i / 120 % 3, i / 30 % 4, i / 6 % 5, i % 6];
            let at: usize = places.iter().zip(to_strides).map(|(p, s)| p * s).sum();
            expected[at] = value;
        }
        assert_eq!(to.read(), expected);
    });
}

#[test]
fn planes_are_transposed() {
    on_benches(|bench| {
        for [batch, rows, columns] in [[1usize, 1, 1], [2, 33, 70], [3, 64, 32], [1, 5, 100]] {
            let x = bench.draw(batch * rows * columns, 6);
            let (from, to) = (bench.numbers(&x), bench.room(x.len()));
            let arguments = args![&from, &to, batch, rows, columns];
            bench.launch(&COPY, "transpose_planes", [3, 2], arguments, &[&to]);
            let expected: Vec<f32> = (0..x.len())
                .map(|i| {
                    let (b, c, r) = (i / (rows * columns), i / rows % columns, i % rows);
                    x[(b * rows + r) * columns + c]
                })
                .collect();
            assert_eq!(to.read(), expected, "{batch} {rows} {columns}");
        }
    });
}

#[test]
fn the_class_token_stands_first_and_positions_are_added() {
    on_benches(|bench| {
        let [batch, tokens, width, places] = [3usize, 5, 37, 8];
        let x = bench.draw(batch * tokens * width, 7);
        let (class, positions) = (bench.draw(width, 8), bench.draw(places * width, 9));
        let n = batch * (tokens + 1) * width;
        let (from, y) = (bench.numbers(&x), bench.room(n));
        let (a, b) = (bench.floats(&class), bench.floats(&positions));
        let arguments = args![&from, &a, &b, &y, tokens as i32, width as i32, n];
        bench.each(&TOKENS, "class_and_positions", arguments, &[&y]);
        let expected: Vec<f64> = (0..n)
            .map(|i| {
                let (clip, t, j) = (
                    i / width / (tokens + 1),
                    i / width % (tokens + 1),
                    i % width,
                );
                let value = match t {
                    0 => class[j],
                    t => x[(clip * tokens + t - 1) * width + j],
                };
                f64::from(value) + f64::from(positions[t * width + j])
            })
            .collect();
        bench.compare("class_and_positions", &y.read(), &expected, 1e-7);

        let dy = bench.draw(n, 10);
        let (from, to) = (bench.numbers(&dy), bench.room_of(4, places * width));
        bench.each(
            &TOKENS,
            "positions_gradient",
            args![
                &from,
                &to,
                batch as i32,
                tokens as i32,
                width as i32,
                places
            ],
            &[&to],
        );
        let mut expected = vec![0f64; places * width];
        for (i, dy) in wide(&dy).into_iter().enumerate() {
            expected[i % ((tokens + 1) * width)] += dy;
        }
        bench.compare_floats("positions_gradient", &to.read(), &expected, 1e-6);
    });
}
