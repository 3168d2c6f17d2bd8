//! The size of an inverted index that `CREATE INDEX` would build now.
//!
//! Follows `gininsert.c`, `ginentrypage.c`, `gindatapage.c` and `ginpostinglist.c` of the server:
//! an entry holds the compressed list of its rows; a list of more than a third of a page becomes a
//! tree of its own. Entries come in order from one build in memory, and each page that they fill is
//! split in halves, of which nothing fills the left one; a second round from memory fills them up.

use super::contents::{Contents, Entries};
use super::{LINE_POINTER, PAGE_BYTES};
use crate::pool::IndexSize;

/// Room for entries on a page: without header (24) and special space (8).
const ENTRY_PAGE: f64 = PAGE_BYTES - 24.0 - 8.0;
/// Largest entry with its rows inside (`GinMaxItemSize`).
const ENTRY_MAX: f64 = 2712.0;
/// Room on a leaf of a tree of rows (`GinDataPageMaxDataSize`), without the right bound.
const DATA_PAGE: f64 = PAGE_BYTES - 24.0 - 8.0 - 8.0;
/// Bytes of rows in a segment (`GinPostingListSegmentTargetSize`), and of its header.
const SEGMENT: f64 = 256.0;
const SEGMENT_HEADER: f64 = 8.0;
/// Share of an entry page that is full after one round, and after several: measured.
const FILL_ONCE: f64 = 0.5;
const FILL_AGAIN: f64 = 0.72;
/// Memory of an entry while it is built, beside its key, and of each of its rows.
const BUILD_ENTRY: f64 = 140.0;
const BUILD_ROW: f64 = 8.0;
/// Share of the pages that the planner takes for pages of entries when the index does not exist
/// (`gincostestimate`).
const ENTRIES_SHARE: f64 = 0.9;
/// Entries of which the planner expects a hundred on a page have so many bytes.
const NOT_SAMPLED_BYTES: f64 = 1.5;

/// An inverted index over elements with these entries. `bytes` is the whole file; `pages` is what
/// makes the planner expect the right number of pages of entries, for it divides the pages of an
/// index that does not exist by a rule of thumb.
pub(super) fn gin_size(
    rows: f64,
    heap_pages: f64,
    elements: &[&Entries],
    contents: &Contents,
) -> IndexSize {
    let (mut entry_bytes, mut tree_pages, mut memory) = (0.0, 0.0, 0.0);
    // An index on several columns stores the column's number with each key.
    let number = if elements.len() > 1 { 4.0 } else { 0.0 };
    for element in elements {
        for (count, postings, key) in element.in_rows(rows) {
            let list = list_bytes(postings, heap_pages);
            let inside = entry_tuple(key + number, SEGMENT_HEADER + list);
            memory += count * (BUILD_ENTRY + key + postings * BUILD_ROW);
            if inside <= ENTRY_MAX {
                entry_bytes += count * (inside + LINE_POINTER);
            } else {
                entry_bytes += count * (entry_tuple(key + number, 0.0) + LINE_POINTER);
                tree_pages += count * tree(list * (1.0 + SEGMENT_HEADER / SEGMENT));
            }
        }
    }
    let fill = if memory > contents.memory { FILL_AGAIN } else { FILL_ONCE };
    let leaves = (entry_bytes / (ENTRY_PAGE * fill)).ceil().max(1.0);
    let inner = if leaves > 1.0 { (leaves / 150.0).ceil() } else { 0.0 };
    let entry_pages = leaves + inner;
    let pages = 1.0 + entry_pages + tree_pages.ceil();
    IndexSize {
        pages: (entry_pages / ENTRIES_SHARE).ceil(),
        tree_height: -1,
        bytes: pages.max(2.0) * PAGE_BYTES,
    }
}

/// An inverted index of which nothing is known but the width of the values.
pub(super) fn gin_unsampled(rows: f64, width: f64) -> IndexSize {
    let pages = (2.0 + rows * width * NOT_SAMPLED_BYTES / PAGE_BYTES).ceil();
    IndexSize { pages, tree_height: -1, bytes: pages * PAGE_BYTES }
}

/// An entry: header and key, then the rows from an even offset.
fn entry_tuple(key: f64, list: f64) -> f64 {
    let key = ((8.0 + key) / 2.0).ceil() * 2.0;
    ((key + list) / 8.0).ceil() * 8.0
}

/// Pages of the tree that holds `bytes` of rows.
fn tree(bytes: f64) -> f64 {
    let leaves = (bytes / DATA_PAGE).ceil().max(1.0);
    if leaves > 1.0 { leaves + 1.0 } else { leaves }
}

/// Bytes of a list of rows, scattered at random over the heap: each is the distance from the one
/// before it, seven bits a byte, where a page is 2,048 apart.
fn list_bytes(postings: f64, heap_pages: f64) -> f64 {
    /// Distances in pages that two, three and four bytes are enough for.
    const TWO: f64 = 8.0;
    const THREE: f64 = 1024.0;
    const FOUR: f64 = 131_072.0;
    let gap = heap_pages.max(1.0) / postings.max(1.0);
    let new_page = (gap * (1.0 - (-1.0 / gap).exp())).clamp(0.0, 1.0);
    let beyond = |pages: f64| (-pages / gap.max(1.0)).exp();
    let far = 2.0 + beyond(TWO) + beyond(THREE) + beyond(FOUR);
    (postings - 1.0).max(0.0) * ((1.0 - new_page) + new_page * far)
}
