//! mcp_advisor: an index advisor inside PostgreSQL.

::pgrx::pg_module_magic!(name, version);
