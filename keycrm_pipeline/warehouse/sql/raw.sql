-- Raw copies: payloads as they came, the pages of an unfinished listing, reference lists.

-- name: mark_stored
-- What is new or differs from what is stored, according to the digest: payloads are not read for it.
CREATE OR REPLACE TEMP TABLE fetched_changes AS
SELECT fetched.order_id, stored.order_id IS NOT NULL AS is_stored, stored.missing_since IS NOT NULL AS was_missing,
    coalesce(stored.payload_hash <> fetched.payload_hash, false) AS has_other_payload,
    coalesce(stored.version_no, 1) AS version_no, coalesce(stored.first_seen_at, stored.extracted_at) AS first_seen_at
FROM digests_frame AS fetched LEFT JOIN raw.orders AS stored USING (order_id)
WHERE stored.order_id IS NULL OR stored.payload_hash <> fetched.payload_hash
    OR stored.order_day IS DISTINCT FROM fetched.order_day OR stored.missing_since IS NOT NULL

-- name: changed_ids
-- With the version that is stored, if any.
SELECT order_id, was_missing, version_no, first_seen_at FROM fetched_changes

-- name: replaced_payloads
SELECT order_id, payload FROM raw.orders
WHERE order_id IN (SELECT order_id FROM fetched_changes WHERE has_other_payload)

-- name: keep_versions
-- Sorted, so that the versions of an order that arrive together with their neighbours' lie close together.
INSERT INTO raw.order_versions BY NAME
SELECT stored.order_id, changes.version_no, stored.payload, stored.crm_updated_at, changes.first_seen_at,
    $now AS replaced_at
FROM raw.orders AS stored JOIN fetched_changes AS changes USING (order_id)
WHERE stored.order_id IN (SELECT unnest($order_ids))
ORDER BY stored.order_day, stored.order_id

-- name: forget_versions
DELETE FROM raw.order_versions WHERE replaced_at < $before

-- name: delete_changed
DELETE FROM raw.orders WHERE order_id IN (SELECT order_id FROM fetched_changes WHERE is_stored)

-- name: insert_changed
INSERT INTO raw.orders BY NAME
SELECT order_id, order_day, payload, payload_hash, crm_updated_at, $now AS extracted_at, NULL AS missing_since,
    $exchange_id AS exchange_id, version_no, first_seen_at
FROM rows_frame

-- name: fetched_counts
SELECT count(*) FILTER (NOT is_stored), count(*) FILTER (is_stored) FROM fetched_changes

-- name: store_nameless
-- Records without a readable id or valid JSON cannot be stored among the orders; they are kept for inspection.
MERGE INTO ops.rejected_records AS stored USING (SELECT * FROM nameless_frame) AS fresh USING (record_key)
WHEN MATCHED THEN UPDATE SET order_day = fresh.order_day
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: forget_nameless
DELETE FROM ops.rejected_records
WHERE order_id IS NULL AND order_day BETWEEN $first_day AND $last_day
    AND record_key NOT IN (SELECT unnest($seen))

-- name: invalid_ids
SELECT order_id FROM rows_frame WHERE NOT json_valid(payload)

-- name: pages
SELECT page, total, order_ids, fetched_at FROM ops.extraction_pages WHERE listing = $listing AND fetched_at >= $not_before ORDER BY page

-- name: record_pages
MERGE INTO ops.extraction_pages AS stored USING (SELECT * FROM pages_frame) AS fresh USING (listing, page)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: forget_pages
DELETE FROM ops.extraction_pages WHERE list_contains($listings, listing)

-- name: forget_old_pages
DELETE FROM ops.extraction_pages WHERE fetched_at < $not_before

-- name: days_seen
SELECT order_day, count(*) FROM raw.orders WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY order_day ORDER BY order_day

-- name: reference_changes
MERGE INTO raw.reference_rows AS stored USING (
    SELECT frame.list_name, frame.row_id, frame.payload, $now AS extracted_at, true AS listed
    FROM reference_frame AS frame
    LEFT JOIN raw.reference_rows AS stored USING (list_name, row_id)
    WHERE stored.row_id IS NULL OR stored.payload::VARCHAR <> frame.payload OR NOT stored.listed
    ORDER BY list_name, row_id
) AS fresh USING (list_name, row_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: unlist_rows
UPDATE raw.reference_rows SET listed = false
WHERE listed AND list_name IN (SELECT unnest($list_names))
    AND (list_name, row_id) NOT IN (SELECT (list_name, row_id) FROM reference_frame)

-- name: record_reference_lists
MERGE INTO raw.reference_lists AS stored USING (
    SELECT unnest($list_names) AS list_name, $now AS refreshed_at
) AS fresh USING (list_name)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: reference_refreshed_at
SELECT list_name, refreshed_at FROM raw.reference_lists

-- name: reference_rows
SELECT list_name, row_id, payload::VARCHAR FROM raw.reference_rows WHERE listed ORDER BY list_name, row_id

-- name: reference_view
CREATE OR REPLACE VIEW raw.{list_name} AS
SELECT row_id AS {id_column}, coalesce(payload ->> 'name', payload ->> 'full_name') AS name, payload, extracted_at, listed
FROM raw.reference_rows WHERE list_name = '{list_name}'

-- name: booked_not_seen
-- Orders of the period that are in the books and that this listing did not return.
SELECT booked.order_id
FROM accounting.orders AS booked
LEFT JOIN raw.orders AS raw USING (order_id)
WHERE booked.order_day BETWEEN $first_day AND $last_day
    AND booked.order_id NOT IN (SELECT unnest($seen))
    AND raw.missing_since IS NULL
ORDER BY booked.order_id
LIMIT $most

-- name: created_outside
-- When the stored orders of a period that a listing did not return were created, if that was outside of its window.
SELECT validated.crm_created_at
FROM validated.orders AS validated
LEFT JOIN raw.orders AS raw USING (order_id)
WHERE validated.order_day BETWEEN $first_day AND $last_day
    AND validated.order_id NOT IN (SELECT unnest($seen))
    AND validated.crm_created_at NOT BETWEEN $window_start AND $window_end
    AND raw.missing_since IS NULL
ORDER BY validated.crm_created_at

-- name: seen_in_period
SELECT count(*) FROM raw.orders
WHERE order_day BETWEEN $first_day AND $last_day AND order_id IN (SELECT unnest($seen))

-- name: not_marked
SELECT order_id FROM raw.orders WHERE order_id IN (SELECT unnest($order_ids)) AND missing_since IS NULL

-- name: mark_missing
UPDATE raw.orders SET missing_since = $now WHERE order_id IN (SELECT unnest($order_ids))

-- name: note_absences
-- Also of orders that an older program marked.
INSERT INTO raw.order_absences BY NAME
SELECT found.order_id, found.missing_since AS absent_since, coalesce(found.version_no, 1) AS version_no
FROM raw.orders AS found
ANTI JOIN raw.order_absences AS known
    ON known.order_id = found.order_id AND known.absent_since = found.missing_since
WHERE found.order_id IN (SELECT unnest($order_ids)) AND found.missing_since IS NOT NULL

-- name: end_absences
UPDATE raw.order_absences SET listed_again_at = $now
WHERE order_id IN (SELECT unnest($order_ids)) AND listed_again_at IS NULL

-- name: stored_ids
SELECT order_id FROM raw.orders WHERE order_id IN (SELECT unnest($order_ids))

-- name: forget_rejected
-- Nothing is left to fix in KeyCRM.
DELETE FROM ops.rejected_records WHERE order_id IN (SELECT unnest($order_ids))

-- name: touch_orders
-- The documents of orders that were found missing or are back are derived again by this exchange.
UPDATE validated.orders SET exchange_id = $exchange_id WHERE order_id IN (SELECT unnest($order_ids))
