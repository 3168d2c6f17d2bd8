-- What 0.2.0 has that 0.1.0 had not: no object, other words of comments.
\echo Use "ALTER EXTENSION mcp_advisor UPDATE TO '0.2.0'" to load this file. \quit
