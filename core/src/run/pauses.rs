//! The stretches of time in which a run was paused, told by its events: no work was done in them.

use super::{Event, Record, Status};

/// One stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    from_unix_ms: u64,
    /// `None` while it lasts.
    to_unix_ms: Option<u64>,
    /// What the stretches before it lasted together.
    ms_before: u64,
}

/// All of them, in the order of time; times are milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct Pauses {
    stretches: Vec<Pause>,
}

impl Pauses {
    /// Takes in the next event of a run.
    pub(super) fn take_in(&mut self, record: &Record) {
        let now_ms = record.at_unix_ms;
        let open = self
            .stretches
            .last_mut()
            .filter(|last| last.to_unix_ms.is_none());
        let is_paused = Status::Paused.after(&record.event) == Status::Paused;
        match open {
            // One that was killed while it was paused goes on with its resumption.
            Some(open) if !is_paused => open.to_unix_ms = Some(now_ms.max(open.from_unix_ms)),
            None if record.event == Event::Paused => {
                let ms_before = self.until(u64::MAX);
                self.stretches.push(Pause {
                    from_unix_ms: now_ms,
                    to_unix_ms: None,
                    ms_before,
                });
            }
            _ => {}
        }
    }

    /// How long the run was paused until this moment, in milliseconds.
    pub(super) fn until(&self, at_ms: u64) -> u64 {
        let after = self
            .stretches
            .partition_point(|pause| pause.from_unix_ms <= at_ms);
        let Some(last) = after.checked_sub(1).map(|at| self.stretches[at]) else {
            return 0;
        };
        let end_ms = last.to_unix_ms.unwrap_or(at_ms).min(at_ms);
        last.ms_before + end_ms.saturating_sub(last.from_unix_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_add_up_and_one_that_lasts_counts_so_far() {
        let mut pauses = Pauses::default();
        let mut event = |at_unix_ms: u64, event: Event| {
            pauses.take_in(&Record {
                at_unix_ms,
                step: 0,
                epoch: 0,
                event,
            });
        };
        event(1000, Event::Paused);
        event(1500, Event::Paused);
        event(4000, Event::Continued);
        event(6000, Event::Continued);
        event(9000, Event::Paused);
        for (at, paused) in [(500, 0), (2500, 1500), (8000, 3000), (9500, 3500)] {
            assert_eq!(pauses.until(at), paused, "{at}");
        }
    }
}
