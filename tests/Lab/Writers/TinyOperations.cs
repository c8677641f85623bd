namespace HerokuMigrator.Lab;

/// <summary>What the clients of the tiny schema do to it.</summary>
internal static class TinyOperations
{
    public const string Read = "SELECT count(*) FROM public.accounts";

    public static readonly IReadOnlyList<WorkloadOperation> All =
    [
        new("transfer", 10, ByCredential: false, session => session.ExecuteAsync(
            "WITH a AS (UPDATE public.accounts SET balance = balance + 1 WHERE id = $1 RETURNING id) INSERT INTO public.transfers (account_id, amount) SELECT id, 1 FROM a", (long)session.Any(200))),
        new("account", 4, ByCredential: true, session => session.ExecuteAsync("INSERT INTO public.accounts (name) VALUES ($1)", session.AwkwardText())),
        new("account gone", 1, ByCredential: false, session => session.ExecuteAsync("DELETE FROM public.accounts WHERE id = (SELECT id FROM public.accounts WHERE id > $1 ORDER BY id LIMIT 1)", 200L + session.Any(50))),
        new("key", 4, ByCredential: true, session => session.ExecuteAsync(
            """UPDATE "Mixed Case"."Käse.Bröt" SET "Id" = gen_random_uuid(), "select" = $2 WHERE "Id" = (SELECT "Id" FROM "Mixed Case"."Käse.Bröt" WHERE "Id" >= $1 ORDER BY 1 LIMIT 1)""", Guid.NewGuid(), session.AwkwardText())),
        new("event to another leaf", 3, ByCredential: false, session => session.ExecuteAsync("UPDATE public.events SET day = date '2025-07-01' + $2 WHERE id = $1", session.Any(300), session.Any(400))),
        new("sequence", 2, ByCredential: false, session => session.ExecuteAsync("SELECT nextval('public.numbers')")),
        new("rollback", 1, ByCredential: false, session => session.ExecuteAsync("INSERT INTO public.accounts (name) VALUES ('never')")) { RollsBack = true },
        new("view", 2, ByCredential: false, session => session.ExecuteAsync("INSERT INTO public.views (path) VALUES ($1)", session.AwkwardText())),
    ];

    public static readonly IReadOnlyList<WorkloadOperation> Truncations =
    [
        new("truncate", 1, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("TRUNCATE public.transfers");
            await session.ExecuteAsync("INSERT INTO public.transfers (account_id, amount) SELECT id, 7 FROM public.accounts WHERE id <= 20");
        }),
        new("truncate cascade", 1, ByCredential: false, async session =>
        {
            await session.ExecuteAsync("TRUNCATE public.accounts CASCADE");
            await session.ExecuteAsync("INSERT INTO public.accounts (id, name) OVERRIDING SYSTEM VALUE SELECT g, 'Account ' || g FROM generate_series(1, 200) g");
        }),
    ];
}
