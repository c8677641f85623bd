using System.Globalization;
using System.Text.RegularExpressions;
using HerokuMigrator.State;

namespace HerokuMigrator.Logs;

/// <summary>
/// The log of the migration's own Bucardo: lines such as <c>NORMAL (4711) [2026-03-04T05:06:07.123 Z] KID (…) Delta count …</c>, which may go on in lines without that head.
/// Its levels tell little (most of what it says has the first, WARN), so faults and warnings are told by their words.
/// </summary>
internal sealed partial class BucardoLog(MigrationHome home)
{
    /// <summary>What stays of it on this machine once the migration has ended.</summary>
    private const long KeptBytes = 5_000_000;

    private readonly LineTail _lines = new(home.BucardoLogFile);
    private bool _begun;
    private DateTimeOffset _time;

    public IEnumerable<MigrationLogEntry> ReadNew()
    {
        // Once: at the end of the migration it is made of the lines that were read already.
        var kept = _begun ? [] : new LineTail(home.KeptBucardoLogFile).Read();
        _begun = true;
        return Parse(kept.Concat(_lines.Read()));
    }

    public IEnumerable<MigrationLogEntry> Parse(IEnumerable<string> lines)
    {
        MigrationLogEntry? open = null;
        foreach (var line in lines)
        {
            if (Head().Match(line) is not { Success: true } head)
            {
                open = open is null ? null : open with { Message = $"{open.Message}\n{line.TrimEnd()}" };
                continue;
            }

            if (open is not null)
            {
                yield return open;
            }

            open = Entry(head);
        }

        if (open is not null)
        {
            yield return open;
        }
    }

    /// <summary>To be called before the embedded Bucardo is removed: its last lines are moved to where they stay.</summary>
    public static void Keep(MigrationHome home)
    {
        try
        {
            using var log = new FileStream(home.BucardoLogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var kept = new FileStream(home.KeptBucardoLogFile, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            log.Seek(-Math.Min(log.Length, KeptBytes), SeekOrigin.End);
            log.CopyTo(kept);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The end of a migration does not depend on it.
        }
    }

    private MigrationLogEntry Entry(Match head)
    {
        var message = head.Groups["message"].Value.TrimEnd();
        // Its milliseconds are not to be relied on (it cuts microseconds without their leading zeros), the order of its lines is.
        if (DateTimeOffset.TryParse(head.Groups["time"].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time > _time)
        {
            _time = time;
        }

        return new MigrationLogEntry
        {
            Time = _time,
            Level = LevelOf(head.Groups["level"].Value, message),
            Source = MigrationLogSource.Bucardo,
            Table = TableOf(message),
            Message = message,
        };
    }

    private static MigrationLogLevel LevelOf(string level, string message) => level switch
    {
        // It warns of that, too; but it was told to end.
        _ when message.Contains("Found stopfile", StringComparison.Ordinal) => MigrationLogLevel.Verbose,
        _ when Fault().IsMatch(message) => MigrationLogLevel.Error,
        _ when message.Contains("warning", StringComparison.OrdinalIgnoreCase) => MigrationLogLevel.Warning,
        "WARN" or "TERSE" or "NORMAL" => MigrationLogLevel.Verbose,
        _ => MigrationLogLevel.Debug,
    };

    private static string? TableOf(string message) => Table().Match(message) is { Success: true } match
        ? Catalog.SqlName.Qualify(match.Groups["schema"].Value, match.Groups["table"].Value)
        : null;

    [GeneratedRegex("""^(?<level>WARN|TERSE|NORMAL|VERBOSE|DEBUG) (\(\d+\) )?\[(?<time>[^\]]+?) ?Z\] (#\d+ )?(?<message>.*)$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Head();

    [GeneratedRegex("""\b(error|exception|failed|fatal|could not|unable to)\b""", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fault();

    /// <summary>Names stand there unquoted, so that one with a dot or a blank in it cannot be told.</summary>
    [GeneratedRegex("""\b(?:for|from|to|on|table) (?:(?:source|target)\.)?(?<schema>[^\s."']+)\.(?<table>[^\s.:"']+)(?=\s*:|\s*$|\s)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Table();
}
