using HerokuMigrator.Connections;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The comparison between servers of two versions.</summary>
public sealed class DataComparisonVersionSpecs(LabPair lab, OlderServer older) : IClassFixture<OlderServer>
{
    /// <summary>Types whose text or hash could change from one version to the next.</summary>
    private const string Tables = """
        CREATE TYPE public.mood AS ENUM ('sad', 'übermütig');
        CREATE TABLE public.kinds (id bigint PRIMARY KEY, f4 float4, f8 float8, n numeric, c "char", t text COLLATE "C", v varchar(20), b bpchar(9), y bytea, j jsonb, p json, x xml, m money, i interval,
            z timestamptz, tz timetz, d date, u uuid, ip inet, r int4range, a text[], l point, bits varbit, mood public.mood, ts tsvector, q tsquery, g regclass, mac macaddr8);
        INSERT INTO public.kinds SELECT k, 1 / (k + 0.1)::float4, exp(k / 30.0::float8), k / 7.0, chr(64 + k % 26)::"char", 'Käse' || k, 'v' || k, 'b', sha256(k::text::bytea), jsonb_build_object('b', k, 'a', 1e3), '{"a" : 1}', '<a>ü</a>',
            k::float8::numeric::money, k * interval '1 year 2 mons -3 days 04:05:06.789', '2026-01-01 BC'::timestamptz + k * interval '1 day', '12:00+05:30', 'infinity', md5(k::text)::uuid, '10.0.0.0/8', int4range(k::integer, NULL),
            '[2:3]={a,NULL}', point(k / 3.0, -0.0), B'101', 'übermütig', to_tsvector('simple', 'b a'), 'a & !b', 'pg_class', '08:00:2b:01:02:03:04:05'
            FROM generate_series(1, 3000) k;
        UPDATE public.kinds SET f8 = 'NaN', n = 'NaN', v = NULL, a = NULL, c = '' WHERE id % 10 = 0;
        CREATE TABLE public.wide (name text PRIMARY KEY, filler text);
        INSERT INTO public.wide SELECT md5(k::text), repeat(md5(k::text), 20) FROM generate_series(1, 3000) k;
        ANALYZE;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_of_PostgreSQL_13_and_of_a_newer_server_are_equal_and_one_that_differs_is_found()
    {
        var url = await older.NewDatabaseAsync(Token);
        await using var move = await lab.NewMoveAsync(Token);
        await using (var source = ConnectionSettings.Parse(url).CreateDataSource("spec"))
        await using (var command = source.CreateCommand(Tables))
        {
            await command.ExecuteNonQueryAsync(Token);
        }

        await using var migrator = new Migrator(move.Options with { SourceUrl = url }, move.Events);
        await migrator.StartAsync(Token);
        var options = new ComparisonOptions { ChunkBytes = 256 * 1024 };
        Assert.All(await migrator.CompareAsync(options, Token), result => Assert.True(result is { Outcome: ComparisonOutcome.Equal, SourceRows: 3000 }, result.ToString()));
        await Owner.ExecuteAsync(move.Target, "UPDATE public.kinds SET c = '\\' WHERE id = 77", Token);
        var found = (await migrator.CompareAsync(options with { Tables = ["public.kinds"] }, Token)).Single();
        Assert.Equal("\"id\" = '77'", Assert.Single(found.Differences).Key);
        await migrator.StopAsync(Token);
    }
}
