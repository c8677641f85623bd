using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetSettings : IReadinessCheck
{
    /// <summary>What changes the answers that an application gets, or whether it gets any.</summary>
    private static readonly string[] Felt =
    [
        "default_transaction_read_only", "default_transaction_isolation", "search_path", "TimeZone", "DateStyle", "IntervalStyle", "default_text_search_config",
        "standard_conforming_strings", "backslash_quote", "bytea_output", "xmloption", "array_nulls", "transform_null_equals", "row_security", "session_replication_role",
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout",
    ];

    /// <summary>Names of locales belong to the machine, so that a difference can mean nothing, and mending it may be impossible.</summary>
    private static readonly string[] Locales = ["lc_monetary", "lc_numeric", "lc_time"];

    private static readonly HashSet<string> NamesOfUtc = new(StringComparer.OrdinalIgnoreCase) { "UTC", "Etc/UTC", "Etc/Universal", "Universal", "Zulu", "Etc/Zulu", "GMT", "Etc/GMT", "UCT", "Etc/UCT" };

    public string Id => nameof(TargetSettings);

    public string Group => CheckGroup.Target;

    public string Title => "An application meets the same settings on both sides";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        var settings = await ServerSettings.OnceAsync(context, cancellationToken);
        var differing = Felt.Where(name => Differ(settings, name)).ToList();
        var locales = Locales.Where(name => Differ(settings, name)).ToList();
        if (differing.Count == 0)
        {
            return locales.Count == 0
                ? Finding.Pass("The settings that an application feels are the same on both sides, apart from what DatabaseSettings tells of.")
                : FindingText.Note($"Other locales on the target: {Texts(settings, locales)}.", "The texts of amounts of the type money, and what to_char makes of numbers and dates, can differ.", locales);
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var database = await CatalogQuestions.DatabaseAsync(target, cancellationToken);
        return Finding.Warning(
            $"Sessions without settings of their own find others on the target: {Texts(settings, [.. differing, .. locales])}.",
            "Settings of the source's database and roles are not moved. After the switch the application would get other answers than before, or be cut off where it was not.",
            string.Join('\n', differing.Select(name => Statement(database, settings.Source[name], settings.Target[name]))),
            [.. differing, .. locales]);
    }

    /// <summary>
    /// A setting that only one of both versions has counts where it does something. What was set for the source's database or role, and has no counterpart,
    /// is told by DatabaseSettings; a source that fires no triggers by CaptureBypassed.
    /// </summary>
    private static bool Differ(ServerSettings settings, string name) =>
        (settings.Source.GetValueOrDefault(name), settings.Target.GetValueOrDefault(name)) switch
        {
            ({ IsOfDatabaseOrRole: true }, { IsOfDatabaseOrRole: false }) when DatabaseSettings.Carries(name) => false,
            ({ Value: not "origin" }, { Value: "origin" }) when name == "session_replication_role" => false,
            ({ } from, { } to) => from.Value != to.Value && !(name == "TimeZone" && NamesOfUtc.Contains(from.Value) && NamesOfUtc.Contains(to.Value)),
            _ => false,
        };

    private static string Texts(ServerSettings settings, IReadOnlyList<string> names) =>
        FindingText.Several([.. names.Select(name => $"{name} is {settings.Target[name]} (source: {settings.Source[name]})")]);

    /// <summary>A list of schemas is one of names; every other value is one text.</summary>
    private static string Statement(string database, ServerSetting from, ServerSetting to)
    {
        var value = from.Name == "search_path" && from.Value.Length > 0 ? from.Value : SqlName.Literal(from.Value + (from.Unit.Length > 0 && !from.IsZero ? from.Unit : ""));
        return $"ALTER DATABASE {database} SET {from.Name} = {value}; -- on the target{(to.Context == "superuser" ? ", as a superuser" : "")}{(DatabaseSettings.CutsSessions(name: from.Name) && !from.IsZero ? ", after the switch only: sessions of the migration would be cut by it" : "")}";
    }
}
