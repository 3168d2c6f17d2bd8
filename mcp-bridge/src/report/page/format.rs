//! Figures and words as the page shows them.

use crate::tools::text;

/// A share from 0 to 1 as percent, with as many digits as say something.
pub(in crate::report) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        magnitude if magnitude >= 10.0 || magnitude == 0.0 => format!("{percent:.0} %"),
        magnitude if magnitude >= 0.1 => format!("{percent:.1} %"),
        _ => "< 0.1 %".to_owned(),
    }
}

/// A size as `pg_size_pretty` has it.
pub(in crate::report) fn bytes(bytes: f64) -> String {
    text::size(bytes.round() as i64)
}

/// `duplicate_index` as `Duplicate index`.
pub(in crate::report) fn words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}

/// A whole number with commas between its thousands.
pub(super) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

/// A number of the planner or of a measure: whole ones with commas, others short.
pub(super) fn figure(value: f64) -> String {
    if value.abs() >= 100.0 || value.fract() == 0.0 {
        count(value.round() as i64)
    } else {
        text::number(value)
    }
}

/// Milliseconds in the unit that reads best.
pub(super) fn time(ms: f64) -> String {
    const MINUTE: f64 = 60_000.0;
    match ms {
        ms if ms < 1.0 => format!("{ms:.3} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 100_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms if ms < 100.0 * MINUTE => format!("{:.1} min", ms / MINUTE),
        ms => format!("{:.1} h", ms / MINUTE / 60.0),
    }
}

/// How long ago, in the largest unit that is full.
pub(super) fn age(seconds: f64) -> String {
    const UNITS: [(&str, f64); 4] =
        [("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0), ("second", 1.0)];
    let unit = UNITS.iter().find(|(_, length)| seconds >= *length);
    match unit {
        None => "just now".to_owned(),
        Some((name, length)) => {
            let number = (seconds / length).floor() as i64;
            let plural = if number == 1 { "" } else { "s" };
            format!("{} {name}{plural} ago", count(number))
        }
    }
}

/// `2026-11-27T16:35:28Z` as `2026-11-27 16:35 UTC`.
pub(super) fn moment(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(-1_234_567), "-1,234,567");
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(figure(1816.25), "1,816");
        assert_eq!(figure(4.56), "4.56");
        assert_eq!(figure(8.0), "8");
        assert_eq!(percent(0.6239), "62 %");
        assert_eq!(percent(0.062), "6.2 %");
        assert_eq!(percent(0.000_4), "< 0.1 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn times_have_the_unit_that_reads_best() {
        for (ms, shown) in [
            (0.0123, "0.012 ms"),
            (4.74, "4.7 ms"),
            (825.9, "826 ms"),
            (1_493.6, "1.5 s"),
            (600_000.0, "10.0 min"),
            (36_000_000.0, "10.0 h"),
        ] {
            assert_eq!(time(ms), shown);
        }
        assert_eq!(age(0.4), "just now");
        assert_eq!(age(61.0), "1 minute ago");
        assert_eq!(age(200_000.0), "2 days ago");
        assert_eq!(moment("2026-11-27T16:35:28Z"), "2026-11-27 16:35 UTC");
        assert_eq!(moment("?"), "?");
    }

    #[test]
    fn names_read_as_words() {
        assert_eq!(words("duplicate_index"), "Duplicate index");
        assert_eq!(words(""), "");
    }
}
