namespace HerokuMigrator.Cutover;

/// <summary>One privilege as aclexplode tells it; Grantee is empty for PUBLIC. Privilege is the word that GRANT takes.</summary>
public sealed record Grant(string Grantor, string Grantee, string Privilege, bool Grantable);

/// <summary>A table or sequence with its privileges before the fence, in the order of its access list.</summary>
public sealed record FencedRelation
{
    public required uint Oid { get; init; }

    public required string Schema { get; init; }

    public required string Name { get; init; }

    public required string Owner { get; init; }

    public required bool IsSequence { get; init; }

    public required IReadOnlyList<Grant> Grants { get; init; }

    /// <summary>The access list as the catalog had it; the default one where it had none.</summary>
    public required IReadOnlyList<string> Acl { get; init; }

    public required IReadOnlyDictionary<string, IReadOnlyList<Grant>> ColumnGrants { get; init; }

    /// <summary>Numbers of the columns that have grants of their own: a column keeps its number when it gets another name.</summary>
    public required IReadOnlyDictionary<string, short> ColumnNumbers { get; init; }
}

/// <summary>Large objects of one owner with the same access list, as it was before the fence.</summary>
/// <param name="Owner">Their owner.</param>
/// <param name="Acl">The access list as the catalog had it; the default one where it had none.</param>
/// <param name="Grants">The same, in its order.</param>
/// <param name="Oids">The objects.</param>
public sealed record FencedLargeObjects(string Owner, IReadOnlyList<string> Acl, IReadOnlyList<Grant> Grants, IReadOnlyList<long> Oids);

/// <summary>A role whose default was set to read-only, and what it was before; null: not set.</summary>
public sealed record FencedRole(string Role, string? ReadOnlyBefore);

/// <summary>All that is needed to take a fence away again: written to disk and to the state before the fence is built.</summary>
public sealed record FenceRecord
{
    public required IReadOnlyList<FencedRelation> Relations { get; init; }

    public IReadOnlyList<FencedLargeObjects> LargeObjects { get; init; } = [];

    public required IReadOnlyList<FencedRole> Roles { get; init; }

    public required string Database { get; init; }

    /// <summary>The moment that writes were held back from; null until the fence stood.</summary>
    public DateTimeOffset? FencedAt { get; init; }
}
