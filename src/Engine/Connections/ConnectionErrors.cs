using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace HerokuMigrator.Connections;

/// <summary>What a failed connection means to a person. Ids are stable; no text holds a secret.</summary>
public static class ConnectionErrors
{
    /// <summary>Opens a connection.</summary>
    /// <param name="dataSource">From <see cref="ConnectionSettings.CreateDataSource"/>.</param>
    /// <param name="side">"source" or "target".</param>
    /// <param name="address">For the message.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="MigrationException">As of <see cref="Map"/>.</exception>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource dataSource, string side, DatabaseAddress address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        try
        {
            // A server that accepts and then stays silent is waited for by Npgsql, not by the one who has given up.
            return await dataSource.OpenConnectionAsync(cancellationToken).AsTask().WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (IsOfConnection(exception))
        {
            throw Map(await FirstFailureAsync(dataSource, exception, cancellationToken), side, address);
        }
    }

    private static bool IsOfConnection(Exception exception) =>
        exception is NpgsqlException or SocketException or AuthenticationException or TimeoutException or IOException or AggregateException;

    /// <summary>
    /// With sslmode=prefer, a failure over TLS (a wrong password, say) is followed by an attempt without TLS, whose refusal is all that is told.
    /// </summary>
    private static async Task<Exception> FirstFailureAsync(NpgsqlDataSource dataSource, Exception last, CancellationToken cancellationToken)
    {
        if (!Causes(last).OfType<PostgresException>().Any(IsRefusalOfPlaintext) || DataSourceFactory.TryCreateStrict(dataSource) is not { } strict)
            return last;
        await using (strict)
        {
            try
            {
                await using var connection = await strict.OpenConnectionAsync(cancellationToken);
                return last;
            }
            catch (Exception exception) when (IsOfConnection(exception))
            {
                return exception;
            }
        }
    }

    /// <summary>The words stand in the part of pg_hba.conf's message that no locale translates.</summary>
    private static bool IsRefusalOfPlaintext(PostgresException answer) =>
        answer.SqlState == PostgresErrorCodes.InvalidAuthorizationSpecification
        && answer.MessageText.Contains("pg_hba.conf", StringComparison.Ordinal)
        && (answer.MessageText.Contains("no encryption", StringComparison.Ordinal) || answer.MessageText.Contains("SSL off", StringComparison.Ordinal));

    /// <summary>
    /// The error that a person can act on: HostUnknown, HostUnreachable, AuthenticationFailed, ConnectPrivilegeMissing, DatabaseUnknown, TlsRefused,
    /// CertificateRejected, TooManyConnections, ServerStarting or ConnectionFailed. A MigrationException stays what it is.
    /// </summary>
    public static MigrationException Map(Exception exception, string side, DatabaseAddress address)
    {
        ArgumentNullException.ThrowIfNull(exception);
        ArgumentNullException.ThrowIfNull(address);
        if (exception is MigrationException known)
            return known;

        var causes = Causes(exception).ToList();
        var context = new Context(exception, side, address);
        if (causes.OfType<PostgresException>().FirstOrDefault() is { } answer)
            return OfServer(context, answer);
        if (causes.OfType<ServerCertificateException>().FirstOrDefault() is { } certificate)
            return context.Error("CertificateRejected", ErrorKind.SecurityError, certificate.Message, $"Name the authority's certificate by sslrootcert, or the host that the certificate is for, in the {side} connection string.");
        if (causes.FirstOrDefault(cause => cause.Message.StartsWith("SSL connection requested", StringComparison.Ordinal)) is not null)
            return context.Error("TlsRefused", ErrorKind.SecurityError, "the server offers no TLS", $"Enable TLS on the server; where the network is trusted, sslmode=disable in the {side} connection string does without.");
        if (causes.OfType<AuthenticationException>().FirstOrDefault() is { } handshake)
            return context.Error("TlsRefused", ErrorKind.SecurityError, $"the TLS handshake failed: {handshake.Message.TrimEnd('.')}", $"Check the TLS settings of the server and sslmode, sslcert, sslkey and ssl_min_protocol_version in the {side} connection string.");
        if (causes.FirstOrDefault(cause => cause.Message.StartsWith("No password has been provided", StringComparison.Ordinal)) is not null)
            return context.Error("AuthenticationFailed", ErrorKind.AuthenticationError, "the server asks for a password, and none was given", $"Give the password in the {side} connection string or in a password file.");
        return OfNetwork(context, causes);
    }

    private static MigrationException OfServer(Context context, PostgresException answer)
    {
        var side = context.Side;
        var said = answer.MessageText;
        return answer.SqlState switch
        {
            PostgresErrorCodes.InvalidAuthorizationSpecification when IsRefusalOfPlaintext(answer) =>
                context.Error("TlsRefused", ErrorKind.SecurityError, $"the server refuses connections without TLS: {said}", $"Use sslmode=require or stronger in the {side} connection string.", answer),
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                context.Error("AuthenticationFailed", ErrorKind.AuthenticationError, said, $"Check user and password in the {side} connection string; characters such as @ : / % must be percent-encoded in a URL.", answer),
            PostgresErrorCodes.InvalidCatalogName =>
                context.Error("DatabaseUnknown", ErrorKind.ObjectNotFound, said, $"Check the database's name in the {side} connection string, or create it (CREATE DATABASE).", answer),
            PostgresErrorCodes.InsufficientPrivilege =>
                context.Error("ConnectPrivilegeMissing", ErrorKind.PermissionDenied, said, $"Let the role connect: GRANT CONNECT ON DATABASE ... TO {context.Address.User}.", answer),
            PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.ConfigurationLimitExceeded =>
                context.Error("TooManyConnections", ErrorKind.ResourceUnavailable, said, "End idle sessions, or raise the limit (max_connections, or the plan), then run the same command again.", answer),
            PostgresErrorCodes.CannotConnectNow =>
                context.Error("ServerStarting", ErrorKind.ResourceUnavailable, said, "Wait until the server is up, then run the same command again.", answer),
            _ => context.Error("ConnectionFailed", ErrorKind.ConnectionError, $"{said} (SQLSTATE {answer.SqlState})", "See the server's log, then run the same command again.", answer),
        };
    }

    private static MigrationException OfNetwork(Context context, IReadOnlyList<Exception> causes)
    {
        var socket = causes.OfType<SocketException>().FirstOrDefault();
        var check = $"Check host and port in the {context.Side} connection string";
        if (socket?.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery)
            return context.Error("HostUnknown", ErrorKind.ConnectionError, "the host's name cannot be resolved", $"{check}, and that this machine can look up names.");
        if (socket is not null)
            return context.Error("HostUnreachable", ErrorKind.ConnectionError, socket.Message, $"{check}, that the server is running, and that firewalls let this machine through.");
        if (causes.Any(cause => cause is TimeoutException))
            return context.Error("HostUnreachable", ErrorKind.ConnectionError, "nothing answered in time", $"{check}, and that firewalls let this machine through; connect_timeout sets the seconds to wait.");
        return context.Error("ConnectionFailed", ErrorKind.ConnectionError, causes[^1].Message.TrimEnd('.'), $"{check}, then run the same command again.");
    }

    /// <summary>The exception and all that lies in it, outermost first.</summary>
    private static IEnumerable<Exception> Causes(Exception exception)
    {
        yield return exception;
        var inner = exception is AggregateException several ? several.InnerExceptions : exception.InnerException is { } one ? [one] : (IEnumerable<Exception>)[];
        foreach (var cause in inner.SelectMany(Causes))
            yield return cause;
    }

    private sealed record Context(Exception Exception, string Side, DatabaseAddress Address)
    {
        public MigrationException Error(string id, ErrorKind kind, string cause, string action, PostgresException? answer = null) =>
            new(id, kind, $"The {Side} database {Address} cannot be reached: {cause.TrimEnd('.')}.", action, Exception)
            {
                Subject = Address.ToString(),
                SqlState = answer?.SqlState,
            };
    }
}
