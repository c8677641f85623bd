using System.Globalization;
using System.Numerics;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Verification;

/// <summary>A part of a table that is read by one aggregate a side.</summary>
/// <param name="From">The first value of the first key column that belongs to it, as text; null: no bound.</param>
/// <param name="To">The first one that does not.</param>
internal sealed record ComparedChunk(int Number, string? From, string? To, long Bytes)
{
    public bool IsWholeTable => From is null && To is null;
}

/// <summary>A table with the parts that it is compared in.</summary>
/// <param name="Selected">Numbers of those that are looked at; the others are left out by a sample.</param>
internal sealed record ComparedTable(TableInfo Table, long Bytes, IReadOnlyList<ComparedChunk> Chunks, IReadOnlySet<int> Selected);

/// <summary>Rows, and the sum of their hashes: the same for the same rows in whatever order and parts.</summary>
internal readonly record struct RowSum(long Rows, BigInteger Hash)
{
    public static RowSum Of(long rows, string hash) => new(rows, BigInteger.Parse(hash, CultureInfo.InvariantCulture));

    public static RowSum operator +(RowSum left, RowSum right) => new(left.Rows + right.Rows, left.Hash + right.Hash);
}

/// <summary>A row by its key, each column as text; compared by those texts.</summary>
internal sealed record RowKey(IReadOnlyList<string> Values)
{
    // Text of the server's cannot hold it.
    private string Joined => string.Join('\0', Values);

    public bool Equals(RowKey? other) => other is not null && Joined == other.Joined;

    public override int GetHashCode() => string.GetHashCode(Joined, StringComparison.Ordinal);
}

/// <summary>A row that differs and has nothing pending.</summary>
internal sealed record ConfirmedRow(RowKey Key, DifferenceKind Kind);
