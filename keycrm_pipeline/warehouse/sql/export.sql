-- Documents to export: which orders of a period can be exported, which are held back, and the tables of the former.
-- Every result is ordered, so that the same books give the same bytes.

-- name: days_by_order
-- The day that decides whether an order belongs to the period, for the orders that do.
CREATE OR REPLACE TEMP TABLE deciding_days AS
SELECT order_id, order_day AS decides_on FROM accounting.orders WHERE order_day BETWEEN $first_day AND $last_day

-- name: days_by_payment
-- The first payment inside the period: an order that was paid in two months belongs to both.
CREATE OR REPLACE TEMP TABLE deciding_days AS
SELECT order_id, min(paid_day) AS decides_on
FROM (
    SELECT payment.order_id, coalesce(money.received_day, CAST(payment.paid_at AS DATE)) AS paid_day
    FROM accounting.order_payments AS payment
    LEFT JOIN reports.money_days AS money USING (order_id, payment_id)
    WHERE payment.status = 'paid' AND NOT payment.is_expense
)
WHERE paid_day BETWEEN $first_day AND $last_day
GROUP BY order_id

-- name: days_by_shipment
CREATE OR REPLACE TEMP TABLE deciding_days AS
SELECT order_id, shipped_on AS decides_on FROM accounting.orders WHERE shipped_on BETWEEN $first_day AND $last_day

-- name: days_by_completed
-- Orders that are completed now, by the day on which KeyCRM set their status, else on which it was first seen.
CREATE OR REPLACE TEMP TABLE deciding_days AS
SELECT order_id, decides_on
FROM (
    SELECT document.order_id,
        CAST(coalesce(validated.status_changed_at, history.seen_at, document.ordered_at) AS DATE) AS decides_on
    FROM accounting.orders AS document
    JOIN accounting.statuses AS status ON status.status_id = document.status_id AND status.group_id = $completed_group
    LEFT JOIN validated.orders AS validated ON validated.order_id = document.order_id
    LEFT JOIN ops.status_history AS history
        ON history.order_id = document.order_id AND history.status_id = document.status_id
)
WHERE decides_on BETWEEN $first_day AND $last_day

-- name: choose_orders
-- One row per booked order of the period, with the cause that holds it back (NULL: it can be exported).
-- The causes come in the order in which a user would fix them; an order counts under the first one only. An empty text
-- as the organisation stands for all of them, here and for the exported cards. An order that is complete may still not
-- be ready: its stage, or its money, by the rule of the profile. What is ready and of no organisation would be in no
-- file, so the export of each organisation holds it back.
CREATE OR REPLACE TEMP TABLE chosen_orders AS
WITH period_orders AS (
    SELECT document.*, deciding.decides_on, $organisation <> '' AND organisation IS NULL AS is_of_none
    FROM accounting.orders AS document
    JOIN deciding_days AS deciding USING (order_id)
    WHERE $organisation = '' OR organisation = $organisation OR organisation IS NULL
),
lines AS (
    SELECT order_id, sum(amount) AS amount,
        bool_or(card.product_id IS NULL OR (line.variant_id IS NOT NULL AND variant.variant_id IS NULL)) AS lacks_card
    FROM accounting.order_lines AS line
    SEMI JOIN period_orders USING (order_id)
    LEFT JOIN accounting.products AS card USING (product_id)
    LEFT JOIN accounting.product_variants AS variant
        ON variant.variant_id = line.variant_id AND variant.product_id = line.product_id
    GROUP BY order_id
),
services AS (
    SELECT order_id, sum(amount) AS amount,
        bool_or(service.product_id IS NOT NULL AND card.product_id IS NULL) AS lacks_card
    FROM accounting.order_services AS service
    SEMI JOIN period_orders USING (order_id)
    LEFT JOIN accounting.products AS card USING (product_id)
    GROUP BY order_id
),
-- As for the review list: who issues the receipt is said by the document itself.
receipts AS (
    SELECT order_id, list(payment_id ORDER BY payment_id) AS missing
    FROM accounting.order_payments
    SEMI JOIN period_orders USING (order_id)
    WHERE receipt = 'own' AND status = 'paid' AND fiscal_result IS NULL
    GROUP BY order_id
)
SELECT
    document.order_id,
    document.order_day,
    CASE
        WHEN EXISTS (SELECT 1 FROM ops.rejected_records AS record WHERE record.order_id = document.order_id)
            THEN 'rejected'
        WHEN document.difference <> 0 THEN 'difference'
        WHEN document.missing_in_crm THEN 'missing_in_crm'
        WHEN partner.partner_id IS NULL
            OR coalesce(lines.lacks_card, false)
            OR coalesce(services.lacks_card, false)
            OR coalesce(lines.amount, 0) <> document.goods_total
            OR coalesce(services.amount, 0) <> document.services_total
            OR document.goods_total + document.services_total <> document.grand_total
            THEN 'incomplete'
        -- NULL for a format that takes every currency.
        WHEN NOT list_contains(CAST($currencies AS VARCHAR[]), document.currency) THEN 'currency'
        -- NULL for all stages.
        WHEN NOT list_contains(CAST($stages AS VARCHAR[]), document.stage) THEN 'stage'
        WHEN $must_be_paid AND document.payment_status IS DISTINCT FROM 'paid'
            AND document.payment_status IS DISTINCT FROM 'overpaid'
            -- What rounding cash has taken off is nobody's debt.
            AND document.paid_total < document.grand_total + coalesce(document.rounding, 0)
            THEN 'unpaid'
        WHEN $must_have_receipts AND receipts.order_id IS NOT NULL THEN 'no_receipt'
        WHEN document.is_of_none THEN 'organisation'
    END AS cause,
    document.is_of_none,
    document.decides_on,
    document.stage,
    document.paid_total,
    document.grand_total,
    document.difference,
    document.currency,
    receipts.missing AS payments_without_receipt
FROM period_orders AS document
LEFT JOIN accounting.partners AS partner USING (partner_id)
LEFT JOIN lines USING (order_id)
LEFT JOIN services USING (order_id)
LEFT JOIN receipts USING (order_id)
WHERE NOT (document.is_of_none AND coalesce(cause IN ('stage', 'unpaid', 'no_receipt'), false))

-- name: stages
SELECT DISTINCT stage FROM accounting.orders ORDER BY stage

-- name: exportable_orders
CREATE OR REPLACE TEMP TABLE exportable_orders AS SELECT order_id FROM chosen_orders WHERE cause IS NULL

-- name: leave_out_unchanged
-- Documents that the accountant has already are neither exported nor held back.
UPDATE chosen_orders SET cause = 'unchanged' WHERE cause IS NULL AND NOT list_contains($order_ids, order_id)

-- name: as_of
-- When KeyCRM was last asked for what changed in the period. A rebuild asks nothing, a load asks for its own days.
SELECT max(started_at)
FROM ops.exchanges
WHERE status = 'succeeded' AND (kind IN ('changes', 'recent', 'sweep')
    OR (kind = 'period' AND period_from <= $last_day AND period_to >= $first_day))

-- name: exported_products
CREATE OR REPLACE TEMP TABLE exported_products AS
SELECT product_id FROM accounting.order_lines SEMI JOIN exportable_orders USING (order_id)
UNION
SELECT product_id FROM accounting.order_services SEMI JOIN exportable_orders USING (order_id) WHERE product_id IS NOT NULL

-- name: last_sales
-- The last list price of each card and variant: of the newest sale in all books, since a price does not end with the
-- month. Sales in another currency or of a cancelled order do not count, nor do gifts: a list price of 0 is none.
CREATE OR REPLACE TEMP TABLE last_sales AS
WITH sold AS (
    SELECT order_id, line_no, product_id, variant_id, price FROM accounting.order_lines
    UNION ALL
    SELECT order_id, line_no, product_id, NULL, price FROM accounting.order_services
)
SELECT sold.product_id, sold.variant_id,
    -- Compared field by field, in this order.
    max({'ordered_at': document.ordered_at, 'order_id': sold.order_id, 'line_no': sold.line_no, 'price': sold.price,
        'day': document.order_day}) AS sale
FROM sold
SEMI JOIN exported_products USING (product_id)
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN accounting.statuses AS status USING (status_id)
WHERE document.currency = $currency AND sold.price > 0 AND status.group_id IS DISTINCT FROM $cancelled_group
GROUP BY sold.product_id, sold.variant_id

-- name: held_back
-- Booked orders that are held back, and rejected records of the period that were never booked: nobody knows whose these
-- are, so the export of each organisation lists them. The details are texts of earlier versions, and messages.
SELECT order_id, order_day, cause, details, CAST(details_coded AS VARCHAR) AS details_coded
FROM (
    SELECT chosen.order_id, chosen.order_day, chosen.cause,
        CASE chosen.cause WHEN 'rejected' THEN record.reasons END AS details,
        CASE chosen.cause
            WHEN 'rejected' THEN record.reasons_coded
            WHEN 'difference' THEN json_array(json_object('code', 'difference_of_order', 'values',
                json_object('difference', CAST(chosen.difference AS VARCHAR), 'currency', chosen.currency)))
            WHEN 'currency' THEN json_array(json_object('code', 'currency_of_order', 'values',
                json_object('currency', chosen.currency)))
            WHEN 'stage' THEN json_array(json_object('code', 'stage_of_order', 'values',
                json_object('stage', chosen.stage)))
            WHEN 'unpaid' THEN json_array(json_object('code', 'paid_of_order', 'values',
                json_object('paid', CAST(chosen.paid_total AS VARCHAR), 'total', CAST(chosen.grand_total AS VARCHAR),
                    'currency', chosen.currency)))
            WHEN 'no_receipt' THEN json_array(json_object('code', 'payments_without_receipt', 'values',
                json_object('payment_ids', chosen.payments_without_receipt)))
        END AS details_coded,
        CAST(chosen.order_id AS VARCHAR) AS record_key
    FROM chosen_orders AS chosen
    LEFT JOIN ops.rejected_records AS record ON record.order_id = chosen.order_id
    WHERE chosen.cause <> 'unchanged'
    UNION ALL
    SELECT record.order_id, record.order_day, 'rejected', record.reasons, record.reasons_coded, record.record_key
    FROM ops.rejected_records AS record
    WHERE record.order_day BETWEEN $first_day AND $last_day
        AND NOT EXISTS (SELECT 1 FROM accounting.orders AS document WHERE document.order_id = record.order_id)
)
ORDER BY order_id NULLS LAST, record_key

-- name: days_not_loaded
SELECT CAST(day AS DATE) AS order_day
FROM generate_series(CAST($first_day AS TIMESTAMP), CAST($last_day AS TIMESTAMP), INTERVAL 1 DAY) AS days(day)
WHERE NOT EXISTS (SELECT 1 FROM ops.loaded_days AS loaded WHERE loaded.order_day = CAST(day AS DATE))
ORDER BY order_day

-- name: known_cards
-- A card is new in the first export that contains it. In what changed since the last export, a card that was exported is
-- known, unless it is that same export that is repeated.
CREATE OR REPLACE TEMP TABLE known_cards AS
SELECT card_kind, card_id,
    CASE WHEN $since_last THEN coalesce(exported_at >= $repeated_at, false)
        ELSE period_from = $first_day AND period_to = $last_day END AS is_new
FROM ops.exported_cards
WHERE format = $format AND organisation = $organisation

-- name: partners
SELECT
    partner.partner_id, partner.name, partner.phone, partner.email, partner.origin, partner.catalogue_id,
    company.company_id, company.company_name, company.company_title, company.company_bank_account,
    partner.origin = 'keycrm' AND coalesce(exported.is_new, true) AS is_new,
    partner.created_at, partner.updated_at,
    described.custom_fields
FROM accounting.partners AS partner
LEFT JOIN reports.partner_companies AS company USING (partner_id)
LEFT JOIN reports.partner_custom_fields AS described USING (partner_id)
LEFT JOIN known_cards AS exported ON exported.card_kind = 'partner' AND exported.card_id = partner.partner_id
WHERE partner.partner_id IN (SELECT partner_id FROM accounting.orders SEMI JOIN exportable_orders USING (order_id))
ORDER BY partner.partner_id

-- name: products
SELECT
    card.product_id, card.name, card.sku, card.kind,
    coalesce(card.unit, 'шт') AS unit, last.sale.price AS price, last.sale.day AS price_date,
    card.category_id, card.category_name, card.origin, card.catalogue_id,
    card.origin = 'keycrm' AND coalesce(exported.is_new, true) AS is_new,
    card.created_at, card.updated_at, described.custom_fields
FROM accounting.products AS card
SEMI JOIN exported_products USING (product_id)
LEFT JOIN reports.product_custom_fields AS described USING (product_id)
LEFT JOIN (SELECT product_id, max(sale) AS sale FROM last_sales GROUP BY product_id) AS last USING (product_id)
LEFT JOIN known_cards AS exported ON exported.card_kind = 'product' AND exported.card_id = card.product_id
ORDER BY card.product_id

-- name: product_variants
SELECT
    variant.variant_id, variant.product_id, card.name AS product_name, card.catalogue_id AS product_catalogue_id,
    variant.sku, variant.barcode, variant.characteristics, coalesce(card.unit, 'шт') AS unit,
    last.sale.price AS price, last.sale.day AS price_date, variant.offer_id,
    variant.barcode IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM accounting.product_variants AS other
        WHERE other.barcode = variant.barcode AND other.variant_id < variant.variant_id
    ) AS is_barcode_owner,
    coalesce(exported.is_new, true) AS is_new,
    variant.created_at, variant.updated_at
FROM accounting.product_variants AS variant
JOIN accounting.products AS card USING (product_id)
LEFT JOIN last_sales AS last ON last.product_id = variant.product_id AND last.variant_id = variant.variant_id
LEFT JOIN known_cards AS exported ON exported.card_kind = 'product_variant' AND exported.card_id = variant.variant_id
WHERE variant.variant_id IN (SELECT variant_id FROM accounting.order_lines SEMI JOIN exportable_orders USING (order_id))
ORDER BY variant.product_id, variant.variant_id

-- name: orders
SELECT
    document.* EXCLUDE (difference, missing_in_crm, manager_id),
    partner.name AS partner_name, partner.phone AS partner_phone, partner.email AS partner_email,
    partner.catalogue_id AS partner_catalogue_id, namesakes.name_key IS NOT NULL AS partner_has_namesakes,
    status.name AS status_name,
    coalesce(status.group_id = $cancelled_group, false) AS is_cancelled, source.name AS source_name,
    payments.first.method AS payment_method, payments.first.method_id AS payment_method_id,
    payments.first.kind AS payment_method_kind
FROM accounting.orders AS document
SEMI JOIN exportable_orders USING (order_id)
JOIN accounting.partners AS partner USING (partner_id)
-- Among all cards, not only those of the period: a buyer must have the same name in every export.
LEFT JOIN (
    SELECT name_key FROM accounting.partners WHERE name_key IS NOT NULL GROUP BY name_key HAVING count(*) > 1
) AS namesakes ON namesakes.name_key = partner.name_key
LEFT JOIN accounting.statuses AS status USING (status_id)
LEFT JOIN accounting.sources AS source USING (source_id)
LEFT JOIN (
    -- The one that the account is of: the first in KeyCRM's list, whatever its number.
    SELECT payment.order_id,
        arg_min({'method': payment.method, 'method_id': payment.method_id, 'kind': payment.method_kind},
            (coalesce(sent.position, abs(payment.payment_id)), payment.payment_id)) AS first
    FROM accounting.order_payments AS payment
    LEFT JOIN validated.order_payments AS sent
        ON sent.order_id = payment.order_id AND sent.payment_id = payment.payment_id
    WHERE NOT payment.is_expense AND coalesce(payment.status, '') <> 'canceled' AND payment.method IS NOT NULL
    GROUP BY payment.order_id
) AS payments USING (order_id)
ORDER BY document.order_day, document.order_id

-- name: order_lines
SELECT
    line.order_id, document.order_day, line.line_no, line.crm_line_id, line.product_id, card.name AS product_name,
    card.catalogue_id AS product_catalogue_id, line.variant_id, line.name, line.sku, variant.barcode,
    line.characteristics, coalesce(line.unit, 'шт') AS unit, line.warehouse, line.stock_status, line.quantity,
    line.price,
    CAST(round(line.price * line.quantity, 2) AS DECIMAL(18, 2)) AS listed_amount,
    line.discount, line.amount, line.purchased_price, line.cost, document.currency
FROM accounting.order_lines AS line
SEMI JOIN exportable_orders USING (order_id)
JOIN accounting.orders AS document USING (order_id)
JOIN accounting.products AS card ON card.product_id = line.product_id
LEFT JOIN accounting.product_variants AS variant ON variant.variant_id = line.variant_id
ORDER BY document.order_day, line.order_id, line.line_no

-- name: order_services
SELECT
    service.order_id, document.order_day, service.line_no, service.crm_line_id, service.kind,
    service.product_id, card.catalogue_id AS product_catalogue_id, service.name, service.sku,
    service.characteristics, service.quantity, service.price,
    CAST(round(service.price * service.quantity, 2) AS DECIMAL(18, 2)) AS listed_amount,
    service.discount, service.amount, service.purchased_price, service.cost, document.currency
FROM accounting.order_services AS service
SEMI JOIN exportable_orders USING (order_id)
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN accounting.products AS card ON card.product_id = service.product_id
ORDER BY document.order_day, service.order_id, service.line_no

-- name: order_payments
SELECT
    payment.order_id, document.order_day, payment.payment_id,
    coalesce(CAST(money.received_day AS TIMESTAMPTZ), payment.paid_at) AS paid_at, payment.paid_at AS crm_paid_at,
    payment.dated_by, payment.method_id, payment.method,
    payment.account, payment.organisation, payment.amount, payment.currency, payment.rate, payment.rate_date,
    payment.amount_uah, payment.status, payment.is_expense,
    CASE WHEN payment.is_expense THEN 'Витрата' ELSE 'Оплата' END AS kind_name,
    payment.expense_type_id, payment.expense_type, payment.description, payment.method_kind, payment.receipt,
    payment.fiscal_result IS NOT NULL AS has_receipt, payment.fiscal_status,
    payment.fiscal_result, payment.transaction_uuid
FROM accounting.order_payments AS payment
SEMI JOIN exportable_orders USING (order_id)
JOIN accounting.orders AS document USING (order_id)
LEFT JOIN reports.money_days AS money ON money.order_id = payment.order_id AND money.payment_id = payment.payment_id
ORDER BY document.order_day, payment.order_id, abs(payment.payment_id), payment.payment_id

-- name: record_exported_cards
INSERT INTO ops.exported_cards (format, organisation, card_kind, card_id, period_from, period_to, exported_at)
SELECT $format, $organisation, $card_kind, card_id, $first_day, $last_day, $now
FROM cards_to_record
ANTI JOIN (
    SELECT card_id FROM ops.exported_cards
    WHERE format = $format AND organisation = $organisation AND card_kind = $card_kind
) AS recorded USING (card_id)
