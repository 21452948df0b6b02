//! The file: markup that is the same for all pages, with style, script and data in it.

use super::Page;
use crate::figure::escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const CHARTS: &str = include_str!("charts.js");

/// The whole page.
pub(super) fn html(page: &Page) -> Result<String, serde_json::Error> {
    let json = inert(&serde_json::to_string(page)?);
    // Only scripts with this word run; it cannot be guessed by what is in the data, whose digest it is.
    let nonce = &blake3::hash(json.as_bytes()).to_hex()[..32];
    let title = escaped(&page.title);
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; media-src data:; base-uri 'none'; form-action 'none'"
    );
    Ok(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Attune">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
<header><h1>{title}</h1><p id="made"></p></header>
<nav id="contents" aria-label="Contents"></nav>
<main id="page"></main>
<noscript><p>This page draws itself from the data inside it and needs JavaScript for that; it loads nothing.</p></noscript>
<script type="application/json" id="data">{json}</script>
<script nonce="{nonce}">
{CHARTS}</script>
<script nonce="{nonce}">
{SCRIPT}</script>
</body>
</html>
"#
    ))
}

/// JSON in which nothing can end the element that it stands in, nor begin another one.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::super::{Told, data};
    use super::*;

    #[test]
    fn nothing_that_people_write_becomes_markup() {
        let evil = "</script><script>alert(1)</script><!-- & \u{2028} \"'";
        let options = super::super::Options {
            title: evil.to_owned(),
            ..super::super::Options::default()
        };
        let page = data::page(
            &options,
            Vec::new(),
            Told::Missing(evil.to_owned()),
            Told::Missing(evil.to_owned()),
        );
        let html = html(&page).unwrap();
        assert_eq!(html.matches("<script").count(), 3, "{html}");
        assert_eq!(html.matches("</script>").count(), 3);
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("<title>&lt;/script&gt;"));
        // And it says what was written.
        let json = html.split(r#"id="data">"#).nth(1).unwrap();
        let json = json.split("</script>").next().unwrap();
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(read["title"], evil);
        assert_eq!(read["examples"]["missing"], evil);
    }
}
