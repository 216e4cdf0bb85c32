-- What was handed over to the accountant, what differs from it now, and what changed in closed periods.

-- name: contents
-- Each document of {orders} as text: what an accountant enters, in a fixed order. Cards are not part of it, nor is when
-- the exchange wrote it. A sum is text: as a number of JSON it would be a binary fraction.
CREATE OR REPLACE TEMP TABLE {contents} AS
WITH lines AS (
    SELECT order_id, list({{
        'key': coalesce(CAST(crm_line_id AS VARCHAR), '№' || line_no), 'name': name, 'product_id': product_id,
        'variant_id': variant_id, 'sku': sku, 'characteristics': characteristics, 'unit': unit,
        'quantity': CAST(quantity AS VARCHAR), 'price': CAST(price AS VARCHAR), 'discount': CAST(discount AS VARCHAR),
        'amount': CAST(amount AS VARCHAR)
    }} ORDER BY crm_line_id NULLS LAST, line_no) AS entries
    FROM accounting.order_lines SEMI JOIN {orders} USING (order_id) GROUP BY order_id
),
services AS (
    SELECT order_id, list({{
        'key': coalesce(CAST(crm_line_id AS VARCHAR), kind), 'name': name, 'kind': kind, 'product_id': product_id,
        'sku': sku, 'characteristics': characteristics, 'quantity': CAST(quantity AS VARCHAR),
        'price': CAST(price AS VARCHAR), 'discount': CAST(discount AS VARCHAR), 'amount': CAST(amount AS VARCHAR)
    }} ORDER BY crm_line_id NULLS LAST, line_no) AS entries
    FROM accounting.order_services SEMI JOIN {orders} USING (order_id) GROUP BY order_id
),
payments AS (
    SELECT order_id, list({{
        'key': CAST(payment_id AS VARCHAR), 'name': method, 'is_expense': is_expense, 'expense_type': expense_type,
        'paid_at': epoch_us(coalesce(CAST(received_day AS TIMESTAMPTZ), paid_at)), 'account': account, 'organisation': organisation,
        'amount': CAST(amount AS VARCHAR), 'currency': currency, 'status': status,
        'method_kind': method_kind, 'receipt': receipt, 'has_receipt': fiscal_result IS NOT NULL,
        'fiscal_status': fiscal_status
    }} ORDER BY payment_id) AS entries
    FROM accounting.order_payments SEMI JOIN {orders} USING (order_id)
    LEFT JOIN reports.money_days USING (order_id, payment_id)
    GROUP BY order_id
)
SELECT order_id, document.order_day, document.organisation, content, sha256(content) AS content_hash
FROM (
    SELECT document.order_id, document.order_day, document.organisation, CAST(to_json({{
        'orders': {{
            'order_day': CAST(document.order_day AS VARCHAR), 'ordered_at': epoch_us(document.ordered_at),
            'partner_id': document.partner_id, 'stage': document.stage, 'status_id': document.status_id,
            'source_id': document.source_id, 'source_number': document.source_number,
            'responsible': document.responsible, 'account': document.account, 'organisation': document.organisation,
            'currency': document.currency, 'goods_total': CAST(document.goods_total AS VARCHAR),
            'services_total': CAST(document.services_total AS VARCHAR),
            'discount_total': CAST(document.discount_total AS VARCHAR),
            'grand_total': CAST(document.grand_total AS VARCHAR), 'paid_total': CAST(document.paid_total AS VARCHAR),
            'payment_status': document.payment_status, 'delivery_service': document.delivery_service,
            'tracking_code': document.tracking_code, 'delivery_address': document.delivery_address,
            'shipped_on': CAST(document.shipped_on AS VARCHAR), 'warehouse': document.warehouse,
            'recipient_name': document.recipient_name, 'recipient_phone': document.recipient_phone,
            'comment': document.comment, 'missing_in_crm': document.missing_in_crm
        }},
        'order_lines': coalesce(lines.entries, []),
        'order_services': coalesce(services.entries, []),
        'order_payments': coalesce(payments.entries, [])
    }}) AS VARCHAR) AS content
    FROM accounting.orders AS document
    SEMI JOIN {orders} USING (order_id)
    LEFT JOIN lines USING (order_id)
    LEFT JOIN services USING (order_id)
    LEFT JOIN payments USING (order_id)
) AS document

-- name: handed_over
-- The newest row of each order, of this format and organisation, before a hand-over. A correction was only listed: a
-- document that is exported is compared with the one that was in a file ({kinds}).
CREATE OR REPLACE TEMP TABLE {target} AS
SELECT order_id, max(document.hand_over_id) AS hand_over_id, arg_max(document.kind, document.hand_over_id) AS kind,
    arg_max(document.content_hash, document.hand_over_id) AS content_hash,
    arg_max(document.decides_on, document.hand_over_id) AS decides_on,
    arg_max(one.decided_by, document.hand_over_id) AS decided_by,
    max(document.hand_over_id) FILTER (document.kind = 'document') AS exported_in
FROM ops.handed_over_documents AS document
JOIN ops.hand_overs AS one USING (hand_over_id)
WHERE one.format = $format AND one.organisation = $organisation AND document.hand_over_id < $before
    AND list_contains($kinds, document.kind)
GROUP BY order_id

-- name: scope
-- Orders that are exported, and those that were handed over for these days and are exported no longer: they are held
-- back, or belong to other days or to another organisation now.
CREATE OR REPLACE TEMP TABLE scope_orders AS
SELECT chosen.order_id, chosen.cause, chosen.decides_on
FROM chosen_orders AS chosen
LEFT JOIN handed_over AS earlier USING (order_id)
LEFT JOIN ops.handed_over_documents AS kept
    ON kept.hand_over_id = earlier.hand_over_id AND kept.order_id = chosen.order_id
WHERE chosen.cause IS NULL OR (earlier.kind = 'document'
    -- Whoever asks for a stage does not take back what was handed over in another one.
    AND (chosen.cause <> 'stage' OR $asked_stages IS NULL
        OR list_contains(CAST($asked_stages AS VARCHAR[]), kept.content ->> '$.orders.stage')))
UNION ALL
SELECT earlier.order_id,
    CASE WHEN $organisation = '' OR document.organisation = $organisation THEN 'other_days' ELSE 'other_organisation' END,
    earlier.decides_on
FROM handed_over AS earlier
JOIN accounting.orders AS document USING (order_id)
ANTI JOIN chosen_orders USING (order_id)
WHERE earlier.kind = 'document' AND earlier.decided_by = $decided_by
    AND earlier.decides_on BETWEEN $first_day AND $last_day

-- name: compared
-- One row per order that is not as it was handed over, with both contents. A withdrawn order whose document is ready
-- again is handed over as a new one; what it was when it was in a file last is still what the other program has.
SELECT scope.order_id,
    CASE WHEN scope.cause IS NOT NULL THEN 'withdrawn'
        WHEN earlier.order_id IS NULL OR earlier.kind = 'withdrawn' THEN 'new'
        ELSE 'changed' END AS state,
    scope.cause, scope.decides_on, now.order_day, kept.content AS content_before, now.content AS content_after,
    now.content_hash, one.handed_over_at, one.files[1] AS file
FROM scope_orders AS scope
JOIN current_contents AS now USING (order_id)
LEFT JOIN handed_over AS earlier USING (order_id)
LEFT JOIN ops.hand_overs AS one ON one.hand_over_id = earlier.exported_in
LEFT JOIN ops.handed_over_documents AS kept
    ON kept.hand_over_id = earlier.exported_in AND kept.order_id = scope.order_id
WHERE scope.cause IS NOT NULL OR earlier.kind IS DISTINCT FROM 'document'
    OR earlier.content_hash <> now.content_hash
ORDER BY now.order_day, scope.order_id

-- name: scope_state
SELECT count(*) FILTER (cause IS NULL), coalesce(max(earlier.hand_over_id), 0)
FROM scope_orders AS scope LEFT JOIN handed_over AS earlier USING (order_id)

-- name: closed_orders
CREATE OR REPLACE TEMP TABLE closed_orders AS
SELECT order_id FROM ops.closed_documents WHERE order_day <= $closed_until

-- name: closed_changes
-- Documents of the closed period that are not as they were when it was closed, with what the accountant was last told
-- of them in place of that, if anything.
SELECT closed.order_id, closed.order_day, coalesce(kept.content, closed.content) AS content_before,
    now.content AS content_after, now.content_hash, closed.changed_at, one.handed_over_at, one.files[1] AS file
FROM ops.closed_documents AS closed
SEMI JOIN closed_orders USING (order_id)
JOIN closed_contents AS now USING (order_id)
LEFT JOIN told USING (order_id)
LEFT JOIN ops.hand_overs AS one ON one.hand_over_id = told.hand_over_id
LEFT JOIN ops.handed_over_documents AS kept ON kept.hand_over_id = told.hand_over_id AND kept.order_id = closed.order_id
WHERE coalesce(told.content_hash, closed.content_hash, '') <> now.content_hash
    AND ($organisation = '' OR now.organisation = $organisation
        OR (closed.content ->> '$.orders.organisation') = $organisation)
ORDER BY closed.order_day, closed.order_id

-- name: told_by_any_export
-- Whatever its format and organisation.
CREATE OR REPLACE TEMP TABLE told AS
SELECT order_id, max(hand_over_id) AS hand_over_id, arg_max(content_hash, hand_over_id) AS content_hash
FROM ops.handed_over_documents SEMI JOIN closed_orders USING (order_id)
GROUP BY order_id

-- name: closed_state
SELECT coalesce(max(told.hand_over_id), 0) FROM told SEMI JOIN closed_orders USING (order_id)

-- name: same_request
SELECT hand_over_id, handed_over_at
FROM ops.hand_overs
WHERE format = $format AND organisation = $organisation AND period_from = $first_day AND period_to = $last_day
    AND decided_by = $decided_by AND stages = CAST($stages AS VARCHAR[]) AND since_last = $since_last
ORDER BY hand_over_id DESC LIMIT 1

-- name: next_number
SELECT coalesce(max(hand_over_id), 0) + 1 FROM ops.hand_overs

-- name: record_hand_over
INSERT INTO ops.hand_overs BY NAME
SELECT $hand_over_id AS hand_over_id, $format AS format, $organisation AS organisation, $first_day AS period_from,
    $last_day AS period_to, $decided_by AS decided_by, CAST($stages AS VARCHAR[]) AS stages, $since_last AS since_last,
    CAST($files AS VARCHAR[]) AS files, $now AS handed_over_at

-- name: record_documents
INSERT INTO ops.handed_over_documents BY NAME
SELECT $hand_over_id AS hand_over_id, order_id, kind, decides_on, content_hash, content FROM documents_to_record
ORDER BY order_id

-- name: closed_before_change
-- Documents of this batch that are about to change behind the closed day, and are not kept yet.
CREATE OR REPLACE TEMP TABLE closing_orders AS
SELECT changes.order_id, least(stored.order_day, fresh.order_day) AS order_day
FROM document_changes AS changes
JOIN new_orders AS fresh USING (order_id)
LEFT JOIN accounting.orders AS stored USING (order_id)
ANTI JOIN ops.closed_documents AS kept USING (order_id)
WHERE least(stored.order_day, fresh.order_day) <= $closed_until
    -- The orders of a day that is loaded for the first time are no changes.
    AND (stored.order_id IS NOT NULL OR fresh.order_day IN (SELECT order_day FROM ops.loaded_days))

-- name: closed_before_money_moves
-- The same of documents whose payments get another day from the money that came for them. Those that were not there
-- at the last comparison are loaded for the first time, and are no changes.
CREATE OR REPLACE TEMP TABLE closing_orders AS
SELECT DISTINCT payment.order_id, document.order_day
FROM accounting.order_payments AS payment
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN reports.money_days AS before
    ON before.order_id = payment.order_id AND before.payment_id = payment.payment_id
LEFT JOIN reconciliation_to_store AS now ON now.order_id = payment.order_id AND now.payment_id = payment.payment_id
ANTI JOIN ops.closed_documents AS kept ON kept.order_id = payment.order_id
WHERE payment.dated_by = 'transaction' AND document.order_day <= $closed_until
    AND document.created_at <= (SELECT reconciled_at FROM ops.reconciled)
    AND now.received_day IS DISTINCT FROM before.received_day

-- name: keep_closed
INSERT INTO ops.closed_documents BY NAME
SELECT closing.order_id, closing.order_day, before.content, before.content_hash, $now AS changed_at
FROM closing_orders AS closing LEFT JOIN closing_contents AS before USING (order_id)
