-- Which date KeyCRM's filter created_between was found to go by.

-- name: learn
-- A reading that is known already is not written again.
MERGE INTO ops.created_between_readings AS stored USING (
    SELECT $now AS learned_at, $reading AS reading, $order_id AS order_id
    WHERE $reading IS DISTINCT FROM (SELECT arg_max(reading, learned_at) FROM ops.created_between_readings)
) AS fresh USING (learned_at)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: current
SELECT reading, learned_at, order_id FROM ops.created_between_readings ORDER BY learned_at DESC LIMIT 1
