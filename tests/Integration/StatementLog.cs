using System.Text.RegularExpressions;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>All statements that one program has sent to a server since a moment, by the server's own log.</summary>
internal sealed partial class StatementLog(PostgresServer server)
{
    /// <summary>Settings of a server whose log this can read.</summary>
    public static PostgresServerOptions ServerOptions { get; } = new()
    {
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["log_statement"] = "'all'", ["log_line_prefix"] = "'<%a> '" },
    };

    private long _from = new FileInfo(server.LogFile).Length;

    /// <summary>What has come since the last look by sessions whose application's name ends so.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(string application, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(server.LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = _from;
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(cancellationToken);
        _from = stream.Position;
        return [.. Statement().Matches(text).Where(match => match.Groups["application"].Value.EndsWith(application, StringComparison.Ordinal)).Select(match => match.Groups["sql"].Value)];
    }

    /// <summary>A statement's further lines begin with a tab.</summary>
    [GeneratedRegex(@"^<(?<application>[^>]*)> LOG:  (statement|execute [^:]+): (?<sql>.*(\n\t.*)*)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Statement();
}
