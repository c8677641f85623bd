namespace HerokuMigrator.Lab;

/// <summary>The operations that are there for the shape of a table: key changes, partitions, no keys, names that want quotes.</summary>
internal static class ShopShapeOperations
{
    public static readonly IReadOnlyList<WorkloadOperation> All =
    [
        new("key of a product", 2, ByCredential: false, session => session.ExecuteAsync(
            "UPDATE shop.products SET sku = $2, version = version + 1 WHERE sku = (SELECT sku FROM shop.products WHERE sku >= $1::text ORDER BY sku LIMIT 1)", "SKU-" + session.Any(900), "SKU-" + Guid.NewGuid().ToString("N").ToUpperInvariant())),
        new("key of a line", 3, ByCredential: false, session => session.ExecuteAsync(
            "UPDATE shop.order_lines SET line_no = $2 WHERE (order_id, line_no) = (SELECT order_id, line_no FROM shop.order_lines WHERE order_id >= $1 ORDER BY order_id, line_no LIMIT 1)", (long)session.Any(18_000), session.AnyNew())),
        new("keys swapped", 3, ByCredential: true, SwapKeysAsync),
        new("key with quotes", 2, ByCredential: true, session => session.ExecuteAsync(
            """UPDATE "Back Office"."say ""hi"" to O'Brien" SET "key""part" = $2 WHERE "key""part" = (SELECT "key""part" FROM "Back Office"."say ""hi"" to O'Brien" WHERE "key""part" >= $1 ORDER BY 1 LIMIT 1)""", "key \"" + session.Any(200), $"key \"{Guid.NewGuid()}\", 'x'")),
        new("key of a user", 2, ByCredential: false, session => session.ExecuteAsync(
            """UPDATE "order"."user" SET "group" = gen_random_uuid(), "table" = "table" + 1 WHERE "group" = (SELECT "group" FROM "order"."user" WHERE "group" >= $1 ORDER BY 1 LIMIT 1)""", Guid.NewGuid())),
        new("same key again", 4, ByCredential: true, ReplaceSessionAsync),
        new("here and gone", 2, ByCredential: true, ComeAndGoAsync),
        new("queue", 2, ByCredential: false, MoveQueueAsync),
        new("translation", 2, ByCredential: false, TranslateAsync),
        new("odd keys", 1, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("UPDATE shop.paths SET path = path || $1, note = 'moved' WHERE path = (SELECT path FROM shop.paths WHERE cardinality(path) < 20 ORDER BY random() LIMIT 1)", session.AnyNew());
            await session.ExecuteAsync("INSERT INTO shop.digests VALUES ($1, 'new')", Guid.NewGuid().ToByteArray());
            await session.ExecuteAsync("UPDATE shop.digests SET note = $1 WHERE digest = (SELECT digest FROM shop.digests ORDER BY random() LIMIT 1)", session.AwkwardText());
        }),
        new("event", 6, ByCredential: true, session => session.ExecuteAsync(
            "INSERT INTO shop.events (day, kind, payload, writer) VALUES (date '2025-06-01' + $1, $2, '{}', $3)", session.Any(700), "kind " + session.Any(9), session.Writer)),
        new("event to another leaf", 5, ByCredential: true, session => session.ExecuteAsync(
            "UPDATE shop.events SET day = date '2025-06-01' + $2 WHERE (day, id) = (SELECT day, id FROM shop.events WHERE day >= date '2025-06-01' + $1 ORDER BY day, id LIMIT 1)", session.Any(690), session.Any(700))),
        new("event gone", 2, ByCredential: true, session => session.ExecuteAsync(
            "DELETE FROM shop.events WHERE (day, id) = (SELECT day, id FROM shop.events WHERE day >= date '2025-06-01' + $1 ORDER BY day, id LIMIT 1)", session.Any(690))),
        new("metric", 2, ByCredential: false, async session =>
        {
            var host = session.AnyNew();
            await session.ExecuteAsync("INSERT INTO shop.metrics VALUES ('us', $1, 'NaN')", host);
            await session.ExecuteAsync("UPDATE shop.metrics SET region = 'Österreich' WHERE region = 'us' AND host = $1", host);
        }),
        new("page views", 5, ByCredential: true, ViewPagesAsync),
        new("import", 2, ByCredential: false, ImportAsync),
        new("file", 1, ByCredential: false, StoreFileAsync),
        new("awkward values", 3, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("INSERT INTO shop.awkward (plain, f8, n, d, ts, span, raw, docb, texts, grid, place, r4s) SELECT $2, f8, n, d, ts, span, raw, docb, texts, grid, place, r4s FROM shop.awkward WHERE id = $1", session.Any(400), session.AwkwardText());
            await session.ExecuteAsync("UPDATE shop.awkward SET plain = $2, r4 = '-Infinity', tsz = 'infinity' WHERE id = $1", session.Any(400), session.AwkwardText());
        }),
        new("reading", 3, ByCredential: false, session => session.ExecuteAsync("INSERT INTO shop.readings VALUES (clock_timestamp() + $1 * interval '1 microsecond', 'NaN', $2)", session.AnyNew(), session.Random.NextDouble())),
        new("vehicle", 3, ByCredential: false, DriveAsync),
        new("team", 2, ByCredential: false, FoundTeamAsync),
        new("staff", 2, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("INSERT INTO shop.employees (name, manager_id) SELECT $1, max(id) FROM shop.employees", session.AwkwardText());
            await session.ExecuteAsync("UPDATE shop.employees SET manager_id = $2 WHERE id = $1", session.Any(300), session.Any(300));
        }),
        new("price list", 2, ByCredential: false, session => session.ExecuteAsync(
            "INSERT INTO shop.price_lists (name, during) SELECT 'p', tstzrange(t, t + interval '1 microsecond') FROM (SELECT timestamptz '2030-01-01 00:00+00' + $1 * interval '1 second' AS t) x", session.AnyNew())),
        new("quoted", 3, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("""UPDATE "Back Office"."select" SET "where" = $2, "order" = "order" || '.' WHERE "from" = $1""", session.Any(200), session.AwkwardText());
            await session.ExecuteAsync("""UPDATE "order".orders SET note = $2 WHERE id = $1""", session.Any(50), session.AwkwardText());
            await session.ExecuteAsync("UPDATE shop.scratch SET value = $2 WHERE id = $1", session.Any(100), session.AwkwardText());
        }),
    ];

    private static async Task SwapKeysAsync(WriterSession session)
    {
        const string Table = """ "Back Office"."Käse.Bröt" """;
        var first = (int)(await session.ScalarAsync($"""INSERT INTO {Table} ("Größe", "select", writer) VALUES ($1, $2, $3) RETURNING "ID" """, session.Any(100), session.AwkwardText(), session.Writer))!;
        if (await session.ScalarAsync($"""SELECT min("ID") FROM {Table} WHERE writer = $1 AND "ID" > 0""", session.Writer) is int other && other != first)
        {
            await session.ExecuteAsync($"""UPDATE {Table} SET "ID" = -"ID" WHERE "ID" = $1""", first);
            await session.ExecuteAsync($"""UPDATE {Table} SET "ID" = $2 WHERE "ID" = $1""", other, first);
            await session.ExecuteAsync($"""UPDATE {Table} SET "ID" = $2 WHERE "ID" = -$1""", first, other);
            await session.ExecuteAsync($"""DELETE FROM {Table} WHERE "ID" = $1 AND writer = $2 AND $3 > 50""", first, session.Writer, session.Any(100));
        }
    }

    private static async Task ReplaceSessionAsync(WriterSession session)
    {
        var token = await session.ScalarAsync("DELETE FROM shop.sessions WHERE token = (SELECT token FROM shop.sessions WHERE token >= $1 ORDER BY token LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING token", Guid.NewGuid());
        await session.ExecuteAsync("INSERT INTO shop.sessions (token, note) VALUES ($1, $2)", token ?? Guid.NewGuid(), session.AwkwardText());
    }

    private static async Task ComeAndGoAsync(WriterSession session)
    {
        var token = Guid.NewGuid();
        await session.ExecuteAsync("INSERT INTO shop.sessions (token) VALUES ($1)", token);
        await session.ExecuteAsync("UPDATE shop.sessions SET note = 'soon gone' WHERE token = $1", token);
        await session.ExecuteAsync("DELETE FROM shop.sessions WHERE token = $1", token);
    }

    private static async Task MoveQueueAsync(WriterSession session)
    {
        // One statement gives each row the key of the next: only a deferrable key allows that.
        await session.ExecuteAsync("UPDATE shop.queue SET position = position + 1 WHERE writer = $1", session.Writer);
        await session.ExecuteAsync("DELETE FROM shop.queue WHERE writer = $1 AND position > 20", session.Writer);
        await session.ExecuteAsync("INSERT INTO shop.queue VALUES (1, $1, $2)", session.Writer, session.AwkwardText());
    }

    private static async Task TranslateAsync(WriterSession session)
    {
        await session.ExecuteAsync(
            "UPDATE shop.translations SET key = $2, value = $3 WHERE (locale, key) = (SELECT locale, key FROM shop.translations WHERE locale = $1 ORDER BY random() LIMIT 1)",
            session.Pick("de\\AT", "en", "日本"),
            $"c:\\dir\\{Guid.NewGuid()}",
            session.AwkwardText());
        await session.ExecuteAsync("INSERT INTO shop.translations VALUES ('x\\', $1, 'new')", $"\\{Guid.NewGuid()}");
    }

    private static async Task ViewPagesAsync(WriterSession session)
    {
        await session.ExecuteAsync("INSERT INTO shop.page_views (path, seconds, writer) SELECT '/p', $1, $2 FROM generate_series(1, 2)", session.Any(100), session.Writer);
        await session.ExecuteAsync("UPDATE shop.page_views SET seconds = seconds + 1 WHERE ctid = (SELECT ctid FROM shop.page_views WHERE writer = $1 LIMIT 1)", session.Writer);
        await session.ExecuteAsync("DELETE FROM shop.page_views WHERE ctid = (SELECT ctid FROM shop.page_views WHERE writer = $1 LIMIT 1)", session.Writer);
    }

    private static async Task ImportAsync(WriterSession session)
    {
        await session.ExecuteAsync("INSERT INTO shop.imports VALUES (NULL, '{}', $1), ($2, '{}', $1)", session.Writer, Guid.NewGuid().ToString());
        await session.ExecuteAsync("UPDATE shop.imports SET reference = $2 WHERE ctid = (SELECT ctid FROM shop.imports WHERE writer = $1 AND reference IS NULL LIMIT 1)", session.Writer, Guid.NewGuid().ToString());
    }

    private static async Task StoreFileAsync(WriterSession session)
    {
        var key = new byte[session.Any(24)];
        session.Random.NextBytes(key);
        await session.ExecuteAsync("INSERT INTO shop.files (digest, content) VALUES ($1 || $2, repeat($3, 2000))", key, Guid.NewGuid().ToByteArray(), session.AwkwardText()[..1] + "ü\\\t");
        await session.ExecuteAsync("UPDATE shop.files SET content = coalesce(content, '') || 'x' WHERE digest = (SELECT digest FROM shop.files WHERE digest >= $1 ORDER BY digest LIMIT 1)", key);
    }

    private static async Task DriveAsync(WriterSession session)
    {
        var id = session.Any(180);
        await session.ExecuteAsync("UPDATE shop.vehicles SET note = $2 WHERE id = $1", id, session.AwkwardText());
        await session.ExecuteAsync("UPDATE ONLY shop.vehicles SET wheels = wheels + 1 WHERE id = $1", session.Any(60));
        await session.ExecuteAsync("INSERT INTO shop.cars VALUES ($1, 4, 'new', 3)", session.AnyNew());
        await session.ExecuteAsync("DELETE FROM ONLY shop.vehicles WHERE id = $1 AND id > 50", id);
    }

    private static async Task FoundTeamAsync(WriterSession session)
    {
        var id = session.AnyNew();
        await session.ExecuteAsync("INSERT INTO shop.teams VALUES ($1, $2, $1)", id, session.AwkwardText());
        await session.ExecuteAsync("INSERT INTO shop.players VALUES ($1, $1, 'captain')", id);
        await session.ExecuteAsync("UPDATE shop.players SET team_id = $2 WHERE id = $1", session.Any(200), session.Any(20));
    }
}
