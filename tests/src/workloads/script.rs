//! Scripts in parts, each headed by a comment of its own.

/// A part of a script: `--- TITLE`, then SQL.
pub(super) struct Part {
    /// What stands after the three dashes.
    pub(super) title: &'static str,
    /// Everything up to the next part.
    pub(super) sql: &'static str,
}

/// The parts of `text`; what stands before the first one is a comment.
pub(super) fn parts(text: &'static str) -> Vec<Part> {
    let after = |rest: &'static str| {
        let (title, sql) = rest.split_once('\n').unwrap_or((rest, ""));
        Part { title: title.trim(), sql: sql.trim() }
    };
    let after_comment = || text.split_once("\n--- ").map_or("", |(_, rest)| rest);
    let text = text.strip_prefix("--- ").unwrap_or_else(after_comment);
    if text.is_empty() {
        return Vec::new();
    }
    text.split("\n--- ").map(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_title_and_text() {
        let found = parts("-- a comment\n--- one, two\nselect 1;\n\n--- three\nselect 2;\n");
        let found: Vec<_> = found.iter().map(|part| (part.title, part.sql)).collect();
        assert_eq!(found, [("one, two", "select 1;"), ("three", "select 2;")]);
        assert!(parts("nothing").is_empty());
    }
}
