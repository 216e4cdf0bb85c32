-- Daily rates of the НБУ.

-- name: rates
SELECT currency, rate_date, rate FROM raw.exchange_rates ORDER BY currency, rate_date

-- name: forget_rates
DELETE FROM raw.exchange_rates

-- name: store_rates
INSERT INTO raw.exchange_rates BY NAME
SELECT unnest(CAST($currencies AS VARCHAR[])) AS currency, unnest(CAST($days AS DATE[])) AS rate_date,
    CAST(unnest(CAST($rates AS VARCHAR[])) AS DECIMAL(18, 6)) AS rate
