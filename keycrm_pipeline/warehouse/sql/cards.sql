-- Cards: partners, products, statuses, sources. Only the cards that a load can match are read, so that its cost grows
-- with the orders loaded and not with the cards stored.

-- name: select_orders
-- The orders whose documents are derived (R1, R2): of the period, or of another day and touched by this exchange. A
-- booked order always follows KeyCRM; any other enters the books if its status is chosen and its day is loaded and not
-- before start_date, and otherwise stays raw. One that now fails its checks keeps its last good document (R10), which is
-- not missing any more if KeyCRM has the order again; one that KeyCRM no longer has does not enter (R11).
CREATE OR REPLACE TABLE staging.selected_orders AS
SELECT validated.order_id
FROM validated.orders AS validated
LEFT JOIN (SELECT DISTINCT order_id FROM ops.rejected_records) AS rejected ON rejected.order_id = validated.order_id
LEFT JOIN accounting.orders AS booked ON booked.order_id = validated.order_id
LEFT JOIN (SELECT order_id FROM raw.orders WHERE missing_since IS NOT NULL) AS missing
    ON missing.order_id = validated.order_id
WHERE (validated.order_day BETWEEN $first_day AND $last_day OR validated.exchange_id = $exchange_id)
    AND (rejected.order_id IS NULL OR (booked.missing_in_crm AND missing.order_id IS NULL))
    AND (
        booked.order_id IS NOT NULL
        OR (
            missing.order_id IS NULL
            AND ($all_statuses OR validated.status_id IN (SELECT unnest($status_ids)))
            AND validated.order_day >= $start_date
            AND (
                ($is_loaded AND validated.order_day BETWEEN $first_day AND $last_day)
                OR validated.order_day IN (SELECT order_day FROM ops.loaded_days)
            )
        )
    )

-- name: buyers_on_orders
-- The buyers of the orders of some days, in order of the orders. Orders that cannot change a card are left out: those
-- of a linked buyer that are not newer than the order that the card follows and say the same as the card or, if they
-- are older, only concern fields that are filled. Repeated orders of a buyer stay: another buyer of the same card may
-- have changed it in between, and its contents decide which buyer is matched to it next.
WITH buyers AS (
    SELECT order_id, ordered_at, buyer_id, buyer_name, buyer_phone, buyer_email
    FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
    WHERE buyer_id IS NOT NULL AND order_day BETWEEN $first_day AND $last_day
),
compared AS (
    SELECT buyer.*,
        -- Comparing rows, NULL is the largest value: a buyer without a card would count as not newer.
        card.partner_id IS NOT NULL
            AND (ordered_at, order_id) <= (card.as_of_ordered_at, card.as_of_order_id) AS is_not_newer,
        card.partner_id IS NOT NULL
            AND (ordered_at, order_id) < (card.as_of_ordered_at, card.as_of_order_id) AS is_older,
        card.name AS card_name, card.phone AS card_phone, card.email AS card_email
    FROM buyers AS buyer
    LEFT JOIN accounting.partner_links AS link USING (buyer_id)
    LEFT JOIN accounting.partners AS card USING (partner_id)
)
SELECT order_id, ordered_at, buyer_id, buyer_name, buyer_phone, buyer_email
FROM compared
WHERE NOT (
    is_not_newer
    AND (buyer_name IS NULL OR coalesce(buyer_name = card_name, false)
        OR (is_older AND card_name IS DISTINCT FROM card_phone AND card_name IS DISTINCT FROM card_email))
    AND (buyer_phone IS NULL OR coalesce(buyer_phone = card_phone, false) OR (is_older AND card_phone IS NOT NULL))
    AND (buyer_email IS NULL OR coalesce(buyer_email = card_email, false) OR (is_older AND card_email IS NOT NULL))
)
UNION ALL
(
    SELECT order_id, ordered_at, NULL, NULL, NULL, NULL
    FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
    WHERE buyer_id IS NULL AND order_day BETWEEN $first_day AND $last_day
    ORDER BY ordered_at, order_id LIMIT 1
)
ORDER BY ordered_at, order_id

-- name: partners_used
SELECT count(DISTINCT coalesce(link.partner_id, 0))
FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
LEFT JOIN accounting.partner_links AS link USING (buyer_id)

-- name: partner_candidates
SELECT DISTINCT ON (card.partner_id)
    card.partner_id, card.name, card.phone, card.email, card.origin, card.catalogue_id,
    card.as_of_ordered_at, card.as_of_order_id
FROM accounting.partners AS card
WHERE card.partner_id IN (SELECT link.partner_id FROM accounting.partner_links AS link
        JOIN keys_frame AS keys ON keys.buyer_id = link.buyer_id)
    OR card.phone_key IN (SELECT phone_key FROM keys_frame WHERE phone_key IS NOT NULL)
    OR card.email_key IN (SELECT email_key FROM keys_frame WHERE email_key IS NOT NULL)
    OR card.name_key = $default_partner_key
ORDER BY card.partner_id

-- name: partner_link_candidates
SELECT link.buyer_id, link.partner_id
FROM accounting.partner_links AS link
SEMI JOIN keys_frame AS keys ON keys.buyer_id = link.buyer_id

-- name: next_partner_id
SELECT coalesce(max(partner_id), 0) + 1 FROM accounting.partners

-- name: insert_partners
INSERT INTO accounting.partners BY NAME
SELECT frame.*, $now AS created_at, $now AS updated_at FROM cards_frame AS frame ORDER BY partner_id

-- name: update_partners
UPDATE accounting.partners AS card SET
    name = frame.name, phone = frame.phone, email = frame.email,
    name_key = frame.name_key, phone_key = frame.phone_key, email_key = frame.email_key,
    as_of_ordered_at = frame.as_of_ordered_at, as_of_order_id = frame.as_of_order_id,
    updated_at = $now
FROM cards_frame AS frame
WHERE card.partner_id = frame.partner_id

-- name: confirm_partners
-- Their contents are the same; only the order that they follow is newer.
UPDATE accounting.partners AS card SET
    as_of_ordered_at = frame.as_of_ordered_at, as_of_order_id = frame.as_of_order_id
FROM cards_frame AS frame
WHERE card.partner_id = frame.partner_id

-- name: insert_partner_links
INSERT INTO accounting.partner_links BY NAME
SELECT frame.*, $now AS created_at FROM links_frame AS frame ORDER BY buyer_id

-- name: sold_items
-- One row per distinct item, in order of first appearance by (date, order, line). Lines of one item_key are equal in
-- everything that identifies the item. Paid delivery is an item too: it follows the lines of its order.
WITH ranked AS (
    SELECT order_id, shipping_price, 100000 * row_number() OVER (ORDER BY ordered_at, order_id) AS place
    FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
),
items AS (
    SELECT line.item_key, any_value(line.sku) AS sku, any_value(line.name) AS name, any_value(line.unit) AS unit,
        any_value(line.offer_id) AS offer_id, any_value(line.offer_sku) AS offer_sku,
        any_value(line.offer_barcode) AS offer_barcode, any_value(line.crm_product_id) AS crm_product_id,
        any_value(line.characteristics) AS characteristics,
        any_value(line.offer_characteristics) AS offer_characteristics,
        min(ranked.place + line.line_no) AS first_place
    -- By rowid, as in comparison.sql: an order with an id far from the others must not cause all lines to be read.
    FROM (
        SELECT * FROM validated.order_lines
        WHERE rowid IN (SELECT rowid FROM validated.order_lines SEMI JOIN staging.selected_orders USING (order_id))
    ) AS line JOIN ranked USING (order_id)
    GROUP BY line.item_key
    UNION ALL
    SELECT $delivery_item, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, min(place) + 99999
    FROM ranked WHERE shipping_price > 0 HAVING count(*) > 0
)
SELECT * EXCLUDE (first_place) FROM items ORDER BY first_place

-- name: products
SELECT product_id, name, sku, kind, unit, category_id, category_name, origin, catalogue_id
FROM accounting.products ORDER BY product_id

-- name: product_variants
SELECT variant_id, product_id, sku, barcode, characteristics, offer_id
FROM accounting.product_variants ORDER BY variant_id

-- name: product_links
SELECT offer_id, crm_product_id, product_id, variant_id FROM accounting.product_links ORDER BY offer_id

-- name: met_products
-- Cards that an item can match: by its SKU or a variant's, by a link of its offer or product, or by its name (R4).
CREATE OR REPLACE TEMP TABLE met_products AS
SELECT product_id FROM accounting.products
WHERE sku_key IN (SELECT unnest($sku_keys)) OR name_key IN (SELECT unnest($name_keys))
UNION
SELECT product_id FROM accounting.product_variants WHERE sku_key IN (SELECT unnest($sku_keys))
UNION
SELECT product_id FROM accounting.product_links
WHERE offer_id IN (SELECT unnest($offer_ids)) OR crm_product_id IN (SELECT unnest($crm_product_ids))

-- name: candidate_products
SELECT product_id, name, sku, kind, unit, category_id, category_name, origin, catalogue_id
FROM accounting.products SEMI JOIN met_products USING (product_id) ORDER BY product_id

-- name: candidate_variants
SELECT variant_id, product_id, sku, barcode, characteristics, offer_id
FROM accounting.product_variants SEMI JOIN met_products USING (product_id) ORDER BY variant_id

-- name: candidate_links
SELECT offer_id, crm_product_id, product_id, variant_id
FROM accounting.product_links SEMI JOIN met_products USING (product_id) ORDER BY offer_id

-- name: next_product_ids
SELECT
    (SELECT coalesce(max(product_id), 0) + 1 FROM accounting.products),
    (SELECT coalesce(max(variant_id), 0) + 1 FROM accounting.product_variants)

-- name: insert_products
INSERT INTO accounting.products BY NAME
SELECT frame.*, $now AS created_at, $now AS updated_at FROM cards_frame AS frame ORDER BY product_id

-- name: update_products
UPDATE accounting.products AS card SET
    name = frame.name, sku = frame.sku, kind = frame.kind, unit = frame.unit,
    category_id = frame.category_id, category_name = frame.category_name,
    name_key = frame.name_key, sku_key = frame.sku_key, updated_at = $now
FROM cards_frame AS frame
WHERE card.product_id = frame.product_id

-- name: insert_product_variants
INSERT INTO accounting.product_variants BY NAME
SELECT frame.*, $now AS created_at, $now AS updated_at FROM variants_frame AS frame ORDER BY variant_id

-- name: update_product_variants
UPDATE accounting.product_variants AS variant SET
    sku = frame.sku, barcode = frame.barcode, characteristics = frame.characteristics, offer_id = frame.offer_id,
    sku_key = frame.sku_key, updated_at = $now
FROM variants_frame AS frame
WHERE variant.variant_id = frame.variant_id

-- name: upsert_product_links
MERGE INTO accounting.product_links AS stored USING (
    SELECT * FROM links_frame ORDER BY offer_id
) AS fresh USING (offer_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: upsert_sold_items
MERGE INTO validated.sold_items AS stored USING (
    SELECT frame.* FROM items_frame AS frame
    LEFT JOIN validated.sold_items AS stored USING (item_key)
    WHERE stored.product_id IS DISTINCT FROM frame.product_id OR stored.variant_id IS DISTINCT FROM frame.variant_id
        OR stored.sku IS DISTINCT FROM frame.sku
    ORDER BY item_key
) AS fresh USING (item_key)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: upsert_ambiguous_names
MERGE INTO ops.ambiguous_names AS stored USING (SELECT * FROM names_frame ORDER BY name) AS fresh USING (name)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: insert_promoted_products
INSERT INTO ops.promoted_products BY NAME
SELECT * FROM promoted_frame ANTI JOIN ops.promoted_products USING (product_id) ORDER BY product_id

-- name: insert_shared_skus
-- One that was ticked off stays so when a later load meets it.
INSERT INTO ops.shared_skus BY NAME
SELECT * FROM shared_frame ANTI JOIN ops.shared_skus USING (product_id, crm_product_id)
ORDER BY product_id, crm_product_id

-- name: selected_statuses
-- Every status that an order of the period has, including those that no booked order has.
SELECT status_id, arg_max(status_name, order_id) AS name, arg_max(status_alias, order_id) AS alias,
    arg_max(status_group_id, order_id) AS group_id
FROM validated.orders
WHERE order_day BETWEEN $first_day AND $last_day OR exchange_id = $exchange_id
GROUP BY status_id ORDER BY status_id

-- name: selected_sources
SELECT DISTINCT source_id
FROM validated.orders
WHERE (order_day BETWEEN $first_day AND $last_day OR exchange_id = $exchange_id) AND source_id IS NOT NULL
ORDER BY source_id

-- name: reference_rows
SELECT row_id, CAST(payload AS VARCHAR), listed FROM raw.reference_rows WHERE list_name = ? ORDER BY row_id

-- name: statuses
SELECT status_id, name, alias, group_id, group_name, stage, is_mapped, is_loaded
FROM accounting.statuses ORDER BY status_id

-- name: upsert_statuses
MERGE INTO accounting.statuses AS stored USING (
    SELECT * FROM statuses_frame ORDER BY status_id
) AS fresh USING (status_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: sources
SELECT source_id, name, driver, currency FROM accounting.sources ORDER BY source_id

-- name: upsert_sources
MERGE INTO accounting.sources AS stored USING (
    SELECT * FROM sources_frame ORDER BY source_id
) AS fresh USING (source_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: known_catalogue_products
SELECT crm_product_id, CAST(payload AS VARCHAR) FROM raw.products
WHERE crm_product_id IN (SELECT unnest($crm_product_ids))

-- name: known_catalogue_offers
SELECT offer_id, crm_product_id, CAST(payload AS VARCHAR) FROM raw.offers
WHERE crm_product_id IN (SELECT unnest($crm_product_ids))

-- name: upsert_catalogue_products
MERGE INTO raw.products AS stored USING (
    SELECT frame.*, $now AS extracted_at FROM products_frame AS frame
    LEFT JOIN raw.products AS stored USING (crm_product_id)
    WHERE stored.crm_product_id IS NULL OR stored.payload::VARCHAR IS DISTINCT FROM frame.payload
    ORDER BY crm_product_id
) AS fresh USING (crm_product_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: delete_vanished_offers
DELETE FROM raw.offers
WHERE crm_product_id IN (SELECT crm_product_id FROM products_frame)
    AND offer_id NOT IN (SELECT offer_id FROM offers_frame)

-- name: upsert_catalogue_offers
MERGE INTO raw.offers AS stored USING (
    SELECT frame.*, $now AS extracted_at FROM offers_frame AS frame
    LEFT JOIN raw.offers AS stored USING (offer_id)
    WHERE stored.offer_id IS NULL OR stored.payload::VARCHAR IS DISTINCT FROM frame.payload
    ORDER BY offer_id
) AS fresh USING (offer_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME
