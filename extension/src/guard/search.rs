//! The search through everything that a statement would call, however deep.

use std::collections::BTreeSet;

use advisor_sql::guard::{Allowed, Home, Moment};
use pgrx::pg_sys;

use super::{allowed, because, effect, foreign, gone, secret, setting, text_function, verdict};
use crate::error::AdvisorError;
use crate::query;
use crate::sys::guard::{Call, Contents, Refusal, body, defaults, enter, expressions, signature};
use crate::sys::{self, Arena, ServerError};

const HIDDEN_CALLS: &str = include_str!("../../../sql/catalog/hidden_calls.sql");

/// Deeper than any functions that people write; each level costs room on the stack.
const DEEPEST: usize = 40;

/// A search: every function is looked at once.
pub(super) struct Search<'a> {
    /// Where the trees are that have been read.
    arena: &'a Arena,
    allowed: Allowed,
    seen: BTreeSet<u32>,
    /// The functions that the search is in, the outermost first.
    chain: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(arena: &'a Arena) -> Self {
        Self { arena, allowed: allowed(), seen: BTreeSet::new(), chain: Vec::new() }
    }

    /// Why a statement of these contents is refused; `executes` tells whether it would run.
    pub(super) fn statement(
        &mut self,
        contents: &Contents,
        executes: bool,
    ) -> Result<Option<Refusal>, AdvisorError> {
        if executes && let Some(refusal) = effect(contents) {
            return Ok(Some(self.told(refusal)));
        }
        let refusal = contents
            .reads
            .iter()
            .find_map(secret)
            .or_else(|| contents.foreign.iter().find_map(|table| foreign(table, &self.allowed)))
            .or_else(|| contents.settings.iter().find_map(|name| setting(name)))
            .or_else(|| contents.direct.iter().find_map(|&oid| text_function(oid)));
        if let Some(refusal) = refusal {
            return Ok(Some(self.told(refusal)));
        }
        for &oid in &contents.functions {
            if let Some(refusal) = self.function(oid, contents.call(oid))? {
                return Ok(Some(refusal));
            }
        }
        self.hidden(contents)
    }

    /// A function, and what it calls.
    fn function(&mut self, oid: u32, call: Call) -> Result<Option<Refusal>, AdvisorError> {
        if !self.seen.insert(oid) {
            return Ok(None);
        }
        let Some(known) = sys::guard::function(oid) else {
            return Ok(Some(self.told(gone(oid))));
        };
        if let Some(refusal) = verdict(oid, &known, Moment::Sent, &self.allowed) {
            return Ok(Some(self.told(refusal)));
        }
        // Those of the server and its extensions are judged by what they are known to do.
        if known.home != Home::User || self.allowed.has(&known) {
            return Ok(None);
        }
        if let Some(left_out) = defaults(self.arena, oid, call).map_err(AdvisorError::Statement)?
            && let Some(refusal) = self.statement(&left_out, true)?
        {
            return Ok(Some(refusal));
        }
        if self.chain.len() >= DEEPEST {
            return Ok(Some(self.told(too_deep(oid))));
        }
        self.chain.push(oid);
        let scope = enter(oid);
        let refusal = match body(self.arena, oid, call) {
            Ok(Some(contents)) => self.statement(&contents, true)?,
            Ok(None) => None,
            Err(error) => self.unread(error),
        };
        drop(scope);
        self.chain.pop();
        Ok(refusal)
    }

    /// A body that cannot be read fails when it runs, with words of the server's.
    fn unread(&self, error: ServerError) -> Option<Refusal> {
        super::refused(error).ok().map(|refusal| self.told(refusal))
    }

    /// What is called without standing in the tree.
    fn hidden(&mut self, contents: &Contents) -> Result<Option<Refusal>, AdvisorError> {
        if contents.domains.is_empty() && contents.operators.is_empty() {
            return Ok(None);
        }
        let found = {
            let _scope = query::own_scope();
            let types: Vec<pg_sys::Oid> =
                contents.domains.iter().map(|&oid| pg_sys::Oid::from(oid)).collect();
            let operators: Vec<pg_sys::Oid> =
                contents.operators.iter().map(|&oid| pg_sys::Oid::from(oid)).collect();
            query::pairs(HIDDEN_CALLS, &[types.into(), operators.into()])?
        };
        for oid in found.iter().filter_map(|(oid, _)| u32::try_from((*oid)?).ok()) {
            if let Some(refusal) = self.function(oid, Call::none())? {
                return Ok(Some(refusal));
            }
        }
        let checks: Vec<String> = found.into_iter().filter_map(|(_, check)| check).collect();
        if checks.is_empty() {
            return Ok(None);
        }
        let checks = expressions(self.arena, &checks).map_err(AdvisorError::Statement)?;
        self.statement(&checks, true)
    }

    /// The refusal with who calls what is refused.
    fn told(&self, refusal: Refusal) -> Refusal {
        let Some((last, before)) = self.chain.split_last() else { return refusal };
        let mut called = format!("It stands in function {}", signature(*last));
        for oid in before.iter().rev() {
            called.push_str(&format!(", called by {}", signature(*oid)));
        }
        Refusal { detail: format!("{} {called}.", refusal.detail), ..refusal }
    }
}

fn too_deep(oid: u32) -> Refusal {
    because(
        format!("function {} is called too deep to be looked into", signature(oid)),
        "Functions call functions through more levels than the guard follows.",
        "Call the inner function itself.",
    )
}
