//! What an import of statistics makes from a document without a server: extended statistics in the
//! server's stored form, and the height of b-trees that could not be looked at.
//!
//! The server has no input functions for `pg_ndistinct` and `pg_dependencies`; their stored forms are
//! written here, from what their output functions print, and are valid by construction.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Most columns and expressions of one statistics object (`STATS_MAX_DIMENSIONS`, `statistics.h`).
const MAX_DIMENSIONS: usize = 8;
/// `STATS_NDISTINCT_MAGIC` and `STATS_NDISTINCT_TYPE_BASIC` of `statistics.h`.
const NDISTINCT: [u32; 2] = [0xA352_BFA4, 1];
/// `STATS_DEPS_MAGIC` and `STATS_DEPS_TYPE_BASIC` of `statistics.h`.
const DEPENDENCIES: [u32; 2] = [0xB454_9A2C, 1];

/// The stored form of a `pg_ndistinct` (`statext_ndistinct_serialize` of `mvdistinct.c`), without its
/// length. `printed` is as in `{"1, 2": 300}`; `numbers` gives for a column's number there the one
/// here. Numbers below zero stand for expressions and stay.
///
/// # Errors
/// What is wrong with the text.
pub fn ndistinct(printed: &str, numbers: &BTreeMap<i16, i16>) -> Result<Vec<u8>, String> {
    let items = read(printed)?;
    let mut bytes = header(NDISTINCT, items.len());
    for (columns, count) in items {
        if !count.is_finite() {
            return Err(format!("\"{columns}\" has no number"));
        }
        let columns = columns_of(&columns, numbers)?;
        bytes.extend(count.to_ne_bytes());
        let length = i32::try_from(columns.len()).map_err(|error| error.to_string())?;
        bytes.extend(length.to_ne_bytes());
        columns.iter().for_each(|column| bytes.extend(column.to_ne_bytes()));
    }
    Ok(bytes)
}

/// The stored form of a `pg_dependencies` (`statext_dependencies_serialize` of `dependencies.c`),
/// printed as in `{"1, 2 => 3": 0.5}`. As [`ndistinct`].
///
/// # Errors
/// What is wrong with the text.
pub fn dependencies(printed: &str, numbers: &BTreeMap<i16, i16>) -> Result<Vec<u8>, String> {
    let items = read(printed)?;
    let mut bytes = header(DEPENDENCIES, items.len());
    for (columns, degree) in items {
        if !(0.0..=1.0).contains(&degree) {
            return Err(format!("\"{columns}\" has no degree from 0 to 1"));
        }
        let columns = columns_of(&columns.replace("=>", ","), numbers)?;
        bytes.extend(degree.to_ne_bytes());
        let length = i16::try_from(columns.len()).map_err(|error| error.to_string())?;
        bytes.extend(length.to_ne_bytes());
        columns.iter().for_each(|column| bytes.extend(column.to_ne_bytes()));
    }
    Ok(bytes)
}

/// The members of an object in their order, which decides between dependencies of equal degree.
struct Items(Vec<(String, f64)>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = map.next_entry()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn read(printed: &str) -> Result<Vec<(String, f64)>, String> {
    let Items(items) = serde_json::from_str(printed).map_err(|error| error.to_string())?;
    if items.is_empty() { Err("there is no item".to_owned()) } else { Ok(items) }
}

fn header(kind: [u32; 2], items: usize) -> Vec<u8> {
    let count = u32::try_from(items).unwrap_or(u32::MAX);
    [kind[0], kind[1], count].into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn columns_of(list: &str, numbers: &BTreeMap<i16, i16>) -> Result<Vec<i16>, String> {
    let columns: Vec<i16> = list
        .split(',')
        .map(|text| {
            let number: i16 = text.trim().parse().map_err(|_| format!("\"{list}\" is no list"))?;
            match number {
                1.. => numbers.get(&number).copied().ok_or_else(|| format!("no column {number}")),
                _ if number < 0 => Ok(number),
                _ => Err(format!("\"{list}\" has a zero")),
            }
        })
        .collect::<Result<_, String>>()?;
    if (2..=MAX_DIMENSIONS).contains(&columns.len()) {
        Ok(columns)
    } else {
        Err(format!("\"{list}\" has {} columns", columns.len()))
    }
}

/// Levels of a b-tree above its leaves (`btm_level`), where the tree itself could not be read.
///
/// `pages` with the first one, which is none of the tree; `key_width` in bytes, as in
/// `pg_stats.avg_width`. Inner pages are taken to be 70 % full, as a build leaves them
/// (`BTREE_NONLEAF_FILLFACTOR`).
#[must_use]
pub fn btree_height(pages: f64, key_width: f64) -> i32 {
    const USABLE: f64 = 8192.0 - 40.0;
    const HEADER_AND_POINTER: f64 = 8.0 + 4.0;
    let entry = HEADER_AND_POINTER + (key_width.max(1.0) / 8.0).ceil() * 8.0;
    let fan_out = (USABLE * 0.7 / entry).floor().max(2.0);
    let mut level = (pages - 1.0).max(1.0);
    let mut height = 0;
    while level > 1.0 {
        level = (level / fan_out).ceil();
        height += 1;
    }
    height
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> BTreeMap<i16, i16> {
        BTreeMap::from([(2, 1), (5, 4)])
    }

    #[test]
    fn ndistinct_is_the_servers_form_with_the_numbers_of_here() {
        let bytes = ndistinct("{\"2, 5\": 300, \"2, -1\": 7}", &numbers()).unwrap();
        // Three numbers, then for each item a double, a count and two columns.
        assert_eq!(bytes.len(), 12 + 2 * (8 + 4 + 4));
        assert_eq!(bytes[..4], 0xA352_BFA4_u32.to_ne_bytes());
        assert_eq!(bytes[8..12], 2_u32.to_ne_bytes());
        // In the order in which they were printed.
        assert_eq!(bytes[12..20], 300.0_f64.to_ne_bytes());
        assert_eq!(bytes[24..28], [1_i16.to_ne_bytes(), 4_i16.to_ne_bytes()].concat());
        assert_eq!(bytes[28..36], 7.0_f64.to_ne_bytes());
        assert_eq!(bytes[40..44], [1_i16.to_ne_bytes(), (-1_i16).to_ne_bytes()].concat());
    }

    #[test]
    fn dependencies_keep_their_direction() {
        let bytes = dependencies("{\"5 => 2\": 0.25}", &numbers()).unwrap();
        assert_eq!(bytes.len(), 12 + 8 + 2 + 4);
        assert_eq!(bytes[12..20], 0.25_f64.to_ne_bytes());
        assert_eq!(bytes[22..26], [4_i16.to_ne_bytes(), 1_i16.to_ne_bytes()].concat());
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        for text in
            ["", "[]", "{}", "{\"2\": 3}", "{\"2, 9\": 3}", "{\"2, x\": 3}", "{\"2, 0\": 3}"]
        {
            assert!(ndistinct(text, &numbers()).is_err(), "{text}");
        }
        let long = format!("{{\"{}\": 3}}", ["2"; 9].join(", "));
        assert!(ndistinct(&long, &numbers()).is_err());
        assert!(dependencies("{\"2 => 5\": 1.5}", &numbers()).is_err());
    }

    /// Heights of indexes that PostgreSQL 15 built, as `bt_metap` gives them.
    #[test]
    fn heights_are_those_of_built_indexes() {
        // Pages, bytes of the key, height.
        for (pages, width, height) in
            [(1.0, 4.0, 0), (2.0, 4.0, 0), (57.0, 4.0, 1), (276.0, 4.0, 1), (2745.0, 4.0, 2)]
        {
            assert_eq!(btree_height(pages, width), height, "{pages} {width}");
        }
    }
}
