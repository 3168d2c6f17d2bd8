//! One page of a long list, and the way to the next: by an offset, as bounded as a model's window.

use serde_json::{Map, Value, json};

use super::{Answer, Arguments, text, tokens};
use crate::error::ToolError;
use crate::settings::limits::Limits;

/// Characters of a text in a list; the whole is for who asks for the one object.
const TEXT_CHARS: usize = 300;

/// Which page is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Page {
    /// Rows to leave out.
    offset: usize,
    /// The most rows, when that is asked for.
    limit: Option<usize>,
}

/// A page that was cut out of all rows.
struct Cut {
    rows: Vec<Map<String, Value>>,
    total: usize,
    offset: usize,
}

impl Page {
    /// The arguments `offset` and `limit`, of which a tool need not have both.
    ///
    /// # Errors
    /// When one is no integer or out of its range.
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ToolError> {
        const MOST: i64 = i64::MAX;
        let offset =
            usize::try_from(arguments.integer("offset", 0, 0..=MOST)?).unwrap_or(usize::MAX);
        let limit = usize::try_from(arguments.integer("limit", MOST, 1..=MOST)?).ok();
        Ok(Self { offset, limit })
    }

    fn cut(self, limits: &Limits, rows: Vec<Map<String, Value>>) -> Cut {
        let total = rows.len();
        let most = self.limit.unwrap_or(usize::MAX).min(limits.rows as usize);
        let (mut bytes, mut cost) = (0, 0);
        let mut kept = Vec::new();
        for mut row in rows.into_iter().skip(self.offset).take(most) {
            row.values_mut().for_each(shorten);
            let json = Value::Object(row.clone()).to_string();
            bytes += json.len() + 1;
            cost += tokens::estimate(&json) + 1;
            // One is always there, or there would be no way on.
            if !kept.is_empty() && (bytes > limits.result_bytes || cost > tokens::PAGE) {
                break;
            }
            kept.push(row);
        }
        Cut { rows: kept, total, offset: self.offset.min(total) }
    }

    /// The answer: a table of `columns`, everything under `key`, and what else there is.
    pub(crate) fn answer(
        self,
        limits: &Limits,
        rows: Vec<Map<String, Value>>,
        (key, noun): (&str, &str),
        columns: &[&str],
    ) -> Answer {
        let cut = self.cut(limits, rows);
        let mut text = text::count(cut.total as u64, noun);
        if !cut.rows.is_empty() {
            text = format!("{text}\n{}", text::records(columns, &cut.rows));
        }
        let end = cut.offset + cut.rows.len();
        let notice = cut.notice(noun);
        let mut data = Map::new();
        data.insert(key.to_owned(), cut.rows.into_iter().map(Value::Object).collect());
        if let Some(notice) = notice {
            text = format!("{text}\n{notice}");
            let mut truncated = json!({"total": cut.total, "notice": notice});
            if end < cut.total {
                truncated["next_offset"] = json!(end);
            }
            data.insert("truncated".to_owned(), truncated);
        }
        Answer { text, data }
    }
}

impl Cut {
    /// What is not on this page, and how to get it.
    fn notice(&self, noun: &str) -> Option<String> {
        let (shown, end) = (self.rows.len(), self.offset + self.rows.len());
        let all = text::count(self.total as u64, noun);
        let mut notice = match (self.offset, shown) {
            (0, _) if shown == self.total => return None,
            (_, 0) => return Some(format!("There are {all}, none from offset {}.", self.offset)),
            (0, _) => format!("Only the first {shown} of {all} are shown."),
            (offset, _) => format!("Shown are {} to {end} of {all}.", offset + 1),
        };
        if end < self.total {
            notice = format!("{notice} For the next: offset {end}");
        }
        Some(notice)
    }
}

fn shorten(value: &mut Value) {
    if let Value::String(text) = value
        && let Some((at, _)) = text.char_indices().nth(TEXT_CHARS)
    {
        text.truncate(at);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Map<String, Value>> {
        (0..count).map(|n| [("n".to_owned(), json!(n))].into_iter().collect()).collect()
    }

    fn page(offset: usize, limit: Option<usize>, of: usize) -> Answer {
        Page { offset, limit }.answer(&Limits::default(), rows(of), ("all", "thing"), &["n"])
    }

    #[test]
    fn everything_is_shown_when_it_fits() {
        let answer = page(0, None, 2);
        assert_eq!(answer.text, "2 things\nn\n0\n1");
        assert_eq!(Value::Object(answer.data), json!({"all": [{"n": 0}, {"n": 1}]}));
        assert_eq!(page(0, None, 0).text, "0 things");
    }

    #[test]
    fn a_page_says_what_comes_next() {
        let answer = page(0, Some(3), 5);
        assert_eq!(
            answer.text,
            "5 things\nn\n0\n1\n2\nOnly the first 3 of 5 things are shown. For the next: offset 3"
        );
        assert_eq!(answer.data["truncated"]["next_offset"], json!(3));
        let answer = page(3, Some(3), 5);
        assert_eq!(answer.text, "5 things\nn\n3\n4\nShown are 4 to 5 of 5 things.");
        assert_eq!(answer.data["truncated"].get("next_offset"), None);
        let answer = page(7, None, 5);
        assert_eq!(answer.text, "5 things\nThere are 5 things, none from offset 5.");
        assert_eq!(answer.data["all"], json!([]));
    }

    /// Whatever the rows are, pages follow each other without a gap, and each fits.
    #[test]
    fn pages_are_bounded_and_complete() {
        let long = "ä".repeat(10_000);
        let all: Vec<Map<String, Value>> = (0..2_000)
            .map(|n| {
                let name = if n % 7 == 0 { long.clone() } else { format!("a_table_{n}") };
                [("name".to_owned(), json!(name)), ("n".to_owned(), json!(n))].into_iter().collect()
            })
            .collect();
        let mut offset = 0;
        let mut seen = Vec::new();
        loop {
            let page = Page { offset, limit: None };
            let answer =
                page.answer(&Limits::default(), all.clone(), ("all", "thing"), &["name", "n"]);
            let data = Value::Object(answer.data);
            assert!(tokens::estimate(&data.to_string()) < 8_000, "{offset}");
            assert!(tokens::estimate(&answer.text) < 8_000, "{offset}");
            seen.extend(data["all"].as_array().unwrap().iter().map(|row| row["n"].clone()));
            match data["truncated"]["next_offset"].as_u64() {
                Some(next) => offset = usize::try_from(next).unwrap(),
                None => break,
            }
        }
        assert_eq!(seen, (0..2_000).map(|n| json!(n)).collect::<Vec<_>>());
    }

    #[test]
    fn rows_and_bytes_count_too_but_one_row_is_always_there() {
        for (limits, wanted) in [
            (Limits { result_bytes: 20, ..Limits::default() }, 2),
            (Limits { result_bytes: 1, ..Limits::default() }, 1),
            (Limits { rows: 3, ..Limits::default() }, 3),
        ] {
            let answer = Page::default().answer(&limits, rows(9), ("all", "thing"), &["n"]);
            assert_eq!(answer.data["all"].as_array().unwrap().len(), wanted);
        }
    }
}
