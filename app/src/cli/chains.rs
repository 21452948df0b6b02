//! `attune chains`: the augmentation chains that there are, what is in one, and how two differ.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::augment::{Chain, Chains, Difference, Entry, Error, Origin};

/// List augmentation chains, show one, say what it does otherwise than another, keep one under a name, and delete one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A chain is named by a shipped chain's name (reference, paper, none), by the name of an own one
(WORKSPACE/chains/NAME.toml), or by a .toml file.

Examples:
  attune chains list
  attune chains show reference > ~/my-chain.toml
  attune chains diff my-chain
  attune chains save my-chain ~/my-chain.toml
  attune chains delete my-chain")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the shipped chains and the own ones
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a chain as TOML
    Show {
        /// The chain
        #[arg(value_name = "CHAIN")]
        name: String,
    },
    /// Keep a chain under a name of one's own, by which `train`, `augment` and the window find it
    Save {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// The chain: a .toml file, or the name of another chain
        #[arg(value_name = "CHAIN")]
        from: String,
        /// Replace an own chain of that name
        #[arg(long)]
        replace: bool,
    },
    /// Delete an own chain; runs that used it keep it in full
    Delete {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Say what a chain does otherwise than another
    Diff {
        /// The chain
        #[arg(value_name = "CHAIN")]
        name: String,
        /// What it is held against
        #[arg(long, value_name = "CHAIN", default_value = "reference")]
        against: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    match args.command {
        Command::List { json } => list(json, console),
        Command::Show { name } => {
            let text = find(&name, console)?.to_toml().failed()?;
            console.line(text.trim_end())
        }
        Command::Save {
            name,
            from,
            replace,
        } => {
            let chain = find(&from, console)?;
            let chains = Chains::of(&console.workspace);
            let is_there = |entry: &Entry| entry.name == name && entry.origin == Origin::Own;
            if !replace && chains.list().iter().any(is_there) {
                let why = format!(
                    "there is a chain {name} already: say --replace, or choose another name"
                );
                return Err(Failure::new(Fault::Usage, anyhow::anyhow!(why)));
            }
            let path = chains.save(&name, &chain).bad_input()?;
            console.line(&path.display().to_string())
        }
        Command::Delete { name } => {
            let chains = Chains::of(&console.workspace);
            if !chains.list().iter().any(|entry| entry.name == name) {
                find(&name, console)?;
            }
            chains.delete(&name).bad_input()?;
            console.say(&format!("deleted {name}"));
            Ok(())
        }
        Command::Diff {
            name,
            against,
            json,
        } => {
            let found = find(&name, console)?.diff(&find(&against, console)?);
            diff(&found, &name, &against, json, console)
        }
    }
}

/// The chain of that name; a name that is not known is a mistake in the command, a damaged file is not.
pub(super) fn find(name: &str, console: &Console) -> Result<Chain, Failure> {
    let found = Chains::of(&console.workspace).find(name);
    found.map_err(|error| {
        let fault = match error {
            Error::UnknownChain { .. } => Fault::Usage,
            _ => Fault::BadInput,
        };
        Failure::new(fault, error)
    })
}

fn list(json: bool, console: &Console) -> Result<(), Failure> {
    let entries = Chains::of(&console.workspace).list();
    if json {
        return console.json(&entries);
    }
    let width = entries.iter().map(|entry| entry.name.chars().count()).max();
    let width = width.unwrap_or_default();
    for entry in &entries {
        let origin = match entry.origin {
            Origin::Shipped => "shipped",
            Origin::Own => "own",
        };
        let about = match &entry.problem {
            Some(problem) => format!("cannot be used: {problem}"),
            None => entry.about.clone(),
        };
        // One chain a line, however its file is broken up.
        let about: Vec<&str> = about.split_whitespace().collect();
        let line = format!("{:<width$}  {origin:<7}  {}", entry.name, about.join(" "));
        console.line(line.trim_end())?;
    }
    Ok(())
}

fn diff(
    found: &[Difference],
    name: &str,
    against: &str,
    json: bool,
    console: &Console,
) -> Result<(), Failure> {
    if json {
        return console.json(&found);
    }
    if found.is_empty() {
        console.say(&format!("{name} does what {against} does"));
    }
    for difference in found {
        console.line(&difference.to_string())?;
    }
    Ok(())
}
