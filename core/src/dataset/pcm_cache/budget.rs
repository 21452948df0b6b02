//! How much the cache may take on disk, and what goes first.
//!
//! Whole shards are thrown away, of whatever rate, the longest unused first, and never one that some process uses right now.

use super::super::Error;
use super::shard::{INDEX, SAMPLES, SUMS, USED, file_of, remove};
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes in a gigabyte, as disks are sold.
pub(super) const GB: f64 = 1e9;
/// The environment variable that goes before the file.
const VARIABLE: &str = "ATTUNE_CACHE_GB";

/// What the user has said about the cache: a file in the workspace, read by window and command line alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    /// What decoded audio may take on disk, in gigabytes (10⁹ bytes); none: as much as there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_gb: Option<f64>,
}

impl CacheSettings {
    /// `WORKSPACE/cache.toml`.
    pub fn path(workspace: &Workspace) -> PathBuf {
        workspace.root().join("cache.toml")
    }

    /// What holds: the environment variable `ATTUNE_CACHE_GB` (`none` for no limit), else the workspace's file, else no limit.
    ///
    /// Fails with [`Error::BadConfig`] or [`Error::Io`] if what was said cannot be understood.
    pub fn of(workspace: &Workspace) -> Result<Self, Error> {
        if let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
            return Self::parse(&text.to_string_lossy())
                .map_err(|why| Error::BadConfig(format!("{VARIABLE}: {why}")));
        }
        let path = Self::path(workspace);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        toml::from_str(&text)
            .map_err(|error| error.message().to_owned())
            .and_then(|settings: Self| settings.checked())
            .map_err(|why| {
                let mend = "mend it with `attune data cache budget`";
                Error::BadConfig(format!("{why}; {mend} ({})", path.display()))
            })
    }

    /// `none`, or a number of gigabytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let budget_gb = match text.trim() {
            "none" => None,
            number => Some(number.parse().map_err(|_no_number| {
                format!("`{number}` is neither a number of gigabytes nor `none`")
            })?),
        };
        Self { budget_gb }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        match self.budget_gb {
            Some(gb) if !(gb.is_finite() && gb > 0.0) => Err(format!(
                "a budget of {gb} GB is none: it must be more than 0"
            )),
            _ => Ok(self),
        }
    }

    /// Writes the workspace's file.
    pub fn save(&self, workspace: &Workspace) -> Result<(), Error> {
        let path = Self::path(workspace);
        let line = match self.budget_gb {
            Some(gb) => format!("budget_gb = {gb:?}\n"),
            None => String::new(),
        };
        let about = "# What decoded audio may take on disk, in gigabytes (10^9 bytes); without a number: as much as there is.\n";
        write_whole(&path, |file| {
            file.write_all(about.as_bytes())?;
            file.write_all(line.as_bytes())
        })
        .map_err(Error::io("write", &path))
    }

    /// The budget in bytes.
    pub fn budget_bytes(&self) -> Option<u64> {
        self.budget_gb.map(|gb| (gb * GB) as u64)
    }
}

/// A shard on disk, of whatever version.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) bytes: u64,
    /// When it was last used or, if nobody says, written.
    pub(super) used: SystemTime,
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trimmed {
    /// Shards that are gone.
    pub n_removed: usize,
    /// What they took.
    pub removed_bytes: u64,
    /// What is left.
    pub kept_bytes: u64,
    /// Of the kept ones, those that had to stay because a process uses them.
    pub n_in_use: usize,
}

/// The folders of the rates below the cache's folder: rate and path, ascending.
pub(super) fn rate_folders(root: &Path) -> Result<Vec<(u32, PathBuf)>, Error> {
    let mut folders: Vec<(u32, PathBuf)> = entries(root)?
        .into_iter()
        .filter_map(|name| Some((name.parse().ok()?, root.join(name))))
        .collect();
    folders.sort();
    Ok(folders)
}

/// The shards in the folder of a rate, in the order in which they were made.
pub(super) fn shards_in(folder: &Path) -> Result<Vec<Stored>, Error> {
    let kinds = [SAMPLES, SUMS, INDEX, USED];
    let names: BTreeSet<String> = entries(folder)?
        .into_iter()
        .filter_map(|file| {
            let (name, kind) = file.rsplit_once('.')?;
            kinds.contains(&kind).then(|| name.to_owned())
        })
        .collect();
    let stored = names.into_iter().map(|name| {
        let meta = |kind| file_of(folder, &name, kind).metadata().ok();
        let bytes = kinds.into_iter().filter_map(meta).map(|meta| meta.len());
        let used = meta(USED).or_else(|| meta(INDEX)).or_else(|| meta(SAMPLES));
        Stored {
            folder: folder.to_owned(),
            bytes: bytes.sum(),
            used: used
                .and_then(|meta| meta.modified().ok())
                .unwrap_or(UNIX_EPOCH),
            name,
        }
    });
    Ok(stored.collect())
}

/// Names in a folder; none if it is not there.
fn entries(folder: &Path) -> Result<Vec<String>, Error> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", folder)(error)),
    }
}

/// Throws shards away until the cache below `root` takes at most `budget_bytes`, as far as they are not in use.
///
/// Any process may do so at any time: what others have mapped stays, and what is thrown away is decoded again when it is needed.
pub fn trim(root: &Path, budget_bytes: u64) -> Result<Trimmed, Error> {
    let mut shards = Vec::new();
    for (_, folder) in rate_folders(root)? {
        shards.extend(shards_in(&folder)?);
    }
    shards.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
    let mut trimmed = Trimmed {
        kept_bytes: shards.iter().map(|shard| shard.bytes).sum(),
        ..Trimmed::default()
    };
    for shard in shards {
        if trimmed.kept_bytes <= budget_bytes {
            break;
        }
        let path = shard.folder.join(&shard.name);
        if remove(&shard.folder, &shard.name).map_err(Error::io("remove", path))? {
            trimmed.n_removed += 1;
            trimmed.removed_bytes += shard.bytes;
            trimmed.kept_bytes -= shard.bytes.min(trimmed.kept_bytes);
        } else {
            trimmed.n_in_use += 1;
        }
    }
    Ok(trimmed)
}
