//! pg_query, one call at a time. No other module calls it.
//!
//! While it works it redirects standard error of the whole process to a pipe and then puts it back
//! (18.1: `dup2` in `pg_query_parse.c`, `_scan.c` and `_split.c`). Two calls side by side can put
//! back each other's pipe, and what is logged from then on is lost. For the same reason the log is
//! written to a duplicate of standard error: see [`crate::cli::run`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use pg_query::protobuf::ScanToken;
use pg_query::{Error, ParseResult};

static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    // Nothing is protected but the order, so a panic within leaves nothing half done.
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tree of a text.
///
/// # Errors
/// When the grammar does not take it, or it is nested too deeply.
pub(crate) fn parse(sql: &str) -> Result<ParseResult, Error> {
    let _alone = alone();
    pg_query::parse(sql, 0)
}

/// The tokens of a text, comments among them.
///
/// # Errors
/// When it ends within a string or comment.
pub(crate) fn scan(sql: &str) -> Result<Vec<ScanToken>, Error> {
    let _alone = alone();
    // Not `scan_tokens`: of a text without a token it makes a slice of a null pointer.
    pg_query::scan(sql).map(|scan| scan.tokens)
}

/// The statements of a text.
///
/// # Errors
/// When the grammar does not take it.
pub(crate) fn split(sql: &str) -> Result<Vec<&str>, Error> {
    let _alone = alone();
    pg_query::split_with_parser(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn standard_error_stays_where_it_is() {
        let target = || std::fs::read_link("/proc/self/fd/2").unwrap();
        let _first = alone();
        let before = target();
        drop(_first);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        assert!(scan("select 1").is_ok());
                        assert!(split("select 1").is_ok());
                        assert!(parse("select 1").is_ok());
                    }
                });
            }
        });
        let _last = alone();
        assert_eq!(target(), before);
    }
}
