namespace HerokuMigrator.Lab;

/// <summary>As many tables as are asked for, each with a key, two more indexes, a sequence and, but for the first of every fifty, a foreign key to that one.</summary>
public static class ManyTables
{
    /// <summary>Tables a transaction: each object takes a lock until its end.</summary>
    private const int Batch = 200;

    /// <summary>Tables of which one is referenced by all others. Where one is by thousands, a server reads all of its triggers anew for each foreign key, and nothing else is measured.</summary>
    private const int Family = 50;

    /// <summary>Creates, fills and analyses them, in the schema <c>many</c>.</summary>
    /// <param name="database">Where.</param>
    /// <param name="tables">Number of tables.</param>
    /// <param name="rows">Rows a table.</param>
    /// <param name="keyless">So many of them have no primary key.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task CreateAsync(HerokuLikeDatabase database, int tables, int rows, int keyless, CancellationToken cancellationToken)
    {
        var owner = SqlText.QuoteIdentifier(database.Owner.Name);
        await database.ExecuteAsync($"SET ROLE {owner}; CREATE SCHEMA many", cancellationToken);
        for (var first = 1; first <= tables; first += Batch)
        {
            await database.ExecuteAsync($"SET ROLE {owner}; SET client_min_messages = warning; {Sql(first, Math.Min(tables, first + Batch - 1), rows, keyless)}", cancellationToken);
        }

        await database.ExecuteAsync("VACUUM (ANALYZE)", cancellationToken);
    }

    private static string Sql(int first, int last, int rows, int keyless) => $$"""
        DO $do$ BEGIN
        FOR t IN {{first}}..{{last}} LOOP
            EXECUTE format($f$
                CREATE TABLE many.%1$I (id bigserial, parent bigint, reference text NOT NULL, note text, amount numeric(12, 2), at timestamptz NOT NULL DEFAULT now());
                INSERT INTO many.%1$I (parent, reference, note, amount)
                    SELECT g, md5(g::text), repeat('note ' || g || ' ', 1 + g %% 20), g * 1.25 FROM generate_series(1, {{rows}}) g;
                CREATE INDEX ON many.%1$I (reference); CREATE INDEX ON many.%1$I (at, amount);
                $f$, 't' || t);
            IF t > {{keyless}} THEN
                EXECUTE format('ALTER TABLE many.%I ADD PRIMARY KEY (id)', 't' || t);
            END IF;
            IF t > {{keyless}} AND (t - {{keyless}} - 1) % {{Family}} > 0 THEN
                EXECUTE format('ALTER TABLE many.%I ADD FOREIGN KEY (parent) REFERENCES many.%I', 't' || t, 't' || (t - (t - {{keyless}} - 1) % {{Family}}));
            END IF;
        END LOOP; END $do$;
        """;
}
