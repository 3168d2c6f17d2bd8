--- class: Secrets, directly
--- setup:
create subscription secret_sub connection 'host=nowhere password=canary-sub' publication p with (connect = false);

--- attack: pg_authid
select * from pg_authid

--- attack: one column
select rolpassword from pg_catalog.pg_authid where rolname = 'other'

--- attack: pg_shadow
select passwd from pg_shadow

--- attack: table statement
table pg_shadow

--- attack: whole row
select a from pg_authid as a

--- attack: whole row as text
select a::text from pg_authid as a

--- attack: whole row as json
select row_to_json(a) from pg_authid as a

--- attack: whole row as jsonb
select to_jsonb(a) - 'oid' from pg_authid as a

--- attack: whole row in an aggregate
select json_agg(a) from pg_shadow as a

--- attack: renamed columns
select k from pg_authid as t (a, b, c, d, e, f, g, h, i, j, k, l)

--- attack: in a subquery
select (select max(rolpassword) from pg_authid)

--- attack: in with
with q as (select * from pg_authid) select * from q

--- attack: in lateral
select * from pg_roles as r, lateral (select rolpassword as p from pg_authid as a where a.oid = r.oid) as q

--- attack: joined
select a.* from pg_roles as r join pg_authid as a using (oid)

--- attack: joined by all columns
select * from pg_authid as a join pg_authid as b using (oid, rolname)

--- attack: in values
values ((select rolpassword from pg_authid where rolname = 'other'))

--- attack: in an array
select array(select rolpassword from pg_authid)

--- attack: in a union
select rolname::text from pg_roles union select rolpassword from pg_authid

--- attack: as an error
select rolpassword::integer from pg_authid where rolname = 'other'

--- attack: sampled
select rolpassword from pg_authid tablesample system (100)

--- attack: hashed part by part
select substr(rolpassword, 1, 14) from pg_authid where rolname = 'other'

--- attack: compared
select rolname, 'told' || '-it' from pg_authid where rolpassword like 'SCRAM-SHA-256%'
--- secret: told-it

--- attack: ordered by
select rolname, 'told' || '-order' from pg_authid order by rolpassword
--- secret: told-order

--- attack: Unicode name
select * from U&"pg\005fauthid"

--- attack: user mappings
select umoptions from pg_user_mapping

--- attack: user mappings by the view
select * from pg_user_mappings

--- attack: user mappings by the standard's view
select * from information_schema.user_mapping_options

--- attack: user mappings by its base
select * from information_schema._pg_user_mappings

--- attack: options taken apart
select (pg_options_to_table(umoptions)).* from pg_user_mapping

--- attack: subscription
select subconninfo from pg_subscription

--- attack: subscription, whole
select s from pg_subscription as s

--- attack: hba rules
select * from pg_hba_file_rules

--- attack: hba rules by the function
select options from pg_hba_file_rules()

--- attack: file settings
select * from pg_file_settings

--- attack: file settings by the function
select * from pg_show_all_file_settings()

--- attack: setting by show
show primary_conninfo

--- attack: setting by current_setting
select current_setting('primary_conninfo')

--- attack: setting of an application
show app.jwt_secret

--- attack: setting of an application by current_setting
select current_setting('app.jwt_secret')

--- attack: all settings by show
show all

--- attack: explain analyze
explain (analyze, verbose) select rolpassword::integer from pg_authid where rolname = 'other'

--- attack: copy
copy pg_authid to '{scratch}/roles.txt'

--- attack: copy to the client
copy (select rolpassword from pg_authid) to stdout
--- control: select rolpassword from pg_authid
