//! Databases with many tables, and the faults that come with many tables.

use std::time::Instant;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::program::duration;

/// Tables that are made in one transaction: each takes a handful of locks, of which there are
/// some 6,000.
const BATCH: usize = 200;

/// Three indexes a table. Every other key is filled by an identity column, the others by a serial.
/// Half the tables have rows, every hundredth some thousands. Every tenth refers to the one before,
/// without an index for it. Every hundredth has an index twice, every 250th a sequence near its end.
const TABLES: &str = "
do $$
declare
    i integer;
    name text;
    rows integer;
begin
    for i in $first..$last loop
        name := format('s%s.t%s', i % 20, i);
        execute format(
            'create table %s (id integer %s, owner integer, placed date, state text, total numeric)',
            name,
            case when i % 2 = 0 then 'generated always as identity primary key'
                else 'primary key' end
        );
        if i % 2 = 1 then
            execute format('create sequence %s_id_seq as integer owned by %s.id', name, name);
            execute format('alter table %s alter id set default nextval(%L)', name, name || '_id_seq');
        end if;
        execute format('create index on %s (owner)', name);
        execute format('create index on %s (%s)', name,
            case when i % 100 = 7 then 'owner' else 'placed, state' end);
        if i % 10 = 5 then
            execute format('alter table %s add parent integer references s%s.t%s', name,
                (i - 1) % 20, i - 1);
        end if;
        if i % 2 = 0 then
            rows := case when i % 100 = 0 then 5000 else 20 end;
            execute format(
                'insert into %s (owner, placed, state, total)
                select g %% 97, date ''2025-01-01'' + g %% 365, ''state '' || g %% 5, g * 1.5
                from generate_series(1, %s) as g', name, rows);
        end if;
        if i % 250 = 0 then
            perform setval(pg_get_serial_sequence(name, 'id'), 2000000000);
        end if;
    end loop;
end
$$";

/// A database.
pub(super) struct Catalog {
    pub(super) name: &'static str,
    pub(super) tables: usize,
}

impl Catalog {
    /// What it is, for headlines.
    pub(super) fn title(&self) -> String {
        format!("{} tables, {} indexes, {} sequences", self.tables, 3 * self.tables, self.tables)
    }

    /// Makes the database.
    pub(super) fn make(&self, bench: &Bench<'_>, cluster: &Cluster) -> Result<()> {
        bench.progress.part(&format!("A database of {}", self.title()));
        let begin = Instant::now();
        let mut client = cluster.create_database(self.name)?;
        for extension in ["pg_stat_statements", "hypopg", "mcp_advisor"] {
            client.batch_execute(&format!("create extension {extension}"))?;
        }
        for schema in 0..20 {
            client.batch_execute(&format!("create schema s{schema}"))?;
        }
        for first in (1..=self.tables).step_by(BATCH) {
            let last = (first + BATCH - 1).min(self.tables);
            let sql = TABLES.replace("$first", &first.to_string());
            client.batch_execute(&sql.replace("$last", &last.to_string()))?;
        }
        // As autovacuum would have done, which is off here.
        client.batch_execute("vacuum (analyze)")?;
        let sql = "
            with made as (
                select c.oid, c.relkind from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace
                where n.nspname ~ '^s[0-9]+$'
            )
            select
                (select count(*) from made where relkind = 'r'),
                (select count(*) from made where relkind = 'i'),
                (select count(*) from made where relkind = 'S'),
                pg_size_pretty(pg_database_size(current_database()))";
        let row = client.query_one(sql, &[])?;
        let count = |column| row.try_get::<_, i64>(column);
        bench.progress.line(&format!(
            "{} tables, {} indexes, {} sequences, {}, in {}",
            count(0)?,
            count(1)?,
            count(2)?,
            row.try_get::<_, String>(3)?,
            duration(begin.elapsed())
        ));
        Ok(())
    }
}
