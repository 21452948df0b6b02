//! The steps of a chunk of values, which rise: nearly always evenly, so that first and distance say them all.

/// Rising steps.
#[derive(Clone, Debug)]
pub(super) enum Steps {
    /// `first`, `first + stride`, …
    Even { first: u64, stride: u64, n: usize },
    /// Each by itself.
    Each(Vec<u64>),
}

impl Default for Steps {
    fn default() -> Self {
        Self::Even {
            first: 0,
            stride: 1,
            n: 0,
        }
    }
}

impl Steps {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Even { n, .. } => *n,
            Self::Each(steps) => steps.len(),
        }
    }

    /// The step of a row that there is.
    pub(super) fn get(&self, row: usize) -> u64 {
        match self {
            Self::Even { first, stride, .. } => first + stride * row as u64,
            Self::Each(steps) => steps[row],
        }
    }

    pub(super) fn push(&mut self, step: u64) {
        match self {
            Self::Even {
                first, n: n @ 0, ..
            } => (*first, *n) = (step, 1),
            Self::Even {
                first,
                stride,
                n: n @ 1,
            } if step > *first => (*stride, *n) = (step - *first, 2),
            Self::Even { first, stride, n }
                if *n > 1 && Some(step) == next(*first, *stride, *n) =>
            {
                *n += 1;
            }
            Self::Even { .. } => {
                let mut steps: Vec<u64> = self.iter().collect();
                steps.push(step);
                *self = Self::Each(steps);
            }
            Self::Each(steps) => steps.push(step),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// How many lie before `edge`.
    pub(super) fn n_before(&self, edge: f64) -> usize {
        match self {
            Self::Even { first, stride, n } => {
                // What is negative or no number becomes 0.
                let strides = (edge - *first as f64) / *stride as f64;
                (strides.ceil() as usize).min(*n)
            }
            Self::Each(steps) => steps.partition_point(|step| (*step as f64) < edge),
        }
    }

    /// The first row whose step does not satisfy `is_before`.
    pub(super) fn partition(&self, is_before: impl Fn(u64) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if is_before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The step after `n` even ones; `None` if it is no number, as in a damaged file.
fn next(first: u64, stride: u64, n: usize) -> Option<u64> {
    first.checked_add(stride.checked_mul(n as u64)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_come_out_as_they_went_in(
            first in 0u64..1000,
            even in 0usize..20,
            gaps in prop::collection::vec(1u64..4, 0..20),
            sought in 0u64..1200,
        ) {
            let mut all: Vec<u64> = (0..even as u64).map(|n| first + 7 * n).collect();
            for gap in gaps {
                all.push(all.last().map_or(first, |last| last + gap));
            }
            let mut steps = Steps::default();
            all.iter().for_each(|&step| steps.push(step));
            prop_assert_eq!(steps.iter().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(steps.len(), all.len());
            let expected = all.partition_point(|&step| step < sought);
            prop_assert_eq!(steps.partition(|step| step < sought), expected);
            prop_assert_eq!(steps.n_before(sought as f64), expected);
            let after = all.partition_point(|&step| step <= sought);
            prop_assert_eq!(steps.n_before(sought as f64 + 0.25), after);
        }
    }

    #[test]
    fn what_rises_evenly_takes_no_room() {
        let mut steps = Steps::default();
        (1..4096).for_each(|step| steps.push(step));
        assert!(matches!(steps, Steps::Even { .. }));
    }
}
