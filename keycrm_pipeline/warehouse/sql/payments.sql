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

-- name: undated
SELECT currency, sum(payments)::BIGINT AS payments, sum(amount) AS received
FROM reports.payments_by_day
WHERE status = 'paid' AND NOT is_expense AND paid_day IS NULL
GROUP BY currency
ORDER BY currency
