//! What no good client sends, over stdio; and databases that are not there, or do not let us in.

use std::time::Duration;

use advisor_tests::bridge::proxy::Proxy;
use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::bridge::{self, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, LITERAL, PASSWORD_IN_URI, ROLE, SHOP, assert_discreet, endless};

pub(crate) const CASES: &[Case] = &[
    ("malformed_messages", malformed_messages),
    ("mutated_messages", mutated_messages),
    ("huge_statements", huge_statements),
    ("nul_and_invalid_utf8", nul_and_invalid_utf8),
    ("arguments_that_are_no_object", arguments_no_object),
    ("client_that_never_initializes", never_initializes),
    ("database_unreachable_at_start", unreachable_at_start),
    ("database_lost_in_mid_flight", lost_in_mid_flight),
    ("wrong_password_or_database", wrong_password),
    ("password_changed_in_mid_flight", password_changed),
    ("settings_that_cannot_be_used", unusable_settings),
    ("log_is_discreet_at_any_level", discreet_log),
];

/// The bridge still answers.
fn answers(pipe: &mut Pipe) -> Result<()> {
    let result = pipe.call("execute_sql", &json!({"sql": "select 6 * 7"}))?;
    ensure!(result["structuredContent"]["rows"] == json!([[42]]), "{result}");
    Ok(())
}

/// Writes a line and takes the next message, which must be an error with this code.
fn refused(pipe: &mut Pipe, line: &[u8], code: i64) -> Result<Value> {
    pipe.write(line)?;
    pipe.write(b"\n")?;
    let message = pipe.receive(Duration::from_secs(10))?;
    let shown = String::from_utf8_lossy(line.get(..80).unwrap_or(line)).into_owned();
    let message = message.with_context(|| format!("no answer to {shown}"))?;
    ensure!(message["error"]["code"] == json!(code), "{shown}: {message}");
    ensure!(message["error"]["message"].as_str().is_some_and(|why| why.len() > 10), "{message}");
    Ok(message)
}

fn malformed_messages(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("bad_messages")?)?;
    for (line, code) in [
        (r#"{"jsonrpc": "2.0", "id": 1, "method""#, -32700),
        ("select 1", -32700),
        ("5", -32600),
        ("{}", -32600),
        ("[]", -32600),
        (r#"[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]"#, -32600),
        (r#"{"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}"#, -32600),
        (r#"{"jsonrpc": "2.0", "id": 77, "method": "no/such/method"}"#, -32601),
    ] {
        refused(&mut pipe, line.as_bytes(), code)?;
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refused(&mut pipe, deep.as_bytes(), -32700)?;
    answers(&mut pipe)?;
    let ended = pipe.close()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    assert_discreet(&ended.log)
}

/// Hundreds of messages with something broken in each; every tenth is whole and must be answered.
fn mutated_messages(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("bad_mutations")?)?;
    let whole = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "list_objects", "arguments": {"schema_name": "shop"}},
    });
    let whole = whole.to_string().into_bytes();
    // A generator of our own, so that a failure can be repeated.
    let mut state = 0x2545_f491_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or(0)
    };
    for round in 0..600 {
        if round % 10 == 9 {
            answers(&mut pipe).with_context(|| format!("round {round}"))?;
            continue;
        }
        let mut line = whole.clone();
        for _ in 0..=random(3) {
            let at = random(line.len());
            match random(4) {
                0 => line[at] = u8::try_from(random(256)).unwrap_or(b'x'),
                1 => line.truncate(at.max(1)),
                2 => line.insert(at, b"{}[]\",:0\\\x00"[random(10)]),
                _ => drop(line.remove(at)),
            }
            if line.is_empty() {
                line.push(b'"');
            }
        }
        line.retain(|byte| *byte != b'\n');
        // An id that is asked for again is no mutation.
        let line =
            String::from_utf8_lossy(&line).replace("\"id\":1,", "\"id\":\"m\",").into_bytes();
        pipe.write(&line)?;
        pipe.write(b"\n")?;
    }
    let ended = pipe.close()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    assert_discreet(&ended.log)
}

fn huge_statements(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("bad_size")?)?;
    // Below the limit of a message and above that of a statement.
    let sql = format!("select '{}'", "x".repeat(200_000));
    for tool in ["execute_sql", "explain_query"] {
        let result = pipe.call(tool, &json!({"sql": sql}))?;
        let error = &result["structuredContent"]["error"];
        ensure!(error["kind"] == "invalid_argument", "{result}");
        ensure!(error["message"].as_str().is_some_and(|why| why.contains("100000")), "{error}");
    }
    let result = pipe.call("analyze_query_indexes", &json!({"queries": [sql]}))?;
    ensure!(result["structuredContent"]["error"]["kind"] == "invalid_argument", "{result}");
    // What the parser would have to dig through.
    let deep = format!("select {}1{}", "(".repeat(40_000), ")".repeat(40_000));
    let result = pipe.call("execute_sql", &json!({"sql": deep}))?;
    ensure!(result["isError"] == json!(true), "{result}");
    // Above the limit of a message.
    let sql = format!("select '{}'", "x".repeat(50 << 20));
    let call = json!({"name": "execute_sql", "arguments": {"sql": sql}});
    let line = json!({"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": call});
    let message = refused(&mut pipe, line.to_string().as_bytes(), -32600)?;
    ensure!(message.to_string().contains("bytes"), "{message}");
    answers(&mut pipe)?;
    let peak = peak_memory(pipe.pid())?;
    ensure!(peak < 200 << 20, "{} MB of memory for a message that is refused", peak >> 20);
    assert_discreet(&pipe.close()?.log)
}

/// Bytes that a process had in memory at most.
fn peak_memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

fn nul_and_invalid_utf8(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("bad_text")?)?;
    refused(&mut pipe, b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"\xff\xfe\"}", -32700)?;
    refused(&mut pipe, b"\0\0\0", -32700)?;
    for (tool, arguments) in [
        ("execute_sql", json!({"sql": "select 'a\u{0}b'"})),
        ("execute_sql", json!({"sql": "select 1 \u{0}"})),
        ("list_objects", json!({"schema_name": "sh\u{0}op"})),
        ("analyze_query_indexes", json!({"queries": ["select 1\u{0}"]})),
    ] {
        let result = pipe.call(tool, &arguments)?;
        let error = &result["structuredContent"]["error"];
        ensure!(error["kind"] == "invalid_argument", "{tool}: {result}");
        ensure!(error["message"].as_str().is_some_and(|why| why.contains("NUL")), "{error}");
    }
    // Half of a surrogate pair is no text.
    let half = br#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"execute_sql","arguments":{"sql":"select '\ud800'"}}}"#;
    refused(&mut pipe, half, -32700)?;
    answers(&mut pipe)?;
    assert_discreet(&pipe.close()?.log)
}

fn arguments_no_object(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("bad_arguments")?)?;
    for params in [
        json!({"name": "execute_sql", "arguments": "{\"sql\": \"select 1\"}"}),
        json!({"name": "execute_sql", "arguments": ["select 1"]}),
        json!({"name": 5, "arguments": {}}),
        json!({"arguments": {"sql": "select 1"}}),
    ] {
        let answer = pipe.request("tools/call", &params)?;
        ensure!(answer["error"]["code"] == json!(-32602), "{params}: {answer}");
    }
    // JSON-RPC itself wants an object or an array.
    for params in [json!([]), json!("execute_sql")] {
        let answer = pipe.request("tools/call", &params)?;
        let code = &answer["error"]["code"];
        ensure!([json!(-32600), json!(-32602)].contains(code), "{params}: {answer}");
    }
    answers(&mut pipe)?;
    assert_discreet(&pipe.close()?.log)
}

fn never_initializes(fixture: &Fixture) -> Result<()> {
    // Silence, and then the end.
    let pipe = Pipe::start(&mut fixture.bridge("bad_silence")?)?;
    let ended = pipe.close()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    ensure!(ended.rest.is_empty(), "it spoke first: {:?}", ended.rest);
    // A call before the handshake, which no era allows.
    let mut pipe = Pipe::start(&mut fixture.bridge("bad_silence")?)?;
    let call = json!({"name": "execute_sql", "arguments": {"sql": "select 1"}});
    let answer = pipe.request("tools/call", &call)?;
    ensure!(answer["error"]["code"].is_i64(), "{answer}");
    assert_discreet(&pipe.close()?.log)?;
    fixture.assert_no_backend("bad_silence")
}

fn proxied(proxy: &Proxy) -> Result<std::process::Command> {
    let mut command = bridge::command()?;
    let port = proxy.port();
    let uri = format!("postgresql://{ROLE}:{PASSWORD_IN_URI}@127.0.0.1:{port}/{SHOP}");
    command.env("DATABASE_URI", uri);
    Ok(command)
}

/// The error of a call that cannot reach the database.
fn unavailable(pipe: &mut Pipe) -> Result<()> {
    let result = pipe.call("execute_sql", &json!({"sql": "select 6 * 7"}))?;
    let error = &result["structuredContent"]["error"];
    ensure!(result["isError"] == json!(true), "{result}");
    ensure!(error["kind"] == "database_unavailable" && error["retryable"] == true, "{error}");
    ensure!(error["hint"].is_string(), "no hint: {error}");
    assert_discreet(&result.to_string())
}

fn unreachable_at_start(fixture: &Fixture) -> Result<()> {
    let proxy = Proxy::start(&fixture.cluster.socket_dir())?;
    proxy.cut();
    let mut pipe = Pipe::initialized(&mut proxied(&proxy)?)?;
    let tools = pipe.request("tools/list", &json!({}))?;
    ensure!(tools["result"]["tools"].as_array().is_some_and(|all| all.len() == 9), "{tools}");
    for _ in 0..2 {
        unavailable(&mut pipe)?;
    }
    proxy.mend();
    wait_until("it answers", Duration::from_secs(10), || Ok(answers(&mut pipe).is_ok()))?;
    assert_discreet(&pipe.close()?.log)
}

fn lost_in_mid_flight(fixture: &Fixture) -> Result<()> {
    let proxy = Proxy::start(&fixture.cluster.socket_dir())?;
    let mut pipe = Pipe::initialized(&mut proxied(&proxy)?)?;
    answers(&mut pipe)?;
    let call = json!({"name": "execute_sql", "arguments": {"sql": endless("lost")}});
    let long = pipe.begin("tools/call", &call)?;
    std::thread::sleep(Duration::from_millis(500));
    proxy.cut();
    let answer = pipe.answer(long)?;
    let error = &answer["result"]["structuredContent"]["error"];
    ensure!(error["kind"] == "database_unavailable", "{answer}");
    unavailable(&mut pipe)?;
    proxy.mend();
    wait_until("it answers", Duration::from_secs(10), || Ok(answers(&mut pipe).is_ok()))?;
    assert_discreet(&pipe.close()?.log)
}

/// The error of a call to a database that does not let us in.
fn not_let_in(pipe: &mut Pipe, sqlstate: &str) -> Result<()> {
    let result = pipe.call("list_schemas", &json!({}))?;
    let error = &result["structuredContent"]["error"];
    ensure!(error["kind"] == "connection_misconfigured", "{result}");
    ensure!(error["sqlstate"] == sqlstate && error["retryable"] == false, "{error}");
    ensure!(error["hint"].is_string(), "no hint: {error}");
    ensure!(!result.to_string().contains("open-sesame"), "the password: {result}");
    assert_discreet(&result.to_string())
}

fn wrong_password(fixture: &Fixture) -> Result<()> {
    let right = fixture.uri("bad_password");
    for (uri, sqlstate) in [
        (right.replace(PASSWORD_IN_URI, "open-sesame"), "28P01"),
        (
            right.replace(&format!(":{PASSWORD_IN_URI}@"), ":open-sesame@").replace(ROLE, "nobody"),
            "28P01",
        ),
        (right.replace(&format!("/{SHOP}?"), "/no_such_database?"), "3D000"),
    ] {
        let mut command = bridge::command()?;
        command.env("DATABASE_URI", &uri);
        let mut pipe = Pipe::initialized(&mut command)?;
        not_let_in(&mut pipe, sqlstate)?;
        let ended = pipe.close()?;
        ensure!(!ended.log.contains("open-sesame"), "{}", ended.log);
        assert_discreet(&ended.log)?;
    }
    Ok(())
}

fn password_changed(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.admin()?;
    admin.batch_execute("create role changing login password 'open-sesame'")?;
    let uri = fixture.uri("bad_change").replace(ROLE, "changing");
    let uri = uri.replace(PASSWORD_IN_URI, "open-sesame");
    let mut command = bridge::command()?;
    command.env("DATABASE_URI", uri);
    let mut pipe = Pipe::initialized(&mut command)?;
    answers(&mut pipe)?;
    admin.batch_execute(
        "alter role changing password 'another';
         select pg_terminate_backend(pid) from pg_stat_activity where usename = 'changing'",
    )?;
    // The first call may still find the connection that was cut.
    wait_until("it is refused", Duration::from_secs(10), || {
        Ok(not_let_in(&mut pipe, "28P01").is_ok())
    })?;
    admin.batch_execute("alter role changing password 'open-sesame'")?;
    wait_until("it answers", Duration::from_secs(10), || Ok(answers(&mut pipe).is_ok()))?;
    let ended = pipe.close()?;
    ensure!(!ended.log.contains("open-sesame"), "{}", ended.log);
    fixture.assert_no_backend("bad_change")?;
    admin.batch_execute("drop role changing")?;
    Ok(())
}

/// Exit code 3 and a sentence, before anything is served; wrong usage is 2.
fn unusable_settings(fixture: &Fixture) -> Result<()> {
    let good = fixture.uri("bad_settings");
    for (uri, flags, code) in [
        (None, vec![], 3),
        (Some("mysql://root@localhost/shop".to_owned()), vec![], 3),
        (Some(good.replace("?application_name=bad_settings", "?sslmode=sometimes")), vec![], 3),
        (Some(good.clone()), vec!["--max-rows=99999999"], 3),
        (Some(good.clone()), vec!["--config=/no/such/file.toml"], 3),
        (Some(good.clone()), vec!["--transport=carrier-pigeon"], 2),
        (Some(good.clone()), vec!["--transport=sse", "--listen=0.0.0.0:0"], 3),
        (Some(good), vec!["--transport=sse", "--listen=203.0.113.1:80", "--no-auth"], 4),
    ] {
        let mut command = bridge::command()?;
        if let Some(uri) = &uri {
            command.env("DATABASE_URI", uri);
        }
        let output = command.args(&flags).stdin(std::process::Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(code), "{uri:?} {flags:?}: {}: {said}", output.status);
        ensure!(said.contains("error: "), "{said}");
        ensure!(output.stdout.is_empty(), "on standard output: {:?}", output.stdout);
        assert_discreet(&said)?;
    }
    Ok(())
}

fn discreet_log(fixture: &Fixture) -> Result<()> {
    for format in ["text", "json"] {
        let mut command = fixture.bridge("bad_log")?;
        command.args(["--log-level=debug", "--log-format", format, "--statement-timeout=1"]);
        let mut pipe = Pipe::initialized(&mut command)?;
        for sql in [
            format!("select '{LITERAL}'"),
            format!("select '{LITERAL}' from no_such_table"),
            format!("select '{LITERAL}'::integer"),
            format!("delete from shop.orders where note = '{LITERAL}'"),
            format!("selec '{LITERAL}'"),
            format!("select '{LITERAL}', slept from shop.endless"),
        ] {
            pipe.call("execute_sql", &json!({"sql": sql}))?;
            pipe.call("analyze_query_indexes", &json!({"queries": [sql]}))?;
        }
        pipe.write(format!("{{\"broken\": \"{LITERAL}\n").as_bytes())?;
        pipe.call("explain_query", &json!({"sql": format!("select '{LITERAL}'")}))?;
        let ended = pipe.close()?;
        ensure!(ended.log.contains("execute_sql"), "nothing was logged:\n{}", ended.log);
        assert_discreet(&ended.log)?;
    }
    Ok(())
}
