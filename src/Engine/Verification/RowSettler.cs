using System.Diagnostics;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>What became of rows that were not the same at first.</summary>
/// <param name="Confirmed">They differ.</param>
/// <param name="Unsettled">They were changed, or waited to be replayed, each time that they were looked at.</param>
internal sealed record Settlement(IReadOnlyList<ConfirmedRow> Confirmed, IReadOnlyList<RowKey> Unsettled);

/// <summary>
/// Tells a lag from a difference. A run of the replay commits on the target before it marks what it has carried on the source. So where one snapshot of the source shows
/// a row and no change of its key without a mark, all that had been done to the row until then is on the target by the time that the target is asked next;
/// where another look at the source afterwards shows the same version of the row (xmin and ctid), nothing was done to it in between. Then the target has to show that row.
/// </summary>
internal sealed class RowSettler(ComparisonSide source, ComparisonSide target, ComparisonSql sql, TimeSpan patience)
{
    private const int KeysAStatement = 500;

    /// <summary>How often a row has to be found so before it counts.</summary>
    private const int Confirmations = 3;

    /// <summary>For one that is changed all the time: the target is behind, but shows what the source had a moment ago.</summary>
    private const int VersionsRemembered = 100;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private sealed class Suspect(RowKey key)
    {
        public RowKey Key => key;

        public HashSet<long?> Seen { get; } = [];

        public int Confirmed { get; set; }

        public DifferenceKind Kind { get; set; }
    }

    private readonly record struct Look(bool Pending, string? Version, long? Hash);

    public async Task<Settlement> SettleAsync(IReadOnlyList<RowKey> keys, CancellationToken cancellationToken)
    {
        var open = keys.Distinct().Select(key => new Suspect(key)).ToList();
        var confirmed = new List<ConfirmedRow>();
        var sinceProgress = Stopwatch.StartNew();
        var pause = ShortestPause;
        for (var round = 1; open.Count > 0 && (round <= Confirmations || sinceProgress.Elapsed < patience); round++)
        {
            if (round > 1)
            {
                await Task.Delay(pause, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            var still = new List<Suspect>();
            foreach (var batch in open.Chunk(KeysAStatement))
            {
                still.AddRange(await LookAsync(batch, cancellationToken));
            }

            confirmed.AddRange(still.Where(IsConfirmed).Select(suspect => new ConfirmedRow(suspect.Key, suspect.Kind)));
            still.RemoveAll(IsConfirmed);
            if (still.Count < open.Count)
            {
                sinceProgress.Restart();
            }

            open = still;
        }

        return new Settlement(confirmed, [.. open.Select(suspect => suspect.Key)]);

        static bool IsConfirmed(Suspect suspect) => suspect.Confirmed >= Confirmations;
    }

    /// <summary>Returns those that are not known to be equal.</summary>
    private async Task<IEnumerable<Suspect>> LookAsync(Suspect[] suspects, CancellationToken cancellationToken)
    {
        var parameters = ComparisonSql.Parameters([.. suspects.Select(suspect => suspect.Key)]);
        var before = await AskAsync(source, sql.LookAtSource, parameters, cancellationToken);
        var there = await AskAsync(target, sql.LookAtTarget, parameters, cancellationToken);
        Remember(suspects, before);
        var unequal = Enumerable.Range(0, suspects.Length).Where(at => !suspects[at].Seen.Contains(there[at].Hash)).ToList();
        if (unequal.Count == 0)
        {
            return [];
        }

        var after = await AskAsync(source, sql.LookAtSource, parameters, cancellationToken);
        Remember(suspects, after);
        foreach (var at in unequal)
        {
            var holds = !before[at].Pending && !after[at].Pending && before[at].Version == after[at].Version;
            suspects[at].Confirmed += holds ? 1 : 0;
            suspects[at].Kind = before[at].Hash is null ? DifferenceKind.Extra : there[at].Hash is null ? DifferenceKind.Missing : DifferenceKind.Changed;
        }

        return unequal.Where(at => !suspects[at].Seen.Contains(there[at].Hash)).Select(at => suspects[at]);
    }

    private static void Remember(Suspect[] suspects, Look[] looks)
    {
        for (var at = 0; at < suspects.Length; at++)
        {
            if (suspects[at].Seen.Count < VersionsRemembered)
            {
                suspects[at].Seen.Add(looks[at].Hash);
            }
        }
    }

    private static async Task<Look[]> AskAsync(ComparisonSide side, string statement, object[] parameters, CancellationToken cancellationToken)
    {
        var looks = new Look[((int[])parameters[0]).Length];
        foreach (var (number, look) in await side.QueryAsync(statement, Read, byKey: true, cancellationToken, parameters))
        {
            looks[number] = look;
        }

        return looks;

        static (int Number, Look Look) Read(NpgsqlDataReader row) =>
            (row.GetInt32(0), new Look(row.GetBoolean(1), row.IsDBNull(2) ? null : row.GetString(2), row.IsDBNull(3) ? null : row.GetInt64(3)));
    }
}
