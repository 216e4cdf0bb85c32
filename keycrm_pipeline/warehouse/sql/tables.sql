-- Tables and views as a whole, for people and programs that read the books.

-- name: columns
-- Columns of every table and view that can be read, with the table's name.
SELECT schema_name || '.' || table_name AS name, list(column_name ORDER BY column_index) AS columns
FROM duckdb_columns()
WHERE schema_name IN ('raw', 'validated', 'accounting', 'ops', 'reports') AND NOT internal
GROUP BY schema_name, table_name

-- name: whole
SELECT {columns} FROM {table}

-- name: of_days
SELECT {columns} FROM {table} WHERE order_day BETWEEN $first_day AND $last_day

-- name: of_orders
-- The day of a line or a payment is that of its order.
SELECT {columns} FROM {table}
SEMI JOIN (SELECT order_id FROM accounting.orders WHERE order_day BETWEEN $first_day AND $last_day) USING (order_id)
