namespace HerokuMigrator.Schema;

/// <summary>When an entry of the schema is made on the target.</summary>
public enum SchemaStage
{
    /// <summary>Before any row: types, functions, tables, views.</summary>
    BeforeData,

    /// <summary>Right after the copy: the keys that changes are applied by, and every other uniqueness.</summary>
    Keys,

    /// <summary>Once both sides are one snapshot: other indexes, foreign keys, triggers, rules, policies.</summary>
    AfterDrain,

    /// <summary>Under the fence, after the last copy: what would fire at, hide from, or contradict the replication.</summary>
    UnderFence,
}

/// <summary>One object of the dumped schema.</summary>
/// <param name="Sequence">Position in pg_restore's own order of dependencies.</param>
/// <param name="Kind">pg_dump's word for it: TABLE, INDEX, FK CONSTRAINT …</param>
/// <param name="UndoSql">What takes an entry of <see cref="SchemaStage.UnderFence"/> back, so that replication can go on after an undo; null where it does no harm.</param>
public sealed record SchemaEntry(int Sequence, SchemaStage Stage, string Kind, string Name, string Sql, string? UndoSql = null)
{
    public override string ToString() => $"{Kind} {Name}";
}
