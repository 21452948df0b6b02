//! `attune report`: a run, or several compared, as one web page.

use super::{Console, Failure, Fault, ResultExt};
use anyhow::anyhow;
use attune_core::report::{self, Options, Told};
use attune_core::run;
use std::path::PathBuf;

/// Writes a run, or several compared, as one web page: curves to zoom into, tables to sort, test tracks to listen to.
///
/// Everything is in the one file; it loads nothing and can be sent as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune report demo-3 --out demo-3.html
  attune report demo-3 demo-4 demo-5 --out seeds.html --title \"Three seeds\"
  attune report demo-3 --out demo-3.html --clips 0     # without sound

The tracks are those of the test split with the best and the worst answers, and of several runs those on which they differ most. Their
sound comes from the run's data set, if that is still where it was.")]
pub(super) struct Args {
    /// Ids, beginnings of ids, or run folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// The page
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// Its heading (default: the runs' names)
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    title: String,
    /// So many test tracks at most
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=100))]
    clips: u16,
    /// So much of each
    #[arg(long, value_name = "SECONDS", default_value_t = 8.0)]
    clip_seconds: f64,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let ending = args.out.extension();
    if !ending.is_some_and(|ending| ending.eq_ignore_ascii_case("html")) {
        let why = anyhow!(
            "the page is written as .html, not as {}",
            args.out.display()
        );
        return Err(Failure::new(Fault::Usage, why));
    }
    if !(0.5..=60.0).contains(&args.clip_seconds) {
        let why = anyhow!("--clip-seconds lies between 0.5 and 60");
        return Err(Failure::new(Fault::Usage, why));
    }
    let workspace = console.workspace.runs();
    let folders = args.runs.iter().map(|run| run::find(&workspace, run));
    let folders: Vec<PathBuf> = folders.collect::<Result<_, _>>().bad_input()?;
    let options = Options {
        title: args.title,
        n_clips: usize::from(args.clips),
        clip_secs: args.clip_seconds,
        ..Options::default()
    };
    let job = console.job();
    let page = report::write(&args.out, &folders, &options, &job).failed()?;
    drop(job);
    if let Told::Missing(why) = &page.examples
        && options.n_clips > 0
    {
        console.say(why);
    }
    if let Told::Found(examples) = &page.examples {
        let missing = examples.clips.iter().filter_map(|clip| match &clip.audio {
            Told::Missing(why) => Some(format!("{}: {why}", clip.track)),
            Told::Found(_) => None,
        });
        for why in missing {
            console.say(&why);
        }
    }
    console.line(&args.out.display().to_string())
}
