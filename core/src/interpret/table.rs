//! An explanation as a table: one line per tag and token.

use super::{Method, SongExplanation};
use std::io::{self, Write};

/// The first line of [`write_csv`].
pub const CSV_HEADER: [&str; 5] = [
    "tag",
    "token",
    "time_s",
    "probability",
    "contribution_logit",
];

/// Writes `tag,token,time_s,probability,contribution_logit`, tag after tag in the order of `tags` (indices).
///
/// `time_s` is the token's centre, `probability` the model's with the class token of the last layer reading only this token
/// (Won et al. 2019), `contribution_logit` the logit of that less the logit with the class token reading only itself. For a network
/// without a class token, `time_s` is the middle of a stretch, `probability` that of the windows around it, and
/// `contribution_logit` what the logit loses if the stretch is silent.
pub fn write_csv(
    explanation: &SongExplanation,
    tags: &[usize],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(CSV_HEADER)?;
    for &tag in tags {
        let Some(name) = explanation.tags.get(tag) else {
            continue;
        };
        let alone = explanation.map(Method::OnlyToken);
        let Some(map) = explanation.map_or_first(Method::Contribution) else {
            continue;
        };
        let contributions = map.tag(tag);
        for (token, contribution) in contributions.iter().enumerate() {
            let secs = explanation.grid.centre_secs(token);
            let probability = match alone {
                Some(map) => map.tag(tag).get(token).copied(),
                None => explanation.over_time.at_secs(secs, tag),
            };
            writer.write_record([
                name.clone(),
                token.to_string(),
                format!("{secs:.6}"),
                probability.map_or(String::new(), |p| p.to_string()),
                contribution.to_string(),
            ])?;
        }
    }
    writer.flush()
}
