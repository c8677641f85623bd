using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>Gives a running server another certificate.</summary>
public static class CertificateRenewal
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// From the next connection on the server shows a certificate for this name, of the lab's authority, valid in this time:
    /// from 30 days ago at the earliest, for a year at the longest.
    /// </summary>
    public static async Task ReplaceCertificateAsync(this PostgresServer server, string name, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var (certificate, key) = LabCertificates.Current.Issue(name, from, until);
        using var wanted = X509Certificate2.CreateFromPem(certificate);
        await server.WriteFileAsync("data/server.crt", certificate, cancellationToken);
        await server.WriteFileAsync("data/server.key", key, cancellationToken);
        await server.ExecuteAsync("postgres", "SELECT pg_reload_conf()", cancellationToken);
        var watch = Stopwatch.StartNew();
        while (await ShownAsync(server, cancellationToken) != wanted.SerialNumber)
        {
            if (watch.Elapsed > Patience)
            {
                throw new LabException("The server does not take its new certificate.");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>The serial number of the certificate that a new connection meets.</summary>
    private static async Task<string> ShownAsync(PostgresServer server, CancellationToken cancellationToken)
    {
        var serial = "";
        var builder = new NpgsqlDataSourceBuilder($"Host=127.0.0.1;Port={server.Port};Username=nobody;Password=none;Database=postgres;SSL Mode=Require;Pooling=false");
        builder.UseSslClientAuthenticationOptionsCallback(options => options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
        {
            serial = certificate!.GetSerialNumberString();
            return true;
        });
        await using var source = builder.Build();
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
        }
        catch (PostgresException)
        {
            // The certificate was shown before the password was refused.
        }

        return serial;
    }
}
