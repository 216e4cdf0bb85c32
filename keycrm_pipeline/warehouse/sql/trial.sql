-- A rebuild that is tried on a copy of the file: the documents before it, and what it makes of them.

-- name: documents
-- Every document as groups of values that people recognise; `content` is all of it.
WITH goods AS (
    SELECT order_id, bit_xor(hash(line)) AS content FROM accounting.order_lines AS line GROUP BY order_id
), services AS (
    SELECT order_id, bit_xor(hash(line)) AS content FROM accounting.order_services AS line GROUP BY order_id
), payments AS (
    SELECT order_id, bit_xor(hash(payment)) AS content FROM accounting.order_payments AS payment GROUP BY order_id
)
SELECT
    document.order_id,
    hash(document.stage) AS stage,
    hash(document.responsible, document.author) AS responsible,
    hash(document.account) AS account,
    hash(document.organisation) AS organisation,
    hash(document.partner_id) AS partner,
    hash(document.comment) AS comment,
    hash(
        document.goods_total, document.services_total, document.discount_total, document.grand_total,
        document.difference, document.paid_total, document.currency
    ) AS sums,
    hash(goods.content) AS goods,
    hash(services.content) AS services,
    hash(payments.content) AS payments,
    hash(header, goods.content, services.content, payments.content) AS content
FROM accounting.orders AS document
JOIN (SELECT * EXCLUDE (created_at, updated_at) FROM accounting.orders) AS header USING (order_id)
LEFT JOIN goods USING (order_id)
LEFT JOIN services USING (order_id)
LEFT JOIN payments USING (order_id)

-- name: remember
CREATE TABLE main.documents_before AS {documents}

-- name: remember_movements
CREATE TABLE main.movements_before AS SELECT * FROM accounting.order_movements

-- name: compare_movements
WITH changed AS (
    SELECT order_id, 1 AS is_added
    FROM (SELECT * FROM accounting.order_movements EXCEPT ALL SELECT * FROM main.movements_before)
    UNION ALL
    SELECT order_id, 0
    FROM (SELECT * FROM main.movements_before EXCEPT ALL SELECT * FROM accounting.order_movements)
)
SELECT coalesce(sum(is_added), 0)::BIGINT, coalesce(sum(1 - is_added), 0)::BIGINT,
    coalesce(list_sort(list(DISTINCT order_id))[:5], [])
FROM changed

-- name: compare
CREATE TEMP TABLE documents_compared AS
SELECT
    coalesce(earlier.order_id, later.order_id) AS order_id,
    earlier.order_id IS NULL AS is_new,
    later.order_id IS NULL AS is_leaving,
    coalesce(earlier.content <> later.content, false) AS is_changed,
    {differences}
FROM main.documents_before AS earlier FULL JOIN ({documents}) AS later USING (order_id)

-- name: counts
SELECT
    count(*) FILTER (is_new) AS created,
    count(*) FILTER (is_changed) AS updated,
    count(*) FILTER (NOT is_new AND NOT is_changed AND NOT is_leaving) AS unchanged,
    count(*) FILTER (is_leaving) AS leaving
FROM documents_compared

-- name: differing
SELECT count(*), list_sort(list(order_id))[:5] FROM documents_compared WHERE {name}

-- name: otherwise
SELECT count(*), list_sort(list(order_id))[:5] FROM documents_compared WHERE is_changed AND NOT ({names})
