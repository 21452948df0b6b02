//! `commands.jsonl`: lines that any process appends for the one that writes the run.
//!
//! The writer answers by events in its log; the file itself is never written to, cut or removed by it. What the lines say is
//! the affair of whoever reads them ([`crate::train::Command`]).

use super::lines::{Appended, BadLine, Reader};
use super::{Error, has_writer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "commands.jsonl";

/// So many bad lines of one look are told one by one.
const COMPLAINTS: usize = 5;

/// The writer's view of `commands.jsonl`: what is appended from now on.
#[derive(Debug)]
pub(super) struct Mailbox {
    path: PathBuf,
    /// `None` while the file cannot be read.
    reader: Option<Reader>,
    /// What is wrong with the file and has been said: not again at each look.
    told: Option<String>,
}

/// What was found in the mailbox.
#[derive(Debug)]
pub struct Mail<T> {
    /// The lines that were understood, in their order.
    pub commands: Vec<T>,
    /// What was not understood, and why, in words.
    pub complaints: Vec<String>,
}

impl Mailbox {
    /// Lines that are there already were for an earlier writer. A file that cannot be read is a complaint of the first look.
    pub(super) fn open(run_folder: &Path) -> Self {
        let path = run_folder.join(FILE);
        Self {
            reader: Reader::at_end(&path).ok(),
            path,
            told: None,
        }
    }

    /// What was appended since the last look. Nothing that is wrong with the file is an error: it is a complaint.
    pub(super) fn look<T: DeserializeOwned>(&mut self) -> Mail<T> {
        let mut mail = Mail {
            commands: Vec::new(),
            complaints: Vec::new(),
        };
        let read = match &mut self.reader {
            Some(reader) => reader.read(&self.path),
            // What stands there when it can be read again may be old.
            None => Reader::at_end(&self.path).map(|reader| {
                self.reader = Some(reader);
                Some(Appended::default())
            }),
        };
        match read {
            Ok(Some(Appended { values, bad_lines })) => {
                self.told = None;
                mail.commands = values;
                let n_more = bad_lines.len().saturating_sub(COMPLAINTS);
                let complaints = bad_lines.into_iter().take(COMPLAINTS).map(|BadLine { text, why }| {
                    format!("a line of {FILE} was not understood and nothing was done: {why}: {text}")
                });
                mail.complaints = complaints.collect();
                if n_more > 0 {
                    let more = format!("{n_more} more lines of {FILE} were not understood");
                    mail.complaints.push(more);
                }
            }
            Ok(None) => {
                // Some of what stands there now may have been obeyed already.
                self.reader = Reader::at_end(&self.path).ok();
                mail.complaints.extend(self.complain(format!(
                    "{FILE} was cut or replaced; what stands in it now is not obeyed. Append lines to it (in a shell by >>)"
                )));
            }
            Err(error) => {
                self.reader = None;
                let why = format!("{FILE} cannot be read: {error}");
                mail.complaints.extend(self.complain(why));
            }
        }
        mail
    }

    /// The complaint, unless it was the last one.
    fn complain(&mut self, why: String) -> Option<String> {
        let is_new = self.told.as_ref() != Some(&why);
        self.told = Some(why.clone());
        is_new.then_some(why)
    }
}

/// Appends a command to the mailbox of the run in `run_folder`. The run answers by an event.
///
/// Fails with [`Error::NoWriter`], and writes nothing, if nobody writes the run.
pub fn post(run_folder: &Path, command: &impl Serialize) -> Result<(), Error> {
    if !has_writer(run_folder) {
        return Err(Error::NoWriter(run_folder.to_owned()));
    }
    let path = run_folder.join(FILE);
    let append = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&path)?;
        let mut line = Vec::new();
        // Whoever wrote before may have left half a line.
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != [b'\n'] {
                line.push(b'\n');
            }
        }
        serde_json::to_writer(&mut line, command)?;
        line.push(b'\n');
        // One call, so that lines of several senders do not mix.
        file.write_all(&line)
    };
    append().map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunLog;

    fn look(log: &mut RunLog) -> (Vec<String>, Vec<String>) {
        let mail = log.mail::<String>();
        (mail.commands, mail.complaints)
    }

    fn append(folder: &Path, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(FILE))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn the_writer_reads_whole_lines_that_came_since_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        assert_eq!(look(&mut log), (vec![], vec![]), "there is no file yet");
        post(folder.path(), &"one").unwrap();
        append(folder.path(), "\"tw");
        assert_eq!(look(&mut log).0, ["one"]);
        append(folder.path(), "o\"\n\"thr");
        assert_eq!(look(&mut log).0, ["two"]);
        post(folder.path(), &"four").unwrap();
        let (commands, complaints) = look(&mut log);
        assert_eq!(commands, ["four"]);
        assert!(complaints.len() == 1 && complaints[0].contains("\"thr"));
        drop(log);
        append(folder.path(), "\"to nobody\"\n");
        let mut log = RunLog::resume(folder.path(), 0, 0).unwrap();
        assert_eq!(look(&mut log), (vec![], vec![]));
        post(folder.path(), &"five").unwrap();
        assert_eq!(look(&mut log).0, ["five"]);
    }

    #[test]
    fn rubbish_is_complained_of_and_no_line_is_obeyed_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        append(
            folder.path(),
            "\"one\"\nrubbish\n\n\u{0}\u{1}\n7\n\"two\"\n",
        );
        let (commands, complaints) = look(&mut log);
        assert_eq!(commands, ["one", "two"]);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].contains("rubbish"), "{complaints:?}");
        // Somebody has taken a line out with an editor.
        std::fs::write(folder.path().join(FILE), "\"one\"\n\"two\"\n").unwrap();
        let (commands, complaints) = look(&mut log);
        assert_eq!((commands.len(), complaints.len()), (0, 1));
        append(folder.path(), "\"three\"\n");
        assert_eq!(look(&mut log), (vec!["three".to_owned()], vec![]));
    }

    #[test]
    fn nothing_is_written_for_a_run_that_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunLog::create(folder.path(), &toml::Table::new()).unwrap());
        assert!(matches!(
            post(folder.path(), &"stop"),
            Err(Error::NoWriter(_))
        ));
        assert!(!folder.path().join(FILE).exists());
    }
}
