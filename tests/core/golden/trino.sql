SELECT COUNT(*) - COUNT(data."id") AS m0, COUNT(*) - COUNT(data."price") + COALESCE(SUM(CASE WHEN IS_NAN(data."price") THEN 1 END), 0) AS m1, COUNT(*) - COUNT(data."it's ""na`me""
") AS m2, COUNT(*) - COUNT(data."status") AS m3, COUNT(*) - COUNT(data."paid") AS m4, COUNT(*) - COUNT(data."bought") AS m5, COUNT(*) - COUNT(data."sent") AS m6 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*), COUNT(DISTINCT few."it's ""na`me""
"), COUNT(DISTINCT few."status") FROM (SELECT data."it's ""na`me""
", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data LIMIT 20000) AS few;

SELECT MIN(data."price") AS f0, MAX(data."price") AS f1 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*) AS f0, 2 AS f1, COALESCE(SUM(CASE WHEN FALSE THEN 1 END), 0) AS f2, COALESCE(SUM(CASE WHEN (data."id" IS NULL AND data."status" IS NULL) THEN 1 END), 0) AS f3, COALESCE(SUM(CASE WHEN NOT (data."bought" IS NULL) AND data."bought" < CAST('2024-01-01 00:00:00' AS TIMESTAMP) THEN 1 END), 0) AS f4, COALESCE(SUM(CASE WHEN NOT (data."it's ""na`me""
" IS NULL) AND NOT (data."it's ""na`me""
" IN ('it''s', '\', 'new
line', '%s')) THEN 1 END), 0) AS f5, COALESCE(SUM(CASE WHEN NOT (data."paid" IS NULL) AND NOT (data."paid" IN (TRUE)) THEN 1 END), 0) AS f6, COALESCE(SUM(CASE WHEN NOT (data."status" IS NULL) AND NOT (REGEXP_LIKE(data."status", '\A(?:[a-z]){2,2}(?:[\p{Nd}]){1,}\n?\z')) THEN 1 END), 0) AS f7, COALESCE(SUM(CASE WHEN NOT (data."status" IS NULL) AND LENGTH(data."status") > 8 THEN 1 END), 0) AS f8, COALESCE(SUM(CASE WHEN NOT ((data."sent" IS NULL AND data."bought" IS NULL)) AND NOT (NOT (data."sent" IS NULL) AND NOT (data."bought" IS NULL) AND data."sent" > data."bought") THEN 1 END), 0) AS f9, COALESCE(SUM(CASE WHEN (data."sent" IS NULL AND data."bought" IS NULL) THEN 1 END), 0) AS f10, AVG(CAST(CASE WHEN NOT ((data."price" IS NULL OR IS_NAN(data."price"))) THEN data."price" END AS DOUBLE)) AS f11, STDDEV_SAMP(CAST(CASE WHEN NOT ((data."price" IS NULL OR IS_NAN(data."price"))) THEN data."price" END AS DOUBLE)) AS f12, SUM(data."id") AS f13, COALESCE(SUM(CASE WHEN ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a')) THEN 1 END), 0) AS f14, COALESCE(SUM(CASE WHEN ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a')) AND data."status" IS NULL THEN 1 END), 0) AS f15 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*) FROM (SELECT data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id") AS keys;

SELECT SUM(shared."n") FROM (SELECT COUNT(*) AS "n" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id" HAVING COUNT(*) > 1) AS shared;

SELECT data.__dataops_position AS "position", data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) AND data."id" IN (SELECT data."id" AS "key_0" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id" HAVING COUNT(*) > 1) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."price" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE (data."price" IS NULL OR IS_NAN(data."price")) ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT data."id", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) GROUP BY data."id", data."status") AS keys;

SELECT SUM(shared."n") FROM (SELECT COUNT(*) AS "n" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) GROUP BY data."id", data."status" HAVING COUNT(*) > 1) AS shared;

SELECT data.__dataops_position AS "position", data."id", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) AND data.__dataops_position IN (SELECT counted."position" FROM (SELECT data.__dataops_position AS "position", COUNT(*) OVER (PARTITION BY data."id", data."status") AS "n" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL))) AS counted WHERE counted."n" > 1) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."bought" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."bought" IS NULL) AND data."bought" < CAST('2024-01-01 00:00:00' AS TIMESTAMP) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."it's ""na`me""
" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."it's ""na`me""
" IS NULL) AND NOT (data."it's ""na`me""
" IN ('it''s', '\', 'new
line', '%s')) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."paid" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."paid" IS NULL) AND NOT (data."paid" IN (TRUE)) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT (REGEXP_LIKE(data."status", '\A(?:[a-z]){2,2}(?:[\p{Nd}]){1,}\n?\z')) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND LENGTH(data."status") > 8 ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."sent", data."bought" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."sent" IS NULL AND data."bought" IS NULL)) AND NOT (NOT (data."sent" IS NULL) AND NOT (data."bought" IS NULL) AND data."sent" > data."bought") ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT steps."position" FROM (SELECT data.__dataops_position AS "position", data."id" AS "value", LAG(data."id") OVER (ORDER BY data.__dataops_position) AS "before" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL)) AS steps WHERE steps."value" < steps."before") AS wrong;

SELECT data.__dataops_position AS "position", data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) AND data.__dataops_position IN (SELECT steps."position" FROM (SELECT data.__dataops_position AS "position", data."id" AS "value", LAG(data."id") OVER (ORDER BY data.__dataops_position) AS "before" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL)) AS steps WHERE steps."value" < steps."before") ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT data."status" IN ('a') GROUP BY data."status") AS others;

SELECT data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT data."status" IN ('a') GROUP BY data."status" ORDER BY data."status" LIMIT 20;

SELECT COALESCE(SUM(CASE WHEN NOT ((data."price" IS NULL OR IS_NAN(data."price"))) THEN 1 END), 0) FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT numbered."number", numbered."value" FROM (SELECT data."price" AS "value", ROW_NUMBER() OVER (ORDER BY data."price") AS "number" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."price" IS NULL OR IS_NAN(data."price")))) AS numbered WHERE numbered."number" IN (1);

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a')) AND data."status" IS NULL ORDER BY data.__dataops_position LIMIT 20;

-- elsewhere: expect_column_median_to_be_between: trino has no exact quantiles
