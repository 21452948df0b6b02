//! The gates of a recurrent layer, with the products around them taken on the CPU.

use super::super::GRU;
use super::bench::{Type, args, on_benches, wide};
use crate::{Direction, GruWeights, Tape, backward_from, gru};
use candle_core::{Device, Tensor};

/// `x [rows, ins]` times the transpose of `w [outs, ins]`.
fn product(x: &[f32], w: &[f32], ins: usize) -> Vec<f32> {
    x.chunks_exact(ins)
        .flat_map(|x| {
            w.chunks_exact(ins)
                .map(|w| x.iter().zip(w).map(|(a, b)| a * b).sum())
        })
        .collect()
}

#[test]
fn gates_through_time_and_back_are_those_of_the_cpu() {
    on_benches(|bench| {
        // Roundings of bf16 add up over time; indices are those of the same source in float.
        if bench.kind == Type::Bf16 {
            return;
        }
        let [batch, times, ins, hidden] = [3usize, 4, 5, 70];
        let scaled = |n: usize, seed: u64, by: f32| -> Vec<f32> {
            bench.draw(n, seed).iter().map(|x| by * x).collect()
        };
        let x = bench.draw(batch * times * ins, 1);
        let input = scaled(3 * hidden * ins, 2, 0.3);
        let state = scaled(3 * hidden * hidden, 3, 0.1);
        let (input_bias, state_bias) = (bench.draw(3 * hidden, 4), bench.draw(3 * hidden, 5));
        let dy = bench.draw(batch * times * hidden, 6);

        let tape = Tape::recording();
        let on_tape = |values: &[f32], dims: &[usize]| {
            let tensor = Tensor::from_vec(wide(values), dims, &Device::Cpu).unwrap();
            tape.watched(&tensor)
        };
        let values = [
            on_tape(&x, &[batch, times, ins]),
            on_tape(&input, &[3 * hidden, ins]),
            on_tape(&state, &[3 * hidden, hidden]),
            on_tape(&input_bias, &[3 * hidden]),
            on_tape(&state_bias, &[3 * hidden]),
        ];
        let weights = GruWeights {
            input: &values[1],
            hidden: &values[2],
            input_bias: &values[3],
            hidden_bias: &values[4],
        };
        let y = gru(&values[0], weights, Direction::Forward).unwrap();
        let upstream = Tensor::from_vec(wide(&dy), (batch, times, hidden), &Device::Cpu).unwrap();
        let gradients = backward_from(&y, &upstream).unwrap();
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();

        let ints = [batch, times, hidden].map(|n| n as i32);
        let of_input: Vec<f32> = product(&x, &input, ins)
            .iter()
            .enumerate()
            .map(|(i, v)| v + input_bias[i % (3 * hidden)])
            .collect();
        let (of_input, bias) = (bench.numbers(&of_input), bench.floats(&state_bias));
        let before = bench.numbers(&vec![0.0; batch * hidden]);
        let (h, gates) = (
            bench.room(batch * times * hidden),
            bench.room(batch * times * 4 * hidden),
        );
        for time in 0..times as i32 {
            let of_state = bench.numbers(&product(&before.read(), &state, hidden));
            bench.each(
                &GRU,
                "gru_step",
                args![
                    &of_input, &of_state, &bias, &before, &h, &gates, ints[0], ints[1], ints[2],
                    time
                ],
                &[&before, &h, &gates],
            );
        }
        bench.compare("gru_step", &h.read(), &numbers(y.tensor().unwrap()), 2e-6);

        let slopes = bench.numbers(&dy);
        let mut carried = bench.numbers(&vec![0.0; batch * hidden]);
        let [by_input, by_state] = [(); 2].map(|()| bench.room(batch * times * 3 * hidden));
        let starts = bench.room(batch * times * hidden);
        for time in (0..times).rev() {
            let arguments = args![
                &slopes,
                &gates,
                &h,
                &carried,
                &by_input,
                &by_state,
                &starts,
                ints[0],
                ints[1],
                ints[2],
                time as i32,
                time as i32 - 1
            ];
            let writes = [&carried, &by_input, &by_state, &starts];
            bench.each(&GRU, "gru_step_gradient", arguments, &writes);
            let (mut sums, by_state) = (carried.read(), by_state.read());
            for clip in 0..batch {
                let row = &by_state[(clip * times + time) * 3 * hidden..][..3 * hidden];
                for i in 0..hidden {
                    let by: f32 = row
                        .iter()
                        .enumerate()
                        .map(|(k, d)| d * state[k * hidden + i])
                        .sum();
                    sums[clip * hidden + i] += by;
                }
            }
            carried = bench.numbers(&sums);
        }
        // The biases' gradients are the sums over all rows; the input's weights have theirs by one product more.
        for (found, value) in [(&by_input, &values[3]), (&by_state, &values[4])] {
            let mut sums = vec![0f32; 3 * hidden];
            for (i, d) in found.read().iter().enumerate() {
                sums[i % (3 * hidden)] += d;
            }
            let expected = numbers(gradients.of(value).unwrap());
            bench.compare("gru_step_gradient", &sums, &expected, 1e-5);
        }
        // The state's weights: the product with the states that each time started from.
        let (d, starts) = (by_state.read(), starts.read());
        let mut found = vec![0f32; 3 * hidden * hidden];
        for (d, start) in d.chunks_exact(3 * hidden).zip(starts.chunks_exact(hidden)) {
            for (k, d) in d.iter().enumerate() {
                for (i, start) in start.iter().enumerate() {
                    found[k * hidden + i] += d * start;
                }
            }
        }
        let expected = numbers(gradients.of(&values[2]).unwrap());
        bench.compare("state's weights", &found, &expected, 1e-5);
    });
}
