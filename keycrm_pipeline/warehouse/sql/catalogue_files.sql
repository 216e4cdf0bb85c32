-- Cards of the accounting catalogue (R12), and the files that they were imported from.

-- name: digests
SELECT file_name, digest FROM ops.catalogue_files

-- name: has_conflicts
SELECT count(*) > 0 FROM ops.catalogue_conflicts

-- name: partners
SELECT partner_id, name, phone, email, origin, catalogue_id, as_of_ordered_at, as_of_order_id
FROM accounting.partners ORDER BY partner_id

-- name: update_partners
UPDATE accounting.partners AS card SET
    name = frame.name, phone = frame.phone, email = frame.email, origin = frame.origin,
    catalogue_id = frame.catalogue_id,
    name_key = frame.name_key, phone_key = frame.phone_key, email_key = frame.email_key, updated_at = $now
FROM cards_frame AS frame
WHERE card.partner_id = frame.partner_id

-- name: mark_links
-- Whether the names of card and buyers really differ is decided with the review list, which removes the mark if not.
UPDATE accounting.partner_links SET name_conflict = true WHERE partner_id IN (SELECT unnest(?))

-- name: update_products
UPDATE accounting.products AS card SET
    name = frame.name, sku = frame.sku, kind = frame.kind, unit = frame.unit, origin = frame.origin,
    catalogue_id = frame.catalogue_id, name_key = frame.name_key, sku_key = frame.sku_key, updated_at = $now
FROM cards_frame AS frame
WHERE card.product_id = frame.product_id

-- name: forget_files
DELETE FROM ops.catalogue_files WHERE file_name IN (SELECT unnest(?))

-- name: forget_conflicts
DELETE FROM ops.catalogue_conflicts

-- name: insert_conflicts
INSERT INTO ops.catalogue_conflicts BY NAME SELECT * FROM conflicts_frame ORDER BY catalogue_id

-- name: record_file
MERGE INTO ops.catalogue_files AS stored USING (
    SELECT $file_name AS file_name, $digest AS digest, $cards AS cards, $now AS read_at
) AS fresh USING (file_name)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME
