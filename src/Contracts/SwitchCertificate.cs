namespace HerokuMigrator;

/// <summary>All that a switch did and proved: the JSON document beside its readable form. Nothing in it is secret.</summary>
public sealed record SwitchCertificate
{
    /// <summary>Of this document; it grows when a field changes its meaning.</summary>
    public int Format { get; init; } = 1;

    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>Program and version of each party: module, source, target, bucardo.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>What Invoke-TrafficSwitch returned.</summary>
    public required TrafficSwitch Switch { get; init; }

    /// <summary>The statements of the fence, in their order, in one transaction.</summary>
    public required IReadOnlyList<string> FenceStatements { get; init; }

    /// <summary>Access lists of the source before the fence and under it, as pg_class.relacl has them.</summary>
    public required IReadOnlyList<FencedPrivileges> Privileges { get; init; }

    /// <summary>What was asked of the databases, and what they answered.</summary>
    public required IReadOnlyList<SwitchProof> Proofs { get; init; }

    /// <summary>Where the source's sequences stood, and the target's were set to.</summary>
    public required IReadOnlyList<SequencePosition> Sequences { get; init; }

    /// <summary>When each table was compared before the switch, and what that came to.</summary>
    public required IReadOnlyList<TableProof> Tables { get; init; }

    /// <summary>SHA-256, in lower-case hexadecimal, of this file with this value empty.</summary>
    public string Sha256 { get; init; } = "";
}

/// <summary>A table's or sequence's access list.</summary>
/// <param name="Relation">Schema and name, quoted.</param>
/// <param name="Owner">Its owner.</param>
/// <param name="Before">Before the fence, in the order of the catalog.</param>
/// <param name="Fenced">Under it.</param>
public sealed record FencedPrivileges(string Relation, string Owner, IReadOnlyList<string> Before, IReadOnlyList<string> Fenced);

/// <summary>A question that had to be answered so before the target was handed over.</summary>
/// <param name="Question">In words.</param>
/// <param name="Query">What was asked; empty where it is more than a statement.</param>
/// <param name="Answer">What came back.</param>
public sealed record SwitchProof(string Question, string Query, string Answer);

/// <summary>Where a sequence stands.</summary>
/// <param name="Sequence">Schema and name, quoted.</param>
/// <param name="LastValue">As the sequence tells it.</param>
/// <param name="IsCalled">Whether that value was given out already.</param>
public sealed record SequencePosition(string Sequence, long LastValue, bool IsCalled);
