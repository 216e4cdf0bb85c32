-- The lists and cards of the exchange page. A list is read by keyset: 50 rows after the last one shown, so that a page
-- far back is as quick as the first.

-- name: find_orders
-- Orders that a searched text names: by number here or at the source, waybill, buyer, recipient, phone, article.
CREATE OR REPLACE TEMP TABLE narrowed_orders AS
WITH buyers AS (
    SELECT partner_id FROM accounting.partners
    WHERE contains(lower(name), $text) OR lower(email) = $text
        OR ($digits IS NOT NULL AND contains(regexp_replace(phone, '\D', '', 'g'), $digits))
)
SELECT order_id FROM accounting.orders
WHERE order_id = try_cast($text AS BIGINT) OR lower(source_number) = $text OR lower(tracking_code) = $text
    OR contains(lower(recipient_name), $text) OR partner_id IN (FROM buyers)
    OR ($digits IS NOT NULL AND contains(regexp_replace(recipient_phone, '\D', '', 'g'), $digits))
UNION
SELECT order_id FROM accounting.order_lines WHERE lower(sku) = $text
UNION
SELECT order_id FROM accounting.order_services WHERE lower(sku) = $text

-- name: orders_of_product
CREATE OR REPLACE TEMP TABLE narrowed_orders AS
SELECT order_id FROM accounting.order_lines WHERE product_id = $product_id
UNION
SELECT order_id FROM accounting.order_services WHERE product_id = $product_id

-- name: count_orders
SELECT document.currency, count(*) AS orders, sum(document.grand_total) AS grand_total
FROM accounting.orders AS document {narrowed}
WHERE document.order_day BETWEEN coalesce($first_day, DATE '0001-01-01') AND coalesce($last_day, DATE '9999-12-31')
    AND ($stage IS NULL OR document.stage = $stage)
    AND ($source_id IS NULL OR document.source_id = $source_id)
    AND ($responsible IS NULL OR document.responsible = $responsible)
    AND ($organisation IS NULL OR document.organisation = $organisation)
    AND ($partner_id IS NULL OR document.partner_id = $partner_id)
    AND (NOT $with_difference OR document.difference <> 0)
GROUP BY document.currency
ORDER BY orders DESC, document.currency

-- name: orders
-- The keys first, from few columns; everything else is read for the rows of the page alone.
WITH chosen AS (
    SELECT document.order_id
    FROM accounting.orders AS document {narrowed}
    WHERE document.order_day BETWEEN coalesce($first_day, DATE '0001-01-01') AND coalesce($last_day, DATE '9999-12-31')
        AND ($stage IS NULL OR document.stage = $stage)
        AND ($source_id IS NULL OR document.source_id = $source_id)
        AND ($responsible IS NULL OR document.responsible = $responsible)
        AND ($organisation IS NULL OR document.organisation = $organisation)
        AND ($partner_id IS NULL OR document.partner_id = $partner_id)
        AND (NOT $with_difference OR document.difference <> 0)
        AND ($after_day IS NULL OR document.order_day < $after_day
            OR (document.order_day = $after_day AND document.order_id < $after_id))
    ORDER BY document.order_day DESC, document.order_id DESC
    LIMIT $most
)
SELECT document.order_id, document.order_day, document.ordered_at, document.partner_id, partner.name AS partner_name,
    document.stage, source.name AS source_name, document.source_number, document.responsible, document.organisation,
    document.tracking_code, document.grand_total, document.paid_total, document.difference, document.currency,
    document.payment_status, document.missing_in_crm
FROM accounting.orders AS document
SEMI JOIN chosen USING (order_id)
LEFT JOIN accounting.partners AS partner USING (partner_id)
LEFT JOIN accounting.sources AS source USING (source_id)
ORDER BY document.order_day DESC, document.order_id DESC

-- name: responsibles
SELECT DISTINCT responsible FROM accounting.orders ORDER BY responsible

-- name: sources
SELECT source_id, name FROM accounting.sources ORDER BY name, source_id

-- name: order
SELECT document.order_id, document.order_day, document.ordered_at, document.partner_id, partner.name AS partner_name,
    partner.phone AS partner_phone, partner.email AS partner_email, status.name AS status_name, document.stage,
    source.name AS source_name, document.source_number, document.author, document.responsible, document.account,
    document.organisation, document.currency, document.comment, document.delivery_address, document.recipient_name,
    document.recipient_phone, document.delivery_service, document.tracking_code, document.shipping_status,
    document.was_shipped, document.shipped_on, document.warehouse, document.expenses_total, document.cost_total,
    document.margin, document.margin_in_crm, document.tags, document.goods_total,
    document.services_total, document.discount_total, document.grand_total, document.difference, document.paid_total,
    document.rounding, document.payment_status, document.missing_in_crm, document.crm_updated_at, document.created_at, document.updated_at,
    valid.discount_percent AS crm_discount_percent, valid.discount_amount AS crm_discount_amount
FROM accounting.orders AS document
LEFT JOIN accounting.partners AS partner USING (partner_id)
LEFT JOIN accounting.statuses AS status USING (status_id)
LEFT JOIN accounting.sources AS source USING (source_id)
LEFT JOIN validated.orders AS valid ON valid.order_id = document.order_id
WHERE document.order_id = $order_id

-- name: order_lines
-- The discount of a line is its own, and its share of the order's (R6).
SELECT line.line_no, line.product_id, line.name, line.sku, line.characteristics, coalesce(line.unit, 'шт') AS unit,
    line.warehouse, line.stock_status, line.quantity, line.price, line.discount, line.amount,
    round((valid.price - valid.price_sold) * valid.quantity, 2)::DECIMAL(18, 2) AS own_discount
FROM accounting.order_lines AS line
LEFT JOIN validated.order_lines AS valid USING (order_id, line_no)
WHERE line.order_id = $order_id
ORDER BY line.line_no

-- name: order_services
SELECT service.line_no, service.product_id, service.name, service.sku, service.characteristics, service.kind,
    service.quantity, service.price, service.discount, service.amount
FROM accounting.order_services AS service
WHERE service.order_id = $order_id
ORDER BY service.line_no

-- name: order_payments
-- With the day of their money, where the reconciliation has found it: there a payment is in one line at most.
SELECT payment.payment_id, payment.paid_at, money.received_day, payment.method, payment.account, payment.organisation,
    payment.amount, payment.currency, payment.rate, payment.amount_uah, payment.status, payment.is_expense,
    payment.expense_type, payment.description, payment.method_kind, payment.receipt, payment.fiscal_status,
    payment.fiscal_result
FROM accounting.order_payments AS payment
LEFT JOIN accounting.reconciliation AS money ON money.order_id = $order_id AND money.payment_id = payment.payment_id
WHERE payment.order_id = $order_id
ORDER BY abs(payment.payment_id), payment.payment_id

-- name: order_history
SELECT history.seen_at, history.status_changed_at, status.name AS status_name, history.stage
FROM ops.status_history AS history
LEFT JOIN accounting.statuses AS status USING (status_id)
WHERE history.order_id = $order_id
ORDER BY coalesce(history.status_changed_at, history.seen_at), history.seen_at

-- name: order_movements
SELECT movement.kind, movement.first_seen_at, movement.crm_at, movement.name, method.payload ->> 'name' AS method,
    movement.value_before, movement.value_after, movement.quantity_before, movement.quantity_after,
    movement.amount_before, movement.amount_after, movement.currency
FROM accounting.order_movements AS movement
LEFT JOIN raw.reference_rows AS method
    ON method.list_name = 'payment_methods' AND method.row_id = movement.method_id
WHERE movement.order_id = $order_id
ORDER BY movement.first_seen_at, movement.version_no, list_position($kinds, movement.kind), movement.subject_id

-- name: order_reasons
SELECT reasons, CAST(reasons_coded AS VARCHAR) FROM ops.rejected_records WHERE order_id = $order_id

-- name: order_payload
SELECT coalesce(
    (SELECT payload FROM raw.orders WHERE order_id = $order_id),
    (SELECT max(payload) FROM ops.rejected_records WHERE order_id = $order_id)
)

-- name: partners
WITH chosen AS (
    SELECT partner_id FROM accounting.partners
    WHERE ($text IS NULL OR contains(lower(name), $text) OR lower(email) = $text OR lower(catalogue_id) = $text
            OR partner_id = try_cast($text AS BIGINT)
            OR ($digits IS NOT NULL AND contains(regexp_replace(phone, '\D', '', 'g'), $digits)))
        AND ($after_id IS NULL OR partner_id < $after_id)
    ORDER BY partner_id DESC
    LIMIT $most
)
SELECT partner.partner_id, partner.name, partner.phone, partner.email, partner.origin,
    coalesce(sold.orders, 0)::BIGINT AS orders, sold.last_day
FROM accounting.partners AS partner
SEMI JOIN chosen USING (partner_id)
LEFT JOIN (
    SELECT partner_id, count(*) AS orders, max(order_day) AS last_day
    FROM accounting.orders SEMI JOIN chosen USING (partner_id)
    GROUP BY partner_id
) AS sold USING (partner_id)
ORDER BY partner.partner_id DESC

-- name: partner
SELECT partner_id, name, phone, email, origin, catalogue_id, created_at, updated_at,
    (SELECT coalesce(list(buyer_id ORDER BY buyer_id), []) FROM accounting.partner_links
        WHERE partner_links.partner_id = $partner_id) AS buyer_ids
FROM accounting.partners
WHERE partner_id = $partner_id

-- name: products
WITH chosen AS (
    SELECT product_id FROM accounting.products AS card
    WHERE ($text IS NULL OR contains(lower(name), $text) OR lower(sku) = $text OR lower(catalogue_id) = $text
            OR product_id = try_cast($text AS BIGINT)
            OR product_id IN (
                SELECT product_id FROM accounting.product_variants WHERE lower(sku) = $text OR barcode = $text
            ))
        AND ($kind IS NULL OR kind = $kind)
        AND ($after_id IS NULL OR product_id < $after_id)
    ORDER BY product_id DESC
    LIMIT $most
)
SELECT card.product_id, card.name, card.sku, card.kind, card.category_name, card.origin,
    coalesce(variants.variants, 0)::BIGINT AS variants
FROM accounting.products AS card
SEMI JOIN chosen USING (product_id)
LEFT JOIN (
    SELECT product_id, count(*) AS variants FROM accounting.product_variants GROUP BY product_id
) AS variants USING (product_id)
ORDER BY card.product_id DESC

-- name: product
SELECT product_id, name, sku, kind, coalesce(unit, 'шт') AS unit, category_name, origin, catalogue_id, created_at, updated_at,
    (SELECT coalesce(list(DISTINCT crm_product_id ORDER BY crm_product_id), []) FROM accounting.product_links
        WHERE product_links.product_id = $product_id AND crm_product_id IS NOT NULL) AS crm_product_ids
FROM accounting.products
WHERE product_id = $product_id

-- name: variants
SELECT variant_id, sku, barcode, characteristics, offer_id
FROM accounting.product_variants
WHERE product_id = $product_id
ORDER BY variant_id

-- name: exchanges
SELECT exchange_id, run_id, kind, period_from, period_to, started_at, finished_at, status, orders_seen, orders_created,
    orders_updated, orders_unchanged, orders_rejected, partners_created, products_created, requests, error, error_coded
FROM ops.exchanges
WHERE $after_id IS NULL OR exchange_id < $after_id
ORDER BY exchange_id DESC
LIMIT $most

-- name: pages_stored
-- Of the listings of which a page arrived since the exchange began; earlier pages of them need no second request.
SELECT coalesce(sum(orders), 0)::BIGINT AS orders, coalesce(sum(total), 0)::BIGINT AS total,
    coalesce(sum(pages), 0)::BIGINT AS pages
FROM (
    SELECT sum(len(order_ids)) AS orders, max(total) AS total, count(*) FILTER (fetched_at >= $started_at) AS pages
    FROM ops.extraction_pages
    GROUP BY listing
    HAVING max(fetched_at) >= $started_at
)

-- name: cards_created
-- Cards that an exchange created, newest first.
SELECT 'partner' AS kind, partner_id AS card_id, name FROM accounting.partners
WHERE origin = 'keycrm' AND created_at = $started_at
UNION ALL
SELECT 'product', product_id, name FROM accounting.products
WHERE origin = 'keycrm' AND created_at = $started_at
ORDER BY kind, card_id DESC
LIMIT $most
