using HerokuMigrator.Connections;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>How well the way to one side is protected.</summary>
internal static class TlsOfSession
{
    private const string Reason = "Rows and passwords would cross the network readable or changeable by others.";

    public static async Task<Finding> InspectAsync(string variable, ConnectionSettings settings, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var version = (await connection.ListAsync(
            "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl", row => row.GetString(0), cancellationToken)).SingleOrDefault();
        if (settings.WeakTlsWarning is { } weak)
        {
            return Finding.Warning(weak, Reason, $"Write sslmode=require (or verify-full) into {variable}.");
        }

        if (version is null)
        {
            // With sslmode=require or more the session would not be there without TLS: it ends in front of the server.
            return settings.SslMode >= SslMode.Require
                ? Finding.Pass("The connection is encrypted up to a proxy in front of the server.")
                : Finding.Pass("The connection is not encrypted and does not leave this machine.");
        }

        if (version is "TLSv1" or "TLSv1.1" or "SSLv3")
        {
            return Finding.Warning($"The connection is encrypted by {version}, which is broken.", Reason, "Set ssl_min_protocol_version = 'TLSv1.2' on the server, or have its operator do so.");
        }

        var verified = settings.SslMode switch
        {
            SslMode.VerifyFull => "certificate and host name are verified",
            SslMode.VerifyCA => "the certificate is verified, the host name is not",
            _ => "the certificate is not verified",
        };
        return Finding.Pass($"The connection is encrypted by {version}; {verified}.");
    }
}
