//! The folder under which Attune writes everything, and writing a file whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Name of the folder of runs that were thrown away, beside `runs/`.
pub(crate) const TRASH: &str = "trash";

/// A workspace folder: `runs/`, `experiments/`, `queue/`, `chains/`, `exports/`, `corrections/`, `predictions/`, `trash/`, `cache/` and `catalogue.sqlite` lie under it. Folders are made when first written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The user's choice: `chosen`, else `$ATTUNE_HOME`, else `$XDG_DATA_HOME/attune`, else `~/.local/share/attune`.
    ///
    /// `None` if there is neither a choice nor a home directory.
    pub fn find(chosen: Option<&Path>) -> Option<Self> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        chosen
            .map(Path::to_path_buf)
            .or_else(|| variable("ATTUNE_HOME"))
            .or_else(|| variable("XDG_DATA_HOME").map(|path| path.join("attune")))
            .or_else(|| variable("HOME").map(|path| path.join(".local/share/attune")))
            .map(Self::at)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Training runs, one folder each.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Training runs that were thrown away.
    pub fn trash(&self) -> PathBuf {
        self.root.join(TRASH)
    }

    /// Experiments (plans that are worked through), one folder each.
    pub fn experiments(&self) -> PathBuf {
        self.root.join("experiments")
    }

    /// Training runs that wait for their turn, a TOML file each.
    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// Augmentation chains of one's own, a TOML file each.
    pub fn chains(&self) -> PathBuf {
        self.root.join("chains")
    }

    /// Draws of augmentations that were kept, with notes.
    pub fn kept_draws(&self) -> PathBuf {
        self.root.join("draws.toml")
    }

    /// What was written for other programs and for papers.
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }

    /// What people decided about the tags of tracks, a journal for each data set.
    pub fn corrections(&self) -> PathBuf {
        self.root.join("corrections")
    }

    /// Tables of what models say about the tracks of data sets.
    pub fn predictions(&self) -> PathBuf {
        self.root.join("predictions")
    }

    /// What can be made again at any time: decoded audio, the demo data set, explanations.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Decoded audio.
    pub fn pcm_cache(&self) -> PathBuf {
        self.cache().join("pcm")
    }

    /// The catalogue of tracks.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.sqlite")
    }
}

/// Writes a file so that it is whole or absent: beside, synced, renamed. Makes the folder if need be.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    // The parent of a bare file name is the empty path, which cannot be opened.
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = (|| {
        let mut writer = io::BufWriter::new(File::create(&beside)?);
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        std::fs::rename(&beside, path)?;
        // The rename itself must survive a power cut as well.
        File::open(folder)?.sync_all()
    })();
    if written.is_err() && beside.exists() {
        // The first error is the one to tell; a leftover `.part` file is harmless.
        drop(std::fs::remove_file(&beside));
    }
    written
}

/// Whether there was no room on the disk (or none that the user may take): then nothing is wrong that room would not mend.
pub fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_whole(&path, |f| f.write_all(b"one")).unwrap();
        let failed = write_whole(&path, |f| {
            f.write_all(b"two")?;
            Err(io::Error::other("disk on fire"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
    }
}
