//! The settings that hold the limits of the checks.

use std::ffi::CStr;

use super::TIME_LIMIT;

/// What a threshold is, with its default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Percents, or any other number: SQL reads it as `::double precision`.
    Number(f64),
    /// How many: SQL reads it as `::bigint`.
    Count(i32),
    /// A time in seconds: SQL reads it as `::interval`.
    Seconds(i32),
    /// A size in kB: SQL reads it by `pg_size_bytes`.
    Kilobytes(i32),
}

/// A setting that holds a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// `mcp_advisor.health_…`
    pub setting: &'static CStr,
    /// The default.
    pub limit: Limit,
    /// One sentence for `pg_settings`.
    pub about: &'static CStr,
}

impl Threshold {
    /// Its name as text.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.setting.to_str().unwrap_or_default()
    }

    /// Its default as `current_setting` would show it.
    #[must_use]
    pub fn default_text(&self) -> String {
        match self.limit {
            Limit::Number(number) => number.to_string(),
            Limit::Count(count) => count.to_string(),
            Limit::Seconds(n) => in_units(n, &[("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]),
            Limit::Kilobytes(n) => in_units(n, &[("GB", 1_048_576), ("MB", 1_024), ("kB", 1)]),
        }
    }
}

/// `number` in the largest of the units that divides it.
fn in_units(number: i32, units: &[(&str, i32)]) -> String {
    let unit = units.iter().find(|(_, size)| number != 0 && number % size == 0);
    unit.map_or_else(|| number.to_string(), |(name, size)| format!("{}{name}", number / size))
}

/// `threshold!("connection_usage_warning", Number(80.0), "About it.")`: a setting of
/// `mcp_advisor.health_`.
macro_rules! threshold {
    ($name:literal, $kind:ident($default:expr), $about:literal) => {
        crate::health::Threshold {
            setting: {
                let name = concat!("mcp_advisor.health_", $name, "\0").as_bytes();
                match std::ffi::CStr::from_bytes_with_nul(name) {
                    Ok(name) => name,
                    Err(_) => panic!("a name has no NUL"),
                }
            },
            limit: crate::health::Limit::$kind($default),
            about: match std::ffi::CStr::from_bytes_with_nul(concat!($about, "\0").as_bytes()) {
                Ok(about) => about,
                Err(_) => panic!("a description has no NUL"),
            },
        }
    };
}
pub(crate) use threshold;

/// A SELECT that prepares a transaction for the checks where there is no extension: every threshold
/// that is not set gets its default, and the limits are put on each statement that follows. A
/// `statement_timeout` that is lower stays.
#[must_use]
pub fn prepare() -> String {
    let values: Vec<String> = super::thresholds()
        .map(|one| format!("('{}', '{}')", one.name(), one.default_text()))
        .collect();
    format!(
        "select pg_catalog.count(pg_catalog.set_config(v.name, v.value, true)) \
         from (values {}) as v (name, value) \
         where nullif(pg_catalog.current_setting(v.name, true), '') is null \
         union all \
         select pg_catalog.count(pg_catalog.set_config(s.name, s.value, true)) \
         from (values ('lock_timeout', '{}'), ('search_path', '{}'), ('jit', 'off'), \
             ('statement_timeout', (select case when t.setting::integer between 1 and {TIME_LIMIT} \
                 then t.setting else '{TIME_LIMIT}' end \
                 from pg_catalog.pg_settings as t where t.name = 'statement_timeout')) \
         ) as s (name, value)",
        values.join(", "),
        super::LOCK_TIMEOUT,
        crate::SEARCH_PATH,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_as_they_are_shown() {
        let one = threshold!("x_warning", Seconds(300), "About.");
        assert_eq!(
            (one.name(), one.default_text()),
            ("mcp_advisor.health_x_warning", "5min".into())
        );
        assert_eq!(threshold!("x", Kilobytes(10), "About.").default_text(), "10kB");
        assert_eq!(threshold!("x", Kilobytes(2_097_152), "About.").default_text(), "2GB");
        assert_eq!(threshold!("x", Seconds(0), "About.").default_text(), "0");
        assert_eq!(threshold!("x", Number(62.5), "About.").default_text(), "62.5");
        assert_eq!(threshold!("x", Count(7), "About.").default_text(), "7");
    }

    #[test]
    fn names_are_of_checks_and_unique() {
        let mut names: Vec<&str> = super::super::thresholds().map(Threshold::name).collect();
        for name in &names {
            let rest = name.strip_prefix("mcp_advisor.health_").unwrap();
            assert!(
                super::super::checks().any(|check| rest.starts_with(&format!("{}_", check.name))),
                "{name}"
            );
            assert!(name.len() < 64, "{name}");
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn preparing_names_every_threshold() {
        let text = prepare();
        assert!(super::super::thresholds().all(|one| text.contains(one.name())));
    }
}
