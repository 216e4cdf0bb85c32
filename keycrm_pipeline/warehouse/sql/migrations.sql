-- Statements about the version of the file.

-- name: has_version_table
SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'schema_version' AND NOT temporary

-- name: create_version_table
CREATE TABLE IF NOT EXISTS ops.schema_version (
    version INTEGER PRIMARY KEY,
    migrated_at TIMESTAMPTZ NOT NULL DEFAULT now()
)

-- name: version
SELECT max(version) FROM ops.schema_version

-- name: record_version
INSERT INTO ops.schema_version (version) VALUES (?)

-- name: columns_of
SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?
