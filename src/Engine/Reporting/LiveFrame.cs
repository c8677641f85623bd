using System.Globalization;

namespace HerokuMigrator.Reporting;

/// <summary>One frame of a live view, as lines. Where there are more than the screen has, those that matter least are left out.</summary>
internal sealed class LiveFrame(LiveStatus live, LiveHistory history, ReportStyle style, bool unicode)
{
    private const int Narrowest = 40;
    private const int LabelCells = 10;
    private const int WidestBar = 40;
    private const int WidestSparkline = 60;

    /// <summary>Beside a sparkline, for what its highest value was.</summary>
    private const int MostCells = 22;

    private const int MostTables = 12;

    // What is left out first has the highest rank.
    private const int Essential = 0;
    private const int Useful = 1;
    private const int Spare = 2;
    private const int Blank = 3;
    private const int FirstTable = 4;

    private readonly TextGraphs _graphs = new(unicode);
    private readonly List<(int Rank, string Text)> _lines = [];

    /// <summary>The last cell stays free: some terminals wrap when it is written.</summary>
    private readonly int _width = Math.Max(Narrowest, style.Width) - 1;

    private SyncStatus Status => live.Status;

    /// <param name="height">Lines at most.</param>
    public IReadOnlyList<string> Lines(int height)
    {
        Heading();
        Copy();
        Replication();
        Problems();
        Switch();
        Footer();
        while (_lines.Count > Math.Max(1, height))
        {
            _lines.RemoveAt(_lines.FindLastIndex(line => line.Rank == _lines.Max(one => one.Rank)));
        }

        return [.. _lines.Select(line => unicode ? line.Text : line.Text.Replace('…', '~'))];
    }

    private void Heading()
    {
        var time = Status.SampledAt.UtcDateTime.ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
        var title = TextWrap.Pad($"{Status.Name}: {Status.Phase}, {Status.Health}", _width - time.Length - 1).TrimEnd();
        var health = title.EndsWith(Status.Health.ToString(), StringComparison.Ordinal) ? title[..^Status.Health.ToString().Length] + style.Paint(Colour(Status.Health), Status.Health.ToString()) : title;
        Add(Essential, health + new string(' ', Math.Max(1, _width - TextWrap.Cells(title) - time.Length)) + time);
        Plain(Spare, $"{Status.Source} -> {Status.Target}");
        Stages();
        Add(Blank, "");
    }

    private static CheckStatus Colour(SyncHealth health) => health switch
    {
        SyncHealth.Broken => CheckStatus.Blocked,
        SyncHealth.Degraded => CheckStatus.Warning,
        SyncHealth.Healthy => CheckStatus.Pass,
        _ => CheckStatus.Note,
    };

    /// <summary>The way from the start to the end; not where a migration has left it.</summary>
    private void Stages()
    {
        (string Name, MigrationPhase First, MigrationPhase Last)[] stages =
        [
            ("Prepare", MigrationPhase.Preparing, MigrationPhase.Preparing), ("Copy", MigrationPhase.Copying, MigrationPhase.Copying),
            ("Catch up", MigrationPhase.CatchingUp, MigrationPhase.CatchingUp), ("Replicate", MigrationPhase.Replicating, MigrationPhase.Replicating),
            ("Switch", MigrationPhase.Switching, MigrationPhase.Switched), ("Complete", MigrationPhase.Completing, MigrationPhase.Completing),
        ];
        if (Status.Phase > MigrationPhase.Completed)
        {
            return;
        }

        var texts = stages.Select(stage => Status.Phase > stage.Last ? style.Paint(CheckStatus.Pass, $"{_graphs.Done} {stage.Name}")
            : Status.Phase < stage.First ? $"{_graphs.Later} {stage.Name}" : style.Strong($"{_graphs.Now} {stage.Name}"));
        if (stages.Sum(stage => stage.Name.Length + 4) - 2 <= _width)
        {
            Add(Useful, string.Join("  ", texts));
        }
    }

    private void Copy()
    {
        if (Status.Copy is not { } copy)
        {
            if (Status.Tables > 0)
            {
                Label(Useful, "Copied", Invariant($"{Status.TablesCopied:#,0} of {Status.Tables:#,0} tables, {Status.RowsCopied:#,0} rows"));
            }

            return;
        }

        if (copy.IsCopying)
        {
            var left = copy.SecondsLeft is { } seconds ? $", {DurationText.Of(seconds)} left" : "";
            Bar(Essential, "Copy", copy.Percent, $"{SizeText.Of(copy.BytesDone)} of {SizeText.Of(copy.BytesTotal)}{left}");
            Graph(Useful, "Rate", Invariant($"{copy.MBPerSecond:0.0} MB/s, {copy.RowsPerSecond:#,0} rows/s"), history.Rate, most => Invariant($"{most:0.0} MB/s"));
            Label(Useful, "Tables", Invariant($"{Status.TablesCopied:#,0} of {Status.Tables:#,0} copied, {copy.RowsDone:#,0} of about {copy.RowsTotal:#,0} rows"));
            Tables();
        }

        if (copy.StepsTotal > 0)
        {
            var building = string.Join(", ", copy.Running.Where(item => item.Percent is null).Select(item => item.Name).Take(2));
            Bar(Useful, "Indexes", 100.0 * copy.StepsDone / copy.StepsTotal, Invariant($"{copy.StepsDone:#,0} of {copy.StepsTotal:#,0}") + (building.Length > 0 ? $"; {building}" : ""));
        }

        if (copy.Throttle is { } throttle)
        {
            Wrapped(Useful, "Slowed", throttle, text => style.Paint(CheckStatus.Warning, text));
        }
    }

    private void Tables()
    {
        var shown = live.Tables.Take(MostTables).ToList();
        if (shown.Count == 0)
        {
            return;
        }

        var name = Math.Min(shown.Max(table => TextWrap.Cells(TextWrap.Visible(table.Name))), _width / 2);
        foreach (var (table, at) in shown.Select((table, at) => (table, at)))
        {
            var text = $"  {TextWrap.Pad(TextWrap.Visible(table.Name), name)} ";
            var state = table.Percent switch { null => "?", >= 100 => "copied", 0 when !table.IsRunning => "waits", { } percent => Invariant($"{Math.Floor(percent):0} %") };
            var figures = $" {state,6}  {SizeText.Of(table.Bytes),7}";
            Add(FirstTable + at, text + _graphs.Bar(table.Percent ?? 0, Math.Clamp(_width - TextWrap.Cells(text) - figures.Length, 5, WidestBar)) + figures);
        }
    }

    private void Replication()
    {
        if (Status.Backlog is { } backlog)
        {
            Graph(Essential, "Backlog", Invariant($"{backlog:#,0} {(backlog == 1 ? "change" : "changes")}"), history.Backlog, most => Invariant($"{most:#,0}"));
        }

        if (Status.LagSeconds is { } lag)
        {
            Graph(Essential, "Lag", DurationText.Of(lag), history.Lag, DurationText.Of);
        }

        if (Status.Proofs.Count > 0)
        {
            Label(Spare, "Compared", Invariant($"{Status.Proofs.Count:#,0} tables, {Status.Proofs.Count(proof => proof.ProvenAt is not null):#,0} shown to be equal"));
        }
    }

    private void Problems()
    {
        foreach (var problem in Status.Problems)
        {
            Wrapped(Useful, "Problem", problem, text => style.Paint(CheckStatus.Warning, text));
        }
    }

    /// <summary>Whether a switch is possible, and what is in its way, as far as the problems have not said so.</summary>
    private void Switch()
    {
        if (Status.Phase is MigrationPhase.NotStarted or MigrationPhase.Switched or MigrationPhase.Completing or MigrationPhase.Completed or MigrationPhase.Aborted)
        {
            return;
        }

        Add(Essential, LabelOf("Switch") + (Status.SwitchReadiness switch
        {
            SwitchReadiness.Ready => style.Paint(CheckStatus.Pass, "ready"),
            SwitchReadiness.Warning => style.Paint(CheckStatus.Warning, "possible; look at this before"),
            _ => "not possible now",
        }));
        foreach (var reason in Status.ReasonsBesideProblems().Where(reason => reason.Status >= CheckStatus.Warning))
        {
            Wrapped(Useful, "", $"{reason.Finding} {reason.Remedy}", text => text);
        }
    }

    private void Footer()
    {
        Add(Blank, "");
        Plain(Spare, "Ctrl-C ends this view; the migration goes on.");
    }

    private void Bar(int rank, string label, double percent, string text)
    {
        var figures = Invariant($" {Math.Floor(percent),3:0} %  ");
        var room = _width - LabelCells - figures.Length;
        var cells = Math.Clamp(room - TextWrap.Cells(text), 5, WidestBar);
        Add(rank, LabelOf(label) + _graphs.Bar(percent, cells) + figures + TextWrap.Fit(TextWrap.Visible(text), room - cells));
    }

    private void Graph(int rank, string label, string text, IReadOnlyList<double> values, Func<double, string> say)
    {
        var figures = TextWrap.Pad(text, Math.Max(24, TextWrap.Cells(text) + 1));
        var shown = values.TakeLast(Math.Clamp(_width - LabelCells - TextWrap.Cells(figures) - MostCells, 0, WidestSparkline)).ToList();
        Add(rank, TextWrap.Cells(figures) + LabelCells > _width || shown.Count < 2
            ? LabelOf(label) + TextWrap.Fit(text, _width - LabelCells)
            : $"{LabelOf(label)}{figures}{_graphs.Sparkline(shown)} up to {say(shown.Max())}");
    }

    private void Label(int rank, string label, string text) => Add(rank, LabelOf(label) + TextWrap.Fit(text, _width - LabelCells));

    private void Wrapped(int rank, string label, string text, Func<string, string> paint)
    {
        var lines = TextWrap.Lines(TextWrap.Visible(text).ReplaceLineEndings(" "), _width - LabelCells);
        foreach (var (line, at) in lines.Select((line, at) => (line, at)))
        {
            Add(at == 0 ? rank : Spare, (at == 0 ? LabelOf(label) : new string(' ', LabelCells)) + paint(line));
        }
    }

    private void Plain(int rank, string text) => Add(rank, TextWrap.Fit(TextWrap.Visible(text), _width));

    private string LabelOf(string label) => style.Strong(label) + new string(' ', LabelCells - label.Length);

    private void Add(int rank, string text) => _lines.Add((rank, text));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
