-- Order documents: the columns that the rules need, and the replacement of changed documents in one transaction.

-- name: batch_orders
CREATE OR REPLACE TEMP TABLE batch_orders AS
SELECT validated.order_id
FROM validated.orders AS validated SEMI JOIN staging.selected_orders USING (order_id)
WHERE validated.order_day BETWEEN $first_day AND $last_day AND validated.order_id BETWEEN $first_id AND $last_id

-- name: selected_day_parts
SELECT order_day, min(order_id), max(order_id), count(*)
FROM (
    SELECT order_day, order_id, (row_number() OVER (PARTITION BY order_day ORDER BY order_id) - 1) // $most AS part
    FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
)
GROUP BY order_day, part ORDER BY order_day, part

-- name: selected_lines
-- Average lines per selected order.
SELECT coalesce(
    (SELECT count(*) FROM validated.order_lines SEMI JOIN staging.selected_orders USING (order_id))
    / (SELECT nullif(count(*), 0) FROM staging.selected_orders), 0)

-- name: selected_days
SELECT order_day, count(*) FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
GROUP BY order_day ORDER BY order_day

-- name: orders
-- {carried} are the columns that a document takes unchanged; the others are what the rules compute it from.
-- A booked order without a buyer keeps its partner when the default partner was removed from the profile. Each large
-- table is reduced to the batch before it is joined, by its days where it has them: otherwise a batch would read the
-- whole table once one of its orders has an id far from the others.
WITH batch_links AS (
    SELECT buyer_id, partner_id FROM accounting.partner_links
    WHERE buyer_id IN (
        SELECT buyer_id FROM validated.orders SEMI JOIN batch_orders USING (order_id)
        WHERE order_day BETWEEN $first_day AND $last_day
    )
)
SELECT
    {carried},
    coalesce(link.partner_id, CAST($default_partner_id AS BIGINT), booked.partner_id) AS partner_id,
    coalesce(status.stage, validated.status_name, CAST(validated.status_id AS VARCHAR)) AS stage,
    source.currency AS source_currency,
    -- The currency of a booked document whose source is still the same (R8).
    CASE WHEN booked.source_id IS NOT DISTINCT FROM validated.source_id THEN booked.currency END AS booked_currency,
    validated.buyer_comment, validated.manager_comment,
    validated.address_country, validated.address_country_code, validated.address_region, validated.address_city,
    validated.address_zip, validated.address_receive_point, validated.address_street,
    validated.address_second_line,
    validated.shipped_at, validated.shipping_price, validated.wrap_price, validated.taxes,
    validated.discount_amount, validated.discount_percent, validated.total_discount,
    coalesce(raw.missing_since IS NOT NULL, false) AS missing_in_crm
FROM validated.orders AS validated
SEMI JOIN batch_orders USING (order_id)
LEFT JOIN batch_links AS link ON link.buyer_id = validated.buyer_id
LEFT JOIN accounting.statuses AS status ON status.status_id = validated.status_id
LEFT JOIN accounting.sources AS source ON source.source_id = validated.source_id
LEFT JOIN (SELECT order_id, missing_since FROM raw.orders SEMI JOIN batch_orders USING (order_id)) AS raw
    ON raw.order_id = validated.order_id
LEFT JOIN (SELECT order_id, partner_id, source_id, currency FROM accounting.orders SEMI JOIN batch_orders USING (order_id)) AS booked
    ON booked.order_id = validated.order_id
WHERE validated.order_day BETWEEN $first_day AND $last_day
ORDER BY validated.order_id

-- name: lines
-- A line with a variant takes the variant's SKU and characteristics when it has none of its own; a placeholder is none.
SELECT
    line.order_id, line.line_no, line.crm_line_id, item.product_id, item.variant_id, card.kind, line.name,
    coalesce(item.sku, variant.sku) AS sku, coalesce(line.characteristics, variant.characteristics) AS characteristics,
    line.unit, line.warehouse, line.stock_status, line.quantity, line.price, line.price_sold,
    line.purchased_price
FROM validated.order_lines AS line
SEMI JOIN batch_orders USING (order_id)
LEFT JOIN validated.sold_items AS item ON item.item_key = line.item_key
LEFT JOIN accounting.products AS card ON card.product_id = item.product_id
LEFT JOIN accounting.product_variants AS variant ON variant.variant_id = item.variant_id
WHERE line.order_day BETWEEN $first_day AND $last_day
ORDER BY line.order_id, line.line_no

-- name: payments
SELECT
    payment.order_id, payment.payment_id, payment.position, payment.paid_at, payment.method_id,
    method.payload ->> 'name' AS method,
    payment.amount, payment.source_currency, payment.actual_amount, payment.currency, payment.status, payment.is_expense,
    payment.expense_type_id, payment.description, payment.fiscal_status, payment.fiscal_result, payment.transaction_uuid
FROM validated.order_payments AS payment
SEMI JOIN batch_orders USING (order_id)
LEFT JOIN raw.reference_rows AS method
    ON method.list_name = 'payment_methods' AND method.row_id = payment.method_id
WHERE payment.order_day BETWEEN $first_day AND $last_day
ORDER BY payment.order_id, payment.position

-- name: document_changes
CREATE OR REPLACE TEMP TABLE document_changes AS
SELECT fresh.order_id, stored.order_id IS NOT NULL AS is_stored, stored.created_at
FROM new_orders AS fresh
LEFT JOIN accounting.orders AS stored USING (order_id)
WHERE stored.order_id IS NULL OR fresh.order_id IN (SELECT order_id FROM differing)

-- name: differing
-- Compared by value: a line that no longer exists is a change too.
CREATE OR REPLACE TEMP TABLE differing AS
SELECT DISTINCT order_id FROM ({comparisons})

-- name: booked_orders
CREATE OR REPLACE TEMP TABLE booked_orders AS
SELECT order_id FROM accounting.orders SEMI JOIN new_orders USING (order_id)

-- name: count_booked
SELECT count(*) FROM booked_orders

-- name: delete_documents
DELETE FROM accounting.{table} WHERE order_id IN (SELECT order_id FROM document_changes WHERE is_stored)

-- name: insert_orders
INSERT INTO accounting.orders BY NAME
SELECT fresh.*, coalesce(changes.created_at, $now) AS created_at, $now AS updated_at
FROM new_orders AS fresh JOIN document_changes AS changes USING (order_id)
ORDER BY fresh.order_day, fresh.order_id

-- name: insert_children
INSERT INTO accounting.{table} BY NAME
SELECT fresh.* FROM new_{table} AS fresh SEMI JOIN document_changes USING (order_id)
ORDER BY {key}

-- name: insert_status_history
INSERT INTO ops.status_history BY NAME
SELECT fresh.order_id, fresh.status_id, fresh.stage, $now AS seen_at, validated.status_changed_at
FROM new_orders AS fresh
JOIN document_changes USING (order_id)
JOIN validated.orders AS validated USING (order_id)
ANTI JOIN ops.status_history AS known
    ON known.order_id = fresh.order_id AND known.status_id = fresh.status_id
ORDER BY fresh.order_id

-- name: batch_day_counts
SELECT
    fresh.order_day,
    count(*) FILTER (changes.order_id IS NOT NULL AND NOT changes.is_stored) AS created,
    count(*) FILTER (changes.is_stored) AS updated,
    count(*) FILTER (changes.order_id IS NULL) AS unchanged
FROM new_orders AS fresh LEFT JOIN document_changes AS changes USING (order_id)
GROUP BY fresh.order_day ORDER BY fresh.order_day

-- name: day_totals
SELECT order_day, currency, count(*), sum(grand_total)
FROM accounting.orders
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY order_day, currency ORDER BY order_day, currency

-- name: default_partner_id
SELECT min(partner_id) FROM accounting.partners
WHERE name_key = ? AND (origin = 'catalogue' OR as_of_order_id IS NULL)

-- name: delivery_product_id
-- The card that `meet_delivery` takes: one of the catalogue keeps the kind that its file says, which need not be service.
SELECT product_id FROM accounting.products WHERE name_key = ? ORDER BY kind <> 'service', product_id LIMIT 1
