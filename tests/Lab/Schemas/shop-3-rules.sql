-- Triggers, functions and privileges, once the rows are there.
CREATE FUNCTION shop.log_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.order_history (order_id, state) VALUES (NEW.id, NEW.state);
    RETURN NULL;
END $$;
CREATE TRIGGER log_order AFTER INSERT OR UPDATE OF state ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.log_order();

-- Fires on whoever writes, a replay with session_replication_role = replica included.
CREATE FUNCTION shop.log_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.product_log (sku, what) VALUES (coalesce(NEW.sku, OLD.sku), TG_OP);
    RETURN NULL;
END $$;
CREATE TRIGGER log_product AFTER INSERT OR UPDATE OR DELETE ON shop.products FOR EACH ROW EXECUTE FUNCTION shop.log_product();
ALTER TABLE shop.products ENABLE ALWAYS TRIGGER log_product;

-- Fires on a replay only; the source never sees it.
CREATE FUNCTION shop.mark_replayed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.note := 'replayed';
    RETURN NEW;
END $$;
CREATE TRIGGER mark_replayed BEFORE INSERT OR UPDATE ON shop.sessions FOR EACH ROW EXECUTE FUNCTION shop.mark_replayed();
ALTER TABLE shop.sessions ENABLE REPLICA TRIGGER mark_replayed;

CREATE FUNCTION shop.never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a disabled trigger fired'; END $$;
CREATE TRIGGER never BEFORE INSERT ON shop.vouchers FOR EACH ROW EXECUTE FUNCTION shop.never();
ALTER TABLE shop.vouchers DISABLE TRIGGER never;

CREATE TRIGGER "Only big ""changes""" AFTER UPDATE ON "Back Office"."Käse.Bröt" FOR EACH ROW
    WHEN (OLD."Größe" IS DISTINCT FROM NEW."Größe" AND NEW."Größe" < 0) EXECUTE FUNCTION shop.never();
COMMENT ON TRIGGER log_order ON shop.orders IS 'Writes another table.';

CREATE FUNCTION public.customer_count() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT count(*) FROM public.customers $$;
CREATE PROCEDURE shop.close_order(INOUT id bigint, note text DEFAULT 'it''s "done"') LANGUAGE plpgsql AS $$ BEGIN UPDATE shop.orders o SET state = 'paid' WHERE o.id = close_order.id; END $$;
CREATE FUNCTION shop.order_total(order_id bigint) RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC SELECT o.total FROM shop.orders o WHERE o.id = order_total.order_id; END;
CREATE AGGREGATE shop.longest(text) (SFUNC = textcat, STYPE = text, INITCOND = '');

ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {{reader}};
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {{credential}};
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT USAGE ON SCHEMA shop, "Back Office", "order" TO {{credential}} WITH GRANT OPTION;
GRANT USAGE ON SCHEMA shop, public TO {{reader}};
GRANT SELECT ON ALL TABLES IN SCHEMA public, shop TO {{reader}};
GRANT SELECT, INSERT ON public.ledger TO {{credential}};
GRANT ALL ON shop.sessions, shop.page_views TO {{credential}} WITH GRANT OPTION;
GRANT SELECT, INSERT, UPDATE, DELETE ON "Back Office"."Käse.Bröt", "Back Office"."say ""hi"" to O'Brien", shop.events TO {{credential}};
GRANT SELECT, INSERT, DELETE, TRUNCATE ON shop.cart_snapshots TO {{credential}};
GRANT SELECT (sku, name), UPDATE (price, discount) ON shop.products TO {{credential}};
GRANT INSERT ("from", "where"), REFERENCES ("from") ON "Back Office"."select" TO {{credential}};
GRANT SELECT ON "Back Office"."select" TO {{credential}};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA shop, "Back Office" TO {{credential}};
GRANT UPDATE ON SEQUENCE shop.invoice_numbers TO {{credential}};
GRANT SELECT ON public.countries TO PUBLIC;
GRANT INSERT, UPDATE ON shop.scratch TO PUBLIC;
GRANT USAGE ON SEQUENCE shop.round_and_round TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.customer_count() TO {{reader}};
REVOKE EXECUTE ON PROCEDURE shop.close_order(bigint, text) FROM PUBLIC;
REVOKE DELETE ON shop.empty FROM {{owner}};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON shop.colours FROM {{owner}};

-- Grants whose grantor is not the owner; none of them lets anybody write.
SET ROLE {{credential}};
GRANT SELECT ON shop.sessions TO {{reader}};
GRANT USAGE ON SCHEMA "Back Office" TO {{reader}};
RESET ROLE;
