using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HerokuMigrator.Lab;

/// <summary>A certificate authority of this process, and the server certificate that it signed, in PEM.</summary>
internal sealed record LabCertificates(string Authority, string AuthorityKey, string ServerCertificate, string ServerKey)
{
    private static readonly TimeSpan AuthorityAge = TimeSpan.FromDays(30);

    private static readonly Lazy<LabCertificates> LazyCurrent = new(Create);

    public static LabCertificates Current => LazyCurrent.Value;

    /// <summary>Another certificate of the same authority.</summary>
    /// <param name="name">Whom it is for.</param>
    /// <param name="from">From when it is valid; not before the authority, which began <see cref="AuthorityAge"/> ago.</param>
    /// <param name="until">Until when.</param>
    public (string Certificate, string Key) Issue(string name, DateTimeOffset from, DateTimeOffset until)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        using var authority = X509Certificate2.CreateFromPem(Authority, AuthorityKey);
        return Sign(authority, name, names, from, until);
    }

    private static LabCertificates Create()
    {
        var now = DateTimeOffset.UtcNow;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=Heroku migrator lab authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        authorityRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, critical: false));
        using var authority = authorityRequest.CreateSelfSigned(now - AuthorityAge, now.AddDays(400));

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        var (certificate, key) = Sign(authority, "localhost", names, now.AddDays(-1), now.AddDays(90));
        return new LabCertificates(authority.ExportCertificatePem(), authorityKey.ExportPkcs8PrivateKeyPem(), certificate, key);
    }

    private static (string Certificate, string Key) Sign(X509Certificate2 authority, string subject, SubjectAlternativeNameBuilder names, DateTimeOffset from, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var certificate = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(16));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
