//! Where settings come from: text, service file, variables, passfile, with real servers.

use anyhow::{Result, ensure};
use mcp_bridge::settings::Environment;

use crate::Case;
use crate::fixture::{
    ENCODED_SECRET, Fixture, SECRET, connect, environment, primary_address, shown,
};

pub(crate) const CASES: &[Case] = &[
    ("sources_uri", uri),
    ("sources_variables", variables),
    ("sources_service", service),
    ("sources_passfile", passfile),
    ("sources_options", options),
];

fn uri(fixture: &Fixture) -> Result<()> {
    let socket = shown(fixture.primary.socket_dir());
    let encoded = socket.replace('/', "%2F");
    let address = primary_address();
    for text in [
        format!("postgresql://app@{encoded}/shop"),
        format!("postgres:///shop?host={socket}&user=app"),
        format!("postgresql+psycopg2://app@{address}:5432/shop"),
        format!("host='{socket}' user=app dbname=shop"),
    ] {
        let session = fixture.session(&text)?;
        ensure!(session.role == "app" && session.database == "shop", "{text}: {session:?}");
    }
    let text = format!("postgresql://app_password:{ENCODED_SECRET}@{address}/shop");
    ensure!(fixture.session(&text)?.role == "app_password");
    Ok(())
}

fn variables(fixture: &Fixture) -> Result<()> {
    let address = primary_address();
    let env = Environment::of_variables([
        ("PGHOST", address.as_str()),
        ("PGPORT", "5432"),
        ("PGUSER", "app_password"),
        ("PGPASSWORD", SECRET),
        ("PGDATABASE", "shop"),
        ("PGAPPNAME", "from a variable"),
        ("PGSSLMODE", "disable"),
    ]);
    let session = connect(None, &env)?.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    ensure!(session.role == "app_password" && session.database == "shop", "{session:?}");
    ensure!(session.application == "from a variable" && session.tls.is_none(), "{session:?}");
    // The text goes before them.
    let session = fixture.session_in("user=app sslmode=require", &env)?;
    ensure!(session.role == "app" && session.tls.is_some(), "{session:?}");
    Ok(())
}

fn service(fixture: &Fixture) -> Result<()> {
    let file = fixture.write(
        "services",
        &format!("[shop]\nhost={}\nuser=app\ndbname=shop\n", primary_address()),
    )?;
    let file = shown(&file);
    let env = Environment::of_variables([("PGSERVICEFILE", file.as_str())]);
    ensure!(fixture.session_in("service=shop", &env)?.role == "app");
    ensure!(fixture.session_in("postgresql://?service=shop", &env)?.database == "shop");
    let env = Environment::of_variables([("PGSERVICEFILE", file.as_str()), ("PGSERVICE", "shop")]);
    let session = fixture.session_in("user=app_tls", &env)?;
    ensure!(session.role == "app_tls" && session.database == "shop", "{session:?}");
    let home = fixture.folder("home-with-service")?;
    std::fs::copy(&file, home.join(".pg_service.conf"))?;
    let env = environment().with_home(&home);
    ensure!(fixture.session_in("service=shop", &env)?.role == "app");
    Ok(())
}

fn passfile(fixture: &Fixture) -> Result<()> {
    let address = primary_address();
    // A colon and a backslash are escaped; the secret has neither.
    let file =
        fixture.write("passfile", &format!("# comment\n{address}:5432:shop:*:{SECRET}\n"))?;
    let text = format!("host={address} user=app_password dbname=shop");
    let named = format!("{text} passfile={}", shown(&file));
    ensure!(fixture.session(&named)?.role == "app_password");
    let env = Environment::of_variables([("PGPASSFILE", shown(&file))]);
    ensure!(fixture.session_in(&text, &env)?.role == "app_password");
    let home = fixture.folder("home-with-passfile")?;
    std::fs::copy(&file, home.join(".pgpass"))?;
    ensure!(fixture.session_in(&text, &environment().with_home(&home))?.role == "app_password");
    let error = fixture.refusal(&format!("{text} passfile=/nonexistent"))?;
    ensure!(error.message.contains("asks for a password"), "{error:?}");
    Ok(())
}

/// The bridge's own name is a parameter of its own, which goes before.
fn options(fixture: &Fixture) -> Result<()> {
    let text = format!(
        "host={} user=app dbname=shop options='-c application_name=from\\\\ options'",
        primary_address()
    );
    ensure!(fixture.session(&text)?.application.starts_with("mcp-bridge/"));
    Ok(())
}
