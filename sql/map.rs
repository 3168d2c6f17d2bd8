//! How tables relate, and what there is to find and to read in a schema.

/// Tables that may relate.
pub const TABLES: &str = include_str!("schema/map/tables.sql");

/// Their columns.
pub const COLUMNS: &str = include_str!("schema/map/columns.sql");

/// Their indexes.
pub const INDEXES: &str = include_str!("schema/map/indexes.sql");

/// The foreign keys.
pub const FOREIGN_KEYS: &str = include_str!("schema/map/foreign_keys.sql");

/// Who inherits from whom; `$1` a schema or NULL.
pub const INHERITANCE: &str = include_str!("schema/map/inheritance.sql");

/// Statistics of the columns `$2` of the tables `$1`.
pub const STATISTICS: &str = include_str!("schema/map/statistics.sql");

/// What the relation `$1` is.
pub const END: &str = include_str!("schema/map/end.sql");

/// What an overview has lines for, in order; `$1` a schema or NULL.
pub const OVERVIEW_LIST: &str = include_str!("schema/map/overview_list.sql");

/// The lines of the relations and enums `$1`.
pub const OVERVIEW_LINES: &str = include_str!("schema/map/overview_lines.sql");

/// The relations that a search looks at.
pub const SEARCH_RELATIONS: &str = include_str!("schema/map/search_relations.sql");

/// The columns that a search looks at.
pub const SEARCH_COLUMNS: &str = include_str!("schema/map/search_columns.sql");

/// What else a search looks at.
pub const SEARCH_OTHERS: &str = include_str!("schema/map/search_others.sql");

/// The names of the types `$1` with the modifiers `$2`.
pub const TYPE_NAMES: &str = include_str!("schema/map/type_names.sql");

/// All of them, for those who check texts.
pub const ALL: [&str; 13] = [
    TABLES,
    COLUMNS,
    INDEXES,
    FOREIGN_KEYS,
    INHERITANCE,
    STATISTICS,
    END,
    OVERVIEW_LIST,
    OVERVIEW_LINES,
    SEARCH_RELATIONS,
    SEARCH_COLUMNS,
    SEARCH_OTHERS,
    TYPE_NAMES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_select_of_qualified_names() {
        for text in ALL {
            let code: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            let code = code.join("\n");
            let first = code.split_whitespace().next().unwrap();
            assert!(["with", "select"].contains(&first), "{text}");
            assert!(!code.contains(';'), "{text}");
            for from in ["from pg_", "join pg_"] {
                assert_eq!(
                    code.matches(from).count(),
                    code.matches(&format!("{from}catalog.")).count()
                );
            }
        }
    }
}
