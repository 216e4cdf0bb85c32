-- From the versions of orders to what changed between them (R14). The macros are those of the validation.

-- name: choose_orders
-- Booked orders of which an earlier version is kept, or that KeyCRM did not have for some time: those of the period, and
-- those that this exchange stored, or found missing or there again.
CREATE OR REPLACE TABLE staging.orders_with_versions AS
WITH chosen AS (
    SELECT order_id, order_day, currency FROM accounting.orders
    WHERE order_day BETWEEN $first_day AND $last_day
        OR order_id IN (SELECT order_id FROM raw.orders WHERE exchange_id = $exchange_id)
        OR order_id IN (SELECT order_id FROM validated.orders WHERE exchange_id = $exchange_id)
),
absent AS (
    SELECT order_id FROM raw.order_absences SEMI JOIN chosen USING (order_id)
    UNION
    SELECT order_id FROM raw.orders SEMI JOIN chosen USING (order_id) WHERE missing_since IS NOT NULL
)
SELECT chosen.*, coalesce(kept.versions, 1) AS versions
FROM chosen LEFT JOIN (
    SELECT order_id, count(*) + 1 AS versions FROM raw.order_versions SEMI JOIN chosen USING (order_id) GROUP BY order_id
) AS kept USING (order_id)
LEFT JOIN absent USING (order_id)
WHERE kept.order_id IS NOT NULL OR absent.order_id IS NOT NULL

-- name: measure_inputs
-- Everything that the movements of an order are made of, and what is stored of them, each as one number. A version never
-- changes, so its number and times stand for its payload.
CREATE OR REPLACE TEMP TABLE measured_movements AS
WITH chosen AS (SELECT order_id, currency FROM staging.orders_with_versions),
older AS (
    SELECT order_id, count(*) AS versions, bit_xor(hash(ROW(version_no, crm_updated_at, first_seen_at))) AS digest
    FROM raw.order_versions SEMI JOIN chosen USING (order_id) GROUP BY order_id
),
absent AS (
    SELECT order_id, bit_xor(hash(ROW(absent_since, version_no, listed_again_at))) AS digest
    FROM raw.order_absences SEMI JOIN chosen USING (order_id) GROUP BY order_id
),
stored AS (
    SELECT order_id, {stored} AS digest
    FROM accounting.order_movements AS movement SEMI JOIN chosen USING (order_id) GROUP BY order_id
),
groups AS (SELECT bit_xor(hash(ROW(status_id, group_id))) AS digest FROM accounting.statuses)
SELECT chosen.order_id,
    (hash(ROW($rules, groups.digest, chosen.currency, older.versions, older.digest, newest.payload_hash, newest.version_no,
        newest.crm_updated_at, coalesce(newest.first_seen_at, newest.extracted_at), newest.missing_since,
        absent.digest)) >> 1)::BIGINT
        AS inputs,
    coalesce(stored.digest, 0) AS movements
FROM chosen
JOIN raw.orders AS newest USING (order_id)
LEFT JOIN older USING (order_id)
LEFT JOIN absent USING (order_id)
LEFT JOIN stored USING (order_id)
CROSS JOIN groups

-- name: leave_out_unchanged
DELETE FROM staging.orders_with_versions
WHERE order_id IN (
    SELECT order_id FROM measured_movements JOIN ops.derived_movements USING (order_id, inputs, movements)
)

-- name: keep_inputs
CREATE OR REPLACE TABLE staging.movement_inputs AS
SELECT order_id, inputs FROM measured_movements SEMI JOIN staging.orders_with_versions USING (order_id)

-- name: order_parts
-- Days with their versions. A day of more than $most versions is cut into parts by id.
SELECT order_day, min(order_id), max(order_id), sum(versions)::BIGINT
FROM (
    SELECT order_day, order_id, versions,
        (sum(versions) OVER (PARTITION BY order_day ORDER BY order_id) - 1) // $most AS part
    FROM staging.orders_with_versions
)
GROUP BY order_day, part ORDER BY order_day, part

-- name: payload_size
-- The average size in bytes of some of the newest payloads.
SELECT coalesce(avg(strlen(payload)), 0) FROM (
    SELECT payload FROM raw.orders
    WHERE order_id IN (SELECT order_id FROM staging.orders_with_versions ORDER BY order_id LIMIT 500)
)

-- name: structure
{
  "status_id": "VARCHAR", "status_group_id": "VARCHAR", "status_changed_at": "VARCHAR", "grand_total": "VARCHAR",
  "status": {"id": "VARCHAR", "name": "VARCHAR", "alias": "VARCHAR", "group_id": "VARCHAR"},
  "products": [{
    "id": "VARCHAR", "name": "VARCHAR", "sku": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR",
    "price_sold": "VARCHAR", "created_at": "VARCHAR", "updated_at": "VARCHAR"
  }],
  "shipping": {
    "tracking_code": "VARCHAR", "shipping_status": "VARCHAR", "was_shipped": "VARCHAR", "updated_at": "VARCHAR"
  },
  "payments": [{
    "id": "VARCHAR", "amount": "VARCHAR", "actual_amount": "VARCHAR", "source_currency": "VARCHAR",
    "actual_currency": "VARCHAR", "payment_method_id": "VARCHAR", "status": "VARCHAR", "is_expense": "VARCHAR",
    "payment_date": "VARCHAR", "created_at": "VARCHAR", "updated_at": "VARCHAR"
  }],
  "expenses": [{
    "id": "VARCHAR", "amount": "VARCHAR", "actual_amount": "VARCHAR", "source_currency": "VARCHAR",
    "actual_currency": "VARCHAR", "payment_method_id": "VARCHAR", "status": "VARCHAR", "is_expense": "VARCHAR",
    "payment_date": "VARCHAR", "created_at": "VARCHAR", "updated_at": "VARCHAR"
  }]
}

-- name: read_versions
-- Every version of the orders of a batch, the newest too. Stored rows are looked up by rowid: the versions of orders of
-- neighbouring days lie together, and payloads of all others are not read.
CREATE OR REPLACE TEMP TABLE read_versions AS
WITH batch AS (
    SELECT order_id FROM staging.orders_with_versions
    WHERE order_day BETWEEN $first_day AND $last_day AND order_id BETWEEN $first_id AND $last_id
),
stored AS (
    SELECT order_id, version_no, payload, crm_updated_at, first_seen_at FROM raw.order_versions
    WHERE rowid IN (SELECT rowid FROM raw.order_versions SEMI JOIN batch USING (order_id))
    UNION ALL
    SELECT order_id, coalesce(version_no, 1), payload, crm_updated_at, coalesce(first_seen_at, extracted_at)
    FROM raw.orders
    WHERE rowid IN (SELECT rowid FROM raw.orders SEMI JOIN batch USING (order_id))
),
read AS (SELECT *, from_json(payload, $structure) AS fields FROM stored)
SELECT * EXCLUDE (payload),
    CASE WHEN greatest(
        fields.products IS NULL, fields.payments IS NULL, fields.expenses IS NULL,
        -- Unlike AND, CASE looks into the payload only of these.
        CASE WHEN fields.shipping IS NULL THEN json_type(payload, '$.shipping') IS DISTINCT FROM 'NULL' ELSE false END,
        is_nested(fields.status.name), is_nested(fields.status.alias),
        is_nested(fields.shipping.tracking_code), is_nested(fields.shipping.shipping_status),
        len(list_filter(fields.products, line -> greatest(is_nested(line.sku), is_nested(line.name)))) > 0,
        has_odd_payments(fields.payments), has_odd_payments(fields.expenses)
    ) THEN payload END AS odd_payload
FROM read

-- name: odd_versions
SELECT order_id, version_no, odd_payload FROM read_versions WHERE odd_payload IS NOT NULL

-- name: mend_versions
-- A version without a payload here is one that cannot be read.
UPDATE read_versions SET fields = from_json(mended.payload, $structure)
FROM mended_frame AS mended
WHERE mended.order_id = read_versions.order_id AND mended.version_no = read_versions.version_no

-- name: plain_values
-- Plain casts and comparisons, as inside a list patterns would be compiled again for every chunk of rows.
CREATE OR REPLACE TEMP MACRO is_none(value) AS value IS NULL OR value IN ('', '[]', '{}');
CREATE OR REPLACE TEMP MACRO is_plain_id(value) AS
    coalesce(CAST(try_cast(value AS BIGINT) AS VARCHAR) = value, false) OR is_none(value);
CREATE OR REPLACE TEMP MACRO is_plain_date(value) AS try_cast(value AS TIMESTAMPTZ) IS NOT NULL OR is_none(value);
CREATE OR REPLACE TEMP MACRO is_plain_sum(value) AS
    coalesce(abs(try_cast(value AS DOUBLE)) < 1e12 AND NOT contains(value, '_'), false);
CREATE OR REPLACE TEMP MACRO sold_for(line) AS CASE WHEN is_none(line.price_sold) THEN line.price ELSE line.price_sold END;

-- name: type_versions
-- A version in which a part of an order is absent, or a value that decides cannot be read, says nothing for certain
-- (R10): it is left out.
CREATE OR REPLACE TEMP TABLE typed_versions AS
WITH typed AS (
    SELECT
        order_id, version_no, crm_updated_at, first_seen_at,
        min(version_no) OVER (PARTITION BY order_id) = 1 AS has_first,
        coalesce(whole(fields.status_id), whole(fields.status.id)) AS status_id,
        coalesce(whole(fields.status_group_id), whole(fields.status.group_id)) AS crm_group_id,
        coalesce(filled(fields.status.name), filled(fields.status.alias)) AS status_name,
        instant(fields.status_changed_at) AS status_changed_at,
        money(fields.grand_total) AS grand_total,
        filled(fields.shipping.tracking_code) AS tracking_code,
        filled(fields.shipping.shipping_status) AS shipping_status,
        flag(fields.shipping.was_shipped) AS was_shipped,
        instant(fields.shipping.updated_at) AS parcel_at,
        hash(fields.products) AS lines_digest,
        hash(fields.payments, fields.expenses) AS payments_digest,
        fields.products IS NOT NULL AND fields.payments IS NOT NULL AND fields.expenses IS NOT NULL
            AND len(list_filter(fields.products, line -> NOT least(
                is_plain_id(line.id), is_plain_sum(line.quantity), is_plain_sum(sold_for(line)),
                coalesce(abs(try_cast(line.quantity AS DOUBLE)) < 1e9
                    AND abs(try_cast(sold_for(line) AS DOUBLE)) < 1e9
                    AND abs(try_cast(line.quantity AS DOUBLE) * try_cast(sold_for(line) AS DOUBLE)) < 1e12, false)))) = 0
            AND len(list_filter(list_concat(fields.payments, fields.expenses), payment -> NOT least(
                is_plain_id(payment.id), is_plain_id(payment.payment_method_id), is_plain_date(payment.payment_date),
                is_plain_sum(payment.amount), is_none(payment.actual_amount) OR is_plain_sum(payment.actual_amount)))) = 0
            -- Whether a payment without a status is money is not known; an expense is told by its list.
            AND len(list_filter(fields.payments, payment -> is_none(payment.status))) = 0
            AS has_readable_parts
    FROM read_versions
)
SELECT typed.* EXCLUDE (crm_group_id, has_readable_parts), coalesce(typed.crm_group_id, status.group_id) AS status_group_id,
    chosen.currency
FROM typed
JOIN staging.orders_with_versions AS chosen USING (order_id)
LEFT JOIN accounting.statuses AS status USING (status_id)
WHERE has_readable_parts AND grand_total IS NOT NULL AND status_group_id IS NOT NULL

-- name: versions
SELECT * EXCLUDE (status_id) FROM typed_versions

-- name: lines
-- Only of orders whose lines changed at all; what several versions of one have in common is read once.
WITH changed AS (
    SELECT order_id FROM typed_versions GROUP BY order_id HAVING count(DISTINCT lines_digest) > 1
),
differing AS (
    SELECT order_id, lines_digest, min(version_no) AS version_no FROM typed_versions SEMI JOIN changed USING (order_id)
    GROUP BY order_id, lines_digest
),
unnested AS (
    SELECT order_id, lines_digest, unnest(fields.products) AS line, generate_subscripts(fields.products, 1) AS position
    FROM read_versions JOIN differing USING (order_id, version_no)
),
typed AS (
    SELECT
        order_id, lines_digest, position, coalesce(whole(line.id), -position) AS line_id, filled(line.name) AS name,
        filled(line.sku) AS sku, CAST(in_full(line.quantity) AS DECIMAL(18, 9)) AS quantity,
        CAST(coalesce(in_full(line.price_sold), in_full(line.price)) AS DECIMAL(18, 9)) AS price_sold,
        instant(line.created_at) AS line_created_at, instant(line.updated_at) AS line_updated_at
    FROM unnested
)
SELECT version_no, typed.* EXCLUDE (lines_digest, position)
FROM typed JOIN typed_versions USING (order_id, lines_digest)
ORDER BY order_id, version_no, position

-- name: payments
-- Only of orders whose payments changed at all, read once as the lines are. Expenses stand in a list of their own, and
-- among the payments.
WITH changed AS (
    SELECT order_id FROM typed_versions GROUP BY order_id HAVING count(DISTINCT payments_digest) > 1
),
differing AS (
    SELECT order_id, payments_digest, min(version_no) AS version_no
    FROM typed_versions SEMI JOIN changed USING (order_id)
    GROUP BY order_id, payments_digest
),
listed AS (
    SELECT order_id, payments_digest, len(fields.payments) AS payments,
        list_concat(fields.payments, fields.expenses) AS both_lists
    FROM read_versions JOIN differing USING (order_id, version_no)
),
unnested AS (
    SELECT order_id, payments_digest, payments, unnest(both_lists) AS payment,
        generate_subscripts(both_lists, 1) AS position
    FROM listed
),
typed AS (
    SELECT
        order_id, payments_digest, position, coalesce(whole(payment.id), -position) AS payment_id,
        position > payments OR flag(payment.is_expense) AS is_expense, filled(payment.status) AS status,
        money(payment.amount) AS amount, upper(filled(payment.source_currency)) AS source_currency,
        money(payment.actual_amount) AS actual_amount, upper(filled(payment.actual_currency)) AS actual_currency,
        whole(payment.payment_method_id) AS method_id,
        coalesce(instant(payment.payment_date), instant(payment.created_at)) AS paid_at,
        instant(payment.updated_at) AS payment_updated_at
    FROM unnested
)
SELECT version_no, typed.* EXCLUDE (payments_digest, position)
FROM typed JOIN typed_versions USING (order_id, payments_digest)
ORDER BY order_id, version_no, position

-- name: absences
-- Since when and until when KeyCRM did not have an order of the batch; what an older program marked has no row of its own.
WITH known AS (
    SELECT order_id, absent_since, version_no, listed_again_at FROM raw.order_absences
    SEMI JOIN read_versions USING (order_id)
    UNION
    SELECT order_id, missing_since, coalesce(version_no, 1), NULL FROM raw.orders SEMI JOIN read_versions USING (order_id)
    ANTI JOIN raw.order_absences AS noted
        ON noted.order_id = orders.order_id AND noted.absent_since = orders.missing_since
    WHERE missing_since IS NOT NULL
)
SELECT known.*, chosen.currency, row_number() OVER (PARTITION BY order_id ORDER BY absent_since) AS absence_no
FROM known JOIN staging.orders_with_versions AS chosen USING (order_id)

-- name: batch_orders
CREATE OR REPLACE TEMP TABLE batch_orders AS SELECT DISTINCT order_id FROM read_versions

-- name: forget_derived
DELETE FROM ops.derived_movements WHERE order_id IN (SELECT order_id FROM batch_orders)

-- name: record_derived
INSERT INTO ops.derived_movements BY NAME
SELECT order_id, inputs, coalesce(stored.digest, 0) AS movements
FROM staging.movement_inputs SEMI JOIN batch_orders USING (order_id)
LEFT JOIN (
    SELECT order_id, {stored} AS digest FROM new_order_movements AS movement GROUP BY order_id
) AS stored USING (order_id)

-- name: keep_given_up
-- Movements of versions that are no longer stored, and of the first that is: nothing is left to compare that with.
INSERT INTO new_order_movements BY NAME
SELECT stored.*
FROM accounting.order_movements AS stored
JOIN (
    SELECT order_id, min(version_no) AS first_left FROM typed_versions WHERE NOT has_first GROUP BY order_id
) AS lacking USING (order_id)
WHERE stored.version_no <= lacking.first_left AND stored.kind NOT IN ('order_vanished', 'order_listed_again')

-- name: differing
CREATE OR REPLACE TEMP TABLE differing AS
SELECT DISTINCT order_id FROM ({comparison})

-- name: delete_movements
DELETE FROM accounting.order_movements WHERE order_id IN (SELECT order_id FROM differing)

-- name: insert_movements
INSERT INTO accounting.order_movements BY NAME
SELECT fresh.* FROM new_order_movements AS fresh SEMI JOIN differing USING (order_id)
ORDER BY order_id, version_no, kind, subject_id
