//! What operator classes there are, and what they store.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use std::collections::BTreeSet;

    use advisor_core::model::{Column, Method};
    use pgrx::prelude::*;

    use crate::opclasses::{Compared, OperatorClasses};
    use crate::sys::{self, Sampled};

    fn oid(sql: &str) -> u32 {
        Spi::get_one::<pg_sys::Oid>(sql).unwrap().unwrap().to_u32()
    }

    /// The methods and names of the classes that answer to `operator` on column 1 of `opclasses_t`.
    fn answering(operator: &str, column: &Column, methods: &[Method]) -> Vec<(Method, String)> {
        let relation = oid("select 'opclasses_t'::regclass::oid");
        let of = sys::attribute_type(relation, column.number).unwrap();
        let operator = oid(&format!("select '{operator}'::regoperator::oid"));
        let strategy = sys::btree_strategy(operator, of.type_oid);
        let compared = Compared { of, strategy, column, pages: 1e5 };
        let allowed: BTreeSet<Method> = methods.iter().copied().collect();
        let classes = OperatorClasses::read(&allowed).unwrap();
        let found = classes.searches(operator, &compared);
        found.iter().map(|c| (c.method, c.named(of).unwrap_or_default())).collect()
    }

    fn column(number: i16) -> Column {
        Column { number, btree: true, avg_width: 8.0, ..Column::default() }
    }

    fn table() {
        Spi::run(
            "create domain opclasses_d as jsonb;
            create table opclasses_t (doc opclasses_d, name varchar collate \"en-x-icu\", at timestamp,
                during int4range, tags text[], bytewise text collate \"C\");",
        )
        .unwrap();
    }

    #[pg_test]
    fn opclasses_answer_by_the_catalog() {
        table();
        let all = Method::ALL;
        let gin = |name: &str| (Method::Gin, name.to_owned());
        let contains = answering("@>(jsonb,jsonb)", &column(1), &all);
        assert_eq!(contains, [gin(""), gin("jsonb_path_ops")]);
        assert_eq!(answering("?(jsonb,text)", &column(1), &all), [gin("")]);
        let pattern = (Method::Btree, "varchar_pattern_ops".to_owned());
        assert_eq!(answering("~~(text,text)", &column(2), &all), [pattern]);
        assert_eq!(answering("~~(text,text)", &column(6), &all), [], "bytes are in order");
        assert_eq!(answering("=(text,text)", &column(2), &all), []);
        let wide = Column { avg_width: 64.0, ..column(2) };
        assert_eq!(answering("=(text,text)", &wide, &all), [(Method::Hash, String::new())]);
        let at = "<(timestamp,timestamp)";
        assert_eq!(answering(at, &column(3), &all), []);
        let ordered = Column { correlation: -0.99, ..column(3) };
        assert_eq!(answering(at, &ordered, &all), [(Method::Brin, String::new())]);
        let overlap = answering("&&(anyrange,anyrange)", &column(4), &all);
        assert_eq!(overlap, [(Method::Gist, String::new()), (Method::Spgist, String::new())]);
        assert_eq!(answering("&&(anyrange,anyrange)", &column(4), &[Method::Gin]), []);
    }

    /// What an index would store of `values`, which need not be the table's.
    fn contents(method: Method, key: &str, values: &str) -> sys::Contents {
        let relation = oid("select 'opclasses_t'::regclass::oid");
        let query = format!("select v from (values {values}) as t (v) where $1 = '{{}}'");
        sys::read_contents(relation, method, key, &query, "{}").unwrap()
    }

    #[pg_test]
    fn opclasses_store_what_is_sampled() {
        table();
        let tags = contents(Method::Gin, "tags", "('{a,b,a}'), ('{}'), (null::text[])");
        let Sampled::Entries(mut found) = tags.sampled else { panic!("no entries") };
        // a and b once each; no entry, and no array.
        found.sort_unstable();
        assert_eq!((tags.rows, found.len()), (3, 4));
        assert_eq!(found.iter().filter(|(_, bytes)| *bytes == 2).count(), 2);
        assert_eq!(found[2], found[3], "rows without a key share an entry");
        let during = contents(Method::Gist, "during", "(int4range(1, 5)), ('[2,9)'), ('[3,4)')");
        // Type, two bounds and flags behind a short header; in ascending order but for the first.
        assert_eq!(during.sampled, Sampled::Keys { bytes: 3.0 * 14.0, rising: 2.5 / 3.0 });
    }

    #[pg_test]
    fn opclasses_nothing_is_stored_of_a_b_tree() {
        table();
        let relation = oid("select 'opclasses_t'::regclass::oid");
        let query = "select at from opclasses_t where ctid = any ($1::tid[])";
        let none = sys::read_contents(relation, Method::Btree, "at", query, "{}");
        assert_eq!(none, None);
    }
}
