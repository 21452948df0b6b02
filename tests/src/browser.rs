//! A real browser, where there is one: what it makes of a page.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// So long, in the page's own time, scripts and media have before the page is looked at.
const BUDGET_MS: u32 = 20_000;

/// What the browser made of a page.
#[derive(Debug)]
pub struct Seen {
    /// The elements of the page, after its scripts have run.
    pub dom: String,
    /// What scripts and the browser wrote to the console.
    pub console: Vec<String>,
}

/// Chromium: `ATTUNE_CHROMIUM`, else the usual names. `None`, said loudly, if there is none.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("ATTUNE_CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let runs = |program: &PathBuf| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = named.into_iter().chain(usual).find(runs);
    if found.is_none() {
        // Past the test's capture, which would hide it.
        let text = "SKIPPED: there is no Chromium, so that no page was opened in a real browser\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    found
}

/// Opens a page without a screen. `more`: further switches, such as `--screenshot=FILE`. Panics if the browser fails.
pub fn open(chromium: &Path, page: &Path, more: &[&str]) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        // Without a sandbox, because tests may run as root in a container.
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--no-first-run",
            "--window-size=1280,2400",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--virtual-time-budget={BUDGET_MS}"))
        .args(more)
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let console = errors.lines().filter(|line| line.contains("CONSOLE"));
    Seen {
        dom: String::from_utf8(output.stdout).unwrap(),
        console: console.map(str::to_owned).collect(),
    }
}

impl Seen {
    /// The values of an attribute, element by element.
    pub fn values(&self, attribute: &str) -> Vec<&str> {
        let begin = format!("{attribute}=\"");
        let pieces = self.dom.split(&begin).skip(1);
        pieces.filter_map(|piece| piece.split('"').next()).collect()
    }
}
