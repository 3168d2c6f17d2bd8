//! Lists of rows, cut to what an answer may hold, with a notice of what was cut.

use serde_json::{Map, Value, json};

use super::{Answer, text};
use crate::settings::limits::Limits;

/// Rows of an answer, and how many there would be.
pub(crate) struct Listing {
    rows: Vec<Map<String, Value>>,
    total: usize,
}

impl Listing {
    /// Keeps as many of `rows` as the limits on rows and bytes allow, and at least one.
    pub(crate) fn new(limits: &Limits, mut rows: Vec<Map<String, Value>>) -> Self {
        let total = rows.len();
        rows.truncate(usize::try_from(limits.rows).unwrap_or(usize::MAX));
        let mut bytes = 0;
        let fitting = rows
            .iter()
            .take_while(|row| {
                bytes += Value::Object((*row).clone()).to_string().len() + 1;
                bytes <= limits.result_bytes
            })
            .count();
        rows.truncate(fitting.max(1));
        Self { rows, total }
    }

    /// The rows that are left.
    pub(crate) fn rows(&self) -> &[Map<String, Value>] {
        &self.rows
    }

    /// What was cut and how to get it: `rest` is a query that gives the rows after an offset.
    pub(crate) fn notice(&self, noun: &str, rest: &str) -> Option<String> {
        (self.rows.len() < self.total).then(|| {
            format!(
                "Only the first {} of {} are shown. For the rest: execute_sql with {rest} {}",
                self.rows.len(),
                text::count(self.total as u64, noun),
                self.rows.len(),
            )
        })
    }

    /// The answer: a table of `columns`, everything under `key`, and a notice when rows were cut.
    pub(crate) fn answer(self, key: &str, noun: &str, columns: &[&str], rest: &str) -> Answer {
        let mut text = text::count(self.total as u64, noun);
        if !self.rows.is_empty() {
            text.push('\n');
            text.push_str(&text::records(columns, &self.rows));
        }
        let notice = self.notice(noun, rest);
        let mut data = Map::new();
        data.insert(key.to_owned(), self.rows.into_iter().map(Value::Object).collect());
        if let Some(notice) = notice {
            text = format!("{text}\n{notice}");
            data.insert("truncated".to_owned(), json!({"total": self.total, "notice": notice}));
        }
        Answer { text, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Map<String, Value>> {
        (0..count).map(|n| [("n".to_owned(), json!(n))].into_iter().collect()).collect()
    }

    #[test]
    fn everything_is_shown_when_it_fits() {
        let answer = Listing::new(&Limits::default(), rows(2)).answer("all", "thing", &["n"], "");
        assert_eq!(answer.text, "2 things\nn\n0\n1");
        assert_eq!(Value::Object(answer.data), json!({"all": [{"n": 0}, {"n": 1}]}));
    }

    #[test]
    fn what_is_cut_is_said() {
        let limits = Limits { rows: 3, ..Limits::default() };
        let answer =
            Listing::new(&limits, rows(5)).answer("all", "thing", &["n"], "table t offset");
        assert!(answer.text.ends_with(
            "\nOnly the first 3 of 5 things are shown. For the rest: execute_sql with table t offset 3"
        ));
        assert_eq!(answer.data["truncated"]["total"], json!(5));
        assert_eq!(answer.data["all"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn bytes_count_too_but_one_row_is_always_there() {
        let limits = Limits { result_bytes: 20, ..Limits::default() };
        assert_eq!(Listing::new(&limits, rows(9)).rows().len(), 2);
        let limits = Limits { result_bytes: 1, ..Limits::default() };
        assert_eq!(Listing::new(&limits, rows(9)).rows().len(), 1);
    }
}
