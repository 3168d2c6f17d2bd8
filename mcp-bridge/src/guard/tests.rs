//! Tests of the guard as a whole, most of them over the corpus in `tests/guard`.

use super::*;

#[test]
fn smoke() {
    let statement = check("  select 1 -- x\n ; ").unwrap();
    assert_eq!((statement.text, statement.offset), ("select 1", 2));
}
