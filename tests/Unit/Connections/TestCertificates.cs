using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HerokuMigrator.Unit.Connections;

/// <summary>An authority of our own, a server's certificate for localhost and db.migrator.test, and a client's.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 _authority = CreateAuthority("Test authority");

    public string AuthorityPem => _authority.ExportCertificatePem();

    public static string StrangeAuthorityPem()
    {
        using var authority = CreateAuthority("Strange authority");
        return authority.ExportCertificatePem();
    }

    public (string Certificate, string Key) Server()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("db.migrator.test");
        names.AddIpAddress(IPAddress.Parse("127.0.0.9"));
        return Sign("server", "1.3.6.1.5.5.7.3.1", names, keyPassword: null);
    }

    public (string Certificate, string Key) Client(string user, string? keyPassword) => Sign(user, "1.3.6.1.5.5.7.3.2", names: null, keyPassword);

    public void Dispose() => _authority.Dispose();

    private (string Certificate, string Key) Sign(string name, string purpose, SubjectAlternativeNameBuilder? names, string? keyPassword)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        if (names is not null)
            request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        var encryption = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000);
        var keyPem = keyPassword is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(keyPassword, encryption);
        return (certificate.ExportCertificatePem(), keyPem);
    }

    private static X509Certificate2 CreateAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
    }
}
