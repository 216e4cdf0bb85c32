-- Which orders have other rows in a batch than in the file.

-- name: differing_orders
-- Row by row of one key; a row that is only on one side differs in its key.
SELECT coalesce(staged.order_id, stored.order_id) AS order_id
FROM (SELECT * FROM {staged} SEMI JOIN {orders} USING (order_id)) AS staged
FULL JOIN (SELECT * FROM {stored} SEMI JOIN {orders} USING (order_id)) AS stored ON {same_key}
WHERE {any_differs}
