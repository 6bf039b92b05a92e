CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO item SELECT i, 'item' || (i * 7919 % 200000), i * 31 % 997 FROM n;
CREATE INDEX item_name ON item(name);
SELECT count(*), sum(a.price) FROM item a JOIN item b ON b.name = 'item' || a.id WHERE b.price > 100;
SELECT price, count(*) FROM item GROUP BY price ORDER BY 2 DESC, 1 LIMIT 3;
