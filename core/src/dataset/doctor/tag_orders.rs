//! The orders of tags that were published with data sets. A model's outputs have no names in many published files, only an order; of
//! MagnaTagATune there are two, with two columns exchanged.

use super::report::Entry;
use crate::dataset::{Check, Severity};

/// A published vocabulary in its order.
struct Published {
    name: &'static str,
    tags: &'static str,
}

const PUBLISHED: [Published; 6] = [
    Published {
        name: "MagnaTagATune's 50 commonest tags (Won et al. 2020)",
        tags: "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,metal,female voice,choral",
    },
    Published {
        name: "MagnaTagATune's 50 commonest tags (Lee et al. 2017)",
        tags: "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,female voice,metal,choral",
    },
    Published {
        name: "the 50 tags of the Million Song Dataset's conventional split",
        tags: "rock,pop,alternative,indie,electronic,female vocalists,dance,00s,alternative rock,jazz,beautiful,metal,chillout,male vocalists,classic rock,soul,indie rock,Mellow,electronica,80s,folk,90s,chill,instrumental,punk,oldies,blues,hard rock,ambient,acoustic,experimental,female vocalist,guitar,Hip-Hop,70s,party,country,easy listening,sexy,catchy,funk,electro,heavy metal,Progressive rock,60s,rnb,indie pop,sad,House,happy",
    },
    Published {
        name: "the 50 tags of the CALS split",
        tags: "rock,pop,indie,alternative,electronic,hip-hop,metal,jazz,punk,folk,alternative rock,indie rock,dance,hard rock,00s,soul,hardcore,80s,country,classic rock,punk rock,blues,chillout,experimental,heavy metal,death metal,90s,reggae,progressive rock,ambient,acoustic,beautiful,british,rnb,funk,metalcore,mellow,world,guitar,trance,indie pop,christian,house,spanish,latin,psychedelic,electro,piano,70s,progressive metal",
    },
    Published {
        name: "MTG-Jamendo's 50 commonest tags (data/tags/top50.txt)",
        tags: "genre---alternative,genre---ambient,genre---atmospheric,genre---chillout,genre---classical,genre---dance,genre---downtempo,genre---easylistening,genre---electronic,genre---experimental,genre---folk,genre---funk,genre---hiphop,genre---house,genre---indie,genre---instrumentalpop,genre---jazz,genre---lounge,genre---metal,genre---newage,genre---orchestral,genre---pop,genre---popfolk,genre---poprock,genre---reggae,genre---rock,genre---soundtrack,genre---techno,genre---trance,genre---triphop,genre---world,instrument---acousticguitar,instrument---bass,instrument---computer,instrument---drummachine,instrument---drums,instrument---electricguitar,instrument---electricpiano,instrument---guitar,instrument---keyboard,instrument---piano,instrument---strings,instrument---synthesizer,instrument---violin,instrument---voice,mood/theme---emotional,mood/theme---energetic,mood/theme---film,mood/theme---happy,mood/theme---relaxing",
    },
    Published {
        name: "GTZAN's genres",
        tags: "blues,classical,country,disco,hiphop,jazz,metal,pop,reggae,rock",
    },
];

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
    let orders = PUBLISHED.iter().map(|published| {
        let order: Vec<String> = published.tags.split(',').map(folded).collect();
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
