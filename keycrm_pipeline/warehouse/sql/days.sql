-- Days that were fetched, the stages that have finished for them since, and days that are loaded (R1).

-- name: record_fetched
MERGE INTO ops.fetched_days AS stored USING (
    SELECT CAST(day AS DATE) AS order_day, $now AS fetched_at, $exchange_id AS exchange_id, ['raw_orders'] AS stages
    FROM generate_series(CAST($first_day AS DATE), CAST($last_day AS DATE), INTERVAL 1 DAY) AS days (day)
) AS fresh USING (order_day)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: record_stages
UPDATE ops.fetched_days SET stages = list_sort(list_distinct(list_concat(stages, $stages)))
WHERE order_day BETWEEN $first_day AND $last_day AND NOT list_has_all(stages, $stages)

-- name: lacking
-- Days of a period for which some stages have not finished since they were fetched; those never fetched first.
SELECT CAST(day AS DATE) AS order_day, fetched.order_day IS NOT NULL AS is_fetched
FROM generate_series(CAST($first_day AS DATE), CAST($last_day AS DATE), INTERVAL 1 DAY) AS days (day)
LEFT JOIN ops.fetched_days AS fetched ON fetched.order_day = CAST(day AS DATE)
WHERE fetched.order_day IS NULL OR NOT list_has_all(fetched.stages, $stages)
ORDER BY is_fetched, order_day

-- name: record_loaded
MERGE INTO ops.loaded_days AS stored USING (
    SELECT CAST(day AS DATE) AS order_day, $now AS loaded_at, $exchange_id AS exchange_id,
        count(raw.order_id) AS orders_seen
    FROM generate_series(CAST($first_day AS DATE), CAST($last_day AS DATE), INTERVAL 1 DAY) AS days (day)
    LEFT JOIN (SELECT order_id, order_day FROM raw.orders WHERE order_day BETWEEN $first_day AND $last_day) AS raw
        ON raw.order_day = CAST(day AS DATE)
    GROUP BY day
) AS fresh USING (order_day)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: loaded
SELECT order_day FROM ops.loaded_days WHERE order_day BETWEEN $first_day AND $last_day ORDER BY order_day

-- name: newest_loaded
SELECT max(order_day) FROM ops.loaded_days

-- name: missing
-- Days since the first loaded one that were never loaded completely; nobody has asked for earlier days.
SELECT CAST(day AS DATE)
FROM generate_series((SELECT min(order_day) FROM ops.loaded_days), CAST($until AS DATE), INTERVAL 1 DAY) AS days (day)
WHERE CAST(day AS DATE) NOT IN (SELECT order_day FROM ops.loaded_days)
ORDER BY day

-- name: left_out
-- Stored orders that stay out of the books because of their day: of these ids, or of all.
SELECT count(*) FILTER (order_day < $start_date), count(*) FILTER (order_day >= $start_date)
FROM (
    SELECT order_id, order_day FROM raw.orders
    WHERE (order_day < $start_date OR order_day NOT IN (SELECT order_day FROM ops.loaded_days))
        AND ($of_all OR order_id IN (SELECT unnest($order_ids)))
) AS outside
ANTI JOIN accounting.orders AS booked USING (order_id)
