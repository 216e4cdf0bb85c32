-- The exchange log (R13).

-- name: standing
-- The row of this run, and those that still say "running".
SELECT exchange_id, status, run_id IS NOT DISTINCT FROM $run_id AS is_ours
FROM ops.exchanges
WHERE run_id IS NOT DISTINCT FROM $run_id OR status = 'running'

-- name: close_killed
-- The profile's lock is ours: whatever still says "running" was killed.
UPDATE ops.exchanges SET
    status = 'failed', finished_at = $now, error = $error
WHERE status = 'running' AND run_id IS DISTINCT FROM $run_id

-- name: start
INSERT INTO ops.exchanges BY NAME
SELECT
    (SELECT coalesce(max(exchange_id), 0) + 1 FROM ops.exchanges) AS exchange_id,
    $profile AS profile, $run_id AS run_id, $kind AS kind, $period_from AS period_from, $period_to AS period_to,
    $now AS started_at, 'running' AS status,
    0 AS orders_seen, 0 AS orders_created, 0 AS orders_updated, 0 AS orders_unchanged, 0 AS orders_rejected,
    0 AS partners_created, 0 AS products_created, 0 AS requests, $steps_pending AS steps_pending
RETURNING exchange_id

-- name: of_run
SELECT exchange_id FROM ops.exchanges WHERE run_id = ?

-- name: restart
UPDATE ops.exchanges SET status = 'running', finished_at = NULL, error = NULL WHERE exchange_id = ?

-- name: add_counts
UPDATE ops.exchanges SET
    orders_seen = orders_seen + $orders_seen,
    orders_created = orders_created + $orders_created,
    orders_updated = orders_updated + $orders_updated,
    orders_unchanged = orders_unchanged + $orders_unchanged,
    orders_rejected = orders_rejected + $orders_rejected,
    partners_created = partners_created + $partners_created,
    products_created = products_created + $products_created,
    requests = requests + $requests
WHERE exchange_id = $exchange_id

-- name: finish_step
-- One statement for all: each takes longer to plan than to do, and a load has seven steps. What stands on the right is
-- what stood there before.
UPDATE ops.exchanges SET
    orders_seen = orders_seen + CASE WHEN list_contains(steps_pending, $step) THEN $orders_seen ELSE 0 END,
    orders_created = orders_created + CASE WHEN list_contains(steps_pending, $step) THEN $orders_created ELSE 0 END,
    orders_updated = orders_updated + CASE WHEN list_contains(steps_pending, $step) THEN $orders_updated ELSE 0 END,
    orders_unchanged = orders_unchanged + CASE WHEN list_contains(steps_pending, $step) THEN $orders_unchanged ELSE 0 END,
    orders_rejected = orders_rejected + CASE WHEN list_contains(steps_pending, $step) THEN $orders_rejected ELSE 0 END,
    partners_created = partners_created + CASE WHEN list_contains(steps_pending, $step) THEN $partners_created ELSE 0 END,
    products_created = products_created + CASE WHEN list_contains(steps_pending, $step) THEN $products_created ELSE 0 END,
    requests = requests + $requests,
    steps_pending = list_filter(steps_pending, lambda step: step <> $step),
    status = CASE WHEN status = 'running' AND steps_pending IN ([], [$step]) THEN 'succeeded' ELSE status END,
    finished_at = CASE WHEN status = 'running' AND steps_pending IN ([], [$step]) THEN $now ELSE finished_at END
WHERE exchange_id = $exchange_id
RETURNING len(steps_pending) = 0

-- name: fail
UPDATE ops.exchanges SET status = 'failed', finished_at = $now, error = $error
WHERE exchange_id = $exchange_id AND status = 'running'

-- name: set_watermark
UPDATE ops.exchanges SET watermark = $watermark WHERE exchange_id = $exchange_id

-- name: newest_watermark
SELECT max(watermark) FROM ops.exchanges WHERE status = 'succeeded'

-- name: newest_crm_updated_at
SELECT max(crm_updated_at) FROM raw.orders

-- name: exchange
SELECT {columns} FROM ops.exchanges WHERE exchange_id = ?

-- name: last_exchange
SELECT {columns} FROM ops.exchanges ORDER BY exchange_id DESC LIMIT 1

-- name: last_ended
SELECT {columns} FROM ops.exchanges WHERE status <> 'running' ORDER BY exchange_id DESC LIMIT 1

-- name: last_succeeded
SELECT {columns} FROM ops.exchanges WHERE status = 'succeeded' ORDER BY exchange_id DESC LIMIT 1

-- name: totals
SELECT currency, sum(grand_total) FROM accounting.orders
WHERE order_day BETWEEN ? AND ? GROUP BY currency ORDER BY currency

-- name: review_counts
SELECT kind, count(*) FROM ops.review GROUP BY kind ORDER BY kind

-- name: missing_days
-- Days since the first loaded one that were never loaded to the end; days before it nobody has asked for.
SELECT CAST(day AS DATE)
FROM generate_series((SELECT min(order_day) FROM ops.loaded_days), CAST(? AS DATE), INTERVAL 1 DAY) AS days (day)
WHERE CAST(day AS DATE) NOT IN (SELECT order_day FROM ops.loaded_days)
ORDER BY day

-- name: rejected_count
SELECT count(*) FROM ops.rejected_records
