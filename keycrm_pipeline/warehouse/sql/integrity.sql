-- Invariants of the stored tables. Each statement returns the offending ids; no rows mean that the check holds.

-- name: keys_once
SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1)

-- name: sums
SELECT orders.order_id FROM accounting.orders AS orders
LEFT JOIN (SELECT order_id, sum(amount) AS amount, sum(discount) AS discount FROM accounting.order_lines GROUP BY order_id)
    AS goods USING (order_id)
LEFT JOIN (SELECT order_id, sum(amount) AS amount, sum(discount) AS discount FROM accounting.order_services GROUP BY order_id)
    AS services USING (order_id)
WHERE coalesce(goods.amount, 0) <> goods_total OR coalesce(services.amount, 0) <> services_total
    OR coalesce(goods.discount, 0) + coalesce(services.discount, 0) <> discount_total
    OR goods_total + services_total + difference <> grand_total
ORDER BY order_id

-- name: lines_once
-- Each line of a booked order is in exactly one of goods and services. The document of a rejected order may be older than
-- its lines.
SELECT order_id FROM (
    SELECT line.order_id, line.line_no,
        (goods.order_id IS NOT NULL)::INTEGER + (services.order_id IS NOT NULL)::INTEGER AS times
    FROM validated.order_lines AS line
    SEMI JOIN accounting.orders USING (order_id)
    ANTI JOIN ops.rejected_records AS rejected USING (order_id)
    LEFT JOIN accounting.order_lines AS goods USING (order_id, line_no)
    LEFT JOIN accounting.order_services AS services USING (order_id, line_no)
) WHERE times <> 1
GROUP BY order_id ORDER BY order_id

-- name: references_exist
SELECT orders.order_id FROM accounting.orders AS orders
LEFT JOIN accounting.partners AS partner USING (partner_id)
LEFT JOIN accounting.statuses AS status USING (status_id)
LEFT JOIN accounting.sources AS source USING (source_id)
WHERE partner.partner_id IS NULL OR status.status_id IS NULL
    OR (orders.source_id IS NOT NULL AND source.source_id IS NULL)
UNION
SELECT line.order_id FROM accounting.order_lines AS line
ANTI JOIN accounting.products AS card USING (product_id)
UNION
SELECT line.order_id FROM accounting.order_lines AS line
ANTI JOIN accounting.product_variants AS variant USING (variant_id, product_id)
WHERE line.variant_id IS NOT NULL
ORDER BY order_id

-- name: skus_once
SELECT product_id FROM (
    SELECT product_id, sku_key FROM accounting.products WHERE sku_key IS NOT NULL
    UNION ALL
    SELECT product_id, sku_key FROM accounting.product_variants WHERE sku_key IS NOT NULL
)
QUALIFY count(*) OVER (PARTITION BY sku_key) > 1
ORDER BY product_id

-- name: links_once
SELECT buyer_id FROM accounting.partner_links GROUP BY buyer_id HAVING count(*) > 1
UNION
SELECT link.buyer_id FROM accounting.partner_links AS link ANTI JOIN accounting.partners USING (partner_id)
ORDER BY buyer_id

-- name: raw_and_books_agree
-- Orders that passed validation and are selected, but are not in the books or have a different sum or day there.
SELECT validated.order_id
FROM validated.orders AS validated
ANTI JOIN ops.rejected_records AS rejected USING (order_id)
LEFT JOIN accounting.orders AS booked USING (order_id)
WHERE (booked.order_id IS NULL AND ($all_statuses OR validated.status_id IN (SELECT unnest($status_ids)))
        AND validated.order_day IN (SELECT order_day FROM ops.loaded_days))
    OR booked.grand_total <> validated.grand_total
    OR booked.order_day <> validated.order_day
UNION
SELECT raw.order_id FROM raw.orders AS raw
ANTI JOIN validated.orders AS validated USING (order_id)
ANTI JOIN ops.rejected_records AS rejected ON rejected.order_id = raw.order_id
WHERE raw.order_day IN (SELECT order_day FROM ops.loaded_days)
ORDER BY order_id
