//! All chains that there are: the shipped ones, and a workspace's own, a TOML file each in its folder `chains/`.

use super::{Chain, Error, PRESETS};
use crate::message::full_message;
use crate::workspace::{Workspace, write_whole};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The shipped chains and those of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    folder: PathBuf,
}

/// Where a chain comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It came with Attune and cannot be changed.
    Shipped,
    /// It lies in the workspace.
    Own,
}

/// A chain in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// By this it is found.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it is, in words; empty if nobody said.
    pub about: String,
    /// Why it cannot be used, if its file is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Chains {
    /// The chains of a workspace.
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            folder: workspace.chains(),
        }
    }

    /// All of them: the shipped ones, then the own ones by name. Reads the disk.
    ///
    /// Files that are no chains are listed with their problem. A folder that is not there has none.
    pub fn list(&self) -> Vec<Entry> {
        let shipped = PRESETS.iter().map(|(name, text)| {
            let chain = Chain::from_toml(name, text);
            entry((*name).to_owned(), Origin::Shipped, chain)
        });
        let own = self.own_names().into_iter().map(|name| {
            let chain = Chain::load(&self.path(&name));
            entry(name, Origin::Own, chain)
        });
        shipped.chain(own).collect()
    }

    /// The shipped or own chain of that name. Fails with [`Error::UnknownChain`], which names all.
    pub fn load(&self, name: &str) -> Result<Chain, Error> {
        if Chain::is_preset(name) {
            return Chain::preset(name);
        }
        let path = self.path(name);
        if check_name(name).is_ok() && path.is_file() {
            return Chain::load(&path);
        }
        let shipped = PRESETS.iter().map(|(name, _)| (*name).to_owned());
        let known: Vec<String> = shipped.chain(self.own_names()).collect();
        Err(Error::UnknownChain {
            name: name.to_owned(),
            known: known.join(", "),
        })
    }

    /// A shipped or own chain by its name, or a file: whatever ends in `.toml` or has a folder in it.
    pub fn find(&self, name: &str) -> Result<Chain, Error> {
        let path = Path::new(name);
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if is_toml || path.components().count() > 1 {
            Chain::load(path)
        } else {
            self.load(name)
        }
    }

    /// Keeps a chain under that name, whole or not at all; an own chain of that name is replaced.
    ///
    /// Fails for a chain that makes no sense, for the name of a shipped chain, and for a name that could not be a file's everywhere.
    pub fn save(&self, name: &str, chain: &Chain) -> Result<PathBuf, Error> {
        check_name(name)?;
        chain.check()?;
        let text = chain.to_toml()?;
        let path = self.path(name);
        write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(|source| {
            Error::Store {
                what: "written",
                path: path.clone(),
                source,
            }
        })?;
        Ok(path)
    }

    /// Removes an own chain. Fails for the name of a shipped chain, and if there is none.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let path = self.path(name);
        std::fs::remove_file(&path).map_err(|source| Error::Store {
            what: "removed",
            path,
            source,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.toml"))
    }

    /// The names of all files that could be own chains, sorted.
    fn own_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder);
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| check_name(name).is_ok())
            .collect();
        names.sort();
        names
    }
}

fn entry(name: String, origin: Origin, chain: Result<Chain, Error>) -> Entry {
    let (about, problem) = match chain {
        Ok(chain) => (chain.about, None),
        Err(error) => (String::new(), Some(full_message(&error))),
    };
    Entry {
        name,
        origin,
        about,
        problem,
    }
}

/// Fails if no own chain can have that name.
fn check_name(name: &str) -> Result<(), Error> {
    let bad = |why| {
        Err(Error::BadName {
            name: name.to_owned(),
            why,
        })
    };
    if Chain::is_preset(name) {
        return bad("a chain that came with Attune has that name; choose another");
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    if name.trim() != name || name.is_empty() || name.starts_with('.') || name.len() > 100 {
        return bad("give it a name of 1 to 100 letters that does not begin with a dot or a space");
    }
    if !name.chars().all(is_plain) {
        return bad("use letters, digits, spaces, `-`, `_` and `.` only: it names a file");
    }
    if Path::new(name).extension().is_some_and(|e| e == "toml") {
        return bad("leave out `.toml`: it is added");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains(folder: &Path) -> Chains {
        Chains::of(&Workspace::at(folder))
    }

    #[test]
    fn an_own_chain_is_kept_listed_found_replaced_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let chains = chains(folder.path());
        let mut chain = Chain {
            about: "softly".to_owned(),
            ..Chain::preset("reference").unwrap()
        };
        let path = chains.save("my softer one", &chain).unwrap();
        assert_eq!(path, folder.path().join("chains/my softer one.toml"));
        assert_eq!(chains.find("my softer one").unwrap(), chain);
        assert_eq!(chains.find(&path.display().to_string()).unwrap(), chain);
        chain.steps.pop();
        chains.save("my softer one", &chain).unwrap();
        assert_eq!(chains.load("my softer one").unwrap(), chain);
        let list = chains.list();
        let names: Vec<&str> = list.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["reference", "paper", "none", "my softer one"]);
        assert_eq!(
            (list[3].origin, list[3].about.as_str()),
            (Origin::Own, "softly")
        );
        chains.delete("my softer one").unwrap();
        assert!(chains.delete("my softer one").is_err());
        assert_eq!(chains.list().len(), 3);
    }

    #[test]
    fn shipped_names_and_names_that_are_no_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let chains = chains(folder.path());
        let chain = Chain::preset("none").unwrap();
        for name in [
            "reference",
            "",
            " x",
            ".x",
            "a/b",
            "..",
            "x.toml",
            "a\nb",
            "a\\b",
        ] {
            assert!(
                matches!(chains.save(name, &chain), Err(Error::BadName { .. })),
                "{name:?}"
            );
            assert!(chains.delete(name).is_err(), "{name:?}");
        }
        assert!(!chains.folder.exists(), "nothing was written");
        let senseless = Chain::preset("paper").map(|mut chain| {
            chain.steps[0].probability = 2.0;
            chain
        });
        assert!(chains.save("x", &senseless.unwrap()).is_err());
    }

    #[test]
    fn a_damaged_file_is_listed_with_its_problem_and_an_unknown_name_told_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let chains = chains(folder.path());
        std::fs::create_dir_all(&chains.folder).unwrap();
        std::fs::write(chains.path("broken"), "steps = 3").unwrap();
        let list = chains.list();
        assert!(
            list[3].problem.as_ref().unwrap().contains("steps"),
            "{list:?}"
        );
        let error = chains.find("brokn").unwrap_err().to_string();
        assert!(error.contains("none, broken"), "{error}");
    }
}
