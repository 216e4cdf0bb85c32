-- What the passes between loads need to know.

-- name: open_orders
-- Stored orders that are not done with: their status is in no closing group, and KeyCRM still had them.
SELECT validated.order_id, validated.status_id, validated.ordered_at
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

-- name: known_product_ids
SELECT crm_product_id FROM raw.products ORDER BY crm_product_id

-- name: raw_days
SELECT order_day, count(*) FROM raw.orders WHERE order_day IS NOT NULL GROUP BY order_day ORDER BY order_day
