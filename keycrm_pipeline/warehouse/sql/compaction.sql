-- How much of a file no living row needs, and its copy without that.

-- name: blocks
SELECT block_size, total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = current_database()

-- name: stored_rows
-- With the rows that were deleted and still take their place.
SELECT schema_name, table_name, estimated_size FROM duckdb_tables()
WHERE database_name = current_database() AND NOT temporary

-- name: living_rows
SELECT count(*) FROM {table}

-- name: copy
-- Tables, keys, comments and views alike.
COPY FROM DATABASE grown TO compacted

-- name: tables
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'grown'

-- name: close_copy
DETACH compacted
