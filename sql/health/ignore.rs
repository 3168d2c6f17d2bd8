//! Findings that nobody wants to see again.

/// The setting that names them.
pub const IGNORE: &str = "mcp_advisor.health_ignore";

/// Findings to leave out: `check:object` with `*` for any characters, several with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored(Vec<(String, String)>);

impl Ignored {
    /// Reads the setting. An entry without a colon is an object, whatever the check.
    #[must_use]
    pub fn read(setting: &str) -> Self {
        let entries = setting.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Self(
            entries
                .map(|entry| entry.split_once(':').unwrap_or(("*", entry)))
                .map(|(check, object)| (check.trim().to_owned(), object.trim().to_owned()))
                .collect(),
        )
    }

    /// Whether a finding on this object is to be left out.
    #[must_use]
    pub fn matches(&self, check: &str, object: &str) -> bool {
        self.0.iter().any(|(checks, objects)| like(checks, check) && like(objects, object))
    }
}

/// Whether `text` is what `pattern` describes.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    // `split` gives at least one part.
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(between) = last.replace(part) {
            match rest.find(between) {
                Some(at) => rest = &rest[at + between.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

/// What is said when findings were left out: never a silent pass.
#[must_use]
pub fn ignored(count: usize) -> String {
    format!("{count} findings of this check are left out by {IGNORE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("*", "", true),
            ("*", "public.t", true),
            ("public.*", "public.t", true),
            ("public.*", "publication.t", false),
            ("public.*_old", "public.t_old", true),
            ("public.*_old", "public._ol", false),
            ("*.a*b*c", "s.a1b2c", true),
            ("*.a*b*c", "s.a1c2b", false),
            ("ab*ba", "aba", false),
            ("public.t", "public.t2", false),
            ("*\"Ü*", "s.\"Über\"", true),
        ] {
            assert_eq!(like(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn entries_name_a_check_and_an_object() {
        let ignored = Ignored::read(" unused_index : public.audit* , *:staging.*,tmp.*,, ");
        assert!(ignored.matches("unused_index", "public.audit_2024"));
        assert!(!ignored.matches("duplicate_index", "public.audit_2024"));
        assert!(ignored.matches("duplicate_index", "staging.x"));
        assert!(ignored.matches("index_bloat", "tmp.i"));
        assert_eq!(Ignored::read(""), Ignored::default());
        assert!(!Ignored::default().matches("a", "b"));
    }
}
