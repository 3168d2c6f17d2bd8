//! The memory of advice: what was advised, what is muted, what became of it.
//!
//! The tables and the view over them are in `sql/memory/tables.sql`, and so is what is computed from
//! them. Nothing is written by a run of the advisor itself, whose transaction is rolled back, but by
//! the SQL functions around it.

use std::collections::BTreeMap;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone};
use pgrx::{JsonB, Spi};
use serde_json::json;

use crate::error::AdvisorError;
use crate::query;
use crate::report::Advice;
use crate::settings;
use crate::statements::RecordedStatements;

const WHERE: &str = include_str!("../../sql/memory/where.sql");
const REMEMBER: &str = include_str!("../../sql/memory/remember.sql");
const OBSERVE: &str = include_str!("../../sql/memory/observe.sql");
const MUTE: &str = include_str!("../../sql/memory/mute.sql");
const UNMUTE: &str = include_str!("../../sql/memory/unmute.sql");
const COUNTERS: &str = include_str!("../../sql/memory/counters.sql");
const MUTED: &str = "select a.id, a.mute_reason from {schema}.mcp_advice as a \
    where a.muted_at is not null";

/// By identifier of the advice, why it is muted.
pub(crate) type Muted = BTreeMap<String, Option<String>>;

/// Where the memory is.
struct Memory {
    /// The extension's schema, quoted.
    schema: String,
    read_only: bool,
    may_write: bool,
}

impl Memory {
    /// Finds it; `None` where the extension was created before it had one.
    fn find() -> Result<Option<Self>, AdvisorError> {
        Spi::connect(|client| {
            let row = client.select(WHERE, Some(1), &[])?.first();
            if row.is_empty() {
                return Ok(None);
            }
            Ok(Some(Self {
                schema: row.get::<String>(1)?.unwrap_or_default(),
                read_only: row.get::<bool>(2)?.unwrap_or(true),
                may_write: row.get::<bool>(3)?.unwrap_or(false),
            }))
        })
    }

    /// Finds it, or says that there is none.
    fn required() -> Result<Self, AdvisorError> {
        Self::find()?.ok_or(AdvisorError::NoMemory)
    }

    /// Runs a text that writes; gives the first column of its first row.
    fn write<T: pgrx::FromDatum + pgrx::IntoDatum>(
        &self,
        text: &str,
        args: &[DatumWithOid<'_>],
    ) -> Result<Option<T>, AdvisorError> {
        Spi::connect_mut(|client| {
            let rows = client.update(&text.replace("{schema}", &self.schema), Some(1), args)?;
            if rows.is_empty() { Ok(None) } else { Ok(rows.first().get_one()?) }
        })
    }
}

/// What is muted. Nobody is kept from advice by a memory that cannot be read.
///
/// # Errors
/// What SPI says.
pub(crate) fn muted() -> Result<Muted, AdvisorError> {
    let Some(memory) = Memory::find()? else { return Ok(Muted::new()) };
    Spi::connect(|client| {
        let mut muted = Muted::new();
        for row in client.select(&MUTED.replace("{schema}", &memory.schema), None, &[])? {
            if let Some(id) = row.get::<String>(1)? {
                muted.insert(id, row.get::<String>(2)?);
            }
        }
        Ok(muted)
    })
}

/// Takes note of advice, if that is wanted; says so where it cannot be done. `recorded`: whether it
/// is on the statements that pg_stat_statements recorded, so that the effect can be measured.
///
/// # Errors
/// What SPI says.
pub(crate) fn remember(advice: &Advice, recorded: bool) -> Result<(), AdvisorError> {
    if !settings::remember() {
        return Ok(());
    }
    let _scope = query::own_scope();
    let why_not = match Memory::find()? {
        None => "the extension was created before it had a memory",
        Some(memory) if memory.read_only => "the transaction is read-only",
        Some(memory) if !memory.may_write => "the role may not write to mcp_advice",
        Some(memory) => return write_down(&memory, advice, recorded),
    };
    pgrx::notice!("the advice is not remembered: {why_not}");
    Ok(())
}

fn write_down(memory: &Memory, advice: &Advice, recorded: bool) -> Result<(), AdvisorError> {
    let indexes: Vec<_> = advice
        .indexes
        .iter()
        .map(|index| {
            let promises = if recorded { index.promises.as_slice() } else { &[] };
            let statements: Vec<_> = promises
                .iter()
                .map(|promise| {
                    json!({"queryid": promise.query, "before": promise.before, "after": promise.after})
                })
                .collect();
            json!({
                "id": index.id,
                "ddl": index.ddl,
                "definition": index.ddl.split_once(" ON ").map(|(_, definition)| definition),
                "relation": index.relation,
                "size_bytes": index.size_bytes,
                "confidence": index.confidence,
                "statements": statements,
            })
        })
        .collect();
    memory.write::<i64>(REMEMBER, &[JsonB(json!(indexes)).into()])?;
    memory.write::<i64>(OBSERVE, &[])?;
    Ok(())
}

/// Notices which advised indexes exist by now: how many that were not noticed before.
///
/// # Errors
/// The server's, when the caller may not write.
pub(crate) fn observe() -> Result<i64, AdvisorError> {
    let _scope = query::own_scope();
    Ok(Memory::required()?.write(OBSERVE, &[])?.unwrap_or(0))
}

/// Leaves an index out of the advice from now on.
///
/// # Errors
/// 22023 for what is no identifier of an advice; the server's, when the caller may not write.
pub(crate) fn mute(id: &str, reason: Option<&str>) -> Result<(), AdvisorError> {
    let digits = id.strip_prefix("ix_").unwrap_or_default();
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 16 || !digits.bytes().all(hex) {
        return Err(AdvisorError::BadArgument {
            argument: "id",
            requirement: "be the id of an advice, such as ix_0123456789abcdef",
            given: id.to_owned(),
        });
    }
    let _scope = query::own_scope();
    Memory::required()?.write::<String>(MUTE, &[id.into(), reason.into()])?;
    Ok(())
}

/// Has an index advised again.
///
/// # Errors
/// 22023 for what is not muted; the server's, when the caller may not write.
pub(crate) fn unmute(id: &str) -> Result<(), AdvisorError> {
    let _scope = query::own_scope();
    match Memory::required()?.write::<String>(UNMUTE, &[id.into()])? {
        Some(_) => Ok(()),
        None => Err(AdvisorError::BadArgument {
            argument: "id",
            requirement: "be the id of a muted advice",
            given: id.to_owned(),
        }),
    }
}

/// The counters of a statement, over all roles.
pub(crate) struct Counters {
    pub(crate) queryid: i64,
    pub(crate) calls: i64,
    pub(crate) exec_ms: f64,
    pub(crate) blocks: i64,
    /// When counting began.
    pub(crate) since: Option<TimestampWithTimeZone>,
}

/// The counters of this database's statements; none where nothing is recorded.
///
/// # Errors
/// What SPI says.
pub(crate) fn counters() -> Result<Vec<Counters>, AdvisorError> {
    let _scope = query::own_scope();
    let found = match RecordedStatements::find("") {
        Ok(found) => found,
        Err(AdvisorError::NoStatements { .. } | AdvisorError::StatementsNotLoaded { .. }) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    Spi::connect(|client| {
        let mut counters = Vec::new();
        for row in client.select(&COUNTERS.replace("{schema}", &found.schema), None, &[])? {
            counters.push(Counters {
                queryid: row.get::<i64>(1)?.unwrap_or(0),
                calls: row.get::<i64>(2)?.unwrap_or(0),
                exec_ms: row.get::<f64>(3)?.unwrap_or(0.0),
                blocks: row.get::<i64>(4)?.unwrap_or(0),
                since: row.get(5)?,
            });
        }
        Ok(counters)
    })
}
