//! Constants inside expressions that normalization took away: `payload->>$1`, `date_trunc($1, at)`.
//! Without them the expression is none that an index could be built on.

use super::Walker;
use super::levels::strip;
use crate::nodetree::Node;

/// `pg_operator.oid` of `->` and `->>` of jsonb, and of json, with a key.
const KEY_OPERATORS: [u32; 4] = [3211, 3477, 3962, 3963];
/// `pg_proc.oid` of `date_trunc(text, timestamp)`; that of a moment depends on the time zone.
const DATE_TRUNC: u32 = 2020;

/// A parameter that stands for a part of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inside {
    /// `n` of `$n`.
    pub number: u32,
    /// What it stands for.
    pub part: Part,
}

/// What a parameter inside an expression can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A key of the documents in a column.
    JsonKey {
        /// The relation.
        relation: u32,
        /// The attribute.
        column: i16,
    },
    /// What times are cut off to.
    TimeUnit,
}

impl<'a> Walker<'a> {
    /// Notes the parameter that makes `node` an expression of this one call.
    pub(super) fn inside(&mut self, level: usize, node: &'a Node) {
        let args: Vec<&Node> = node.nodes("args").collect();
        let &[left, right] = args.as_slice() else { return };
        let number = |node: &Node| {
            let is_param = node.tag == "PARAM" && node.int("paramkind") == 0;
            u32::try_from(node.int("paramid")).ok().filter(|_| is_param)
        };
        if node.tag == "FUNCEXPR" && node.oid("funcid") == DATE_TRUNC {
            if let Some(number) = number(strip(left)) {
                self.inside.insert(Inside { number, part: Part::TimeUnit });
            }
        } else if node.tag == "OPEXPR"
            && KEY_OPERATORS.contains(&node.oid("opno"))
            && let Some(number) = number(strip(right))
        {
            let mut columns = Vec::new();
            if strip(left).tag == "VAR" {
                self.resolve(level, strip(left), &mut columns, 0);
            }
            if let &[(at, column)] = columns.as_slice()
                && column > 0
            {
                let part = Part::JsonKey { relation: self.oids[at], column };
                self.inside.insert(Inside { number, part });
            }
        }
    }
}
