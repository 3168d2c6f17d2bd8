-- Lines of pg_hba.conf that let anybody in, or that cannot be read.
--
-- trust over the network: whoever reaches the port is whoever he says he is, a superuser too.
-- password without TLS sends it readable. A line with an error keeps a reload from taking effect
-- and the server from starting. The file is read as it is now, which may be newer than what is in
-- force. Loopback and sockets are the machine's own users: said as info where they are trusted.
-- Where the server listens on loopback only, a network line is a warning, not critical. Catalogs:
-- pg_hba_file_rules, listen_addresses. Thresholds: none. Source: the manual, "Trust
-- Authentication". Needs EXECUTE on pg_hba_file_rules() and is not run without: the call stands in
-- a text that only query_to_xml executes, because privileges of plain calls are checked before any
-- CASE. The rows come through it as hexadecimal digits, which XML does not change.
with allowed as materialized (
    select pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') as yes
),

read as materialized (
    select
        case when a.yes then
            pg_catalog.convert_from(
                pg_catalog.decode(
                    coalesce(
                        pg_catalog.substring(
                            pg_catalog.query_to_xml(
                                'select pg_catalog.encode(pg_catalog.convert_to(coalesce('
                                'pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r)), ''[]'')::text, '
                                '''UTF8''), ''hex'') as rules '
                                'from pg_catalog.pg_hba_file_rules() as r',
                                false, false, ''
                            )::text, '<rules>([0-9a-f]*)</rules>'
                        ), ''
                    ), 'hex'
                ), 'UTF8'
            )::jsonb
        end as rules
    from allowed as a
),

listens as (
    select
        exists (
            select
            from pg_catalog.regexp_split_to_table(
                pg_catalog.current_setting('listen_addresses'), '\s*,\s*'
            ) as a (address)
            where pg_catalog.btrim(a.address) !~ '^(|localhost|127\..*|::1)$'
        ) as far
),

lines as (
    select
        r.rule ->> 'file_name' as file,
        (r.rule ->> 'line_number')::integer as line,
        r.rule ->> 'type' as type,
        r.rule ->> 'address' as address,
        r.rule ->> 'netmask' as netmask,
        r.rule ->> 'auth_method' as method,
        r.rule ->> 'error' as error,
        r.rule,
        r.rule ->> 'type' like 'host%' and not (
            r.rule ->> 'address' in ('samehost', 'localhost')
            or r.rule ->> 'address' like '127.%' and r.rule ->> 'netmask' like '255.%'
            or r.rule ->> 'address' = '::1'
            and r.rule ->> 'netmask' = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
        ) as far
    from read
    cross join lateral pg_catalog.jsonb_array_elements(read.rules) as r (rule)
),

found as (
    select
        case when l.far and s.far then 'critical' else 'warning' end as severity,
        l.*,
        pg_catalog.format(
            'lets everybody from %s in as any of its roles without a password%s: write '
            'scram-sha-256 in place of trust and reload the server',
            case
                when l.address = 'all' then 'any address'
                when l.address = 'samenet' then 'the same network'
                else pg_catalog.concat_ws('/', l.address, l.netmask)
            end,
            case when not s.far then ', as soon as listen_addresses is not only loopback' end
        ) as message
    from lines as l
    cross join listens as s
    where l.method = 'trust' and l.far and l.error is null

    union all

    select
        'warning',
        l.*,
        'takes passwords readable over the network: write scram-sha-256 in place of password, or '
        'hostssl in place of host, and reload the server'
    from lines as l
    where l.method = 'password'
        and l.far
        and l.type in ('host', 'hostnossl')
        and l.error is null

    union all

    select
        'warning',
        l.*,
        pg_catalog.format(
            'cannot be read (%s): a reload keeps the old rules, and the server will not start '
            'again',
            l.error
        )
    from lines as l
    -- One that is only of no use (hostssl where TLS is off) has the other columns too.
    where l.error is not null and l.type is null
)

select
    f.severity,
    pg_catalog.concat_ws(' ', f.file, 'line', f.line) as object,
    null::double precision as value,
    null as unit,
    'no trust beyond this machine' as threshold,
    f.message,
    null as remediation,
    f.rule || pg_catalog.jsonb_build_object(
        'listen_addresses', pg_catalog.current_setting('listen_addresses')
    ) as details
from found as f

union all

select
    'info',
    null,
    pg_catalog.count(*),
    'lines',
    null,
    'users of the server''s own machine may log in as any role without a password (trust for '
    'sockets or loopback)',
    null,
    pg_catalog.jsonb_build_object('lines', pg_catalog.jsonb_agg(l.line order by l.line))
from lines as l
where l.method = 'trust' and not l.far
having pg_catalog.count(*) > 0

union all

select
    'info',
    null,
    null,
    null,
    'EXECUTE on pg_hba_file_rules()',
    'the rules of pg_hba.conf could not be checked: they are not shown to this role',
    pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO %I;', current_user
    ),
    '{"ran": false, "risk": "safe"}'
from allowed as a
where not a.yes

order by 1, 2
