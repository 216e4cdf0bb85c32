-- What only a rebuild brings into documents that are booked already.

-- name: settings
SELECT setting, digest FROM ops.derived_settings ORDER BY setting

-- name: any_document
SELECT 1 FROM accounting.orders LIMIT 1

-- name: columns
SELECT column_name FROM ops.unfilled_columns ORDER BY column_name

-- name: forget_settings
DELETE FROM ops.derived_settings

-- name: record_settings
INSERT INTO ops.derived_settings BY NAME
SELECT unnest($settings) AS setting, unnest($digests) AS digest

-- name: forget_columns
DELETE FROM ops.unfilled_columns

-- name: record_column
MERGE INTO ops.unfilled_columns AS stored USING (
    SELECT $column_name AS column_name, now() AS added_at
) AS fresh USING (column_name)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME
