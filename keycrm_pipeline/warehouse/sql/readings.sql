-- Which date KeyCRM's filter created_between was found to go by.

-- name: learn
-- A reading that is known already is not written again.
INSERT INTO ops.created_between_readings BY NAME
SELECT $now AS learned_at, $reading AS reading, $order_id AS order_id
WHERE $reading IS DISTINCT FROM (SELECT arg_max(reading, learned_at) FROM ops.created_between_readings)
ON CONFLICT (learned_at) DO UPDATE SET reading = excluded.reading, order_id = excluded.order_id

-- name: current
SELECT reading, learned_at, order_id FROM ops.created_between_readings ORDER BY learned_at DESC LIMIT 1
