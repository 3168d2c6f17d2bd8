--- class: Storage and what is beneath tables
--- setup:
create table pages (id integer primary key, t text);
copy pages from program 'seq 1 500 | sed s/$/,canary-page/' with (format csv, freeze);

--- attack: visibility map
select pg_truncate_visibility_map('pages')

--- attack: rows killed
select heap_force_kill('pages', array['(0,1)']::tid[])

--- attack: rows frozen
select heap_force_freeze('pages', array['(0,2)']::tid[])

--- attack: prewarm
select pg_prewarm('pages'), pg_stat_reset()

--- attack: raw page
select encode(get_raw_page('pages', 0), 'escape')

--- attack: raw page of a part
select encode(get_raw_page('pages', 'main', 0), 'escape')

--- attack: raw tuples
select encode(t_data, 'escape') from heap_page_items(get_raw_page('pages', 0)) limit 2

--- attack: raw index entries
select encode(get_raw_page('pages_pkey', 1), 'hex')
--- secret: 00000000

--- attack: verification that locks
--- resource:
--- meanwhile: lock table pages in row exclusive mode
--- sql:
select bt_index_parent_check('pages_pkey', true, true)

--- attack: vacuum
vacuum (full, freeze) pages

--- attack: vacuum through explain
explain analyze verbose delete from pages where id = 1

--- attack: cluster
cluster pages using pages_pkey

--- attack: set a tablespace
alter table pages set unlogged

--- attack: set storage
alter table pages alter column t set storage external

--- attack: disable an index
update pg_index set indisvalid = false where indexrelid = 'pages_pkey'::regclass

--- attack: create a tablespace
create tablespace planted location '{scratch}'
--- control: copy (select 1) to '{scratch}/tablespace.txt'

--- attack: the log of changes, block by block
select max(pg_logical_emit_message(false, 'canary', 'x')) from generate_series(1, 3)
