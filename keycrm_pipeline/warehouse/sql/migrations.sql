-- Statements about the version of the file.

-- name: kind_of_database
SELECT type FROM duckdb_databases() WHERE database_name = current_database()

-- name: create_version_table
-- No computed default value: DuckDB 1.5 cannot replay comments on a table that has one from the log that a killed
-- program leaves, unless the file is attached to another.
CREATE TABLE IF NOT EXISTS ops.schema_version (
    version INTEGER {key},
    migrated_at TIMESTAMPTZ NOT NULL,
    digest VARCHAR
);
-- Files from before the digest have no such column.
ALTER TABLE ops.schema_version ADD COLUMN IF NOT EXISTS digest VARCHAR;
COMMENT ON TABLE ops.schema_version IS 'One version that this file was brought to; the highest one counts.';
COMMENT ON COLUMN ops.schema_version.version IS 'Number of the newest migration.';
COMMENT ON COLUMN ops.schema_version.migrated_at IS 'When the file was last brought to it.';
COMMENT ON COLUMN ops.schema_version.digest IS 'Digest of the tables, comments and views at that time.';

-- name: newest_version
-- All columns: a file from before the digest has none.
SELECT * FROM ops.schema_version ORDER BY version DESC LIMIT 1

-- name: record_version
MERGE INTO ops.schema_version AS stored USING (
    SELECT $version AS version, now() AS migrated_at, $digest AS digest
) AS fresh USING (version)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: columns_of
SELECT column_name FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = ? AND table_name = ?

-- name: forget_days_never_fetched
-- A load asks for the statuses at least, so an exchange without a request fetched nothing; unless another one that
-- succeeded had fetched the day before it.
DELETE FROM ops.loaded_days WHERE order_day IN (
    SELECT loaded.order_day
    FROM ops.loaded_days AS loaded JOIN ops.exchanges AS own USING (exchange_id)
    WHERE own.requests = 0 AND NOT EXISTS (
        FROM ops.exchanges AS fetching
        WHERE fetching.kind = 'period' AND fetching.status = 'succeeded' AND fetching.requests > 0
            AND loaded.order_day BETWEEN fetching.period_from AND fetching.period_to))
RETURNING order_day

-- name: record_fetched_days
INSERT INTO ops.fetched_days BY NAME
SELECT order_day, loaded_at AS fetched_at, exchange_id,
    ['orders', 'partners', 'products', 'raw_orders', 'sources', 'statuses', 'validated_orders'] AS stages
FROM ops.loaded_days

-- name: skus_of_sold_items
UPDATE validated.sold_items AS item SET sku = line.sku
FROM (SELECT item_key, any_value(sku) AS sku FROM validated.order_lines WHERE sku IS NOT NULL GROUP BY item_key) AS line
WHERE line.item_key = item.item_key

-- name: shared_skus_so_far
-- Products of KeyCRM that were given one card by their SKU before this was listed, by a placeholder too (R4.1). Those
-- whose names differ in blanks, case or apostrophes only are forgotten with the next refresh of the review list.
INSERT INTO ops.shared_skus BY NAME
WITH shared AS (
    SELECT * FROM accounting.product_links
    WHERE product_id IN (
        SELECT product_id FROM accounting.product_links GROUP BY product_id HAVING count(DISTINCT crm_product_id) > 1)
        AND crm_product_id IS NOT NULL
),
sold AS (
    SELECT crm_product_id, arg_max(name, order_id) AS name FROM validated.order_lines
    WHERE crm_product_id IN (SELECT crm_product_id FROM shared)
    GROUP BY crm_product_id
)
SELECT shared.product_id, shared.crm_product_id, any_value(coalesce(variant.sku, card.sku)) AS sku,
    any_value(coalesce(product.payload ->> 'name', sold.name)) AS name, false AS is_ticked_off
FROM shared
JOIN accounting.products AS card ON card.product_id = shared.product_id
LEFT JOIN accounting.product_variants AS variant ON variant.variant_id = shared.variant_id
LEFT JOIN raw.products AS product ON product.crm_product_id = shared.crm_product_id
LEFT JOIN sold ON sold.crm_product_id = shared.crm_product_id
GROUP BY shared.product_id, shared.crm_product_id, card.name
HAVING any_value(coalesce(variant.sku, card.sku)) IS NOT NULL
    AND any_value(coalesce(product.payload ->> 'name', sold.name)) <> card.name

-- name: collapsed_sku_keys
-- SKUs with blanks inside are compared in another form now. Of several that are one SKU in it, the one that a load finds
-- first keeps it: that of a card before that of a variant, each by number.
CREATE TEMP TABLE collapsed_sku_keys AS
WITH collapsed AS (
    SELECT product_id, NULL AS variant_id, sku_key, trim(regexp_replace(sku_key, '[\s\v\p{Z}]+', ' ', 'g')) AS new_key
    FROM accounting.products WHERE sku_key IS NOT NULL
    UNION ALL
    SELECT product_id, variant_id, sku_key, trim(regexp_replace(sku_key, '[\s\v\p{Z}]+', ' ', 'g'))
    FROM accounting.product_variants WHERE sku_key IS NOT NULL
)
SELECT *, row_number() OVER (
    PARTITION BY new_key ORDER BY variant_id IS NOT NULL, variant_id, product_id) > 1 AS is_doubled
FROM collapsed
QUALIFY is_doubled OR new_key <> sku_key

-- name: collapse_product_skus
UPDATE accounting.products AS card SET
    sku = CASE WHEN NOT is_doubled THEN card.sku END, sku_key = CASE WHEN NOT is_doubled THEN new_key END,
    updated_at = CASE WHEN is_doubled THEN now() ELSE card.updated_at END
FROM collapsed_sku_keys AS collapsed
WHERE collapsed.product_id = card.product_id AND collapsed.variant_id IS NULL

-- name: collapse_variant_skus
UPDATE accounting.product_variants AS variant SET
    sku = CASE WHEN NOT is_doubled THEN variant.sku END, sku_key = CASE WHEN NOT is_doubled THEN new_key END,
    updated_at = CASE WHEN is_doubled THEN now() ELSE variant.updated_at END
FROM collapsed_sku_keys AS collapsed
WHERE collapsed.variant_id = variant.variant_id

-- name: keep_exported_cards
CREATE OR REPLACE TEMP TABLE kept_exported_cards AS
SELECT * REPLACE (coalesce(organisation, '') AS organisation) FROM ops.exported_cards

-- name: return_exported_cards
INSERT INTO ops.exported_cards BY NAME SELECT * FROM kept_exported_cards

-- name: shipments_of_validated_orders
-- An export by day of shipment used to read that day from the payload. Of orders whose newest payload was rejected, the
-- last good one is not stored.
UPDATE validated.orders AS booked SET
    shipped_at = CAST(TRY_CAST(left(raw.payload ->> '$.shipping.shipping_date_actual', 10) AS DATE) AS TIMESTAMP)
        AT TIME ZONE 'UTC',
    was_shipped = coalesce(lower(raw.payload ->> '$.shipping.was_shipped') IN ('true', '1'), false),
    warehouse = nullif(trim(raw.payload ->> '$.warehouse.name'), '')
FROM raw.orders AS raw
WHERE raw.order_id = booked.order_id AND raw.payload_hash = booked.payload_hash

-- name: shipments_of_documents
UPDATE accounting.orders AS document SET
    shipping_status = booked.shipping_status,
    was_shipped = booked.was_shipped,
    shipped_on = CAST(booked.shipped_at AT TIME ZONE 'UTC' AS DATE),
    warehouse = booked.warehouse
FROM validated.orders AS booked
WHERE booked.order_id = document.order_id
