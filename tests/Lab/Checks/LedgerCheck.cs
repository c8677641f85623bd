using Npgsql;

namespace HerokuMigrator.Lab;

/// <param name="Missing">Transactions that a writer saw committed and that are not there: lost.</param>
/// <param name="Phantoms">Transactions that are there although no writer committed them, or may have.</param>
public sealed record LedgerComparison(int Checked, IReadOnlyList<LedgerEntry> Missing, IReadOnlyList<Guid> Phantoms)
{
    public bool IsComplete => Missing.Count == 0 && Phantoms.Count == 0;

    public override string ToString() => IsComplete
        ? $"all {Checked} committed transactions are there"
        : $"{Missing.Count} of {Checked} committed transactions are missing ({string.Join(", ", Missing.Take(10))}), {Phantoms.Count} that nobody committed are there";
}

/// <summary>Holds what the writers saw committed against a database.</summary>
public static class LedgerCheck
{
    public static async Task<LedgerComparison> CompareAsync(Ledger ledger, string adminConnectionString, CancellationToken cancellationToken)
    {
        var committed = ledger.Committed;
        var uncertain = ledger.Uncertain.Select(entry => entry.Id).ToHashSet();
        HashSet<Guid> stored = [];
        await using var connection = new NpgsqlConnection(adminConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT id FROM public.ledger WHERE writer >= 0", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            stored.Add(reader.GetGuid(0));
        }

        var known = committed.Select(entry => entry.Id).ToHashSet();
        return new LedgerComparison(
            committed.Count,
            [.. committed.Where(entry => !stored.Contains(entry.Id))],
            [.. stored.Where(id => !known.Contains(id) && !uncertain.Contains(id))]);
    }
}
