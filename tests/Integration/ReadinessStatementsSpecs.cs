using System.Text.RegularExpressions;
using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>The number of tables does not change what a report asks of the servers.</summary>
public sealed partial class ReadinessStatementsSpecs
{
    [Fact]
    public async Task A_report_of_400_tables_takes_as_many_statements_as_one_of_30()
    {
        var token = TestContext.Current.CancellationToken;
        var options = new PostgresServerOptions { Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["shared_preload_libraries"] = "'pg_stat_statements'" } };
        await using var source = await HerokuLikeServer.StartAsync(options, token);
        await using var target = await PlanetScaleLikeServer.StartAsync(options, token);

        var few = await CountAsync(source, target, tables: 30, token);
        var many = await CountAsync(source, target, tables: 400, token);

        Assert.NotEmpty(few);
        Assert.Equal(few, many);
    }

    private static async Task<List<string>> CountAsync(HerokuLikeServer source, PlanetScaleLikeServer target, int tables, CancellationToken cancellationToken)
    {
        await using var move = new LabMove(await source.CreateDatabaseAsync(cancellationToken), await target.CreateDatabaseAsync(cancellationToken));
        await move.Target.Server.ExecuteAsync("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", cancellationToken);
        await move.Source.Server.ExecuteAsync("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", cancellationToken);
        await ManyTables.CreateAsync(move.Source, tables, rows: 3, keyless: 5, cancellationToken);
        await move.Source.Server.ExecuteAsync("postgres", "SELECT pg_stat_statements_reset()", cancellationToken);

        await ReadinessRunner.RunAsync(move.Options);

        return [.. await StatementsAsync(move.Source, cancellationToken), .. await StatementsAsync(move.Target, cancellationToken)];
    }

    /// <summary>Each text with the number of its calls. How often a pooled session is used again is chance, and with it how often it is reset; the ways to both servers are measured as often as time allows,
    /// and samples are taken of so many tables at most, as long as time allows.</summary>
    private static async Task<List<string>> StatementsAsync(LabDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database.Server.AdminConnectionString());
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            SELECT s.query, s.calls FROM pg_stat_statements s
            WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = $1) AND s.userid = (SELECT oid FROM pg_roles WHERE rolname = $2)
              AND s.query !~ '^(DISCARD|RESET|CLOSE|UNLISTEN|SET SESSION|SELECT pg_advisory_unlock_all|LOAD)' AND s.query !~ '^SELECT (\$1$|repeat\(|octet_length\()|TABLESAMPLE'
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = database.Name });
        command.Parameters.Add(new NpgsqlParameter { Value = database.Owner.Name });
        List<(string Text, long Calls)> found = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((OneOfAKind().Replace(reader.GetString(0), "…").Replace(database.Name, "…", StringComparison.Ordinal).Replace(database.Owner.Name, "…", StringComparison.Ordinal), reader.GetInt64(1)));
        }

        return [.. found.GroupBy(one => one.Text, StringComparer.Ordinal).Select(group => $"{group.Sum(one => one.Calls)} × {group.Key}").Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex("(?<=heroku_migrator_probe_)[0-9a-f]+|(?<=\"t)[0-9]+(?=\")", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OneOfAKind();
}
