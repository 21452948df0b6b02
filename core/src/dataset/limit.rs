//! Limits in gigabytes that the user sets once, each in a file of the workspace that window and command line read alike.

use super::Error;
use crate::workspace::{Workspace, write_whole};
use std::io::{self, Write};
use std::path::PathBuf;

/// Bytes in a gigabyte, as disks are sold.
const GB: f64 = 1e9;

/// Something that may take only so much.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    file: &'static str,
    key: &'static str,
    /// What it is about, for who opens the file.
    about: &'static str,
    /// The command that sets it.
    command: &'static str,
    variable: Option<&'static str>,
}

impl Limit {
    /// What decoded audio may take on disk; none: as much as there is.
    pub const CACHE: Self = Self {
        file: "cache.toml",
        key: "budget_gb",
        about: "What decoded audio may take on disk, in gigabytes (10^9 bytes); without a number: as much as there is.",
        command: "attune data cache budget",
        variable: Some("ATTUNE_CACHE_GB"),
    };

    /// What batches of training clips that lie ready may take in memory; none: [`crate::device::USUAL_LOADER_MEMORY`].
    pub const LOADER_MEMORY: Self = Self {
        file: "loader.toml",
        key: "memory_gb",
        about: "What batches of training clips that lie ready may take in memory, in gigabytes (10^9 bytes); without a number: 1.07.",
        command: "attune data loader-memory",
        variable: None,
    };

    /// The workspace's file.
    pub fn path(&self, workspace: &Workspace) -> PathBuf {
        workspace.root().join(self.file)
    }

    /// The environment variable that goes before the file, if it is set.
    pub fn variable_in_effect(&self) -> Option<&'static str> {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|text| !text.is_empty());
        self.variable.filter(is_set)
    }

    /// What holds, in gigabytes: the environment variable (`none` for no limit), else the workspace's file, else no limit.
    ///
    /// Fails with [`Error::BadConfig`] or [`Error::Io`] if what was said cannot be understood.
    pub fn of(&self, workspace: &Workspace) -> Result<Option<f64>, Error> {
        if let Some(variable) = self.variable_in_effect() {
            let text = std::env::var_os(variable).unwrap_or_default();
            return Self::parse(&text.to_string_lossy())
                .map_err(|why| Error::BadConfig(format!("{variable}: {why}")));
        }
        let path = self.path(workspace);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        self.read(&text).map_err(|why| {
            let mend = format!("mend it with `{}`", self.command);
            Error::BadConfig(format!("{why}; {mend} ({})", path.display()))
        })
    }

    fn read(&self, text: &str) -> Result<Option<f64>, String> {
        let table: toml::Table =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if let Some(other) = table.keys().find(|key| *key != self.key) {
            return Err(format!("unknown setting `{other}`"));
        }
        let Some(value) = table.get(self.key) else {
            return Ok(None);
        };
        let whole = value.as_integer().map(|number| number as f64);
        let number = value.as_float().or(whole);
        let number = number.ok_or_else(|| format!("`{}` is no number", self.key))?;
        checked(number).map(Some)
    }

    /// `none`, or a number of gigabytes.
    pub fn parse(text: &str) -> Result<Option<f64>, String> {
        match text.trim() {
            "none" => Ok(None),
            number => {
                let gb = number.parse().map_err(|_no_number| {
                    format!("`{number}` is neither a number of gigabytes nor `none`")
                })?;
                checked(gb).map(Some)
            }
        }
    }

    /// Writes the workspace's file.
    pub fn save(&self, workspace: &Workspace, gigabytes: Option<f64>) -> Result<(), Error> {
        let path = self.path(workspace);
        let line = match gigabytes {
            Some(gb) => format!("{} = {gb:?}\n", self.key),
            None => String::new(),
        };
        write_whole(&path, |file| write!(file, "# {}\n{line}", self.about))
            .map_err(Error::io("write", &path))
    }
}

/// So many gigabytes in bytes.
pub fn bytes_from_gb(gigabytes: f64) -> u64 {
    (gigabytes * GB) as u64
}

fn checked(gb: f64) -> Result<f64, String> {
    if gb.is_finite() && gb > 0.0 {
        Ok(gb)
    } else {
        Err(format!(
            "a limit of {gb} GB is none: it must be more than 0"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_holds_until_it_is_taken_back_and_nonsense_is_told_with_its_mend() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let limit = Limit::LOADER_MEMORY;
        assert_eq!(limit.of(&workspace).unwrap(), None);
        limit.save(&workspace, Some(2.5)).unwrap();
        assert_eq!(limit.of(&workspace).unwrap(), Some(2.5));
        limit.save(&workspace, None).unwrap();
        assert_eq!(limit.of(&workspace).unwrap(), None);
        // A whole number, as one types it.
        std::fs::write(limit.path(&workspace), "memory_gb = 2\n").unwrap();
        assert_eq!(limit.of(&workspace).unwrap(), Some(2.0));
        for nonsense in [
            "memory_gb = -1",
            "memory_gb = 'much'",
            "budget_gb = 2",
            "memory_gb =",
        ] {
            std::fs::write(limit.path(&workspace), nonsense).unwrap();
            let told = limit.of(&workspace).unwrap_err().to_string();
            assert!(told.contains("attune data loader-memory"), "{told}");
            assert!(told.contains("loader.toml"), "{told}");
        }
    }
}
