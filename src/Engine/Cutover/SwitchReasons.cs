namespace HerokuMigrator.Cutover;

/// <summary>Makes what a status and a switch tell alike.</summary>
internal static class SwitchReasons
{
    private const int Named = 100;

    public static SwitchReason Blocked(string id, string finding, string remedy, IReadOnlyList<string>? objects = null) => Of(CheckStatus.Blocked, id, finding, remedy, objects);

    public static SwitchReason Warning(string id, string finding, string remedy, IReadOnlyList<string>? objects = null) => Of(CheckStatus.Warning, id, finding, remedy, objects);

    public static SwitchReason Note(string id, string finding, string remedy = "", IReadOnlyList<string>? objects = null) => Of(CheckStatus.Note, id, finding, remedy, objects);

    /// <summary>What they come to together.</summary>
    public static SwitchReadiness Weigh(IEnumerable<SwitchReason> reasons) => reasons.Select(reason => reason.Status).DefaultIfEmpty(CheckStatus.Pass).Max() switch
    {
        CheckStatus.Blocked => SwitchReadiness.Blocked,
        CheckStatus.Warning => SwitchReadiness.Warning,
        _ => SwitchReadiness.Ready,
    };

    private static SwitchReason Of(CheckStatus status, string id, string finding, string remedy, IReadOnlyList<string>? objects) =>
        new() { Id = id, Status = status, Finding = finding, Remedy = remedy, Objects = [.. (objects ?? []).Take(Named)] };
}
