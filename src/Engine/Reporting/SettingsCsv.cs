namespace HerokuMigrator.Reporting;

/// <summary>The server settings that differ, as CSV by RFC 4180. A side that does not know a setting has an empty field; an empty value is <c>""</c>.</summary>
internal static class SettingsCsv
{
    public static string Of(IReadOnlyList<InventorySetting> settings) =>
        string.Concat(settings.Select(setting => Line(setting.Name, setting.Source, setting.Target)).Prepend(Line("Name", "Source", "Target")));

    private static string Line(params IEnumerable<string?> fields) => string.Join(',', fields.Select(Field)) + "\r\n";

    private static string Field(string? text) => text switch
    {
        null => "",
        "" => "\"\"",
        _ when text.AsSpan().IndexOfAny(",\"\r\n") >= 0 || text != text.Trim() => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"",
        _ => text,
    };
}
