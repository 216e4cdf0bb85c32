-- The review list, rejected orders, days that were not loaded, and the exchange log.

-- name: exchanges
SELECT exchange_id, kind, period_from, period_to, started_at, seconds, status, orders_seen, orders_created,
    orders_updated, orders_unchanged, orders_rejected, requests, error, error_coded
FROM reports.exchange_summary
ORDER BY exchange_id DESC
LIMIT $most

-- name: review_counts
SELECT kind, rows FROM reports.review_summary ORDER BY kind

-- name: review
WITH numbered AS (
    SELECT kind, subject, details, details_coded, first_seen_at, try_cast(subject AS BIGINT) AS subject_id,
        row_number() OVER (PARTITION BY kind ORDER BY first_seen_at, try_cast(subject AS BIGINT), subject) AS position
    FROM ops.review
    WHERE $kind IS NULL OR kind = $kind
),
by_status AS (SELECT status_id, max(order_id) AS order_id FROM accounting.orders GROUP BY status_id),
by_manager AS (SELECT manager_id, max(order_id) AS order_id FROM accounting.orders GROUP BY manager_id),
by_partner AS (
    SELECT partner_id, max(conflict_order_id) AS order_id FROM accounting.partner_links WHERE name_conflict GROUP BY partner_id
),
-- Read each time, for people only: the table's own sentences are free of names, because Dagster shows the list as well.
newest_names AS (
    SELECT buyer_id,
        regexp_replace(trim(arg_max(buyer_name, (ordered_at, order_id))), '\s+', ' ', 'g') AS buyer_name
    FROM validated.orders
    WHERE buyer_id IN (SELECT buyer_id FROM accounting.partner_links JOIN by_partner USING (partner_id))
    GROUP BY buyer_id
),
disagreeing AS (
    -- A card has the name of its newest buyer, so any other buyer of it may be the one that disagrees.
    SELECT link.partner_id, card.name AS card_name,
        list_sort(list_distinct(list(newest.buyer_name))) AS buyer_names
    FROM accounting.partner_links AS link
    JOIN by_partner USING (partner_id)
    JOIN accounting.partners AS card USING (partner_id)
    JOIN newest_names AS newest USING (buyer_id)
    WHERE lower(newest.buyer_name) <> lower(card.name)
    GROUP BY link.partner_id, card.name
)
SELECT
    review.kind,
    review.subject,
    review.details,
    CAST(review.details_coded AS VARCHAR) AS details_coded,
    review.first_seen_at,
    CASE review.kind
        WHEN 'unmapped_status' THEN by_status.order_id
        WHEN 'unmapped_manager' THEN by_manager.order_id
        WHEN 'partner_name_conflict' THEN by_partner.order_id
        WHEN 'order_difference' THEN review.subject_id
        WHEN 'payment_conflict' THEN review.subject_id
        WHEN 'receipt_conflict' THEN review.subject_id
        WHEN 'currency_conflict' THEN review.subject_id
        WHEN 'day_out_of_reach' THEN review.subject_id
        WHEN 'rejected_order' THEN rejected.order_id
    END AS order_id,
    disagreeing.card_name,
    coalesce(disagreeing.buyer_names, []) AS buyer_names,
    nullif(trim(manager.payload ->> 'full_name'), '') AS manager_name
FROM numbered AS review
LEFT JOIN by_status ON by_status.status_id = review.subject_id
LEFT JOIN by_manager ON by_manager.manager_id = review.subject_id
LEFT JOIN by_partner ON by_partner.partner_id = review.subject_id
LEFT JOIN disagreeing ON review.kind = 'partner_name_conflict' AND disagreeing.partner_id = review.subject_id
LEFT JOIN ops.rejected_records AS rejected ON rejected.record_key = review.subject
LEFT JOIN raw.reference_rows AS manager
    ON review.kind = 'unmapped_manager' AND manager.list_name = 'users' AND manager.row_id = review.subject_id
WHERE $most IS NULL OR review.position <= $most
ORDER BY review.kind, review.position

-- name: rejected
SELECT order_id, order_day, reasons, CAST(reasons_coded AS VARCHAR) AS reasons_coded, rejected_at
FROM ops.rejected_records
ORDER BY rejected_at DESC, record_key
LIMIT $most

-- name: count_rejected
SELECT count(*) FROM ops.rejected_records

-- name: rejections_of_period
SELECT reason, CAST(reason_coded AS VARCHAR) AS reason_coded, sum(orders)::BIGINT AS orders
FROM reports.rejections_by_reason
WHERE order_day BETWEEN $first_day AND $last_day
GROUP BY ALL
ORDER BY orders DESC, reason

-- name: days_not_loaded
SELECT CAST(day AS DATE) AS day
FROM generate_series($first_day::TIMESTAMP, $last_day::TIMESTAMP, INTERVAL 1 DAY) AS days(day)
ANTI JOIN ops.loaded_days ON ops.loaded_days.order_day = CAST(days.day AS DATE)
ORDER BY day
