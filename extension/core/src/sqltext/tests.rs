//! Normalized texts before and after, as PostgreSQL 15 stores and wants them.

use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

fn literal(text: &str) -> String {
    repair_typed_literals(text).unwrap_or_else(|| "unchanged".to_owned())
}

#[test]
fn typed_literals_become_casts() {
    let cases = [
        ("date $1", "CAST($1 AS date)"),
        ("d < date $2 + interval $3 month", "d < CAST($2 AS date) + CAST($3 AS interval month)"),
        ("timestamp $1", "CAST($1 AS timestamp)"),
        ("timestamp with time zone $1", "CAST($1 AS timestamp with time zone)"),
        (
            "a > timestamp(3) without time zone $1 and b",
            "a > CAST($1 AS timestamp(3) without time zone) and b",
        ),
        ("time (0) with time zone $1", "CAST($1 AS time (0) with time zone)"),
        ("timestamptz $1 at time zone $2", "CAST($1 AS timestamptz) at time zone $2"),
        ("interval $1 year to month", "CAST($1 AS interval year to month)"),
        ("interval $1 day to second(2)", "CAST($1 AS interval day to second(2))"),
        ("interval(3) $1 day", "CAST($1 AS interval(3)) day"),
        ("- interval $1 * $2", "- CAST($1 AS interval) * $2"),
        ("double precision $1", "CAST($1 AS double precision)"),
        ("n = numeric(10,2) $1", "n = CAST($1 AS numeric(10,2))"),
        ("character varying(10) $1", "CAST($1 AS character varying(10))"),
        ("national character varying $1", "CAST($1 AS national character varying)"),
        ("bit varying $1", "CAST($1 AS bit varying)"),
        ("j @> jsonb $1", "j @> CAST($1 AS jsonb)"),
        ("mood = \"sc\".mood $1", "mood = CAST($1 AS \"sc\".mood)"),
        ("\"Odd Type\" $1", "CAST($1 AS \"Odd Type\")"),
        ("date /* c */ $1", "CAST($1 AS date)"),
        ("select path $1, point $2", "select CAST($1 AS path), CAST($2 AS point)"),
    ];
    for (before, after) in cases {
        assert_eq!(literal(before), after, "{before}");
    }
}

#[test]
fn glued_parameters_are_separated() {
    let cases = [
        (
            "select$1from t where s like$2and d>=date$3",
            "select $1 from t where s like $2 and d>=CAST($3 AS date)",
        ),
        ("where s=$1and a=$2 or b in($3)and c", "where s=$1 and a=$2 or b in($3)and c"),
        ("c = N$1 and s = $2", "c = CAST($1 AS bpchar) and s = $2"),
        ("case when a=$1then$2else$3end", "case when a=$1 then $2 else $3 end"),
        ("between$1and$2limit $3", "between $1 and $2 limit $3"),
    ];
    for (before, after) in cases {
        assert_eq!(literal(before), after, "{before}");
    }
}

#[test]
fn constants_of_the_grammar_come_back() {
    let cases = [
        ("extract($1 from d) = $2", "extract(year from d) = $2"),
        ("normalize(s, $1)", "normalize(s, NFC)"),
        ("s is not $1 normalized", "s is not NFC normalized"),
        ("s = $1 UESCAPE '!' and a = $2", "s = $1 and a = $2"),
        ("cycle n set c to $1 default $2 using p", "cycle n set c to true DEFAULT false using p"),
        (
            "json_table(j, $1 columns (id int path $2, nested $3 columns (x int path $4)))",
            "json_table(j, '$[*]' columns (id int path '$', nested '$' columns (x int path '$')))",
        ),
        ("json_value(j, $1 default $2 on empty)", "json_value(j, $1 NULL on empty)"),
    ];
    for (before, after) in cases {
        assert_eq!(literal(before), after, "{before}");
    }
}

#[test]
fn what_is_valid_stays() {
    let texts = [
        "select $1, a$1, b from t where x like $1 escape $2 and y not in ($3 /*, ... */)",
        "select position($1 in x), trim(both $2 from x), substring(x from $3 for $4), overlay(x placing $5 from $6)",
        "select case $1 when $2 then $3 else $4 end, array[$5], x[$6:$7], f(a => $8), $9::date, cast($10 as date)",
        "select x at time zone $1, y collate \"C\", row($2), interval_col, date from t",
        "select distinct on (a) $1 from t where a between $2 and $3 or x is distinct from $4",
        "select sum(a) over (order by b rows between $1 preceding and $2 following) from t tablesample system ($3) repeatable ($4)",
        "select * from t order by a limit $1 offset $2 fetch first $3 rows only",
        "values ($1, $2) returning $3",
        "select a operator(pg_catalog.+) $1, xmlparse(document $2), xmlroot(x, version $3), xmlexists($4 passing by ref x)",
        "select * from xmltable($1 passing x columns id int path $2 default $3, n numeric(3,1) path $4)",
        "update t set a = $1, (b, c) = ($2, $3) where x similar to $4 and y overlaps $5",
        "select $1 one, $2 \"two\", $3 as three from t -- date $4",
        "select x from t where s = 'date $1' and $$ date $1 $$ = $1",
    ];
    for text in texts {
        assert_eq!(repair_typed_literals(text), None, "{text}");
        assert_eq!(unify_group_by(text), None, "{text}");
    }
}

#[test]
fn equal_expressions_get_equal_constants() {
    let cases = [
        // The analyzer dropped the second copy, so its constant is still there.
        (
            "select a + $1, count(*) from t group by a + 7",
            "select a + 7, count(*) from t group by a + 7",
        ),
        (
            "select extract($1 from d), count(*) from t group by extract(month from d)",
            "select extract(month from d), count(*) from t group by extract(month from d)",
        ),
        (
            "select date_bin($1, ts, timestamp $2) from t group by date_bin('1 h', ts, timestamp '2001-01-01')",
            "select date_bin('1 h', ts, timestamp '2001-01-01') from t group by date_bin('1 h', ts, timestamp '2001-01-01')",
        ),
        ("select a > $1 from t group by a > -5", "select a > -5 from t group by a > -5"),
        (
            "select (a + $1) * $2 from t group by a + $3 having A + $4 > $5 order by t.a + $6",
            "select (a + $3) * $2 from t group by a + $3 having A + $3 > $5 order by t.a + $3",
        ),
        (
            "select date_trunc($1, ts) from t group by 1 order by date_trunc('day', ts)",
            "select date_trunc('day', ts) from t group by 1 order by date_trunc('day', ts)",
        ),
        (
            "select coalesce(s, $1) as k from t group by k having coalesce(s, $2) > $3",
            "select coalesce(s, $1) as k from t group by k having coalesce(s, $1) > $3",
        ),
        (
            "select substr(s, $1), substr(s, $2) from t group by substr(s, 1), substr(s, 2)",
            "select substr(s, 1), substr(s, 2) from t group by substr(s, 1), substr(s, 2)",
        ),
        (
            "select coalesce(s, $1), b from t group by rollup(coalesce(s, 'x'), b)",
            "select coalesce(s, 'x'), b from t group by rollup(coalesce(s, 'x'), b)",
        ),
        (
            "select distinct a + $1 from t order by a + $2",
            "select distinct a + $1 from t order by a + $1",
        ),
        (
            "select distinct on (a + 1) a + $1, s from t order by a + 1",
            "select distinct on (a + 1) a + 1, s from t order by a + 1",
        ),
        (
            "select array_agg(distinct a + $1 order by a + 1) from t",
            "select array_agg(distinct a + 1 order by a + 1) from t",
        ),
        (
            "select k from (select a + $1 as k from t group by a + 3) x where k > $2",
            "select k from (select a + 3 as k from t group by a + 3) x where k > $2",
        ),
    ];
    for (before, after) in cases {
        assert_eq!(unify_group_by(before).as_deref(), Some(after), "{before}");
        assert_eq!(unify_group_by(after), None, "{after}");
    }
}

#[test]
fn parameters_near_an_error() {
    let near = |text: &str, mark: &str| params_near(text, text.find(mark).unwrap());
    assert_eq!(near("select sum(case when a = $1 then $2 else $3 end) x", "sum"), [2, 3, 1]);
    assert_eq!(near("select a = any(array[$1, $2]) and b = $3", "="), [1, 2]);
    assert_eq!(near("where a = coalesce($1, $2) and $3", "="), [1, 2]);
    assert_eq!(near("where d > current_date - $1 and a = $2", ">"), [1]);
    assert_eq!(near("select x + $1 from t", "+"), [1]);
    assert_eq!(near("select * from generate_series($1, $2) g where $3", "generate"), [1, 2]);
    assert_eq!(near("where (case when a > $1 then $2::int else $3 end) * b", "*"), [3, 1]);
    assert_eq!(near("where id = (select $1 from t where a = $2)", "="), [1, 2]);
    assert_eq!(result_params("case when $1 then $2 when $3 then $4::int else $5 end"), [2, 5]);
    assert_eq!(output_params("select $1 as x, a + f($2) from (values ($3, $4)) v"), [1, 3, 4]);
    assert_eq!(parameter_numbers("$3 = $1 or $3"), [1, 3]);
}

/// What the server says of a text, and what is tried next.
#[test]
fn attempts_follow_the_errors() {
    let step = |text: &str, sqlstate: &str, message: &str, mark: &str| {
        let attempt = Attempt::new(text);
        let position = attempt.text.find(mark).map(|offset| offset + 1);
        let next = attempt.after(&ServerError { sqlstate, message, position });
        next.map(|next| (next.text, next.types.into_iter().collect::<Vec<_>>()))
    };
    let integer = |numbers: &[u32]| -> Vec<(u32, ParamType)> {
        numbers.iter().map(|&number| (number, ParamType::Integer)).collect()
    };
    let text = "select sum(case when a then $1 else $2 end), sum(case when b then $3 end) from t";
    let hints = step(text, "42883", "function sum(text) does not exist", "sum").unwrap().1;
    assert_eq!(hints, integer(&[1, 2, 3]));
    let text = "with q(x, y) as (values ($1, $2)) select 1 from t join q on t.id = q.x";
    let hints = step(text, "42883", "operator does not exist: integer = text", "= q").unwrap().1;
    assert_eq!(hints, integer(&[1]));
    let text =
        "with recursive r as (select $1 as n union all select n + $2 from r) select 1 from r";
    let hints = step(text, "42883", "operator does not exist: text + unknown", "+").unwrap().1;
    assert_eq!(hints, integer(&[2]));
    let text = "select 1 from t where case when a > $1 then $2 else $3 end";
    let message = "argument of WHERE must be type boolean, not type text";
    let hints = step(text, "42804", message, "case").unwrap().1;
    assert_eq!(hints, [(2, ParamType::Boolean), (3, ParamType::Boolean)]);
    let glued = step("select c$1 from t", "42703", "column \"c$1\" does not exist", "c$1");
    assert_eq!(glued.unwrap().0, "select CAST($1 AS c) from t");
    assert_eq!(
        Attempt::new("select a$2 from t where b = $1").text,
        "select a$2 from t where b = $1"
    );
    let message = "could not determine data type of parameter $1";
    let hints = step("select $1 is null", "42P18", message, "-").unwrap().1;
    assert_eq!(hints, [(1, ParamType::Text)]);
    assert_eq!(step("select nope", "42703", "column does not exist", "nope"), None);
    assert_eq!(step("select 1 from", "42601", "syntax error at end of input", "-"), None);
}

#[test]
fn syntax_repairs_of_last_resort() {
    let text = "select odd thing $1";
    assert_eq!(repair_syntax("oddly (a) $1", 10).as_deref(), Some("CAST($1 AS oddly (a))"));
    assert_eq!(repair_syntax(text, 17).as_deref(), Some("select odd CAST($1 AS thing)"));
    assert_eq!(repair_syntax("a by ) by $1", 10).as_deref(), Some("a by ) by '1'"));
    assert_eq!(repair_syntax("a by ) by '1'", 10).as_deref(), Some("a by ) by 1"));
    assert_eq!(repair_syntax("a by ) by 1", 10), None);
    assert_eq!(repair_syntax("select $17-5), $18", 12).as_deref(), Some("select $17, $18"));
    assert_eq!(repair_syntax("select", 99), None);
}

#[test]
fn positions_and_classification() {
    assert_eq!(byte_offset("äb", 1), Some(0));
    assert_eq!(byte_offset("äb", 2), Some(2));
    assert_eq!(byte_offset("äb", 3), Some(3));
    assert_eq!(byte_offset("äb", 4), None);
    assert_eq!(byte_offset("äb", 0), None);
    assert_eq!(first_keyword("/* x */ ((SELECT 1))").as_deref(), Some("select"));
    assert_eq!(first_keyword("-- x\n Update t"), Some("update".to_owned()));
    assert_eq!(first_keyword("  "), None);
    assert!(is_truncated("select (a"));
    assert!(is_truncated("select 'a"));
    assert!(is_truncated("select a /* b"));
    assert!(!is_truncated("select (a) -- ("));
}

/// The parts of TPC-H that normalization breaks, by query.
#[test]
fn tpch() {
    let cases = [
        (
            1,
            "l_shipdate <= date $4 - interval $5 day",
            "l_shipdate <= CAST($4 AS date) - CAST($5 AS interval day)",
        ),
        (
            3,
            "o_orderdate < date $3 and l_shipdate > date $4",
            "o_orderdate < CAST($3 AS date) and l_shipdate > CAST($4 AS date)",
        ),
        (
            4,
            "o_orderdate < date $2 + interval $3 month and exists",
            "o_orderdate < CAST($2 AS date) + CAST($3 AS interval month) and exists",
        ),
        (
            6,
            "l_shipdate < date $2 + interval $3 year and l_discount",
            "l_shipdate < CAST($2 AS date) + CAST($3 AS interval year) and l_discount",
        ),
        (7, "extract($1 from l_shipdate) as l_year", "extract(year from l_shipdate) as l_year"),
        (
            8,
            "o_orderdate between date $6 and date $7 and p_type",
            "o_orderdate between CAST($6 AS date) and CAST($7 AS date) and p_type",
        ),
        (9, "extract($1 from o_orderdate) as o_year", "extract(year from o_orderdate) as o_year"),
        (14, "date $7 + interval $8 month", "CAST($7 AS date) + CAST($8 AS interval month)"),
        (22, "substring(c_phone from $1 for $2) in ($3)", "unchanged"),
    ];
    for (query, before, after) in cases {
        assert_eq!(literal(before), after, "Q{query}");
    }
    let q22 = implied_types("select substring(c_phone from $1 for $2) as cntrycode");
    assert_eq!(q22.keys().copied().collect::<Vec<_>>(), [1, 2]);
    let q6 = implied_types("l_discount between $4 - $5 and $6 + $7 and l_quantity < $8");
    assert_eq!(q6.keys().copied().collect::<Vec<_>>(), [4, 5, 6, 7]);
}

const FRAGMENTS: &str = "(select|from|group by|order by|distinct|on|case|when|then|else|end|date\
    |interval|day|extract|values|as|union|with|cast|array|in|like|\\$1|\\$2|a\\$3|\\(|\\)|\\[|\\]|,|;|'x'|'\
    |\\+|::|\\.|a|b|\"q\"|1|-|/\\*|\\*/|é|\n| ){0,40}";

proptest! {
    #[test]
    fn nothing_panics_and_repairs_settle(words in proptest::collection::vec(FRAGMENTS, 1..4), at in 0_usize..90) {
        let text = words.join(" ");
        if let Some(once) = repair_typed_literals(&text)
            && let Some(twice) = repair_typed_literals(&once)
        {
            // A repair may complete another construct, but it comes to an end.
            let thrice = repair_typed_literals(&twice).and_then(|t| repair_typed_literals(&t));
            prop_assert!(thrice.is_none_or(|t| repair_typed_literals(&t).is_none()));
        }
        let mut attempt = Attempt::new(&text);
        for sqlstate in ["42601", "42803", "42883", "42804", "42P18", "42601", "42883"] {
            let error = ServerError { sqlstate, message: "boolean $1", position: Some(at) };
            attempt = attempt.after(&error).unwrap_or(attempt);
        }
        let _ = (params_near(&text, at), result_params(&text), output_params(&text));
        let _ = (first_keyword(&text), is_truncated(&text), byte_offset(&text, at));
    }

    #[test]
    fn any_text_is_taken(text in any::<String>(), at in 0_usize..50) {
        let error = ServerError { sqlstate: "42601", message: "", position: Some(at) };
        let _ = Attempt::new(&text).after(&error);
        let _ = (params_near(&text, at), unify_group_by(&text));
    }
}

#[test]
fn deep_nesting_is_no_danger() {
    let depth = 20_000;
    let text = format!("select {}$1{} from t", "sum((".repeat(depth), "))".repeat(depth));
    assert!(params_near(&text, 7).len() <= 1);
    let text = format!("select {}$1", "case when a then ".repeat(depth));
    let _ = (params_near(&text, 7), output_params(&text), unify_group_by(&text));
}

#[test]
fn long_lists_take_linear_time() {
    let rows: Vec<String> =
        (0..50_000).map(|n| format!("(${}, ${})", 2 * n + 1, 2 * n + 2)).collect();
    let text = format!("select sum(x) from (values {}) v(x, y)", rows.join(", "));
    let attempt = Attempt::new(&text);
    let error = ServerError { sqlstate: "42883", message: "function sum(text)", position: Some(8) };
    assert_eq!(attempt.after(&error).map(|next| next.types.len()), Some(50_000));
}

#[test]
fn constants_are_put_back() {
    let constants = BTreeMap::from([(1, "it's".to_owned()), (3, "day".to_owned())]);
    let text = "select '$1', date_trunc($3, a) from t where d->>$1 = $2 -- $1";
    assert_eq!(
        with_constants(text, &constants).as_deref(),
        Some("select '$1', date_trunc('day', a) from t where d->>'it''s' = $2 -- $1")
    );
    let backslash = BTreeMap::from([(2, "a\\b".to_owned())]);
    assert_eq!(with_constants(text, &backslash), None);
}
