INSERT INTO public.countries
SELECT chr(65 + g / 26) || chr(65 + g % 26), 'Land ' || g || CASE g % 3 WHEN 0 THEN ' Åland' WHEN 1 THEN ' Österreich' ELSE '' END, g FROM generate_series(0, 199) g;

INSERT INTO public.customers (email, name, country, profile, tags, active, created_at)
SELECT 'user' || g || '@Example.com',
    CASE g % 7 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Zoë Ångström ' || g WHEN 3 THEN E'tab\there\nand a new line ' || g WHEN 4 THEN E'back\\slash \\N \\. ' || g WHEN 5 THEN '名前 🎉 ' || g ELSE 'O''Brien "' || g || '"' END,
    chr(65 + (g % 200) / 26) || chr(65 + (g % 200) % 26),
    jsonb_build_object('plan', g % 5, 'nested', jsonb_build_object('list', jsonb_build_array(g, NULL, 'x"y', 1.50))),
    CASE g % 4 WHEN 0 THEN '{}'::text[] WHEN 1 THEN ARRAY[NULL, 'NULL', '', 'a,b'] ELSE ARRAY['t' || g % 50, 'ü"{}\'] END,
    g % 6 <> 0,
    timestamptz '2025-01-01 00:00:00.000001+00' + g * interval '61 minutes'
FROM generate_series(1, {{4000}}) g;

INSERT INTO shop.products (sku, name, price, discount, sizes, parts)
SELECT 'SKU-' || g, 'Product ' || g, (g * 1.37)::numeric::money, g % 101, int4range(g, g + g % 9),
    CASE WHEN g % 3 = 0 THEN ARRAY[ROW('Main "St", (1)', g, ARRAY['a', NULL])::shop.address, NULL] END
FROM generate_series(1, {{800}}) g;

INSERT INTO shop.orders (customer_id, state, invoice, total, ship_to, placed_at)
SELECT CASE WHEN g % 50 <> 0 THEN 1 + g % {{4000}} END, (enum_range(NULL::shop.order_state))[1 + g % 5], nextval('shop.invoice_numbers'), g % 1000 + 0.99,
    CASE g % 3 WHEN 0 THEN NULL WHEN 1 THEN ROW('Straße 1, "hof"', g, '{}')::shop.address ELSE ROW(NULL, NULL, NULL)::shop.address END,
    timestamptz '2026-01-01 00:00+00' + g * interval '13 minutes'
FROM generate_series(1, {{6000}}) g;

INSERT INTO shop.order_lines
SELECT o.id, n, 'SKU-' || 1 + (o.id + n) % {{800}}, n FROM shop.orders o, generate_series(1, 2) n;

INSERT INTO shop.order_history (order_id, state) SELECT id, state FROM shop.orders WHERE id % 2 = 0;

INSERT INTO shop.price_lists (name, during)
SELECT CASE WHEN g % 10 <> 0 THEN 'list ' || g END, tstzrange(timestamptz '2026-01-01 00:00+00' + g * interval '1 day', timestamptz '2026-01-02 00:00+00' + g * interval '1 day') FROM generate_series(1, 200) g;

INSERT INTO shop.colours SELECT c, (g * 70000)::bit(24), timestamp '2026-03-29 02:30' FROM unnest(enum_range(NULL::shop.colour)) WITH ORDINALITY u(c, g);

INSERT INTO shop.files (digest, content)
SELECT decode(md5(g::text), 'hex'), CASE WHEN g % 10 = 0 THEN '' WHEN g % 10 = 1 THEN NULL ELSE repeat(md5(g::text) || E'\t\n\\', g % 200) END FROM generate_series(1, {{400}}) g;
-- One that compresses to nothing, one that does not compress at all, keys with zero bytes and backslashes.
INSERT INTO shop.files (digest, content) VALUES ('\x00', repeat('ü', 1048576)), ('\x5c00275c', (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 32768) g)), ('\x', 'the empty key');

INSERT INTO shop.sessions (token, address, seen_at)
SELECT md5(g::text)::uuid, ('10.' || g % 256 || '.' || g / 256 % 256 || '.1/24')::inet, timestamptz '2026-02-01 00:00+00' + g * interval '7 seconds' FROM generate_series(1, {{1500}}) g;

INSERT INTO shop.readings
SELECT timestamptz '2026-01-01 00:00+00' + g * interval '1.000001 seconds', CASE g % 4 WHEN 0 THEN 'NaN'::real WHEN 1 THEN '-Infinity' WHEN 2 THEN 0.1 ELSE g / 3.0 END, CASE g % 3 WHEN 0 THEN '-0'::float8 WHEN 1 THEN 1e-300 * g ELSE g / 7.0 END
FROM generate_series(1, {{1500}}) g;
INSERT INTO shop.readings VALUES ('infinity', 'Infinity', 'NaN'), ('-infinity', NULL, NULL), ('4713-01-01 00:00+00 BC', 0, 5e-324);

INSERT INTO shop.counters SELECT 'counter ' || g FROM generate_series(1, 20) g;
INSERT INTO shop.scratch SELECT g, md5(g::text) FROM generate_series(1, 100) g;

INSERT INTO shop.page_views (path, seconds, writer, at)
SELECT '/p/' || g % 100, NULLIF(g % 300, 0), -1, timestamptz '2026-03-01 00:00+00' + g * interval '2 seconds' FROM generate_series(1, {{2000}}) g;
INSERT INTO shop.page_views (path, seconds, writer, at) SELECT '/twin', 1, -1, timestamptz '2026-03-01 00:00+00' FROM generate_series(1, 3);
INSERT INTO shop.imports SELECT CASE WHEN g % 4 <> 0 THEN 'ref ' || g END, jsonb_build_object('n', g), -1 FROM generate_series(1, 300) g;
INSERT INTO shop.queue SELECT g, w, 'job ' || g FROM generate_series(1, 20) g, generate_series(0, 15) w;
INSERT INTO shop.translations
SELECT l, CASE g % 4 WHEN 0 THEN 'dir\file' || g WHEN 1 THEN 'two\\' || g WHEN 2 THEN E'line\n' || g ELSE 'key ' || g END, 'Wert ' || g FROM generate_series(1, {{150}}) g, unnest(ARRAY['de\AT', 'en', '日本']) l;
INSERT INTO shop.digests SELECT decode(md5(g::text), 'hex'), 'n' || g FROM generate_series(1, 50) g;
INSERT INTO shop.paths SELECT ARRAY[g, g * 2, g % 3], 'n' || g FROM generate_series(1, 50) g;
INSERT INTO shop.vouchers SELECT 'V-' || g, g, CASE WHEN g % 2 = 0 THEN timestamptz '2026-01-01 00:00+00' END FROM generate_series(1, 200) g;

INSERT INTO shop.employees (name, manager_id) SELECT 'Employee ' || g, NULLIF(g / 5, 0) FROM generate_series(1, 300) g;
BEGIN;
INSERT INTO shop.teams SELECT g, 'Team ' || g, g * 10 FROM generate_series(1, 20) g;
INSERT INTO shop.players SELECT g, 1 + (g - 1) / 10, 'Player ' || g FROM generate_series(1, 200) g;
COMMIT;

INSERT INTO shop.cart_snapshots SELECT g, '{"n": 1}' FROM generate_series(1, 100) g;
INSERT INTO shop.carts SELECT md5(g::text)::uuid, -1, timestamptz '2026-01-01 00:00+00' FROM generate_series(1, 50) g;
INSERT INTO shop.cart_items SELECT id, n, 'SKU-' || n FROM shop.carts, generate_series(1, 3) n;

INSERT INTO shop.events (day, kind, payload, writer)
SELECT date '2025-06-01' + g % 700, 'kind ' || g % 9, CASE WHEN g % 5 <> 0 THEN jsonb_build_object('g', g) END, -1 FROM generate_series(1, {{5000}}) g;
INSERT INTO shop.metrics SELECT r, g, CASE g % 10 WHEN 0 THEN 'NaN' ELSE g / 3.0 END FROM generate_series(1, 100) g, unnest(ARRAY['eu', 'Österreich', 'us']) r;

-- Parent and children have rows of the same keys: nothing forbids it.
INSERT INTO shop.vehicles SELECT g, 2, 'plain' FROM generate_series(1, 60) g;
INSERT INTO shop.cars SELECT g, 4, 'car', 5 FROM generate_series(41, 120) g;
INSERT INTO shop.trucks SELECT g, 6, 'truck', g * 1.5 FROM generate_series(101, 180) g;

INSERT INTO shop.notes SELECT g, CASE g % 2 WHEN 0 THEN {{owner'}} ELSE 'somebody else' END, 'note ' || g FROM generate_series(1, 60) g;

INSERT INTO shop.awkward (plain, padded, short, small, ident, i2, i8, r4, f8, n, exact, cash, flag, d, t, tz, ts, tsz, span, fields, raw, doc, docb, mark, bits, net, block, mac, mac8,
    pt, ring, way, region, disc, r4s, days, stays, words, query, uid, texts, grid, moods, place, kind, object, lsn, snapshot)
SELECT
    (ARRAY['', NULL, ' ', E'\t', E'\n', E'\r\n', '\N', '\.', E'\\', '''', '"', 'NULL', '{}', '🎉', 'é', 'é', E'\u200B', '日本語', 'a,b;c|d', E'\u0001'])[1 + g % 20],
    'pad ' || g % 5, 'short', 'x', 'ident', (g - 250)::smallint, 9223372036854775807 - g,
    (ARRAY['NaN', 'Infinity', '-Infinity', '-0', '1e-38', '3.4e38'])[1 + g % 6]::real, (ARRAY['NaN', 'Infinity', '-Infinity', '-0', '5e-324', '0.1'])[1 + g % 6]::float8,
    (ARRAY['NaN', 'Infinity', '-Infinity', '0.00000', '123456789012345678901234567890.12345', '-1e-20'])[1 + g % 6]::numeric, g / 7.0, (g * -1.01)::numeric::money, g % 3 = 0,
    (ARRAY['infinity', '-infinity', '4713-01-01 BC', '0001-01-01', '5874897-12-31', '2024-02-29'])[1 + g % 6]::date, '24:00'::time, '23:59:59.999999+15:59'::timetz,
    (ARRAY['infinity', '-infinity', '2026-03-29 02:30', '0044-03-15 BC'])[1 + g % 4]::timestamp, (ARRAY['infinity', '-infinity', '2026-10-25 01:30+00', '0044-03-15 00:00+00 BC'])[1 + g % 4]::timestamptz,
    (ARRAY['1 mon -1 day 00:00:01', '-178000000 years', 'P1Y2M3DT4H5M6.000007S', '0'])[1 + g % 4]::interval, '3 days 04:05:06.7'::interval,
    (ARRAY['\x'::bytea, '\x00', '\x5c5c', '\xdeadbeef0a0d09'])[1 + g % 4], '{ "a" : 1, "a" : 2 ,"z":[ ] }', jsonb_build_object('', NULL, 'é', 1.10, 'deep', '[[[{"x": "\u0001 \\ \" \/"}]]]'::jsonb),
    '<a b="1">x &amp; y</a>', B'1011', '::1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
    '(0.1,-0)', '((1,2),(3,4))', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(1,2),3>', 'empty', '[2026-01-01,)', '{[2026-01-01,2026-02-01), [2026-03-01,)}',
    '''a b'':1A,2 it''''s:3B', '''fat'' & !cat:ab', md5(g::text)::uuid,
    (ARRAY['{}', '{NULL,"NULL","",",","{}","\\\\","\"" }', '[5:6]={a,b}', NULL])[1 + g % 4]::text[], '{{1,2},{3,NULL}}', '{"on''hold",käse}', ROW('', NULL, '{}')::shop.address,
    'pg_catalog.pg_class', 4294967295, '16/B374D848', '10:20:10,14,15'
FROM generate_series(1, {{400}}) g;
INSERT INTO shop.awkward DEFAULT VALUES;

INSERT INTO "Back Office"."Käse.Bröt" ("Größe", "select", "say ""cheese""", writer)
SELECT g, 'SELECT ' || g, CASE WHEN g % 2 = 0 THEN 'ja; DROP TABLE x; --' END, -1 FROM generate_series(1, {{500}}) g;
INSERT INTO "Back Office"."say ""hi"" to O'Brien" SELECT 'key "' || g || '", ''x''', 'v' || g FROM generate_series(1, 200) g;
INSERT INTO "Back Office".{{longname}} SELECT g, 'long ' || g FROM generate_series(1, 50) g;
INSERT INTO "Back Office"."select" SELECT g, 'w' || g, 'asc', 'me' FROM generate_series(1, 200) g;
INSERT INTO "order"."user" SELECT md5(g::text)::uuid, 'p' || g, g FROM generate_series(1, 200) g;
INSERT INTO "order".orders SELECT g, 'not shop.orders' FROM generate_series(1, 50) g;

SELECT setval('shop."Countdown"', -77), setval('shop.round_and_round', 999, false);
REFRESH MATERIALIZED VIEW public.country_index;
