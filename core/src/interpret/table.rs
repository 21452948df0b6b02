//! An explanation as a table: one line per tag and token.

use super::{Method, SongExplanation};
use std::io::{self, Write};

/// Writes `tag,token,time_s,probability,METHOD_UNIT`, tag after tag in the order of `tags` (indices), by `method` or by the first that there
/// is.
///
/// `time_s` is the token's centre (or the middle of a stretch). `probability` is the model's with the class token of the last layer reading only
/// this token (Won et al. 2019) if that map lies on the same tokens, and else that of the windows around it.
pub fn write_csv(
    explanation: &SongExplanation,
    method: Method,
    tags: &[usize],
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(map) = explanation.map_or_first(method) else {
        return Ok(());
    };
    let alone = explanation
        .map(Method::OnlyToken)
        .filter(|alone| alone.grid == map.grid);
    let (name, unit) = (map.method.name().replace('-', "_"), map.method.unit());
    let value_of = if name == unit {
        name
    } else {
        format!("{name}_{unit}")
    };
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["tag", "token", "time_s", "probability", &value_of])?;
    for &tag in tags {
        let Some(name) = explanation.tags.get(tag) else {
            continue;
        };
        for (token, value) in map.tag(tag).iter().enumerate() {
            let secs = map.grid.centre_secs(token);
            let probability = match alone {
                Some(map) => map.tag(tag).get(token).copied(),
                None => explanation.over_time.at_secs(secs, tag),
            };
            writer.write_record([
                name.clone(),
                token.to_string(),
                format!("{secs:.6}"),
                probability.map_or(String::new(), |p| p.to_string()),
                value.to_string(),
            ])?;
        }
    }
    writer.flush()
}
