using System.Text;
using HerokuMigrator.Capture;

namespace HerokuMigrator.Catalog;

internal sealed record UniqueIndex(bool Primary, bool Valid, bool Immediate, bool Partial, bool OnExpression, IReadOnlyList<string> Columns);

/// <summary>
/// Decides how each table's rows reach the target: by a key that Bucardo replays rightly, or whole.
/// What Bucardo cannot carry is measured in docs/decisions; a table that falls through is still moved, only under the fence.
/// </summary>
internal static class TransferPlan
{
    /// <summary>Base types whose text form is a faithful key through Perl hashes and arrays of text.</summary>
    private static readonly HashSet<string> FaithfulTypes = new(StringComparer.Ordinal)
    {
        "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "bool", "uuid", "text", "varchar", "bpchar", "citext", "name",
        "bytea", "date", "time", "timestamp", "timestamptz", "interval", "inet", "cidr", "macaddr",
    };

    private const string NameTaken = "another table's capture objects would have the same name";

    public static IReadOnlyList<TableInfo> Assign(IReadOnlyList<TableInfo> tables, ILookup<uint, UniqueIndex> indexes)
    {
        var planned = tables.Select(table => Choose(table, [.. indexes[table.Oid]])).ToList();
        return [.. RefuseCollisions(planned)];
    }

    /// <summary>For a table that joins others late: their capture objects keep the names that they have.</summary>
    public static TableInfo Beside(TableInfo table, IReadOnlySet<string> takenDeltas) =>
        table.Mode == TransferMode.Replayed && takenDeltas.Contains(CaptureNames.For(table).Delta) ? Whole(table, NameTaken) : table;

    private static TableInfo Choose(TableInfo table, IReadOnlyList<UniqueIndex> indexes)
    {
        if (table.HasInheritors)
        {
            return Whole(table, "other tables inherit from it, and Bucardo would delete their rows with its own");
        }

        if (NameProblem(table) is { } nameProblem)
        {
            return Whole(table, nameProblem);
        }

        var reason = "it has neither a primary key nor a unique index";
        foreach (var index in indexes)
        {
            if (KeyProblem(table, index) is not { } problem)
            {
                return table with { Key = index.Columns, Mode = TransferMode.Replayed, ModeReason = "" };
            }

            reason = problem;
        }

        return Whole(table, reason);
    }

    private static TableInfo Whole(TableInfo table, string reason) => table with { Key = [], Mode = TransferMode.CopiedWhole, ModeReason = reason };

    private static string? KeyProblem(TableInfo table, UniqueIndex index)
    {
        var what = index.Primary ? "its primary key" : "its unique index on " + SqlName.List(index.Columns);
        if (!index.Valid)
        {
            return what + " is invalid";
        }

        if (!index.Immediate)
        {
            return what + " is deferrable";
        }

        if (index.Partial)
        {
            return what + " is partial";
        }

        if (index.OnExpression)
        {
            return "its unique index is on an expression";
        }

        foreach (var name in index.Columns)
        {
            var column = table.Columns.First(column => column.Name == name);
            if (!column.NotNull)
            {
                return $"{what} allows NULL in {SqlName.Quote(name)}";
            }

            if (!IsFaithful(column))
            {
                return $"{what} is of type {column.Type}, which Bucardo garbles";
            }

            if (!IsPlainName(name) || name is "txntime" or CaptureNames.CapturedAtColumn)
            {
                return $"{what} has a column name that Bucardo cannot take: {SqlName.Quote(name)}";
            }
        }

        return null;
    }

    public static bool IsFaithful(ColumnInfo column) =>
        column.BaseTypeKind == 'e'
        || (column.BaseTypeKind == 'b' && FaithfulTypes.Contains(column.BaseTypeName) && !(column.IsDomain && column.BaseTypeName == "bytea"));

    public static string? NameProblem(TableInfo table)
    {
        if (!IsPlainName(table.Schema) || !IsPlainName(table.Name))
        {
            return "its name holds characters that Bucardo cannot take";
        }

        return Encoding.UTF8.GetByteCount(CaptureNames.For(table).Delta) > 63
            ? "its name is too long for Bucardo's own tables"
            : null;
    }

    /// <summary>Bucardo builds SQL and regular expressions of names without escaping; a dot becomes an underscore, other signs break it.</summary>
    private static bool IsPlainName(string name) =>
        name.All(sign => sign > 127 ? !char.IsControl(sign) : char.IsAsciiLetterOrDigit(sign) || sign is '_' or '-' or ' ' or '.');

    private static IEnumerable<TableInfo> RefuseCollisions(List<TableInfo> tables)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            yield return table.Mode == TransferMode.Replayed && !taken.Add(CaptureNames.For(table).Delta)
                ? Whole(table, NameTaken)
                : table;
        }
    }
}
