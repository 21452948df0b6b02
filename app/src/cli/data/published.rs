//! What `attune data` says of data sets as they were published: layouts, named splits, findings; and where their parts lie.

use crate::cli::{Console, Failure, ResultExt};
use anyhow::anyhow;
use attune_core::dataset::{Collection, Description, Finding, Place, Split, import};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options for data sets whose annotations and audio lie in different folders.
#[derive(Debug, clap::Args)]
pub(super) struct Apart {
    /// Folder of the audio, if it does not lie with the annotations
    #[arg(long, value_name = "DIR", requires = "save_as")]
    audio: Option<PathBuf>,
    /// Layout of the annotations (attune data layouts), if it is not to be found out
    #[arg(long, value_name = "ID", requires = "save_as")]
    layout: Option<String>,
    /// Write a description (.toml) that is taken wherever a data set's folder is
    #[arg(long, value_name = "FILE")]
    save_as: Option<PathBuf>,
}

impl Apart {
    /// Writes the description, if one was asked for; what is to be opened then.
    pub(super) fn place(self, folder: PathBuf, console: &Console) -> Result<PathBuf, Failure> {
        let Some(file) = self.save_as else {
            return Ok(folder);
        };
        if file.extension().is_none_or(|ending| ending != "toml") {
            let problem = anyhow!("a description ends in .toml: {}", file.display());
            return Err(problem).bad_input();
        }
        if file.exists() && !Description::is_one(&file) {
            let problem = anyhow!(
                "there is a file that is no description of a data set, and it is not overwritten; choose another name: {}",
                file.display()
            );
            return Err(problem).bad_input();
        }
        let place = Place::parse(&folder);
        let description = Description {
            layout: self.layout,
            annotations: place.folder,
            audio: self.audio,
            split: place.split,
        };
        let description = description.absolute().bad_input()?;
        // What is written can be opened: a wrong layout, folder or split is told before.
        description.check(&file).bad_input()?;
        description.write(&file).failed()?;
        console.say(&format!("wrote {}", file.display()));
        Ok(file)
    }
}

/// A layout, as `attune data layouts --json` prints it.
#[derive(Debug, Serialize)]
struct LayoutLine {
    id: &'static str,
    title: &'static str,
    files: &'static str,
}

/// `attune data layouts`.
pub(super) fn layouts(json: bool, console: &Console) -> Result<(), Failure> {
    let lines = import::LAYOUTS.map(|layout| LayoutLine {
        id: layout.id(),
        title: layout.title(),
        files: layout.origin(),
    });
    if json {
        return console.json(&lines);
    }
    for line in lines {
        console.line(&format!("{:<15}{}", line.id, line.title))?;
        console.line(&format!("{:<15}{}", "", line.files))?;
    }
    Ok(())
}

/// What `attune data splits --json` prints.
#[derive(Debug, Serialize)]
struct Told<'a> {
    name: &'a str,
    layout: &'a str,
    root: String,
    recordings: usize,
    splits: Vec<SplitLine<'a>>,
    findings: &'a [Finding],
}

/// A named split.
#[derive(Debug, Serialize)]
struct SplitLine<'a> {
    name: &'a str,
    tags: usize,
    parts: BTreeMap<Split, usize>,
}

/// `attune data splits`.
pub(super) fn splits(folder: &Path, json: bool, console: &Console) -> Result<(), Failure> {
    let collection = Collection::open(folder).bad_input()?;
    let lines = collection.splits.iter().map(|split| {
        let mut parts = BTreeMap::new();
        for (_, part) in &split.parts {
            *parts.entry(*part).or_insert(0) += 1;
        }
        let labelling = collection.labellings.get(split.labelling);
        SplitLine {
            name: &split.name,
            tags: labelling.map_or(0, |labelling| labelling.tags.len()),
            parts,
        }
    });
    let told = Told {
        name: &collection.name,
        layout: collection.layout,
        root: collection.root.to_string_lossy().into_owned(),
        recordings: collection.recordings.len(),
        splits: lines.collect(),
        findings: &collection.findings,
    };
    if json {
        return console.json(&told);
    }
    console.line(&format!("{} ({}, {})", told.name, told.layout, told.root))?;
    let heads = Split::ALL.map(|part| format!("{part:>12}")).concat();
    console.line(&format!("{:<24}{:>6}{heads}", "", "tags"))?;
    for split in &told.splits {
        let count = |part: &Split| split.parts.get(part).copied().unwrap_or_default();
        let counts = Split::ALL
            .map(|part| format!("{:>12}", count(&part)))
            .concat();
        let name = if split.name.is_empty() {
            "(the only one)"
        } else {
            split.name
        };
        console.line(&format!("{name:<24}{:>6}{counts}", split.tags))?;
    }
    say_findings(told.findings, console);
    Ok(())
}

/// Says what reading the annotations found, the gravest first.
pub(super) fn say_findings(findings: &[Finding], console: &Console) {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in sorted {
        console.say(&finding.to_string());
    }
}
