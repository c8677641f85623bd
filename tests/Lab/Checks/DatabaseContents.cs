using System.Globalization;
using System.Numerics;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>What a comparison of two databases found.</summary>
/// <param name="Tables">Relations with rows of their own that were compared: plain tables, leaves, populated materialized views.</param>
/// <param name="Differences">One readable line each; empty where the two are equal.</param>
public sealed record ContentComparison(int Tables, int Sequences, int Objects, long Rows, IReadOnlyList<string> Differences)
{
    public bool AreEqual => Differences.Count == 0;

    public override string ToString() => AreEqual
        ? $"equal: {Tables} tables with {Rows} rows, {Sequences} sequences, {Objects} objects"
        : string.Join('\n', Differences.Take(60)) + (Differences.Count > 60 ? $"\n... and {Differences.Count - 60} more" : "");
}

/// <summary>
/// Compares two databases wholly: the rows of each table whatever their order, each sequence's state, and the definition of each object.
/// It shares no code with the product, as it is what the product is judged by.
/// </summary>
public static class DatabaseContents
{
    /// <summary>Compares as superuser; nobody should be writing.</summary>
    public static Task<ContentComparison> CompareAsync(LabDatabase source, LabDatabase target, CancellationToken cancellationToken) =>
        CompareAsync(source.AdminConnectionString, target.AdminConnectionString, cancellationToken);

    /// <param name="sourceAdmin">A superuser's connection string, for Npgsql.</param>
    /// <param name="targetAdmin">The other side's.</param>
    public static async Task<ContentComparison> CompareAsync(string sourceAdmin, string targetAdmin, CancellationToken cancellationToken)
    {
        var captures = await Task.WhenAll(CaptureAsync(sourceAdmin, cancellationToken), CaptureAsync(targetAdmin, cancellationToken));
        var (source, target) = (captures[0], captures[1]);
        List<string> differences =
        [
            .. Compare("table", source.Tables, target.Tables),
            .. Compare("sequence", source.Sequences, target.Sequences),
            .. Compare("", source.Objects, target.Objects),
        ];
        return new ContentComparison(source.Tables.Count, source.Sequences.Count, source.Objects.Count, source.Rows, differences);
    }

    /// <summary>Schemas and triggers of the migration's own machinery; after its end there are none.</summary>
    public static async Task<IReadOnlyList<string>> FindMachineryAsync(string adminConnectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(adminConnectionString);
        await connection.OpenAsync(cancellationToken);
        return [.. (await ReadAsync(connection, CatalogQueries.Machinery, cancellationToken)).Select(row => row[0])];
    }

    private static IEnumerable<string> Compare(string kind, Dictionary<string, string> source, Dictionary<string, string> target) =>
        source.Keys.Union(target.Keys).Order(StringComparer.Ordinal).Select(name => (name, source.GetValueOrDefault(name), target.GetValueOrDefault(name)) switch
        {
            (_, { } there, null) => $"{kind} {name}: only on the source: {Shorten(there)}".TrimStart(),
            (_, null, { } here) => $"{kind} {name}: only on the target: {Shorten(here)}".TrimStart(),
            var (_, there, here) when there != here => $"{kind} {name}: source {Shorten(there!)}, target {Shorten(here!)}".TrimStart(),
            _ => "",
        }).Where(line => line.Length > 0);

    private static string Shorten(string text) => text.Length <= 600 ? text : text[..600] + "...";

    private static async Task<Capture> CaptureAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using (var pin = new NpgsqlCommand(CatalogQueries.PinSession, connection))
        {
            await pin.ExecuteNonQueryAsync(cancellationToken);
        }

        // One snapshot for everything, so that a writer of somebody else's cannot make one side disagree with itself.
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var capture = new Capture();
        foreach (var table in await ReadAsync(connection, CatalogQueries.Tables, cancellationToken))
        {
            await SumTableAsync(connection, capture, table[0], table[2], cancellationToken);
        }

        foreach (var sequence in await ReadAsync(connection, CatalogQueries.Sequences, cancellationToken))
        {
            var state = await ReadAsync(connection, $"SELECT last_value::text, is_called::text FROM {sequence[0]}", cancellationToken);
            capture.Sequences[sequence[0]] = $"last_value {state[0][0]}, is_called {state[0][1]}";
        }

        foreach (var query in CatalogQueries.Objects)
        {
            foreach (var row in await ReadAsync(connection, query, cancellationToken))
            {
                capture.Objects[$"{row[0]} {row[1]}"] = row[2];
            }
        }

        return capture;
    }

    private static async Task SumTableAsync(NpgsqlConnection connection, Capture capture, string table, string columns, CancellationToken cancellationToken)
    {
        var sum = await ReadAsync(
            connection,
            $"SELECT count(*)::text, coalesce(sum(pg_catalog.hashtextextended(ROW({columns})::text, 0)::numeric), 0)::text FROM ONLY {table}",
            cancellationToken);
        capture.Tables[table] = $"{sum[0][0]} rows with checksum {BigInteger.Parse(sum[0][1], CultureInfo.InvariantCulture)}";
        capture.Rows += long.Parse(sum[0][0], CultureInfo.InvariantCulture);
    }

    private static async Task<List<string[]>> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string[]> rows = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new string[reader.FieldCount];
            for (var column = 0; column < row.Length; column++)
            {
                row[column] = await reader.IsDBNullAsync(column, cancellationToken) ? "" : reader.GetString(column);
            }

            rows.Add(row);
        }

        return rows;
    }

    private sealed class Capture
    {
        public Dictionary<string, string> Tables { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, string> Sequences { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, string> Objects { get; } = new(StringComparer.Ordinal);

        public long Rows { get; set; }
    }
}
