//! The cluster, a small shop with an owner who has a password, and what SQL says about it.

use std::process::Command;
use std::time::Duration;

use advisor_tests::bridge::{self, wait_until};
use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};
use serde_json::Value;

/// The database.
pub(crate) const SHOP: &str = "shop";

/// The role that the bridges connect as.
pub(crate) const ROLE: &str = "keeper";

/// Its password; it must appear nowhere.
pub(crate) const PASSWORD: &str = "canary:word@of%the/shop";

/// The password as part of a URI.
pub(crate) const PASSWORD_IN_URI: &str = "canary%3Aword%40of%25the%2Fshop";

/// A literal that statements of the tests contain; no log may have it.
pub(crate) const LITERAL: &str = "canary-literal-8391";

/// A statement that an index clearly helps, and how often it was run.
pub(crate) const LOOKUP: &str = "select * from shop.orders where customer_id = 4711";
/// See [`LOOKUP`].
pub(crate) const LOOKUP_CALLS: usize = 500;

/// Statements over five tables, each with other conditions: their analysis takes so long that
/// there is progress to tell of.
fn joins() -> Vec<String> {
    const CONDITIONS: [&str; 10] = [
        "a.placed > '2024-08-20'",
        "b.total > 1000",
        "c.since < '2016-01-01'",
        "d.city = 'City 7'",
        "e.status = 'open'",
        "a.status = 'paid'",
        "b.placed < '2024-01-20'",
        "c.city = 'City 3'",
        "d.since > '2020-01-01'",
        "e.total between 5 and 9",
    ];
    let condition = |n: usize| CONDITIONS[n % CONDITIONS.len()];
    let joined = |n: usize| {
        format!(
            "select c.city, count(*) from shop.customers as c
                join shop.orders as a on a.customer_id = c.id
                join shop.orders as b on b.customer_id = c.id
                join shop.orders as e on e.id = b.id
                join shop.customers as d on d.id = e.customer_id
                where {} and {} and {} group by c.city order by c.city",
            condition(n),
            condition(n + 1),
            condition(n + 2),
        )
    };
    (0..CONDITIONS.len()).map(joined).collect()
}

/// A statement that runs until it is stopped. The guard refuses `pg_sleep`; a view hides it from the
/// bridge's parser, and a setting of the server lets it pass the guard within.
pub(crate) fn endless(marker: &str) -> String {
    format!("select slept as {marker} from shop.endless")
}

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = 20000
max_connections = 300
track_activity_query_size = 16384
mcp_advisor.guard_functions = 'pg_catalog.pg_sleep'
";

const SCHEMA: &str = "
create schema shop authorization keeper;
comment on schema shop is 'What is sold to whom';
set role keeper;
create type shop.order_status as enum ('open', 'paid', 'sent');
create sequence shop.order_numbers start 100;
create table shop.customers (
    id integer primary key,
    name text not null,
    city text,
    since date not null
);
create table shop.orders (
    id bigint primary key,
    customer_id integer not null references shop.customers,
    status shop.order_status not null,
    placed timestamptz not null,
    total numeric(12,2) not null,
    note text
);
comment on table shop.orders is 'One row an order';
create table shop.visits (day date not null, customer_id integer) partition by range (day);
create table shop.visits_2024 partition of shop.visits for values from ('2024-01-01') to ('2025-01-01');
insert into shop.customers select i, 'Customer ' || i, 'City ' || i % 40, date '2015-01-01' + i % 2000
    from generate_series(1, 10000) as i;
insert into shop.orders
    select i, 1 + i % 10000, (array['open', 'paid', 'sent'])[1 + i % 3]::shop.order_status,
        timestamptz '2024-01-01 00:00:00+00' + i * interval '7 minutes', (i % 977) * 1.25, repeat('n', 40)
    from generate_series(1, 50000) as i;
create index orders_placed on shop.orders (placed);
create index orders_placed_again on shop.orders (placed);
create view shop.order_totals as
    select customer_id, sum(total) as total from shop.orders group by customer_id;
create materialized view shop.order_days as
    select placed::date as day, count(*) as orders from shop.orders group by 1;
create view shop.endless as select pg_sleep(600)::text as slept;
create function shop.discounted(price numeric) returns numeric language sql immutable as 'select price * 0.9';
reset role;
";

/// Everything the cases share.
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
}

impl Fixture {
    pub(crate) fn start() -> Result<Self> {
        let fixture = Self { cluster: Cluster::start(SETTINGS)? };
        fixture.fill()?;
        Ok(fixture)
    }

    /// Role, passwords, database, extensions, schema, recorded statements.
    fn fill(&self) -> Result<()> {
        let mut admin = self.cluster.create_database(SHOP)?;
        admin.batch_execute(&format!("create role {ROLE} login password '{PASSWORD}'"))?;
        admin.batch_execute(&format!("grant pg_monitor to {ROLE}"))?;
        admin.batch_execute(SCHEMA)?;
        admin.batch_execute("analyze")?;
        for extension in ["pg_stat_statements", "hypopg", "mcp_advisor"] {
            admin.batch_execute(&format!("create extension {extension}"))?;
        }
        ask_for_passwords(&mut admin)?;
        wait_until("a password is asked for", Duration::from_secs(10), || {
            Ok(self.cluster.connect_as(SHOP, ROLE).is_err())
        })?;
        admin.batch_execute("select pg_stat_statements_reset()")?;
        let mut keeper = self.keeper()?;
        for n in 0..LOOKUP_CALLS {
            keeper.batch_execute(&LOOKUP.replace("4711", &(4711 + n).to_string()))?;
        }
        for statement in joins() {
            keeper.batch_execute(&statement)?;
        }
        Ok(())
    }

    /// A session as superuser.
    pub(crate) fn admin(&self) -> Result<Client> {
        self.cluster.connect(SHOP)
    }

    /// A session as the role that the bridges connect as.
    pub(crate) fn keeper(&self) -> Result<Client> {
        Config::new()
            .host_path(self.cluster.socket_dir())
            .dbname(SHOP)
            .user(ROLE)
            .password(PASSWORD)
            .connect(NoTls)
            .context("connect with the password")
    }

    /// The connection URI; `application` tells the backends of one bridge from others'.
    pub(crate) fn uri(&self, application: &str) -> String {
        uri(&self.cluster, application)
    }

    /// A command for a bridge to the shop.
    pub(crate) fn bridge(&self, application: &str) -> Result<Command> {
        let mut command = bridge::command()?;
        command.env("DATABASE_URI", self.uri(application));
        Ok(command)
    }

    /// Number of backends of a bridge for which `condition` holds.
    pub(crate) fn backends(&self, application: &str, condition: &str) -> Result<i64> {
        let sql = format!(
            "select count(*) from pg_stat_activity where application_name = $1 and ({condition})"
        );
        Ok(self.admin()?.query_one(&sql, &[&application])?.try_get(0)?)
    }

    /// Waits until no backend of a bridge is left.
    pub(crate) fn assert_no_backend(&self, application: &str) -> Result<()> {
        let limit = Duration::from_secs(5);
        wait_until("no backend is left", limit, || Ok(self.backends(application, "true")? == 0))?;
        Ok(())
    }
}

/// See [`Fixture::uri`].
pub(crate) fn uri(cluster: &Cluster, application: &str) -> String {
    let socket = cluster.socket_dir().display().to_string().replace('/', "%2F");
    format!("postgresql://{ROLE}:{PASSWORD_IN_URI}@{socket}/{SHOP}?application_name={application}")
}

/// From now on everybody but the superuser needs a password.
fn ask_for_passwords(admin: &mut Client) -> Result<()> {
    let folder: String = admin.query_one("show data_directory", &[])?.try_get(0)?;
    admin.batch_execute(&format!(
        "copy (values ('local all postgres trust'), ('local all all scram-sha-256')) \
         to '{folder}/pg_hba.conf'; select pg_reload_conf()"
    ))?;
    Ok(())
}

/// The rows of a query as JSON objects, by the server's own conversion.
pub(crate) fn rows(client: &mut Client, sql: &str) -> Result<Vec<Value>> {
    let sql = format!("select coalesce(json_agg(q), '[]')::text from ({sql}) as q");
    let text: String = client.query_one(&sql, &[]).with_context(|| sql.clone())?.try_get(0)?;
    Ok(serde_json::from_str(&text)?)
}

/// The only column of a query's rows as texts.
pub(crate) fn texts(client: &mut Client, sql: &str) -> Result<Vec<String>> {
    let found = client.query(sql, &[]).with_context(|| sql.to_owned())?;
    found.iter().map(|row| Ok(row.try_get::<_, String>(0)?)).collect()
}

/// A log has neither the password nor a literal of a statement, and tells of no panic.
pub(crate) fn assert_discreet(log: &str) -> Result<()> {
    for secret in [PASSWORD, PASSWORD_IN_URI, LITERAL] {
        ensure!(!log.contains(secret), "the log has {secret:?}:\n{log}");
    }
    ensure!(!log.contains("panicked"), "the log tells of a panic:\n{log}");
    Ok(())
}
