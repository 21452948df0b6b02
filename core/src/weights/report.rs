//! How a file's tensors and a network's parameters go together.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How many names a sentence lists before it only counts.
const MOST_NAMES: usize = 4;

/// Counters of PyTorch's batch normalisation: they change no answer, and files before PyTorch 0.4.1 lack them.
const COUNTER: &str = "num_batches_tracked";

/// Dimensions by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// A parameter that the file has in another shape than the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongShape {
    /// The parameter.
    pub name: String,
    /// The network's.
    pub expected: Vec<usize>,
    /// The file's.
    pub found: Vec<usize>,
}

/// What was matched, missing, left over or of the wrong shape. Names are the network's, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// In both, of one shape.
    pub matched: Vec<String>,
    /// The network needs them, the file has them not.
    pub missing: Vec<String>,
    /// In both, of different shapes.
    pub wrong_shape: Vec<WrongShape>,
    /// The file has them, the network knows them not.
    pub unexpected: Vec<String>,
    /// Counters of batches that the file lacks, as files before PyTorch 0.4.1 do: they start at 0, and change no answer.
    pub absent_counters: Vec<String>,
}

impl Report {
    /// Compares. What is `optional` may be missing, and is matched in any shape.
    pub fn compare(expected: &Shapes, optional: &[&str], found: &Shapes) -> Self {
        let mut report = Self::default();
        for (name, expected) in expected {
            match found.get(name) {
                Some(found) if found == expected => report.matched.push(name.clone()),
                Some(found) => report.wrong_shape.push(WrongShape {
                    name: name.clone(),
                    expected: expected.clone(),
                    found: found.clone(),
                }),
                None if name.rsplit('.').next() == Some(COUNTER) => {
                    report.absent_counters.push(name.clone());
                }
                None => report.missing.push(name.clone()),
            }
        }
        for name in found.keys().filter(|name| !expected.contains_key(*name)) {
            if optional.contains(&name.as_str()) {
                report.matched.push(name.clone());
            } else {
                report.unexpected.push(name.clone());
            }
        }
        report.matched.sort();
        report
    }

    /// What becomes of the file's tensor of that name, which is the network's name for it.
    pub fn standing(&self, name: &str) -> Standing {
        if self.wrong_shape.iter().any(|wrong| wrong.name == name) {
            Standing::WrongShape
        } else if self.unexpected.iter().any(|other| other == name) {
            Standing::Unexpected
        } else {
            Standing::Matched
        }
    }

    /// Whether the network has all that it needs.
    pub fn fits(&self) -> bool {
        self.missing.is_empty() && self.wrong_shape.is_empty()
    }
}

/// What becomes of a tensor in a file of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The network takes it.
    Matched,
    /// It belongs to something beside the network.
    LeftOut,
    /// The network has it in another shape.
    WrongShape,
    /// The network does not know it.
    Unexpected,
}

impl Standing {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::LeftOut => "left out",
            Self::WrongShape => "wrong shape",
            Self::Unexpected => "unexpected",
        }
    }
}

/// One sentence: `79 matched, 2 missing (a, b), 1 of the wrong shape (c: [2] in the file, [3] in the network)`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} matched", self.matched.len())?;
        let wrong: Vec<String> = self
            .wrong_shape
            .iter()
            .map(|wrong| {
                let WrongShape {
                    name,
                    expected,
                    found,
                } = wrong;
                format!("{name}: {found:?} in the file, {expected:?} in the network")
            })
            .collect();
        for (what, names) in [
            ("missing", &self.missing),
            ("of the wrong shape", &wrong),
            ("unexpected", &self.unexpected),
        ] {
            if names.is_empty() {
                continue;
            }
            let shown = names[..names.len().min(MOST_NAMES)].join(", ");
            let more = if names.len() > MOST_NAMES {
                ", ..."
            } else {
                ""
            };
            write!(f, ", {} {what} ({shown}{more})", names.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(list: &[(&str, &[usize])]) -> Shapes {
        list.iter()
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
            .collect()
    }

    #[test]
    fn each_tensor_is_counted_once_and_named() {
        let expected = shapes(&[
            ("a", &[2, 3]),
            ("b", &[4]),
            ("bn.num_batches_tracked", &[]),
            ("c", &[5]),
        ]);
        let found = shapes(&[("a", &[2, 3]), ("b", &[7]), ("d", &[1]), ("window", &[9])]);
        let report = Report::compare(&expected, &["window"], &found);
        assert_eq!(report.matched, ["a", "window"]);
        assert_eq!(report.absent_counters, ["bn.num_batches_tracked"]);
        assert!(!report.fits());
        assert_eq!(
            report.to_string(),
            "2 matched, 1 missing (c), 1 of the wrong shape (b: [7] in the file, [4] in the network), 1 unexpected (d)"
        );
    }

    #[test]
    fn many_names_are_counted_and_not_listed() {
        let names: Vec<String> = (0..9).map(|i| format!("p{i}")).collect();
        let expected = names.iter().map(|name| (name.clone(), vec![1])).collect();
        let text = Report::compare(&expected, &[], &Shapes::new()).to_string();
        assert_eq!(text, "0 matched, 9 missing (p0, p1, p2, p3, ...)");
        let all = Report::compare(&expected, &[], &expected);
        assert!(all.fits());
        assert_eq!(all.to_string(), "9 matched");
    }
}
