using System.Text.RegularExpressions;
using HerokuMigrator.Reporting;
using Xunit;

namespace HerokuMigrator.Unit.Reporting;

public sealed partial class LiveViewSpecs
{
    private static readonly ReportStyle Plain = new() { PassedAt = "", InventoryAt = "" };
    private static readonly ReportStyle Coloured = Plain with { Red = "\e[31m", Yellow = "\e[33m", Green = "\e[32m", Bold = "\e[1m", Reset = "\e[0m" };

    [Theory]
    [InlineData(80, 24)]
    [InlineData(150, 50)]
    [InlineData(40, 12)]
    [InlineData(80, 6)]
    [InlineData(80, 2)]
    [InlineData(20, 3)]
    public void A_frame_fits_the_screen(int width, int height)
    {
        var lines = Lines(Draw(new LiveView(Coloured, unicode: true), Copying(), width, height));
        Assert.InRange(lines.Count, 1, height - 1);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, Math.Max(39, width - 1)));
        Assert.StartsWith("shop: Copying", lines[0]);
    }

    [Fact]
    public void A_copy_shows_its_tables_with_bars_and_what_is_left()
    {
        var text = string.Join('\n', Lines(Draw(new LiveView(Plain, unicode: true), Copying(), 100, 40)));
        Assert.Matches(@"Copy +█+░+  48 %  1\.2 GB of 2\.5 GB, 32 s left", text);
        Assert.Matches(@"public\.events +█+░+   52 % +1\.0 GB", text);
        Assert.Matches(@"public\.small +█+ copied +20 MB", text);
        Assert.Matches(@"public\.waiting +░+ +waits", text);
        Assert.Contains("✓ Prepare  ▶ Copy  · Catch up", text);
        Assert.Matches("Switch +not possible now\n +It is copying[.] Wait for it[.]", text);
    }

    [Fact]
    public void Where_lines_are_few_tables_go_first_and_the_copy_stays()
    {
        var text = string.Join('\n', Lines(Draw(new LiveView(Plain, unicode: true), Copying(), 100, 7)));
        Assert.DoesNotContain("public.small", text);
        Assert.Contains("48 %", text);
        Assert.Contains("Switch", text);
    }

    [Fact]
    public void Replication_shows_backlog_and_lag_with_their_course_and_the_problems()
    {
        var view = new LiveView(Plain, unicode: true);
        view.Draw(Replicating(1000, 8), 100, 30);
        view.Draw(Replicating(0, 0), 100, 30);
        var text = string.Join('\n', Lines(Draw(view, Replicating(500, 4, "A partition has changed."), 100, 30)));
        Assert.Matches(@"Backlog +500 changes +█▁[▄▅] up to 1,000", text);
        Assert.Matches(@"Lag +4\.0 s +█▁[▄▅] up to 8\.0 s", text);
        Assert.Contains("Problem   A partition has changed.", text);
    }

    [Fact]
    public void Without_unicode_it_is_ascii()
    {
        var view = new LiveView(Plain, unicode: false);
        view.Draw(Replicating(1000, 8), 100, 30);
        Assert.Matches(@"^[\x00-\x7f]*$", view.Draw(Replicating(10, 1), 100, 30) + view.Draw(Copying(), 100, 30));
    }

    [Fact]
    public void Names_cannot_act_on_the_terminal()
    {
        var live = Copying() with { Tables = [new LiveTable("public.\e[2Jevil", 1, 10, true)] };
        Assert.DoesNotContain("\e[2J", new LiveView(Plain, unicode: true).Draw(live, 80, 24));
    }

    [Fact]
    public void A_frame_takes_the_place_of_the_one_before_and_a_resized_screen_begins_anew()
    {
        var view = new LiveView(Plain, unicode: true);
        var first = Lines(view.Draw(Copying(), 80, 24)).Count;
        Assert.Contains($"\e[{first}A", view.Draw(Copying(), 80, 24));
        var resized = view.Draw(Copying(), 60, 24);
        Assert.Contains("\e[2J\e[H", resized);
        Assert.DoesNotContain($"\e[{first}A", resized);
    }

    [Fact]
    public void The_end_gives_the_cursor_back_and_keeps_or_clears_the_frame()
    {
        var view = new LiveView(Plain, unicode: true);
        Assert.Empty(view.End(keepFrame: true));
        Assert.Contains("\e[?25l", view.Draw(Copying(), 80, 24));
        Assert.Equal("\e[?25h", view.End(keepFrame: true));
        view.Draw(Copying(), 80, 24);
        Assert.Matches(@"^\e\[\d+A\r\e\[J\e\[\?25h$", view.End(keepFrame: false));
    }

    [Fact]
    public void Where_there_is_no_terminal_a_change_of_phase_is_a_line_and_the_same_phase_is_not()
    {
        var lines = new LiveLines();
        Assert.Contains("shop: Copying", lines.Next(Copying().Status));
        Assert.Null(lines.Next(Copying().Status));
        Assert.Contains("shop: Replicating, Healthy, backlog 5", lines.Next(Replicating(5, 1, "Odd.").Status));
    }

    private static string Draw(LiveView view, LiveStatus live, int width, int height) => view.Draw(live, width, height);

    /// <summary>What is seen of a frame.</summary>
    private static List<string> Lines(string frame) => [.. Sequences.Replace(frame, "").TrimStart('\r').TrimEnd('\n').Split('\n')];

    private static LiveStatus Copying() => new(
        new SyncStatus
        {
            Name = "shop",
            Phase = MigrationPhase.Copying,
            Health = SyncHealth.Healthy,
            Tables = 47,
            TablesCopied = 12,
            Backlog = 1234,
            LagSeconds = 3,
            SampledAt = DateTimeOffset.UtcNow,
            SwitchReasons = [new SwitchReason { Id = "Phase", Status = CheckStatus.Blocked, Finding = "It is copying.", Remedy = "Wait for it." }],
            Source = new DatabaseAddress("ec2-1-2-3-4.compute-1.example", 5432, "d1234567890", "u1234567890"),
            Target = new DatabaseAddress("aws.connect.example", 5432, "postgres", "migrator"),
            Copy = new CopyStatus
            {
                BytesTotal = 2_500_000_000,
                BytesDone = 1_210_000_000,
                Percent = 48.4,
                MBPerSecond = 38.2,
                RowsPerSecond = 310_000,
                SecondsLeft = 32,
                StepsTotal = 40,
                StepsDone = 3,
                Running = [new CopyItem("public.events", 52), new CopyItem("an_index", null)],
            },
        },
        [new LiveTable("public.events", 1_000_000_000, 52, true), new LiveTable("public.waiting", 30_000_000, 0, false), new LiveTable("public.small", 20_000_000, 100, false)]);

    private static LiveStatus Replicating(long backlog, double lag, params string[] problems) => new(
        new SyncStatus { Name = "shop", Phase = MigrationPhase.Replicating, Health = SyncHealth.Healthy, Backlog = backlog, LagSeconds = lag, Problems = problems, SampledAt = DateTimeOffset.UtcNow }, []);

    [GeneratedRegex(@"\e\[[?0-9;]*[A-Za-z]", RegexOptions.None, 1000)]
    private static partial Regex Sequences { get; }
}
