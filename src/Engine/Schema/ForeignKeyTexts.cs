namespace HerokuMigrator.Schema;

/// <summary>Foreign keys as the beginning of their entry names them: table and constraint. Looked up, as each of many keys may be asked for.</summary>
internal sealed class ForeignKeyTexts(IEnumerable<string> texts)
{
    /// <summary>What every one of these texts ends with.</summary>
    public const string End = " FOREIGN KEY ";

    private const string Begin = "ALTER TABLE ";
    private const string Only = "ONLY ";

    private readonly HashSet<string> _texts = texts.ToHashSet(StringComparer.Ordinal);

    public bool Name(string sql)
    {
        if (_texts.Count == 0 || sql.IndexOf(Begin, StringComparison.Ordinal) is not (>= 0 and var begin))
        {
            return false;
        }

        var from = begin + Begin.Length;
        from += sql.AsSpan(from).StartsWith(Only, StringComparison.Ordinal) ? Only.Length : 0;
        // A name in quotes may hold these words too.
        for (var at = sql.IndexOf(End, from, StringComparison.Ordinal); at >= 0; at = sql.IndexOf(End, at + 1, StringComparison.Ordinal))
        {
            if (_texts.Contains(sql[from..(at + End.Length)]))
            {
                return true;
            }
        }

        return false;
    }
}
