-- The exchange log (R13).

-- name: standing
-- The row of this run, and those still marked as running.
SELECT exchange_id, status, run_id IS NOT DISTINCT FROM $run_id AS is_ours
FROM ops.exchanges
WHERE run_id IS NOT DISTINCT FROM $run_id OR status = 'running'

-- name: close_killed
-- We hold the profile's lock: every other exchange still marked as running was killed.
UPDATE ops.exchanges SET
    status = 'failed', finished_at = $now, error = $error, error_coded = $error_coded
WHERE status = 'running' AND run_id IS DISTINCT FROM $run_id

-- name: start
INSERT INTO ops.exchanges BY NAME
SELECT
    (SELECT coalesce(max(exchange_id), 0) + 1 FROM ops.exchanges) AS exchange_id,
    $profile AS profile, $run_id AS run_id, $kind AS kind, $first_day AS period_from, $last_day AS period_to,
    $now AS started_at, 'running' AS status,
    {zeros}

-- name: of_run
SELECT exchange_id FROM ops.exchanges WHERE run_id = ?

-- name: restart
UPDATE ops.exchanges SET status = 'running', finished_at = NULL, error = NULL, error_coded = NULL WHERE exchange_id = ?

-- name: end
UPDATE ops.exchanges SET
    status = $status, finished_at = $now, error = $error, error_coded = $error_coded,
    {counts}
WHERE exchange_id = $exchange_id

-- name: add_requests
UPDATE ops.exchanges SET requests = requests + $requests WHERE exchange_id = $exchange_id

-- name: set_watermark
UPDATE ops.exchanges SET watermark = $watermark WHERE exchange_id = $exchange_id

-- name: newest_watermark
SELECT max(watermark) FROM ops.exchanges WHERE status = 'succeeded'

-- name: is_anything_loaded
SELECT EXISTS (FROM raw.orders) OR EXISTS (FROM ops.loaded_days)

-- name: exchange
SELECT {columns} FROM ops.exchanges WHERE exchange_id = ?

-- name: last_exchange
SELECT {columns} FROM ops.exchanges ORDER BY exchange_id DESC LIMIT 1

-- name: last_ended
SELECT {columns} FROM ops.exchanges WHERE status <> 'running' ORDER BY exchange_id DESC LIMIT 1

-- name: last_succeeded
SELECT {columns} FROM ops.exchanges WHERE status = 'succeeded' ORDER BY exchange_id DESC LIMIT 1

-- name: review_counts
SELECT kind, count(*) FROM ops.review GROUP BY kind ORDER BY kind

-- name: rejected_count
SELECT count(*) FROM ops.rejected_records
