//! Sizes of hash, BRIN, GIN, GiST and SP-GiST indexes against ones that PostgreSQL 15 built.

use super::contents::{Contents, Entries, Keys};
use super::{PAGE_BYTES, brin, gin, gist, hash};

fn within(what: &str, estimate: f64, built: f64, factor: f64) {
    let ratio = estimate / built;
    assert!(
        (1.0 / factor..=factor).contains(&ratio),
        "{what}: {estimate} pages instead of {built} ({ratio:.2})"
    );
}

#[test]
fn hash_indexes() {
    // 200,000 rows: all values different; 5,000 values.
    let pages = |rows, distinct| hash::hash_size(rows, distinct).pages;
    within("unique", pages(2e5, 2e5), 822.0, 1.05);
    within("40 rows a value", pages(2e5, 5e3), 872.0, 1.15);
    assert_eq!(pages(0.0, 0.0), 4.0);
}

#[test]
fn brin_indexes() {
    // 14,287 heap pages.
    assert_eq!(brin::brin_size(14_287.0, 8.0).pages, 3.0);
    within("64 bytes of text", brin::brin_size(14_287.0, 65.0).pages, 5.0, 1.3);
}

#[test]
fn search_trees() {
    let gist = |bytes, ordered| gist::gist_size(2e5, &[Keys { bytes, ordered }]).pages;
    within("points", gist(32.0, false), 1626.0, 1.25);
    within("boxes", gist(32.0, false), 2264.0, 1.4);
    within("ranges in no order", gist(14.0, false), 1030.0, 1.25);
    within("ranges in order", gist(14.0, true), 2025.0, 1.4);
    within("time ranges in order", gist(22.0, true), 1980.0, 1.25);
    let spgist = |bytes, ordered| gist::spgist_size(2e5, &[Keys { bytes, ordered }]).pages;
    within("points", spgist(16.0, false), 1117.0, 1.25);
    within("ranges in no order", spgist(14.0, false), 1283.0, 1.25);
    within("ranges in order", spgist(14.0, true), 2032.0, 1.4);
}

/// Every row of the sample has `per_row` of `values` entries, dealt out evenly.
fn entries(rows: usize, per_row: usize, values: usize, bytes: u32) -> Entries {
    let dealt = (0..rows * per_row).map(|at| ((at * 7919 % values) as u64, bytes));
    Entries::from_sample(rows, dealt.collect())
}

#[test]
fn inverted_indexes() {
    let contents = Contents::default();
    // 200,000 rows on 14,287 pages, 200,000 integers once each: one entry page is half full.
    let unique = Entries::from_sample(2000, (0..2000).map(|at| (at, 4)).collect());
    let size = gin::gin_size(2e5, 14_287.0, &[&unique], &contents);
    within("unique integers", size.bytes / PAGE_BYTES, 1445.0, 1.1);
    // 300 tags, two or three a row: a tree for each.
    let tags = entries(2000, 3, 300, 8);
    let size = gin::gin_size(2e5, 14_287.0, &[&tags], &contents);
    within("tags", size.bytes / PAGE_BYTES, 327.0, 1.5);
    assert!(size.pages < 40.0, "few pages of entries: {}", size.pages);
}

#[test]
fn more_rows_make_no_index_smaller() {
    let contents = Contents::default();
    let sampled = entries(1000, 5, 700, 6);
    let mut last = [0.0; 4];
    for rows in (0..60).map(|step| 1.3_f64.powi(step)) {
        let sizes = [
            hash::hash_size(rows, rows / 2.0).bytes,
            brin::brin_size(rows / 20.0, 8.0).bytes,
            gist::gist_size(rows, &[Keys { bytes: 16.0, ordered: false }]).bytes,
            gin::gin_size(rows, rows / 20.0, &[&sampled], &contents).bytes,
        ];
        for (at, (&now, before)) in sizes.iter().zip(last).enumerate() {
            // A second round from memory leaves pages fuller.
            assert!(now.is_finite() && now >= before * 0.69, "{at} at {rows}: {before} to {now}");
        }
        last = sizes;
    }
}

#[test]
fn rows_written_count_every_entry() {
    let mut contents = Contents::default();
    contents.insert_entries(0, 20_000, entries(1000, 10, 50, 4));
    let table = crate::model::Table::default();
    let def = crate::model::IndexDef::on(0, &[20_000]);
    assert_eq!(contents.row_bytes(&table, &def), Some(10.0 * 24.0));
    assert_eq!(contents.row_bytes(&table, &crate::model::IndexDef::on(0, &[20_001])), None);
}
