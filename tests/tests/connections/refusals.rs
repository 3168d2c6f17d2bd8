//! Servers that answer and do not let us in: what is said, and what is not.

use std::io::{Read, Write};
use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use mcp_bridge::error::Kind;

use crate::Case;
use crate::fixture::{ENCODED_SECRET, Fixture, dead_address, primary_address};

pub(crate) const CASES: &[Case] = &[
    ("refusals_wrong_password", wrong_password),
    ("refusals_no_password", no_password),
    ("refusals_unknown_database", unknown_database),
    ("refusals_unknown_user", unknown_user),
    ("refusals_unknown_option", unknown_option),
    ("refusals_too_many_connections", too_many),
    ("refusals_something_else_listens", something_else),
];

fn wrong_password(fixture: &Fixture) -> Result<()> {
    for mode in ["disable", "prefer", "require"] {
        let text = format!(
            "postgresql://app_password:S3CRETnot@{}/shop?sslmode={mode}",
            primary_address()
        );
        let error = fixture.refusal(&text)?;
        ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
        ensure!(!error.kind.retryable(), "{error:?}");
        ensure!(error.sqlstate.as_deref() == Some("28P01"), "{error:?}");
        ensure!(error.message.contains("\"app_password\""), "{error:?}");
        let detail = error.detail.context("no detail")?;
        // It is sent once: another try could lock the account.
        ensure!(detail.matches(":5432").count() == 1, "{detail}");
        ensure!(error.hint.is_some_and(|hint| hint.contains("password")), "no hint");
    }
    Ok(())
}

fn no_password(fixture: &Fixture) -> Result<()> {
    let error = fixture.refusal(&Fixture::primary_as("app_password"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.message == "the server asks for a password, and none is given", "{error:?}");
    ensure!(error.hint.as_ref().is_some_and(|hint| hint.contains("PGPASSWORD")), "{error:?}");
    Ok(())
}

fn unknown_database(fixture: &Fixture) -> Result<()> {
    let text = format!(
        "postgresql://app_password:{ENCODED_SECRET}@{}/no_such_database",
        primary_address()
    );
    let error = fixture.refusal(&text)?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.sqlstate.as_deref() == Some("3D000"), "{error:?}");
    ensure!(error.message.contains("no_such_database"), "{error:?}");
    Ok(())
}

fn unknown_user(fixture: &Fixture) -> Result<()> {
    let socket = fixture.primary.socket_dir().display().to_string();
    let error = fixture.refusal(&format!("host={socket} user=nobody_here dbname=shop"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.sqlstate.as_deref() == Some("28000"), "{error:?}");
    Ok(())
}

/// The server names the setting that it does not know.
fn unknown_option(fixture: &Fixture) -> Result<()> {
    let text = format!("{} options='-c no_such_setting=1'", Fixture::primary_as("app"));
    let error = fixture.refusal(&text)?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.sqlstate.as_deref() == Some("42704"), "{error:?}");
    ensure!(error.message.contains("no_such_setting"), "{error:?}");
    Ok(())
}

/// That may pass, so it is no fault of the settings; another host may have room.
fn too_many(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.primary.connect("postgres")?;
    client.batch_execute("create role app_crowded login connection limit 0")?;
    let socket = fixture.primary.socket_dir().display().to_string();
    let error = fixture.refusal(&format!("host={socket} user=app_crowded dbname=shop"))?;
    ensure!(error.sqlstate.as_deref() == Some("53300"), "{error:?}");
    ensure!(error.kind == Kind::DatabaseUnavailable, "{error:?}");
    Ok(())
}

/// A server of another protocol closes the connection, or answers what makes no sense.
fn something_else(fixture: &Fixture) -> Result<()> {
    // An answer that looks like the beginning of a long message, and one that is a whole message.
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"T\0\0\0\x06\0\0"] {
        let listener = TcpListener::bind((dead_address(), 0))?;
        let address = listener.local_addr()?.to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // The client may be gone already.
                let _ = stream.read(&mut [0; 1024]).and_then(|_| stream.write_all(answer));
            }
        });
        for mode in ["disable", "prefer", "require"] {
            let text = format!("postgresql://app@{address}/shop?sslmode={mode}");
            let error = fixture.refusal(&text)?;
            ensure!(error.kind != Kind::Internal, "{mode}: {error:?}");
            ensure!(error.hint.is_some(), "{mode}: {error:?}");
            ensure!(error.detail.as_ref().is_some_and(|d| d.contains(&address)), "{error:?}");
        }
    }
    Ok(())
}
