//! A workload of the size of a large application: thousands of tables with foreign keys and many
//! times as many different statements, the same every time.
//!
//! A few tables are large and a few statements are called often, as everywhere. Statements come in
//! families, as the libraries between objects and tables write them: the same question with another
//! select list, or with a longer list behind IN.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Starts the sequence of numbers; any other value does as well.
const SEED: u64 = 7;

/// Tables that one batch of statements creates.
const BATCH: u64 = 50;

/// The columns that statements compare, and how many values each has.
const COMPARED: [(&str, u64); 5] =
    [("kind", 12), ("status", 40), ("owner", 300), ("score", 900), ("code", 2000)];

/// What is selected, by variant.
const LISTS: [&str; 5] = ["*", "id, code", "id, status, score", "id, parent, created", "count(*)"];

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Tables, numbered from 0.
    pub tables: u64,
    /// Different statements.
    pub statements: usize,
}

/// A statement and how often it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its text, with values that exist.
    pub sql: String,
    /// Executions.
    pub calls: u64,
}

impl Size {
    /// Rows of a table: some hundreds, and of every fortieth table some ten thousand.
    fn rows(table: u64) -> u64 {
        if table % 40 == 3 { 12_000 + table % 7 * 2_000 } else { 500 + table % 9 * 300 }
    }

    /// The table that a table's rows belong to.
    fn parent(self, table: u64) -> u64 {
        (table * 7 + 3) % self.tables
    }

    /// Batches of statements that create, fill and analyze the tables.
    #[must_use]
    pub fn schema(self) -> Vec<String> {
        let batch = |from: u64| -> String {
            (from..(from + BATCH).min(self.tables)).map(|table| self.table(table)).collect()
        };
        let keys = |from: u64| -> String {
            (from..(from + BATCH).min(self.tables)).map(|table| self.foreign_key(table)).collect()
        };
        let starts = || (0..self.tables).step_by(usize::try_from(BATCH).unwrap_or(1));
        let analyze = std::iter::once("analyze".to_owned());
        starts().map(batch).chain(starts().map(keys)).chain(analyze).collect()
    }

    fn table(self, table: u64) -> String {
        let salt = table * 1_000_003;
        let mut sql = format!(
            "create table l{table} (id bigint primary key, parent bigint, created date, note text"
        );
        // Writing to a string cannot fail.
        for (column, _) in COMPARED {
            let _ = write!(sql, ", {column} integer");
        }
        let _ = write!(
            sql,
            "); insert into l{table} select i, abs(hashint8(i + {salt})) % {parents} + 1,
                date '2024-01-01' + (i / 20)::integer, repeat('n', 40 + (i % 50)::integer)",
            parents = Self::rows(self.parent(table)),
        );
        for (at, (_, values)) in (1..).zip(COMPARED) {
            let _ = write!(sql, ", abs(hashint8(i + {salt} + {at})) % {values}");
        }
        let _ = write!(sql, " from generate_series(1::bigint, {}) as i;", Self::rows(table));
        sql
    }

    fn foreign_key(self, table: u64) -> String {
        let parent = self.parent(table);
        format!("alter table l{table} add foreign key (parent) references l{parent} not valid;")
    }

    /// The statements, dearest families first; a longer list begins with the shorter one.
    #[must_use]
    pub fn calls(self) -> Vec<Call> {
        let mut numbers = Numbers(SEED);
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        while list.len() < self.statements {
            let (sql, normalized) = self.statement(&mut numbers);
            // A power law: one statement in a thousand is called a thousand times as often.
            let calls = 1 + 1000 / (1 + numbers.below(1000));
            if seen.insert(normalized) {
                list.push(Call { sql, calls });
            }
        }
        list
    }

    /// A statement, and the same without its values.
    fn statement(self, numbers: &mut Numbers) -> (String, String) {
        let t = numbers.low(self.tables);
        let parent = self.parent(t);
        let columns = [numbers.column(), numbers.column()];
        let list = LISTS[numbers.index(LISTS.len())];
        let members = 2 + numbers.index(6);
        let family = numbers.below(10);
        let value = |numbers: &mut Numbers, (column, values): (&str, u64)| {
            format!("{column} = {}", numbers.below(values))
        };
        let text = |numbers: &mut Numbers| -> String {
            let first = value(numbers, columns[0]);
            let second = value(numbers, columns[1]);
            let day = numbers.below(60);
            match family {
                0 | 1 => format!("select {list} from l{t} where {first}"),
                2 => format!("select {list} from l{t} where {first} and {second}"),
                3 => {
                    let values: Vec<String> =
                        (0..members).map(|_| numbers.below(columns[0].1).to_string()).collect();
                    let values = values.join(", ");
                    format!("select {list} from l{t} where {} in ({values})", columns[0].0)
                }
                4 => format!(
                    "select id, note from l{t} where {first} order by created desc limit 10"
                ),
                5 => format!(
                    "select {}, count(*) from l{t} where created > date '2024-01-01' + {day} group by 1",
                    columns[0].0
                ),
                6 => format!(
                    "select x.id, y.code from l{t} as x join l{parent} as y on y.id = x.parent where x.{first}"
                ),
                7 => format!(
                    "select count(*) from l{parent} as y join l{t} as x on x.parent = y.id where y.{first}"
                ),
                8 => format!(
                    "select {list} from l{t} where parent = {} and {first}",
                    1 + numbers.below(400)
                ),
                _ => format!("update l{t} set note = note where {first} and {second}"),
            }
        };
        let sql = text(numbers);
        let normalized = normalized(&sql);
        (sql, normalized)
    }
}

/// The text with every number that stands alone replaced, as pg_stat_statements counts statements.
fn normalized(sql: &str) -> String {
    let number = |word: &str| {
        let digits = word.trim_matches(|c| "(),".contains(c));
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words = sql.split(' ').map(|word| if number(word) { "?" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// A linear congruential generator (Knuth's MMIX), of which the upper bits are used.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or(0)
    }

    /// Low numbers are more likely.
    fn low(&mut self, limit: u64) -> u64 {
        self.below(limit).min(self.below(limit))
    }

    fn column(&mut self) -> (&'static str, u64) {
        COMPARED[self.index(COMPARED.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_differ_in_more_than_values_and_are_the_same_every_time() {
        let size = |statements| Size { tables: 150, statements };
        let (short, long) = (size(50).calls(), size(800).calls());
        assert_eq!(short, long[..50]);
        let normalized: BTreeSet<String> = long.iter().map(|call| normalized(&call.sql)).collect();
        assert_eq!(normalized.len(), 800);
        assert!(!normalized.iter().any(|text| text.contains("in (2")));
    }

    #[test]
    fn calls_are_skewed() {
        let calls = Size { tables: 2000, statements: 10_000 }.calls();
        let mut counts: Vec<u64> = calls.iter().map(|call| call.calls).collect();
        counts.sort_unstable();
        let all: u64 = counts.iter().sum();
        let most: u64 = counts.iter().rev().take(1000).sum();
        assert!(most * 2 > all, "{most} of {all}");
    }
}
