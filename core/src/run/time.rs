//! Points in time for tables, without a calendar library.

/// `2025-11-22 13:05` (UTC) from milliseconds since 1970.
pub fn utc_text(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    let [year, month, day] = civil(minutes / 1440);
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

/// Year, month and day from days since 1970 (Hinnant, *chrono-compatible low-level date algorithms*): years begin in March, so
/// that the leap day is the last of its year.
fn civil(days: u64) -> [u64; 3] {
    let from_0000_march = days + 719_468;
    let (era, day_of_era) = (from_0000_march / 146_097, from_0000_march % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    [era * 400 + year_of_era + u64::from(month <= 2), month, day]
}

/// The beginning of a day (UTC), in milliseconds since 1970, from `2025-11-22`; `None` for what is no such day, or is before 1970.
pub(super) fn day_unix_ms(text: &str) -> Option<u64> {
    let typed = text.parse::<toml::value::Datetime>().ok()?;
    let date = typed.date.filter(|_| typed.time.is_none())?;
    // The inverse of `civil`.
    let (month, year) = (i64::from(date.month), i64::from(date.year));
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(date.day) - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    Some(u64::try_from(days).ok()? * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        for days in [0, 58, 59, 11_016, 11_017, 19_781, 20_779, 40_000] {
            let ms = days * 86_400_000;
            assert_eq!(day_unix_ms(&utc_text(ms)[..10]), Some(ms));
        }
        assert_eq!(
            day_unix_ms("2026-11-30T15:00:00"),
            None,
            "a time of day would be passed over"
        );
        assert_eq!(day_unix_ms("yesterday"), None);
        assert_eq!(day_unix_ms("1969-12-31"), None);
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        for (unix_s, text) in [
            (0, "1970-01-01 00:00"),
            (951_782_340, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (1_709_251_199, "2024-02-29 23:59"),
            (1_709_251_200, "2024-03-01 00:00"),
            (4_107_542_400, "2100-03-01 00:00"),
        ] {
            assert_eq!(utc_text(unix_s * 1000), text);
        }
    }
}
