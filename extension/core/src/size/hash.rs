//! The size of a hash index that `CREATE INDEX` would build now.
//!
//! Follows `_hash_init` and `_hash_spareindex` of the server: buckets for the rows there are at 75 %
//! full, their number rounded up to a quarter of the next power of two. Buckets that were not yet
//! split hold twice as many rows as the others, and overflow.

use super::PAGE_BYTES;
use crate::pool::IndexSize;

/// Entries of a bucket that the build aims at (`HASH_DEFAULT_FILLFACTOR` 75): each of 20 bytes, for
/// header, hash code, padding and line pointer.
const AIM: f64 = 307.0;
/// Entries on a page: without header (24) and special space (16).
const MOST: f64 = 407.0;
/// Buckets from which on their number grows by quarters (`HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE`).
const WHOLE_STEPS: f64 = 512.0;

/// A hash index over `rows` rows with `distinct` different values.
pub(super) fn hash_size(rows: f64, distinct: f64) -> IndexSize {
    let rows = rows.max(0.0);
    let buckets = buckets(rows);
    let low = 2_f64.powf(buckets.log2().floor());
    let split = buckets - low;
    let per_value = (rows / distinct.max(1.0)).max(1.0);
    let overflow = |count: f64, mean: f64| count * overflow_pages(mean, per_value);
    let more = overflow(2.0 * split, rows / (2.0 * low)) + overflow(low - split, rows / low);
    let pages = (2.0 + buckets + more).ceil();
    IndexSize { pages, tree_height: -1, bytes: pages * PAGE_BYTES }
}

/// `_hash_get_totalbuckets(_hash_spareindex(…))` of what the rows ask for.
fn buckets(rows: f64) -> f64 {
    let wanted = (rows / AIM).max(2.0);
    let low = 2_f64.powf(wanted.log2().floor());
    if low >= wanted {
        return low;
    }
    if wanted <= WHOLE_STEPS {
        return low * 2.0;
    }
    low + ((wanted - low) / (low / 4.0)).ceil() * (low / 4.0)
}

/// Pages beyond the first that a bucket with `mean` entries on average has, when values with
/// `per_value` rows each fall into it at random.
fn overflow_pages(mean: f64, per_value: f64) -> f64 {
    let values = mean / per_value;
    if values > 30.0 {
        let deviation = (mean * per_value).sqrt();
        return (1..1000)
            .map(|page| above((f64::from(page) * MOST - mean) / deviation))
            .take_while(|&share| share > 1e-6)
            .sum();
    }
    // Few values: how many meet in a bucket is Poisson.
    let mut share = (-values).exp();
    let mut pages = 0.0;
    for met in 1..100_u32 {
        share *= values / f64::from(met);
        pages += share * ((f64::from(met) * per_value / MOST).ceil() - 1.0);
    }
    pages
}

/// Share of a normal distribution above `z` deviations: the logistic approximation, within 0.01.
fn above(z: f64) -> f64 {
    1.0 / (1.0 + (1.702 * z).exp())
}
