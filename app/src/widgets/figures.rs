//! Numbers as the user reads them: always with their unit, always as many digits as mean something.

/// A length of time: "0.42 s", "12.3 s", "4 min 05 s", "2 h 03 min".
pub fn duration_text(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 0.0995 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 9.95 => format!("{seconds:.2} s"),
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..172_800 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// How long something takes, for guesses: "less than a minute", "about 58 min", "about 2 h 10 min".
pub fn about_text(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match minutes as u64 {
        _ if !minutes.is_finite() || seconds < 0.0 => "–".to_owned(),
        0 => "less than a minute".to_owned(),
        minutes @ 1..90 => format!("about {minutes} min"),
        minutes => format!("about {}", duration_text((minutes / 10 * 10) as f64 * 60.0)),
    }
}

/// A count with thin spaces between groups of three: "4 567 732".
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A score between 0 and 1: "0.873", or "–" where it is undefined.
pub fn score_text(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"))
}

/// A rate: "8.4 clips/s", "640 clips/s".
pub fn rate_text(rate: f64, unit: &str) -> String {
    if rate < 99.5 {
        format!("{rate:.1} {unit}")
    } else {
        format!("{rate:.0} {unit}")
    }
}

/// A number of any size with four digits that mean something: "0.0001", "1.25e-5", "0.6931", "12.35".
pub fn number_text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e6).contains(&size) {
        let text = format!("{number:.2e}");
        text.replace(".00e", "e")
    } else if size < 10.0 {
        let text = format!("{number:.*}", if size < 0.01 { 5 } else { 4 });
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else if size < 1000.0 {
        let text = format!("{number:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_no_false_digits() {
        for (seconds, text) in [
            (0.0042, "4 ms"),
            (0.42, "0.42 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min 00 s"),
            (245.0, "4 min 05 s"),
            (7380.0, "2 h 03 min"),
            (200_000.0, "2 d 7 h"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(duration_text(seconds), text);
        }
    }

    #[test]
    fn guesses_do_not_pretend() {
        for (seconds, text) in [
            (20.0, "less than a minute"),
            (89.4 * 60.0, "about 89 min"),
            (139.0 * 60.0, "about 2 h 10 min"),
            (-1.0, "–"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(about_text(seconds), text);
        }
    }

    #[test]
    fn numbers_keep_what_means_something() {
        for (number, text) in [
            (1e-4, "0.0001"),
            (1e-5, "1e-5"),
            (1.25e-5, "1.25e-5"),
            (0.693_247, "0.6932"),
            (0.5, "0.5"),
            (12.345, "12.35"),
            (100.0, "100"),
            (0.0, "0"),
        ] {
            assert_eq!(number_text(number), text);
        }
        assert_eq!(count_text(4_567_732), "4\u{2009}567\u{2009}732");
    }
}
