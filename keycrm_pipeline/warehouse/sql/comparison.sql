-- Which orders have other rows in a batch than in the file.

-- name: differing_orders
-- Row by row of one key; a row that is only on one side differs in its key. Stored rows are looked up by their place:
-- what a batch wrote lies together in the file, also where the ids of its orders are far apart, and all columns of the
-- other rows stay unread.
SELECT coalesce(staged.order_id, stored.order_id) AS order_id
FROM (SELECT * FROM {staged} SEMI JOIN {orders} USING (order_id)) AS staged
FULL JOIN (
    SELECT * FROM {stored} WHERE rowid IN (SELECT rowid FROM {stored} SEMI JOIN {orders} USING (order_id))
) AS stored ON {same_key}
WHERE {any_differs}
