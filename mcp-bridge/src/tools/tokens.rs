//! How many tokens a text takes in a model's window, at most: an estimate without a tokenizer.
//!
//! The vocabulary of a real one is several megabytes, and each model has another. This one counts
//! by kinds of characters, from above: for names, definitions and JSON between 1 and 2 times what
//! the encoding of current models takes, and never less for text of random characters. The tests
//! hold it against such an encoding.

/// The most that one answer of a tool may take, as its text and as its structured content, each
/// by itself: clients hand on one or the other. Room is left for what is said around the rows.
pub(crate) const PAGE: usize = 7_700;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Letters,
    Digits,
    Space,
    Marks,
    Other,
}

fn kind(character: char) -> Kind {
    match character {
        'a'..='z' | 'A'..='Z' => Kind::Letters,
        '0'..='9' => Kind::Digits,
        ' ' | '\n' | '\t' | '\r' => Kind::Space,
        other if other.is_ascii() => Kind::Marks,
        _ => Kind::Other,
    }
}

/// An upper estimate of the tokens of a text.
pub(crate) fn estimate(text: &str) -> usize {
    // In sixths of a token.
    let mut sixths = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let this = kind(first);
        let length = rest
            .find(|character| kind(character) != this || this == Kind::Other && character != first);
        let (run, after) = rest.split_at(length.unwrap_or(rest.len()));
        rest = after;
        sixths += match this {
            Kind::Letters => letters(run),
            // Three digits are a token.
            Kind::Digits => 6 * run.len().div_ceil(3),
            // One space belongs to the word behind it.
            Kind::Space if run == " " => 0,
            Kind::Space => 6 * run.len().div_ceil(4),
            Kind::Marks => marks(run),
            Kind::Other => run.chars().map(other).sum(),
        };
    }
    (sixths + sixths / 10).div_ceil(6)
}

/// A word: of words that can be spoken four letters are a token or more; of chains of consonants
/// and capitals, as random text has them, not even two.
fn letters(run: &str) -> usize {
    let mut chain = 0;
    let mut unspoken = 0;
    let mut capitals = 0;
    for letter in run.bytes() {
        if matches!(letter.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y') {
            chain = 0;
        } else {
            chain += 1;
            unspoken += usize::from(chain > 2);
        }
        capitals += usize::from(letter.is_ascii_uppercase());
    }
    6 * run.len().div_ceil(4) + 4 * unspoken + 2 * capitals.saturating_sub(1)
}

/// What stands between values in JSON is one token; of other marks two are, or one.
fn marks(run: &str) -> usize {
    match run {
        "\":\"" | "\",\"" | "\":" | ",\"" | "},{\"" | "\"},{\"" | "{\"" | "\"}" | "\":{\""
        | "\":[\"" | "\":[{\"" | "\"]" | "\"]," | "\"],\"" => 6,
        other => 5 * other.len() + 1,
    }
}

/// A character that is not ASCII takes up to one token a byte; those of the living scripts with most
/// speakers less.
fn other(character: char) -> usize {
    match (character.len_utf8(), character) {
        (2, _) => 10,
        (3, '\u{2010}'..='\u{2026}' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}') => 11,
        (3, '\u{ac00}'..='\u{d7a3}') => 11,
        (bytes, _) => 6 * bytes,
    }
}

/// As many of the first characters as take at most so many tokens.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if estimate(text) <= most {
        return text;
    }
    let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let fits = boundaries.partition_point(|at| estimate(text.get(..*at).unwrap_or(text)) <= most);
    let end = fits.checked_sub(1).and_then(|last| boundaries.get(last)).copied().unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        fn text(&mut self, length: usize, from: &[char]) -> String {
            (0..length).map(|_| from[self.below(from.len())]).collect()
        }
    }

    fn real(text: &str) -> usize {
        static ENCODING: std::sync::OnceLock<tiktoken_rs::CoreBPE> = std::sync::OnceLock::new();
        ENCODING.get_or_init(|| tiktoken_rs::o200k_base().unwrap()).encode_ordinary(text).len()
    }

    /// Real texts of this repository, and what the tools make of them.
    #[test]
    fn real_texts_take_less_but_not_much_less() {
        let sql = include_str!("../../../sql/schema/relation.sql");
        let rust = include_str!("get_object_details.rs");
        let json = include_str!("../../tests/golden/restricted.json");
        let compact = serde_json::from_str::<serde_json::Value>(json).unwrap().to_string();
        let comments = include_str!("../../../sql/comments.sql");
        let german = "Die Bestellungen der Kunden, nach Größe und Übersichtlichkeit geordnet. ";
        for (name, text) in [
            ("sql", sql),
            ("rust", rust),
            ("json", json),
            ("compact", &compact),
            ("comments", comments),
            ("german", german),
        ] {
            let (real, estimate) = (real(text), estimate(text));
            assert!(real <= estimate && estimate <= 2 * real, "{name}: {estimate} of {real}");
        }
    }

    #[test]
    fn random_texts_take_less() {
        let alphabets: [(&str, Vec<char>); 12] = [
            ("letters", ('a'..='z').collect()),
            ("capitals", ('A'..='Z').collect()),
            ("both", ('a'..='z').chain('A'..='Z').collect()),
            ("consonants", "bcdfghjklmnpqrstvwxz".chars().collect()),
            ("hex", "0123456789abcdef".chars().collect()),
            ("base64", ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("+/".chars()).collect()),
            ("names", "abcdeinorst_".chars().collect()),
            ("marks", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars().collect()),
            ("ascii", (' '..='~').collect()),
            ("latin", ('\u{a1}'..='\u{24f}').collect()),
            ("han", ('\u{4e00}'..='\u{9fff}').collect()),
            ("all", ('\u{a1}'..='\u{1ffff}').filter(|c| !c.is_control()).collect()),
        ];
        let mut chance = Chance(1);
        for (name, alphabet) in alphabets {
            for length in [200, 2_000, 2_000, 2_000] {
                let text = chance.text(length, &alphabet);
                let (real, estimate) = (real(&text), estimate(&text));
                assert!(real <= estimate, "{name}: {estimate} of {real}");
            }
        }
    }

    #[test]
    fn a_cut_is_between_characters_and_as_long_as_may_be() {
        let text = "größer ".repeat(50);
        let short = cut(&text, 20);
        assert!(text.starts_with(short) && estimate(short) <= 20);
        let next = text[short.len()..].chars().next().unwrap();
        assert!(estimate(&format!("{short}{next}")) > 20);
        assert_eq!(cut("abc", 20), "abc");
        assert_eq!(cut("abc", 0), "");
    }
}
