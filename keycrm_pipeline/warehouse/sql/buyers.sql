-- The custom fields of buyers, which KeyCRM does not send with orders.

-- name: buyers_to_ask
-- Buyers of the selected orders that were not asked for since a moment. KeyCRM's ids begin at 1.
SELECT DISTINCT buyer_id
FROM validated.orders SEMI JOIN staging.selected_orders USING (order_id)
ANTI JOIN (SELECT buyer_id FROM raw.buyers WHERE extracted_at >= $since) AS known USING (buyer_id)
WHERE buyer_id > 0
ORDER BY buyer_id

-- name: store_buyers
MERGE INTO raw.buyers AS stored USING (
    SELECT frame.*, $now AS extracted_at FROM buyers_frame AS frame ORDER BY buyer_id
) AS fresh USING (buyer_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME
