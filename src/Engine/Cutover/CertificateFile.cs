using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using HerokuMigrator.Operations;
using HerokuMigrator.Reporting;
using HerokuMigrator.State;

namespace HerokuMigrator.Cutover;

/// <summary>The certificate on disk: JSON with its own hash, and the same for people beside it.</summary>
internal static class CertificateFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    public static async Task WriteAsync(MigrationSession session, SwitchCertificate certificate, CancellationToken cancellationToken)
    {
        var sealedOne = Seal(certificate);
        await MigrationHome.WritePrivateAsync(session.Home.CertificateTextFile, CertificateMarkdown.Of(sealedOne), cancellationToken);
        await MigrationHome.WritePrivateAsync(session.Home.CertificateFile, Text(sealedOne), cancellationToken);
    }

    public static void Delete(MigrationHome home)
    {
        File.Delete(home.CertificateFile);
        File.Delete(home.CertificateTextFile);
    }

    /// <summary>The last switch's, or null where this machine has none.</summary>
    public static async Task<SwitchCertificate?> ReadAsync(MigrationSession session, CancellationToken cancellationToken) =>
        File.Exists(session.Home.CertificateFile)
            ? JsonSerializer.Deserialize<SwitchCertificate>(await File.ReadAllTextAsync(session.Home.CertificateFile, cancellationToken), Format)
            : null;

    private static SwitchCertificate Seal(SwitchCertificate certificate) =>
        certificate with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text(certificate with { Sha256 = "" })))) };

    private static string Text(SwitchCertificate certificate) => JsonSerializer.Serialize(certificate, Format) + "\n";
}
