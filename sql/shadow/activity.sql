-- What was written to the tables that those of this shadow database stand for.
select
    r.relation::bigint,
    r.inserted::float8,
    r.updated::float8,
    r.hot_updated::float8,
    r.deleted::float8
from mcp_shadow.activity as r
