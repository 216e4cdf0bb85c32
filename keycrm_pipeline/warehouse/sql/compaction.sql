-- How much of a file no current row needs, and a copy without that.

-- name: blocks
SELECT block_size, total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = current_database()

-- name: stored_rows
-- Includes rows that were deleted and still take up space.
SELECT schema_name, table_name, estimated_size FROM duckdb_tables()
WHERE database_name = current_database() AND NOT temporary

-- name: current_rows
SELECT count(*) FROM {table}

-- name: copy
-- Includes keys, comments and views.
COPY FROM DATABASE grown TO compacted

-- name: tables
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'grown'

-- name: close_copy
DETACH compacted
