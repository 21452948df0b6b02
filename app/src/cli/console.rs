//! What every command needs: the workspace, where to print results, progress on stderr, and Ctrl-C.

use super::exit::{Failure, Fault, ResultExt};
use attune_core::job::{Cancel, Job, Progress};
use attune_core::workspace::Workspace;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A command's surroundings.
#[derive(Debug)]
pub struct Console {
    /// Where Attune writes.
    pub workspace: Workspace,
    /// Raised by Ctrl-C, SIGTERM and SIGHUP.
    pub cancel: Cancel,
}

impl Console {
    /// Finds the workspace and listens for Ctrl-C.
    pub fn new(workspace: Option<PathBuf>) -> Result<Self, Failure> {
        let workspace = Workspace::find(workspace.as_deref()).ok_or_else(|| {
            Failure::new(
                Fault::Usage,
                anyhow::anyhow!(
                    "no home directory: name a folder with --workspace or $ATTUNE_HOME"
                ),
            )
        })?;
        let cancel = Cancel::new();
        let raised = cancel.clone();
        // The first signal asks for an orderly end, the second ends at once.
        ctrlc::set_handler(move || {
            if raised.is_cancelled() {
                end_at_once();
            }
            raised.cancel();
        })
        .failed()?;
        Ok(Self { workspace, cancel })
    }

    /// The folder of a run, named by its id or by its folder.
    pub fn run_folder(&self, run: &Path) -> Result<PathBuf, Failure> {
        [run.to_path_buf(), self.workspace.runs().join(run)]
            .into_iter()
            .find(|folder| folder.join("run.toml").is_file())
            .ok_or_else(|| {
                let runs = self.workspace.runs();
                let why = format!(
                    "no such run: {} (neither a run folder nor an id in {})",
                    run.display(),
                    runs.display()
                );
                Failure::new(Fault::BadInput, anyhow::anyhow!(why))
            })
    }

    /// Prints a line of results on stdout. A reader that has gone away ends the command as cancelled.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Fault::Cancelled, error))
            }
            other => other.failed(),
        }
    }

    /// Prints a result as one line of JSON on stdout.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.line(&serde_json::to_string(value).failed()?)
    }

    /// Says something to the user on stderr.
    pub fn say(&self, text: &str) {
        // Nobody listens: nobody misses it.
        drop(writeln!(io::stderr(), "{text}"));
    }

    /// A job with a progress bar on stderr that Ctrl-C cancels. The bar goes away with the job.
    pub fn job(&self) -> Job {
        self.job_with_lines().0
    }

    /// The same, and who says lines above the bar meanwhile.
    pub fn job_with_lines(&self) -> (Job, Lines) {
        let bar = ProgressBar::no_length();
        let lines = Lines(bar.clone());
        let bar = Bar(Mutex::new(bar));
        let job = Job::new(self.cancel.clone(), move |progress| bar.show(progress));
        (job, lines)
    }
}

/// Says lines to the user on stderr while a progress bar is there.
#[derive(Debug)]
pub struct Lines(ProgressBar);

impl Lines {
    /// Says a line, above the bar if there is one.
    pub fn say(&self, text: &str) {
        // Nobody listens: nobody misses it.
        self.0.suspend(|| drop(writeln!(io::stderr(), "{text}")));
    }
}

/// Ends the process without running exit handlers: those of a graphics driver crash while its threads are still at work.
#[cfg(unix)]
#[expect(unsafe_code, reason = "_exit has no safe wrapper")]
fn end_at_once() -> ! {
    // SAFETY: takes an integer and does not return; nothing of this process is used after it.
    unsafe { libc::_exit(130) }
}

#[cfg(not(unix))]
fn end_at_once() -> ! {
    std::process::exit(130)
}

struct Bar(Mutex<ProgressBar>);

impl Bar {
    fn show(&self, progress: Progress) {
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of what has no end yet there is nothing to count.
        let template = match progress.total {
            0 => "{spinner} {msg}",
            _ => "{msg} [{bar:30}] {pos}/{len}, {eta} left",
        };
        if bar.length() != Some(progress.total)
            && let Ok(style) = ProgressStyle::with_template(template)
        {
            bar.set_style(style.progress_chars("=> "));
            bar.set_length(progress.total);
        }
        bar.set_message(progress.what);
        bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish_and_clear();
    }
}
