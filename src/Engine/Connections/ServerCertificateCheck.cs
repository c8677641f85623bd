using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HerokuMigrator.Connections;

/// <summary>The server's certificate was looked at and is not what the connection settings ask for.</summary>
internal sealed class ServerCertificateException(string message) : AuthenticationException(message);

/// <summary>How far a server's certificate is checked.</summary>
internal enum CertificateLevel
{
    None,

    /// <summary>It was signed by a trusted authority.</summary>
    Authority,

    /// <summary>That, and it is for the host that was asked for.</summary>
    AuthorityAndHost,
}

/// <summary>
/// libpq's rules for the server's certificate: an existing root certificate file is used in every TLS mode
/// (so that <c>require</c> behaves like <c>verify-ca</c>), names are checked against the host, not against hostaddr.
/// </summary>
/// <param name="Level">How far.</param>
/// <param name="RootFile">The trusted authorities, PEM; null: those of the system.</param>
internal sealed record ServerCertificateCheck(CertificateLevel Level, string? RootFile)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private static readonly string[] SystemBundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

    /// <summary>The file with the system's authorities, for programs that cannot look into the system's store; null where there is none.</summary>
    public static string? SystemBundle => SystemBundles.FirstOrDefault(File.Exists);

    /// <exception cref="MigrationException">ConnectionFileInvalid, ConnectionStringInvalid.</exception>
    public static ServerCertificateCheck Of(IReadOnlyDictionary<string, string> values, IReadOnlyList<ConnectionHost> hosts, string homeFolder, ICollection<string> notes)
    {
        var mode = values["sslmode"];
        var wanted = ConnectionDefaults.Text(values, "sslrootcert");
        if (mode == "disable" || hosts.All(host => host.IsSocket))
            return new ServerCertificateCheck(CertificateLevel.None, null);

        var mustVerify = mode is "verify-ca" or "verify-full";
        if (mode == "verify-full" && hosts.Any(host => !host.IsSocket && host.Name.Length == 0))
            throw ConnectionStringErrors.Invalid("sslmode=verify-full needs a host beside hostaddr, to compare the certificate with");
        if (wanted == "system")
            return new ServerCertificateCheck(CertificateLevel.AuthorityAndHost, null);

        var file = wanted ?? (homeFolder.Length > 0 ? Path.Combine(homeFolder, ".postgresql", "root.crt") : null);
        if (file is not null && File.Exists(file))
            return new ServerCertificateCheck(mode == "verify-full" ? CertificateLevel.AuthorityAndHost : CertificateLevel.Authority, Path.GetFullPath(file));
        if (wanted is not null && mustVerify)
            throw ConnectionFileErrors.Invalid("sslrootcert", wanted, "it does not exist");
        if (wanted is not null)
            notes.Add($"The root certificate file {wanted} does not exist: with sslmode={mode} the server's certificate is not checked.");
        if (!mustVerify)
            return new ServerCertificateCheck(CertificateLevel.None, null);

        // libpq gives up here. The system's authorities sign for anybody, so the name has to fit in either mode.
        notes.Add($"sslmode={mode} without a root certificate file: the certificate must be for the host and signed by an authority that this system trusts.");
        return new ServerCertificateCheck(CertificateLevel.AuthorityAndHost, null);
    }

    /// <summary>The callback that decides about a server's certificate; it throws <see cref="ServerCertificateException"/> with the cause.</summary>
    /// <param name="host">The name that the certificate must be for.</param>
    /// <param name="roots">From <see cref="LoadRoots"/>.</param>
    public RemoteCertificateValidationCallback Callback(string host, X509Certificate2Collection? roots) =>
        (_, certificate, chain, _) =>
        {
            if (Level == CertificateLevel.None)
                return true;
            if (certificate is not X509Certificate2 server)
                throw new ServerCertificateException("The server sent no certificate.");
            CheckAuthority(server, chain, roots);
            if (Level == CertificateLevel.AuthorityAndHost && !server.MatchesHostname(host))
                throw new ServerCertificateException($"The server's certificate is for {Names(server)}, not for {host}.");
            return true;
        };

    /// <exception cref="MigrationException">ConnectionFileInvalid.</exception>
    public X509Certificate2Collection? LoadRoots()
    {
        if (Level == CertificateLevel.None || RootFile is null)
            return null;
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(RootFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw ConnectionFileErrors.Invalid("sslrootcert", RootFile, "it cannot be read as PEM certificates", exception);
        }

        return roots.Count > 0 ? roots : throw ConnectionFileErrors.Invalid("sslrootcert", RootFile, "it holds no PEM certificate");
    }

    private static void CheckAuthority(X509Certificate2 server, X509Chain? sent, X509Certificate2Collection? roots)
    {
        var reasons = WhyNotTrusted(server, sent?.ChainPolicy.ExtraStore, roots);
        if (reasons.Count > 0)
            throw new ServerCertificateException($"The server's certificate is not trusted: {string.Join("; ", reasons)}.");
    }

    /// <summary>What is wrong with the certificate, each in a sentence; empty where it is trusted.</summary>
    /// <param name="server">The certificate.</param>
    /// <param name="sent">What came with it.</param>
    /// <param name="roots">The trusted authorities; null: those of the system.</param>
    public static IReadOnlyList<string> WhyNotTrusted(X509Certificate2 server, X509Certificate2Collection? sent, X509Certificate2Collection? roots)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (sent is not null)
            chain.ChainPolicy.ExtraStore.AddRange(sent);
        if (roots is not null)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        }

        if (chain.Build(server))
            return [];
        var reasons = chain.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')).Where(text => text.Length > 0).Distinct().ToList();
        return reasons.Count > 0 ? reasons : ["it cannot be traced to a trusted authority"];
    }

    /// <summary>Whom the certificate is for.</summary>
    public static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())))
            .ToList();
        return names.Count > 0 ? string.Join(", ", names) : certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
    }
}
