namespace HerokuMigrator.Readiness;

/// <summary>
/// How fast the parts of a migration are on a machine of two cores that source, target and this program share; docs/performance.md says from what.
/// bench/estimates.sh sets what they lead to against what came. Round trips and links are measured anew for each estimate and are not in them.
/// </summary>
internal static class Pace
{
    /// <summary>Tables and indexes that are worked at side by side.</summary>
    public const int SideBySide = 2;

    /// <summary>Bytes of heap and TOAST in one stream of COPY.</summary>
    public const double CopyBytesPerSecond = 50e6;

    public const double CopySecondsPerTable = 0.013;

    /// <summary>One transaction of the target for a table: its settings, a look, TRUNCATE, COPY, the checkpoint, commit.</summary>
    public const int CopyTargetRoundTrips = 8;

    public const int CopySourceRoundTrips = 2;

    /// <summary>Rows times indexes a second and stream, where a table is copied into its finished indexes.</summary>
    public const double IndexedRowsPerSecond = 180_000;

    /// <summary>Changed rows a second that are applied, by a run of Bucardo or without one.</summary>
    public const double ReplayedRowsPerSecond = 20_000;

    /// <summary>Bytes of the finished index.</summary>
    public const double BtreeBytesPerSecond = 32e6;

    /// <summary>GIN, GiST, SP-GiST, BRIN and others.</summary>
    public const double OtherIndexBytesPerSecond = 5e6;

    /// <summary>Bytes of heap that are read for each index, and for ANALYZE.</summary>
    public const double ScanBytesPerSecond = 800e6;

    /// <summary>An entry of the schema in its own transaction, and its note in the state.</summary>
    public const double EntrySeconds = 0.002;

    public const int EntryRoundTrips = 7;

    /// <summary>Rows of the referencing table.</summary>
    public const double ForeignKeyRowsPerSecond = 2e6;

    public const double AnalyzeSecondsPerTable = 0.003;

    /// <summary>ANALYZE looks at 30,000 pages at most.</summary>
    public const double AnalyzedBytes = 30_000 * 8192d;

    public const double AnalyzeBytesPerSecond = 250e6;

    /// <summary>A lock and a REVOKE.</summary>
    public const double FenceSecondsPerRelation = 0.000_3;

    /// <summary>A REVOKE of its own.</summary>
    public const double FenceSecondsPerLargeObject = 0.000_2;

    public const double CopySecondsPerLargeObject = 0.000_3;

    /// <summary>Bytes of their content, in one stream.</summary>
    public const double LargeObjectBytesPerSecond = 20e6;

    public const int FenceStatementsPerRoundTrip = 500;

    public const int FenceSourceRoundTrips = 12;

    public const int FenceTargetRoundTrips = 3;

    /// <summary>The end of the daemon, the sentinel, and the last drain where nothing but that is pending.</summary>
    public const double DrainSeconds = 0.15;

    /// <summary>It is looked at twice whether anything of it is pending: before the drain, and for the proof.</summary>
    public const double DrainSecondsPerTable = 0.000_1;

    public const int DrainTablesPerRoundTrip = 50;

    public const double DrainSecondsPerWrittenTable = 0.01;

    public const int DrainRoundTripsPerWrittenTable = 10;

    /// <summary>The counters of the target, the phase.</summary>
    public const double HandOverSeconds = 0.1;

    public const int HandOverRoundTrips = 12;

    public const int SequencesPerRoundTrip = 200;

    public const double SecondsPerSequence = 0.000_05;
}
