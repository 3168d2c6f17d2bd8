use super::*;

#[test]
fn place_counts_characters_and_lines() {
    assert_eq!(place("select 1", 0), (1, 1));
    assert_eq!(place("select\n  é x", 9), (2, 3));
    assert_eq!(place("select\n  é x", 11), (2, 5));
    assert_eq!(place("ab", 99), (1, 3));
}

#[test]
fn positions_behind_the_text_are_not_shown() {
    let at = |position| {
        let error = at_character(ToolError::new(Kind::SqlError, "m"), "se\nlect", position);
        (error.line, error.column)
    };
    assert_eq!(at(1), (Some(1), Some(1)));
    assert_eq!(at(4), (Some(2), Some(1)));
    assert_eq!(at(8), (Some(2), Some(5)));
    assert_eq!(at(9), (None, None));
    assert_eq!(at(0), (None, None));
}

#[test]
fn locate_in_shifts_the_first_line_by_the_column_where_the_part_starts() {
    let text = "-- a\n  select x,\n y";
    let error = ToolError::new(Kind::SqlError, "m");
    let first = locate_in(error.clone().at(1, 8), text, 7);
    assert_eq!((first.line, first.column), (Some(2), Some(10)));
    let second = locate_in(error.clone().at(2, 2), text, 7);
    assert_eq!((second.line, second.column), (Some(3), Some(2)));
    assert_eq!(locate_in(error.clone(), text, 7), error, "without a position there is none");
}

#[test]
fn kinds_follow_the_sqlstate() {
    for (code, expected) in [
        ("42601", Kind::SqlError),
        ("22012", Kind::SqlError),
        ("42501", Kind::PermissionDenied),
        ("25006", Kind::NotReadOnly),
        ("57014", Kind::Timeout),
        ("40P01", Kind::Conflict),
        ("08P01", Kind::DatabaseUnavailable),
        ("53300", Kind::DatabaseUnavailable),
        ("3D000", Kind::SqlError),
        ("", Kind::SqlError),
    ] {
        assert_eq!(kind(code, "m"), expected, "{code}");
    }
    for (code, expected) in [
        ("28P01", Kind::ConnectionMisconfigured),
        ("3D000", Kind::ConnectionMisconfigured),
        ("42501", Kind::ConnectionMisconfigured),
        ("57P01", Kind::DatabaseUnavailable),
        ("55000", Kind::DatabaseUnavailable),
    ] {
        assert_eq!(fatal_kind(code), expected, "{code}");
    }
    let unloaded = "pg_stat_statements must be loaded via \"shared_preload_libraries\"";
    assert_eq!(kind("55000", unloaded), Kind::MissingExtension);
}

#[test]
fn driver_errors_say_more_than_the_driver() {
    let error = "host=".parse::<tokio_postgres::Config>().unwrap_err();
    let tool_error = from_postgres(&error);
    assert_eq!(tool_error.kind, Kind::ConnectionMisconfigured);
    assert!(tool_error.detail.is_some());
}
