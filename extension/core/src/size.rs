//! The size of an index that `CREATE INDEX` would build now, in closed form: of a b-tree here, of
//! the other methods in the modules of their names, from what [`Contents`] says of the values.
//!
//! Follows what `nbtsort.c`, `nbtdedup.c` and `nbtutils.c` of PostgreSQL 13 and later do: leaf
//! pages are filled to 90 %, pages above to 70 %; equal keys are merged into posting tuples of at
//! most a tenth of a page; pivot tuples lose the attributes that are not needed to tell two
//! neighbours apart. Compared with really built indexes in the tests of this module.

mod brin;
mod contents;
mod distinct;
mod frequency;
mod gin;
mod gist;
mod hash;
#[cfg(test)]
mod measured;
mod model;
#[cfg(test)]
mod other_tests;
mod tuple;

pub use contents::{Contents, Entries, Keys};
pub use distinct::{GroupDistinct, clamp_group, combine_hashes, distinct_from_sample};
pub use model::SizeModel;
pub use tuple::{KeyPart, Spread, tuple_bytes};

use crate::pool::IndexSize;
use tuple::Layout;

/// Bytes of a page (`BLCKSZ`).
pub const PAGE_BYTES: f64 = 8192.0;
/// What is left of a page for items: header 24, b-tree special space 16, a slot for the high key.
const USABLE: f64 = PAGE_BYTES - 24.0 - 16.0 - 4.0;
/// `sizeof(ItemIdData)`, the line pointer of each item.
const LINE_POINTER: f64 = 4.0;
/// `sizeof(ItemPointerData)`, one row pointer in a posting list.
const ROW_POINTER: f64 = 6.0;
/// Free space that ends a leaf page (fill factor 90).
const LEAF_RESERVE: f64 = 819.0;
/// Free space that ends a page above the leaves (`BTREE_NONLEAF_FILLFACTOR` 70).
const INNER_RESERVE: f64 = 2457.0;
/// Largest posting tuple that a build makes: `MAXALIGN_DOWN(BLCKSZ / 10) - sizeof(ItemIdData)` is
/// 812, and tuples are multiples of 8.
const POSTING_MAX: f64 = 808.0;
/// Columns whose NULLs are worked out apart; NULLs of further columns are averaged.
const NULL_PATTERN_COLUMNS: usize = 4;

/// The size of a b-tree over `rows` rows.
///
/// `distinct` is the number of different values of the whole key, a NULL counting as a value.
/// `dedup` says whether every key column's operator class allows deduplication; an index with
/// INCLUDE columns is never deduplicated. `bytes` is `pages` times the page size.
#[must_use]
pub fn btree_size(
    rows: f64,
    keys: &[KeyPart],
    distinct: f64,
    dedup: bool,
    include: &[KeyPart],
) -> IndexSize {
    let rows = rows.max(0.0).round();
    if rows < 1.0 || keys.is_empty() {
        return IndexSize { pages: 1.0, tree_height: 0, bytes: PAGE_BYTES };
    }
    let dedup = dedup && include.is_empty();
    let distinct = distinct.clamp(1.0, rows);
    let mut leaves = 0.0;
    let mut items = 0.0;
    for class in null_classes(rows, keys, distinct) {
        let run = class.items(include, dedup);
        items += run.count;
        leaves += run.count / run.per_leaf();
    }
    let fan_out = fan_out(keys, distinct, items);
    let mut level = leaves.ceil().max(1.0);
    let mut pages = 1.0 + level;
    let mut tree_height = 0;
    while level > 1.0 {
        level = (level / fan_out).ceil();
        pages += level;
        tree_height += 1;
    }
    IndexSize { pages, tree_height, bytes: pages * PAGE_BYTES }
}

/// The rows that have NULL in the same key columns.
struct NullClass<'a> {
    rows: f64,
    distinct: f64,
    /// Each key column with the probability that it is NULL in this class.
    parts: Vec<(&'a KeyPart, f64)>,
}

/// Splits the rows by which key columns are NULL, taking NULLs as independent, and shares the
/// distinct keys out by what each class could have at most.
fn null_classes(rows: f64, keys: &[KeyPart], distinct: f64) -> Vec<NullClass<'_>> {
    let mut split: Vec<usize> = (0..keys.len()).filter(|&i| keys[i].null_frac > 0.0).collect();
    split.sort_by(|&a, &b| keys[b].null_frac.total_cmp(&keys[a].null_frac));
    split.truncate(NULL_PATTERN_COLUMNS);
    let mut classes = Vec::new();
    let mut possible = 0.0;
    for pattern in 0..(1_usize << split.len()) {
        let mut share = 1.0;
        let mut most = 1.0;
        let mut parts = Vec::with_capacity(keys.len());
        for (position, part) in keys.iter().enumerate() {
            let null = match split.iter().position(|&i| i == position) {
                None => part.null_frac,
                Some(bit) if pattern >> bit & 1 == 1 => {
                    share *= part.null_frac;
                    1.0
                }
                Some(_) => {
                    share *= 1.0 - part.null_frac;
                    0.0
                }
            };
            if null < 1.0 {
                most *= part.n_distinct;
            }
            parts.push((part, null));
        }
        let class_rows = rows * share;
        if class_rows >= 0.5 {
            let most = distinct::independent(&[most], class_rows).max(1.0);
            possible += most;
            classes.push(NullClass { rows: class_rows, distinct: most, parts });
        }
    }
    let scale = distinct / possible.max(1.0);
    for class in &mut classes {
        class.distinct = (class.distinct * scale).clamp(1.0, class.rows.max(1.0));
    }
    classes
}

impl NullClass<'_> {
    /// The leaf items of the class.
    fn items(&self, include: &[KeyPart], dedup: bool) -> Run {
        let mut layout = Layout::default();
        for &(part, null) in &self.parts {
            layout.push(part, null);
        }
        for part in include {
            layout.push(part, part.null_frac);
        }
        let tuple = layout.tuple_bytes();
        let most = ((POSTING_MAX - tuple) / ROW_POINTER).floor();
        if !dedup || most < 2.0 {
            return Run::of(tuple, self.rows, tuple);
        }
        let mut per_key = Run::empty(tuple);
        for (length, share) in run_lengths(self.rows / self.distinct) {
            let full = (length / most).floor();
            per_key.add(posting_bytes(tuple, most), full * share);
            let rest = length - full * most;
            if rest >= 1.0 {
                per_key.add(posting_bytes(tuple, rest), share);
            }
        }
        per_key.times(self.distinct)
    }
}

/// Bytes of the tuple that holds `count` rows of one key.
fn posting_bytes(tuple: f64, count: f64) -> f64 {
    if count < 2.0 { tuple } else { tuple + (ROW_POINTER * count / 8.0).ceil() * 8.0 }
}

/// How many rows one key has, with the share of keys: around `mean` as if rows drew their key at
/// random (one plus Poisson for short runs, normal for long ones).
fn run_lengths(mean: f64) -> Vec<(f64, f64)> {
    let extra = (mean - 1.0).max(0.0);
    if extra < 1e-9 {
        return vec![(1.0, 1.0)];
    }
    if extra < 24.0 {
        let mut share = (-extra).exp();
        let mut lengths = Vec::new();
        for more in 0..80_u32 {
            lengths.push((1.0 + f64::from(more), share));
            share *= extra / f64::from(more + 1);
        }
        return lengths;
    }
    let points: Vec<(f64, f64)> = (-12..=12)
        .map(|step| {
            let z = f64::from(step) / 4.0;
            ((mean + z * mean.sqrt()).round(), (-z * z / 2.0).exp())
        })
        .collect();
    let total: f64 = points.iter().map(|point| point.1).sum();
    points.into_iter().map(|(length, weight)| (length, weight / total)).collect()
}

/// Leaf items, line pointers included: how many, their bytes and the sum of squared bytes.
struct Run {
    count: f64,
    bytes: f64,
    squares: f64,
    /// Bytes of an item without its posting list.
    base: f64,
}

impl Run {
    fn empty(tuple: f64) -> Self {
        Self { count: 0.0, bytes: 0.0, squares: 0.0, base: tuple + LINE_POINTER }
    }

    fn of(item: f64, count: f64, tuple: f64) -> Self {
        let mut run = Self::empty(tuple);
        run.add(item, count);
        run
    }

    fn add(&mut self, item: f64, count: f64) {
        let item = item + LINE_POINTER;
        self.count += count;
        self.bytes += item * count;
        self.squares += item * item * count;
    }

    fn times(self, factor: f64) -> Self {
        Self {
            count: self.count * factor,
            bytes: self.bytes * factor,
            squares: self.squares * factor,
            base: self.base,
        }
    }

    /// Items that stay on a full leaf. `_bt_buildadd` ends a page once its free space, counting
    /// the last item's posting list as free, falls below the reserve, or when the next item does
    /// not fit; the last item then moves to the next page.
    fn per_leaf(&self) -> f64 {
        let mean = self.bytes / self.count;
        let excess = (self.squares / (self.count * mean * mean) - 1.0).max(0.0);
        let (target, room) = (USABLE - LEAF_RESERVE - self.base, USABLE - LINE_POINTER);
        let equal = f64::min((target / mean).floor() + 1.0, (room / mean).floor() - 1.0);
        let mixed = f64::min(
            target / mean + (1.0 + excess) / 2.0,
            room / mean + (1.0 + excess) / 2.0 - 2.0,
        );
        // Sizes that vary enough for a page's worth to add up to any phase blur the whole numbers.
        let blur = (4.0 * excess * target / mean).min(1.0);
        let kept = blur * mixed + (1.0 - blur) * equal;
        kept.max(1.0)
    }
}

/// Children of a page above the leaves. A pivot keeps as many key columns as are needed to tell
/// two neighbouring leaf items apart, and a row pointer when the whole key is equal.
fn fan_out(keys: &[KeyPart], distinct: f64, items: f64) -> f64 {
    let mut layout = Layout::default();
    let mut apart_before = 0.0;
    let mut product = 1.0;
    let mut pivot = 0.0;
    for (position, part) in keys.iter().enumerate() {
        layout.push(part, part.null_frac);
        product *= part.n_distinct + f64::from(u8::from(part.null_frac > 0.0));
        let last = position + 1 == keys.len();
        let values = if last { distinct } else { f64::min(product, distinct) };
        let apart = (values / items.max(1.0)).clamp(apart_before, 1.0);
        pivot += (apart - apart_before) * layout.tuple_bytes();
        apart_before = apart;
    }
    pivot += (1.0 - apart_before) * (layout.tuple_bytes() + 8.0);
    ((USABLE - INNER_RESERVE) / (pivot + LINE_POINTER)).floor().max(2.0)
}
