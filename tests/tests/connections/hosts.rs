//! Several hosts: dead ones, silent ones, and which of a primary and a standby is taken.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mcp_bridge::error::Kind;

use crate::Case;
use crate::fixture::{Fixture, dead_address, primary_address, standby_address};

pub(crate) const CASES: &[Case] = &[
    ("hosts_dead_first", dead_first),
    ("hosts_all_dead", all_dead),
    ("hosts_silent_first", silent_first),
    ("hosts_unknown_name", unknown_name),
    ("hosts_session_attributes", session_attributes),
    ("hosts_session_attributes_unmet", unmet),
    ("hosts_at_random", at_random),
    ("hosts_refusal_is_final", refusal_is_final),
];

fn dead_first(fixture: &Fixture) -> Result<()> {
    for text in [
        format!("postgresql://app@{},{}/shop", dead_address(), primary_address()),
        format!("postgresql://app@{}:1,{}:5432/shop", primary_address(), primary_address()),
        format!("host=/nonexistent,{} user=app dbname=shop", primary_address()),
    ] {
        ensure!(fixture.session(&text)?.role == "app");
    }
    Ok(())
}

fn all_dead(fixture: &Fixture) -> Result<()> {
    let (dead, primary) = (dead_address(), primary_address());
    let text = format!("postgresql://app:S3CRET@{dead},{primary}:1/shop");
    let error = fixture.refusal(&text)?;
    ensure!(error.kind == Kind::DatabaseUnavailable && error.kind.retryable(), "{error:?}");
    let detail = error.detail.context("no detail")?;
    for part in [
        "Tried database \"shop\" as user \"app\" at ",
        &format!("{dead}:5432: "),
        &format!("{primary}:1: "),
        "refused",
    ] {
        ensure!(detail.contains(part), "{part}: {detail}");
    }
    let error = fixture.refusal("host=/nonexistent user=app")?;
    ensure!(error.kind == Kind::DatabaseUnavailable, "{error:?}");
    let detail = error.detail.context("no detail")?;
    ensure!(detail.contains("/nonexistent/.s.PGSQL.5432: "), "{detail}");
    Ok(())
}

/// A host that takes the connection and says nothing holds nobody up for longer than allowed.
fn silent_first(fixture: &Fixture) -> Result<()> {
    let silent = TcpListener::bind((dead_address(), 0))?;
    let text = format!(
        "postgresql://app@{},{}/shop?connect_timeout=1",
        silent.local_addr()?,
        primary_address()
    );
    let started = Instant::now();
    ensure!(fixture.session(&text)?.role == "app");
    let elapsed = started.elapsed();
    ensure!(elapsed >= Duration::from_secs(1) && elapsed < Duration::from_secs(5), "{elapsed:?}");
    let text = format!("postgresql://app@{}/shop?connect_timeout=1", silent.local_addr()?);
    let error = fixture.refusal(&text)?;
    ensure!(error.kind == Kind::DatabaseUnavailable, "{error:?}");
    ensure!(error.detail.as_ref().is_some_and(|text| text.contains("in time")), "{error:?}");
    Ok(())
}

fn unknown_name(fixture: &Fixture) -> Result<()> {
    let text = format!("postgresql://app@host.invalid,{}/shop", primary_address());
    ensure!(fixture.session(&text)?.role == "app");
    let error = fixture.refusal("postgresql://app@host.invalid/shop")?;
    ensure!(error.kind == Kind::DatabaseUnavailable, "{error:?}");
    ensure!(error.detail.as_ref().is_some_and(|text| text.contains("host.invalid")), "{error:?}");
    Ok(())
}

fn session_attributes(fixture: &Fixture) -> Result<()> {
    let (primary, standby) = (primary_address(), standby_address());
    for (hosts, attributes, is_standby) in [
        ([&standby, &primary], "any", true),
        ([&standby, &primary], "read-write", false),
        ([&standby, &primary], "primary", false),
        ([&primary, &standby], "standby", true),
        ([&primary, &standby], "read-only", true),
        ([&primary, &standby], "prefer-standby", true),
        ([&primary, &dead_address()], "prefer-standby", false),
        ([&dead_address(), &primary], "prefer-standby", false),
    ] {
        let [first, second] = hosts;
        let text =
            format!("postgresql://app@{first},{second}/shop?target_session_attrs={attributes}");
        let session = fixture.session(&text)?;
        ensure!(session.standby == is_standby, "{text}: {session:?}");
    }
    Ok(())
}

fn unmet(fixture: &Fixture) -> Result<()> {
    for (host, attributes, reason) in [
        (primary_address(), "standby", "the server is not a standby"),
        (primary_address(), "read-only", "the server is not read-only"),
        (standby_address(), "primary", "the server is a standby"),
        (standby_address(), "read-write", "the server is read-only"),
    ] {
        let text = format!("postgresql://app@{host}/shop?target_session_attrs={attributes}");
        let error = fixture.refusal(&text)?;
        // After a failover it may be what it is not now.
        ensure!(error.kind == Kind::DatabaseUnavailable, "{error:?}");
        ensure!(error.detail.as_ref().is_some_and(|text| text.contains(reason)), "{error:?}");
    }
    Ok(())
}

fn at_random(fixture: &Fixture) -> Result<()> {
    let text = format!(
        "postgresql://app@{},{}/shop?load_balance_hosts=random",
        primary_address(),
        standby_address()
    );
    let mut seen = [false; 2];
    // That forty tries all take the same one happens once in 10^12 runs.
    for _ in 0..40 {
        seen[usize::from(fixture.session(&text)?.standby)] = true;
        if seen == [true, true] {
            return Ok(());
        }
    }
    anyhow::bail!("always the same host")
}

/// As with libpq: the next host is not asked what this one has refused.
fn refusal_is_final(fixture: &Fixture) -> Result<()> {
    let text = format!(
        "postgresql://app_password:S3CRET@{},{}/shop?sslmode=disable",
        dead_address(),
        primary_address()
    );
    let error = fixture.refusal(&format!("{text}&hostaddr="))?;
    ensure!(error.sqlstate.as_deref() == Some("28P01"), "{error:?}");
    let detail = error.detail.context("no detail")?;
    ensure!(detail.matches(":5432").count() == 2, "{detail}");
    let text = text.replace(&dead_address(), &standby_address());
    let detail = fixture.refusal(&text)?.detail.context("no detail")?;
    ensure!(detail.matches(":5432").count() == 1, "{detail}");
    Ok(())
}
