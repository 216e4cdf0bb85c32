-- All books, from one database to another.

-- name: exchanges
SELECT (SELECT count(*) FROM ops.exchanges) + (SELECT count(*) FROM raw.orders)

-- name: tables
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary AND NOT internal
ORDER BY ALL

-- name: exists
SELECT 1 FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = ? AND table_name = ? AND NOT temporary

-- name: create
CREATE TABLE {new} AS FROM {old} LIMIT 0

-- name: copy
INSERT INTO {new} ({columns}) SELECT {columns} FROM {old} {order}

-- name: digest
-- The order of the rows does not count; a row that is there twice does.
SELECT count(*), sum(hash(row_of)::HUGEINT) FROM (SELECT ROW({columns}) AS row_of FROM {table})
