//! The files that sweeps and robustness tables are written as, from the command line and from the window. A file's name says the format: a
//! table and JSON have all figures, the others show what a plot can.

use anyhow::Context;
use attune_core::figure::{Format, Print};
use attune_core::predict::ShownSweep;
use attune_core::train::{DrawnScore, Robustness, robustness_figure, write_robustness_csv};
use attune_core::workspace::write_whole;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes a sweep as .csv or .json, or draws it as .svg, .png, .pdf or .tex.
pub(crate) fn write_sweep(
    shown: &ShownSweep<'_>,
    path: &Path,
    print: &Print,
) -> anyhow::Result<()> {
    let named = || path.display().to_string();
    match File::of(path)? {
        File::Csv => write_whole(path, |file| shown.write_csv(file)).with_context(named),
        File::Json => write_whole(path, |file| shown.write_json(file)).with_context(named),
        File::Plot => Ok(print.apply(&shown.figure()).write(path)?),
    }
}

/// Writes a robustness table as .csv or .json, or draws it, and names the files: a picture is of one effect, whose name then stands before
/// the ending.
pub(crate) fn write_robustness(
    table: &Robustness,
    path: &Path,
    print: &Print,
) -> anyhow::Result<Vec<PathBuf>> {
    let named = || path.display().to_string();
    match File::of(path)? {
        File::Csv => {
            write_whole(path, |file| write_robustness_csv(table, file)).with_context(named)?;
            return Ok(vec![path.to_owned()]);
        }
        File::Json => {
            write_whole(path, |file| {
                serde_json::to_writer_pretty(&mut *file, table)?;
                file.write_all(b"\n")
            })
            .with_context(named)?;
            return Ok(vec![path.to_owned()]);
        }
        File::Plot => {}
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let several = |effect: &&attune_core::train::EffectScores| effect.rungs.len() > 1;
    let mut written = Vec::new();
    for effect in table.effects.iter().filter(several) {
        let path = path.with_file_name(format!("{stem}.{}.{ending}", effect.effect));
        print
            .apply(&robustness_figure(table, effect, DrawnScore::RocAuc))
            .write(&path)?;
        written.push(path);
    }
    Ok(written)
}

/// What a file is, by its ending.
enum File {
    Csv,
    Json,
    Plot,
}

impl File {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
        {
            return Ok(Self::Json);
        }
        let format =
            Format::of(path).with_context(|| "all figures are written as .csv or .json")?;
        Ok(if format == Format::Csv {
            Self::Csv
        } else {
            Self::Plot
        })
    }
}
