-- The orders of a period added up: sales, cancelled, exported and held back. What holds an order back is decided in
-- export.sql (choose_orders), so that these sums are those of the exported files.

-- name: period_sums
SELECT
    document.currency,
    coalesce(status.group_id = $cancelled_group, false) AS is_cancelled,
    chosen.cause,
    count(*) AS orders,
    sum(document.grand_total) AS amount
FROM chosen_orders AS chosen
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN accounting.statuses AS status USING (status_id)
-- Orders of no organisation are nobody's sales.
WHERE NOT chosen.is_of_none
GROUP BY ALL
ORDER BY ALL

-- name: never_booked
SELECT count(*)
FROM ops.rejected_records AS record
WHERE record.order_day BETWEEN $first_day AND $last_day
    AND NOT EXISTS (SELECT 1 FROM accounting.orders AS document WHERE document.order_id = record.order_id)
