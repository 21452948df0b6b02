//! The orders of tags that were published with data sets. A model's outputs have no names in many published files, only an order; of
//! MagnaTagATune there are two, with two columns exchanged.

use super::report::Entry;
use crate::dataset::{Check, Severity, import};

/// A published vocabulary in its order.
struct Published {
    name: &'static str,
    tags: Vec<&'static str>,
}

/// As `data/tags/top50.txt` has them; the importer takes the names from the tables.
const JAMENDO_TOP_50: [&str; 50] = [
    "genre---alternative",
    "genre---ambient",
    "genre---atmospheric",
    "genre---chillout",
    "genre---classical",
    "genre---dance",
    "genre---downtempo",
    "genre---easylistening",
    "genre---electronic",
    "genre---experimental",
    "genre---folk",
    "genre---funk",
    "genre---hiphop",
    "genre---house",
    "genre---indie",
    "genre---instrumentalpop",
    "genre---jazz",
    "genre---lounge",
    "genre---metal",
    "genre---newage",
    "genre---orchestral",
    "genre---pop",
    "genre---popfolk",
    "genre---poprock",
    "genre---reggae",
    "genre---rock",
    "genre---soundtrack",
    "genre---techno",
    "genre---trance",
    "genre---triphop",
    "genre---world",
    "instrument---acousticguitar",
    "instrument---bass",
    "instrument---computer",
    "instrument---drummachine",
    "instrument---drums",
    "instrument---electricguitar",
    "instrument---electricpiano",
    "instrument---guitar",
    "instrument---keyboard",
    "instrument---piano",
    "instrument---strings",
    "instrument---synthesizer",
    "instrument---violin",
    "instrument---voice",
    "mood/theme---emotional",
    "mood/theme---energetic",
    "mood/theme---film",
    "mood/theme---happy",
    "mood/theme---relaxing",
];

/// Those that are known, as far as importers have them in theirs.
fn published() -> [Published; 6] {
    let top_50 = import::MAGNATAGATUNE_TOP_50;
    [
        Published {
            name: "MagnaTagATune's 50 commonest tags (Won et al. 2020)",
            tags: top_50.to_vec(),
        },
        Published {
            name: "MagnaTagATune's 50 commonest tags (Lee et al. 2017)",
            tags: exchanged(&top_50, ["metal", "female voice"]),
        },
        Published {
            name: "the 50 tags of the Million Song Dataset's conventional split",
            tags: import::MSD_CONVENTIONAL_TAGS.to_vec(),
        },
        Published {
            name: "the 50 tags of the CALS split",
            tags: import::MSD_CALS_TAGS.to_vec(),
        },
        Published {
            name: "MTG-Jamendo's 50 commonest tags (data/tags/top50.txt)",
            tags: JAMENDO_TOP_50.to_vec(),
        },
        Published {
            name: "GTZAN's genres",
            tags: import::GTZAN_GENRES.to_vec(),
        },
    ]
}

/// The same tags with two in each other's place.
fn exchanged(tags: &[&'static str], two: [&'static str; 2]) -> Vec<&'static str> {
    let other = |tag: &'static str| match two.iter().position(|one| *one == tag) {
        Some(at) => two[1 - at],
        None => tag,
    };
    tags.iter().map(|tag| other(tag)).collect()
}

/// How a tag is compared: case, blanks and hyphens are told apart elsewhere.
fn folded(tag: &str) -> String {
    tag.chars()
        .filter(|sign| sign.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Compares a vocabulary with the published ones that have the same tags.
pub(super) fn check(tags: &[String], entries: &mut Vec<Entry>) {
    let own: Vec<String> = tags.iter().map(|tag| folded(tag)).collect();
    let mut sorted = own.clone();
    sorted.sort_unstable();
    let orders = published().into_iter().map(|published| {
        let order: Vec<String> = published.tags.iter().map(|tag| folded(tag)).collect();
        (published.name, order)
    });
    let same_tags: Vec<(&str, Vec<String>)> = orders
        .filter(|(_, order)| {
            let mut order = order.clone();
            order.sort_unstable();
            order == sorted
        })
        .collect();
    let Some((name, order)) = same_tags.first() else {
        return;
    };
    if same_tags.iter().any(|(_, order)| *order == own) {
        if let Some((other, _)) = same_tags.iter().find(|(_, order)| *order != own) {
            let message = format!(
                "there are two published orders of these tags; this is not that of {other}"
            );
            let mend =
                "mind which of them a model or a file of labels from elsewhere was made with";
            entries.push(Entry::new(
                Check::TagOrder,
                Severity::Note,
                other,
                message,
                mend,
            ));
        }
        return;
    }
    let off: Vec<String> = (0..own.len())
        .filter(|&place| own[place] != order[place])
        .take(4)
        .map(|place| format!("column {} is `{}`", place + 1, tags[place]))
        .collect();
    let n_off = (0..own.len())
        .filter(|&place| own[place] != order[place])
        .count();
    let message = format!(
        "the tags are {name}, but {n_off} of them stand elsewhere: {}{}",
        off.join(", "),
        if n_off > off.len() { " …" } else { "" }
    );
    let mend = "put them into the published order (rule `keep_tags`), if labels or models without names of tags are used with this data set";
    let mut entry = Entry::new(Check::TagOrder, Severity::Warning, name, message, mend);
    entry.finding.n_concerned = n_off;
    entries.push(entry);
}
