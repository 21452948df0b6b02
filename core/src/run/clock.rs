//! How long a run has been at work by each step, without pauses and the time in which nobody wrote it.

/// More knots than this are thinned to half: the time between two of them is taken to pass evenly.
const MOST_KNOTS: usize = 4096;

/// Seconds of work by step, of bounded size however long the run.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// Step and seconds, both rising.
    knots: Vec<(f64, f64)>,
    /// The newest step, which may be no knot.
    last: Option<(f64, f64)>,
    /// Every so many steps make a knot.
    stride: u64,
    n_seen: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            knots: Vec::new(),
            last: None,
            stride: 1,
            n_seen: 0,
        }
    }
}

impl Clock {
    /// The seconds of the newest step, 0 before the first.
    pub(super) fn secs(&self) -> f64 {
        self.last.map_or(0.0, |last| last.1)
    }

    /// A later step was done after so many seconds of work; time that runs backwards stands still.
    pub(super) fn push(&mut self, step: u64, secs: f64) {
        let knot = (step as f64, secs.max(self.secs()));
        if self.n_seen.is_multiple_of(self.stride) {
            self.knots.push(knot);
        }
        self.n_seen += 1;
        self.last = Some(knot);
        if self.knots.len() > MOST_KNOTS {
            self.stride *= 2;
            let mut is_kept = false;
            self.knots.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
    }

    /// Forgets the steps after `step`.
    pub(super) fn cut_after(&mut self, step: u64) {
        let step = step as f64;
        let Some(newest) = self.last.filter(|last| last.0 > step) else {
            return;
        };
        let n_kept = self.knots.partition_point(|knot| knot.0 <= step);
        let (x0, y0) = n_kept
            .checked_sub(1)
            .map_or((0.0, 0.0), |at| self.knots[at]);
        let (x1, y1) = self.knots.get(n_kept).copied().unwrap_or(newest);
        let secs = y0 + (y1 - y0) * (step - x0) / (x1 - x0);
        self.knots.truncate(n_kept);
        self.last = (step > 0.0).then_some((step, secs));
        self.n_seen = n_kept as u64 * self.stride;
    }

    /// Steps and their seconds, from (0, 0), rising.
    pub(super) fn knots(&self) -> Vec<(f64, f64)> {
        let last = self.last.filter(|last| self.knots.last() != Some(last));
        let knots = self.knots.iter().copied().chain(last);
        std::iter::once((0.0, 0.0))
            .chain(knots.filter(|knot| knot.0 > 0.0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_takes_no_more_room_than_a_short_one_and_keeps_its_time() {
        let mut clock = Clock::default();
        for step in 1..=100_000 {
            clock.push(step, step as f64 * 0.5);
        }
        let knots = clock.knots();
        assert!(knots.len() <= MOST_KNOTS + 2, "{}", knots.len());
        assert!(knots.iter().all(|(step, secs)| *secs == step * 0.5));
        assert_eq!(knots.last(), Some(&(100_000.0, 50_000.0)));
    }

    #[test]
    fn steps_that_were_taken_back_take_their_time_with_them() {
        let mut clock = Clock::default();
        for step in 1..=20_000 {
            clock.push(step, step as f64);
        }
        clock.cut_after(9_999);
        assert!((clock.secs() - 9_999.0).abs() < 1e-6);
        clock.push(10_000, clock.secs() + 4.0);
        assert!((clock.secs() - 10_003.0).abs() < 1e-6);
        clock.push(10_001, 3.0);
        assert!((clock.secs() - 10_003.0).abs() < 1e-6, "never backwards");
        clock.cut_after(0);
        assert_eq!(clock.knots(), [(0.0, 0.0)]);
    }
}
