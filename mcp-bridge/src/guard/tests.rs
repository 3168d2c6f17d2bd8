//! Tests of the guard as a whole: of the text, of positions, of EXPLAIN. [`corpus`] runs the
//! statements in `tests/guard`, [`mutation`] changes them.

mod corpus;
mod mutation;

use super::*;
use crate::error::Kind;

fn refusal(sql: &str) -> Refusal {
    check(sql).expect_err(sql)
}

#[test]
fn a_statement_is_cut_out_of_comments_and_semicolons() {
    for (sql, text, offset) in [
        ("select 1", "select 1", 0),
        ("  select 1 -- x\n ; ", "select 1", 2),
        ("/* ä */;; select 'ö;' /* y */ ;;", "select 'ö;'", 11),
        ("(select 1);", "(select 1)", 0),
        ("-- ;\ntable t -- ;", "table t", 5),
    ] {
        let statement = check(sql).unwrap();
        assert_eq!((statement.text, statement.offset), (text, offset), "{sql}");
        assert_eq!(statement.form, Form::Query);
        assert_eq!(&sql[statement.offset..][..text.len()], text);
    }
}

#[test]
fn places_count_characters() {
    let error = refusal("select 'äöü',\n  'ß', pg_sleep(1)").error().clone();
    assert_eq!((error.line, error.column), (Some(2), Some(8)));
    let error = refusal("select 1;\r\n select 2").error().clone();
    assert_eq!((error.line, error.column), (Some(2), Some(2)));
    let error = refusal("\n/* ü */ delete from t").error().clone();
    assert_eq!((error.line, error.column), (Some(2), Some(9)));
}

#[test]
fn syntax_errors_have_their_place() {
    for (sql, line, column) in [
        ("selekt 1", 1, 1),
        ("select 'ä' from where 1", 1, 17),
        ("select a from b where from c", 1, 23),
        ("select (1", 1, 10),
        ("select 1,\n  2,,\n 3", 2, 5),
    ] {
        let error = refusal(sql).error().clone();
        assert_eq!((error.line, error.column), (Some(line), Some(column)), "{sql}: {error:?}");
        assert_eq!(error.sqlstate.as_deref(), Some("42601"));
        assert_eq!(inspect(sql).unwrap_err(), error);
    }
}

#[test]
fn a_refusal_says_what_why_and_what_instead() {
    let error = ToolError::from(refusal("select * from pg_read_file('/etc/passwd')"));
    assert_eq!(error.kind, Kind::NotReadOnly);
    assert_eq!(error.message, "function pg_read_file cannot be called here");
    assert!(error.detail.unwrap().contains("files of the server"));
    assert!(error.hint.is_some());
    let error =
        ToolError::from(refusal("create or replace function f() returns int language sql as ''"));
    assert_eq!(error.message, "CREATE OR REPLACE FUNCTION is not a read-only statement");
    let error = ToolError::from(refusal("explain analyze update t set a = 1"));
    assert_eq!(error.message, "EXPLAIN ANALYZE would execute UPDATE");
}

#[test]
fn explain_is_split_from_what_it_explains() {
    for (sql, text, analyze, reads_only) in [
        ("explain select 1", "select 1", false, true),
        ("explain (select 1)", "(select 1)", false, true),
        ("explain analyze (select 1)", "(select 1)", true, true),
        ("explain (analyze, verbose) (select 'ä')", "(select 'ä')", true, true),
        ("explain (analyze(false)) select 1", "select 1", false, true),
        ("explain analyze verbose select 1 -- x", "select 1", true, true),
        ("explain /* ( */ (analyze off) delete from t;", "delete from t", false, false),
        ("explain insert into t values (1)", "insert into t values (1)", false, false),
        ("explain select * from t for update", "select * from t for update", false, false),
    ] {
        match check(sql).map(|statement| statement.form) {
            Ok(Form::Explain(inner)) => {
                assert_eq!((inner.text, inner.analyze), (text, analyze), "{sql}");
                assert_eq!(inner.reads_only, reads_only, "{sql}");
                assert_eq!(&sql[inner.offset..][..text.len()], text);
            }
            // The grammar does not take it.
            Err(refusal) if refusal.class() == Class::Syntax => assert!(sql.contains("(false)")),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[test]
fn a_generic_plan_needs_no_values() {
    for (sql, generic) in [
        ("explain (generic_plan) select $1", true),
        ("explain (generic_plan off) select $1", false),
        ("explain select $1", false),
    ] {
        let form = check(sql).map(|statement| statement.form);
        assert!(matches!(form, Ok(Form::Explain(inner)) if inner.generic == generic), "{sql}");
    }
}

#[test]
fn parameters_are_counted() {
    for (sql, count) in [
        ("select 1", 0),
        ("select $1", 1),
        ("select $3 || (select $2)", 3),
        ("explain select * from t where a = $2 limit $1", 2),
        ("select $0", 1),
        ("select $70000", u16::MAX),
    ] {
        assert_eq!(check(sql).map(|statement| statement.parameters), Ok(count), "{sql}");
    }
    assert_eq!(check("select '$1', $$ $2 $$ -- $3").unwrap().parameters, 0);
}

#[test]
fn what_the_parser_cannot_be_given_is_refused() {
    assert_eq!(refusal("select 1\0; drop table t").class(), Class::Text);
    assert_eq!(refusal("").class(), Class::Text);
    assert_eq!(refusal(" \n\t").class(), Class::Text);
    assert_eq!(refusal("-- select 1").class(), Class::Text);
    let long = format!("select '{}'", "x".repeat(50 << 20));
    assert_eq!(refusal(&long).class(), Class::Text);
    assert_eq!(inspect(&long).unwrap_err().kind, Kind::InvalidArgument);
    assert_eq!(inspect("").unwrap(), []);
}

#[test]
fn depth_ends_in_an_error_and_not_in_a_crash() {
    // Above the limits: 10,000 on the parser's stack, 10,000 nested messages.
    let n = 24_000;
    for sql in [
        format!("select {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("select {}1", "- ".repeat(n)),
        format!("select 1{}", "+1".repeat(n)),
        format!("select 1{}", "::int".repeat(n)),
        format!("select {}true", "not ".repeat(n)),
        format!("select {}1{}", "(select ".repeat(n), ")".repeat(n)),
        format!("select {}1{}", "f(".repeat(n), ")".repeat(n)),
        format!("select {}1{}", "array[".repeat(n), "]".repeat(n)),
        format!("select {}1{}", "case when true then ".repeat(n / 4), " end".repeat(n / 4)),
        format!("select 1{}", " union select 1".repeat(n / 2)),
        format!("select 1 from a{}", " join a on 1=1".repeat(n / 2)),
        format!("{}select 1{}", "with a as (".repeat(n / 2), ") select 1".repeat(n / 2)),
        format!("select 1 from {}a{}", "(select * from ".repeat(n / 2), ") x".repeat(n / 2)),
        format!("select {}1", "explain ".repeat(n)),
        format!("select (a){}", ".b".repeat(n)),
        format!("select {}", "/*".repeat(n)),
        "(".repeat(n),
        format!("explain {}", "(".repeat(n)),
    ] {
        // A flat form may pass; what matters is that it comes back.
        if let Err(refusal) = check(&sql) {
            let class = refusal.class();
            assert!(matches!(class, Class::Text | Class::Syntax), "{refusal:?} {}", &sql[..40]);
        }
        let _ = inspect(&sql);
    }
}

#[test]
fn texts_that_keep_the_lexer_busy_are_refused_at_once() {
    for piece in ["/*", "+", "=", "*/", "--+"] {
        let sql = format!("select 1 {}", piece.repeat((200 << 10) / piece.len()));
        let start = std::time::Instant::now();
        assert_eq!(refusal(&sql).class(), Class::Text);
        // Where it is read, it takes minutes.
        assert!(start.elapsed().as_secs() < 10);
    }
    let line = "-".repeat(900);
    assert!(check(&format!("--{line}\n/*{line}*/ select 1 -- {line}")).is_ok());
}

#[test]
fn long_and_deep_statements_that_people_write_pass() {
    // 100 levels are where the decoder would stop by default.
    for sql in [
        format!("select 1{}", " || 'x'".repeat(400)),
        format!("select * from t where a = 1{}", " or a = 1".repeat(2_000)),
        format!("select * from t where a in (1{})", ", 1".repeat(5_000)),
        format!("values (1){}", ", (1)".repeat(3_000)),
        format!("select 1{}", " union all select 1".repeat(500)),
        format!("select * from t{}", " left join t on true".repeat(200)),
        format!("select {}1{}", "coalesce(".repeat(200), ")".repeat(200)),
        format!("select {}1{}", "(".repeat(2_000), ")".repeat(2_000)),
    ] {
        assert!(check(&sql).is_ok(), "{:?} {}", check(&sql), &sql[..40]);
        // What is at the bottom is still seen.
        let hostile = sql.replacen('1', "pg_sleep(1)", 1);
        if hostile != sql {
            assert_eq!(refusal(&hostile).class(), Class::Function);
        }
    }
}

#[test]
fn checks_run_side_by_side() {
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || {
                for _ in 0..20 {
                    let sql = format!("select {n}, pg_sleep({n})");
                    assert_eq!(refusal(&sql).class(), Class::Function);
                    assert_eq!(check(&format!("select {n}")).unwrap().text, format!("select {n}"));
                }
            });
        }
    });
}

#[test]
fn strict_refuses_what_it_does_not_know() {
    let strict =
        |sql: &str| check_with(sql, Policy::Strict).map(|_| ()).map_err(|refusal| refusal.class());
    for sql in [
        "select lower('A')",
        "select pg_catalog.lower('A')",
        "select count(*)",
        "select public.similarity('a', 'b')",
    ] {
        assert!(strict(sql).is_ok(), "{sql}");
    }
    for sql in [
        "select f(1)",
        "select public.lower('A')",
        "select * from t order by app.f(a)",
        "select 1 operator(public.+) 2",
        "select 1 operator(public.=) any (select 1)",
        "select 1 order by 1 using operator(public.<)",
        "select * from t tablesample mine (1)",
        "explain select f(1)",
    ] {
        assert_eq!(strict(sql), Err(Class::UnknownFunction), "{sql}");
        assert!(check(sql).is_ok(), "{sql}");
    }
}

#[test]
fn scripts_are_cut_into_parts() {
    let sql = "/* ä */ create table t (a int);\ninsert into t values ($1); select 'ö' ; vacuum t;";
    let parts = inspect(sql).unwrap();
    let kinds: Vec<_> = parts.iter().map(|part| (part.text, part.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("create table t (a int)", PartKind::Utility),
            ("insert into t values ($1)", PartKind::Write),
            ("select 'ö'", PartKind::Query),
            ("vacuum t", PartKind::Alone),
        ]
    );
    for part in &parts {
        assert_eq!(&sql[part.offset..][..part.text.len()], part.text);
    }
    assert_eq!(parts[1].parameters, 1);
}

#[test]
fn parts_are_told_apart() {
    use PartKind::{Alone, Explain, Query, Show, Utility, Write};
    for (sql, kind) in [
        ("select 1", Query),
        ("table t", Query),
        ("with q as (select 1) select * from q", Query),
        ("select pg_sleep(1)", Query),
        ("with q as (delete from t returning *) select * from q", Write),
        ("select * from t for update", Write),
        ("select 1 into t", Write),
        ("merge into t using s on true when matched then delete", Write),
        ("show all", Show),
        ("explain delete from t", Explain),
        ("create function f() returns int begin atomic select 1; select 2; end", Utility),
        ("analyze t", Utility),
        ("vacuum t", Alone),
        ("vacuum (analyze) t", Alone),
        ("create index concurrently on t (a)", Alone),
        ("create index on t (a)", Utility),
        ("drop index concurrently i", Alone),
        ("drop table t", Utility),
        ("reindex table t", Utility),
        ("reindex (concurrently) table t", Alone),
        ("reindex database d", Alone),
        ("alter system set work_mem = '1GB'", Alone),
        ("create database d", Alone),
        ("alter table t detach partition p concurrently", Alone),
        ("alter table t detach partition p", Utility),
        ("cluster", Alone),
        ("cluster t using i", Utility),
        ("call p()", Alone),
        ("do 'x'", Alone),
        ("begin", Utility),
    ] {
        let parts = inspect(sql).unwrap();
        assert_eq!(parts.iter().map(|part| part.kind).collect::<Vec<_>>(), [kind], "{sql}");
        assert_eq!(kind.runs_in_a_block(), kind != Alone);
    }
    // With others it runs in their block, where it may not commit.
    assert!(inspect("call p(); select 1").unwrap()[0].kind.runs_in_a_block());
}
