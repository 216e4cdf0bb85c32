-- Statements about the version of the file.

-- name: has_version_table
SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'schema_version' AND NOT temporary

-- name: create_version_table
-- No default value: of a table with one that is computed, DuckDB 1.5 cannot read comments back from the log that a killed
-- program leaves, unless the file is attached to another.
CREATE TABLE IF NOT EXISTS ops.schema_version (
    version INTEGER PRIMARY KEY,
    migrated_at TIMESTAMPTZ NOT NULL
)

-- name: describe_version_table
COMMENT ON TABLE ops.schema_version IS 'One version that this file was brought to; the highest one counts.';
COMMENT ON COLUMN ops.schema_version.version IS 'Version of the tables.';
COMMENT ON COLUMN ops.schema_version.migrated_at IS 'When the file was brought to it.';

-- name: version
SELECT max(version) FROM ops.schema_version

-- name: record_version
INSERT INTO ops.schema_version (version, migrated_at) VALUES (?, now())

-- name: columns_of
SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?
