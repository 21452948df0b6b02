//! Published tables, read so that a wrong line is told and stepped over: columns by name, CRLF or LF, tabs or commas, quotes or none.

use super::report::{Report, bad_file};
use crate::dataset::table::{Pace, records};
use crate::dataset::{Check, Error, Finding, Severity};
use crate::job::Job;
use std::path::{Path, PathBuf};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Commas; fields in double quotes may hold commas and line breaks.
    Csv,
    /// Tabs, fields in double quotes.
    QuotedTsv,
    /// Tabs; a quote is a letter like any other.
    Tsv,
    /// Tabs, fields in double quotes, of nobody knows which program: the last line may lack its line break.
    AnyTsv,
}

/// A table in memory.
pub(super) struct Sheet {
    path: PathBuf,
    bytes: Vec<u8>,
    form: Form,
    n_headers: usize,
    /// The header lines, as they are.
    headers: Vec<Vec<String>>,
}

/// One line of a [`Sheet`]: its fields and its number, or what is wrong with it.
pub(super) type Line = Result<(csv::StringRecord, u64), (String, u64)>;

impl Sheet {
    /// Reads a table with so many lines of header. Fails if it has not even these.
    pub(super) fn read(path: &Path, form: Form, n_headers: usize) -> Result<Self, Error> {
        let bytes = read_text(path)?;
        let mut sheet = Self {
            path: path.to_path_buf(),
            bytes,
            form,
            n_headers,
            headers: Vec::new(),
        };
        let mut headers = Vec::new();
        for line in sheet.lines().take(n_headers) {
            let (fields, _) = line.map_err(|(problem, line)| sheet.wrong(problem, line))?;
            headers.push(fields.iter().map(|name| name.trim().to_owned()).collect());
        }
        if headers.len() < n_headers {
            return Err(sheet.wrong("the header is missing".into(), 1));
        }
        sheet.headers = headers;
        Ok(sheet)
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of a header line, from 0.
    pub(super) fn header(&self, line: usize) -> &[String] {
        self.headers.get(line).map_or(&[], Vec::as_slice)
    }

    /// The place of a column of the first header line.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header(0).iter().position(|other| other == name)
    }

    /// The same of a column that must be there.
    pub(super) fn need(&self, name: &str) -> Result<usize, Error> {
        self.column(name)
            .ok_or_else(|| self.wrong(format!("the header has no column `{name}`"), 1))
    }

    /// The lines below the header. Lines may have any number of fields. Where the published table ends with a line break, a last line without
    /// one was cut off: half a name would be taken for another. Of other tables it is told as cut off if it looks so. A stopped job ends them
    /// early.
    pub(super) fn rows(&self, job: Job) -> impl Iterator<Item = Line> + '_ {
        let mut pace = Pace::new(job, &self.path, &self.bytes);
        let is_whole = self.bytes.ends_with(b"\n");
        let mut lines = self.lines().skip(self.n_headers).peekable();
        std::iter::from_fn(move || {
            let line = lines.next()?;
            let (Ok((_, number)) | Err((_, number))) = &line;
            pace.reach(*number).ok()?;
            Some(match line {
                Ok((fields, number))
                    if !is_whole && lines.peek().is_none() && self.is_cut_off(&fields) =>
                {
                    Err(("the file ends within the line".to_owned(), number))
                }
                line => line,
            })
        })
    }

    /// Whether the last line, behind which there is no line break, is to be taken for a part of one.
    fn is_cut_off(&self, fields: &csv::StringRecord) -> bool {
        if matches!(self.form, Form::Tsv | Form::QuotedTsv) {
            return true;
        }
        // Whoever reads the rows tells another number of fields.
        let n_columns = self.headers.last().map_or(0, Vec::len);
        if fields.len() != n_columns {
            return false;
        }
        let n_quotes = memchr::memchr_iter(b'"', &self.bytes).count();
        if !n_quotes.is_multiple_of(2) {
            return true;
        }
        // The start of a word that stands above, and no word that stands above.
        let last = fields.get(n_columns.saturating_sub(1)).unwrap_or_default();
        if last.is_empty() || last.parse::<f64>().is_ok() {
            return false;
        }
        let mut is_start = false;
        let above = self.lines().skip(self.n_headers);
        let above = above.filter_map(|line| line.ok().filter(|(line, _)| line != fields));
        for (line, _) in above {
            let word = line.get(n_columns - 1).unwrap_or_default();
            if word == last {
                return false;
            }
            is_start |= word.starts_with(last);
        }
        is_start
    }

    fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        let mut form = csv::ReaderBuilder::new();
        form.has_headers(false).flexible(true);
        if self.form != Form::Csv {
            form.delimiter(b'\t');
        }
        form.quoting(self.form != Form::Tsv);
        records(&self.bytes, &form).map(|(record, line)| match record {
            Ok(record) => Ok((record, line)),
            Err(error) => Err((
                match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => "the line is not UTF-8".to_owned(),
                    _ => error.to_string(),
                },
                line,
            )),
        })
    }

    fn wrong(&self, problem: String, line: u64) -> Error {
        Error::BadLine {
            problem,
            mend: "use the file as it was published".into(),
            file: self.path.clone(),
            line,
        }
    }
}

/// The lines of a list, without blanks around them and without empty ones, each with its number. Said if the last line has no end.
pub(super) fn lines(path: &Path, report: &mut Report) -> Result<Vec<(u64, String)>, Error> {
    let bytes = read_text(path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_unreadable| bad_file(path, "the list is not UTF-8", "download it again"))?;
    let numbered = (1..).zip(text.lines());
    let numbered = numbered.map(|(number, line)| (number, line.trim().to_owned()));
    let lines: Vec<(u64, String)> = numbered.filter(|(_, line)| !line.is_empty()).collect();
    if let Some((number, _)) = lines.last().filter(|_| !text.ends_with('\n')) {
        let message = "the last line has no line break behind it: it may be cut off";
        let finding = Finding::new(Check::BadLine, Severity::Note, message);
        report.tell(
            finding
                .mend("compare the count with the published one")
                .of_file(path)
                .on_line(*number),
        );
    }
    Ok(lines)
}

/// A file without its byte order mark.
fn read_text(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// The first of some folders, below `folder`, that holds a file of that name; the file. `""` is the folder itself.
pub(super) fn find(folder: &Path, below: &[&str], name: &str) -> Option<PathBuf> {
    let files = below.iter().map(|below| folder.join(below).join(name));
    files.into_iter().find(|file| file.is_file())
}

/// Those of several files that are there, each where [`find`] finds it.
pub(super) fn find_all<N: AsRef<str>>(
    folder: &Path,
    below: &[&str],
    names: impl IntoIterator<Item = N>,
) -> Vec<PathBuf> {
    let names = names.into_iter();
    names
        .filter_map(|name| find(folder, below, name.as_ref()))
        .collect()
}

/// Whether one of several files is there.
pub(super) fn finds_any(folder: &Path, below: &[&str], names: &[&str]) -> bool {
    names.iter().any(|name| find(folder, below, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last line is taken, of a table of two columns.
    fn takes_last(form: Form, rows: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let text = format!("id,tag\n{rows}");
        let text = if form == Form::Csv {
            text
        } else {
            text.replace(',', "\t")
        };
        std::fs::write(&path, text).unwrap();
        let sheet = Sheet::read(&path, form, 1).unwrap();
        sheet.rows(Job::quiet()).last().unwrap().is_ok()
    }

    #[test]
    fn a_last_line_without_end_is_left_out_where_it_was_or_may_have_been_cut() {
        for form in [Form::Csv, Form::AnyTsv] {
            for (rows, is_taken) in [
                ("1,tango\n2,waltz", true),
                ("1,tango\n2,tango", true),
                ("1,tango\n2,tan", false),
                ("1,tango\n3,tan\n2,tan", true),
                ("1,tango\n2,tan\n", true),
                ("1,12.5\n2,12", true),
                ("1,\"cha cha\"\n2,\"wal", false),
                ("1,tango\n2,", true),
            ] {
                assert_eq!(takes_last(form, rows), is_taken, "{form:?} {rows}");
            }
        }
        for form in [Form::Tsv, Form::QuotedTsv] {
            assert!(!takes_last(form, "1,tango\n2,waltz"));
            assert!(takes_last(form, "1,tango\n2,waltz\n"));
        }
    }
}
