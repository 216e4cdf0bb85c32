-- Statements about the version of the file.

-- name: create_version_table
-- No computed default value: DuckDB 1.5 cannot replay comments on a table that has one from the log that a killed
-- program leaves, unless the file is attached to another.
CREATE TABLE IF NOT EXISTS ops.schema_version (
    version INTEGER PRIMARY KEY,
    migrated_at TIMESTAMPTZ NOT NULL,
    digest VARCHAR
);
-- Files from before the digest have no such column.
ALTER TABLE ops.schema_version ADD COLUMN IF NOT EXISTS digest VARCHAR;
COMMENT ON TABLE ops.schema_version IS 'One version that this file was brought to; the highest one counts.';
COMMENT ON COLUMN ops.schema_version.version IS 'Number of the newest migration.';
COMMENT ON COLUMN ops.schema_version.migrated_at IS 'When the file was last brought to it.';
COMMENT ON COLUMN ops.schema_version.digest IS 'Digest of the tables, comments and views at that time.';

-- name: newest_version
-- All columns: a file from before the digest has none.
SELECT * FROM ops.schema_version ORDER BY version DESC LIMIT 1

-- name: record_version
INSERT OR REPLACE INTO ops.schema_version BY NAME
SELECT $version AS version, now() AS migrated_at, $digest AS digest

-- name: columns_of
SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?
