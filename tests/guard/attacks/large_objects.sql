--- class: Large objects

--- attack: read
select convert_from(lo_get(4242), 'UTF8')

--- attack: read a part
select convert_from(lo_get(4242, 0, 30), 'UTF8')

--- attack: read by descriptor
select convert_from(loread(lo_open(4242, 262144), 100), 'UTF8')

--- attack: read the table
select convert_from(data, 'UTF8') from pg_largeobject

--- attack: read the table as a whole row
select encode(o.data, 'escape') from pg_largeobject as o

--- attack: create
select lo_create(0)

--- attack: create by the older name
select lo_creat(-1)

--- attack: create from bytes
select lo_from_bytea(0, '\x00')

--- attack: overwrite
select lo_put(4242, 0, '\x00')

--- attack: write by descriptor
select lowrite(lo_open(4242, 131072), '\x41')

--- attack: truncate
select lo_truncate(lo_open(4242, 131072), 3)

--- attack: truncate by the newer name
select lo_truncate64(lo_open(4242, 131072), 2)

--- attack: unlink
--- setup: select lo_create(777)
--- sql:
select lo_unlink(777)

--- attack: unlink all
--- setup: select lo_create(778)
--- sql:
select lo_unlink(oid) from pg_largeobject_metadata where oid = 778

--- attack: import
select lo_import('{scratch}/secret.txt')

--- attack: import with a number
select lo_import('{scratch}/secret.txt', 999)

--- attack: export
select lo_export(4242, '{scratch}/object.txt')

--- attack: update of the table
update pg_largeobject set data = '\x42' where loid = 4242
