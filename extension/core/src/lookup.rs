//! A search over names and comments: which object somebody means who knows words, not names.
//!
//! Words match in the singular and the plural, by their beginning, by what they have in common and
//! with small mistakes. Whoever has all words, in its own name, its table's or the comments on both,
//! comes before those that have some; then it counts where they are: a name says more than a
//! comment.

mod likeness;

use likeness::{BEST, likeness};

use crate::relate::words::{forms, words};

/// Most words of a question that count.
pub const MOST_WORDS: usize = 8;
/// Most words of a comment that are looked at.
const MOST_OF_COMMENT: usize = 300;

/// Words that name nothing.
const FILLERS: [&str; 35] = [
    "a", "all", "an", "and", "are", "as", "at", "by", "do", "does", "for", "from", "has", "have",
    "how", "i", "in", "is", "it", "me", "my", "of", "on", "or", "that", "the", "to", "was", "were",
    "what", "when", "where", "which", "who", "with",
];

/// How well each word of a question is found in a text, from 0 to `BEST`.
pub type Marks = [u8; MOST_WORDS];

/// Found nowhere.
pub const NOTHING: Marks = [0; MOST_WORDS];

/// Where a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the object's name.
    Name,
    /// In the values of an enum or the like.
    Values,
    /// In the object's comment.
    Comment,
    /// In the name of its table.
    Table,
    /// In the comment on its table.
    TableComment,
    /// In the name of its schema.
    Schema,
}

impl Place {
    /// How much a find there counts.
    fn weight(self) -> f64 {
        match self {
            Self::Name => 1.0,
            Self::Values => 0.8,
            Self::Table => 0.7,
            Self::Comment => 0.6,
            Self::TableComment => 0.4,
            Self::Schema => 0.3,
        }
    }

    /// Whether it is of the object itself.
    fn is_own(self) -> bool {
        matches!(self, Self::Name | Self::Values | Self::Comment)
    }

    /// In words.
    fn text(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Values => "values",
            Self::Comment => "comment",
            Self::Table => "table",
            Self::TableComment => "comment on the table",
            Self::Schema => "schema",
        }
    }
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
struct Word {
    text: String,
    forms: Vec<String>,
}

/// How well an object answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The higher, the better.
    pub value: f64,
    /// What was found where, for people.
    pub matched: String,
}

impl Question {
    /// The words of a text, without those that name nothing unless there are no others; none when
    /// it has no word at all.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let all = words(text);
        let telling: Vec<String> =
            all.iter().filter(|word| !FILLERS.contains(&word.as_str())).cloned().collect();
        let mut chosen = if telling.is_empty() { all } else { telling };
        let mut seen = Vec::new();
        chosen.retain(|word| {
            let is_new = !seen.contains(word);
            seen.push(word.clone());
            is_new
        });
        chosen.truncate(MOST_WORDS);
        let words: Vec<Word> =
            chosen.into_iter().map(|text| Word { forms: forms(&text), text }).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// How well each word is found in a text.
    #[must_use]
    pub fn marks(&self, text: &str) -> Marks {
        let mut marks = NOTHING;
        for found in words(text).iter().take(MOST_OF_COMMENT) {
            for (mark, word) in marks.iter_mut().zip(&self.words) {
                if *mark < BEST {
                    *mark = (*mark).max(likeness(&word.text, &word.forms, found));
                }
            }
        }
        marks
    }

    /// The score of an object with these marks; none when nothing of its own was found. `share` is
    /// how much of a full score its kind deserves, `name` its name, `rows` decide between equals.
    #[must_use]
    pub fn score(
        &self,
        places: &[(Place, Marks)],
        share: f64,
        name: &str,
        rows: Option<f64>,
    ) -> Option<Score> {
        let mut sum = 0.0;
        let mut missing = 0_usize;
        let mut matched: Vec<String> = Vec::new();
        let mut own = 0_usize;
        for (number, word) in self.words.iter().enumerate() {
            let best = places
                .iter()
                .map(|(place, marks)| (f64::from(marks[number]) * place.weight(), *place))
                .filter(|(value, _)| *value > 0.0)
                .max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
            let Some((value, place)) = best else {
                missing += 1;
                continue;
            };
            sum += value / f64::from(BEST);
            own += usize::from(place.is_own());
            matched.push(format!("{} ({})", word.text, place.text()));
        }
        if own == 0 {
            return None;
        }
        let count = self.words.len() as f64;
        let complete = if missing == 0 { 1.0 } else { 0.0 };
        // A name without other words is meant before one that has some.
        let length = words(name).len().max(1) as f64;
        let brevity = (own as f64 / length).min(1.0) / 10.0;
        let size = rows.map_or(0.0, |rows| (1.0 + rows.max(0.0)).log10() / 10_000.0);
        let value = (complete + sum / count + brevity) * share + size;
        Some(Score { value, matched: matched.join(", ") })
    }
}

#[cfg(test)]
mod tests;
