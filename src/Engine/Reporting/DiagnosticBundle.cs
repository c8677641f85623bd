using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using HerokuMigrator.Logs;
using HerokuMigrator.Reporting.Html;
using HerokuMigrator.State;

namespace HerokuMigrator.Reporting;

/// <summary>What a support ticket needs, as JSON: hosts and names are in it, passwords, connection strings with secrets, and values of rows are not.</summary>
internal sealed class DiagnosticBundle(SecretMask mask, MigrationHome home)
{
    /// <summary>More samples tell a reader no more.</summary>
    private const int MostSamples = 1000;

    public string Of(ReportModel model)
    {
        var bundle = JsonNode.Parse(ResultJson.Of(new
        {
            WrittenAt = DateTimeOffset.UtcNow,
            Program = new { model.Version, Runtime = RuntimeInformation.FrameworkDescription, System = RuntimeInformation.OSDescription, Processors = Environment.ProcessorCount },
            Verdict = Verdict.Of(model),
            Migration = model.History with { Samples = [.. model.History.Samples.TakeLast(MostSamples)] },
            Status = model.Status,
            Log = model.Log,
            HomeFiles = Files(),
        }))!;
        Mask(bundle);
        return ResultJson.Of(bundle) + "\n";
    }

    private IReadOnlyList<object> Files() => Directory.Exists(home.Folder)
        ? [.. new DirectoryInfo(home.Folder).GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => new { file.Name, Bytes = file.Length, ChangedAt = file.LastWriteTimeUtc })]
        : [];

    /// <summary>Text by text: within the document's own quoting a secret may look otherwise.</summary>
    private void Mask(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject parts:
                foreach (var (name, part) in parts.ToList())
                {
                    Mask(part);
                    if (IsText(part, out var text))
                    {
                        parts[name] = text;
                    }
                }

                break;
            case JsonArray items:
                for (var at = 0; at < items.Count; at++)
                {
                    Mask(items[at]);
                    if (IsText(items[at], out var text))
                    {
                        items[at] = text;
                    }
                }

                break;
            default:
                break;
        }
    }

    private bool IsText(JsonNode? node, out string masked)
    {
        var isText = node is JsonValue && node.GetValueKind() == JsonValueKind.String;
        masked = isText ? RowValues.Mask(mask.Redact(node!.GetValue<string>())) : "";
        return isText;
    }
}
