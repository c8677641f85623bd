using System.Net;

namespace HerokuMigrator.Connections;

/// <summary>One server of a connection string.</summary>
/// <param name="Name">Host name, IP address, or the folder of a unix socket; empty where only an address is given.</param>
/// <param name="Address">The IP address to connect to in place of what the name resolves to (keyword hostaddr); null: resolve the name.</param>
/// <param name="Port">The TCP port, also the number in a unix socket's file name.</param>
public sealed record ConnectionHost(string Name, string? Address, int Port)
{
    /// <summary>A path, or an abstract socket, whose name begins with an @.</summary>
    public bool IsSocket => Address is null && (Name.StartsWith('/') || Name.StartsWith('@'));

    /// <summary>What the socket is opened to.</summary>
    public string Dialled => Address ?? Name;

    /// <summary>What stands in password files, and in the server's certificate.</summary>
    public string Verified => Name.Length > 0 ? Name : Address ?? "";

    /// <summary>A unix socket or a loopback address: nobody outside of this machine can listen.</summary>
    public bool IsLocal => IsSocket || string.Equals(Dialled, "localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(Dialled, out var address) && IPAddress.IsLoopback(address));
}
