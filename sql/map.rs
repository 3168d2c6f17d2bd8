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

/// All of them, for those who check texts.
pub const ALL: [&str; 7] = [TABLES, COLUMNS, INDEXES, FOREIGN_KEYS, INHERITANCE, STATISTICS, END];
