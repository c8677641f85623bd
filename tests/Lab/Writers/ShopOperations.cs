using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>What the clients of the shop do to it. Each is one transaction; together they reach nearly every table.</summary>
internal static class ShopOperations
{
    public const string Read = "SELECT count(*) FROM (SELECT FROM shop.orders ORDER BY id DESC LIMIT 100) o, shop.counters";

    public static readonly IReadOnlyList<WorkloadOperation> All =
    [
        new("order", 20, ByCredential: false, PlaceOrderAsync),
        new("pay", 12, ByCredential: false, PayAsync),
        new("customer", 8, ByCredential: false, WelcomeCustomerAsync),
        new("customer gone", 1, ByCredential: false, session => session.ExecuteAsync("DELETE FROM public.customers WHERE id = (SELECT id FROM public.customers WHERE id >= $1 ORDER BY id LIMIT 1)", (long)session.Any(4000))),
        new("order gone", 3, ByCredential: false, session => session.ExecuteAsync("DELETE FROM shop.orders WHERE id = (SELECT id FROM shop.orders WHERE id >= $1 ORDER BY id LIMIT 1)", (long)session.Any(18_000))),
        new("many orders", 1, ByCredential: false, session => session.ExecuteAsync("UPDATE shop.orders SET state = 'in transit' WHERE id BETWEEN $1 AND $1 + 150", (long)session.Any(18_000))),
        new("counter", 8, ByCredential: false, session => session.ExecuteAsync("UPDATE shop.counters SET value = value + 1 WHERE name = $1", "counter " + session.Any(20))),
        new("savepoint", 3, ByCredential: false, UseSavepointAsync),
        new("rollback", 3, ByCredential: false, WelcomeCustomerAsync) { RollsBack = true },
        new("cart", 3, ByCredential: false, FillCartAsync),
        new("snapshot", 3, ByCredential: true, session => session.ExecuteAsync("INSERT INTO shop.cart_snapshots VALUES ($1, jsonb_build_object('text', $2::text))", session.AnyNew(), session.AwkwardText())),
        .. ShopShapeOperations.All,
    ];

    public static readonly IReadOnlyList<WorkloadOperation> Truncations =
    [
        new("truncate", 1, ByCredential: true, async session =>
        {
            await session.ExecuteAsync("TRUNCATE shop.cart_snapshots");
            await session.ExecuteAsync("INSERT INTO shop.cart_snapshots SELECT -g, '{}' FROM generate_series(1, 20) g");
        }),
        new("truncate cascade", 1, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("TRUNCATE shop.carts CASCADE");
            await FillCartAsync(session);
        }),
    ];

    private static async Task PlaceOrderAsync(WriterSession session)
    {
        var id = await session.ScalarAsync(
            """
            WITH customer AS (SELECT id FROM public.customers WHERE id >= $1 ORDER BY id LIMIT 1 FOR KEY SHARE)
            INSERT INTO shop.orders (customer_id, invoice, total, ship_to)
            SELECT id, nextval('shop.invoice_numbers'), $2, ROW($3, 1, '{}')::shop.address FROM customer RETURNING id
            """,
            (long)session.Any(4000),
            session.Any(99_999) / 100m,
            session.AwkwardText());
        if (id is long order)
        {
            await session.ExecuteAsync("INSERT INTO shop.order_lines SELECT $1, n, 'SKU-' || n, n FROM generate_series(1, $2) n", order, session.Any(4));
        }
    }

    private static async Task PayAsync(WriterSession session)
    {
        await session.ExecuteAsync(
            "UPDATE shop.orders SET state = (enum_range(NULL::shop.order_state))[$2], total = total + 0.01 WHERE id = (SELECT id FROM shop.orders WHERE id >= $1 ORDER BY id LIMIT 1)",
            (long)session.Any(18_000),
            session.Any(5));
        await session.ExecuteAsync("""SELECT nextval('shop."Countdown"'), nextval('shop.round_and_round')""");
    }

    private static async Task WelcomeCustomerAsync(WriterSession session)
    {
        await session.ExecuteAsync("INSERT INTO public.customers (email, name, tags) VALUES ($1, $2, ARRAY[$2])", $"{Guid.NewGuid():N}@Example.com", session.AwkwardText());
        await session.ExecuteAsync(
            "UPDATE public.customers SET profile = jsonb_set(profile, '{seen}', to_jsonb($2::text)), active = NOT active WHERE id = (SELECT id FROM public.customers WHERE id >= $1 ORDER BY id LIMIT 1)",
            (long)session.Any(4000),
            session.AwkwardText());
    }

    private static async Task UseSavepointAsync(WriterSession session)
    {
        var code = Guid.NewGuid().ToString();
        await session.ExecuteAsync("INSERT INTO shop.vouchers VALUES ($1, 1)", code);
        await session.ExecuteAsync("SAVEPOINT before_mistake");
        await session.ExecuteAsync("DELETE FROM shop.vouchers WHERE code = $1", code);
        await session.ExecuteAsync("INSERT INTO shop.vouchers VALUES ($1, -1)", code + " never");
        await session.ExecuteAsync("ROLLBACK TO SAVEPOINT before_mistake");
        await session.ExecuteAsync("UPDATE shop.vouchers SET code = code || ' kept', redeemed_at = now() WHERE code = $1", code);
        if (session.Any(10) == 1)
        {
            await FailOnceAsync(session, code + " kept");
        }
    }

    private static async Task FailOnceAsync(WriterSession session, string code)
    {
        await session.ExecuteAsync("SAVEPOINT before_duplicate");
        try
        {
            await session.ExecuteAsync("INSERT INTO shop.vouchers VALUES ($1, 2)", code);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            await session.ExecuteAsync("ROLLBACK TO SAVEPOINT before_duplicate");
        }
    }

    private static async Task FillCartAsync(WriterSession session)
    {
        var cart = Guid.NewGuid();
        await session.ExecuteAsync("INSERT INTO shop.carts VALUES ($1, $2)", cart, session.Writer);
        await session.ExecuteAsync("INSERT INTO shop.cart_items SELECT $1, n, 'SKU-' || n FROM generate_series(1, $2) n", cart, session.Any(3));
    }
}
