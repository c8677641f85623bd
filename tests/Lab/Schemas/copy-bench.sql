CREATE TABLE public.customers (id bigint PRIMARY KEY, email text NOT NULL, name text, created timestamptz, CONSTRAINT customers_email UNIQUE (email));
CREATE TABLE public.products (id integer PRIMARY KEY, sku text NOT NULL UNIQUE, price numeric(10, 2), description text);
CREATE TABLE public.orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES public.customers, code uuid NOT NULL, status text NOT NULL, total numeric(12, 2), created timestamptz NOT NULL,
    note text, tags text[], search tsvector);
CREATE TABLE public.items (
    order_id bigint NOT NULL REFERENCES public.orders, line smallint NOT NULL, product_id integer NOT NULL REFERENCES public.products, quantity integer, price numeric(10, 2),
    shipped date, PRIMARY KEY (order_id, line));
CREATE TABLE public.events (id bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL, payload jsonb NOT NULL);
CREATE TABLE public.narrow (id integer PRIMARY KEY, a integer NOT NULL);
CREATE TABLE public.monster (id integer PRIMARY KEY, body text);
ALTER TABLE public.monster ALTER COLUMN body SET STORAGE EXTERNAL;
SELECT format('CREATE TABLE public.wide (id integer PRIMARY KEY, %s)', string_agg(format('c%s %s', g, (ARRAY['integer', 'text', 'float8', 'timestamptz'])[1 + g % 4]), ', ')) FROM generate_series(1, 199) g \gexec

INSERT INTO public.customers SELECT g, md5(g::text) || '@example.org', 'Customer ' || g, timestamptz '2020-01-01' + g * interval '1 minute' FROM generate_series(1, {{200000}}) g;
INSERT INTO public.products SELECT g, 'SKU-' || md5(g::text), g % 1000 / 7.0, repeat(md5(g::text), 8) FROM generate_series(1, {{20000}}) g;
INSERT INTO public.orders SELECT g, 1 + g * 7919::bigint % {{200000}}, md5(g::text)::uuid, (ARRAY['new', 'paid', 'sent', 'done'])[1 + g % 4], g % 100000 / 3.0, timestamptz '2021-01-01' + g * interval '7 seconds',
    'Note ' || md5((g * 3)::text), ARRAY['t' || g % 50, 'u' || g % 700, 'v' || g % 9], to_tsvector('simple', md5((g % 5000)::text) || ' ' || (g % 3000)::text)
    FROM generate_series(1, {{1500000}}) g;
INSERT INTO public.items SELECT 1 + g / 3, g % 3, 1 + g * 31::bigint % {{20000}}, g % 9, g % 500 / 9.0, date '2022-01-01' + g % 1000 FROM generate_series(0, {{4400000}}) g;
INSERT INTO public.events SELECT g, timestamptz '2023-01-01' + g * interval '3 seconds', 'kind-' || g % 40,
    jsonb_build_object('user', g % 100000, 'path', '/a/' || md5((g % 20000)::text), 'ok', g % 3 = 0, 'ms', g % 977, 'agent', repeat(md5((g % 500)::text), 3)) FROM generate_series(1, {{600000}}) g;
INSERT INTO public.narrow SELECT g, g % 1000 FROM generate_series(1, {{8000000}}) g;
INSERT INTO public.monster SELECT 1, repeat(md5('1'), {{16000000}});
SELECT format('INSERT INTO public.wide SELECT g, %s FROM generate_series(1, {{20000}}) g',
    string_agg((ARRAY['g', 'md5(g::text)', 'g / 7.0', 'timestamptz ''2024-01-01'' + g * interval ''1 s'''])[1 + g % 4], ', ')) FROM generate_series(1, 199) g \gexec

CREATE INDEX ON public.orders (customer_id);
CREATE INDEX ON public.orders (created);
CREATE UNIQUE INDEX ON public.orders (code);
CREATE INDEX ON public.orders USING gin (tags);
CREATE INDEX ON public.orders USING gin (search);
CREATE INDEX ON public.orders (lower(note)) WHERE status <> 'done';
CREATE INDEX ON public.items (product_id);
CREATE INDEX ON public.items (shipped);
CREATE INDEX ON public.events (at);
CREATE INDEX ON public.events (kind, at);
CREATE INDEX ON public.events USING gin (payload jsonb_path_ops);
CREATE INDEX ON public.customers (created);
