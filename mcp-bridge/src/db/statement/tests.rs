use super::*;

#[test]
fn a_wrappable_text_cannot_leave_its_parentheses() {
    for sql in [
        "select 1",
        "select ')', \"(\", $$)$$, e'\\')' -- )",
        "(select 1) union (select 2)",
        "values (1), (2) /* ) */",
    ] {
        check_wrappable(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for sql in [
        "select 1) as a, (select 2",
        "select 1)",
        "(select 1",
        "select 1; select 2",
        "select 1;",
        "select '1",
        "select 1 /*",
        "select $1",
        "select 1\0",
        "-- nothing",
        "",
    ] {
        assert!(check_wrappable(sql).is_err(), "{sql}");
    }
}

#[test]
fn single_takes_one_statement_with_an_end() {
    for sql in [
        "show all",
        "vacuum;",
        "insert into t values (1) returning a ; -- done",
        "explain (generic_plan) select $1",
        "create function f() returns int begin atomic select 1; select 2; end",
        "prepare p as select $1",
        "copy t to '/tmp/t'",
    ] {
        check_single(sql).map(drop).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for sql in [
        "show all; drop table t",
        ";",
        "commit",
        "rollback to a",
        "/**/ end",
        "start transaction",
        "prepare transaction 'a'",
        "copy t from stdin",
        "copy (select 1) to STDOUT",
        "delete from t where a = $1",
        "explain select $1",
    ] {
        assert!(check_single(sql).is_err(), "{sql}");
    }
}

#[test]
fn the_verb_is_the_first_word() {
    assert_eq!(check_single("/* a */ Update t set a = 1").map(|t| t.verb()).unwrap(), "UPDATE");
}
