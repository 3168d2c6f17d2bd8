//! Statements made of the pieces of the grammar, and the same with one piece exchanged for a hostile
//! one: the first must be allowed, the second refused.

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};

use crate::guard::{Policy, check_with};
use crate::hostile;
use crate::properties;

/// How deep statements are nested.
const DEPTH: u8 = 6;

/// A statement that reads, and the same with something hostile in it.
#[derive(Debug)]
pub struct Pair {
    benign: String,
    hostile: String,
}

impl<'a> Arbitrary<'a> for Pair {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        // First, so that the place of the piece does not move what is around it.
        let (place, piece): (u16, u8) = (input.arbitrary()?, input.arbitrary()?);
        let bytes = input.bytes(input.len())?;
        let mut plain = Writer::new(Unstructured::new(bytes), None);
        plain.statement()?;
        let place = usize::from(place) % plain.places.max(1);
        let mut changed = Writer::new(Unstructured::new(bytes), Some((place, piece)));
        changed.statement()?;
        Ok(Self { benign: plain.out, hostile: changed.out })
    }
}

/// # Panics
/// When the guard allows the hostile statement, refuses the other, or says of either what does not
/// hold.
pub fn judged_apart(pair: &Pair) {
    for policy in [Policy::AllowUnknown, Policy::Strict] {
        if let Err(refusal) = check_with(&pair.benign, policy) {
            panic!("refused under {policy:?}: {}\n{:?}", pair.benign, refusal.error());
        }
        assert!(check_with(&pair.hostile, policy).is_err(), "allowed: {}", pair.hostile);
    }
    let either = if pair.benign.len().is_multiple_of(2) { &pair.benign } else { &pair.hostile };
    properties::hold(either);
}

/// Writes a statement as the input says; the same input makes the same statement.
pub(crate) struct Writer<'a> {
    input: Unstructured<'a>,
    out: String,
    /// Places so far at which a piece could be hostile.
    places: usize,
    /// At which of them it is, and which one it is.
    hostile: Option<(usize, u8)>,
}

impl<'a> Writer<'a> {
    fn new(input: Unstructured<'a>, hostile: Option<(usize, u8)>) -> Self {
        Self { input, out: String::new(), places: 0, hostile }
    }

    pub(crate) fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A number below `n`; 0 when the input is at its end, so every choice has its shortest first.
    pub(crate) fn choose(&mut self, n: u8) -> Result<u8> {
        if self.input.is_empty() { Ok(0) } else { self.input.int_in_range(0..=n - 1) }
    }

    pub(crate) fn pick(&mut self, texts: &[&str]) -> Result<()> {
        let choice = self.choose(u8::try_from(texts.len()).unwrap_or(u8::MAX))?;
        self.put(texts[usize::from(choice)]);
        Ok(())
    }

    fn maybe(&mut self) -> Result<bool> {
        Ok(self.choose(3)? == 1)
    }

    /// Whether this place is the hostile one; then a piece has been written.
    pub(crate) fn taken(&mut self, pieces: &[&str]) -> bool {
        let here = self.places;
        self.places += 1;
        match self.hostile {
            Some((place, piece)) if place == here => {
                self.put(pieces[usize::from(piece) % pieces.len()]);
                true
            }
            _ => false,
        }
    }

    /// Parts with commas between them, at least one.
    pub(crate) fn list(&mut self, part: impl Fn(&mut Self) -> Result<()>) -> Result<()> {
        part(self)?;
        for _ in 0..self.choose(3)? {
            self.put(", ");
            part(self)?;
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<()> {
        self.pick(&[
            "",
            "explain analyze ",
            "explain analyze verbose ",
            "explain (analyze, buffers, format json) ",
            "explain (analyze true, costs off) ",
        ])?;
        self.query(DEPTH)
    }

    pub(crate) fn query(&mut self, depth: u8) -> Result<()> {
        if self.taken(hostile::QUERIES) {
            return Ok(());
        }
        let Some(depth) = depth.checked_sub(1) else {
            self.put("select ");
            return self.expression(0);
        };
        match self.choose(8)? {
            0 | 1 => self.select(depth),
            2 => {
                self.pick(&["with w as (", "with recursive w as not materialized ("])?;
                self.query(depth)?;
                self.put("), v(a) as (");
                self.query(depth)?;
                self.put(") ");
                self.select(depth)
            }
            3 => {
                self.put("(");
                self.query(depth)?;
                self.put(")");
                self.pick(&[" union all ", " union ", " intersect ", " except all "])?;
                self.put("(");
                self.query(depth)?;
                self.put(")");
                self.ending(depth)
            }
            4 => {
                self.put("values (");
                self.list(|w| w.expression(depth))?;
                self.put(")");
                self.ending(depth)
            }
            5 => {
                self.put("with recursive r(a) as (select 1 union all (");
                self.query(depth)?;
                self.put(")) search depth first by a set o cycle a set c using p ");
                self.select(depth)
            }
            6 => {
                self.put("((");
                self.query(depth)?;
                self.put("))");
                Ok(())
            }
            _ => {
                self.put("table t");
                Ok(())
            }
        }
    }

    fn select(&mut self, depth: u8) -> Result<()> {
        self.put("select ");
        if self.maybe()? {
            self.put("distinct on (");
            self.expression(depth)?;
            self.put(") ");
        }
        self.list(|w| {
            w.expression(depth)?;
            w.pick(&["", " as x", " as \"Pg_Sleep\""])
        })?;
        if self.maybe()? {
            self.put(" from ");
            self.list(|w| w.source(depth))?;
        }
        if self.maybe()? {
            self.put(" where ");
            self.condition(depth)?;
        }
        if self.maybe()? {
            self.pick(&[" group by ", " group by distinct "])?;
            self.pick(&["rollup (", "cube (", "grouping sets ((), (", "("])?;
            let sets = self.out.ends_with("((), (");
            self.list(|w| w.expression(depth))?;
            self.put(if sets { "))" } else { ")" });
        }
        if self.maybe()? {
            self.put(" having ");
            self.condition(depth)?;
        }
        if self.maybe()? {
            self.put(" window n as (");
            self.window(depth)?;
            self.put(")");
        }
        self.ending(depth)
    }

    fn ending(&mut self, depth: u8) -> Result<()> {
        if self.maybe()? {
            self.put(" order by ");
            self.list(|w| {
                w.expression(depth)?;
                w.pick(&["", " desc nulls last", " using <"])
            })?;
        }
        if self.maybe()? {
            self.put(" limit ");
            self.expression(depth)?;
            self.put(" offset ");
            self.expression(depth)?;
        }
        Ok(())
    }

    pub(crate) fn window(&mut self, depth: u8) -> Result<()> {
        self.put("partition by ");
        self.list(|w| w.expression(depth))?;
        self.put(" order by ");
        self.expression(depth)?;
        if self.maybe()? {
            self.pick(&[" rows between ", " range between ", " groups between "])?;
            self.expression(depth)?;
            self.put(" preceding and current row");
        }
        Ok(())
    }

    fn source(&mut self, depth: u8) -> Result<()> {
        if self.taken(hostile::SOURCES) {
            return Ok(());
        }
        let Some(depth) = depth.checked_sub(1) else {
            self.put("t");
            return Ok(());
        };
        match self.choose(10)? {
            0 => self.pick(&["t", "only (s.t) as a", "pg_catalog.pg_class as c (x, y)"])?,
            1 => {
                self.pick(&["(", "lateral ("])?;
                self.query(depth)?;
                self.put(") as q");
            }
            2 => {
                self.pick(&["", "lateral "])?;
                self.put("generate_series(");
                self.expression(depth)?;
                self.put(", ");
                self.expression(depth)?;
                self.put(") with ordinality as g (n, o)");
            }
            3 => {
                self.put("(");
                self.source(depth)?;
                self.pick(&[" join ", " left join ", " full outer join "])?;
                self.source(depth)?;
                self.put(" on ");
                self.condition(depth)?;
                self.put(")");
            }
            4 => {
                self.source(depth)?;
                self.pick(&[" cross join ", " natural join "])?;
                self.put("(");
                self.source(depth)?;
                self.put(" cross join u)");
            }
            5 => {
                self.put("t tablesample bernoulli (");
                self.expression(depth)?;
                self.put(") repeatable (");
                self.expression(depth)?;
                self.put(")");
            }
            6 => {
                self.put("rows from (unnest(");
                self.expression(depth)?;
                self.put("), json_to_record(");
                self.expression(depth)?;
                self.put(") as (a integer, b text collate \"C\")) as f");
            }
            7 => {
                self.put("xmltable('/a' passing (");
                self.expression(depth)?;
                self.put(") columns a text path 'b' default (");
                self.expression(depth)?;
                self.put(")) as x");
            }
            8 => {
                self.put("json_table(");
                self.expression(depth)?;
                self.put(", '$[*]' passing ");
                self.expression(depth)?;
                self.put(" as p columns (a integer path '$.a' default ");
                self.expression(depth)?;
                self.put(" on empty, nested path '$.b' columns (c for ordinality))) as j");
            }
            _ => {
                self.put("(values (");
                self.list(|w| w.expression(depth))?;
                self.put(")) as v");
            }
        }
        Ok(())
    }
}
