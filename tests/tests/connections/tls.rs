//! Every `sslmode` against a server with the right certificate, the wrong one, another name, and
//! none; certificates of clients; what libpq believes and rustls by itself does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, anyhow, ensure};
use mcp_bridge::db::Call;
use mcp_bridge::error::Kind;

use crate::Case;
use crate::fixture::{
    ENCODED_SECRET, Fixture, databases, environment, own_address, primary_address, run,
    server_settings, shown, standby_address,
};

pub(crate) const CASES: &[Case] = &[
    ("tls_modes_without_roots", modes_without_roots),
    ("tls_modes_with_roots", modes_with_roots),
    ("tls_name_of_the_certificate", names),
    ("tls_allow_and_prefer_try_twice", tries_twice),
    ("tls_server_without_it", server_without),
    ("tls_system_roots", system_roots),
    ("tls_not_over_sockets", sockets),
    ("tls_versions", versions),
    ("tls_revoked_certificate", revoked),
    ("tls_client_certificate", client_certificate),
    ("tls_channel_binding", channel_binding),
    ("tls_cancel", cancel),
    ("tls_certificates_as_libpq_takes_them", odd_certificates),
    ("tls_files_that_are_wrong", wrong_files),
];

/// Connects as `app`, whom the server lets in with and without TLS.
fn app(settings: &str) -> String {
    format!("{} {settings}", Fixture::primary_as("app"))
}

fn modes_without_roots(fixture: &Fixture) -> Result<()> {
    for (mode, encrypted) in
        [("disable", false), ("allow", false), ("prefer", true), ("require", true)]
    {
        let session = fixture.session(&app(&format!("sslmode={mode}")))?;
        ensure!(session.tls.is_some() == encrypted, "{mode}: {session:?}");
        ensure!(session.application.starts_with("mcp-bridge/"), "{session:?}");
    }
    ensure!(fixture.session(&app(""))?.tls.is_some(), "the default is prefer");
    let error = fixture.refusal(&format!(
        "{} sslmode=verify-ca sslrootcert={}",
        Fixture::primary_as("app"),
        shown(fixture.certificates.certificate("other-ca"))
    ))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    Ok(())
}

fn modes_with_roots(fixture: &Fixture) -> Result<()> {
    let right = shown(fixture.certificates.certificate("ca"));
    let wrong = shown(fixture.certificates.certificate("other-ca"));
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        let session = fixture.session(&app(&format!("sslmode={mode} sslrootcert={right}")))?;
        ensure!(session.tls.is_some(), "{mode}: {session:?}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = fixture.refusal(&app(&format!("sslmode={mode} sslrootcert={wrong}")))?;
        ensure!(error.kind == Kind::ConnectionMisconfigured, "{mode}: {error:?}");
        ensure!(error.message == "could not establish a TLS connection", "{mode}: {error:?}");
        let detail = error.detail.context("no detail")?;
        ensure!(detail.contains("is not signed by any of the root certificates"), "{detail}");
        ensure!(detail.contains("localhost:5432") && detail.contains("\"shop\""), "{detail}");
        ensure!(error.hint.is_some_and(|hint| hint.contains("sslrootcert")), "{mode}: no hint");
    }
    // As libpq: prefer protects from nothing and goes on without.
    let session = fixture.session(&app(&format!("sslmode=prefer sslrootcert={wrong}")))?;
    ensure!(session.tls.is_none(), "{session:?}");
    Ok(())
}

fn names(fixture: &Fixture) -> Result<()> {
    let root = shown(fixture.certificates.certificate("ca"));
    let address = primary_address();
    let text = |mode: &str, host: &str| {
        format!(
            "host={host} hostaddr={address} dbname=shop user=app sslmode={mode} sslrootcert={root}"
        )
    };
    for (mode, host) in [
        ("verify-full", "db.example.com"),
        ("verify-ca", "db2.example.com"),
        ("verify-ca", "server"),
    ] {
        ensure!(fixture.session(&text(mode, host))?.tls.is_some());
    }
    // The common name, server, does not count beside alternative names.
    for host in ["db2.example.com", "server", address.as_str()] {
        let error = fixture.refusal(&text("verify-full", host))?;
        ensure!(error.kind == Kind::ConnectionMisconfigured, "{host}: {error:?}");
        let detail = error.detail.context("no detail")?;
        ensure!(detail.contains("not valid for name"), "{host}: {detail}");
        ensure!(error.hint.is_some_and(|hint| hint.contains("verify-ca")), "{host}: no hint");
    }
    Ok(())
}

fn tries_twice(fixture: &Fixture) -> Result<()> {
    for (user, mode, encrypted) in [
        ("app_tls", "allow", true),
        ("app_tls", "prefer", true),
        ("app_plain", "allow", false),
        ("app_plain", "prefer", false),
    ] {
        let text = format!("{} sslmode={mode}", Fixture::primary_as(user));
        let session = fixture.session(&text)?;
        ensure!(session.tls.is_some() == encrypted, "{user} {mode}: {session:?}");
    }
    for (user, mode) in [("app_tls", "disable"), ("app_plain", "require"), ("nobody", "prefer")] {
        let error = fixture.refusal(&format!("{} sslmode={mode}", Fixture::primary_as(user)))?;
        ensure!(error.kind == Kind::ConnectionMisconfigured, "{user} {mode}: {error:?}");
        ensure!(error.sqlstate.as_deref() == Some("28000"), "{user} {mode}: {error:?}");
    }
    Ok(())
}

fn server_without(fixture: &Fixture) -> Result<()> {
    let text =
        |mode: &str| format!("host={} dbname=shop user=app sslmode={mode}", standby_address());
    for mode in ["disable", "allow", "prefer"] {
        let session = fixture.session(&text(mode))?;
        ensure!(session.tls.is_none() && session.standby, "{mode}: {session:?}");
    }
    let error = fixture.refusal(&text("require"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.message == "the server does not support TLS", "{error:?}");
    Ok(())
}

fn system_roots(fixture: &Fixture) -> Result<()> {
    // No authority of the system knows the server.
    let error = fixture.refusal(&app("sslrootcert=system"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    Ok(())
}

fn sockets(fixture: &Fixture) -> Result<()> {
    let text = format!(
        "host={} dbname=shop user=app sslmode=verify-full sslrootcert={}",
        shown(fixture.primary.socket_dir()),
        shown(fixture.certificates.certificate("other-ca"))
    );
    ensure!(fixture.session(&text)?.tls.is_none());
    Ok(())
}

fn versions(fixture: &Fixture) -> Result<()> {
    for (settings, version) in [
        ("ssl_max_protocol_version=TLSv1.2", "TLSv1.2"),
        ("ssl_min_protocol_version=TLSv1.3", "TLSv1.3"),
    ] {
        let session = fixture.session(&app(&format!("sslmode=require {settings}")))?;
        ensure!(session.tls.as_deref() == Some(version), "{settings}: {session:?}");
    }
    Ok(())
}

fn revoked(fixture: &Fixture) -> Result<()> {
    let certificates = &fixture.certificates;
    let text = |list: &str| {
        let root = shown(certificates.certificate("ca"));
        app(&format!("sslmode=verify-ca sslrootcert={root} sslcrl={list}"))
    };
    let error = fixture.refusal(&text("/nonexistent"))?;
    ensure!(error.message == "revocation list /nonexistent does not exist", "{error:?}");
    let harmless = certificates.revoke("client", "ca")?;
    fixture.session(&text(&shown(harmless)))?;
    let list = certificates.revoke("server", "ca")?;
    let error = fixture.refusal(&text(&shown(list)))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.detail.as_ref().is_some_and(|text| text.contains("evoked")), "{error:?}");
    Ok(())
}

fn client_certificate(fixture: &Fixture) -> Result<()> {
    let text = |name: &str| {
        format!(
            "{} sslmode=require sslcert={} sslkey={}",
            Fixture::primary_as("app_cert"),
            shown(fixture.certificates.certificate(name)),
            shown(fixture.certificates.key(name))
        )
    };
    ensure!(fixture.session(&text("client"))?.role == "app_cert");
    let error = fixture.refusal(&format!("{} sslmode=require", Fixture::primary_as("app_cert")))?;
    ensure!(error.sqlstate.as_deref() == Some("28000"), "{error:?}");
    let error = fixture.refusal(&text("stranger"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    ensure!(error.hint.as_ref().is_some_and(|hint| hint.contains("sslcert")), "{error:?}");
    // In the home folder they need not be named.
    let home = fixture.folder("home-with-certificate")?;
    fs::create_dir(home.join(".postgresql"))?;
    fs::copy(fixture.certificates.certificate("client"), home.join(".postgresql/postgresql.crt"))?;
    let key = home.join(".postgresql/postgresql.key");
    fs::copy(fixture.certificates.key("client"), &key)?;
    let env = environment().with_home(&home);
    let session = fixture.session_in(&Fixture::primary_as("app_cert"), &env)?;
    ensure!(session.role == "app_cert", "{session:?}");
    Ok(())
}

fn channel_binding(fixture: &Fixture) -> Result<()> {
    let text = |settings: &str| {
        format!(
            "postgresql://app_password:{ENCODED_SECRET}@localhost/shop?hostaddr={}&{settings}",
            primary_address()
        )
    };
    for settings in [
        "channel_binding=require&sslmode=require",
        "channel_binding=disable&sslmode=require",
        "channel_binding=prefer&sslmode=disable",
    ] {
        ensure!(fixture.session(&text(settings))?.role == "app_password");
    }
    let error = fixture.refusal(&text("channel_binding=require&sslmode=disable"))?;
    ensure!(error.kind == Kind::ConnectionMisconfigured, "{error:?}");
    Ok(())
}

/// The cancel request goes over TLS too, and arrives.
fn cancel(fixture: &Fixture) -> Result<()> {
    let marker = "select pg_sleep(60) as cancelled_over_tls";
    let started = Instant::now();
    run(async {
        let databases = databases(Some(&app("sslmode=require")), &environment())?;
        let database = databases.get(None).map_err(|error| anyhow!("{error}"))?;
        let call = Call::with_timeout(Duration::from_secs(30));
        let mut session = database.read_only(&call).await.map_err(|e| anyhow!("{e:?}"))?;
        let token = call.cancelled.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel();
        });
        let error = session.rows(marker, &[]).await.err().context("it was not cancelled")?;
        ensure!(error.kind == Kind::Cancelled, "{error:?}");
        drop(session);
        databases.close(Duration::from_secs(10)).await;
        Ok(())
    })?;
    let running = "select count(*) from pg_stat_activity \
                   where state = 'active' and query like '%cancelled_over_tls%' \
                   and pid <> pg_backend_pid()";
    let count: i64 = fixture.primary.connect("postgres")?.query_one(running, &[])?.try_get(0)?;
    ensure!(count == 0, "the statement still runs");
    // Had the request been lost, pg_cancel_backend would have followed two seconds later.
    ensure!(started.elapsed() < Duration::from_millis(2000), "{:?}", started.elapsed());
    Ok(())
}

/// A self-signed certificate that is its own root, and one of version 1 with a common name only:
/// what PostgreSQL's own documentation shows how to make.
fn odd_certificates(fixture: &Fixture) -> Result<()> {
    let certificates = &fixture.certificates;
    certificates.self_signed("own-root", "localhost")?;
    certificates.signed("version1", "localhost", "ca", "")?;
    certificates.signed("common-name", "localhost", "ca", "extendedKeyUsage=serverAuth")?;
    let mut cluster = Cluster::start("")?;
    let address = own_address();
    for (name, root, modes) in [
        ("own-root", "own-root", &["require", "verify-ca", "verify-full"][..]),
        ("common-name", "ca", &["verify-ca", "verify-full"]),
        ("version1", "none", &["require"]),
    ] {
        let settings = server_settings(&cluster, certificates, name)?;
        cluster.restart(&format!("{settings}\nlisten_addresses = '{address}'"))?;
        cluster.connect("postgres")?.batch_execute(
            "do $$ begin create role app login; exception when duplicate_object then null; end $$",
        )?;
        let text = |mode: &str, host: &str| {
            let root = match root {
                "none" => String::new(),
                root => format!("sslrootcert={}", shown(certificates.certificate(root))),
            };
            format!("host={host} hostaddr={address} user=app dbname=postgres sslmode={mode} {root}")
        };
        for mode in modes {
            let session = fixture.session(&text(mode, "localhost"))?;
            ensure!(session.tls.is_some(), "{name} {mode}: {session:?}");
        }
        if modes.contains(&"verify-full") {
            let error = fixture.refusal(&text("verify-full", "db.example.com"))?;
            ensure!(error.detail.as_ref().is_some_and(|d| d.contains("name")), "{error:?}");
        }
    }
    let root = shown(certificates.certificate("ca"));
    let error = fixture.refusal(&format!(
        "host=localhost hostaddr={address} user=app dbname=postgres sslmode=verify-ca \
         sslrootcert={root}"
    ))?;
    ensure!(error.hint.as_ref().is_some_and(|hint| hint.contains("version 3")), "{error:?}");
    Ok(())
}

fn wrong_files(fixture: &Fixture) -> Result<()> {
    let certificates = &fixture.certificates;
    let (certificate, key) = (certificates.certificate("client"), certificates.key("client"));
    let open = certificates.file("open.key");
    fs::copy(&key, &open)?;
    fs::set_permissions(&open, Permissions::from_mode(0o644))?;
    let empty = fixture.write("empty", "")?;
    let encrypted = fixture.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )?;
    let missing = certificates.file("missing");
    let pair = |certificate: &std::path::Path, key: &std::path::Path| {
        format!("sslcert={} sslkey={}", shown(certificate), shown(key))
    };
    for (settings, message) in [
        (pair(&certificate, &open), "is open to others"),
        (pair(&certificate, &missing), "does not exist"),
        (pair(&missing, &key), "does not exist"),
        (pair(&empty, &key), "holds no certificate"),
        (pair(&certificate, &empty), "holds no private key"),
        (pair(&certificate, &encrypted), "is encrypted, which is not supported"),
        (pair(&certificate, &certificates.key("server")), "sslcert and sslkey cannot be used"),
        (format!("sslrootcert={}", shown(&empty)), "holds no certificate"),
    ] {
        let error = fixture.refusal(&app(&format!("sslmode=require {settings}")))?;
        ensure!(error.kind == Kind::ConnectionMisconfigured, "{settings}: {error:?}");
        ensure!(error.message.contains(message), "{settings}: {error:?}");
    }
    // A mode that may do without TLS does.
    let session = fixture.session(&app(&pair(&certificate, &missing)))?;
    ensure!(session.tls.is_none(), "{session:?}");
    Ok(())
}
