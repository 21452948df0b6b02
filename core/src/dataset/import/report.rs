//! What an importer met on its way, gathered while it goes on.

use crate::dataset::{Check, Error, Finding, Severity};
use crate::job::Job;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// So many lines of one file are told one by one; a broken file would else fill the report.
const LINES_TOLD: usize = 20;

/// Findings in the making, and the job that they are made in.
pub(super) struct Report {
    job: Job,
    findings: Vec<Finding>,
    /// Wrong lines of each file: how many, and the last one's number.
    bad_lines: HashMap<PathBuf, (usize, u64)>,
}

impl Report {
    /// A report of nothing yet.
    pub(super) fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            findings: Vec::new(),
            bad_lines: HashMap::new(),
        }
    }

    /// What may stop the reading.
    pub(super) fn job(&self) -> Job {
        self.job.clone()
    }

    /// Adds a finding.
    pub(super) fn tell(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A line that is left out.
    pub(super) fn bad_line(&mut self, file: &Path, line: u64, problem: &str, mend: &str) {
        let count = self.bad_lines.entry(file.to_path_buf()).or_default();
        *count = (count.0 + 1, line);
        if count.0 <= LINES_TOLD {
            let message = format!("{problem}; the line is left out");
            let finding = Finding::new(Check::BadLine, Severity::Warning, message);
            self.tell(finding.mend(mend).of_file(file).on_line(line));
        }
    }

    /// A count that was published, in one or several versions of the data set, against the one that was found.
    pub(super) fn count(&mut self, what: &str, found: usize, published: &[usize], file: &Path) {
        if !published.contains(&found) {
            let published: Vec<String> = published.iter().map(usize::to_string).collect();
            let message = format!("{found} {what}, published were {}", published.join(" or "));
            let finding = Finding::new(Check::Counts, Severity::Warning, message);
            let mend = "if this is not meant to be a part of the data set, download the file again";
            self.tell(finding.mend(mend).of_file(file));
        }
    }

    /// A file that is not there, without which less is known.
    pub(super) fn missing(&mut self, file: &Path, consequence: &str, mend: &str) {
        self.without(file, Severity::Warning, consequence, mend);
    }

    /// The same of a file of labels: recordings without labels would count as having no tag.
    pub(super) fn missing_labels(&mut self, file: &Path, consequence: &str, mend: &str) {
        self.without(file, Severity::Error, consequence, mend);
    }

    fn without(&mut self, file: &Path, severity: Severity, consequence: &str, mend: &str) {
        let name = file.file_name().unwrap_or_default().display();
        let message = format!("{name} is not there: {consequence}");
        let finding = Finding::new(Check::MissingFile, severity, message);
        self.tell(finding.mend(mend).of_file(file));
    }

    /// A file that is there and cannot be read, and that is not needed: less is known without it.
    pub(super) fn unusable(&mut self, error: &Error, file: &Path, consequence: &str) {
        let name = file.file_name().unwrap_or_default().display();
        let (problem, mend) = match error {
            Error::BadFile { problem, mend, .. } | Error::BadLine { problem, mend, .. } => {
                (problem.clone(), mend.clone())
            }
            Error::Io { source, .. } => (source.to_string(), "see whether it may be read".into()),
            other => (other.to_string(), String::new()),
        };
        let message = format!("{name} cannot be used: {problem}: {consequence}");
        let mut finding = Finding::new(Check::BadLine, Severity::Warning, message)
            .mend(mend)
            .of_file(file);
        if let Error::BadLine { line, .. } = error {
            finding = finding.on_line(*line);
        }
        self.tell(finding);
    }

    /// A publication of which a part cannot be used, beside another one that can: it is left out as a whole.
    pub(super) fn refused(&mut self, error: &Error) {
        let message = format!("one published split is left out: {error}");
        self.tell(Finding::new(Check::BadLine, Severity::Error, message));
    }

    /// Names and their order as a file has them, against those that were published.
    pub(super) fn tag_order(&mut self, found: &[String], published: &[&str], file: &Path) {
        if found == published {
            return;
        }
        let at = (0..found.len().max(published.len()))
            .find(|&at| found.get(at).map(String::as_str) != published.get(at).copied());
        let at = at.unwrap_or_default();
        let shown = |tag: Option<&str>| tag.map_or("none".to_owned(), |tag| format!("`{tag}`"));
        let message = format!(
            "the tags are not in the published order: number {} is {}, published was {}",
            at + 1,
            shown(found.get(at).map(String::as_str)),
            shown(published.get(at).copied())
        );
        let finding = Finding::new(Check::TagOrder, Severity::Error, message);
        let mend = "columns of labels and of a model's outputs must have one order: use the published file";
        self.tell(finding.mend(mend).of_file(file));
    }

    /// All that was met.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        let mut rest: Vec<_> = self.bad_lines.into_iter().collect();
        rest.retain(|(_, (count, _))| *count > LINES_TOLD);
        rest.sort();
        for (file, (count, last)) in rest {
            let more = count - LINES_TOLD;
            let message = format!("{more} more lines cannot be used, the last is line {last}");
            let mut finding = Finding::new(Check::BadLine, Severity::Warning, message);
            finding.n_concerned = more;
            self.findings
                .push(finding.mend("download the file again").of_file(&file));
        }
        self.findings
    }
}

/// A file that cannot be used at all, because a result could be falsified by what is wrong in it.
pub(super) fn bad_file(file: &Path, problem: impl Into<String>, mend: &str) -> Error {
    Error::BadFile {
        problem: problem.into(),
        mend: mend.to_owned(),
        file: file.to_path_buf(),
    }
}
