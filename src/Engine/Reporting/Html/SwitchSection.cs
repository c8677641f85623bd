using HerokuMigrator.History;
using static HerokuMigrator.Reporting.Html.ReportFormats;

namespace HerokuMigrator.Reporting.Html;

/// <summary>What each switch fenced, proved and took, and what its undoing gave back; the last one first.</summary>
internal static class SwitchSection
{
    private const int MostNames = 30;

    public static Markup Render(ReportModel model)
    {
        var switches = model.History.Switches.Reverse().ToList();
        return switches.Count == 0
            ? Markup.Of($"<section><h2>Switch</h2><p class=\"sub\">Nothing has been switched.</p></section>")
            : Markup.Of($"""
                <section><h2>Switch</h2>
                <p class="sub">While writes are paused, reads go on.</p>
                {Render(switches[0])}
                {Markup.When(switches.Count > 1, () => Markup.Of($"<details><summary>What was before it</summary>{switches.Skip(1).Select(Render)}</details>"))}
                </section>
                """);
    }

    private static Markup Render(SwitchRecord one) => one.IsUndo ? Undo(one) : Switch(one);

    private static Markup Switch(SwitchRecord one)
    {
        var result = one.Result;
        return Markup.Of($"""
            <h3><span class="badge good">Switched</span> {Moment(result.SafeAt ?? one.At)}</h3>
            <dl>
            {Fact("Writes paused", Milliseconds(result.WritePauseMs))}
            {Fact("Fence closed", Exact(result.FencedAt))}
            {Fact("Target proven safe", Exact(result.SafeAt))}
            {Fact("Fence", $"{Count(result.TablesFenced, "table")}, at attempt {result.LockAttempts}{(result.FailedAttemptsMs > 0 ? $"; attempts before it may have held writers for {Milliseconds(result.FailedAttemptsMs)}" : "")}")}
            {Fact("Proof", $"nothing pending, and a sentinel row seen on the target {Milliseconds(result.SentinelMs)} after its commit on the source")}
            {Fact("Sequences set", Number(result.SequencesSet))}
            {Names("Roles that lost a privilege", result.Roles)}
            {Names("Copied whole under the fence", result.TablesCopiedWhole)}
            {Names("Rows of yours in extensions", result.ExtensionTablesCopied)}
            {Markup.When(result.LargeObjectsCopied > 0, () => Fact("Large objects copied", Number(result.LargeObjectsCopied)))}
            {Names("Left out, without their rows", result.TablesLeftOut)}
            </dl>
            """);
    }

    private static Markup Undo(SwitchRecord one) => Markup.Of($"""
        <h3><span class="badge warn">Undone</span> {Moment(one.At)}</h3>
        <dl>
        {Names("Roles that got it back", one.Result.Roles)}
        {(one.Result.TablesWrittenOnTarget.Count == 0 ? Fact("Written on the target", "nothing was, between the switch and its undoing") : Names("Written on the target, and replaced by the source's rows", one.Result.TablesWrittenOnTarget))}
        </dl>
        """);

    private static string Exact(DateTimeOffset? moment) => moment is { } known ? $"{Moment(known)}.{known.Millisecond:000}" : "–";

    private static Markup Fact(string name, string value) => Markup.Of($"<dt>{name}</dt><dd>{value}</dd>");

    private static Markup Names(string name, IReadOnlyList<string> names) => Markup.When(
        names.Count > 0,
        () => Fact(name, string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? $" and {Number(names.Count - MostNames)} more" : "")));
}
