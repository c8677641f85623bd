using System.CommandLine;

namespace HerokuMigrator.Cli;

/// <summary>The verb <c>verify</c>.</summary>
internal sealed class VerifyVerb
{
    private readonly Option<string[]> _table = new("--table")
    {
        Description = "compare only tables of these names, schema.table in the case that they have; * and ? are wildcards; each with an option of its own",
        HelpName = "names",
    };

    private readonly Option<double> _sample = new("--sample") { Description = "compare so many percent of the chunks, chosen at random", DefaultValueFactory = _ => new ComparisonOptions().SamplePercent, HelpName = "percent" };
    private readonly Option<int> _jobs = new("--jobs") { Description = "statements at a time on each side", DefaultValueFactory = _ => new ComparisonOptions().Jobs };
    private readonly Option<bool> _repair = new("--repair") { Description = "have rows that differ replayed once more from the source, and compare them again" };
    private readonly Option<bool> _resume = new("--resume") { Description = "go on with the last comparison where it was interrupted less than an hour ago" };
    private readonly Option<bool> _objects = new("--objects") { Description = "compare what is not rows: columns, indexes, constraints, sequences, views, functions, triggers and the like" };

    public static Command Build(VerbFactory verbs)
    {
        var verb = new VerifyVerb();
        var command = verbs.Changing(
            "verify", "compare the content of both sides; exit code 1 where a table is not shown to be equal",
            verb.RunAsync, Show,
            (migrator, parsed, token) => migrator.DescribeComparisonAsync(verb.Read(parsed), token), parsed => verb.Read(parsed).Validate(),
            result => IsGood(result) ? ExitCode.Done : ExitCode.Failed);
        foreach (Option option in (Option[])[verb._table, verb._sample, verb._jobs, verb._repair, verb._resume, verb._objects])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private static bool IsGood(object result) => result switch
    {
        IReadOnlyList<DataComparison> tables => tables.All(table => table.IsGood),
        IReadOnlyList<ObjectComparison> kinds => kinds.All(kind => kind.Outcome == ComparisonOutcome.Equal),
        _ => false,
    };

    private static void Show(object result, TextWriter output, Paint paint)
    {
        if (result is IReadOnlyList<DataComparison> tables)
        {
            ResultText.Write(tables, output, paint);
        }
        else if (result is IReadOnlyList<ObjectComparison> kinds)
        {
            ResultText.Write(kinds, output, paint);
        }
    }

    private async Task<object> RunAsync(Migrator migrator, ParseResult parsed, CancellationToken cancellationToken) => parsed.GetValue(_objects)
        ? await migrator.CompareObjectsAsync(cancellationToken)
        : await migrator.CompareAsync(Read(parsed), cancellationToken);

    private ComparisonOptions Read(ParseResult parsed) => new()
    {
        Tables = parsed.GetValue(_table) ?? [],
        SamplePercent = parsed.GetValue(_sample),
        Jobs = parsed.GetValue(_jobs),
        Repair = parsed.GetValue(_repair),
        Resume = parsed.GetValue(_resume),
    };
}
