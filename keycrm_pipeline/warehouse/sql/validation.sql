-- From payloads to typed rows. A batch is held in temporary tables; what fails validation never leaves them.
-- The session's time zone is UTC here: a time without a zone in a payload means UTC.

-- name: macros
-- What each form of a value means is the table in `crm.values`, which reads the same values in Python; a test compares
-- the two readers. Most values are written plainly, so every macro recognises the plain form first.
CREATE OR REPLACE TEMP MACRO blank() AS '[\s\p{Z}\x{0b}\x{1c}-\x{1f}\x{85}]';
CREATE OR REPLACE TEMP MACRO trimmed(value) AS
    regexp_replace(value, concat('^', blank(), '+|', blank(), '+$'), '', 'g');
-- The text of a field; nothing for a blank one, and for the empty array that KeyCRM sends for an empty object.
CREATE OR REPLACE TEMP MACRO filled(value) AS CASE
    WHEN regexp_matches(value, concat('^(', blank(), '|(\[\]|\{\})?$)|', blank(), '$'))
    THEN [text for text in [trimmed(value)] if text NOT IN ('', '[]', '{}')][1]
    ELSE value
END;
-- Whether a reader sees anything of a text: line ends and characters without width are no name. The first character
-- nearly always decides.
CREATE OR REPLACE TEMP MACRO visible(value) AS CASE
    WHEN value IS NULL THEN false
    WHEN unicode(value) BETWEEN 33 AND 126 OR unicode(value) BETWEEN 1024 AND 1327 THEN true
    ELSE regexp_matches(value, '[^\s\p{Z}\x{0b}\x{1c}-\x{1f}\x{85}\x{ad}\x{200b}\x{2060}\x{feff}]')
END;
-- DuckDB alone would also read '1_000'.
CREATE OR REPLACE TEMP MACRO number(value) AS CASE
    WHEN NOT contains(value, '_')
    THEN coalesce(try_cast(value AS DECIMAL(18, 6)), try_cast(trimmed(value) AS DECIMAL(18, 6)))
END;
CREATE OR REPLACE TEMP MACRO money(value) AS CAST(number(value) AS DECIMAL(18, 2));
-- A price or a quantity with all its decimals. More digits before the point than the table takes, so that a number that
-- is too large is rejected as what it is; DuckDB reads the wide type fifty times slower, so it comes second.
CREATE OR REPLACE TEMP MACRO in_full(value) AS CASE
    WHEN NOT contains(value, '_')
    THEN coalesce(
        try_cast(value AS DECIMAL(18, 9)), try_cast(value AS DECIMAL(28, 9)), try_cast(trimmed(value) AS DECIMAL(28, 9)))
END;
CREATE OR REPLACE TEMP MACRO whole(value) AS CASE
    WHEN CAST(try_cast(value AS BIGINT) AS VARCHAR) = value THEN try_cast(value AS BIGINT)
    WHEN regexp_full_match(value, '-?[0-9]{1,19}(\.0+)?') THEN try_cast(value AS BIGINT)
    WHEN regexp_full_match(trimmed(value), '-?[0-9]{1,19}(\.0+)?') THEN try_cast(trimmed(value) AS BIGINT)
END;
CREATE OR REPLACE TEMP MACRO flag(value) AS CASE
    WHEN value IS NULL OR value IN ('false', '0') THEN false
    ELSE coalesce(lower(filled(value)) IN ('true', '1'), false)
END;
-- DuckDB alone would also read 'infinity', '2026-3-2', 24:00 and names of zones.
CREATE OR REPLACE TEMP MACRO is_moment(value) AS regexp_full_match(
    value,
    '\d{4}-\d\d-\d\d([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?'
);
-- DuckDB takes no zone right after the minutes: the second cast adds the seconds.
CREATE OR REPLACE TEMP MACRO moment_of(value) AS
    coalesce(try_cast(value AS TIMESTAMPTZ), try_cast(regexp_replace(value, '^(.{16})', '\1:00') AS TIMESTAMPTZ));
-- Other forms than KeyCRM's own are read within lists, whose element the statement has once: DuckDB takes most of the time of
-- a small load to plan, and compiles each pattern as often as it is written.
CREATE OR REPLACE TEMP MACRO instant(value) AS CASE
    WHEN regexp_full_match(value, '(19|20)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z')
    THEN try_cast(value AS TIMESTAMPTZ)
    -- Within these bounds of years a moment has a day in every time zone.
    ELSE [moment for moment in [moment_of(text) for text in [trimmed(value)] if is_moment(text)]
        if moment BETWEEN TIMESTAMPTZ '0002-01-01 00:00:00Z' AND TIMESTAMPTZ '9998-12-31 00:00:00Z'][1]
END;
-- A field and what came in it, as two texts with a character between them that neither has; so are the entries of a list.
CREATE OR REPLACE TEMP MACRO written(name, value) AS
    name || chr(30) || translate(left(value, 40), concat(chr(30), chr(31)), '  ');
CREATE OR REPLACE TEMP MACRO names(entries, name) AS contains(entries, concat(name, chr(30)));
CREATE OR REPLACE TEMP MACRO not_a_number(name, value) AS
    CASE WHEN number(value) IS NULL AND filled(value) IS NOT NULL THEN written(name, value) END;
CREATE OR REPLACE TEMP MACRO not_a_price(name, value) AS
    CASE WHEN in_full(value) IS NULL AND filled(value) IS NOT NULL THEN written(name, value) END;
-- Ids and dates that are filled and cannot be read: that is not the same as none (R10). One pattern for all of them,
-- because DuckDB compiles each pattern of a statement before it begins.
CREATE OR REPLACE TEMP MACRO unreadable(entries) AS array_to_string(list_filter(entries,
    entry -> NOT regexp_matches(entry, concat('^[a-z_.]+\x1e', blank(), '*(\[\]|\{\})?', blank(), '*$'))), chr(31));
-- Whether some part of an order may come in a shape that is not KeyCRM's, so that `crm.shapes` must look at it: it may say
-- so of a good one, but never the reverse, which a test compares. Read as text, a list or an object begins with its
-- bracket. What has no id may be none, which only the payload tells from absent: of the few such parts, their kinds.
CREATE OR REPLACE TEMP MACRO is_nested(value) AS unicode(value) IN (91, 123);
-- `greatest` in place of OR: DuckDB takes milliseconds to plan a long OR.
CREATE OR REPLACE TEMP MACRO has_odd_options(properties) AS properties IS NULL OR len(list_filter(properties,
    option -> greatest(option.name IS NULL AND option.value IS NULL, is_nested(option.name), is_nested(option.value))
)) > 0;
CREATE OR REPLACE TEMP MACRO has_odd_lines(products) AS len(list_filter(products,
    line -> greatest(
        is_nested(line.sku), is_nested(line.name), is_nested(line.unit_type), is_nested(line.stock_status),
        is_nested(line.offer.sku), is_nested(line.offer.barcode),
        has_odd_options(line.properties),
        line.offer.id IS NOT NULL AND has_odd_options(line.offer.properties)))) > 0;
CREATE OR REPLACE TEMP MACRO has_odd_payments(payments) AS len(list_filter(payments,
    payment -> greatest(is_nested(payment.source_currency), is_nested(payment.actual_currency),
        is_nested(payment.status), is_nested(payment.is_expense)))) > 0;
CREATE OR REPLACE TEMP MACRO has_odd_texts(fields) AS regexp_matches(concat_ws(chr(31), '',
    fields.source_uuid, fields.payment_status, fields.buyer_comment, fields.client_comment, fields.manager_comment,
    fields.buyer.full_name, fields.buyer.phone, fields.buyer.email, fields.status.name, fields.status.alias,
    fields.shipping.delivery_service.name, fields.shipping.tracking_code, fields.shipping.shipping_status,
    fields.shipping.shipping_address_country, fields.shipping.shipping_address_country_code,
    fields.shipping.shipping_address_region, fields.shipping.shipping_address_city,
    fields.shipping.shipping_address_zip, fields.shipping.shipping_receive_point, fields.shipping.shipping_address,
    fields.shipping.shipping_secondary_line, fields.shipping.recipient_full_name, fields.shipping.recipient_phone,
    fields.shipping.was_shipped, fields.warehouse.name
), '\x1f[\[{]');
-- Buyer, manager, status, shipping, its delivery service, and a key that every filled shipping has.
CREATE OR REPLACE TEMP MACRO kinds_of_parts(fields, payload) AS CASE
    WHEN fields.buyer.id IS NULL OR fields.status.id IS NULL
        -- Many shops have no managers. No other key of an order ends like this one.
        OR (fields.manager.id IS NULL AND NOT contains(payload, 'manager":null'))
        OR fields.shipping.delivery_service.name IS NULL
    THEN json_type(payload, ['$.buyer', '$.manager', '$.status', '$.shipping', '$.shipping.delivery_service',
        '$.shipping.tracking_code'])
END;
CREATE OR REPLACE TEMP MACRO kinds_of_offers(fields, payload) AS CASE
    WHEN len(list_filter(fields.products, line -> line.offer.id IS NULL)) > 0
    THEN json_type(payload, '$.products[*].offer')
END;
CREATE OR REPLACE TEMP MACRO is_odd(fields, parts, offers) AS greatest(
    fields.products IS NULL, fields.payments IS NULL, fields.expenses IS NULL,
    parts IS NOT NULL AND NOT coalesce(
        (fields.buyer.id IS NOT NULL OR parts[1] = 'NULL')
        AND (fields.manager.id IS NOT NULL OR parts[2] = 'NULL')
        AND (fields.status.id IS NOT NULL OR parts[3] = 'NULL')
        AND (fields.shipping.delivery_service.name IS NOT NULL OR parts[4] = 'NULL'
            OR (parts[5] = 'NULL' AND parts[6] IS NOT NULL)), false),
    CASE WHEN offers IS NOT NULL THEN len(offers) <> len(fields.products)
        OR len(list_filter(offers, kind -> kind <> 'NULL'))
            <> len(list_filter(fields.products, line -> line.offer.id IS NOT NULL)) END,
    has_odd_lines(fields.products), has_odd_payments(fields.payments), has_odd_payments(fields.expenses),
    has_odd_texts(fields));
-- A text as it is written on a card: blanks inside collapsed, without characters that have no width.
CREATE OR REPLACE TEMP MACRO tidied(value) AS nullif(trim(regexp_replace(
    regexp_replace(filled(value), '[\x{ad}\x{200b}\x{2060}\x{feff}]', '', 'g'), concat(blank(), '+'), ' ', 'g'
)), '');
-- An option without a value says nothing; a value without an option stands alone.
CREATE OR REPLACE TEMP MACRO tidied_options(properties) AS nullif(array_to_string(
    [coalesce(tidied(option.name) || ': ', '') || tidied(option.value) for option in properties], '; '), '');
CREATE OR REPLACE TEMP MACRO plain_words() AS '[!-Z\\-z|-~\x{400}-\x{52f}]+( [!-Z\\-z|-~\x{400}-\x{52f}]+)*';
CREATE OR REPLACE TEMP MACRO separated_options(properties) AS array_to_string(
    [coalesce(option.name, '') || chr(30) || coalesce(option.value, '') for option in properties], chr(31));
-- The plain options of a line are recognised with one look: inside a list, DuckDB would compile the patterns again for
-- every chunk of rows.
CREATE OR REPLACE TEMP MACRO options(properties) AS CASE
    WHEN regexp_full_match(
        separated_options(properties),
        concat(plain_words(), '\x1e', plain_words(), '(\x1f', plain_words(), '\x1e', plain_words(), ')*')
    )
    THEN replace(replace(separated_options(properties), chr(30), ': '), chr(31), '; ')
    WHEN len(properties) > 0 THEN tidied_options(properties)
END;

-- name: custom_field_macros
-- Filled fields as one JSON object, by the id that KeyCRM gives a field; several chosen options are one text. Of a field
-- that comes twice the first counts. What comes in another shape is none: nothing of the books depends on it.
CREATE OR REPLACE TEMP MACRO custom_value(value) AS nullif(trim(CASE WHEN unicode(value) = 91
    THEN array_to_string(from_json(value, '["VARCHAR"]'), '; ') ELSE value END), '');
CREATE OR REPLACE TEMP MACRO custom_fields(listed) AS CASE WHEN len(listed) > 0
    THEN nullif(CAST(to_json(map_from_entries([
        {'k': field.uuid, 'v': custom_value(field.value)} for field, place in listed
        if field.uuid IS NOT NULL AND custom_value(field.value) IS NOT NULL
            AND list_position([other.uuid for other in listed], field.uuid) = place
    ])) AS VARCHAR), '{}') END;

-- name: stage_payloads
-- All fields are read as text: a value of an unexpected type must be seen, not turned into NULL. {orders} says which.
CREATE OR REPLACE TEMP TABLE staged_payloads AS
-- In two halves, so that DuckDB has no more than 1,024 orders at a time in memory as JSON.
WITH halves AS (
    SELECT order_id, order_day, payload_hash, payload FROM raw.orders WHERE {orders} AND rowid % 2 = 0
    UNION ALL
    SELECT order_id, order_day, payload_hash, payload FROM raw.orders WHERE {orders} AND rowid % 2 = 1
),
read AS (
    SELECT *, from_json(payload, $structure) AS fields FROM halves
),
looked_at AS (
    SELECT *, kinds_of_parts(fields, payload) AS parts, kinds_of_offers(fields, payload) AS offers FROM read
)
SELECT order_id, order_day, payload_hash, fields, CASE WHEN is_odd(fields, parts, offers) THEN payload END AS odd_payload
FROM looked_at

-- name: odd_payloads
SELECT order_id, odd_payload FROM staged_payloads WHERE odd_payload IS NOT NULL

-- name: mend_payloads
UPDATE staged_payloads SET fields = from_json(mended.payload, $structure)
FROM mended_frame AS mended WHERE mended.order_id = staged_payloads.order_id

-- name: structure
{
  "ordered_at": "VARCHAR", "created_at": "VARCHAR", "updated_at": "VARCHAR", "status_changed_at": "VARCHAR",
  "status_id": "VARCHAR", "status_group_id": "VARCHAR", "source_id": "VARCHAR", "source_uuid": "VARCHAR",
  "client_id": "VARCHAR", "manager_id": "VARCHAR",
  "grand_total": "VARCHAR", "shipping_price": "VARCHAR", "wrap_price": "VARCHAR", "taxes": "VARCHAR",
  "discount_amount": "VARCHAR", "discount_percent": "VARCHAR", "total_discount": "VARCHAR",
  "margin_sum": "VARCHAR", "payment_status": "VARCHAR", "deleted_at": "VARCHAR",
  "buyer_comment": "VARCHAR", "client_comment": "VARCHAR", "manager_comment": "VARCHAR",
  "warehouse": {"name": "VARCHAR"},
  "custom_fields": [{"uuid": "VARCHAR", "value": "VARCHAR"}], "tags": [{"name": "VARCHAR"}],
  "marketing": {
    "utm_source": "VARCHAR", "utm_medium": "VARCHAR", "utm_campaign": "VARCHAR", "utm_term": "VARCHAR",
    "utm_content": "VARCHAR"
  },
  "buyer": {"id": "VARCHAR", "full_name": "VARCHAR", "phone": "VARCHAR", "email": "VARCHAR", "company_id": "VARCHAR"},
  "manager": {"id": "VARCHAR"},
  "status": {"id": "VARCHAR", "name": "VARCHAR", "alias": "VARCHAR", "group_id": "VARCHAR"},
  "products": [{
    "id": "VARCHAR", "sku": "VARCHAR", "name": "VARCHAR", "quantity": "VARCHAR", "unit_type": "VARCHAR",
    "price": "VARCHAR", "price_sold": "VARCHAR", "stock_status": "VARCHAR", "warehouse": {"name": "VARCHAR"},
    "purchased_price": "VARCHAR",
    "properties": [{"name": "VARCHAR", "value": "VARCHAR"}],
    "offer": {
      "id": "VARCHAR", "product_id": "VARCHAR", "sku": "VARCHAR", "barcode": "VARCHAR",
      "properties": [{"name": "VARCHAR", "value": "VARCHAR"}]
    }
  }],
  "shipping": {
    "delivery_service": {"name": "VARCHAR"}, "tracking_code": "VARCHAR", "shipping_status": "VARCHAR",
    "shipping_address_country": "VARCHAR", "shipping_address_country_code": "VARCHAR",
    "shipping_address_region": "VARCHAR", "shipping_address_city": "VARCHAR", "shipping_address_zip": "VARCHAR",
    "shipping_receive_point": "VARCHAR", "shipping_address": "VARCHAR", "shipping_secondary_line": "VARCHAR",
    "recipient_full_name": "VARCHAR", "recipient_phone": "VARCHAR",
    "shipping_date_actual": "VARCHAR", "was_shipped": "VARCHAR"
  },
  "payments": [{
    "id": "VARCHAR", "amount": "VARCHAR", "actual_amount": "VARCHAR", "source_currency": "VARCHAR",
    "actual_currency": "VARCHAR", "payment_method_id": "VARCHAR", "expense_type_id": "VARCHAR", "description": "VARCHAR",
    "status": "VARCHAR", "is_expense": "VARCHAR", "payment_date": "VARCHAR", "created_at": "VARCHAR",
    "fiscal_status": "VARCHAR", "fiscal_result": "VARCHAR", "transaction_uuid": "VARCHAR"
  }],
  "expenses": [{
    "id": "VARCHAR", "amount": "VARCHAR", "actual_amount": "VARCHAR", "source_currency": "VARCHAR",
    "actual_currency": "VARCHAR", "payment_method_id": "VARCHAR", "expense_type_id": "VARCHAR", "description": "VARCHAR",
    "status": "VARCHAR", "is_expense": "VARCHAR", "payment_date": "VARCHAR", "created_at": "VARCHAR",
    "fiscal_status": "VARCHAR", "fiscal_result": "VARCHAR", "transaction_uuid": "VARCHAR"
  }]
}

-- name: stage_orders
CREATE OR REPLACE TEMP TABLE staged_orders AS
WITH typed AS (
    SELECT
        order_id,
        order_day,
        -- A date that cannot be read is not replaced by another one: the order is rejected (R10).
        coalesce(instant(fields.ordered_at), CASE WHEN filled(fields.ordered_at) IS NULL THEN instant(fields.created_at) END)
            AS ordered_at,
        instant(fields.created_at) AS crm_created_at,
        instant(fields.updated_at) AS crm_updated_at,
        instant(fields.status_changed_at) AS status_changed_at,
        coalesce(whole(fields.status_id), whole(fields.status.id)) AS status_id,
        filled(fields.status.name) AS status_name,
        filled(fields.status.alias) AS status_alias,
        coalesce(whole(fields.status_group_id), whole(fields.status.group_id)) AS status_group_id,
        whole(fields.source_id) AS source_id,
        filled(fields.source_uuid) AS source_number,
        coalesce(whole(fields.manager_id), whole(fields.manager.id)) AS manager_id,
        coalesce(whole(fields.buyer.id), whole(fields.client_id)) AS buyer_id,
        filled(fields.buyer.full_name) AS buyer_name,
        filled(fields.buyer.phone) AS buyer_phone,
        filled(fields.buyer.email) AS buyer_email,
        -- The buyer's company describes the card and decides nothing: what cannot be read of it is none.
        whole(fields.buyer.company_id) AS company_id,
        money(fields.grand_total) AS grand_total,
        coalesce(money(fields.shipping_price), 0) AS shipping_price,
        coalesce(money(fields.wrap_price), 0) AS wrap_price,
        coalesce(money(fields.taxes), 0) AS taxes,
        coalesce(money(fields.discount_amount), 0) AS discount_amount,
        coalesce(number(fields.discount_percent), 0) AS discount_percent,
        coalesce(money(fields.total_discount), 0) AS total_discount,
        money(fields.margin_sum) AS margin_in_crm,
        filled(fields.payment_status) AS payment_status,
        coalesce(filled(fields.buyer_comment), filled(fields.client_comment)) AS buyer_comment,
        filled(fields.manager_comment) AS manager_comment,
        filled(fields.shipping.delivery_service.name) AS delivery_service,
        filled(fields.shipping.tracking_code) AS tracking_code,
        filled(fields.shipping.shipping_status) AS shipping_status,
        instant(fields.shipping.shipping_date_actual) AS shipped_at,
        flag(fields.shipping.was_shipped) AS was_shipped,
        filled(fields.warehouse.name) AS warehouse,
        custom_fields(fields.custom_fields) AS custom_fields,
        nullif(array_to_string([trim(tag.name) for tag in fields.tags], '; '), '') AS tags,
        filled(fields.marketing.utm_source) AS utm_source,
        filled(fields.marketing.utm_medium) AS utm_medium,
        filled(fields.marketing.utm_campaign) AS utm_campaign,
        filled(fields.marketing.utm_term) AS utm_term,
        filled(fields.marketing.utm_content) AS utm_content,
        filled(fields.shipping.shipping_address_country) AS address_country,
        filled(fields.shipping.shipping_address_country_code) AS address_country_code,
        filled(fields.shipping.shipping_address_region) AS address_region,
        filled(fields.shipping.shipping_address_city) AS address_city,
        filled(fields.shipping.shipping_address_zip) AS address_zip,
        filled(fields.shipping.shipping_receive_point) AS address_receive_point,
        filled(fields.shipping.shipping_address) AS address_street,
        filled(fields.shipping.shipping_secondary_line) AS address_second_line,
        filled(fields.shipping.recipient_full_name) AS recipient_name,
        filled(fields.shipping.recipient_phone) AS recipient_phone,
        payload_hash,
        fields.products IS NOT NULL AS has_lines,
        concat_ws(chr(31),
            not_a_number('grand_total', fields.grand_total), not_a_number('shipping_price', fields.shipping_price),
            not_a_number('wrap_price', fields.wrap_price), not_a_number('taxes', fields.taxes),
            not_a_number('discount_amount', fields.discount_amount),
            not_a_number('discount_percent', fields.discount_percent),
            not_a_number('total_discount', fields.total_discount)
        ) AS unreadable_fields,
        CASE WHEN ordered_at IS NULL THEN coalesce(left(filled(fields.ordered_at), 40), '') ELSE '' END
            AS unreadable_date,
        fields
    FROM staged_payloads
)
SELECT
    * EXCLUDE (fields),
    -- Of an id with a second source, the first readable one counts. The books use created_at for the day alone.
    unreadable([
        CASE WHEN ordered_at IS NULL AND unreadable_date = '' THEN written('created_at', fields.created_at) END,
        CASE WHEN crm_updated_at IS NULL THEN written('updated_at', fields.updated_at) END,
        CASE WHEN status_changed_at IS NULL THEN written('status_changed_at', fields.status_changed_at) END,
        CASE WHEN NOT (is_moment(trim(fields.deleted_at)) AND try_cast(trim(fields.deleted_at) AS DATE) IS NOT NULL)
            THEN written('deleted_at', fields.deleted_at) END,
        CASE WHEN shipped_at IS NULL
            THEN written('shipping.shipping_date_actual', fields.shipping.shipping_date_actual) END,
        CASE WHEN source_id IS NULL THEN written('source_id', fields.source_id) END,
        CASE WHEN status_id IS NULL THEN written('status_id', fields.status_id) END,
        CASE WHEN status_id IS NULL THEN written('status.id', fields.status.id) END,
        CASE WHEN status_group_id IS NULL THEN written('status_group_id', fields.status_group_id) END,
        CASE WHEN status_group_id IS NULL THEN written('status.group_id', fields.status.group_id) END,
        CASE WHEN manager_id IS NULL THEN written('manager_id', fields.manager_id) END,
        CASE WHEN manager_id IS NULL THEN written('manager.id', fields.manager.id) END,
        CASE WHEN buyer_id IS NULL THEN written('buyer.id', fields.buyer.id) END,
        CASE WHEN buyer_id IS NULL THEN written('client_id', fields.client_id) END
    ]) AS unreadable_values
FROM typed

-- name: stage_lines
CREATE OR REPLACE TEMP TABLE staged_lines AS
WITH bare AS (
    SELECT order_id, order_day, unnest(fields.products) AS line, generate_subscripts(fields.products, 1) AS line_no
    FROM staged_payloads
),
unnested AS (
    SELECT *, options(line.properties) AS line_options, options(line.offer.properties) AS offer_options FROM bare
),
typed AS (
    SELECT
        order_id,
        order_day,
        CAST(line_no AS INTEGER) AS line_no,
        line IS NOT NULL AS is_object,
        whole(line.id) AS crm_line_id,
        coalesce(filled(line.sku), filled(line.offer.sku)) AS sku,
        filled(line.name) AS name,
        filled(line.unit_type) AS unit,
        filled(line.warehouse.name) AS warehouse,
        filled(line.stock_status) AS stock_status,
        in_full(line.quantity) AS quantity,
        coalesce(in_full(line.price), in_full(line.price_sold)) AS price,
        coalesce(in_full(line.price_sold), in_full(line.price)) AS price_sold,
        -- A cost that is none, or cannot be true, is not known; no document depends on it.
        CASE WHEN try_cast(line.purchased_price AS DOUBLE) > 0
            AND greatest(1, quantity::DOUBLE) * try_cast(line.purchased_price AS DOUBLE) < 9e9
            THEN in_full(line.purchased_price) END AS purchased_price,
        coalesce(line_options, offer_options) AS characteristics,
        whole(line.offer.id) AS offer_id,
        filled(line.offer.sku) AS offer_sku,
        filled(line.offer.barcode) AS offer_barcode,
        offer_options AS offer_characteristics,
        whole(line.offer.product_id) AS crm_product_id,
        line.quantity AS quantity_text,
        concat_ws(chr(31), not_a_price('price', line.price), not_a_price('price_sold', line.price_sold))
            AS unreadable_fields,
        line
    FROM unnested
)
SELECT
    * EXCLUDE (line),
    unreadable([
        CASE WHEN crm_line_id IS NULL THEN written('id', line.id) END,
        CASE WHEN offer_id IS NULL THEN written('offer.id', line.offer.id) END,
        CASE WHEN crm_product_id IS NULL THEN written('offer.product_id', line.offer.product_id) END
    ]) AS unreadable_values,
    md5(concat_ws(chr(31), coalesce(sku, ''), coalesce(name, ''), coalesce(unit, ''), coalesce(characteristics, ''),
        coalesce(offer_id::VARCHAR, ''), coalesce(offer_sku, ''), coalesce(offer_barcode, ''),
        coalesce(offer_characteristics, ''), coalesce(crm_product_id::VARCHAR, ''))) AS item_key
FROM typed

-- name: stage_payments
-- KeyCRM keeps payments and expenses in one table: an id that comes in both lists is a single payment.
CREATE OR REPLACE TEMP TABLE staged_payments AS
WITH listed AS (
    SELECT order_id, order_day, coalesce(len(fields.payments), 0) AS payments,
        list_concat(fields.payments, fields.expenses) AS both_lists
    FROM staged_payloads
),
unnested AS (
    SELECT order_id, order_day, payments, unnest(both_lists) AS payment,
        generate_subscripts(both_lists, 1) AS list_position
    FROM listed
),
typed AS (
    SELECT
        order_id,
        order_day,
        CAST(list_position AS INTEGER) AS position,
        whole(payment.id) AS crm_payment_id,
        coalesce(instant(payment.payment_date),
            CASE WHEN filled(payment.payment_date) IS NULL THEN instant(payment.created_at) END) AS paid_at,
        whole(payment.payment_method_id) AS method_id,
        whole(payment.expense_type_id) AS expense_type_id,
        -- What only describes a payment does not decide whether its order is booked.
        CASE WHEN NOT is_nested(payment.description) THEN filled(payment.description) END AS description,
        money(payment.amount) AS amount,
        upper(filled(payment.source_currency)) AS source_currency,
        money(payment.actual_amount) AS actual_amount,
        upper(filled(payment.actual_currency)) AS currency,
        filled(payment.status) AS status,
        list_position > payments OR flag(payment.is_expense) AS is_expense,
        filled(payment.fiscal_status) AS fiscal_status,
        -- Without a receipt KeyCRM sends an empty object, which PHP writes as an empty list.
        CASE WHEN payment.fiscal_result NOT IN ('', '[]', '{}', 'false') THEN payment.fiscal_result END AS fiscal_result,
        filled(payment.transaction_uuid) AS transaction_uuid,
        left(payment.amount, 40) AS amount_text,
        -- One mistake in both amounts is reported once.
        coalesce(CASE WHEN payment.actual_amount <> payment.amount
            THEN not_a_number('actual_amount', payment.actual_amount) END, '') AS unreadable_fields,
        payment
    FROM unnested
)
SELECT
    * EXCLUDE (crm_payment_id, payment),
    coalesce(crm_payment_id, -position) AS payment_id,
    unreadable([
        CASE WHEN crm_payment_id IS NULL THEN written('id', payment.id) END,
        CASE WHEN paid_at IS NULL THEN written('payment_date', payment.payment_date) END,
        CASE WHEN paid_at IS NULL AND coalesce(trim(payment.payment_date), '') = ''
            THEN written('created_at', payment.created_at) END,
        CASE WHEN method_id IS NULL THEN written('payment_method_id', payment.payment_method_id) END,
        CASE WHEN expense_type_id IS NULL THEN written('expense_type_id', payment.expense_type_id) END
    ]) AS unreadable_values
FROM typed
QUALIFY row_number() OVER (PARTITION BY order_id, coalesce(crm_payment_id, -position) ORDER BY position) = 1

-- name: drop_payloads
DROP TABLE staged_payloads

-- name: order_checks
SELECT
    staged.order_id,
    staged.order_day,
    -- What is reported as unreadable must not be reported as missing, too.
    coalesce(staged.ordered_at, CASE WHEN staged.unreadable_date <> '' OR names(staged.unreadable_values, 'created_at')
        THEN TIMESTAMPTZ '1970-01-01 00:00:00Z' END) AS ordered_at,
    coalesce(staged.status_id, CASE WHEN names(staged.unreadable_values, 'status_id')
        OR names(staged.unreadable_values, 'status.id') THEN 0 END) AS status_id,
    coalesce(staged.grand_total, CASE WHEN names(staged.unreadable_fields, 'grand_total') THEN 0 END) AS grand_total,
    staged.has_lines,
    $has_default_partner OR links.buyer_id IS NOT NULL
        OR visible(staged.buyer_name) OR visible(staged.buyer_phone) OR visible(staged.buyer_email) AS has_partner,
    staged.buyer_id IS NOT NULL OR names(staged.unreadable_values, 'buyer.id')
        OR names(staged.unreadable_values, 'client_id')
        OR NOT (visible(staged.buyer_name) OR visible(staged.buyer_phone) OR visible(staged.buyer_email))
        AS buyer_has_id,
    staged.unreadable_fields,
    staged.unreadable_date,
    staged.unreadable_values
FROM staged_orders AS staged
LEFT JOIN accounting.partner_links AS links ON links.buyer_id = staged.buyer_id

-- name: line_checks
SELECT
    order_id, line_no, is_object, visible(name) AS has_name,
    quantity::DOUBLE AS quantity,
    left(quantity_text, 40) AS quantity_text,
    price_sold::DOUBLE AS price_sold,
    greatest(abs(price)::DOUBLE, abs(price_sold)::DOUBLE, abs(quantity)::DOUBLE,
        greatest(abs(price), abs(price_sold))::DOUBLE * quantity::DOUBLE) AS size,
    unreadable_fields, unreadable_values
FROM staged_lines

-- name: payment_checks
SELECT order_id, position, amount, amount_text, unreadable_fields, unreadable_values FROM staged_payments

-- name: drop_rejected
-- The last good rows of a rejected order are kept as they are.
CREATE OR REPLACE TEMP TABLE accepted_orders AS
SELECT staged.order_id
FROM staged_orders AS staged
WHERE staged.order_id NOT IN (SELECT unnest($rejected))

-- name: changed_orders
CREATE OR REPLACE TEMP TABLE changed_orders AS
SELECT staged.order_id, stored.order_id IS NOT NULL AS is_stored
FROM staged_orders AS staged
SEMI JOIN accepted_orders USING (order_id)
LEFT JOIN validated.orders AS stored USING (order_id)
WHERE stored.order_id IS NULL OR stored.payload_hash <> staged.payload_hash
    OR stored.order_day IS DISTINCT FROM staged.order_day

-- name: differing_orders
-- After a fix of the program the same payload may give other rows, so they are compared by value.
CREATE OR REPLACE TEMP TABLE changed_orders AS
SELECT staged.order_id, stored.order_id IS NOT NULL AS is_stored
FROM staged_orders AS staged
SEMI JOIN accepted_orders USING (order_id)
LEFT JOIN validated.orders AS stored USING (order_id)
WHERE stored.order_id IS NULL OR staged.order_id IN (SELECT order_id FROM ({comparisons}))

-- name: delete_changed
DELETE FROM validated.{table} WHERE order_id IN (SELECT order_id FROM changed_orders WHERE is_stored)

-- name: insert_orders
INSERT INTO validated.orders BY NAME
SELECT staged.* EXCLUDE (has_lines, unreadable_fields, unreadable_date, unreadable_values), $exchange_id AS exchange_id
FROM staged_orders AS staged SEMI JOIN changed_orders USING (order_id)
ORDER BY order_day, order_id

-- name: insert_lines
INSERT INTO validated.order_lines BY NAME
SELECT staged.* EXCLUDE (is_object, quantity_text, unreadable_fields, unreadable_values)
FROM staged_lines AS staged SEMI JOIN changed_orders USING (order_id)
ORDER BY order_day, order_id, line_no

-- name: insert_payments
INSERT INTO validated.order_payments BY NAME
SELECT staged.* EXCLUDE (amount_text, unreadable_fields, unreadable_values)
FROM staged_payments AS staged SEMI JOIN changed_orders USING (order_id)
ORDER BY order_day, order_id, position

-- name: forget_fixed
DELETE FROM ops.rejected_records
WHERE order_id IN (SELECT order_id FROM accepted_orders)

-- name: store_rejected
-- rejected_at changes only with the reasons or the payload: a load that changes nothing changes no time.
MERGE INTO ops.rejected_records AS stored USING (
    SELECT
        CAST(raw.order_id AS VARCHAR) AS record_key, raw.order_id, raw.order_day, rejected.reasons,
        rejected.reasons_coded, CAST(raw.payload AS VARCHAR) AS payload, $now AS rejected_at
    FROM rejected_frame AS rejected JOIN raw.orders AS raw USING (order_id)
    -- An order that KeyCRM no longer has cannot be fixed there.
    WHERE raw.missing_since IS NULL
) AS fresh USING (record_key)
WHEN MATCHED THEN UPDATE SET
    order_day = fresh.order_day,
    reasons = fresh.reasons,
    reasons_coded = fresh.reasons_coded,
    payload = fresh.payload,
    rejected_at = CASE
        WHEN stored.reasons IS DISTINCT FROM fresh.reasons OR stored.payload IS DISTINCT FROM fresh.payload
        THEN fresh.rejected_at ELSE stored.rejected_at END
WHEN NOT MATCHED THEN INSERT BY NAME

-- name: day_parts
-- Days of a period with their orders. A day of more than $most orders is cut into parts by id: a shop may have imported
-- all its past on one day.
SELECT order_day, min(order_id), max(order_id), count(*)
FROM (
    SELECT order_day, order_id, (row_number() OVER (PARTITION BY order_day ORDER BY order_id) - 1) // $most AS part
    FROM raw.orders WHERE order_day BETWEEN $first_day AND $last_day
)
GROUP BY order_day, part ORDER BY order_day, part

-- name: payload_size
-- The average size in bytes of the period's payloads, from a sample of its days: measuring all of them would take as long
-- as reading them.
WITH days AS (
    SELECT order_day, row_number() OVER (ORDER BY order_day) - 1 AS place, count(*) OVER () AS days
    FROM (SELECT DISTINCT order_day FROM raw.orders WHERE order_day BETWEEN $first_day AND $last_day)
)
SELECT coalesce(avg(strlen(payload)), 0)
FROM raw.orders SEMI JOIN (SELECT order_day FROM days WHERE place % greatest(days // 8, 1) = 0) USING (order_day)

-- name: outside_orders
-- Those that can be in the books: of loaded days, and any that have rows already. The others stay raw until their day is
-- loaded (R1).
WITH touched AS (
    SELECT order_id, order_day FROM raw.orders
    WHERE exchange_id = $exchange_id AND NOT coalesce(order_day BETWEEN $first_day AND $last_day, false)
)
SELECT order_id FROM touched
WHERE order_day >= $start_date AND order_day IN (SELECT order_day FROM ops.loaded_days)
UNION
SELECT order_id FROM validated.orders SEMI JOIN touched USING (order_id)
UNION
SELECT order_id FROM touched WHERE order_day IS NULL
UNION
SELECT order_id FROM raw.orders WHERE $with_undated AND order_day IS NULL
ORDER BY order_id

-- name: orders_of_batch
SELECT order_id FROM raw.orders WHERE {orders}
UNION
SELECT order_id FROM validated.orders WHERE {orders}
UNION
SELECT order_id FROM accounting.orders WHERE {orders}
ORDER BY order_id

-- name: batch_counts
SELECT (SELECT count(*) FROM accepted_orders), (SELECT count(*) FROM changed_orders),
    (SELECT count(*) FROM changed_orders WHERE is_stored)

-- name: accepted_by_day
SELECT order_day, count(*) FROM validated.orders WHERE order_day BETWEEN $first_day AND $last_day GROUP BY order_day

-- name: rejected_by_day
SELECT order_day, count(*) FROM ops.rejected_records WHERE order_day BETWEEN $first_day AND $last_day GROUP BY order_day
