//! Cuts answers to a screen.

/// Characters of a line.
const WIDTH: usize = 110;

/// Lines of an answer.
const LINES: usize = 17;

/// A line, cut with a mark where it is too long.
pub(super) fn line(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first lines of a text, and how many more there are.
pub(super) fn screen(text: &str) -> Vec<String> {
    let total = text.lines().count();
    let mut lines: Vec<String> = text.lines().take(LINES).map(line).collect();
    if total > lines.len() {
        lines.push(format!("[{} more lines]", total - lines.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_marked() {
        assert_eq!(line("short"), "short");
        assert_eq!(line(&"ä".repeat(WIDTH)), "ä".repeat(WIDTH));
        assert_eq!(line(&"ä".repeat(WIDTH + 1)), format!("{}…", "ä".repeat(WIDTH)));
        assert_eq!(screen("a\nb\n"), ["a", "b"]);
        let long = screen(&"x\n".repeat(LINES + 3));
        assert_eq!(long.len(), LINES + 1);
        assert_eq!(long.last().map(String::as_str), Some("[3 more lines]"));
    }
}
