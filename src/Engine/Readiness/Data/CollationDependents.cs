using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class CollationDependents : IReadinessCheck
{
    /// <summary>&lt;, &lt;=, &gt; and &gt;= of text, character and name, as a stored expression names them, with the default collation.</summary>
    private const string Order = "':opno (25[5-8]|66[4-7]|105[89]|106[01]) [^{]*:inputcollid 100 '";

    /// <summary>lower, upper, initcap; ILIKE, ~* and their opposites.</summary>
    private const string Case = "'(:funcid 87[0-2] |:opno (122[6-9]|123[45]|162[5-9]|1630) )[^{]*:inputcollid 100 '";

    /// <summary>
    /// By the stored expressions, as printing them could wait for a lock. $1: the order of text differs; $2: the case of letters does.
    /// A unique index on a plain column is not among them: equal text is equal by every collation that a database may have as its default.
    /// </summary>
    private const string Sql = $"""
        SELECT 'range partitions of', n.nspname, c.relname, ''
        FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE $1 AND p.partstrat = 'r' AND 100 = ANY (p.partcollation::oid[]) AND {UserObjects.RelationFilter}
        UNION ALL
        SELECT 'unique index', n.nspname, x.relname, ''
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE (i.indisunique OR i.indisexclusion) AND {UserObjects.RelationFilter}
          AND ($2 AND (i.indexprs::text ~ {Case} OR i.indpred::text ~ {Case} OR EXISTS (
                   SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = i.indexrelid AND t.typname = 'citext'))
               OR $1 AND (i.indexprs::text ~ {Order} OR i.indpred::text ~ {Order}))
        UNION ALL
        SELECT 'check constraint', n.nspname, c.relname, k.conname
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.contype = 'c' AND {UserObjects.RelationFilter} AND ($1 AND k.conbin::text ~ {Order} OR $2 AND k.conbin::text ~ {Case})
        UNION ALL
        SELECT 'check constraint', n.nspname, t.typname, k.conname
        FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE k.contype = 'c' AND {UserObjects.SchemaFilter} AND ($1 AND k.conbin::text ~ {Order} OR $2 AND k.conbin::text ~ {Case})
        UNION ALL
        SELECT 'generated column', n.nspname, c.relname, a.attname
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> ''
        JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserObjects.RelationFilter} AND ($1 AND d.adbin::text ~ {Order} OR $2 AND d.adbin::text ~ {Case})
        ORDER BY 1, 2, 3, 4
        """;

    public string Id => nameof(CollationDependents);

    public string Group => CheckGroup.Data;

    public string Title => "Nothing of the schema rests on how text is sorted or folded";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var (from, to) = await DatabaseLocale.OnceAsync(context, cancellationToken);
        if (from.SortsLike(to))
        {
            return Finding.Pass($"Both databases sort and fold text by {from}.");
        }

        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var caseDiffers = from.Encoding != "UTF8" || to.Encoding != "UTF8" || await DatabaseLocale.CaseDiffersAsync(source, target, cancellationToken);
        var found = await source.ListAsync(
            Sql,
            row => (Kind: row.GetString(0), Relation: SqlName.Qualify(row.GetString(1), row.GetString(2)), Part: row.GetString(3)),
            cancellationToken, true, caseDiffers);
        if (found.Count == 0)
        {
            return Finding.Pass($"The source sorts by {from}, the target by {to}; no range partition, unique index, check or generated column rests on it.");
        }

        return Finding.Warning(
            $"The source sorts text by {from}, the target by {to}{(caseDiffers ? ", and lower() and upper() differ" : "")}; on that rest {FindingText.Several(found.ConvertAll(one => $"{one.Kind} {one.Relation}{(one.Part.Length > 0 ? $" ({SqlName.Quote(one.Part)})" : "")}"))}.",
            "A row may belong to another range partition there, break a check, or equal another one in a unique index; the copy, or the making of the index, then fails. Generated columns are computed anew and may differ.",
            from.CreateAnew(await CatalogQuestions.DatabaseAsync(target, cancellationToken), SqlName.Quote(to.Owner)),
            found.ConvertAll(one => one.Part.Length > 0 ? $"{one.Relation}.{SqlName.Quote(one.Part)}" : one.Relation));
    }
}
