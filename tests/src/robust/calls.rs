//! Every call that takes a statement, made with statements of all kinds in one backend.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::types::ToSql;
use postgres::{Client, Error, Statement};

use super::backend::{Backend, Held};

/// Each takes the statement as `$1` and, if there is a second, indexes that do not exist as `$2` and
/// existing ones as `$3`.
const CALLS: &[(&str, &str)] = &[
    ("mcp_check_read_only", "select * from mcp_check_read_only($1)"),
    ("mcp_explain", "select mcp_explain($1)"),
    (
        "mcp_explain with indexes",
        "select mcp_explain($1, $2, $3::text[]::regclass[], format => 'json', verbose => true, settings => true)",
    ),
    ("mcp_explain generic", "select mcp_explain($1, generic_plan => true, format => 'yaml')"),
    ("mcp_explain_report", "select mcp_explain_report($1, $2, $3::text[]::regclass[])"),
    ("mcp_plan_findings", "select * from mcp_plan_findings($1)"),
    ("mcp_whatif_indexes", "select mcp_whatif_indexes($2, array[$1])"),
    ("mcp_advise_indexes", "select * from mcp_advise_indexes(array[$1], time_limit => '500 ms')"),
];

/// Settings of a session that makes the calls.
pub const SETTINGS: &str =
    "set statement_timeout = '4 s'; set lock_timeout = '1 s'; set client_min_messages = error";

/// After how many statements the session is looked at.
const LOOK: usize = 20;

/// Bytes that a thousand statements may leave behind in the server's memory contexts.
const CONTEXTS_A_THOUSAND: i64 = 256 << 10;

/// Bytes that the process may grow by beside them, whatever the number of statements: the heap is in
/// pieces. And by a thousand of them.
const PROCESS: i64 = 4 << 20;
const PROCESS_A_THOUSAND: i64 = 2 << 20;

/// Indexes for the calls that take some.
#[derive(Debug, Default, Clone)]
pub struct Indexes {
    /// As CREATE INDEX statements.
    pub hypothetical: Vec<String>,
    /// Names.
    pub hidden: Vec<String>,
}

/// The calls, prepared in a backend.
#[allow(missing_debug_implementations, reason = "a client has none")]
pub struct Calls {
    /// Where they are made.
    pub backend: Backend,
    prepared: Vec<Statement>,
    indexes: Indexes,
    /// What came of them, by call and SQLSTATE.
    outcomes: BTreeMap<(&'static str, String), usize>,
    findings: Vec<String>,
    sent: usize,
    slowest: (Duration, String),
}

impl Calls {
    /// Prepares the calls.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn new(mut backend: Backend, indexes: Indexes) -> Result<Self> {
        let client = &mut backend.client;
        let prepared =
            CALLS.iter().map(|(_, sql)| client.prepare(sql)).collect::<Result<_, _>>()?;
        Ok(Self {
            backend,
            prepared,
            indexes,
            outcomes: BTreeMap::new(),
            findings: Vec::new(),
            sent: 0,
            slowest: <(Duration, String)>::default(),
        })
    }

    /// Makes every call with one statement.
    ///
    /// # Errors
    /// When the backend is gone or is not as it was.
    pub fn make(&mut self, statement: &str) -> Result<()> {
        let begin = Instant::now();
        for ((name, sql), prepared) in CALLS.iter().zip(self.prepared.clone()) {
            let all: [&(dyn ToSql + Sync); 3] =
                [&statement, &self.indexes.hypothetical, &self.indexes.hidden];
            let count = prepared.params().len();
            let outcome = self.backend.client.query(&prepared, &all[..count]);
            let code = match &outcome {
                Ok(_) => "answered".to_owned(),
                Err(error) => code(error).with_context(|| format!("{sql}\n{statement}"))?,
            };
            self.backend.assert_idle().with_context(|| {
                format!("{sql}\n{statement}\n{:?}", outcome.as_ref().err().map(message))
            })?;
            if let Err(error) = &outcome
                && is_internal(error)
                && !self.is_the_servers(statement, error)?
            {
                self.findings.push(format!("{name}: {}\n    {statement:.600}", message(error)));
            }
            *self.outcomes.entry((name, code)).or_default() += 1;
        }
        let took = begin.elapsed();
        if took > self.slowest.0 {
            self.slowest = (took, statement.to_owned());
        }
        self.sent += 1;
        if self.sent.is_multiple_of(LOOK) {
            self.backend.assert_untouched().with_context(|| format!("up to {statement}"))?;
        }
        Ok(())
    }

    /// Whether EXPLAIN by itself ends in the same error; what has parameters is prepared for it.
    fn is_the_servers(&mut self, statement: &str, error: &Error) -> Result<bool> {
        let client = &mut self.backend.client;
        let same = |other: Option<Error>| other.is_some_and(|one| message(&one) == message(error));
        if same(client.simple_query(&format!("explain {statement}")).err()) {
            return Ok(true);
        }
        let prepared = client.simple_query(&format!("prepare direct as {statement}"));
        let Ok(_) = prepared else { return Ok(same(prepared.err())) };
        let sql =
            "select cardinality(parameter_types) from pg_prepared_statements where name = 'direct'";
        let count: i32 = client.query_one(sql, &[])?.try_get(0)?;
        let nulls = vec!["null"; usize::try_from(count)?].join(", ");
        let values = if count > 0 { format!("({nulls})") } else { String::new() };
        let direct = client.simple_query(&format!("explain execute direct{values}")).err();
        client.batch_execute("deallocate direct")?;
        Ok(same(direct))
    }

    /// All statements, then some of them again; what is held must not have grown by these.
    ///
    /// # Errors
    /// When a call left something behind or ended in an internal error of ours.
    pub fn make_all<S: AsRef<str>>(
        &mut self,
        title: &str,
        statements: &[S],
        again: usize,
    ) -> Result<()> {
        let begin = Instant::now();
        // The first time fills the caches of the catalog.
        for statement in statements {
            self.make(statement.as_ref())?;
        }
        let before = self.backend.held()?;
        let step = (statements.len() / again.max(1)).max(1);
        let mut repeated = 0;
        for statement in statements.iter().step_by(step) {
            self.make(statement.as_ref())?;
            repeated += 1;
        }
        let after = self.backend.held()?;
        self.backend.assert_untouched()?;
        println!(
            "{title}: {} statements in {} calls, {:.0?}; {repeated} again took {} bytes of contexts and {} of \
             the process; {}",
            statements.len(),
            self.outcomes.values().sum::<usize>(),
            begin.elapsed(),
            after.contexts - before.contexts,
            after.process - before.process,
            self.summary(),
        );
        println!("{title}: the slowest took {:.1?}: {:.200}", self.slowest.0, self.slowest.1);
        ensure!(
            self.findings.is_empty(),
            "{title}: {} internal errors\n{}",
            self.findings.len(),
            self.findings.join("\n")
        );
        self.assert_given_back(before, after, repeated)
    }

    fn assert_given_back(&mut self, before: Held, after: Held, statements: usize) -> Result<()> {
        let thousands = i64::try_from(statements)? / 1000 + 1;
        let (contexts, process) =
            (after.contexts - before.contexts, after.process - before.process);
        let contexts_allowed = thousands * CONTEXTS_A_THOUSAND;
        let process_allowed = PROCESS + thousands * PROCESS_A_THOUSAND;
        if contexts <= contexts_allowed && process <= process_allowed {
            return Ok(());
        }
        let largest = self.backend.largest_contexts()?;
        anyhow::bail!(
            "{statements} statements have left {contexts} and {process} bytes:\n{largest}"
        )
    }

    /// How many calls were answered, and the errors by how often they came.
    fn summary(&self) -> String {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for ((_, code), count) in &self.outcomes {
            *codes.entry(code).or_default() += count;
        }
        let mut codes: Vec<_> = codes.into_iter().collect();
        codes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        codes.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
    }

    /// Share of a call's outcomes that were answers.
    #[must_use]
    pub fn answered(&self, call: &str) -> f64 {
        let of = |wanted: &dyn Fn(&str) -> bool| -> usize {
            let some =
                self.outcomes.iter().filter(|((name, code), _)| *name == call && wanted(code));
            some.map(|(_, count)| count).sum()
        };
        of(&|code| code == "answered") as f64 / of(&|_| true).max(1) as f64
    }
}

/// The SQLSTATE; none when there is no server any more.
fn code(error: &Error) -> Result<String> {
    let code = error.code().with_context(|| format!("the connection is gone: {error}"))?;
    ensure!(!["57P01", "57P02", "57P03"].contains(&code.code()), "{error}");
    Ok(code.code().to_owned())
}

fn message(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// Whether it is an error that says that something is wrong inside.
fn is_internal(error: &Error) -> bool {
    let panics = ["panicked", "unwrap", "RefCell", "out of bounds", "overflow"];
    error.code().is_some_and(|code| code.code().starts_with("XX"))
        || panics.iter().any(|sign| message(error).contains(sign))
}

/// Some of the existing indexes, and indexes that could be.
///
/// # Errors
/// Whatever the server answers.
pub fn indexes_of(client: &mut Client, hypothetical: &[&str]) -> Result<Indexes> {
    let sql = "select i.indexrelid::regclass::text from pg_index as i
        where i.indrelid >= 16384 and not i.indisprimary order by i.indexrelid limit 7";
    let hidden =
        client.query(sql, &[])?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(Indexes { hypothetical: hypothetical.iter().map(|sql| (*sql).to_owned()).collect(), hidden })
}
