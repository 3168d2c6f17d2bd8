//! Costs of statements under hypothetical indexes by hypopg and EXPLAIN, remembered; sizes.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::{Client, SimpleQueryMessage};

use super::Set;
use super::schema::{Index, Schema};
use crate::workloads::Statement;

/// Sizes are asked for in batches: the model samples a table once for each.
const BATCH: usize = 200;

/// Answers what a statement costs.
pub struct Costing {
    client: Client,
    pub(super) schema: Schema,
    statements: Vec<Statement>,
    /// Columns that each statement names.
    named: Vec<BTreeSet<(usize, usize)>>,
    /// Hypothetical indexes that exist in the session.
    present: HashMap<Index, u32>,
    /// Costs by statement and by those of the indexes that share a column with it.
    costs: HashMap<(usize, Vec<Index>), f64>,
    sizes: HashMap<Index, f64>,
    calls: u64,
    began: Instant,
    time_limit: Duration,
    /// Time in which sizes were asked for: not the algorithm's.
    apart: Duration,
    stopped: bool,
}

impl Costing {
    /// Reads the schema that `client` is connected to.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn new(mut client: Client, statements: Vec<Statement>) -> Result<Self> {
        let schema = Schema::read(&mut client)?;
        let named = statements.iter().map(|one| schema.named_in(&one.sql)).collect();
        Ok(Self {
            client,
            schema,
            statements,
            named,
            present: HashMap::new(),
            costs: HashMap::new(),
            sizes: HashMap::new(),
            calls: 0,
            began: Instant::now(),
            time_limit: Duration::MAX,
            apart: Duration::ZERO,
            stopped: false,
        })
    }

    /// Forgets costs and starts the clock. Sizes are kept.
    pub(super) fn begin(&mut self, time_limit: Duration) -> Result<()> {
        self.client.batch_execute("select hypopg_reset()")?;
        self.present.clear();
        self.costs.clear();
        (self.calls, self.stopped, self.apart) = (0, false, Duration::ZERO);
        (self.began, self.time_limit) = (Instant::now(), time_limit);
        Ok(())
    }

    /// Seconds and calls since the start, and whether the limit was noticed.
    pub(super) fn spent(&self) -> (f64, u64, bool) {
        ((self.began.elapsed().saturating_sub(self.apart)).as_secs_f64(), self.calls, self.stopped)
    }

    /// Whether the time is up.
    pub(super) fn expired(&mut self) -> bool {
        let expired = self.began.elapsed().saturating_sub(self.apart) > self.time_limit;
        self.stopped |= expired;
        expired
    }

    /// The number of statements.
    pub(super) fn statements(&self) -> usize {
        self.statements.len()
    }

    /// How often a statement counts.
    pub(super) fn weight(&self, statement: usize) -> f64 {
        self.statements.get(statement).map_or(0.0, |one| f64::from(one.calls))
    }

    /// All single-column indexes that a statement names.
    pub(super) fn singles(&self, statement: usize) -> Vec<Index> {
        let named = self.named.get(statement).into_iter().flatten();
        named.map(|(table, column)| Index { table: *table, columns: vec![*column] }).collect()
    }

    /// All single-column indexes that any statement names.
    pub(super) fn all_singles(&self) -> Vec<Index> {
        let all: BTreeSet<_> = self.named.iter().flatten().copied().collect();
        all.into_iter().map(|(table, column)| Index { table, columns: vec![column] }).collect()
    }

    /// All indexes of up to `width` columns in every order that a statement names.
    pub(super) fn permutations(&self, statement: usize, width: usize) -> Vec<Index> {
        let singles = self.singles(statement);
        let mut all = singles.clone();
        let mut last = singles.clone();
        for _ in 1..width {
            last = last
                .iter()
                .flat_map(|index| {
                    let same_table = singles.iter().filter(|single| single.table == index.table);
                    let columns = same_table.filter_map(|single| single.columns.first());
                    let new = columns.filter(|column| !index.columns.contains(column));
                    new.map(|column| index.with(*column)).collect::<Vec<_>>()
                })
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// Weighted cost of all statements with exactly these indexes beside the real ones.
    pub(super) fn total(&mut self, set: &Set) -> Result<f64> {
        let mut total = 0.0;
        for statement in 0..self.statements() {
            total += self.weight(statement) * self.cost(statement, set)?;
        }
        Ok(total)
    }

    /// Cost of one statement.
    pub(super) fn cost(&mut self, statement: usize, set: &Set) -> Result<f64> {
        let key = (statement, self.relevant(statement, set));
        if let Some(cost) = self.costs.get(&key) {
            return Ok(*cost);
        }
        let (cost, _) = self.explain(statement, set)?;
        self.costs.insert(key, cost);
        Ok(cost)
    }

    /// Cost of one statement and the hypothetical indexes that its plan uses.
    pub(super) fn plan(&mut self, statement: usize, set: &Set) -> Result<(f64, Vec<Index>)> {
        let (cost, text) = self.explain(statement, set)?;
        self.costs.insert((statement, self.relevant(statement, set)), cost);
        let uses = |oid: &u32| text.contains(&format!("\"<{oid}>"));
        let mut used: Vec<Index> = set
            .iter()
            .filter(|index| self.present.get(*index).is_some_and(uses))
            .cloned()
            .collect();
        used.sort();
        Ok((cost, used))
    }

    fn relevant(&self, statement: usize, set: &Set) -> Vec<Index> {
        let Some(named) = self.named.get(statement) else { return Vec::new() };
        let shares = |index: &&Index| {
            index.columns.iter().any(|column| named.contains(&(index.table, *column)))
        };
        set.iter().filter(shares).cloned().collect()
    }

    fn explain(&mut self, statement: usize, set: &Set) -> Result<(f64, String)> {
        self.offer(set)?;
        self.calls += 1;
        let one = self.statements.get(statement).context("no such statement")?;
        let messages = self.client.simple_query(&format!("explain (format json) {}", one.sql))?;
        let text = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let text = text.context("EXPLAIN shows nothing")?;
        // The first one is that of the whole plan; reading the document would take longer.
        let (_, rest) = text.split_once("\"Total Cost\": ").context("EXPLAIN shows no cost")?;
        let number = rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next();
        Ok((number.unwrap_or_default().parse()?, text.to_owned()))
    }

    /// Makes exactly these hypothetical indexes exist.
    fn offer(&mut self, set: &Set) -> Result<()> {
        let gone: Vec<Index> =
            self.present.keys().filter(|index| !set.contains(*index)).cloned().collect();
        for index in gone {
            if let Some(oid) = self.present.remove(&index) {
                self.client.execute("select hypopg_drop_index($1)", &[&oid])?;
            }
        }
        for index in set {
            if !self.present.contains_key(index) {
                let sql = "select indexrelid from hypopg_create_index($1)";
                let row = self.client.query_one(sql, &[&self.schema.ddl(index)])?;
                self.present.insert(index.clone(), row.try_get(0)?);
            }
        }
        Ok(())
    }

    /// Bytes of an index.
    pub(super) fn size(&mut self, index: &Index) -> Result<f64> {
        if !self.sizes.contains_key(index) {
            self.learn_sizes(std::slice::from_ref(index))?;
        }
        self.sizes.get(index).copied().with_context(|| format!("no size of {index:?}"))
    }

    /// Bytes of all indexes of a set.
    pub(super) fn bytes(&mut self, set: &Set) -> Result<f64> {
        set.iter().map(|index| self.size(index)).sum()
    }

    /// Asks for the sizes of all that are not known yet.
    pub(super) fn learn_sizes(&mut self, indexes: &[Index]) -> Result<()> {
        let begin = Instant::now();
        let unknown: BTreeSet<&Index> =
            indexes.iter().filter(|index| !self.sizes.contains_key(*index)).collect();
        let unknown: Vec<Index> = unknown.into_iter().cloned().collect();
        for batch in unknown.chunks(BATCH) {
            self.learn_batch(batch)?;
        }
        self.apart += begin.elapsed();
        Ok(())
    }

    fn learn_batch(&mut self, batch: &[Index]) -> Result<()> {
        let ddl: Vec<String> = batch.iter().map(|index| self.schema.ddl(index)).collect();
        let table = batch.first().and_then(|index| self.schema.tables.get(index.table));
        let any = format!("select * from {} limit 1", table.context("no such table")?.name);
        let sql =
            "select i ->> 'relation', array(select jsonb_array_elements_text(i -> 'columns')),
                (i ->> 'size_bytes')::float8
            from jsonb_array_elements(mcp_whatif_indexes($1, array[$2::text]) -> 'indexes') as i";
        for row in self.client.query(sql, &[&ddl, &any])? {
            let (relation, columns): (String, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
            let name = relation.rsplit('.').next().unwrap_or_default();
            let found = self.schema.tables.iter().position(|table| table.name == name);
            let table = found.with_context(|| format!("no table {relation}"))?;
            let known = &self.schema.tables.get(table).context("no such table")?.columns;
            let columns = columns
                .iter()
                .map(|column| known.iter().position(|name| name == column).context("no column"))
                .collect::<Result<_>>()?;
            self.sizes.insert(Index { table, columns }, row.try_get(2)?);
        }
        Ok(())
    }
}
