-- Statements of PostgreSQL, for the catalogue of a lake: who holds the lock, and the fence (`engines.catalog_lock`), and which
-- runs are under way (`engines.catalog_marks`).

-- name: prepare
-- Made by the first holder, before DuckLake makes its own tables in this schema.
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.keycrm_holder (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    number bigint NOT NULL,
    run_id text NOT NULL,
    host text NOT NULL,
    process integer NOT NULL,
    since timestamptz NOT NULL,
    is_working boolean NOT NULL
);
CREATE TABLE IF NOT EXISTS {schema}.keycrm_runs (
    run_id text PRIMARY KEY,
    missing_since timestamptz
)

-- name: next_number
INSERT INTO {schema}.keycrm_holder AS stored (number, run_id, host, process, since, is_working)
VALUES (1, %(run_id)s, %(host)s, %(process)s, now(), true)
ON CONFLICT (is_the_only_row) DO UPDATE SET
    number = stored.number + 1,
    run_id = excluded.run_id,
    host = excluded.host,
    process = excluded.process,
    since = excluded.since,
    is_working = true
RETURNING number

-- name: leave
UPDATE {schema}.keycrm_holder SET is_working = false WHERE number = %(number)s

-- name: newest
SELECT number FROM {schema}.keycrm_holder

-- name: holder
SELECT run_id, process, host, since FROM {schema}.keycrm_holder WHERE is_working

-- name: is_held
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = %s AND objid::bigint = %s
)

-- name: end_earlier_sessions
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND starts_with(application_name, %s)

-- name: mark
INSERT INTO {schema}.keycrm_runs (run_id) VALUES (%(run_id)s) ON CONFLICT (run_id) DO UPDATE SET missing_since = NULL

-- name: unmark
DELETE FROM {schema}.keycrm_runs WHERE run_id = %(run_id)s

-- name: marked_runs
SELECT run_id FROM {schema}.keycrm_runs ORDER BY run_id

-- name: is_given_up
-- Whether a run whose lock is free was seen so before; no row if it has ended in order.
UPDATE {schema}.keycrm_runs SET missing_since = coalesce(missing_since, now()) WHERE run_id = %(run_id)s
RETURNING missing_since <= now() - make_interval(secs => %(seconds)s)

-- name: fence
-- The row of the holder stays locked until the commit is over: no later holder can come between the check and the
-- commit. A message must not say "concurrent", "conflict" or "unique": DuckLake would try the same commit again.
CREATE OR REPLACE FUNCTION {schema}.keycrm_fence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine text := nullif(current_setting('keycrm.fence', true), '');
    newest bigint;
BEGIN
    IF mine IS NULL THEN
        RAISE EXCEPTION 'keycrm: without a number';
    END IF;
    SELECT number INTO newest FROM {schema}.keycrm_holder FOR SHARE;
    IF mine::bigint IS DISTINCT FROM newest THEN
        RAISE EXCEPTION 'keycrm: fenced off: number % is not the newest, %', mine, newest;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER keycrm_fence BEFORE INSERT OR UPDATE OR DELETE ON {schema}.ducklake_snapshot
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.keycrm_fence();
CREATE OR REPLACE TRIGGER keycrm_fence BEFORE INSERT OR UPDATE OR DELETE
ON {schema}.ducklake_files_scheduled_for_deletion
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.keycrm_fence()
