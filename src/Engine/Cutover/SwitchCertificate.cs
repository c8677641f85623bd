using System.Text.Json;
using System.Text.Json.Serialization;
using HerokuMigrator.Operations;
using HerokuMigrator.State;

namespace HerokuMigrator.Cutover;

/// <summary>The JSON file that tells what a switch fenced, proved and took.</summary>
internal static class SwitchCertificate
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    public static Task WriteAsync(MigrationSession session, TrafficSwitch result, CancellationToken cancellationToken) =>
        MigrationHome.WritePrivateAsync(session.Home.CertificateFile, JsonSerializer.Serialize(result, Format), cancellationToken);

    /// <summary>The last switch's, or null where this machine has none.</summary>
    public static async Task<TrafficSwitch?> ReadAsync(MigrationSession session, CancellationToken cancellationToken) =>
        File.Exists(session.Home.CertificateFile)
            ? JsonSerializer.Deserialize<TrafficSwitch>(await File.ReadAllTextAsync(session.Home.CertificateFile, cancellationToken), Format)
            : null;
}
