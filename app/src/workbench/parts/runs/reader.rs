//! Reads the log of a shown run as it grows: what was appended is folded, and a new view made of it.

use super::system::SystemFollower;
use super::view::RunView;
use crate::workbench::following::{Following, Look};
use crate::workbench::jobs::Jobs;
use attune_core::message::full_message;
use attune_core::run::{self, History, Pin, Scalar, Smoothed, Status};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often the log of a run in progress is looked at.
const LIVE: Duration = Duration::from_millis(250);
/// How often the log of a run that is over is looked at: it may be resumed by another process.
const QUIET: Duration = Duration::from_secs(2);

/// Follows the run in a folder, on a thread of its own. `smoothing`: the share of the old average in the smoothed loss, as bits.
pub(super) fn follow(
    folder: PathBuf,
    smoothing: Arc<AtomicU64>,
    jobs: &Jobs,
) -> Following<RunView> {
    let mut reader = Reader {
        folder,
        smoothing,
        read: None,
        revision: 0,
        is_out_of_reach: false,
    };
    Following::start("follow run", jobs, move |look| reader.look(look))
}

struct Reader {
    folder: PathBuf,
    smoothing: Arc<AtomicU64>,
    /// `None` before the run has a log: it may still prepare its data.
    read: Option<Read>,
    revision: u64,
    is_out_of_reach: bool,
}

struct Read {
    history: History,
    pins: Vec<Pin>,
    system: SystemFollower,
    weight: f64,
    smoothed: Smoothed,
}

impl Reader {
    fn look(&mut self, look: &Look<'_, RunView>) -> Duration {
        let refreshed = match &mut self.read {
            Some(read) => read.refresh(&self.folder),
            None => Read::open(&self.folder).map(|read| {
                self.read = Some(read);
                true
            }),
        };
        let Some(read) = &mut self.read else {
            if let Err(error) = refreshed {
                look.publish(Err(full_message(&error)));
            }
            return QUIET / 4;
        };
        match refreshed {
            Ok(has_grown) => {
                let weight = f64::from_bits(self.smoothing.load(Ordering::Relaxed));
                let is_other = read.smooth(weight) | std::mem::take(&mut self.is_out_of_reach);
                if has_grown || is_other {
                    look.publish(Ok(read.view(self.revision)));
                    self.revision += 1;
                }
            }
            // A folder on a network comes back.
            Err(error) => {
                self.is_out_of_reach = true;
                look.publish(Err(full_message(&error)));
            }
        }
        match read.history.status() {
            Status::Running | Status::Paused => LIVE,
            _ => QUIET,
        }
    }
}

impl Read {
    fn open(folder: &Path) -> Result<Self, run::Error> {
        let history = History::open(folder)?;
        let mut system = SystemFollower::default();
        system.refresh(&history);
        Ok(Self {
            history,
            pins: read_pins(folder),
            system,
            weight: f64::NAN,
            smoothed: Smoothed::new(0.0),
        })
    }

    /// Whether there is anything new.
    fn refresh(&mut self, folder: &Path) -> Result<bool, run::Error> {
        let newest = read_pins(folder);
        let is_repinned = newest != self.pins;
        self.pins = newest;
        let has_samples = self.system.refresh(&self.history);
        let status = self.history.status();
        let has_grown = self.history.refresh()?;
        Ok(has_grown || has_samples || is_repinned || self.history.status() != status)
    }

    /// Smooths with this weight from now on; whether it is another one.
    fn smooth(&mut self, weight: f64) -> bool {
        let is_other = weight.to_bits() != self.weight.to_bits();
        if is_other {
            self.weight = weight;
            self.smoothed = Smoothed::new(weight);
        }
        is_other
    }

    fn view(&mut self, revision: u64) -> RunView {
        self.smoothed.follow(self.history.series(Scalar::Loss));
        let series = self.smoothed.series().clone();
        let (pins, system) = (self.pins.clone(), self.system.view(&self.history));
        RunView::new(&self.history, series, pins, system, revision)
    }
}

/// What cannot be read is told where it is about to be changed.
fn read_pins(folder: &Path) -> Vec<Pin> {
    run::About::read(folder).unwrap_or_default().pins
}
