//! The files that an explained song is written as, from the command line and from the window.

use anyhow::Context;
use attune_core::audio::write_clip;
use attune_core::figure::{Figure, Print};
use attune_core::interpret::{
    Backdrop, Drawing, DrawnTag, Method, SongExplanation, Sounds, Source, draw, write_csv,
    write_jams, write_json, write_svl,
};
use attune_core::predict::Model;
use attune_core::workspace::write_whole;
use clap::ValueEnum;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The picture, in pixels
    Png,
    /// The picture, in lines
    Svg,
    /// The picture, in lines, for papers
    Pdf,
    /// The picture for pgfplots (LaTeX), with its numbers
    Tex,
    /// A table, one line per tag and token
    Csv,
    /// All values, with units
    Json,
    /// JSON Annotated Music Specification
    Jams,
    /// Layers for Sonic Visualiser
    Svl,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Tex => "tex",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jams => "jams",
            Self::Svl => "svl",
        }
    }
}

/// What is written.
pub(crate) struct Shown<'a> {
    /// Names the files.
    pub(crate) name: &'a str,
    pub(crate) model: &'a Model,
    pub(crate) out: &'a Path,
    /// The rate of the song's file itself.
    pub(crate) file_rate_hz: u32,
    /// At the model's rate.
    pub(crate) wave: &'a [f32],
    pub(crate) explanation: &'a SongExplanation,
    /// The method of tables and layers.
    pub(crate) method: Method,
    /// The stretch of the song that pictures show.
    pub(crate) secs: Range<f64>,
    /// The tags, and in pictures their lanes.
    pub(crate) rows: Vec<DrawnTag<'a>>,
    /// How large pictures are.
    pub(crate) print: Print,
}

impl Shown<'_> {
    /// Writes in these formats, each once, and names the files.
    pub(crate) fn write(&self, formats: &[Format]) -> anyhow::Result<Vec<PathBuf>> {
        let name = self.name;
        let source = Source {
            song: name,
            model: &self.model.name,
            fingerprint: &self.model.fingerprint,
        };
        let (explanation, method) = (self.explanation, self.method);
        let tags: Vec<usize> = self.rows.iter().map(|row| row.tag).collect();
        let tags = &tags[..];
        let mut figure = None;
        let mut written = Vec::new();
        for (at, &format) in formats.iter().enumerate() {
            if formats[..at].contains(&format) {
                continue;
            }
            let path = self.out.join(format!("{name}.{format}"));
            let failed = || path.display().to_string();
            match format {
                Format::Png | Format::Svg | Format::Pdf | Format::Tex => {
                    let figure = figure.get_or_insert_with(|| self.print.apply(&self.figure()));
                    figure.write(&path)?;
                }
                Format::Csv => {
                    write_whole(&path, |file| write_csv(explanation, method, tags, file))
                        .with_context(failed)?;
                }
                Format::Json => {
                    write_whole(&path, |file| write_json(explanation, &source, tags, file))
                        .with_context(failed)?;
                }
                Format::Jams => write_whole(&path, |file| {
                    write_jams(explanation, &source, method, tags, file)
                })
                .with_context(failed)?,
                Format::Svl => {
                    written.extend(self.write_layers(tags)?);
                    continue;
                }
            }
            written.push(path);
        }
        Ok(written)
    }

    /// A layer for each tag, or a single one of a method that knows no tags.
    fn write_layers(&self, tags: &[usize]) -> anyhow::Result<Vec<PathBuf>> {
        let (song, method) = (self.name, self.method.name());
        let mut written: Vec<PathBuf> = Vec::new();
        for &tag in tags {
            let stem = if self.method.is_shared() {
                format!("{song}.{method}")
            } else {
                format!("{song}.{}.{method}", in_a_name(&self.explanation.tags[tag]))
            };
            let mut path = self.out.join(format!("{stem}.svl"));
            // Tags that differ only in what no name may hold.
            if written.contains(&path) {
                path = self.out.join(format!("{stem}.{}.svl", written.len() + 1));
            }
            write_whole(&path, |file| {
                write_svl(self.explanation, self.method, tag, self.file_rate_hz, file)
            })
            .with_context(|| path.display().to_string())?;
            written.push(path);
            if self.method.is_shared() {
                break;
            }
        }
        Ok(written)
    }

    /// The picture.
    pub(crate) fn figure(&self) -> Figure {
        let front_end = self.model.config.input().picture();
        // A song too short for one frame has no picture, but may still be explained (padded).
        let log_mel = self.model.picture(self.wave).ok();
        let secs_per_frame = front_end.hop_samples as f64 / f64::from(front_end.sample_rate_hz);
        draw(
            self.explanation,
            &Drawing {
                title: &format!("{} — {}", self.name, self.model.name),
                backdrop: Backdrop {
                    wave: self.wave,
                    rate_hz: self.model.sample_rate_hz(),
                    log_mel: log_mel.as_ref().map(|log_mel| (log_mel, secs_per_frame)),
                },
                secs: self.secs.clone(),
                rows: self.rows.clone(),
            },
        )
    }
}

/// Writes what a tag's evidence in a song sounds like, beside the files that are `taken` already, and names the files.
pub(crate) fn write_sounds(
    out: &Path,
    song: &str,
    tag: &str,
    sounds: &Sounds,
    taken: &[PathBuf],
) -> anyhow::Result<Vec<PathBuf>> {
    let clips = [
        ("moments", &sounds.in_a_row),
        ("evidence", &sounds.evidence),
        ("without", &sounds.without),
    ];
    let written = clips.into_iter().map(|(what, clip)| {
        let mut path = out.join(format!("{song}.{}.{what}.wav", in_a_name(tag)));
        // Tags that differ only in what no name may hold.
        if taken.contains(&path) {
            path = out.join(format!(
                "{song}.{}.{}.{what}.wav",
                in_a_name(tag),
                taken.len()
            ));
        }
        write_clip(&path, clip)?;
        Ok(path)
    });
    written.collect()
}

/// A tag as a part of a file's name: what a file system might refuse becomes a hyphen.
fn in_a_name(tag: &str) -> String {
    tag.chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect()
}
