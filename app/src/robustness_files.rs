//! The files that sweeps and robustness tables are written as, from the command line and from the window. A file's name says the format.

use anyhow::{Context, bail};
use attune_core::figure::Figure;
use attune_core::predict::ShownSweep;
use attune_core::train::{Robustness, robustness_figure, write_robustness_csv};
use attune_core::workspace::write_whole;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Pixels per point of the PNGs: 288 per inch.
const SCALE: f32 = 4.0;

/// Writes a sweep as .csv, .json, .svg or .png.
pub(crate) fn write_sweep(shown: &ShownSweep<'_>, path: &Path) -> anyhow::Result<()> {
    let named = || path.display().to_string();
    match extension(path)? {
        Extension::Csv => write_whole(path, |file| shown.write_csv(file)).with_context(named),
        Extension::Json => write_whole(path, |file| shown.write_json(file)).with_context(named),
        Extension::Svg => Ok(shown.figure().write_svg(path)?),
        Extension::Png => Ok(shown.figure().write_png(path, SCALE)?),
    }
}

/// Writes a robustness table as .csv or .json, or as .svg or .png, and names the files: a picture is of one effect, whose name then stands
/// before the ending.
pub(crate) fn write_robustness(table: &Robustness, path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let named = || path.display().to_string();
    let draw: fn(&Figure, &Path) -> Result<(), attune_core::figure::Error> = match extension(path)?
    {
        Extension::Csv => {
            write_whole(path, |file| write_robustness_csv(table, file)).with_context(named)?;
            return Ok(vec![path.to_owned()]);
        }
        Extension::Json => {
            write_whole(path, |file| {
                serde_json::to_writer_pretty(&mut *file, table)?;
                file.write_all(b"\n")
            })
            .with_context(named)?;
            return Ok(vec![path.to_owned()]);
        }
        Extension::Svg => Figure::write_svg,
        Extension::Png => |figure, path| figure.write_png(path, SCALE),
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let several = |effect: &&attune_core::train::EffectScores| effect.rungs.len() > 1;
    let mut written = Vec::new();
    for effect in table.effects.iter().filter(several) {
        let path = path.with_file_name(format!("{stem}.{}.{ending}", effect.effect));
        draw(&robustness_figure(table, effect), &path)?;
        written.push(path);
    }
    Ok(written)
}

enum Extension {
    Csv,
    Json,
    Svg,
    Png,
}

fn extension(path: &Path) -> anyhow::Result<Extension> {
    let extension = path.extension().and_then(OsStr::to_str);
    Ok(match extension.map(str::to_lowercase).as_deref() {
        Some("csv") => Extension::Csv,
        Some("json") => Extension::Json,
        Some("svg") => Extension::Svg,
        Some("png") => Extension::Png,
        _ => bail!(
            "written as .csv, .json, .svg or .png, not as {}",
            path.display()
        ),
    })
}
