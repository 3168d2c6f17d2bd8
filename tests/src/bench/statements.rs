//! A hundred tables and any number of different statements over them, the same every time.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Tables, numbered from 0.
pub(super) const TABLES: u64 = 100;

/// Starts the sequence of numbers; any other value does as well.
const SEED: u64 = 42;

/// Rows of a table: from 4,000 to 28,000.
fn rows(table: u64) -> u64 {
    4_000 + table % 7 * 4_000
}

/// The statements that create and fill the tables. Values follow from row numbers.
pub(super) fn tables() -> String {
    let mut sql = String::new();
    for table in 0..TABLES {
        let salt = table * 1_000_003;
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "create table t{table} (
                id bigint primary key, ref bigint, a integer, b integer, c integer,
                d date, e text, f numeric);
            insert into t{table}
            select
                i, abs(hashint8(i + {salt})) % {parents} + 1, abs(hashint8(i + {salt} + 1)) % 1000,
                abs(hashint8(i + {salt} + 2)) % 100, abs(hashint8(i + {salt} + 3)) % 10,
                date '2023-01-01' + (abs(hashint8(i + {salt} + 4)) % 700),
                'e' || abs(hashint8(i + {salt} + 5)) % 5000, (i % 977) / 10.0
            from generate_series(1::bigint, {rows}) as i;",
            parents = rows((table + 1) % TABLES),
            rows = rows(table),
        );
    }
    sql
}

/// `count` different statements; a longer list begins with the shorter one.
pub(super) fn generate(count: usize) -> Vec<String> {
    let mut numbers = Numbers(SEED);
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    while list.len() < count {
        let sql = statement(&mut numbers);
        if seen.insert(sql.clone()) {
            list.push(sql);
        }
    }
    list
}

/// A linear congruential generator (Knuth's MMIX), of which the upper bits are used.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Low numbers are more likely, as some tables of any application are asked more than others.
    fn table(&mut self) -> u64 {
        self.below(TABLES).min(self.below(TABLES))
    }

    /// An equality that a column can answer, with a value that exists.
    fn equality(&mut self) -> String {
        match self.below(4) {
            0 => format!("a = {}", self.below(1000)),
            1 => format!("b = {}", self.below(100)),
            2 => format!("c = {}", self.below(10)),
            _ => format!("e = 'e{}'", self.below(5000)),
        }
    }

    fn range(&mut self) -> String {
        let from = self.below(690);
        match self.below(2) {
            0 => {
                let days = self.below(20) + 1;
                format!(
                    "d between date '2023-01-01' + {from} and date '2023-01-01' + {}",
                    from + days
                )
            }
            _ => format!("a between {from} and {}", from + self.below(15)),
        }
    }
}

fn statement(numbers: &mut Numbers) -> String {
    let t = numbers.table();
    let parent = (t + 1) % TABLES;
    let (equality, range) = (numbers.equality(), numbers.range());
    match numbers.below(9) {
        0 => format!("select * from t{t} where {equality}"),
        1 => format!("select id, f from t{t} where {equality} and {range}"),
        2 => format!("select count(*) from t{t} where {range}"),
        3 => format!("select id, d from t{t} where {equality} order by d desc limit 10"),
        4 => format!("select c, sum(f) from t{t} where {range} group by c"),
        5 => format!("select id, e from t{t} where {range} order by f limit 5"),
        6 => format!(
            "select x.id, y.e from t{t} as x join t{parent} as y on y.id = x.ref where x.{equality}"
        ),
        7 => format!(
            "select count(*) from t{t} as x join t{parent} as y on y.id = x.ref
            where y.{equality} and x.{range}"
        ),
        _ => format!("update t{t} set f = f + 1 where {equality} and b = {}", numbers.below(100)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_distinct_and_the_same_every_time() {
        let (short, long) = (generate(50), generate(500));
        assert_eq!(short, long[..50]);
        assert_eq!(long.iter().collect::<BTreeSet<_>>().len(), 500);
    }

    #[test]
    fn every_table_is_asked() {
        let all = generate(5000).join("\n");
        assert!((0..TABLES).all(|table| all.contains(&format!(" t{table} "))));
    }
}
