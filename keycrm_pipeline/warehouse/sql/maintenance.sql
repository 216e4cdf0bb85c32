-- The maintenance of a lake, which is attached as `warehouse`. See `engines.maintenance`.

-- name: tables
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_catalog = 'warehouse' AND table_type = 'BASE TABLE'
ORDER BY ALL

-- name: rows
SELECT count(*) FROM warehouse.{table}

-- name: files
SELECT coalesce(sum(file_count), 0) FROM ducklake_table_info('warehouse')

-- name: expire
-- The newest snapshot always stays.
CALL ducklake_expire_snapshots('warehouse', older_than => now() - to_days(?))

-- name: rewrite
-- Files most of whose rows were deleted, without those rows.
CALL ducklake_rewrite_data_files('warehouse')

-- name: merge
CALL ducklake_merge_adjacent_files('warehouse')

-- name: remove
-- Only files that the lake knows of. What a killed writer left is not listed there, and stays: another lake, whose
-- catalogue is elsewhere, might have it.
CALL ducklake_cleanup_old_files('warehouse', older_than => now() - to_days(?))
