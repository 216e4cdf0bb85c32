-- The views of schema reports, in the order in which they build on each other. warehouse/report_views.py describes each
-- view and column, and creates the views and
-- fills in the names in braces.
--
-- The sales views build on order_facts (one row per order) or order_items (one row per item of an order). Whatever an
-- order has several of is added up before it is joined, so no sum is counted twice.

-- name: order_facts
WITH delivery AS (
    SELECT order_id, sum(amount) AS delivery_total
    FROM accounting.order_services WHERE kind = 'delivery' GROUP BY order_id
),
collected AS (
    SELECT
        order_id,
        bool_or(method_kind = 'cash_on_delivery') AS by_courier
    FROM accounting.order_payments
    WHERE NOT is_expense AND status IS DISTINCT FROM 'canceled' AND status IS DISTINCT FROM 'paid'
    GROUP BY order_id
),
linked AS (SELECT DISTINCT partner_id FROM accounting.partner_links)
SELECT
    orders.order_id,
    orders.order_day,
    orders.ordered_at,
    orders.currency,
    orders.partner_id,
    linked.partner_id IS NOT NULL AS has_buyer,
    orders.source_id,
    source.name AS source_name,
    orders.manager_id,
    orders.responsible,
    orders.status_id,
    status.name AS status_name,
    status.group_id AS status_group_id,
    status.group_name AS status_group_name,
    orders.stage,
    coalesce(status.group_id = {cancelled_group}, false) AS is_cancelled,
    coalesce(checked.shipping_status IN ('return', 'returned', 'refused', 'disposal'), false) AS is_returned,
    checked.shipping_status,
    coalesce(
        orders.tracking_code IS NOT NULL
        OR status.group_id IN ({delivery_group}, {completed_group})
        OR checked.shipping_status IN ('transit', 'pickup', 'delivered', 'cash_on_delivery', 'cash_received'),
        false
    ) AS is_shipped,
    coalesce(collected.by_courier OR checked.shipping_status IN ('cash_on_delivery', 'cash_received'), false)
        AS is_cash_on_delivery,
    orders.delivery_service,
    orders.goods_total,
    orders.services_total,
    CAST(coalesce(delivery.delivery_total, 0) AS DECIMAL(18,2)) AS delivery_total,
    orders.discount_total,
    orders.grand_total,
    orders.difference,
    orders.paid_total,
    orders.rounding,
    -- What rounding cash has taken off is nobody's debt.
    CAST(greatest(orders.grand_total + coalesce(orders.rounding, 0) - orders.paid_total, 0) AS DECIMAL(18,2)) AS due,
    orders.payment_status
FROM accounting.orders AS orders
LEFT JOIN accounting.statuses AS status USING (status_id)
LEFT JOIN accounting.sources AS source USING (source_id)
LEFT JOIN validated.orders AS checked USING (order_id)
LEFT JOIN delivery USING (order_id)
LEFT JOIN collected USING (order_id)
LEFT JOIN linked ON linked.partner_id = orders.partner_id

-- name: order_items
WITH lines AS (
    SELECT order_id, line_no, 'goods' AS item_kind, product_id, name, sku, quantity, discount, amount
    FROM accounting.order_lines
    UNION ALL
    SELECT order_id, line_no, kind, product_id, name, sku, quantity, discount, amount
    FROM accounting.order_services
    UNION ALL
    SELECT order_id, NULL, 'difference', NULL, NULL, NULL, 0, 0, difference
    FROM accounting.orders WHERE difference <> 0
)
SELECT
    orders.order_id,
    lines.line_no,
    orders.order_day,
    orders.currency,
    orders.is_cancelled,
    lines.item_kind,
    lines.product_id,
    CASE lines.item_kind
        WHEN 'delivery' THEN '{delivery}'
        WHEN 'wrap' THEN '{wrap}'
        WHEN 'tax' THEN '{tax}'
        WHEN 'difference' THEN 'Розбіжність'
        ELSE coalesce(card.name, lines.name)
    END AS product_name,
    coalesce(card.sku, CASE WHEN card.product_id IS NULL THEN lines.sku END) AS sku,
    CASE WHEN lines.item_kind IN ('goods', 'service') THEN card.category_id END AS category_id,
    CASE WHEN lines.item_kind IN ('goods', 'service') THEN card.category_name END AS category_name,
    lines.quantity,
    lines.discount,
    lines.amount
FROM lines
JOIN reports.order_facts AS orders USING (order_id)
LEFT JOIN accounting.products AS card ON card.product_id = lines.product_id

-- name: sales_by_day
SELECT
    order_day,
    currency,
    is_cancelled,
    count(*) AS orders,
    sum(goods_total) AS goods_total,
    sum(services_total) AS services_total,
    sum(delivery_total) AS delivery_total,
    sum(discount_total) AS discount_total,
    sum(difference) AS difference,
    sum(grand_total) AS grand_total,
    sum(paid_total) AS paid_total,
    sum(due) AS due
FROM reports.order_facts
GROUP BY ALL

-- name: sales_by_source
SELECT
    order_day,
    currency,
    is_cancelled,
    source_id,
    source_name,
    count(*) AS orders,
    sum(discount_total) AS discount_total,
    sum(grand_total) AS grand_total,
    sum(paid_total) AS paid_total
FROM reports.order_facts
GROUP BY ALL

-- name: sales_by_manager
SELECT
    order_day,
    currency,
    is_cancelled,
    manager_id,
    responsible,
    count(*) AS orders,
    sum(discount_total) AS discount_total,
    sum(grand_total) AS grand_total,
    sum(paid_total) AS paid_total
FROM reports.order_facts
GROUP BY ALL

-- name: sales_by_status
SELECT
    order_day,
    currency,
    is_cancelled,
    status_group_id,
    status_group_name,
    status_id,
    status_name,
    stage,
    count(*) AS orders,
    sum(grand_total) AS grand_total,
    sum(paid_total) AS paid_total
FROM reports.order_facts
GROUP BY ALL

-- name: sales_by_product
SELECT
    order_day,
    currency,
    is_cancelled,
    item_kind,
    product_id,
    product_name,
    sku,
    category_id,
    category_name,
    count(DISTINCT order_id) AS orders,
    sum(quantity) AS quantity,
    sum(discount) AS discount,
    sum(amount) AS amount
FROM reports.order_items
GROUP BY ALL

-- name: sales_by_category
SELECT
    order_day,
    currency,
    is_cancelled,
    CASE WHEN item_kind IN ('goods', 'service') THEN 'goods_and_services' ELSE item_kind END AS item_kind,
    category_id,
    category_name,
    count(DISTINCT order_id) AS orders,
    sum(quantity) AS quantity,
    sum(discount) AS discount,
    sum(amount) AS amount
FROM reports.order_items
GROUP BY ALL

-- name: discounts_by_day
SELECT
    order_day,
    currency,
    is_cancelled,
    count(DISTINCT order_id) FILTER (discount > 0) AS orders_with_discount,
    coalesce(sum(amount + discount) FILTER (item_kind IN ('goods', 'service')), 0) AS list_total,
    sum(discount) AS discount_total,
    coalesce(sum(discount) FILTER (item_kind = 'goods'), 0) AS goods_discount,
    coalesce(sum(discount) FILTER (item_kind <> 'goods'), 0) AS services_discount
FROM reports.order_items
GROUP BY ALL

-- name: delivery_by_service
SELECT
    order_day,
    currency,
    is_cancelled,
    delivery_service,
    count(*) AS orders,
    count(*) FILTER (delivery_total > 0) AS orders_charged,
    sum(delivery_total) AS delivery_total,
    sum(grand_total) AS grand_total,
    count(*) FILTER (is_returned) AS orders_returned
FROM reports.order_facts
GROUP BY ALL

-- name: payments_by_method
SELECT
    orders.order_day,
    payment.currency,
    orders.is_cancelled,
    payment.is_expense,
    payment.status,
    payment.method,
    payment.account,
    count(*) AS payments,
    sum(payment.amount) AS amount
FROM accounting.order_payments AS payment
JOIN reports.order_facts AS orders USING (order_id)
GROUP BY ALL

-- name: money_days
-- In the reconciliation a payment is in one line at most.
SELECT payment.order_id, payment.payment_id, line.received_day
FROM accounting.order_payments AS payment
JOIN accounting.reconciliation AS line USING (order_id, payment_id)
WHERE payment.dated_by = 'transaction' AND line.received_day IS NOT NULL

-- name: payments_by_day
SELECT
    coalesce(money.received_day, CAST(payment.paid_at AT TIME ZONE {timezone} AS DATE)) AS paid_day,
    payment.currency,
    orders.is_cancelled,
    payment.is_expense,
    payment.status,
    payment.organisation,
    payment.account,
    payment.method,
    count(*) AS payments,
    sum(payment.amount) AS amount
FROM accounting.order_payments AS payment
JOIN reports.order_facts AS orders USING (order_id)
LEFT JOIN reports.money_days AS money USING (order_id, payment_id)
GROUP BY ALL

-- name: payments_by_source
SELECT
    coalesce(money.received_day, CAST(payment.paid_at AT TIME ZONE {timezone} AS DATE)) AS paid_day,
    payment.currency,
    orders.is_cancelled,
    payment.is_expense,
    payment.status,
    orders.source_id,
    orders.source_name,
    payment.expense_type,
    count(*) AS payments,
    sum(payment.amount) AS amount
FROM accounting.order_payments AS payment
JOIN reports.order_facts AS orders USING (order_id)
LEFT JOIN reports.money_days AS money USING (order_id, payment_id)
GROUP BY ALL

-- name: margins_by_source
WITH items AS (
    SELECT order_id, count(*) AS lines, count(cost) AS lines_with_cost
    FROM (
        SELECT order_id, cost FROM accounting.order_lines
        UNION ALL
        SELECT order_id, cost FROM accounting.order_services WHERE kind = 'service'
    )
    GROUP BY order_id
)
SELECT
    facts.order_day,
    facts.currency,
    facts.is_cancelled,
    facts.source_id,
    facts.source_name,
    count(orders.margin) AS orders_with_cost,
    coalesce(sum(orders.grand_total) FILTER (orders.margin IS NOT NULL), 0) AS grand_total,
    coalesce(sum(orders.cost_total), 0) AS cost_total,
    coalesce(sum(orders.expenses_total) FILTER (orders.margin IS NOT NULL), 0) AS expenses_total,
    coalesce(sum(orders.margin), 0) AS margin,
    coalesce(sum(orders.margin - orders.margin_in_crm), 0) AS margin_difference,
    count(*) FILTER (orders.margin <> orders.margin_in_crm) AS orders_differing,
    coalesce(sum(items.lines), 0)::BIGINT AS lines,
    coalesce(sum(items.lines_with_cost), 0)::BIGINT AS lines_with_cost
FROM reports.order_facts AS facts
JOIN accounting.orders AS orders USING (order_id)
LEFT JOIN items USING (order_id)
GROUP BY ALL

-- name: partner_companies
-- What KeyCRM says of a company today. A company that its list lacks is known by its number alone.
SELECT
    newest.partner_id,
    newest.company_id,
    nullif(trim(company.payload ->> '$.name'), '') AS company_name,
    nullif(trim(company.payload ->> '$.title'), '') AS company_title,
    nullif(trim(company.payload ->> '$.bank_account'), '') AS company_bank_account,
    {custom_fields_of_company} AS custom_fields
FROM (
    SELECT partner_id, arg_max(company_id, {{'ordered_at': ordered_at, 'order_id': order_id}}) AS company_id
    FROM accounting.orders
    WHERE company_id IS NOT NULL
    GROUP BY partner_id
) AS newest
LEFT JOIN raw.reference_rows AS company ON company.list_name = 'companies' AND company.row_id = newest.company_id

-- name: partner_custom_fields
-- Those of its buyer, of several buyers of the one asked for last; and those of the company.
SELECT partner_id, coalesce(CAST(json_merge_patch(of_company, of_buyer) AS VARCHAR), of_buyer, of_company) AS custom_fields
FROM (
    SELECT link.partner_id,
        arg_max({custom_fields_of_buyer}, {{'at': buyer.extracted_at, 'id': link.buyer_id}}) AS of_buyer
    FROM accounting.partner_links AS link
    JOIN raw.buyers AS buyer USING (buyer_id)
    GROUP BY link.partner_id
)
FULL JOIN (SELECT partner_id, custom_fields AS of_company FROM reports.partner_companies) USING (partner_id)
WHERE of_buyer IS NOT NULL OR of_company IS NOT NULL

-- name: product_custom_fields
-- Those of the product in KeyCRM's catalogue; of several products of a card, of the oldest that has any.
SELECT product_id, custom_fields
FROM (
    SELECT link.product_id, arg_min({custom_fields_of_product}, product.crm_product_id) AS custom_fields
    FROM (SELECT DISTINCT product_id, crm_product_id FROM accounting.product_links) AS link
    JOIN raw.products AS product USING (crm_product_id)
    GROUP BY link.product_id
)
WHERE custom_fields IS NOT NULL

-- name: payments_due
SELECT
    order_id,
    order_day,
    currency,
    source_name,
    responsible,
    status_name,
    stage,
    payment_status,
    delivery_service,
    shipping_status,
    is_shipped,
    is_returned,
    is_cash_on_delivery,
    grand_total,
    paid_total,
    due
FROM reports.order_facts
WHERE NOT is_cancelled AND due > 0

-- name: cash_on_delivery_out
SELECT
    order_id,
    order_day,
    currency,
    source_name,
    responsible,
    stage,
    delivery_service,
    shipping_status,
    grand_total,
    paid_total,
    due
FROM reports.payments_due
WHERE is_cash_on_delivery AND is_shipped AND NOT is_returned

-- name: returns_and_cancellations
SELECT
    order_day,
    currency,
    is_cancelled,
    is_returned,
    status_id,
    status_name,
    stage,
    source_id,
    source_name,
    count(*) AS orders,
    sum(grand_total) AS grand_total,
    sum(paid_total) AS paid_total
FROM reports.order_facts
WHERE is_cancelled OR is_returned
GROUP BY ALL

-- name: repeat_buyers
WITH ranked AS (
    SELECT
        order_day,
        currency,
        grand_total,
        has_buyer,
        row_number() OVER (PARTITION BY partner_id ORDER BY ordered_at, order_id) AS order_of_buyer
    FROM reports.order_facts
    WHERE NOT is_cancelled
)
SELECT
    order_day,
    currency,
    CASE WHEN NOT has_buyer THEN 'no_buyer' WHEN order_of_buyer = 1 THEN 'first_order' ELSE 'repeat_order' END
        AS buyer_kind,
    count(*) AS orders,
    sum(grand_total) AS grand_total
FROM ranked
GROUP BY ALL

-- name: exchange_summary
SELECT
    exchange_id,
    kind,
    period_from,
    period_to,
    started_at,
    finished_at,
    date_diff('millisecond', started_at, finished_at) / 1000 AS seconds,
    status,
    orders_seen,
    orders_created,
    orders_updated,
    orders_unchanged,
    orders_rejected,
    partners_created,
    products_created,
    requests,
    error,
    error_coded
FROM ops.exchanges

-- name: review_summary
SELECT kind, count(*) AS rows, min(first_seen_at) AS oldest_at
FROM ops.review
GROUP BY kind

-- name: rejections_by_reason
SELECT order_day, reason, reason_coded, count(*) AS orders
FROM (
    SELECT order_day, unnest(reasons) AS reason, unnest(from_json(reasons_coded, '["JSON"]')) AS reason_coded
    FROM ops.rejected_records
)
GROUP BY ALL
