SELECT COUNT(*) - COUNT(data."id") AS m0, COUNT(*) - COUNT(data."price") + COUNT(*) FILTER(WHERE ISNAN(data."price")) AS m1, COUNT(*) - COUNT(data."it's ""na`me""
") AS m2, COUNT(*) - COUNT(data."status") AS m3, COUNT(*) - COUNT(data."paid") AS m4, COUNT(*) - COUNT(data."bought") AS m5, COUNT(*) - COUNT(data."sent") AS m6 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*), COUNT(DISTINCT few."it's ""na`me""
"), COUNT(DISTINCT few."status") FROM (SELECT data."it's ""na`me""
", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data LIMIT 20000) AS few;

SELECT MIN(data."price") AS f0, MAX(data."price") AS f1 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*) AS f0, 2 AS f1, COUNT(*) FILTER(WHERE FALSE) AS f2, COUNT(*) FILTER(WHERE (data."id" IS NULL AND data."status" IS NULL)) AS f3, COUNT(*) FILTER(WHERE NOT (data."bought" IS NULL) AND data."bought" < CAST('2024-01-01 00:00:00' AS TIMESTAMP)) AS f4, COUNT(*) FILTER(WHERE NOT (data."it's ""na`me""
" IS NULL) AND NOT (data."it's ""na`me""
" IN ('it''s', '\', 'new
line', '%s'))) AS f5, COUNT(*) FILTER(WHERE NOT (data."paid" IS NULL) AND NOT (data."paid" IN (TRUE))) AS f6, COUNT(*) FILTER(WHERE NOT (data."status" IS NULL) AND NOT (REGEXP_MATCHES(data."status", '\A(?:[a-z]){2,2}(?:[\p{Nd}]){1,}\n?\z'))) AS f7, COUNT(*) FILTER(WHERE NOT (data."status" IS NULL) AND LENGTH(data."status") > 8) AS f8, COUNT(*) FILTER(WHERE NOT ((data."sent" IS NULL AND data."bought" IS NULL)) AND NOT (NOT (data."sent" IS NULL) AND NOT (data."bought" IS NULL) AND data."sent" > data."bought")) AS f9, COUNT(*) FILTER(WHERE (data."sent" IS NULL AND data."bought" IS NULL)) AS f10, FAVG(CAST(CASE WHEN NOT ((data."price" IS NULL OR ISNAN(data."price"))) THEN data."price" END AS DOUBLE)) AS f11, STDDEV_SAMP(CAST(CASE WHEN NOT ((data."price" IS NULL OR ISNAN(data."price"))) THEN data."price" END AS DOUBLE)) AS f12, SUM(data."id") AS f13, QUANTILE_CONT(CAST(CASE WHEN NOT ((data."price" IS NULL OR ISNAN(data."price"))) THEN data."price" END AS DOUBLE), 0.5) AS f14, COUNT(*) FILTER(WHERE ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a'))) AS f15, COUNT(*) FILTER(WHERE ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a')) AND data."status" IS NULL) AS f16 FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT MIN(data."id"), MAX(data."id") FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT COUNT(*) FROM (SELECT data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id") AS keys;

SELECT SUM(shared."n") FROM (SELECT COUNT(*) AS "n" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id" HAVING COUNT(*) > 1) AS shared;

SELECT data.__dataops_position AS "position", data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) AND data."id" IN (SELECT data."id" AS "key_0" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) GROUP BY data."id" HAVING COUNT(*) > 1) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."price" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE (data."price" IS NULL OR ISNAN(data."price")) ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT data."id", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) GROUP BY data."id", data."status") AS keys;

SELECT SUM(shared."n") FROM (SELECT COUNT(*) AS "n" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) GROUP BY data."id", data."status" HAVING COUNT(*) > 1) AS shared;

SELECT data.__dataops_position AS "position", data."id", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) AND EXISTS(SELECT 1 FROM (SELECT data."id" AS "key_0", data."status" AS "key_1" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."id" IS NULL AND data."status" IS NULL)) GROUP BY data."id", data."status" HAVING COUNT(*) > 1) AS shared WHERE shared."key_0" IS NOT DISTINCT FROM data."id" AND shared."key_1" IS NOT DISTINCT FROM data."status") ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."bought" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."bought" IS NULL) AND data."bought" < CAST('2024-01-01 00:00:00' AS TIMESTAMP) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."it's ""na`me""
" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."it's ""na`me""
" IS NULL) AND NOT (data."it's ""na`me""
" IN ('it''s', '\', 'new
line', '%s')) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."paid" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."paid" IS NULL) AND NOT (data."paid" IN (TRUE)) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT (REGEXP_MATCHES(data."status", '\A(?:[a-z]){2,2}(?:[\p{Nd}]){1,}\n?\z')) ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND LENGTH(data."status") > 8 ORDER BY data.__dataops_position LIMIT 20;

SELECT data.__dataops_position AS "position", data."sent", data."bought" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."sent" IS NULL AND data."bought" IS NULL)) AND NOT (NOT (data."sent" IS NULL) AND NOT (data."bought" IS NULL) AND data."sent" > data."bought") ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT steps."position" FROM (SELECT data.__dataops_position AS "position", data."id" AS "value", LAG(data."id") OVER (ORDER BY data.__dataops_position) AS "before" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL)) AS steps WHERE steps."value" < steps."before") AS wrong;

SELECT data.__dataops_position AS "position", data."id" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL) AND data.__dataops_position IN (SELECT steps."position" FROM (SELECT data.__dataops_position AS "position", data."id" AS "value", LAG(data."id") OVER (ORDER BY data.__dataops_position) AS "before" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."id" IS NULL)) AS steps WHERE steps."value" < steps."before") ORDER BY data.__dataops_position LIMIT 20;

SELECT COUNT(*) FROM (SELECT data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT data."status" IN ('a') GROUP BY data."status") AS others;

SELECT data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT (data."status" IS NULL) AND NOT data."status" IN ('a') GROUP BY data."status" ORDER BY data."status" LIMIT 20;

SELECT COUNT(*) FILTER(WHERE NOT ((data."price" IS NULL OR ISNAN(data."price")))) FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data;

SELECT QUANTILE_DISC(data."price", [0.25]) FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE NOT ((data."price" IS NULL OR ISNAN(data."price")));

SELECT data.__dataops_position AS "position", data."status" FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "id") AS __dataops_position FROM "shop"."orders") AS data WHERE ((NOT (data."paid" IS NULL) AND data."paid" = TRUE) AND (data."status" IS NULL OR data."status" <> 'a')) AND data."status" IS NULL ORDER BY data.__dataops_position LIMIT 20
