//! What the catalogue says of each check beside its own texts, for whoever has a finding before him: what the
//! remediation does and costs, and when to leave the finding alone. Part of no program.

/// Of one check.
pub(super) struct Guide {
    /// Its name.
    pub(super) check: &'static str,
    /// What mends it, and what that costs.
    pub(super) remedy: &'static str,
    /// When nothing is to be done.
    pub(super) leave: &'static str,
}

const fn of(check: &'static str, remedy: &'static str, leave: &'static str) -> Guide {
    Guide { check, remedy, leave }
}

/// What only the extension can measure has no file of SQL that would say how.
pub(super) const MEASURED_INSIDE: &[(&str, &str)] = &[
    (
        "missing_index",
        "What mcp_advise_indexes says of the recorded workload of this database, within a second and for the \
         dearest statements only, at most three indexes. Statements of roles that the caller cannot act as are \
         not planned, which is said. Needs pg_stat_statements.",
    ),
    (
        "gin_pending_list",
        "The pages of entries that a GIN index with fastupdate has taken and not sorted in yet, as the index's own \
         metapage has it. Needs the owner or pg_stat_scan_tables (pg_monitor).",
    ),
];

/// In the order of the checks' names.
pub(super) const GUIDES: &[Guide] = &[
    of(
        "archiver",
        "None is printed: mend what archive_command or the archive library needs (disk, network, credentials); the server retries by itself and catches up. Setting archive_command to `true` stops the growth and breaks every backup that needs the WAL in between.",
        "The archive is down for planned work and pg_wal has room until it is back.",
    ),
    of(
        "autovacuum_off",
        "Switches the setting on and reloads, or resets what a role or database has of its own. Autovacuum then begins with what has piled up, which is I/O for hours on a large database.",
        "It was switched off for a bulk load that still runs. Wraparound is still prevented by the server meanwhile.",
    ),
    of(
        "autovacuum_setting",
        "Changes one setting at a time. More speed is more I/O by autovacuum; autovacuum_max_workers needs a restart up to PostgreSQL 17.",
        "The tables are almost all cold: thousands that nobody writes to need no worker.",
    ),
    of(
        "autovacuum_table_setting",
        "ALTER TABLE … RESET takes the table's own setting away; it takes a SHARE UPDATE EXCLUSIVE lock, which waits for a running VACUUM or ANALYZE and for nothing else. The next round of autovacuum may come at once.",
        "Something else vacuums the table on a schedule, or it is only ever truncated and filled.",
    ),
    of(
        "background_writer",
        "Raises bgwriter_lru_maxpages, or what else is printed, and reloads. Costs writes that would have come anyway.",
        "The counters hold a bulk load, an index build or a restore: reset them (pg_stat_reset_shared('bgwriter')) and look again after a normal day.",
    ),
    of(
        "blocked_session",
        "Cancels the statement of the session that blocks, ends the session where it is idle in a transaction, or rolls a prepared transaction back: what it had not committed is lost to its application. The SQL names the session by process and start, so that it cannot hit a successor.",
        "The blocker is a migration that will be done sooner than it would be to begin anew. Then see that it has a lock_timeout next time.",
    ),
    of(
        "cache_hit_rate",
        "None is printed: more shared_buffers (see the check memory), fewer blocks read (see mcp_top_queries by io and mcp_advise_indexes), or more memory.",
        "The database is larger than any memory and the queries read all of it, as in reporting. A miss that the operating system's cache answers costs microseconds.",
    ),
    of(
        "checkpoints",
        "Raises max_wal_size and reloads. Costs that much disk for pg_wal at most, and a longer recovery after a crash.",
        "The counters hold a bulk load or restore, or backups that ask for a checkpoint are most of what there is.",
    ),
    of(
        "checksum_failure",
        "None is printed. Take a copy of the files before anything else, look at the disk, find the relation in the server's log, and restore it from a backup or a standby. Only then reset the counter (pg_stat_reset()).",
        "The damaged relation was restored and the counter is of before.",
    ),
    of(
        "checksums_off",
        "None is printed: pg_checksums --enable works on a stopped server and reads and writes every page; a standby first, then a switch-over, keeps the service.",
        "The file system has checksums of its own (ZFS, btrfs) and the memory corrects errors.",
    ),
    of(
        "collation_version",
        "Rebuilds the indexes in question (CONCURRENTLY where it can be: twice the space for a while), then records the new version. In this order: to refresh the version alone silences the warning of the server and leaves the indexes wrong. Find duplicates before a unique index is rebuilt, or the rebuild fails.",
        "The update is known not to have changed the order (only the minor version did), or the texts are ASCII under a locale whose order of ASCII stays: prove it with amcheck before you refresh the version.",
    ),
    of(
        "connection_limit",
        "Doubles the limit of the role or database. Each connection is a process with some MB.",
        "The limit is there to hold this very role back.",
    ),
    of(
        "connection_usage",
        "None is printed but the right to see more: find in the details who has the sessions, end what is idle (idle_session), let a pooler share connections. max_connections needs a restart, and more sessions than some per core make nothing faster.",
        "A pool of fixed size takes them all by design and nobody else must get in; keep superuser_reserved_connections for yourself.",
    ),
    of(
        "database_age",
        "VACUUM of the whole database, with FREEZE while there is time and plain when it is critical. Reads every page that is not frozen. First end what the check xmin_horizon names: until then VACUUM freezes nothing.",
        "Never for long. Information only says that autovacuum is behind; look at vacuum_queue and table_age for the reason.",
    ),
    of(
        "dead_tuples",
        "VACUUM of the table: no lock that readers or writers wait for, I/O in proportion to the table. It gives no space back to the disk, but to new rows.",
        "The check xmin_horizon has a finding, too: mend that one first, VACUUM can remove nothing before. Or an autovacuum is at it, which is then said.",
    ),
    of(
        "deadlocks",
        "None is printed: the server's log has both statements of each. Lock rows in the same order everywhere, make transactions shorter, repeat the one that lost.",
        "The application repeats transactions that fail with 40P01 and their number does not grow.",
    ),
    of(
        "default_partition",
        "Moving the rows is work by hand: create the partition as a table, move the rows there in the same transaction, attach it. ATTACH takes an ACCESS EXCLUSIVE lock on the default partition while it is searched, unless a CHECK constraint excludes the rows.",
        "A list partition is meant to take the rest.",
    ),
    of(
        "disabled_trigger",
        "Enables the trigger, with a SHARE ROW EXCLUSIVE lock on the table for a moment. It checks no row that came meanwhile: run the query in the details, mend what it finds, then trust the constraint.",
        "A load that runs now has switched it off, or a logical subscriber has replica triggers on purpose.",
    ),
    of(
        "duplicate_index",
        "DROP INDEX CONCURRENTLY: waits for the transactions that use the table, blocks nobody. What is lost is the index: mcp_advise_drops prints the statement that makes it again (undo). A plan with a hint or a REINDEX script that names it fails afterwards.",
        "One of the two is being replaced at this moment.",
    ),
    of(
        "durability",
        "Sets the safe value and reloads; some need a restart. Writes get as slow as the disk is.",
        "The server is a scratch one whose data can be made again, or the storage guarantees that pages are written whole (full_page_writes on a copy-on-write file system).",
    ),
    of(
        "foreign_key_type",
        "Changes the column's type, which rewrites the table under an ACCESS EXCLUSIVE lock: minutes to hours on a large one, in which nobody reads it. For those add a new column, fill it in parts and swap.",
        "The types have the same width, the key is far from outgrowing the column, and joins on it are rare.",
    ),
    of(
        "foreign_key_without_index",
        "CREATE INDEX CONCURRENTLY: two passes over the table, blocks nobody, and costs each write of the table from then on. If it is interrupted it leaves an invalid index (invalid_index).",
        "Rows of the referenced table are never deleted and their keys never change, and no join begins there.",
    ),
    of(
        "gin_pending_list",
        "Sorts the list in now (gin_clean_pending_list), for which writes of the index wait at times. For good: let VACUUM come more often, or lower gin_pending_list_limit of the index, which makes single inserts dearer.",
        "A bulk load is under way and searches can wait until its VACUUM.",
    ),
    of(
        "hot_updates",
        "Lowers the table's fillfactor: for pages written from now on, no rewrite, a SHARE UPDATE EXCLUSIVE lock for a moment. The table grows by as much as is kept free. Where an index on a column that is updated is the reason, dropping or narrowing that is what helps, and mcp_advise_drops says whether it can go.",
        "The updates are rare beside the reads that the index serves, or the column must be searchable.",
    ),
    of(
        "idle_in_transaction",
        "Ends the session: its transaction is rolled back and its application gets an error at its next statement. For good, set idle_in_transaction_session_timeout (timeout_setting).",
        "A person has the session open and knows it, and the details say that nobody waits.",
    ),
    of(
        "idle_session",
        "Ends the sessions that have been idle for long. A pool opens them anew at once, if they are a pool's: there, lower its size or its idle time. idle_session_timeout (PostgreSQL 14 and later) does it for good.",
        "The connections are a pool's reserve and the server has slots to spare.",
    ),
    of(
        "index_bloat",
        "REINDEX INDEX CONCURRENTLY: builds a second index beside the first, so that its size is needed once more for a while, and blocks nobody. If it fails it leaves an invalid one.",
        "The index is filled and emptied as a queue is: it will be as large again by tomorrow. Vacuum the table more often instead.",
    ),
    of(
        "invalid_database",
        "DROP DATABASE to its end. Nothing of it can be saved: some files are gone already.",
        "A DROP DATABASE is running at this moment.",
    ),
    of(
        "invalid_index",
        "DROP INDEX CONCURRENTLY of what a failed REINDEX left, REINDEX INDEX CONCURRENTLY of what a failed CREATE INDEX left. A unique index that failed at a duplicate fails again until the duplicate is gone: drop it then.",
        "Never: it is paid for and helps nobody.",
    ),
    of(
        "invalid_partitioned_index",
        "Creates the missing partitions' indexes under names of their own and attaches them. CREATE INDEX CONCURRENTLY for plain partitions; ATTACH takes a lock on the parent index for a moment. The last one makes the index valid.",
        "The index is being completed partition by partition now.",
    ),
    of(
        "io",
        "Raises bgwriter_lru_maxpages where sessions write what the background writer should have written. A low hit rate has no SQL: see cache_hit_rate.",
        "The counters hold a bulk load: reset them (pg_stat_reset_shared('io')) and look after a normal day.",
    ),
    of(
        "lock_table",
        "Doubles max_locks_per_transaction, which needs a restart and some shared memory. A query over a table with thousands of partitions takes a lock on each and on each of their indexes.",
        "A pg_dump or a migration of many tables was just running, and has finished.",
    ),
    of(
        "long_query",
        "Cancels the statement; its transaction fails.",
        "It is a report or a job that is known to take so long, and a standby is no alternative. Exclude it by mcp_advisor.health_ignore.",
    ),
    of(
        "long_transaction",
        "Cancels the running statement of the transaction, which then fails and is rolled back.",
        "A dump or a migration that is known to take so long. VACUUM is held back until its end: see that it is no daily thing on a busy primary.",
    ),
    of(
        "memory",
        "Sets the value that suits the machine. shared_buffers needs a restart; work_mem is taken for each node of each plan of each session, so raise it in small steps.",
        "The machine is shared with other services that the check does not know of: set the values to your share of it.",
    ),
    of(
        "missing_index",
        "The CREATE INDEX that the advisor prints; CONCURRENTLY where the table is not partitioned. Read size_bytes, improved_queries and confidence in the details first, and ask mcp_advise_indexes for the whole advice: this check looks for a second only.",
        "The statements belong to a job that may take its time, or confidence is low.",
    ),
    of(
        "missing_partition",
        "CREATE TABLE … PARTITION OF, with an ACCESS EXCLUSIVE lock on the partitioned table for a moment: it waits for all running statements on it, and those that come wait behind. Set lock_timeout and try again rather than wait.",
        "The table is no longer written, or something creates partitions just in time and has not failed yet.",
    ),
    of(
        "never_analyzed",
        "ANALYZE of the table: reads a sample of it, blocks nobody. Plans on the table change, mostly for the better.",
        "The table is filled and emptied within a job that analyzes by itself.",
    ),
    of(
        "not_enforced_constraint",
        "Enforces a foreign key again, which reads all rows and holds locks on both tables meanwhile. A check has to be dropped and added.",
        "It was declared so on purpose, as documentation.",
    ),
    of(
        "not_valid_constraint",
        "VALIDATE CONSTRAINT: reads the whole table, with a SHARE UPDATE EXCLUSIVE lock that writers do not wait for (of a domain, a SHARE lock, which they do). Fails at the first row that breaks it: mend those first.",
        "Old rows are known to break it and are left so on purpose.",
    ),
    of(
        "orphan_temp_table",
        "DROP TABLE … CASCADE of a temporary table that no session owns. Its rows are gone, which nobody could read any more.",
        "Never for long: it holds the age of the database. Without the extension it may say that it cannot be told whether the session lives.",
    ),
    of(
        "outdated_extension",
        "ALTER EXTENSION … UPDATE: runs the extension's own script, in a transaction, with locks on what it changes. Read its release notes; PostGIS and TimescaleDB have procedures of their own.",
        "A standby or another server in the same replication set is not updated yet.",
    ),
    of(
        "password_expiry",
        "Moves the end by password_expiry_renewal. Change the password as well: that is what the end is for.",
        "The role logs in by a certificate or peer and has no password in use.",
    ),
    of(
        "pending_restart",
        "None is printed: restart when it suits, or take the change back.",
        "The restart is planned.",
    ),
    of(
        "planner_setting",
        "Sets the server's default again and reloads, or resets what a database or role has of its own. Plans change at once for new sessions: keep the old value at hand.",
        "It works around a plan that you know, until its statistics or index are mended. Better then for one role or one function.",
    ),
    of(
        "prepared_transaction",
        "ROLLBACK PREPARED: what it did is lost, while other members of the distributed transaction may have committed. Ask the transaction manager first; COMMIT PREPARED is the other answer.",
        "Its transaction manager lists it as in doubt and will finish it.",
    ),
    of(
        "public_create",
        "REVOKE CREATE … FROM PUBLIC. An application that makes its tables as an ordinary role there fails until that role has a GRANT.",
        "The database has one user.",
    ),
    of(
        "redundant_index",
        "DROP INDEX CONCURRENTLY. With the extension it is proven by planning the recorded statements without it: proven and needed_by in the details. Statements that ran only on a standby, or never yet, are not in the proof.",
        "The longer index is several times larger and the shorter one is read often: then it is for information only.",
    ),
    of(
        "replication_lag",
        "None is printed: look at the standby's disk and network, at long queries there (max_standby_streaming_delay), and at what writes so much here.",
        "A standby that is made late on purpose (recovery_min_apply_delay), or one that is catching up after it was built.",
    ),
    of(
        "replication_slot",
        "Drops a slot that nobody reads: its consumer must be built anew. Or bounds what slots may keep (max_slot_wal_keep_size), after which a slow consumer loses its slot instead of the server its disk.",
        "The consumer is down for planned work and the disk has room until it is back. Look again when it is.",
    ),
    of(
        "rollbacks",
        "None is printed: find in the application's log why its transactions fail.",
        "A driver ends each read by ROLLBACK, which costs nothing.",
    ),
    of(
        "security_definer",
        "Gives the function a search_path of its own: pg_catalog, its schema, and pg_temp last. A function that relies on the caller's path finds its objects no longer: qualify their names first.",
        "Only roles that could become superuser anyway may call it.",
    ),
    of(
        "sequence_exhaustion",
        "Makes the sequence bigint, which is quick, and where the column is too narrow the column as well, which rewrites the table under an ACCESS EXCLUSIVE lock. For a large table add a bigint column, fill it in parts and swap, while there is time.",
        "The time left in the details is years, or the table will be gone by then.",
    ),
    of(
        "sequential_scan",
        "None is printed: ask mcp_advise_indexes, which knows whether an index would help the statements.",
        "The readers are reports and dumps that want all rows.",
    ),
    of(
        "server_version",
        "None is printed. A minor release is new programs and a restart; a major one is pg_upgrade or logical replication.",
        "Never for long. What is known of releases has a date: a server with newer minor releases than the extension knows is not called old.",
    ),
    of(
        "stale_statistics",
        "ANALYZE of the table: reads a sample, blocks nobody.",
        "An ANALYZE is part of the job that has just changed the table.",
    ),
    of(
        "standby",
        "Resumes replay where it is paused. Where nothing is received there is no SQL: look at primary_conninfo, the network and the log.",
        "Replay is paused for a look at the data, or late on purpose.",
    ),
    of(
        "standby_conflict",
        "hot_standby_feedback keeps rows on the primary that a query here still sees: bloat there. max_standby_streaming_delay lets queries end first: staleness here. Choose which of the two you can bear.",
        "Cancelled queries are repeated, and currency matters more.",
    ),
    of(
        "statement_statistics",
        "Loads and creates pg_stat_statements; shared_preload_libraries needs a restart, and the SQL keeps what is listed there. Costs some percent at most, and memory for pg_stat_statements.max entries.",
        "Another tool records the statements. The advisor then needs them given as a list.",
    ),
    of(
        "subscription",
        "Enables a subscription that is disabled. One that fails needs its reason mended (the subscriber's log): a row that is there already, a column that is missing; or its transaction skipped, which loses it.",
        "It was disabled on purpose and its slot on the publisher is watched.",
    ),
    of(
        "superuser",
        "ALTER ROLE … NOSUPERUSER. What the role did by that right fails: give it pg_monitor, pg_read_all_data or CREATEROLE, or what it needs, first.",
        "They are persons with an account each, as your rules ask for.",
    ),
    of(
        "synchronous_standby",
        "Asks for fewer standbys, so that commits go on at once. From then on a crash of this server can lose commits that clients were told of.",
        "Never: commits hang, or soon will. Bring the standby back instead, if that is quicker.",
    ),
    of(
        "table_age",
        "VACUUM (FREEZE) of the table: reads all of it that is not frozen and writes WAL for it, blocks nobody.",
        "An autovacuum to prevent wraparound is at it (vacuum_progress), and gets on.",
    ),
    of(
        "table_bloat",
        "VACUUM where dead rows are the reason. Where the space is free already, only a rewrite gives it back: VACUUM FULL holds an ACCESS EXCLUSIVE lock for as long as it takes and needs the table's size once more; pg_repack does the same with short locks.",
        "The table will grow into the space again, which is the ordinary course of things.",
    ),
    of(
        "table_without_primary_key",
        "Makes a unique index on NOT NULL columns the primary key or the replica identity, for a moment with a lock. Without such an index: REPLICA IDENTITY FULL, by which each change carries the whole old row and the subscriber searches for it.",
        "A log or staging table that is only appended to and not published.",
    ),
    of(
        "temp_file_spill",
        "Raises work_mem for the database, up to a limit: each node of each plan may take it. Set it for the role or the statement that spills, if it is one (details of the extension name them).",
        "Large sorts at night that may use the disk.",
    ),
    of(
        "timeout_setting",
        "Sets idle_in_transaction_session_timeout for the whole server: from then on sessions that are idle in a transaction for that long are ended. Applications must be able to connect again.",
        "Each role that applications use has the limit at the pooler.",
    ),
    of(
        "toast_size",
        "None is printed: compress (default_toast_compression = lz4), move old values elsewhere, or store files outside.",
        "Documents are what the table is for.",
    ),
    of(
        "trust_authentication",
        "None is printed: edit pg_hba.conf (scram-sha-256 instead of trust and password, hostssl), then SELECT pg_reload_conf(). Try a new connection before you close the one you have.",
        "Loopback on a machine with one user, which is for information.",
    ),
    of(
        "unlogged_table",
        "ALTER TABLE … SET LOGGED: writes the whole table to WAL under an ACCESS EXCLUSIVE lock.",
        "Its content can be made again: a cache, a staging area.",
    ),
    of(
        "unused_index",
        "DROP INDEX CONCURRENTLY. Let mcp_advise_drops prove it first: it plans the workload without it and prints the statement that makes it again. Look at each standby as well: scans there are counted there.",
        "It serves a yearly job or a standby's queries.",
    ),
    of(
        "vacuum_progress",
        "None is printed: more maintenance_work_mem or autovacuum_work_mem for the next run. Before PostgreSQL 17 more than 1 GB is not used.",
        "It is nearly done.",
    ),
    of(
        "vacuum_queue",
        "Doubles autovacuum_vacuum_cost_limit and reloads: all workers share it, and running ones take it over. More I/O by autovacuum.",
        "A single large table is being frozen and the others are small.",
    ),
    of(
        "wait_event",
        "None is printed: the details have the events. Locks: blocked_session. Lightweight locks: fewer active sessions, by a pooler. Disk: cache_hit_rate and mcp_top_queries by io.",
        "One sample of a moment's peak: ask again.",
    ),
    of(
        "wal_size",
        "What is named is what keeps it: the archiver is mended, a slot dropped (its consumer is built anew), wal_keep_size lowered (a standby without a slot that is behind is built anew). Never remove files in pg_wal by hand.",
        "It shrinks again after a load: the server gives back over some checkpoints.",
    ),
    of(
        "wide_table",
        "None is printed: split the table, or put rarely used columns into a jsonb. Dropped columns are only forgotten by a new table.",
        "It is a warehouse's, loaded in bulk and read by column.",
    ),
    of(
        "xmin_horizon",
        "Cancels or ends the session, rolls the prepared transaction back, or drops the slot that holds rows back; each loses what that one had not finished. Then VACUUM.",
        "A dump that ends within the hour. A standby with hot_standby_feedback: end the query there.",
    ),
];

/// That of a check.
pub(super) fn guide(check: &str) -> Option<&'static Guide> {
    GUIDES.iter().find(|guide| guide.check == check)
}
