using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HerokuMigrator.Connections;

/// <summary>The certificate that a client shows: <c>sslcert</c> and <c>sslkey</c>, or the ones in the home folder where they exist.</summary>
/// <param name="CertificateFile">PEM, the client's own certificate first.</param>
/// <param name="KeyFile">PEM.</param>
internal sealed record ClientCertificate(string CertificateFile, string KeyFile)
{
    public static ClientCertificate? Of(IReadOnlyDictionary<string, string> values, string homeFolder, ICollection<string> notes)
    {
        if (ConnectionDefaults.Text(values, "sslcertmode") == "disable" || values["sslmode"] == "disable")
            return null;
        var folder = homeFolder.Length > 0 ? Path.Combine(homeFolder, ".postgresql") : null;
        var wanted = ConnectionDefaults.Text(values, "sslcert");
        var certificate = wanted ?? (folder is null ? null : Path.Combine(folder, "postgresql.crt"));
        if (certificate is null || !File.Exists(certificate))
        {
            if (wanted is not null)
                notes.Add($"The client certificate {wanted} does not exist: none is shown to the server.");
            return null;
        }

        var key = ConnectionDefaults.Text(values, "sslkey") ?? (folder is null ? null : Path.Combine(folder, "postgresql.key"));
        if (key is null || !File.Exists(key))
            throw ConnectionFileErrors.Invalid("sslkey", key ?? certificate, "there is a client certificate, but no file with its private key");
        return new ClientCertificate(Path.GetFullPath(certificate), Path.GetFullPath(key));
    }

    /// <summary>Tries to read both files, as a later failure would not tell what is wrong with them.</summary>
    /// <exception cref="MigrationException">ConnectionFileInvalid.</exception>
    public void Check(string? keyPassword)
    {
        try
        {
            using var certificate = keyPassword is null
                ? X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile)
                : X509Certificate2.CreateFromEncryptedPemFile(CertificateFile, keyPassword, KeyFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            var cause = keyPassword is null ? "certificate and key are no fitting pair in PEM, or the key is encrypted" : "certificate and key are no fitting pair in PEM, or sslpassword is wrong";
            throw ConnectionFileErrors.Invalid("sslcert, sslkey", $"{CertificateFile}, {KeyFile}", cause, exception);
        }
    }
}
