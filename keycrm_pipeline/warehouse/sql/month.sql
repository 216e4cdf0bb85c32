-- The month's end: what is open in it, the money of its days, and payments that were cancelled in it.

-- name: counts
-- Orders by their own day. A rejected record without a readable day may be of any month; one of a booked order counts
-- for that order's day too.
WITH month_orders AS (
    SELECT order_id, status_id, manager_id FROM accounting.orders WHERE order_day BETWEEN $first_day AND $last_day
)
SELECT
    (SELECT count(*) FROM ops.rejected_records AS record
        WHERE coalesce(record.order_day BETWEEN $first_day AND $last_day, true)
            OR record.order_id IN (SELECT order_id FROM month_orders)) AS rejected,
    (SELECT count(DISTINCT status_id) FROM month_orders JOIN accounting.statuses AS status USING (status_id)
        WHERE NOT status.is_mapped) AS unmapped_statuses,
    (SELECT count(DISTINCT manager_id) FROM month_orders
        WHERE manager_id NOT IN (SELECT unnest(CAST($manager_ids AS BIGINT[])))) AS unmapped_managers,
    (SELECT count(*) FROM ops.review WHERE kind = 'receipt_conflict'
        AND subject IN (SELECT CAST(order_id AS VARCHAR) FROM month_orders)) AS receipt_conflicts

-- name: newest_hand_over
-- The export that says how this month is handed over: in which format, by whose day, and of one organisation or of all.
SELECT format, organisation, decided_by, handed_over_at
FROM ops.hand_overs
WHERE period_from <= $last_day AND period_to >= $first_day AND coalesce(format = $format, true)
ORDER BY hand_over_id DESC
LIMIT 1

-- name: held_back
-- Of the chosen orders, those that are not exported, by cause.
SELECT cause, list(order_id ORDER BY order_id) AS order_ids
FROM chosen_orders
WHERE cause IS NOT NULL
GROUP BY cause

-- name: payments
-- Money by the local day of its payment in KeyCRM, whatever the day of its order. Only what is paid.
SELECT
    organisation,
    account,
    currency,
    paid_day AS day,
    coalesce(sum(payments) FILTER (NOT is_expense), 0)::BIGINT AS payments,
    coalesce(sum(amount) FILTER (NOT is_expense), 0) AS received,
    coalesce(sum(amount) FILTER (NOT is_expense AND is_cancelled), 0) AS received_for_cancelled,
    coalesce(sum(amount) FILTER (is_expense), 0) AS expenses
FROM reports.payments_by_day
WHERE status = 'paid' AND paid_day BETWEEN $first_day AND $last_day
GROUP BY organisation, account, currency, paid_day
ORDER BY organisation NULLS LAST, account NULLS LAST, currency, paid_day

-- name: cancelled_payments
-- By the day on which the exchange first saw it, so that each stands in one month and stays there: KeyCRM's own time may
-- lie in a month that is closed. A payment that KeyCRM no longer has is known by its movement alone.
SELECT movement.order_id, document.order_day, movement.subject_id AS payment_id, movement.kind, movement.seen_day,
    movement.crm_at, CAST(payment.paid_at AS DATE) AS paid_day, payment.method, payment.account, payment.organisation,
    movement.amount_before, movement.amount_after,
    movement.amount_before - coalesce(movement.amount_after, 0) AS amount, movement.currency
FROM accounting.order_movements AS movement
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN accounting.order_payments AS payment
    ON payment.order_id = movement.order_id AND payment.payment_id = movement.subject_id
WHERE movement.seen_day BETWEEN $first_day AND $last_day
    AND (movement.kind = 'payment_cancelled'
        OR (movement.kind = 'payment_sum_changed' AND movement.amount_after < movement.amount_before))
ORDER BY movement.seen_day, movement.order_id, movement.version_no, movement.subject_id
