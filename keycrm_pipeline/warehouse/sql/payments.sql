-- Money by the day of its payment in KeyCRM, whatever the day of its order. Only what is paid.

-- name: by_account
SELECT
    organisation,
    account,
    currency,
    coalesce(sum(payments) FILTER (NOT is_expense), 0)::BIGINT AS payments,
    coalesce(sum(amount) FILTER (NOT is_expense), 0) AS received,
    coalesce(sum(amount) FILTER (NOT is_expense AND is_cancelled), 0) AS received_for_cancelled,
    coalesce(sum(amount) FILTER (is_expense), 0) AS expenses
FROM reports.payments_by_day
WHERE status = 'paid' AND paid_day BETWEEN $first_day AND $last_day
GROUP BY organisation, account, currency
ORDER BY currency, organisation NULLS LAST, received DESC, account NULLS LAST

-- name: by_organisation
SELECT organisation, currency, sum(amount) AS received
FROM reports.payments_by_day
WHERE status = 'paid' AND NOT is_expense AND paid_day BETWEEN $first_day AND $last_day
GROUP BY organisation, currency
ORDER BY currency, organisation NULLS LAST

-- name: expenses_by_kind
SELECT expense_type AS kind, currency, sum(payments)::BIGINT AS expenses, sum(amount) AS amount
FROM reports.payments_by_source
WHERE status = 'paid' AND is_expense AND paid_day BETWEEN $first_day AND $last_day
GROUP BY expense_type, currency
ORDER BY currency, expense_type IS NULL, amount DESC, expense_type

-- name: money_by_source
SELECT
    source_name AS source,
    currency,
    coalesce(sum(amount) FILTER (NOT is_expense), 0) AS received,
    coalesce(sum(amount) FILTER (is_expense), 0) AS expenses
FROM reports.payments_by_source
WHERE status = 'paid' AND paid_day BETWEEN $first_day AND $last_day
GROUP BY source_id, source_name, currency
ORDER BY currency, received DESC, source_name NULLS LAST

-- name: undated
SELECT currency, sum(payments)::BIGINT AS payments, sum(amount) AS received
FROM reports.payments_by_day
WHERE status = 'paid' AND NOT is_expense AND paid_day IS NULL
GROUP BY currency
ORDER BY currency
