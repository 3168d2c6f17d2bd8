//! The expressions of the statements of [`crate::grammar`].

use libfuzzer_sys::arbitrary::Result;

use crate::grammar::Writer;
use crate::hostile;

const LEAVES: &[&str] = &[
    "1",
    "t.a",
    "'x'",
    "null",
    "U&'\\0061'",
    "$$pg_sleep(1)$$",
    "date '2024-01-01'",
    "b'101'",
    "1.5e3",
    "current_user",
    "\"A b\"",
    "(t.*)::text",
    "interval '1' day",
    "e'\\'; select 1'",
];

const FUNCTIONS: &[&str] =
    &["lower", "pg_catalog.abs", "json_build_object", "array_agg", "now", "percentile_cont"];

const OPERATORS: &[&str] =
    &[" + ", " || ", " operator(pg_catalog.=) ", " ->> ", " @> ", " at time zone ", " ~* ", " ^ "];

const TYPES: &[&str] =
    &["::text", "::pg_catalog.int4[]", "::numeric(10, 2)", " collate \"C\"", "::interval day"];

/// A test: its words between its three operands.
const TESTS: &[[&str; 4]] = &[
    ["", " between symmetric ", " and ", ""],
    ["", " like ", " escape ", ""],
    ["", " in (", ", ", ")"],
    ["", " not in (select ", " where (", ") is not null)"],
    ["(", ") is distinct from (", ") or not (", ") is unknown"],
    ["", " = any (array[", "]) and (", ") is json object"],
    ["", " similar to ", " and (", ") is document"],
    ["(", ", 1) overlaps (", ", ", ")"],
    ["row(", ", ", ") < row(", ", 1)"],
];

/// Forms with two operands.
const FORMS: &[[&str; 3]] = &[
    ["case when true then ", " else ", " end"],
    ["case ", " when 1 then 2 when ", " then 3 end"],
    ["coalesce(", ", ", ")"],
    ["greatest(", ", ", ")"],
    ["nullif(", ", ", ")"],
    ["array[", ", ", "]"],
    ["(array[1])[", ":", "]"],
    ["row(", ", ", ")"],
    ["(", ").a[", "]"],
    ["substring(", " from ", " for 2)"],
    ["extract(year from ", ") + (", ")"],
    ["overlay(", " placing ", " from 1)"],
    ["trim(both ", " from ", ")"],
    ["position(", " in (", "))"],
    ["json_object(", " : ", " null on null)"],
    ["json_array(", ", ", " returning jsonb)"],
    ["json_objectagg(", " : ", " with unique keys)"],
    ["json_arrayagg(", " order by ", ")"],
    ["json_value(", ", '$.a' default ", " on error)"],
    ["json_query(", ", '$' passing ", " as p with wrapper)"],
    ["xmlelement(name e, xmlattributes(", " as a), ", ")"],
    ["xmlforest(", " as a, ", " as b)"],
    ["lower(variadic array[", ", ", "])"],
    ["make_interval(days => ", ", hours => ", ")"],
    ["count(distinct ", ") filter (where ", " is null)"],
    ["percentile_cont(", ") within group (order by ", ")"],
    ["string_agg(", ", ',' order by ", " desc)"],
    ["exists (select ", " limit ", ")"],
    ["not (", ")::boolean and (", ")::boolean"],
    ["xmlserialize(content ", " as text) || (", ")"],
    ["cast(", " as text) || normalize(", ", nfc)"],
];

impl Writer<'_> {
    pub(crate) fn condition(&mut self, depth: u8) -> Result<()> {
        self.operands(TESTS, depth)
    }

    pub(crate) fn expression(&mut self, depth: u8) -> Result<()> {
        if self.taken(hostile::EXPRESSIONS) {
            return Ok(());
        }
        let Some(depth) = depth.checked_sub(1) else { return self.pick(LEAVES) };
        match self.choose(12)? {
            0 | 1 => self.pick(LEAVES),
            2 => {
                self.pick(FUNCTIONS)?;
                self.put("(");
                self.list(|w| w.expression(depth))?;
                self.put(")");
                Ok(())
            }
            3 => {
                self.put("(");
                self.expression(depth)?;
                self.put(")");
                self.pick(OPERATORS)?;
                self.put("(");
                self.expression(depth)?;
                self.put(")");
                Ok(())
            }
            4 => {
                self.put("(");
                self.expression(depth)?;
                self.put(")");
                self.pick(TYPES)
            }
            5 => {
                self.pick(&["(", "array (", "(1) = all ("])?;
                self.query(depth)?;
                self.put(")");
                Ok(())
            }
            6 => {
                self.put("sum(");
                self.expression(depth)?;
                self.put(") filter (where ");
                self.condition(depth)?;
                self.put(") over (");
                self.window(depth)?;
                self.put(")");
                Ok(())
            }
            7 => {
                self.put("(");
                self.condition(depth)?;
                self.put(")");
                Ok(())
            }
            _ => self.operands(FORMS, depth),
        }
    }

    /// One of the forms, with an expression in each of its gaps.
    fn operands<const N: usize>(&mut self, forms: &[[&str; N]], depth: u8) -> Result<()> {
        let choice = self.choose(u8::try_from(forms.len()).unwrap_or(u8::MAX))?;
        let [first, rest @ ..] = &forms[usize::from(choice)][..] else { return Ok(()) };
        self.put(first);
        for word in rest {
            // In parentheses, because operators of all precedences meet here.
            self.put("(");
            self.expression(depth.saturating_sub(1))?;
            self.put(")");
            self.put(word);
        }
        Ok(())
    }
}
