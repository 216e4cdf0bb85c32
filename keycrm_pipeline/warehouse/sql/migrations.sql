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

-- name: forget_days_never_fetched
-- A load asks for the statuses at least, so an exchange without a request fetched nothing; unless another one that
-- succeeded had fetched the day before it.
DELETE FROM ops.loaded_days WHERE order_day IN (
    SELECT loaded.order_day
    FROM ops.loaded_days AS loaded JOIN ops.exchanges AS own USING (exchange_id)
    WHERE own.requests = 0 AND NOT EXISTS (
        FROM ops.exchanges AS fetching
        WHERE fetching.kind = 'period' AND fetching.status = 'succeeded' AND fetching.requests > 0
            AND loaded.order_day BETWEEN fetching.period_from AND fetching.period_to))
RETURNING order_day

-- name: record_fetched_days
INSERT INTO ops.fetched_days BY NAME
SELECT order_day, loaded_at AS fetched_at, exchange_id,
    ['orders', 'partners', 'products', 'raw_orders', 'sources', 'statuses', 'validated_orders'] AS stages
FROM ops.loaded_days
