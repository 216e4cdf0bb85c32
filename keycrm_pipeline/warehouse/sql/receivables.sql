-- Payments still due for the orders in the books.

-- name: due_ages
SELECT
    currency,
    CASE
        WHEN $today - order_day <= 7 THEN 'week'
        WHEN $today - order_day <= 30 THEN 'month'
        WHEN $today - order_day <= 90 THEN 'quarter'
        ELSE 'older'
    END AS age,
    (count(*) FILTER (NOT is_returned))::BIGINT AS orders,
    coalesce(sum(due) FILTER (NOT is_returned), 0) AS due,
    (count(*) FILTER (is_cash_on_delivery AND is_shipped AND NOT is_returned))::BIGINT AS cash_on_delivery_orders,
    coalesce(sum(due) FILTER (is_cash_on_delivery AND is_shipped AND NOT is_returned), 0) AS cash_on_delivery_due,
    (count(*) FILTER (is_returned))::BIGINT AS returned_orders,
    coalesce(sum(due) FILTER (is_returned), 0) AS returned_due
FROM reports.payments_due
GROUP BY ALL

-- name: oldest_due
SELECT due.order_id, due.order_day, due.currency, due.stage, due.due, due.delivery_service,
    due.is_cash_on_delivery AND due.is_shipped AS is_cash_on_delivery_out
FROM reports.payments_due AS due
WHERE NOT is_returned
ORDER BY due.order_day, due.order_id
LIMIT $most

-- name: rounded_cash
SELECT currency, count(*)::BIGINT AS orders, sum(rounding) AS rounding
FROM reports.order_facts
WHERE rounding IS NOT NULL AND NOT is_cancelled
GROUP BY currency ORDER BY currency
