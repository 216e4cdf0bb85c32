-- Which orders have different rows in a batch and in the file.

-- name: differing_orders
-- Rows are compared by key; a row that exists on one side only differs in its key. Stored rows are looked up by rowid:
-- what a batch wrote lies together in the file even when the ids of its orders are far apart, and the columns of all
-- other rows are not read.
SELECT coalesce(staged.order_id, stored.order_id) AS order_id
FROM (SELECT * FROM {staged} SEMI JOIN {orders} USING (order_id)) AS staged
FULL JOIN (
    SELECT * FROM {stored} WHERE rowid IN (SELECT rowid FROM {stored} SEMI JOIN {orders} USING (order_id))
) AS stored ON {same_key}
WHERE {any_differs}
