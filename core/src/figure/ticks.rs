//! Where an axis has its ticks, and what stands beside them.

use super::{Axis, Scale, Ticks};

/// A tick and its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// Ticks of an axis that shows `range`, about `n_wanted` of them.
pub(super) fn ticks(axis: &Axis, range: [f64; 2], n_wanted: usize) -> Vec<Tick> {
    let n_wanted = n_wanted.max(2);
    match &axis.ticks {
        Ticks::None => Vec::new(),
        Ticks::At(ticks) => {
            let shown = ticks.iter().filter(|(at, _)| within(range, *at));
            shown
                .map(|(at, label)| Tick {
                    at: *at,
                    label: label.clone(),
                })
                .collect()
        }
        Ticks::Time => {
            let step = time_step((range[1] - range[0]) / n_wanted as f64);
            spaced(range, step, |at| time_label(at, step))
        }
        _ if axis.scale == Scale::Log => log_ticks(range, n_wanted),
        ticks => {
            let mut step = round_step((range[1] - range[0]) / n_wanted as f64);
            if *ticks == Ticks::Whole {
                step = step.max(1.0);
            }
            let largest = range[0].abs().max(range[1].abs());
            spaced(range, step, |at| number_label(at, step, largest))
        }
    }
}

fn within(range: [f64; 2], at: f64) -> bool {
    let slack = (range[1] - range[0]) * 1e-9;
    at >= range[0] - slack && at <= range[1] + slack
}

fn spaced(range: [f64; 2], step: f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
    if !(step > 0.0 && step.is_finite()) {
        return Vec::new();
    }
    let first = (range[0] / step - 1e-9).ceil();
    (0..200)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|&at| within(range, at))
        .map(|at| Tick {
            at,
            label: label(at),
        })
        .collect()
}

/// The round number (1, 2 or 5 times a power of ten) next above.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0];
    let fitting = times.into_iter().find(|t| t * power >= step * 0.999_999);
    fitting.unwrap_or(10.0) * power
}

fn time_step(step: f64) -> f64 {
    let round = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    ];
    if step < 1.0 {
        return round_step(step);
    }
    let fitting = round.into_iter().find(|&r| r >= step * 0.999_999);
    fitting.unwrap_or_else(|| (step / 3600.0).ceil() * 3600.0)
}

fn time_label(at: f64, step: f64) -> String {
    let decimals = decimals_of(step);
    let minutes = ((at + 1e-9) / 60.0).floor();
    let seconds = (at - minutes * 60.0).max(0.0);
    let width = if decimals == 0 { 2 } else { 3 + decimals };
    format!("{minutes}:{seconds:0width$.decimals$}")
}

fn decimals_of(step: f64) -> usize {
    (-step.log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize
}

fn number_label(at: f64, step: f64, largest: f64) -> String {
    // Zero comes out of the multiplication as -0 or with a rounding error.
    let at = if at.abs() < step * 1e-6 { 0.0 } else { at };
    if !(1e-3..1e7).contains(&largest) {
        if at == 0.0 {
            return "0".to_owned();
        }
        let exponent = largest.log10().floor() as i32;
        let unit = 10f64.powi(exponent);
        let decimals = decimals_of(step / unit);
        return format!("{:.decimals$}·10{}", at / unit, superscript(exponent)).replace('-', "−");
    }
    let decimals = decimals_of(step);
    grouped(&format!("{at:.decimals$}"))
}

/// Thousands apart, and a true minus sign.
fn grouped(number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("−", number),
        None => ("", number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut out = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

fn superscript(number: i32) -> String {
    let digits = number.to_string();
    digits
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' => '⁰',
            // The others follow each other.
            digit => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
        })
        .collect()
}

fn log_ticks(range: [f64; 2], n_wanted: usize) -> Vec<Tick> {
    let (low, high) = (range[0].log10(), range[1].log10());
    let n_decades = high - low;
    let times: &[f64] = if n_decades < 1.5 {
        &[1.0, 2.0, 3.0, 5.0, 7.0]
    } else if n_decades < n_wanted as f64 / 2.0 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let every = (n_decades / n_wanted as f64).ceil().max(1.0) as i32;
    let mut ticks = Vec::new();
    for exponent in (low.floor() as i32)..=(high.ceil() as i32) {
        if exponent.rem_euclid(every) != 0 {
            continue;
        }
        for &t in times {
            let at = t * 10f64.powi(exponent);
            if !within([low, high], at.log10()) {
                continue;
            }
            let label = if (-3..=4).contains(&exponent) {
                let decimals = (-exponent).max(0) as usize;
                grouped(&format!("{at:.decimals$}"))
            } else if t == 1.0 {
                format!("10{}", superscript(exponent))
            } else {
                format!("{t}·10{}", superscript(exponent))
            };
            ticks.push(Tick { at, label });
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, low: f64, high: f64) -> String {
        let ticks = ticks(axis, [low, high], 5);
        let labels: Vec<_> = ticks.into_iter().map(|tick| tick.label).collect();
        labels.join(" ")
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let axis = Axis::new("", "");
        assert_eq!(labels(&axis, 0.0, 1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(&axis, -0.03, 0.11), "0.00 0.05 0.10");
        assert_eq!(labels(&axis, -1.0, 1.0), "−1.0 −0.5 0.0 0.5 1.0");
        assert_eq!(labels(&axis, 0.0, 23_456.0), "0 5,000 10,000 15,000 20,000");
        assert_eq!(labels(&axis, 0.0, 4e-5), "0 1·10⁻⁵ 2·10⁻⁵ 3·10⁻⁵ 4·10⁻⁵");
    }

    #[test]
    fn whole_axes_have_no_fractions() {
        let axis = Axis::new("", "").ticks(Ticks::Whole);
        assert_eq!(labels(&axis, 0.0, 2.0), "0 1 2");
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        let axis = Axis::time();
        assert_eq!(labels(&axis, 0.0, 130.0), "0:00 0:30 1:00 1:30 2:00");
        assert_eq!(
            labels(&axis, 59.0, 61.0),
            "0:59.0 0:59.5 1:00.0 1:00.5 1:01.0"
        );
        assert_eq!(labels(&axis, 0.0, 7000.0), "0:00 30:00 60:00 90:00");
    }

    #[test]
    fn log_axes_show_decades() {
        let axis = Axis::new("", "").log();
        assert_eq!(labels(&axis, 1e-6, 1e-2), "10⁻⁶ 10⁻⁵ 10⁻⁴ 0.001 0.01");
        assert_eq!(labels(&axis, 0.1, 1.0), "0.1 0.2 0.3 0.5 0.7 1");
    }
}
