//! What the sections are put together from.

use maud::{Markup, PreEscaped, html};

use super::format;
use crate::report::model::Missing;

/// Most characters of a statement that are shown.
const MOST_CHARS: usize = 20_000;

/// A text of the database where it is read letter by letter: what would not show, or would turn the
/// text around it, stands by itself with its code point. The characters stay, for who copies them.
pub(super) fn exact(text: &str) -> Markup {
    let mut plain = String::new();
    let mut parts = Vec::new();
    for character in text.chars() {
        if is_hidden(character) {
            parts.push(html! { (plain) });
            plain.clear();
            parts.push(hidden(character));
        } else {
            plain.push(character);
        }
    }
    html! { @for part in parts { (part) } (plain) }
}

fn hidden(character: char) -> Markup {
    let code = u32::from(character);
    // A reader of HTML makes a line feed of a bare carriage return, and nothing of a control
    // character that is written as a number.
    let itself = match character {
        '\r' => PreEscaped("&#13;".to_owned()),
        other => html! { (other) },
    };
    html! { span.hidden data-code={ "U+" (format!("{code:04X}")) } { (itself) } }
}

/// Control characters, and those that set the direction of text or have no width.
fn is_hidden(character: char) -> bool {
    let shown = matches!(character, '\n' | '\t');
    character.is_control() && !shown
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// A short piece of code in a line.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (exact(text)) } }
}

/// A statement with a button that copies it.
pub(super) fn sql(text: &str) -> Markup {
    let (shown, left_out) = cut(text);
    html! {
        div.sql {
            pre tabindex="0" { code { (exact(shown)) } }
            button.copy type="button" { "Copy" }
        }
        @if left_out > 0 {
            p.note { "The statement goes on for " (format::count(left_out)) " more characters." }
        }
    }
}

/// The part of a text that is shown, and how many characters are not.
fn cut(text: &str) -> (&str, i64) {
    match text.char_indices().nth(MOST_CHARS) {
        None => (text, 0),
        Some((at, _)) => {
            let rest = &text[at..];
            (&text[..at], i64::try_from(rest.chars().count()).unwrap_or(i64::MAX))
        }
    }
}

/// A column of a table that can be sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) label: &'static str,
    /// What it means, where that is not plain.
    pub(super) meaning: &'static str,
    pub(super) order: Order,
}

/// How a column is sorted when it is first asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By its texts, from A.
    Text,
    /// By its numbers, from the largest.
    Large,
    /// By its numbers, from the smallest.
    Small,
    /// By the rank of its words, from the first.
    Rank,
}

/// The head of a table. Without scripts it is a plain head: the buttons only appear with them.
pub(super) fn heads(heads: &[Head]) -> Markup {
    html! {
        thead { tr {
            @for head in heads {
                th scope="col" class=[matches!(head.order, Order::Large | Order::Small).then_some("number")] {
                    button type="button" title=[(!head.meaning.is_empty()).then_some(head.meaning)] data-order=(word(head.order)) {
                        (head.label)
                    }
                }
            }
        } }
    }
}

const fn word(order: Order) -> &'static str {
    match order {
        Order::Text => "text",
        Order::Large => "large",
        Order::Small | Order::Rank => "small",
    }
}

/// A cell with a number: `shown` for people, the value to sort by. One without is empty.
pub(super) fn number(label: &str, value: Option<f64>, shown: impl Fn(f64) -> String) -> Markup {
    html! {
        td.number data-label=(label) data-key=[value] {
            @match value {
                Some(value) => (shown(value)),
                None => span.none { "–" },
            }
        }
    }
}

/// A share from 0 to 1 as a bar and in percent.
pub(super) fn share(label: &str, value: Option<f64>) -> Markup {
    html! {
        td.number.share data-label=(label) data-key=[value] {
            @match value {
                Some(value) => { (format::percent(value)) (bar(value)) },
                None => span.none { "–" },
            }
        }
    }
}

/// A share as a bar. Its width is an attribute: the page forbids styles in attributes.
pub(super) fn bar(value: f64) -> Markup {
    let width = format!("{:.1}", value.clamp(0.0, 1.0) * 100.0);
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="6" rx="1" {}
            rect.part width=(width) height="6" rx="1" {}
        }
    }
}

/// A word on coloured ground; the colour is never all that tells.
pub(super) fn badge(kind: &str, word: &str) -> Markup {
    // Classes of our own: what the server calls its severities must not choose any other.
    let class = match kind {
        "critical" | "warning" | "info" | "ok" | "gain" | "gone" | "new" => kind,
        _ => "other",
    };
    html! { span class={ "badge " (class) } { (word) } }
}

/// A section that could not be made: what is missing and what brings it.
pub(super) fn missing(missing: &Missing) -> Markup {
    html! {
        div.missing {
            p { strong { (exact(&missing.what)) } }
            @if let Some(detail) = &missing.detail { p { (exact(detail)) } }
            @for command in &missing.commands { (sql(command)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_is_text() {
        let hostile = "</script><script>\"'&<img src=x onerror=alert(1)> javascript:alert(1)";
        let escaped = "&lt;/script&gt;&lt;script&gt;&quot;'&amp;&lt;img src=x onerror=alert(1)&gt; \
                       javascript:alert(1)";
        assert_eq!(exact(hostile).into_string(), escaped);
        assert!(!sql(hostile).into_string().contains("<img"));
        assert_eq!(
            badge("x\" onclick=\"y", "<b>").into_string(),
            "<span class=\"badge other\">&lt;b&gt;</span>"
        );
        let missing = missing(&Missing { commands: vec![hostile.into()], ..Missing::new(hostile) });
        assert!(!missing.into_string().contains("<script"));
    }

    #[test]
    fn what_does_not_show_is_shown() {
        assert_eq!(
            exact("a\u{202e}b\n").into_string(),
            "a<span class=\"hidden\" data-code=\"U+202E\">\u{202e}</span>b\n"
        );
        assert!(exact("\r").into_string().contains("data-code=\"U+000D\">&#13;<"));
        assert_eq!(exact("ä\t漢").into_string(), "ä\t漢");
    }

    #[test]
    fn numbers_sort_by_their_value() {
        let cell = number("Calls", Some(1_234.5), format::figure).into_string();
        assert_eq!(
            cell,
            "<td class=\"number\" data-label=\"Calls\" data-key=\"1234.5\">1,235</td>"
        );
        let cell = number("Calls", None, format::figure).into_string();
        assert!(!cell.contains("data-key"), "{cell}");
    }

    #[test]
    fn bars_stay_within_their_track() {
        for (share, width) in [(-1.0, "0.0"), (0.5, "50.0"), (7.0, "100.0")] {
            assert!(bar(share).into_string().contains(&format!("width=\"{width}\"")));
        }
    }

    #[test]
    fn long_statements_are_cut_and_say_so() {
        let long = "ä".repeat(MOST_CHARS + 1234);
        assert!(sql(&long).into_string().contains("1,234 more characters"));
        assert!(!sql("select 1").into_string().contains("more characters"));
    }
}
