namespace HerokuMigrator.Catalog;

public sealed record ColumnInfo(
    string Name,
    string Type,
    bool NotNull,
    bool Generated,
    string BaseTypeName,
    char BaseTypeKind,
    bool IsDomain);

/// <summary>How a table's rows reach the target.</summary>
public enum TransferMode
{
    /// <summary>Copied once; changes are captured by key and replayed by Bucardo.</summary>
    Replayed,

    /// <summary>Copied at the start, and again under the fence unless it is certain that nobody has written it: its changes cannot be replayed.</summary>
    CopiedWhole,

    /// <summary>Not at all: made on the target, and left empty, as the start was told.</summary>
    LeftOut,
}

/// <summary>A table that holds rows: a plain one, or a leaf of a partitioned one. Partitioned parents hold none and are not listed.</summary>
public sealed record TableInfo
{
    public required uint Oid { get; init; }

    public required string Schema { get; init; }

    public required string Name { get; init; }

    public required string Owner { get; init; }

    /// <summary>True where the connected role has the owner's rights.</summary>
    public required bool Owned { get; init; }

    public bool IsLeaf { get; init; }

    /// <summary>True for a plain table that others inherit from.</summary>
    public bool HasInheritors { get; init; }

    public bool ForcesRowSecurity { get; init; }

    /// <summary>True where a foreign key of another table points here: TRUNCATE needs CASCADE then.</summary>
    public bool ReferencedByOthers { get; init; }

    /// <summary>The planner's estimate; -1 where the table was never analysed.</summary>
    public double RowsEstimate { get; init; }

    /// <summary>Heap and TOAST, without indexes.</summary>
    public long Bytes { get; init; }

    public required IReadOnlyList<ColumnInfo> Columns { get; init; }

    /// <summary>Columns of the key by which changes are replayed; empty where there is none.</summary>
    public IReadOnlyList<string> Key { get; init; } = [];

    public TransferMode Mode { get; init; } = TransferMode.Replayed;

    /// <summary>Why the table is copied whole, or left out; empty for replayed ones.</summary>
    public string ModeReason { get; init; } = "";

    public string QualifiedName => SqlName.Qualify(Schema, Name);

    /// <summary>Generated columns are left to the target.</summary>
    public IEnumerable<ColumnInfo> CopiedColumns => Columns.Where(column => !column.Generated);

    public override string ToString() => QualifiedName;
}

public sealed record SequenceInfo(uint Oid, string Schema, string Name, bool Owned)
{
    public string QualifiedName => SqlName.Qualify(Schema, Name);
}

public sealed record MaterializedViewInfo(uint Oid, string Schema, string Name, bool Populated)
{
    public string QualifiedName => SqlName.Qualify(Schema, Name);
}

/// <summary>All that a migration moves, as the source's catalog tells it at one moment.</summary>
public sealed record SourceCatalog(
    IReadOnlyList<TableInfo> Tables,
    IReadOnlyList<string> PartitionedTables,
    IReadOnlyList<SequenceInfo> Sequences,
    IReadOnlyList<MaterializedViewInfo> MaterializedViews,
    IReadOnlyList<string> Schemas);
