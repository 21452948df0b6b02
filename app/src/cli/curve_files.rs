//! The files that sweeps and robustness tables are written to, as options.

use super::print_arguments::PrintArguments;
use super::{Failure, Fault};
use anyhow::anyhow;
use attune_core::figure::Print;
use std::path::{Path, PathBuf};

/// Where figures over strengths go besides the screen.
#[derive(Debug, clap::Args)]
pub(super) struct CurveFiles {
    /// Write all figures, also those of each tag, as a table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write all figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the curves, in lines
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the curves, in pixels
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Draw the curves, in lines, for papers
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Draw the curves for pgfplots (LaTeX), with their numbers
    #[arg(long, value_name = "FILE")]
    tex: Option<PathBuf>,
    #[command(flatten)]
    print: PrintArguments,
}

impl CurveFiles {
    /// How large pictures are.
    pub(super) fn print(&self) -> Print {
        self.print.print()
    }

    /// Those that are wanted. Fails for one that does not end as its option says, so that nothing is computed in vain.
    pub(super) fn named(&self) -> Result<Vec<&Path>, Failure> {
        let files = [
            ("csv", &self.csv),
            ("json", &self.json),
            ("svg", &self.svg),
            ("png", &self.png),
            ("pdf", &self.pdf),
            ("tex", &self.tex),
        ];
        let mut named = Vec::new();
        for (ending, path) in files {
            let Some(path) = path else {
                continue;
            };
            let found = path.extension();
            if !found.is_some_and(|found| found.eq_ignore_ascii_case(ending)) {
                let path = path.display();
                let why =
                    anyhow!("--{ending} needs a file name that ends in .{ending}, not {path}");
                return Err(Failure::new(Fault::Usage, why));
            }
            named.push(&**path);
        }
        Ok(named)
    }
}
