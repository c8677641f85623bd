using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HerokuMigrator.Connections;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>What the certificate of one side is worth, as the connection itself meets it.</summary>
internal static class CertificateOfServer
{
    /// <summary>A migration, with the days until its switch, is over by then.</summary>
    private static readonly TimeSpan LongMigration = TimeSpan.FromDays(14);

    /// <param name="Host">Whom it was asked of.</param>
    /// <param name="For">Whom it is for.</param>
    /// <param name="Problems">What is wrong with it by the authorities that this machine trusts; empty where nothing is.</param>
    private sealed record Seen(string Host, string For, string Issuer, bool IsSelfSigned, bool FitsHost, DateTimeOffset From, DateTimeOffset Until, IReadOnlyList<string> Problems);

    public static async Task<Finding> InspectAsync(string side, string variable, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        Seen? seen = null;
        await using (var source = DataSourceFactory.CreateObserving(settings, "heroku-migrator certificate", (host, certificate, chain) => seen = Read(settings, host, certificate, chain)))
        await using (await ConnectionErrors.OpenAsync(source, side, settings.Address, cancellationToken))
        {
            // The handshake is all that is wanted.
        }

        return seen is null
            ? Finding.Pass($"The connection to the {side} uses no certificate; {(side == "source" ? nameof(SourceTls) : nameof(TargetTls))} tells how it is protected.")
            : Judge(side, variable, settings, seen);
    }

    private static Seen Read(ConnectionSettings settings, ConnectionHost host, X509Certificate2 certificate, X509Chain? chain) =>
        new(
            host.Verified,
            ServerCertificateCheck.Names(certificate),
            certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true),
            certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData),
            certificate.MatchesHostname(host.Verified),
            new DateTimeOffset(certificate.NotBefore),
            new DateTimeOffset(certificate.NotAfter),
            ServerCertificateCheck.WhyNotTrusted(certificate, chain?.ChainPolicy.ExtraStore, settings.CertificateCheck.LoadRoots()));

    private static Finding Judge(string side, string variable, ConnectionSettings settings, Seen seen)
    {
        var now = DateTimeOffset.UtcNow;
        var what = $"The certificate of the {side} is for {seen.For}, {(seen.IsSelfSigned ? "signed by itself" : $"signed by {seen.Issuer}")}, valid from {Day(seen.From)} to {Day(seen.Until)}";
        if (now > seen.Until || now < seen.From)
        {
            return Finding.Warning(
                $"{what}: {(now > seen.Until ? "it has expired" : "it is not valid yet")}.",
                "Whoever verifies it is turned away: this connection goes on only because it does not verify. The application may verify.",
                $"Have the operator of the {side} renew the certificate; if this machine's clock is wrong (check Clock), set it.",
                [seen.For]);
        }

        if (settings.CertificateCheck.Level != CertificateLevel.None)
        {
            var name = settings.CertificateCheck.Level == CertificateLevel.AuthorityAndHost ? "authority and host name are verified" : "the authority is verified, the host name is not";
            return seen.Until - now < LongMigration
                ? Finding.Warning(
                    $"{what}: it expires in {Days(seen.Until - now)}; {name}.",
                    "Once it has expired, no connection to this side is made any more: the replication stops, and the switch can be neither made nor undone, until it is renewed.",
                    $"Have the operator of the {side} renew it, or switch before {seen.Until.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)}.",
                    [seen.For])
                : Finding.Pass($"{what}; {name}.");
        }

        var doubts = Doubts(seen);
        return doubts.Count == 0
            ? Finding.Note($"{what}. It is trusted and fits, but is not verified: {variable} says sslmode={settings.Keywords["sslmode"]}.") with
            {
                Reason = "Who can redirect the connection could answer in the server's place; verifying costs nothing here.",
                Remedy = $"Write sslmode=verify-full&sslrootcert=system into {variable}.",
                Objects = [seen.For],
            }
            : Finding.Note($"{what}. It is not verified, and would not stand up to it: {string.Join("; ", doubts)}.") with
            {
                Reason = "The connection is encrypted, but who can redirect it could answer in the server's place. Heroku signs its own certificates, so that this is usual for a source.",
                Remedy = $"Get the certificate of the authority from the operator of the {side}, and write sslmode=verify-full&sslrootcert=FILE into {variable}; or keep to networks that you trust.",
                Objects = [seen.For],
            };
    }

    private static List<string> Doubts(Seen seen)
    {
        var doubts = seen.Problems.ToList();
        if (!seen.FitsHost)
        {
            doubts.Add($"it is not for {seen.Host}");
        }

        return doubts;
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Days(TimeSpan left) => left.TotalDays < 2 ? $"{Math.Ceiling(left.TotalHours):0} hours" : $"{Math.Floor(left.TotalDays):0} days";
}
