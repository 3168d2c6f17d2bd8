//! Which words can stand before a constant, and as what.

/// The reserved keywords of PostgreSQL 18: none of them names a type or a column.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case",
    "cast", "check", "collate", "column", "constraint", "create", "current_catalog", "current_date",
    "current_role", "current_time", "current_timestamp", "current_user", "default", "deferrable",
    "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from",
    "grant", "group", "having", "in", "initially", "intersect", "into", "lateral", "leading",
    "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only", "or", "order",
    "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric",
    "system_user", "table", "then", "to", "trailing", "true", "union", "unique", "user", "using",
    "variadic", "when", "where", "window", "with",
];

/// Keywords that are not reserved but introduce, join or follow an expression rather than name the
/// type of a literal.
#[rustfmt::skip]
const NOT_A_TYPE: &[&str] = &[
    // type_func_name_keyword
    "authorization", "binary", "collation", "concurrently", "cross", "current_schema", "freeze",
    "full", "ilike", "inner", "is", "isnull", "join", "left", "like", "natural", "notnull", "outer",
    "overlaps", "right", "similar", "tablesample", "verbose",
    // col_name_keyword, but for the names of types
    "between", "coalesce", "exists", "extract", "greatest", "grouping", "inout", "json_array",
    "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar",
    "json_serialize", "json_table", "json_value", "least", "merge_action", "none", "normalize",
    "nullif", "out", "overlay", "position", "row", "setof", "substring", "treat", "trim", "values",
    "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces",
    "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
    // unreserved keywords with an expression behind them
    "by", "call", "content", "document", "escape", "execute", "filter", "first", "groups", "nested",
    "next", "operator", "over", "passing", "range", "recheck", "ref", "return", "rows", "set",
    "uescape", "value", "version", "within", "zone",
];

/// Words after which an expression begins on the same level, or which join two of them.
#[rustfmt::skip]
const BOUNDARY: &[&str] = &[
    "and", "or", "not", "where", "on", "select", "distinct", "when", "then", "else", "having", "by",
    "limit", "offset", "returning", "set", "values", "between", "from", "using", "as", "is", "like",
    "ilike", "in", "union", "intersect", "except", "all", "group", "order", "window", "fetch",
    "for", "case", "end", "asc", "desc", "filter", "over", "escape", "placing",
];

fn contains(list: &[&str], word: &str) -> bool {
    list.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Whether the word is a reserved keyword.
pub(super) fn is_reserved(word: &str) -> bool {
    contains(RESERVED, word)
}

/// Whether the word can be the (last word of the) type in front of a literal.
pub(super) fn can_name_type(word: &str) -> bool {
    !is_reserved(word) && !contains(NOT_A_TYPE, word)
}

/// Whether an operand ends at this word.
pub(super) fn ends_operand(word: &str) -> bool {
    contains(BOUNDARY, word)
}
