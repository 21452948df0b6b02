//! How alike the maps of tags are, and an order in which like ones stand side by side.

/// Correlation of two lanes over the tokens that both know; 0 if one of them is flat.
fn correlation(one: &[f32], other: &[f32]) -> f64 {
    let both = one.iter().zip(other);
    let both: Vec<(f64, f64)> = both
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        .collect();
    let n = both.len().max(1) as f64;
    let (mean_a, mean_b) = both
        .iter()
        .fold((0.0, 0.0), |(a, b), pair| (a + pair.0 / n, b + pair.1 / n));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in both {
        let (a, b) = (a - mean_a, b - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    if aa > 0.0 && bb > 0.0 {
        ab / (aa * bb).sqrt()
    } else {
        0.0
    }
}

/// The lanes (indices) in an order that begins with the first and goes on, each time, with the one most like the last.
pub fn order_by_similarity(lanes: &[&[f32]]) -> Vec<usize> {
    let mut rest: Vec<usize> = (1..lanes.len()).collect();
    let mut order: Vec<usize> = (0..lanes.len().min(1)).collect();
    while let Some(&last) = order.last() {
        let like = |&lane: &usize| correlation(lanes[last], lanes[lane]);
        let nearest = (0..rest.len()).max_by(|&a, &b| like(&rest[a]).total_cmp(&like(&rest[b])));
        let Some(nearest) = nearest else { break };
        order.push(rest.remove(nearest));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_lanes_stand_side_by_side() {
        let rising: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let falling: Vec<f32> = rising.iter().map(|v| -v).collect();
        let rising_too: Vec<f32> = rising.iter().map(|v| v * v).collect();
        let flat = vec![1.0; 20];
        let lanes: [&[f32]; 4] = [&rising, &falling, &flat, &rising_too];
        assert_eq!(order_by_similarity(&lanes), [0, 3, 2, 1]);
        assert_eq!(order_by_similarity(&[]), [0; 0]);
        assert!((correlation(&rising, &falling) + 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_known_does_not_count() {
        let one = [1.0, f32::NAN, 3.0];
        assert!((correlation(&one, &[2.0, 7.0, 4.0]) - 1.0).abs() < 1e-12);
    }
}
