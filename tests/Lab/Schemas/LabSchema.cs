using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace HerokuMigrator.Lab;

/// <summary>Loads the SQL that lies beside this file into a database of the lab, in the name of the database's owner.</summary>
internal static partial class LabSchema
{
    // 63 bytes, the longest that PostgreSQL keeps; the second has two bytes a letter at its end.
    private const string LongName = "A table whose name is as long as PostgreSQL lets a name be ....";
    private static readonly string LongColumn = new string('c', 43) + string.Concat(Enumerable.Repeat("ä", 10));

    public static async Task LoadAsync(HerokuLikeDatabase database, IEnumerable<string> resources, double scale, CancellationToken cancellationToken)
    {
        foreach (var resource in resources)
        {
            var sql = $"""
                SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET lc_monetary = 'C';
                SET ROLE {SqlText.QuoteIdentifier(database.Owner.Name)};
                {Fill(await ReadAsync(resource, cancellationToken), database, scale)}
                """;
            await LabCommand.RunAsServerUserAsync(
                LabMachine.Tool("psql"),
                [.. database.Server.AdminArguments(database.Name), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"],
                sql,
                cancellationToken);
        }

        await database.ExecuteAsync("ANALYZE", cancellationToken);
    }

    private static string Fill(string sql, HerokuLikeDatabase database, double scale)
    {
        var filled = sql
            .Replace("{{owner}}", SqlText.QuoteIdentifier(database.Owner.Name), StringComparison.Ordinal)
            .Replace("{{owner'}}", SqlText.QuoteLiteral(database.Owner.Name), StringComparison.Ordinal)
            .Replace("{{credential}}", SqlText.QuoteIdentifier(database.Credential.Name), StringComparison.Ordinal)
            .Replace("{{reader}}", SqlText.QuoteIdentifier(database.Reader.Name), StringComparison.Ordinal)
            .Replace("{{longname}}", SqlText.QuoteIdentifier(LongName), StringComparison.Ordinal)
            .Replace("{{longcolumn}}", SqlText.QuoteIdentifier(LongColumn), StringComparison.Ordinal);
        return ScaledCount().Replace(filled, match => Math.Max(1, (int)(int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) * scale)).ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<string> ReadAsync(string resource, CancellationToken cancellationToken)
    {
        var stream = typeof(LabSchema).Assembly.GetManifestResourceStream(resource) ?? throw new LabException($"{resource} is not embedded.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    [GeneratedRegex(@"\{\{(?<count>\d+)\}\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex ScaledCount();
}
