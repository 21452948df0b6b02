//! Which runs are put together, and how, as options.

use attune_core::run::{Field, Grouping, Spread};

/// The groups of what is printed or drawn.
#[derive(Debug, clap::Args)]
pub(super) struct GroupArguments {
    /// Put together the runs that agree in all settings but these (`seed`): means, spread and N instead of each run
    #[arg(long, value_name = "SETTING", num_args = 1.., value_delimiter = ',', conflicts_with = "group_by")]
    group_but: Vec<String>,
    /// Put together the runs that have the same values of these fields
    #[arg(long, value_name = "FIELD", num_args = 1.., value_delimiter = ',')]
    group_by: Vec<String>,
    /// What stands behind the means of groups: `sd` (standard deviation) or `se` (standard error)
    #[arg(long, value_name = "SPREAD", default_value = "sd", value_parser = ["sd", "se"])]
    spread: String,
}

impl GroupArguments {
    pub(super) fn grouping(&self) -> Grouping {
        if !self.group_but.is_empty() {
            Grouping::AllBut(self.group_but.clone())
        } else if !self.group_by.is_empty() {
            let names = self.group_by.iter();
            Grouping::By(names.map(|name| Field::named(name)).collect())
        } else {
            Grouping::Single
        }
    }

    pub(super) fn spread(&self) -> Spread {
        match self.spread.as_str() {
            "se" => Spread::StandardError,
            _ => Spread::Deviation,
        }
    }
}
