//! The command: where it writes, what it refuses, and that it leaves nothing half done.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use advisor_tests::bridge;
use advisor_tests::cluster::SUPERUSER;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, STORE, text};

pub(crate) const CASES: &[Case] = &[
    ("report_goes_to_standard_output", standard_output),
    ("report_is_the_same_as_json", as_json),
    ("report_takes_the_place_of_a_file_and_of_nothing_else", places),
    ("report_that_fails_writes_nothing", failures),
    ("report_that_is_interrupted_leaves_nothing", interrupted),
    ("report_changes_nothing", changes_nothing),
    ("report_keeps_to_its_number_of_statements", top),
];

fn standard_output(fixture: &Fixture) -> Result<()> {
    let output = fixture.run(STORE, SUPERUSER, &["--html", "-"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8(output.stdout)?;
    ensure!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "no page");
    Ok(())
}

fn as_json(fixture: &Fixture) -> Result<()> {
    let page = fixture.path("both.html");
    let output = fixture.run(STORE, SUPERUSER, &["--html", text(&page)?, "--json", "-"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let page = fs::read_to_string(page)?;
    let findings = document["health"]["found"].as_array().context("health")?;
    let wrong = findings.iter().filter(|one| one["severity"] == "critical").count();
    ensure!(wrong >= 1 && page.matches("id=\"finding-").count() > wrong, "{wrong} findings");
    let indexes = document["advice"]["found"]["indexes"].as_array().context("advice")?;
    ensure!(!indexes.is_empty(), "no index is advised");
    for index in indexes {
        let ddl = index["ddl"].as_str().context("ddl")?.replace('<', "&lt;");
        let ddl = ddl.replace('>', "&gt;").replace('"', "&quot;");
        ensure!(page.contains(&ddl), "the page lacks {ddl}");
    }
    let plan = &document["plans"]["found"][0];
    ensure!(
        plan["before"]["tree"]["cost"].as_f64() > plan["after"]["tree"]["cost"].as_f64(),
        "{plan}"
    );
    Ok(())
}

fn places(fixture: &Fixture) -> Result<()> {
    let path = fixture.path("again.html");
    fs::write(&path, "old")?;
    let output = fixture.run(STORE, SUPERUSER, &["--html", text(&path)?])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(fs::read_to_string(&path)?.len() > 20_000, "not replaced");
    let folder = fixture.path("folder");
    fs::create_dir(&folder)?;
    let deeper = folder.join("no/report.html");
    for place in [text(&folder)?, text(&deeper)?, "/dev/null", "/proc/version/x"] {
        let output = fixture.run(STORE, SUPERUSER, &["--html", place])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(7), "{place}: {} {said}", output.status);
        ensure!(said.contains(&format!("error: cannot write {place}: ")), "{said}");
        // At once, before anything is read.
        ensure!(!said.contains("reading the catalog"), "{said}");
    }
    ensure!(fs::read_dir(&folder)?.next().is_none(), "something is in the folder");
    Ok(())
}

fn failures(fixture: &Fixture) -> Result<()> {
    let folder = fixture.path("failures");
    fs::create_dir(&folder)?;
    let path = folder.join("report.html");
    let path = text(&path)?;
    for (database, arguments, code, message) in [
        ("absent", &["--html", path][..], 7, "database \"absent\" does not exist"),
        (STORE, &["--html", path, "--database", "other"], 7, "no database is named \"other\""),
        (STORE, &["--html", path, "--config", "/nonexistent.toml"], 3, "nonexistent.toml"),
        (STORE, &["--html", path, "--json", path], 2, "go to the same place"),
        (STORE, &["--html", path, "--top", "0"], 2, "--top"),
        (STORE, &[], 2, "--html"),
    ] {
        let output = fixture.run(database, SUPERUSER, arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(code), "{arguments:?}: {} {said}", output.status);
        ensure!(said.contains(message), "{arguments:?}: {said}");
    }
    ensure!(fs::read_dir(&folder)?.next().is_none(), "something was written");
    Ok(())
}

fn interrupted(fixture: &Fixture) -> Result<()> {
    let folder = fixture.path("interrupted");
    fs::create_dir(&folder)?;
    let mut command = bridge::command()?;
    command
        .args(["report", "--html", text(&folder.join("report.html"))?])
        .env("DATABASE_URI", fixture.cluster.uri(STORE, SUPERUSER))
        .stderr(Stdio::piped());
    let mut process = command.spawn()?;
    let mut log = BufReader::new(process.stderr.take().context("no standard error")?);
    let mut said = String::new();
    while !said.contains("checking the health") {
        ensure!(log.read_line(&mut said)? > 0, "it ended: {said}");
    }
    bridge::signal(process.id(), "INT")?;
    log.read_to_string(&mut said)?;
    let status = process.wait()?;
    ensure!(status.code() == Some(7) && said.contains("cancelled"), "{status}: {said}");
    ensure!(fs::read_dir(&folder)?.next().is_none(), "something was written");
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like '%mcp_health%' and pid <> pg_backend_pid()";
    let mut client = fixture.cluster.connect(STORE)?;
    // Other cases may be at it: theirs end, too.
    for _ in 0..100 {
        if client.query_one(running, &[])?.try_get::<_, i64>(0)? == 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(200));
    }
    anyhow::bail!("a statement runs on")
}

fn changes_nothing(fixture: &Fixture) -> Result<()> {
    let state = || -> Result<String> {
        let sql = "select pg_snapshot_xmax(pg_current_snapshot())::text || ' ' || (select count(*) from pg_class)";
        Ok(fixture.cluster.connect(STORE)?.query_one(sql, &[])?.try_get(0)?)
    };
    let before = state()?;
    fixture.report(STORE, SUPERUSER, &[])?;
    let after = state()?;
    ensure!(before == after, "{before} became {after}");
    Ok(())
}

fn top(fixture: &Fixture) -> Result<()> {
    let page = fs::read_to_string(fixture.report(STORE, SUPERUSER, &["--top", "3"])?)?;
    let rows = page.matches("<tr id=\"query-").count();
    ensure!(rows == 3, "{rows} statements");
    Ok(())
}
