-- What the syncs between loads need to know.

-- name: open_orders
-- Stored orders that are still open: their status is in no closing group, and KeyCRM still had them.
SELECT validated.order_id, validated.status_id, validated.ordered_at, validated.crm_created_at
FROM validated.orders AS validated
LEFT JOIN accounting.statuses AS status USING (status_id)
JOIN raw.orders AS raw USING (order_id)
WHERE raw.missing_since IS NULL
    AND coalesce(status.group_id, validated.status_group_id, 0) NOT IN (SELECT unnest($closing_groups))
ORDER BY validated.ordered_at, validated.order_id

-- name: absent_orders
SELECT order_id FROM raw.orders
WHERE missing_since IS NULL AND order_id NOT IN (SELECT order_id FROM seen_frame)
ORDER BY order_id

-- name: unseen_orders
-- Orders of loaded days that are listed and were never stored, with the day on which each was created.
SELECT seen.order_id, coalesce(seen.order_day, seen.created_day), seen.created_day
FROM seen_frame AS seen
ANTI JOIN raw.orders AS raw USING (order_id)
ANTI JOIN ops.rejected_records AS rejected USING (order_id)
WHERE seen.order_day IS NULL
    OR (seen.order_day >= $start_date AND seen.order_day IN (SELECT order_day FROM ops.loaded_days))
ORDER BY seen.order_id

-- name: returned_orders
SELECT order_id FROM raw.orders
WHERE missing_since IS NOT NULL AND order_id IN (SELECT order_id FROM seen_frame)
ORDER BY order_id

-- name: adopt_payloads
-- What a failed exchange stored but did not derive. The days of its period are derived completely when they are loaded
-- again; nothing else would come back to what it touched outside of them.
UPDATE raw.orders SET exchange_id = $exchange_id
WHERE order_id IN (
    SELECT raw.order_id
    FROM raw.orders AS raw JOIN ops.exchanges AS failed USING (exchange_id)
    WHERE failed.status = 'failed' AND failed.exchange_id <> $exchange_id
        AND NOT coalesce(raw.order_day BETWEEN failed.period_from AND failed.period_to, false)
)

-- name: adopt_rows
UPDATE validated.orders SET exchange_id = $exchange_id
WHERE order_id IN (
    SELECT validated.order_id
    FROM validated.orders AS validated JOIN ops.exchanges AS failed USING (exchange_id)
    WHERE failed.status = 'failed' AND failed.exchange_id <> $exchange_id
        AND NOT coalesce(validated.order_day BETWEEN failed.period_from AND failed.period_to, false)
)
-- And those whose payload was adopted and whose rows are already right.
OR order_id IN (SELECT order_id FROM raw.orders WHERE exchange_id = $exchange_id)

-- name: first_watermark
-- Later changes of orders that the first load had already read are left to the first changes sync. If there are no
-- earlier ones, the clock was wrong, or no loaded day had an order: the start of the first exchange is the safe value.
SELECT coalesce(max(raw.crm_updated_at) FILTER (raw.crm_updated_at <= first.started_at), min(first.started_at))
FROM (SELECT min(started_at) AS started_at FROM ops.exchanges) AS first LEFT JOIN raw.orders AS raw ON true
WHERE raw.order_id IS NOT NULL OR EXISTS (FROM ops.loaded_days)

-- name: known_product_ids
SELECT crm_product_id FROM raw.products ORDER BY crm_product_id

-- name: raw_days
-- Days with their stored orders, and whether the day is loaded or some of them were validated.
SELECT raw.order_day,
    raw.order_day IN (SELECT order_day FROM ops.loaded_days)
        OR count(validated.order_id) > 0 OR count(rejected.order_id) > 0 AS is_derived,
    count(*)
FROM raw.orders AS raw
LEFT JOIN validated.orders AS validated USING (order_id)
LEFT JOIN ops.rejected_records AS rejected ON rejected.order_id = raw.order_id
WHERE raw.order_day IS NOT NULL
GROUP BY raw.order_day ORDER BY raw.order_day

-- name: refile_orders
UPDATE raw.orders SET order_day = moved.order_day
FROM (
    SELECT raw.order_id, CAST(validated.ordered_at AT TIME ZONE $timezone AS DATE) AS order_day
    FROM raw.orders AS raw JOIN validated.orders AS validated USING (order_id, payload_hash)
) AS moved
WHERE orders.order_id = moved.order_id AND orders.order_day <> moved.order_day

-- name: dates_without_rows
-- Orders whose newest payload did not become rows: their dates are read from it.
SELECT order_id, order_day,
    CASE WHEN json_valid(payload) THEN payload ->> 'ordered_at' END,
    CASE WHEN json_valid(payload) THEN payload ->> 'created_at' END
FROM raw.orders
WHERE order_day IS NOT NULL AND order_id IN (
    SELECT raw.order_id FROM raw.orders AS raw ANTI JOIN validated.orders USING (order_id, payload_hash)
)

-- name: refile_order
UPDATE raw.orders SET order_day = $order_day WHERE order_id = $order_id
