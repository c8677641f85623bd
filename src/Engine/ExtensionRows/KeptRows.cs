using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.ExtensionRows;

/// <summary>
/// Tables of extensions on the target that held rows of users before this migration made or filled any: nobody said that these may go.
/// Looked at once, when the migration is planned; from then on such rows may be copies of the source's.
/// </summary>
internal static class KeptRows
{
    /// <summary>By the state where there is one, else by what the target has now.</summary>
    public static async Task<IReadOnlySet<string>> ReadAsync(NpgsqlConnection target, IReadOnlyList<ExtensionRelation> relations, CancellationToken cancellationToken)
    {
        if (relations.Count == 0)
        {
            return new HashSet<string>();
        }

        var names = await target.ScalarAsync<bool>("SELECT to_regclass('heroku_migrator.extension_table_kept') IS NOT NULL", cancellationToken)
            ? await target.ListAsync("SELECT name FROM heroku_migrator.extension_table_kept", row => row.GetString(0), cancellationToken)
            : await FilledAsync(target, [.. relations.Where(relation => !relation.IsSequence)], cancellationToken);
        return names.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>To be called before the target's schema is made; a later call of the same migration must come before that too.</summary>
    public static async Task NoteAsync(NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var relations = await ExtensionRelation.ReadAsync(target, cancellationToken);
        List<string> filled;
        try
        {
            filled = await FilledAsync(target, [.. relations.Where(relation => !relation.IsSequence)], cancellationToken);
        }
        catch (PostgresException)
        {
            // What cannot be looked at cannot be said to be empty.
            filled = relations.ConvertAll(relation => relation.QualifiedName);
        }

        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync("DROP TABLE IF EXISTS heroku_migrator.extension_table_kept; CREATE TABLE heroku_migrator.extension_table_kept (name text PRIMARY KEY)", cancellationToken);
        await target.ExecuteAsync("INSERT INTO heroku_migrator.extension_table_kept SELECT * FROM unnest($1::text[])", cancellationToken, [filled.ToArray()]);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Those of them that hold rows of users, as far as the role may see; in one way there and back.</summary>
    public static async Task<List<string>> FilledAsync(NpgsqlConnection connection, IReadOnlyList<ExtensionRelation> relations, CancellationToken cancellationToken)
    {
        var seen = relations.Where(relation => relation is { Readable: true, HidesRows: false }).ToList();
        var questions = seen.Select((relation, at) => $"SELECT {at} WHERE EXISTS (SELECT FROM {relation.UserRows})");
        return seen.Count == 0 ? [] : await connection.ListAsync(string.Join(" UNION ALL ", questions), row => seen[row.GetInt32(0)].QualifiedName, cancellationToken);
    }
}
