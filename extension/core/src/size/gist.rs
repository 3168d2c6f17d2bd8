//! The size of search trees that `CREATE INDEX` would build now: GiST and SP-GiST.
//!
//! How full their pages get depends on how the operator class splits them. The shares here are
//! measured: see the truth test.

use super::PAGE_BYTES;
use super::contents::Keys;
use crate::pool::IndexSize;

/// Room on a page: without header (24) and special space (16 and 8).
const GIST_PAGE: f64 = PAGE_BYTES - 24.0 - 16.0;
const SPGIST_PAGE: f64 = PAGE_BYTES - 24.0 - 8.0;
/// `sizeof(IndexTupleData)`, and `SGLTHDRSZ` of a leaf of SP-GiST; line pointer included.
const GIST_TUPLE: f64 = 8.0 + 4.0;
const SPGIST_TUPLE: f64 = 16.0 + 4.0;
/// Share of a page that is full when rows come in no order.
const GIST_FILL: f64 = 0.62;
const SPGIST_FILL: f64 = 0.70;
/// The same when they come in the order of their values: the half that a split leaves behind stays
/// as it is.
const ORDERED_FILL: f64 = 0.41;

/// A GiST index over such keys.
pub(super) fn gist_size(rows: f64, keys: &[Keys]) -> IndexSize {
    let tuple = keys.iter().map(|key| key.bytes).sum::<f64>();
    search_tree(rows, aligned(tuple) + GIST_TUPLE, GIST_PAGE, fill(GIST_FILL, keys))
}

/// An SP-GiST index over such keys.
pub(super) fn spgist_size(rows: f64, keys: &[Keys]) -> IndexSize {
    let tuple = keys.iter().map(|key| key.bytes).sum::<f64>();
    // A root page each for values and for NULLs, before any row.
    let mut size =
        search_tree(rows, aligned(tuple) + SPGIST_TUPLE, SPGIST_PAGE, fill(SPGIST_FILL, keys));
    size.pages += 2.0;
    size.bytes = size.pages * PAGE_BYTES;
    size
}

fn fill(usual: f64, keys: &[Keys]) -> f64 {
    if keys.first().is_some_and(|key| key.ordered) { ORDERED_FILL } else { usual }
}

fn aligned(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

fn search_tree(rows: f64, tuple: f64, page: f64, fill: f64) -> IndexSize {
    let per_page = (page * fill / tuple).max(2.0);
    let mut level = (rows.max(1.0) / per_page).ceil();
    let mut pages = level;
    while level > 1.0 {
        level = (level / per_page).ceil();
        pages += level;
    }
    IndexSize { pages, tree_height: -1, bytes: pages * PAGE_BYTES }
}
