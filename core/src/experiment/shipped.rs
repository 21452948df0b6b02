//! The plans that come with Attune: the paper's tables, and a quick variant of each for a laptop and the demo data set.

use super::{Error, Plan};

macro_rules! plans {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../assets/presets/plans/", $name, ".toml")))),*]
    };
}

/// Names and files.
const SHIPPED: [(&str, &str); 8] = plans![
    "table3-quick" "table4-quick" "table5-quick" "figure2-quick" "table3" "table4" "table5" "figure2"
];

/// All plans that come with Attune, the quick ones first.
pub fn shipped() -> Result<Vec<Plan>, Error> {
    let plans = SHIPPED.iter().map(|(name, text)| Plan::parse(text, name));
    plans.collect()
}

impl Plan {
    /// The shipped plan of that name. Fails with [`Error::UnknownPlan`].
    pub fn shipped(name: &str) -> Result<Self, Error> {
        let found = SHIPPED.iter().find(|(known, _)| *known == name);
        let (name, text) = found.ok_or_else(|| Error::UnknownPlan {
            name: name.to_owned(),
            known: SHIPPED.map(|(known, _)| known).join(", "),
        })?;
        Self::parse(text, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Metric, Overrides};
    use crate::models::registry;
    use crate::train::DataChoice;

    /// On the demo set where the plan needs one of the user's.
    fn check(name: &str) {
        let demo = Overrides {
            data: Some(DataChoice::Demo),
            ..Overrides::default()
        };
        let plan = Plan::shipped(name).unwrap();
        assert_eq!(plan.name, name);
        assert!(!plan.effort.is_empty(), "{name} says how long it takes");
        plan.with(&demo).unwrap().check().unwrap();
        let is_quick = name.ends_with("-quick");
        assert_eq!(plan.check().is_ok(), is_quick, "{name} needs no data set");
        assert!(!is_quick || plan.seeds.len() <= 2);
    }

    #[test]
    fn supervised_plans_are_possible() {
        for name in ["table3", "table5", "figure2"] {
            check(name);
            check(&format!("{name}-quick"));
        }
    }

    #[test]
    fn plans_with_students_are_possible() {
        check("table4");
        check("table4-quick");
    }

    #[test]
    fn tables_have_the_rows_of_the_paper() {
        let rows = |name: &str| Plan::shipped(name).unwrap().cells.len();
        assert_eq!(
            [
                rows("table3"),
                rows("table4"),
                rows("table5"),
                rows("figure2")
            ],
            [11, 8, 13, 14]
        );
    }

    #[test]
    fn figures_of_the_paper_are_those_of_the_registry() {
        for table in ["table3", "table4"] {
            let plan = Plan::shipped(table).unwrap();
            for cell in &plan.cells {
                let preset = plan.settings(cell)["model"]["preset"]
                    .as_str()
                    .map(str::to_owned);
                let card = registry()
                    .iter()
                    .find(|card| Some(card.preset) == preset.as_deref());
                let published = card.unwrap().published;
                assert!(
                    published.iter().any(|score| {
                        cell.paper[&Metric::RocAuc] == score.roc_auc
                            && cell.paper[&Metric::AveragePrecision] == score.pr_auc
                    }),
                    "{table}, {}",
                    cell.id
                );
            }
        }
    }

    #[test]
    fn a_teacher_is_trained_before_its_students() {
        let plan = Plan::shipped("table4").unwrap();
        let tasks = plan.tasks();
        assert_eq!(tasks.len(), 8 * plan.seeds.len());
        for (at, task) in tasks.iter().enumerate() {
            if let Some(teacher) = plan.teacher(task) {
                assert!(tasks[..at].contains(&teacher), "{task}");
            }
        }
        assert!(
            Plan::shipped("table9")
                .unwrap_err()
                .to_string()
                .contains("table5-quick")
        );
    }
}
