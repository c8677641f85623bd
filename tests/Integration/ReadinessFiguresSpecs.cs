using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What a report tells beside its checks: times to reckon with, and what both servers are.</summary>
public sealed class ReadinessFiguresSpecs(LabPair lab)
{
    [Fact]
    public async Task The_inventory_names_versions_extensions_settings_that_differ_and_who_is_connected()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsync($"CREATE EXTENSION citext SCHEMA public; ALTER DATABASE {Catalog.SqlName.Quote(move.Source.Name)} SET work_mem = '12MB'", token);
        await using var client = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(move.Source.ConnectionStringFor(move.Source.Credential)) { ApplicationName = "cheese \"web.1\"" }.ConnectionString);
        await client.OpenAsync(token);

        var inventory = (await ReadinessRunner.RunAsync(move.Options, new ReadinessOptions { Exclude = ["WriteRate"] })).Inventory!;

        Assert.StartsWith("PostgreSQL ", inventory.SourceVersion, StringComparison.Ordinal);
        Assert.StartsWith("PostgreSQL ", inventory.TargetVersion, StringComparison.Ordinal);
        Assert.Equal("public", Assert.Single(inventory.Extensions, extension => extension.Name == "citext").Schema);
        Assert.Equal(new InventorySetting("work_mem", "12MB", "4MB"), Assert.Single(inventory.Settings, setting => setting.Name == "work_mem"));
        Assert.DoesNotContain(inventory.Settings, setting => setting.Name is "port" or "data_directory" or "unix_socket_directories" or "application_name" or "statement_timeout" or "TimeZone");
        Assert.Equal(1, Assert.Single(inventory.Clients, one => one.Application == "cheese \"web.1\"").Connections);
        Assert.Equal(move.Source.Credential.Name, Assert.Single(inventory.Clients, one => one.Application == "cheese \"web.1\"").Role);
        Assert.DoesNotContain(inventory.Clients, one => one.Application.StartsWith("heroku-migrator", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_estimate_tells_what_it_rests_on_and_grows_with_what_is_copied_under_the_fence()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.keyed (id bigint PRIMARY KEY, parent bigint REFERENCES public.keyed, note text); CREATE INDEX ON public.keyed (note); ANALYZE public.keyed", token);
        var small = (await ReadinessRunner.RunAsync(move.Options)).Estimate!;
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.keyless AS SELECT g, repeat(md5(g::text), 300) AS filler FROM generate_series(1, 20000) g; ALTER TABLE public.keyless ALTER filler SET STORAGE EXTERNAL; ANALYZE public.keyless", token);

        var large = (await ReadinessRunner.RunAsync(move.Options)).Estimate!;

        Assert.StartsWith("1 table with about 0 rows in ", small.Copy.Basis, StringComparison.Ordinal);
        Assert.Contains("1 key of ", small.Index.Basis, StringComparison.Ordinal);
        Assert.Contains("1 index of ", small.Index.Basis, StringComparison.Ordinal);
        Assert.Contains("1 foreign key over 0 rows", small.Index.Basis, StringComparison.Ordinal);
        Assert.Contains("a fence around 1 table or sequence ", small.WritePause.Basis, StringComparison.Ordinal);
        Assert.Contains("2 tables with about 20,000 rows in ", large.Copy.Basis, StringComparison.Ordinal);
        Assert.Contains("beside it the last copy of 1 table without a usable key, ", large.WritePause.Basis, StringComparison.Ordinal);
        Assert.Contains(" rows/s in the ", large.WritePause.Basis, StringComparison.Ordinal);
        Assert.All([small.Copy, small.Index, small.WritePause, large.Copy, large.Index, large.WritePause], time => Assert.True(time.Seconds > 0));
    }
}
