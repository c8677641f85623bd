namespace HerokuMigrator.Lab;

/// <summary>How one schema of the corpus fared.</summary>
public sealed record CorpusResult
{
    public required CorpusSchema Schema { get; init; }

    /// <summary>Relations with rows of their own.</summary>
    public int Tables { get; init; }

    public long Rows { get; init; }

    /// <summary>The readiness report before anything was done; null where it could not be made.</summary>
    public ReadinessReport? Report { get; init; }

    /// <summary>The report after the remedies, where the first one blocked; else null.</summary>
    public ReadinessReport? ReportAfterRemedies { get; init; }

    /// <summary>SQL of the report's remedies that was run before the start, as something blocked.</summary>
    public IReadOnlyList<string> Remedies { get; init; } = [];

    /// <summary>For each check that blocked: what a restore of pg_dump's schema met there; empty where that met nothing, and the check was wrong.</summary>
    public IReadOnlyList<string> DumpErrors { get; init; } = [];

    /// <summary>Statements of the writers that were committed while the database moved.</summary>
    public long Statements { get; init; }

    public int TablesWritten { get; init; }

    /// <summary>The same by what they did: insert, update, key, delete.</summary>
    public IReadOnlyDictionary<string, long> Kinds { get; init; } = new Dictionary<string, long>();

    /// <summary>Of the tables that were written, those without any unique index.</summary>
    public int KeylessWritten { get; init; }

    /// <summary>Of the tables that were written, partitioned ones and their partitions.</summary>
    public int PartitionsWritten { get; init; }

    /// <summary>Tables that the engine has no key for.</summary>
    public int CopiedWhole { get; init; }

    /// <summary>Tables that it copied under the fence.</summary>
    public int CopiedUnderFence { get; init; }

    public double? WritePauseMs { get; init; }

    /// <summary>True where the move came to its end and the two sides are the same.</summary>
    public bool IsEqual { get; init; }

    /// <summary>Warnings, errors and differences that the move met.</summary>
    public IReadOnlyList<Encounter> Met { get; init; } = [];

    public TimeSpan Duration { get; init; }

    /// <summary>What of the lab's own doing is worth a word: errors of the loading, tables that stayed empty.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    public IEnumerable<Encounter> Surprises => Met.Where(encounter => !new[] { Report, ReportAfterRemedies }.Any(report => report is not null && encounter.IsForetoldBy(report)));

    public override string ToString() =>
        $"{Schema}: {(IsEqual ? "equal" : "NOT EQUAL")}, {Tables} tables, {Rows} rows, {Statements} statements in {TablesWritten} tables, pause {WritePauseMs:0} ms, verdict {Report?.Verdict}, met {Met.Count}, surprises {Surprises.Count()}, {Duration.TotalSeconds:0} s";
}
