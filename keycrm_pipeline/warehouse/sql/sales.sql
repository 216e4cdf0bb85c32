-- Sales figures of a period. A period is two days, both included.

-- name: sales_by_day
SELECT order_day, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS grand_total, sum(paid_total) AS paid_total
FROM reports.sales_by_day
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY order_day, currency
ORDER BY order_day, currency

-- name: cancelled_by_day
SELECT order_day, sum(orders)::BIGINT AS orders
FROM reports.sales_by_day
WHERE is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY order_day
ORDER BY order_day

-- name: period_totals
SELECT
    currency,
    (count(*) FILTER (NOT is_cancelled))::BIGINT AS orders,
    coalesce(sum(grand_total) FILTER (NOT is_cancelled), 0) AS grand_total,
    coalesce(sum(goods_total) FILTER (NOT is_cancelled), 0) AS goods_total,
    coalesce(sum(services_total) FILTER (NOT is_cancelled), 0) AS services_total,
    coalesce(sum(delivery_total) FILTER (NOT is_cancelled), 0) AS delivery_total,
    coalesce(sum(discount_total) FILTER (NOT is_cancelled), 0) AS discount_total,
    coalesce(sum(difference) FILTER (NOT is_cancelled), 0) AS difference,
    coalesce(sum(paid_total) FILTER (NOT is_cancelled), 0) AS paid_total,
    coalesce(sum(due) FILTER (NOT is_cancelled), 0) AS due,
    (count(*) FILTER (is_cancelled))::BIGINT AS cancelled_orders,
    coalesce(sum(grand_total) FILTER (is_cancelled), 0) AS cancelled_total,
    (count(*) FILTER (is_returned))::BIGINT AS returned_orders,
    coalesce(sum(grand_total) FILTER (is_returned), 0) AS returned_total
FROM reports.order_facts
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY currency

-- name: sales_by_source
SELECT source_name AS name, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount
FROM reports.sales_by_source
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY source_id, source_name, currency
ORDER BY currency, amount DESC, name

-- name: sales_by_manager
SELECT responsible AS name, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount
FROM reports.sales_by_manager
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY responsible, currency
ORDER BY currency, amount DESC, name

-- name: orders_by_status_group
SELECT status_group_name AS name, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount
FROM reports.sales_by_status
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY status_group_id, status_group_name, currency
ORDER BY status_group_id, currency

-- name: sales_by_stage
SELECT stage AS name, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount
FROM reports.sales_by_status
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY stage, currency
ORDER BY currency, min(status_group_id), amount DESC, name

-- name: sales_by_product
SELECT item_kind, product_name AS name, sku, currency, sum(quantity) AS quantity, sum(discount) AS discount,
    sum(amount) AS amount
FROM reports.sales_by_product
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY item_kind, product_id, product_name, sku, currency
ORDER BY currency, amount DESC, name, sku

-- name: sales_by_category
SELECT item_kind, category_name AS name, currency, sum(quantity) AS quantity, sum(discount) AS discount,
    sum(amount) AS amount
FROM reports.sales_by_category
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY item_kind, category_id, category_name, currency
ORDER BY currency, amount DESC, name

-- name: discounts
SELECT currency, sum(orders_with_discount)::BIGINT AS orders_with_discount, sum(list_total) AS list_total,
    sum(discount_total) AS discount_total, sum(goods_discount) AS goods_discount,
    sum(services_discount) AS services_discount
FROM reports.discounts_by_day
WHERE NOT is_cancelled AND order_day BETWEEN $first_day AND $last_day
GROUP BY currency
ORDER BY currency

-- name: delivery
-- Sales, but for the returned parcels: their orders are mostly cancelled.
SELECT delivery_service AS name, currency,
    coalesce(sum(orders) FILTER (NOT is_cancelled), 0)::BIGINT AS orders,
    coalesce(sum(orders_charged) FILTER (NOT is_cancelled), 0)::BIGINT AS orders_charged,
    sum(orders_returned)::BIGINT AS orders_returned,
    coalesce(sum(delivery_total) FILTER (NOT is_cancelled), 0) AS amount
FROM reports.delivery_by_service
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY delivery_service, currency
HAVING bool_or(NOT is_cancelled) OR sum(orders_returned) > 0
ORDER BY currency, orders DESC, name

-- name: payments
SELECT coalesce(method, account) AS name, currency, sum(payments)::BIGINT AS payments, sum(amount) AS amount
FROM reports.payments_by_method
WHERE NOT is_cancelled AND NOT is_expense AND status = 'paid' AND order_day BETWEEN $first_day AND $last_day
GROUP BY coalesce(method, account), currency
ORDER BY currency, amount DESC, name

-- name: returns_and_cancellations
SELECT is_returned, stage AS name, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount,
    sum(paid_total) AS paid
FROM reports.returns_and_cancellations
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY is_returned, stage, currency
ORDER BY currency, amount DESC, name

-- name: repeat_buyers
SELECT buyer_kind, currency, sum(orders)::BIGINT AS orders, sum(grand_total) AS amount
FROM reports.repeat_buyers
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY buyer_kind, currency
ORDER BY currency, buyer_kind

-- name: buyers
WITH of_period AS (
    SELECT partner_id, count(*) AS orders
    FROM reports.order_facts
    WHERE NOT is_cancelled AND has_buyer AND order_day BETWEEN $first_day AND $last_day
    GROUP BY partner_id
)
SELECT
    count(*) AS buyers,
    count(*) FILTER (orders > 1) AS bought_again_in_period,
    count(*) FILTER (EXISTS (
        FROM reports.order_facts AS earlier
        WHERE earlier.partner_id = of_period.partner_id AND NOT earlier.is_cancelled
            AND earlier.order_day < $first_day
    )) AS bought_before
FROM of_period

-- name: margins
SELECT source_name AS source, currency, sum(grand_total) AS grand_total, sum(cost_total) AS cost_total,
    sum(expenses_total) AS expenses_total, sum(margin) AS margin, sum(margin_difference) AS margin_difference,
    sum(orders_differing)::BIGINT AS orders_differing, sum(lines)::BIGINT AS lines,
    sum(lines_with_cost)::BIGINT AS lines_with_cost
FROM reports.margins_by_source
WHERE order_day BETWEEN $first_day AND $last_day AND NOT is_cancelled
GROUP BY source_id, source_name, currency
ORDER BY currency, margin DESC, source_name NULLS LAST
