using System.Globalization;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace HerokuMigrator.Connections;

/// <summary>Says connection settings in Npgsql's terms.</summary>
internal static class DataSourceFactory
{
    private const int MaxPoolSize = 10;
    private const int DefaultConnectSeconds = 15;

    // Npgsql allows no longer one.
    private const int MaxConnectSeconds = 1024;

    // How to make the same data source without the way back to no TLS, for those that have it.
    private static readonly ConditionalWeakTable<NpgsqlDataSource, Func<NpgsqlDataSource>> Strict = [];

    public static NpgsqlDataSource Create(
        ConnectionSettings settings,
        string applicationName,
        IReadOnlyDictionary<string, string>? serverSettings,
        Action<NpgsqlConnectionStringBuilder>? adjust)
    {
        var dataSource = Build(settings, applicationName, serverSettings, adjust);
        if (settings.SslMode == SslMode.Prefer)
            Strict.Add(dataSource, () => Build(settings, applicationName, serverSettings, adjust: builder => (builder.SslMode, builder.Pooling) = (SslMode.Require, false)));
        return dataSource;
    }

    public static NpgsqlDataSource? TryCreateStrict(NpgsqlDataSource dataSource) => Strict.TryGetValue(dataSource, out var create) ? create() : null;

    /// <summary>One whose connections show the certificate that the server presents, before anything is decided about it. Nothing is decided otherwise than elsewhere.</summary>
    /// <param name="settings">As elsewhere.</param>
    /// <param name="applicationName">As elsewhere.</param>
    /// <param name="seen">Gets the host that was asked for, its certificate, and the chain that came with it; both live no longer than the call.</param>
    public static NpgsqlDataSource CreateObserving(ConnectionSettings settings, string applicationName, Action<ConnectionHost, X509Certificate2, X509Chain?> seen) =>
        Build(settings, applicationName, serverSettings: null, builder => builder.Pooling = false, seen);

    private static NpgsqlDataSource Build(
        ConnectionSettings settings,
        string applicationName,
        IReadOnlyDictionary<string, string>? serverSettings,
        Action<NpgsqlConnectionStringBuilder>? adjust,
        Action<ConnectionHost, X509Certificate2, X509Chain?>? seen = null)
    {
        var source = new NpgsqlDataSourceBuilder();
        var builder = source.ConnectionStringBuilder;
        SetServer(builder, settings);
        SetSession(builder, settings, applicationName, serverSettings);
        SetTls(source, settings, seen);
        adjust?.Invoke(builder);

        if (string.IsNullOrEmpty(builder.Password))
            source.UsePasswordProvider(pool => Password(settings, pool), (pool, _) => ValueTask.FromResult(Password(settings, pool)));
        return source.Build();
    }

    private static void SetServer(NpgsqlConnectionStringBuilder builder, ConnectionSettings settings)
    {
        var hosts = settings.Hosts;
        if (hosts.Count == 1)
        {
            builder.Host = hosts[0].Dialled;
            builder.Port = hosts[0].Port;
        }
        else
        {
            builder.Host = string.Join(',', hosts.Select(Endpoint));
            builder.LoadBalanceHosts = settings.Value("load_balance_hosts") == "random";
        }

        if (settings.Value("target_session_attrs") is { } attributes and not ("any" or "prefer-standby") && hosts.Count == 1)
        {
            // Npgsql checks what a server is only where it may choose from several.
            builder.Host = $"{Endpoint(hosts[0])},{Endpoint(hosts[0])}";
            builder.TargetSessionAttributes = attributes;
        }
        else if (hosts.Count > 1)
        {
            builder.TargetSessionAttributes = settings.Value("target_session_attrs") ?? "any";
        }

        builder.Database = settings.Address.Database;
        builder.Username = settings.Address.User;
        var seconds = Number(settings, "connect_timeout");
        builder.Timeout = seconds is null ? DefaultConnectSeconds : seconds <= 0 ? 0 : Math.Clamp(seconds.Value, 2, MaxConnectSeconds);
    }

    private static string Endpoint(ConnectionHost host) =>
        host.Dialled.Contains(':') && !host.IsSocket ? $"[{host.Dialled}]:{host.Port}" : $"{host.Dialled}:{host.Port}";

    private static void SetSession(NpgsqlConnectionStringBuilder builder, ConnectionSettings settings, string applicationName, IReadOnlyDictionary<string, string>? serverSettings)
    {
        builder.ApplicationName = applicationName;

        // Set in any case: where they are missing, Npgsql asks the environment.
        builder.ClientEncoding = "UTF8";
        builder.Options = SessionOptions.Merge(settings.Value("options"), serverSettings) ?? "";
        if (serverSettings?.FirstOrDefault(pair => string.Equals(pair.Key, "TimeZone", StringComparison.OrdinalIgnoreCase)).Value is { } zone)
            builder.Timezone = zone;

        builder.CommandTimeout = 0;

        // Where a batch was refused, the one that is to blame is tried again by itself.
        builder.IncludeFailedBatchedCommand = true;
        builder.MaxPoolSize = MaxPoolSize;
        builder.Enlist = false;
        builder.TcpKeepAlive = Number(settings, "keepalives") is not 0;
        if (builder.TcpKeepAlive && Number(settings, "keepalives_idle") is > 0 and var idle)
        {
            builder.TcpKeepAliveTime = idle;
            builder.TcpKeepAliveInterval = Number(settings, "keepalives_interval") is > 0 and var interval ? interval : 0;
        }

        builder.ChannelBinding = settings.Value("channel_binding") switch
        {
            "disable" => ChannelBinding.Disable,
            "require" => ChannelBinding.Require,
            _ => ChannelBinding.Prefer,
        };

        // Npgsql would try Kerberos before every other connection; libpq does so only with a ticket at hand.
        builder.GssEncryptionMode = settings.Value("gssencmode") == "require" ? GssEncryptionMode.Require : GssEncryptionMode.Disable;
        if (settings.Value("krbsrvname") is { } service)
            builder.KerberosServiceName = service;
        if (settings.Value("require_auth") is { } methods)
            builder.RequireAuth = RequiredAuthentication(methods);
    }

    /// <summary>Npgsql's names of libpq's methods.</summary>
    private static string RequiredAuthentication(string methods) =>
        string.Join(',', methods.Split(',').Select(method => method.TrimStart('!') switch
        {
            "scram-sha-256" => method.Replace("scram-sha-256", "ScramSHA256"),
            "gss" => method.Replace("gss", "GSS"),
            "sspi" => method.Replace("sspi", "SSPI"),
            "md5" => method.Replace("md5", "MD5"),
            "password" => method.Replace("password", "Password"),
            "none" => method.Replace("none", "None"),
            _ => throw ConnectionStringErrors.Unsupported("require_auth", "one of its methods is not available"),
        }));

    private static void SetTls(NpgsqlDataSourceBuilder source, ConnectionSettings settings, Action<ConnectionHost, X509Certificate2, X509Chain?>? seen)
    {
        var builder = source.ConnectionStringBuilder;
        if (settings.Hosts.All(host => host.IsSocket))
        {
            builder.SslMode = SslMode.Disable;
            return;
        }

        // The check is ours, so for Npgsql it is no more than encryption that is asked for.
        builder.SslMode = settings.SslMode > SslMode.Require ? SslMode.Require : settings.SslMode;
        builder.SslNegotiation = settings.Value("sslnegotiation") == "direct" ? SslNegotiation.Direct : SslNegotiation.Postgres;
        if (settings.ClientCertificate is { } certificate)
        {
            var keyPassword = settings.Value("sslpassword");
            certificate.Check(keyPassword);
            builder.SslCertificate = certificate.CertificateFile;
            builder.SslKey = certificate.KeyFile;
            if (keyPassword is not null)
                builder.SslPassword = keyPassword;
        }

        if (settings.SslMode == SslMode.Disable)
            return;
        var check = settings.CertificateCheck;
        var roots = check.LoadRoots();
        source.UseSslClientAuthenticationOptionsCallback(options => Configure(options, settings, host => Observing(check.Callback(host.Verified, roots), host, seen)));
    }

    private static RemoteCertificateValidationCallback Observing(
        RemoteCertificateValidationCallback decide, ConnectionHost host, Action<ConnectionHost, X509Certificate2, X509Chain?>? seen) =>
        seen is null
            ? decide
            : (sender, certificate, chain, errors) =>
            {
                if (certificate is X509Certificate2 server)
                    seen(host, server, chain);
                return decide(sender, certificate, chain, errors);
            };

    private static void Configure(SslClientAuthenticationOptions options, ConnectionSettings settings, Func<ConnectionHost, RemoteCertificateValidationCallback> check)
    {
        var host = settings.Hosts.First(host => host.Dialled == options.TargetHost);
        options.RemoteCertificateValidationCallback = check(host);
        options.TargetHost = settings.Value("sslsni") == "0" ? "" : host.Verified;
        options.EnabledSslProtocols = Protocols(settings.Value("ssl_min_protocol_version"), settings.Value("ssl_max_protocol_version"));
        if (settings.Value("sslcertmode") == "disable")
            options.ClientCertificateContext = null;
    }

    private static SslProtocols Protocols(string? min, string? max)
    {
        if (min is null && max is null)
            return SslProtocols.None;
#pragma warning disable SYSLIB0039, CA5397, CA5398 // Old versions only where the connection string asks for them.
        var all = new (string Name, SslProtocols Protocol)[]
        {
            ("TLSv1", SslProtocols.Tls), ("TLSv1.1", SslProtocols.Tls11), ("TLSv1.2", SslProtocols.Tls12), ("TLSv1.3", SslProtocols.Tls13),
        };
#pragma warning restore SYSLIB0039, CA5397, CA5398
        return all.Where(pair => string.Compare(pair.Name, min ?? "TLSv1.2", StringComparison.OrdinalIgnoreCase) >= 0
                && (max is null || string.Compare(pair.Name, max, StringComparison.OrdinalIgnoreCase) <= 0))
            .Aggregate(SslProtocols.None, (protocols, pair) => protocols | pair.Protocol);
    }

    private static string Password(ConnectionSettings settings, NpgsqlConnectionStringBuilder pool)
    {
        var host = settings.Hosts.FirstOrDefault(host => host.Dialled == pool.Host && host.Port == pool.Port) ?? settings.Hosts[0];
        return settings.PasswordOf(host) ?? "";
    }

    private static int? Number(ConnectionSettings settings, string keyword) =>
        settings.Value(keyword) is { } value ? int.Parse(value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : null;
}
