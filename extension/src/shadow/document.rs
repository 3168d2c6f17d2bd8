//! A document of statistics as it is read. It is untrusted text: every member has its type here, and
//! what the types cannot say is checked where it is used.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sys::{Content, GinCounts};

/// The whole document, after [`Head`] has been looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) server: Server,
    pub(super) settings: Vec<Setting>,
    pub(super) objects: Vec<Object>,
    pub(super) relations: Vec<Relation>,
    pub(super) statistics: Vec<Statistics>,
    pub(super) extended: Vec<Extended>,
    pub(super) expressions: Vec<Expression>,
    #[serde(default)]
    pub(super) ranges: Vec<Range>,
    #[serde(default)]
    pub(super) workload: Vec<Statement>,
}

/// What says that it is such a document at all.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) version: i64,
}

/// See `sql/export/server.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) version_num: u32,
    pub(super) block_size: u32,
    pub(super) encoding: String,
    pub(super) collate: String,
    pub(super) ctype: String,
}

/// See `sql/export/settings.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) setting: String,
}

/// A statement that makes an object.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) ddl: String,
}

/// See `sql/export/relations.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) is_index: bool,
    pub(super) pages: u32,
    pub(super) tuples: f32,
    pub(super) all_visible: u32,
    pub(super) inserted: Option<i64>,
    pub(super) updated: Option<i64>,
    pub(super) hot_updated: Option<i64>,
    pub(super) deleted: Option<i64>,
    /// Only where the extension looked at the index.
    pub(super) tree_height: Option<u16>,
    /// Likewise.
    pub(super) gin: Option<GinCounts>,
}

/// What all statistics of one column or expression have in common.
#[derive(Debug, Deserialize)]
pub(super) struct Numbers {
    pub(super) null_frac: f32,
    pub(super) avg_width: i32,
    pub(super) n_distinct: f32,
    pub(super) correlation: Option<f32>,
    pub(super) mcv: Option<String>,
    pub(super) mcv_freqs: Option<Vec<f32>>,
    pub(super) histogram: Option<String>,
    pub(super) elements: Option<String>,
    pub(super) element_freqs: Option<Vec<f32>>,
    pub(super) element_counts: Option<Vec<f32>>,
    pub(super) lengths: Option<String>,
    pub(super) empty_frac: Option<Vec<f32>>,
    pub(super) bounds: Option<String>,
}

impl Numbers {
    /// As it is written, with the statistics of ranges that stand elsewhere.
    pub(super) fn content<'a>(&'a self, range: Option<&'a Range>) -> Content<'a> {
        let lengths = self.lengths.as_deref().or(range.and_then(|r| r.lengths.as_deref()));
        let empty = self.empty_frac.as_deref().or(range.and_then(|r| r.empty_frac.as_deref()));
        Content {
            null_frac: self.null_frac,
            width: self.avg_width,
            distinct: self.n_distinct,
            correlation: self.correlation,
            common: self.mcv.as_deref().zip(self.mcv_freqs.as_deref()),
            histogram: self.histogram.as_deref(),
            elements: self.elements.as_deref().zip(self.element_freqs.as_deref()),
            element_counts: self.element_counts.as_deref(),
            lengths: lengths.zip(empty),
            bounds: self.bounds.as_deref().or(range.and_then(|r| r.bounds.as_deref())),
        }
    }
}

/// See `sql/export/statistics.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Statistics {
    pub(super) schema: String,
    pub(super) relation: String,
    pub(super) column: String,
    pub(super) inherited: bool,
    #[serde(flatten)]
    pub(super) numbers: Numbers,
}

/// See `sql/export/ranges.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    pub(super) schema: String,
    pub(super) relation: String,
    pub(super) column: String,
    pub(super) inherited: bool,
    pub(super) lengths: Option<String>,
    pub(super) empty_frac: Option<Vec<f32>>,
    pub(super) bounds: Option<String>,
}

/// See `sql/export/extended.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Extended {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) inherited: bool,
    pub(super) columns: Option<BTreeMap<String, String>>,
    pub(super) n_distinct: Option<String>,
    pub(super) dependencies: Option<String>,
    pub(super) mcv: Option<Vec<Vec<Option<String>>>>,
    pub(super) mcv_freqs: Option<Vec<f64>>,
    pub(super) mcv_base_freqs: Option<Vec<f64>>,
}

/// See `sql/export/expressions.sql`.
#[derive(Debug, Deserialize)]
pub(super) struct Expression {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) expression: String,
    pub(super) inherited: bool,
    #[serde(flatten)]
    pub(super) numbers: Numbers,
}

/// See `sql/export/workload.sql`; of a statement that was given there is the text alone.
#[derive(Debug, Deserialize)]
pub(super) struct Statement {
    pub(super) queryid: Option<i64>,
    pub(super) query: String,
    pub(super) calls: Option<i64>,
    pub(super) total_ms: Option<f64>,
    pub(super) rows: Option<i64>,
    pub(super) search_path: Option<String>,
}
