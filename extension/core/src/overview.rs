//! A schema as text for models: a line an object, as many on a page as fit a number of tokens.
//!
//! Tokens are estimated, since each model counts its own way: [`tokens`] is above what the
//! tokenizers that are public count for names and types.

use std::fmt::Write as _;

/// Longest comment, in characters.
const COMMENT: usize = 120;
/// Longest beginning of a line: names, rows, how it is partitioned.
const HEAD: usize = 600;

/// Tokens of a text, estimated from above: one for every three letters that stand together (with
/// `_`), or for every two where hardly any is a vowel, for every two digits and for each other sign;
/// and up to one for each byte of letters beyond ASCII. A space belongs to the word after it.
#[must_use]
pub fn tokens(text: &str) -> usize {
    let (mut count, mut digits) = (0_usize, 0_usize);
    let mut run = Run::default();
    for c in text.chars() {
        let is_letter = c.is_ascii_alphabetic() || c == '_';
        if !is_letter {
            count += std::mem::take(&mut run).tokens();
        }
        if !c.is_ascii_digit() {
            count += std::mem::take(&mut digits).div_ceil(2);
        }
        match c {
            _ if is_letter => run.add(c),
            '0'..='9' => digits += 1,
            ' ' => {}
            _ if c.is_ascii() => count += 1,
            // Latin, Greek and Cyrillic letters.
            '\u{80}'..='\u{4ff}' => count += 1,
            // Our own.
            '→' | '…' => count += 2,
            // No tokenizer has more tokens than bytes; for rare letters it has as many.
            _ => count += c.len_utf8(),
        }
    }
    count + run.tokens() + digits.div_ceil(2)
}

/// Letters that stand together.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    letters: usize,
    vowels: usize,
}

impl Run {
    fn add(&mut self, c: char) {
        self.letters += 1;
        self.vowels += usize::from("aeiouAEIOU".contains(c));
    }

    fn tokens(self) -> usize {
        let is_word = self.vowels * 5 >= self.letters;
        self.letters.div_ceil(if is_word { 3 } else { 2 })
    }
}

/// An object in the overview.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its qualified name, quoted where needed: where the next page begins after.
    pub key: String,
    /// What the line begins with.
    pub head: String,
    /// Columns, or the values of an enum.
    pub parts: Vec<String>,
    /// The comment on it.
    pub comment: Option<String>,
    /// A call that tells the rest, when there is no room for all.
    pub rest: String,
}

impl Item {
    fn line(&self) -> String {
        format!("{}{}{}\n", self.beginning(), self.parts.join(", "), self.end())
    }

    fn beginning(&self) -> String {
        let head = one_line(&self.head, HEAD);
        if self.parts.is_empty() { head } else { format!("{head}: ") }
    }

    fn end(&self) -> String {
        match self.comment.as_deref().map(|comment| one_line(comment, COMMENT)) {
            Some(comment) if !comment.is_empty() => format!("; -- {comment}"),
            _ => String::new(),
        }
    }

    /// The line with as many parts as fit, and what is left out.
    fn cut_line(&self, room: usize) -> String {
        let mut line = self.beginning();
        let note = |left: usize| format!("… {left} more: {}", self.rest);
        let mut used = tokens(&line) + tokens(&note(self.parts.len())) + tokens("\n");
        for (number, part) in self.parts.iter().enumerate() {
            used += tokens(part) + 1;
            if used > room {
                let _ = write!(line, "{}", note(self.parts.len() - number));
                break;
            }
            let _ = write!(line, "{part}, ");
        }
        line.push('\n');
        line
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The text, with how to get the next page in its last line.
    pub text: String,
    /// Objects on it.
    pub shown: usize,
    /// The key of the last, when there are more.
    pub next_after: Option<String>,
}

/// A page being filled.
#[derive(Debug)]
pub struct Filling {
    text: String,
    used: usize,
    most: usize,
    shown: usize,
    last: String,
    /// The call that gives the next page, without the key.
    call: String,
    is_full: bool,
}

impl Filling {
    /// A page of at most `most` tokens that begins with `header`. `call` gives the next one when
    /// the key and a parenthesis are added.
    #[must_use]
    pub fn new(header: &str, call: &str, most: usize) -> Self {
        let text = format!("{header}\n");
        Self {
            used: tokens(&text),
            text,
            most,
            shown: 0,
            last: String::new(),
            call: call.to_owned(),
            is_full: false,
        }
    }

    fn footer(&self, key: &str, left: usize) -> String {
        let key = key.replace('\'', "''");
        format!("-- {left} more objects; next page: {}'{key}')\n", self.call)
    }

    /// Adds an object, if there is room; one that is larger than a page is cut.
    pub fn add(&mut self, item: &Item) -> bool {
        if self.is_full {
            return false;
        }
        let footer = tokens(&self.footer(&item.key, usize::MAX));
        let room = self.most.saturating_sub(self.used + footer);
        let mut line = item.line();
        if tokens(&line) > room {
            self.is_full = true;
            if self.shown > 0 {
                return false;
            }
            line = item.cut_line(room);
        }
        self.used += tokens(&line);
        self.text.push_str(&line);
        self.shown += 1;
        item.key.clone_into(&mut self.last);
        true
    }

    /// Whether no object fits any more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The page, after which `left` objects follow.
    #[must_use]
    pub fn finish(mut self, left: usize) -> Page {
        let next_after = (left > 0).then(|| self.last.clone());
        if let Some(key) = &next_after {
            self.text.push_str(&self.footer(key, left));
        }
        Page { text: self.text, shown: self.shown, next_after }
    }
}

/// The text on one line, cut.
fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(name: &str, columns: usize, comment: Option<&str>) -> Item {
        Item {
            key: format!("app.{name}"),
            head: format!("app.{name} (~10 rows)"),
            parts: (0..columns).map(|n| format!("column_{n} int nn")).collect(),
            comment: comment.map(str::to_owned),
            rest: format!("mcp_object('app', '{name}')"),
        }
    }

    /// All pages.
    fn pages(items: &[Item], most: usize) -> Vec<Page> {
        let mut pages = Vec::new();
        let mut first = 0;
        while first < items.len() {
            let mut filling = Filling::new("-- header", "mcp_schema_overview('app', 1, ", most);
            let added = items[first..].iter().take_while(|item| filling.add(item)).count();
            first += added;
            pages.push(filling.finish(items.len() - first));
        }
        pages
    }

    #[test]
    fn a_line_is_an_object() {
        let items = [item("orders", 2, Some("what was\n bought ")), item("empty", 0, None)];
        let pages = pages(&items, 1000);
        assert_eq!(pages.len(), 1);
        assert_eq!(
            pages[0].text,
            "-- header\napp.orders (~10 rows): column_0 int nn, column_1 int nn; -- what was \
             bought\napp.empty (~10 rows)\n"
        );
        assert_eq!(pages[0].next_after, None);
    }

    #[test]
    fn the_last_line_gives_the_next_page() {
        let items: Vec<Item> = (0..50).map(|n| item(&format!("it's_{n}"), 9, None)).collect();
        let page = &pages(&items, 1000)[0];
        let shown = page.shown;
        assert!(shown > 1 && shown < 50);
        let expected = format!(
            "-- {} more objects; next page: mcp_schema_overview('app', 1, 'app.it''s_{}')\n",
            50 - shown,
            shown - 1
        );
        assert!(page.text.ends_with(&expected), "{}", page.text);
    }

    #[test]
    fn what_is_larger_than_a_page_is_cut() {
        let items = [item("small", 1, None), item("wide", 1600, None), item("last", 1, None)];
        let pages = pages(&items, 1000);
        assert_eq!(pages.iter().map(|page| page.shown).collect::<Vec<_>>(), [1, 1, 1]);
        let line = pages[1].text.lines().nth(1).unwrap();
        assert!(line.ends_with(" more: mcp_object('app', 'wide')"), "{line}");
        let left: usize =
            line.split("… ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(line.matches("column_").count() + left, 1600);
        assert!(tokens(&pages[1].text) > 800);
    }

    proptest! {
        // Each takes many lines apart.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn each_object_is_on_one_page_and_each_page_within_bounds(
            widths in prop::collection::vec(0_usize..200, 1..40),
            most in 300_usize..3000,
        ) {
            let items: Vec<Item> =
                widths.iter().enumerate().map(|(n, width)| item(&format!("t{n}"), *width, None))
                    .collect();
            let pages = pages(&items, most);
            for page in &pages {
                prop_assert!(tokens(&page.text) <= most, "{} > {}", tokens(&page.text), most);
            }
            for item in &items {
                let lines = pages.iter().flat_map(|page| page.text.lines());
                prop_assert_eq!(lines.filter(|line| line.starts_with(&item.head)).count(), 1);
            }
        }
    }

    #[test]
    fn tokens_are_estimated_from_above() {
        for (text, expected) in [
            ("", 0),
            ("customer_id bigint", 6),
            ("nn", 1),
            ("gwbyfbedjhhx", 6),
            ("numeric(12, 2)", 8),
            ("Größe", 4),
            ("日本", 6),
            ("→\n", 3),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }
}
