using System.Globalization;
using System.Text.Json;

namespace HerokuMigrator.Lab;

/// <summary>What the corpus's tools made of a source database.</summary>
/// <param name="LoadErrors">What the schema's file asked for that this server has not.</param>
/// <param name="Empty">Tables that stayed empty.</param>
/// <param name="Mended">Rows that had no row to refer to, and were given one or taken out.</param>
internal sealed record CorpusFill(IReadOnlyList<string> LoadErrors, int Filled, IReadOnlyList<string> Empty, IReadOnlyList<string> StaleViews, int Mended);

/// <summary>Loads a schema of the corpus into a database of the lab, and fills it.</summary>
internal static class CorpusSource
{
    public static async Task<CorpusFill> CreateAsync(CorpusFolder corpus, CorpusSchema schema, HerokuLikeDatabase database, int rows, CancellationToken cancellationToken)
    {
        Dictionary<string, string> superuser = new()
        {
            ["PGHOST"] = database.Server.SocketFolder,
            ["PGPORT"] = database.Server.Port.ToString(CultureInfo.InvariantCulture),
            ["PGUSER"] = PostgresServer.Superuser,
            ["PATH"] = LabMachine.BinFolder + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"),
        };
        var (_, loaded) = await LabCommand.TryRunAsync("bash", [corpus.LoadTool, schema.File, database.Name], superuser, cancellationToken);
        var (exitCode, output) = await LabCommand.TryRunAsync("/usr/bin/python3", [corpus.FillTool, database.Name, rows.ToString(CultureInfo.InvariantCulture), database.Owner.Name], superuser, cancellationToken);
        if (exitCode != 0)
        {
            throw new LabException($"fill.py ended with {exitCode} for {schema}: {output}");
        }

        // The tool hands all over that no extension owns, and this schema is the platform's.
        await database.ExecuteAsync("ALTER SCHEMA heroku_ext OWNER TO postgres", cancellationToken);
        var mended = await ForeignKeyMender.MendAsync(database, cancellationToken);
        using var account = JsonDocument.Parse(output.Split('\n').Last(line => line.StartsWith('{')));
        return new CorpusFill(
            [.. loaded.Split('\n', StringSplitOptions.RemoveEmptyEntries)],
            account.RootElement.GetProperty("filled").GetInt32(),
            [.. account.RootElement.GetProperty("empty").EnumerateArray().Select(pair => $"{pair[0]}: {pair[1]}")],
            [.. account.RootElement.GetProperty("mvfail").EnumerateArray().Select(pair => $"{pair[0]}: {pair[1]}")],
            mended);
    }
}
