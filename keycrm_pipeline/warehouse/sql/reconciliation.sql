-- The reconciliation (R15): bank transactions of KeyCRM, rows of registers, and the lines that are made of them.

-- name: store_transactions
MERGE INTO raw.external_transactions AS stored USING (
    SELECT fetched.*, CAST(NULL AS TIMESTAMPTZ) AS not_listed_since,
        CASE WHEN CAST(stored.payload AS VARCHAR) = CAST(fetched.payload AS VARCHAR)
            THEN stored.extracted_at ELSE $now END AS extracted_at
    FROM transactions_to_store AS fetched
    LEFT JOIN raw.external_transactions AS stored USING (transaction_id)
    WHERE stored.transaction_id IS NULL OR CAST(stored.payload AS VARCHAR) <> CAST(fetched.payload AS VARCHAR)
        OR stored.not_listed_since IS NOT NULL
    ORDER BY transaction_id
) AS fresh USING (transaction_id)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: listed_transactions
SELECT transaction_id, received_at, payload ->> 'created_at' FROM raw.external_transactions
WHERE not_listed_since IS NULL AND received_at BETWEEN $start AND $end ORDER BY transaction_id

-- name: mark_absent
UPDATE raw.external_transactions SET not_listed_since = $now WHERE transaction_id IN (SELECT unnest($transaction_ids))

-- name: unreadable_transactions
SELECT transaction_id FROM raw.external_transactions
WHERE not_listed_since IS NULL AND (received_at IS NULL OR amount IS NULL OR currency IS NULL) ORDER BY transaction_id

-- name: register_files
SELECT file_name, digest FROM ops.register_files

-- name: forget_rows
DELETE FROM raw.register_rows WHERE file_name IN (SELECT unnest($file_names))

-- name: forget_files
DELETE FROM ops.register_files WHERE file_name IN (SELECT unnest($file_names))

-- name: insert_rows
INSERT INTO raw.register_rows BY NAME SELECT * FROM register_rows_to_store ORDER BY line

-- name: record_file
MERGE INTO ops.register_files AS stored USING (
    SELECT $file_name AS file_name, $register AS register, $digest AS digest, $rows AS rows, $now AS read_at
) AS fresh USING (file_name)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: problems
SELECT subject, CAST(details_coded AS VARCHAR) FROM ops.reconciliation_problems

-- name: forget_problem
DELETE FROM ops.reconciliation_problems WHERE subject = $subject

-- name: record_problem
MERGE INTO ops.reconciliation_problems AS stored USING (
    SELECT $subject AS subject, $details AS details, $details_coded AS details_coded
) AS fresh USING (subject)
WHEN MATCHED THEN UPDATE BY NAME
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: inputs_digest
-- Everything that a line is made of: nothing is compared again while it is the same.
SELECT md5(concat_ws('|',
    (SELECT concat_ws(':', count(*), bit_xor(hash(ROW(order_id, payment_id, paid_at, amount, currency, account, organisation,
        status, method_id, method_kind, transaction_uuid)))) FROM accounting.order_payments WHERE NOT is_expense),
    (SELECT bit_xor(hash(ROW(order_id, payment_id, actual_amount, currency))) FROM validated.order_payments
        WHERE currency <> source_currency OR actual_amount <> amount),
    (SELECT concat_ws(':', count(*), bit_xor(hash(ROW(order_id, partner_id, source_number, tracking_code))))
        FROM accounting.orders),
    (SELECT bit_xor(hash(ROW(partner_id, name))) FROM accounting.partners),
    (SELECT concat_ws(':', count(*), bit_xor(hash(ROW(transaction_id, CAST(payload AS VARCHAR))))) FROM raw.external_transactions
        WHERE not_listed_since IS NULL),
    (SELECT concat_ws(':', count(*), bit_xor(hash(ROW(file_name, line, register, row_key, account, currency))))
        FROM raw.register_rows),
    $settings))

-- name: compared_count
SELECT (SELECT count(*) FROM accounting.order_payments) + (SELECT count(*) FROM raw.external_transactions)
    + (SELECT count(*) FROM raw.register_rows)

-- name: reconciled_digest
SELECT digest FROM ops.reconciled

-- name: stage_money
CREATE OR REPLACE TEMP TABLE money_to_compare AS
SELECT 'keycrm:' || transaction_id AS key, 'keycrm' AS source, CAST(NULL AS VARCHAR) AS file_name,
    CAST(NULL AS BIGINT) AS line, transaction_id, gateway.account,
    CAST(transactions.received_at AT TIME ZONE $timezone AS DATE) AS received_day, transactions.amount,
    CAST(NULL AS DECIMAL(18,2)) AS fee, transactions.currency, transactions.uuid AS reference,
    CAST(NULL AS VARCHAR) AS order_number, CAST(NULL AS VARCHAR) AS waybill, transactions.description AS text,
    transactions.is_attached AND transactions.uuid NOT IN (
        SELECT transaction_uuid FROM accounting.order_payments WHERE transaction_uuid IS NOT NULL) AS is_of_other_order
FROM raw.external_transactions AS transactions
LEFT JOIN (SELECT unnest($gateway_ids) AS gateway_id, unnest($gateway_accounts) AS account) AS gateway USING (gateway_id)
WHERE $with_transactions AND transactions.received_at IS NOT NULL AND transactions.amount IS NOT NULL
    AND transactions.currency IS NOT NULL AND transactions.not_listed_since IS NULL
UNION ALL
-- The same row in two files of a register is one: the file that comes first by name is told.
SELECT register || ':' || row_key, register, file_name, line, NULL, account, received_day, amount, fee, currency, reference,
    order_number, waybill, text, false
FROM (
    SELECT * FROM raw.register_rows
    QUALIFY row_number() OVER (PARTITION BY register, row_key ORDER BY file_name, line) = 1
)

-- name: stage_named_orders
CREATE OR REPLACE TEMP TABLE named_orders AS
WITH numbers AS (
    SELECT order_id, CAST(order_id AS VARCHAR) AS number FROM accounting.orders
    UNION
    SELECT order_id, plain_number(source_number) FROM accounting.orders WHERE source_number IS NOT NULL
)
SELECT key, order_id FROM money_to_compare JOIN numbers ON number = plain_number(order_number)
UNION
SELECT key, order_id FROM money_to_compare JOIN accounting.orders
    ON plain_waybill(tracking_code) = plain_waybill(waybill)
UNION
-- Attached by KeyCRM to a payment of the order, such as one that was cancelled: what is left of it has no code.
SELECT key, order_id FROM money_to_compare JOIN accounting.order_payments ON transaction_uuid = reference
WHERE source = 'keycrm' AND NOT is_expense

-- name: stage_mentioned_orders
-- Numbers in a text: of four digits or more, since shorter ones are days, and parts of others.
CREATE OR REPLACE TEMP TABLE mentioned_orders AS
WITH numbers AS (
    SELECT order_id, CAST(order_id AS VARCHAR) AS number FROM accounting.orders
    UNION
    SELECT order_id, regexp_replace(source_number, '[^0-9]', '', 'g') FROM accounting.orders WHERE source_number IS NOT NULL
),
mentioned AS (
    SELECT DISTINCT key, unnest(regexp_extract_all(text, '[0-9]{4,}')) AS number FROM money_to_compare WHERE text IS NOT NULL
)
SELECT DISTINCT key, order_id FROM mentioned JOIN numbers USING (number)

-- name: macros
-- Web pages write no-break spaces into numbers; a spreadsheet takes the zeros off the front of a waybill.
CREATE OR REPLACE TEMP MACRO plain_number(written) AS lower(regexp_replace(written, '[№#\s\pZ]', '', 'g'));
CREATE OR REPLACE TEMP MACRO plain_waybill(written) AS
    nullif(ltrim(upper(regexp_replace(written, '[^\pL\pN]', '', 'g')), '0'), '')

-- name: money
SELECT money.key, money.received_day, CAST(money.amount * 100 AS BIGINT) AS amount, money.currency, money.account,
    money.reference, coalesce(named.order_ids, []) AS order_ids, coalesce(mentioned.order_ids, []) AS mentioned_ids,
    money.text, coalesce(money.is_of_other_order, false), money.source, money.file_name, money.line, money.transaction_id, CAST(money.fee * 100 AS BIGINT) AS fee
FROM money_to_compare AS money
LEFT JOIN (SELECT key, list_sort(list(order_id)) AS order_ids FROM named_orders GROUP BY key) AS named USING (key)
LEFT JOIN (SELECT key, list_sort(list(order_id)) AS order_ids FROM mentioned_orders GROUP BY key) AS mentioned USING (key)
ORDER BY money.key

-- name: payments
-- Those that money is known of, and those that money may belong to. An order in dollars may be paid in hryvnias: its
-- document has the dollars, and the bank the hryvnias.
WITH converted AS (
    SELECT DISTINCT sent.order_id, sent.payment_id, sent.actual_amount, sent.currency
    FROM validated.order_payments AS sent
    JOIN accounting.order_payments AS payment USING (order_id, payment_id)
    JOIN (SELECT DISTINCT account, currency FROM money_to_compare) AS money
        ON money.currency = sent.currency AND coalesce(money.account, payment.account) IS NOT DISTINCT FROM payment.account
    WHERE sent.actual_amount IS NOT NULL AND sent.currency <> payment.currency
)
SELECT payment.order_id, payment.payment_id, CAST(payment.paid_at AT TIME ZONE $timezone AS DATE) AS paid_day,
    CAST(coalesce(converted.actual_amount, payment.amount) * 100 AS BIGINT) AS amount,
    coalesce(converted.currency, payment.currency) AS currency, payment.account, payment.transaction_uuid,
    partner.name, payment.method_id, payment.organisation
FROM accounting.order_payments AS payment
LEFT JOIN converted ON converted.order_id = payment.order_id AND converted.payment_id = payment.payment_id
JOIN accounting.orders AS document ON document.order_id = payment.order_id
LEFT JOIN accounting.partners AS partner USING (partner_id)
WHERE payment.status = 'paid' AND NOT payment.is_expense
    AND (
        payment.account IN (SELECT unnest($accounts))
        OR payment.transaction_uuid IS NOT NULL
        OR payment.order_id IN (SELECT order_id FROM named_orders UNION ALL SELECT order_id FROM mentioned_orders)
        OR (payment.method_kind IS DISTINCT FROM 'cash'
            AND EXISTS (FROM money_to_compare WHERE account IS NULL AND amount > 0))
    )
ORDER BY payment.order_id, payment.payment_id

-- name: drop_staged
DROP TABLE IF EXISTS money_to_compare; DROP TABLE IF EXISTS named_orders; DROP TABLE IF EXISTS mentioned_orders

-- name: forget_lines
DELETE FROM accounting.reconciliation

-- name: insert_lines
INSERT INTO accounting.reconciliation BY NAME SELECT * FROM reconciliation_to_store

-- name: forget_reconciled
DELETE FROM ops.reconciled

-- name: record_reconciled
INSERT INTO ops.reconciled BY NAME SELECT $digest AS digest, $now AS reconciled_at

-- name: counts
-- Money that came in another currency than its payment's is counted in its own.
WITH of_period AS (FROM accounting.reconciliation WHERE day BETWEEN $first_day AND $last_day)
SELECT kind, currency, sum(lines)::BIGINT AS lines, coalesce(sum(paid), 0) AS paid, coalesce(sum(received), 0) AS received,
    coalesce(sum(fee), 0) AS fee
FROM (
    SELECT kind, currency, 1 AS lines, paid, NULL AS received, NULL AS fee FROM of_period
    UNION ALL
    SELECT kind, coalesce(received_currency, currency), 0, NULL, received, fee FROM of_period WHERE received IS NOT NULL
)
GROUP BY kind, currency
ORDER BY kind, currency

-- name: lines
SELECT line.*, partner.name AS partner_name
FROM accounting.reconciliation AS line
LEFT JOIN accounting.orders AS document USING (order_id)
LEFT JOIN accounting.partners AS partner USING (partner_id)
WHERE line.day BETWEEN $first_day AND $last_day AND ($kinds IS NULL OR list_contains($kinds, line.kind))
ORDER BY line.day, line.order_id NULLS LAST, line.line_key
LIMIT $most

-- name: state
SELECT (SELECT reconciled_at FROM ops.reconciled)
