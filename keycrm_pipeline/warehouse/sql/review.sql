-- The review list, derived from the current state of the books: a row is removed once its cause no longer exists.
-- An entry is a code of `sentences.review` with its values; its text is written in Python, for new entries alone.

-- name: macros
CREATE OR REPLACE TEMP MACRO message(code, parts) AS json_object('code', code, 'values', parts)

-- name: standing
CREATE OR REPLACE TEMP TABLE standing_review AS
-- Documents written since the last exchange that succeeded, and those listed already: only their payments and lines can
-- have become shared or single. To group all of them would take half a second of each exchange next to a million orders.
WITH written AS (
    SELECT order_id FROM accounting.orders
    WHERE updated_at >= coalesce(
        (SELECT max(started_at) FROM ops.exchanges WHERE status = 'succeeded'), '-infinity'::TIMESTAMPTZ)
    UNION
    SELECT CAST(subject AS BIGINT) FROM ops.review WHERE kind = 'payment_conflict'
),
shared_payments AS (
    SELECT payment_id, list_sort(list(order_id)) AS order_ids
    FROM accounting.order_payments
    -- An id below zero is the position of a payment without an id.
    SEMI JOIN (
        SELECT payment_id FROM accounting.order_payments SEMI JOIN written USING (order_id) WHERE payment_id > 0
    ) USING (payment_id)
    GROUP BY payment_id
    HAVING count(*) > 1
),
lines AS (
    SELECT crm_line_id, order_id FROM accounting.order_lines
    UNION ALL
    SELECT crm_line_id, order_id FROM accounting.order_services
),
shared_lines AS (
    SELECT crm_line_id, list_sort(list(DISTINCT order_id)) AS order_ids
    FROM lines
    SEMI JOIN (SELECT crm_line_id FROM lines SEMI JOIN written USING (order_id)) USING (crm_line_id)
    GROUP BY crm_line_id
    HAVING min(order_id) <> max(order_id)
),
payment_conflicts AS (
    SELECT unnest(order_ids) AS order_id, 1 AS rank, payment_id AS id,
        message('payment_in_several_orders', json_object('payment_id', payment_id, 'order_ids', order_ids)) AS details_coded
    FROM shared_payments
    UNION ALL
    SELECT unnest(order_ids), 2, crm_line_id,
        message('line_in_several_orders', json_object('line_id', crm_line_id, 'order_ids', order_ids))
    FROM shared_lines
    UNION ALL
    SELECT order_id, 3, 0, message('paid_without_payment', json_object('order_id', order_id))
    FROM accounting.orders WHERE payment_status = 'paid' AND paid_total = 0 AND grand_total > 0
)
SELECT 'unmapped_status' AS kind, CAST(status.status_id AS VARCHAR) AS subject,
    message('unmapped_status', json_object('status_id', status.status_id, 'name', status.name, 'orders', count(*)))
        AS details_coded,
    -- The text of an entry that is stored with one; that of all others is written from the message.
    CAST(NULL AS VARCHAR) AS details
FROM accounting.statuses AS status JOIN accounting.orders AS orders USING (status_id)
WHERE NOT status.is_mapped
GROUP BY status.status_id, status.name
UNION ALL
SELECT 'unmapped_manager', CAST(manager_id AS VARCHAR),
    message('unmapped_manager', json_object('manager_id', manager_id, 'orders', count(*))), NULL
FROM accounting.orders
WHERE manager_id IS NOT NULL AND manager_id NOT IN (SELECT unnest($manager_ids))
GROUP BY manager_id
UNION ALL
SELECT 'partner_name_conflict', CAST(partner_id AS VARCHAR),
    CASE WHEN min(conflict_order_id) IS NULL
        THEN message('names_disagree',
            json_object('buyer_ids', list(buyer_id ORDER BY buyer_id), 'partner_id', partner_id))
        ELSE message('names_disagree_in_order',
            json_object('buyer_ids', list(buyer_id ORDER BY buyer_id), 'partner_id', partner_id,
                'order_id', min(conflict_order_id)))
    END, NULL
FROM accounting.partner_links WHERE name_conflict
GROUP BY partner_id
UNION ALL
SELECT 'ambiguous_product_name', names.name,
    message('ambiguous_name', json_object('product_ids', list_sort(list(card.product_id)),
        'name', arg_min(card.name, card.product_id))), NULL
FROM ops.ambiguous_names AS names JOIN accounting.products AS card ON card.name_key = names.name
-- Resolved once every line that uses one of these cards has a SKU.
WHERE names.name IN (
    SELECT named.name
    FROM ops.ambiguous_names AS named
    JOIN accounting.products AS used ON used.name_key = named.name
    JOIN validated.sold_items AS item USING (product_id)
    JOIN validated.order_lines AS line USING (item_key)
    WHERE line.sku IS NULL)
GROUP BY names.name HAVING count(*) > 1
UNION ALL
SELECT 'product_promoted', CAST(product_id AS VARCHAR), message('product_promoted', json_object('product_id', product_id)), NULL
FROM ops.promoted_products
UNION ALL
SELECT 'product_renamed', CAST(renamed.product_id AS VARCHAR),
    message('product_renamed',
        json_object('product_id', renamed.product_id, 'name', card.name, 'crm_name', renamed.crm_name)), NULL
FROM ops.renamed_products AS renamed
JOIN accounting.products AS card USING (product_id)
WHERE NOT renamed.is_ticked_off
UNION ALL
SELECT 'shared_sku', CAST(shared.product_id AS VARCHAR),
    message('shared_sku', json_object('product_id', shared.product_id, 'name', card.name,
        'sku', string_agg(DISTINCT shared.sku, ', ' ORDER BY shared.sku),
        'others', list(message('product_name', json_object('product_id', shared.crm_product_id,
            'name', coalesce(product.payload ->> 'name', shared.name))) ORDER BY shared.crm_product_id))), NULL
FROM ops.shared_skus AS shared
JOIN accounting.products AS card USING (product_id)
LEFT JOIN raw.products AS product USING (crm_product_id)
WHERE NOT shared.is_ticked_off
GROUP BY shared.product_id, card.name
UNION ALL
-- A sum is text: as a number of JSON it would be a binary fraction.
SELECT 'order_difference', CAST(order_id AS VARCHAR),
    message('order_difference',
        json_object('order_id', order_id, 'difference', CAST(difference AS VARCHAR), 'currency', currency)), NULL
FROM accounting.orders WHERE difference <> 0
UNION ALL
SELECT 'payment_conflict', CAST(order_id AS VARCHAR), arg_min(details_coded, (rank, id)), NULL
FROM payment_conflicts
GROUP BY order_id
UNION ALL
-- Who issues the receipt is said by the document itself: one that was derived before the profile said it is not listed.
SELECT 'receipt_conflict', CAST(order_id AS VARCHAR),
    message(CASE WHEN bool_or(receipt = 'own') THEN 'receipt_missing' ELSE 'receipt_doubled' END,
        json_object('order_id', order_id, 'payment_ids', list_sort(list(payment_id)))), NULL
FROM accounting.order_payments
WHERE (receipt = 'own' AND status = 'paid' AND fiscal_result IS NULL)
    OR (receipt = 'by_carrier' AND status IS DISTINCT FROM 'canceled' AND fiscal_result IS NOT NULL)
GROUP BY order_id, receipt
QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY receipt DESC) = 1
UNION ALL
SELECT 'currency_conflict', CAST(orders.order_id AS VARCHAR),
    message('currency_conflict', json_object('order_id', orders.order_id, 'booked_currency', orders.currency,
        'source_currency', source.currency)), NULL
FROM accounting.orders AS orders JOIN accounting.sources AS source USING (source_id)
WHERE source.currency <> orders.currency
UNION ALL
-- Only of a shop that keeps rates at all.
SELECT 'rate_missing', currency,
    message('rate_missing', json_object('currency', currency, 'payments', count(*),
        'days', count(DISTINCT CAST(paid_at AS DATE)), 'day', CAST(CAST(min(paid_at) AS DATE) AS VARCHAR))), NULL
FROM accounting.order_payments
WHERE currency <> 'UAH' AND status = 'paid' AND paid_at IS NOT NULL AND rate IS NULL
    AND EXISTS (SELECT 1 FROM raw.exchange_rates)
GROUP BY currency
UNION ALL
SELECT 'rejected_order', record_key,
    CASE WHEN order_id IS NULL
        THEN message('record_rejected', json_object('reasons', coalesce(reasons_coded, to_json(reasons))))
        ELSE message('order_rejected',
            json_object('order_id', order_id, 'reasons', coalesce(reasons_coded, to_json(reasons))))
    END, NULL
FROM ops.rejected_records
UNION ALL
SELECT 'missing_in_crm', CAST(order_id AS VARCHAR), message('missing_in_crm', json_object('order_id', order_id)), NULL
FROM accounting.orders WHERE missing_in_crm
UNION ALL
-- Each branch has a condition on the day alone, so that only the payloads of these few days are read.
SELECT 'day_out_of_reach', CAST(order_id AS VARCHAR),
    message('day_before_start', json_object('order_id', order_id, 'day', CAST(order_day AS VARCHAR))), NULL
FROM raw.orders
WHERE order_day < $start_date AND missing_since IS NULL
    AND left(payload ->> 'created_at', 10) > CAST($start_date AS VARCHAR)
UNION ALL
SELECT 'day_out_of_reach', CAST(order_id AS VARCHAR),
    message('day_far_ahead', json_object('order_id', order_id, 'day', CAST(order_day AS VARCHAR))), NULL
FROM raw.orders
WHERE order_day > $last_day AND missing_since IS NULL
UNION ALL
SELECT 'catalogue_conflict', catalogue_id, details_coded, details FROM ops.catalogue_conflicts
UNION ALL
SELECT 'reconciliation_unread', subject, details_coded, details FROM ops.reconciliation_problems

-- name: owners_of_shared
SELECT booked.order_id
FROM ops.review AS review
JOIN accounting.orders AS booked ON booked.order_id = CAST(review.subject AS BIGINT)
WHERE review.kind = 'payment_conflict' AND review.first_seen_at = $now AND booked.updated_at < $now
ORDER BY booked.order_id LIMIT $most

-- name: delete_gone
DELETE FROM ops.review AS review
WHERE NOT EXISTS (FROM standing_review AS standing
    WHERE standing.kind = review.kind AND standing.subject = review.subject
        AND standing.details_coded IS NOT DISTINCT FROM review.details_coded
        AND coalesce(standing.details, review.details) = review.details)

-- name: new_entries
SELECT standing.kind, standing.subject, CAST(standing.details_coded AS VARCHAR), standing.details
FROM standing_review AS standing
ANTI JOIN ops.review AS review USING (kind, subject)
ORDER BY kind, subject

-- name: insert_new
INSERT INTO ops.review BY NAME
SELECT entry.kind, entry.subject, entry.details, entry.details_coded, coalesce(earlier.first_seen_at, $now) AS first_seen_at
FROM new_entries_frame AS entry
LEFT JOIN earlier_review AS earlier USING (kind, subject)
ORDER BY kind, subject

-- name: keep_earlier
CREATE OR REPLACE TEMP TABLE earlier_review AS SELECT kind, subject, first_seen_at FROM ops.review

-- name: rows
SELECT kind, subject, details, first_seen_at FROM ops.review ORDER BY kind, first_seen_at, subject

-- name: rows_of_kind
SELECT kind, subject, details, first_seen_at FROM ops.review WHERE kind = ? ORDER BY first_seen_at, subject LIMIT ?

-- name: name_conflicts
-- The names on cards whose names were in conflict, with the latest names of all buyers linked to a partner, and with
-- that of the KeyCRM product that shares the SKU of a product.
SELECT link.partner_id, NULL, NULL, card.name, list(newest.buyer_name)
FROM accounting.partner_links AS link
JOIN accounting.partners AS card USING (partner_id)
LEFT JOIN (
    SELECT buyer_id, arg_max(buyer_name, (ordered_at, order_id)) AS buyer_name
    FROM validated.orders
    WHERE buyer_id IN (SELECT buyer_id FROM accounting.partner_links WHERE partner_id IN (
        SELECT partner_id FROM accounting.partner_links WHERE name_conflict))
    GROUP BY buyer_id
) AS newest USING (buyer_id)
WHERE link.partner_id IN (SELECT partner_id FROM accounting.partner_links WHERE name_conflict)
GROUP BY link.partner_id, card.name
UNION ALL
SELECT NULL, shared.product_id, shared.crm_product_id, card.name, [coalesce(product.payload ->> 'name', shared.name)]
FROM ops.shared_skus AS shared
JOIN accounting.products AS card USING (product_id)
LEFT JOIN raw.products AS product USING (crm_product_id)

-- name: names_in_crm
-- Cards that the exchange made, with the name of the one product of KeyCRM that they are linked to, where it is written
-- otherwise. A card of several products is told as `shared_sku`.
SELECT card.product_id, card.name, product.payload ->> 'name'
FROM accounting.products AS card
JOIN (
    SELECT product_id, min(crm_product_id) AS crm_product_id FROM accounting.product_links
    GROUP BY product_id HAVING min(crm_product_id) = max(crm_product_id)
) AS link USING (product_id)
JOIN raw.products AS product USING (crm_product_id)
WHERE card.origin = 'keycrm' AND (product.payload ->> 'name') <> card.name
ORDER BY card.product_id

-- name: forget_renamed
DELETE FROM ops.renamed_products WHERE (product_id, crm_name) NOT IN (SELECT unnest(?), unnest(?))

-- name: keep_renamed
INSERT INTO ops.renamed_products BY NAME
SELECT DISTINCT product_id, crm_name, false AS is_ticked_off
FROM (SELECT unnest(?) AS product_id, unnest(?) AS crm_name) ANTI JOIN ops.renamed_products USING (product_id, crm_name)

-- name: take_over_name
UPDATE accounting.products SET name = ?, name_key = ?, updated_at = ? WHERE product_id = ?

-- name: delete_renamed_entry
DELETE FROM ops.review WHERE kind = 'product_renamed' AND subject = ?

-- name: settle_conflicts
UPDATE accounting.partner_links SET name_conflict = false WHERE partner_id IN (SELECT unnest(?))

-- name: settle_shared_skus
DELETE FROM ops.shared_skus WHERE (product_id, crm_product_id) IN (SELECT unnest(?), unnest(?))

-- name: tick_off_promoted
DELETE FROM ops.promoted_products WHERE product_id = ?

-- name: tick_off_shared
UPDATE ops.shared_skus SET is_ticked_off = true WHERE product_id = ? AND NOT is_ticked_off

-- name: tick_off_renamed
UPDATE ops.renamed_products SET is_ticked_off = true WHERE product_id = ? AND NOT is_ticked_off

-- name: delete_ticked_off
DELETE FROM ops.review WHERE kind IN ('product_promoted', 'product_renamed', 'shared_sku') AND subject = ?
