"""Writes the 99 queries of TPC-DS, each to FOLDER/NN.sql, as DuckDB's extension has them.

usage: queries.py FOLDER
"""

import pathlib
import sys

import duckdb
import duckdb_extension_tpcds

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
package = pathlib.Path(duckdb_extension_tpcds.__file__).parent
(extension,) = package.rglob("tpcds.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"load '{extension}'")
queries = connection.execute("select query_nr, query from tpcds_queries() order by 1").fetchall()
if [number for number, _ in queries] != list(range(1, 100)):
    sys.exit(f"{len(queries)} queries instead of 99")
for number, text in queries:
    (folder / f"{number:02}.sql").write_text(text, encoding="utf-8")
