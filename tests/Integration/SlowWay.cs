using System.Net;
using System.Net.Sockets;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>A long way to a server: every byte arrives, each a while later.</summary>
internal sealed class SlowWay(PostgresServer server, TimeSpan oneWay) : LoopbackService
{
    /// <summary>The same URL by the long way.</summary>
    public string Along(string url) => url.Replace($":{server.Port}/", $":{Port}/", StringComparison.Ordinal);

    protected override async Task ServeAsync(Stream client)
    {
        using var there = new TcpClient { NoDelay = true };
        await there.ConnectAsync(IPAddress.Loopback, server.Port, End);
        await await Task.WhenAny(RelayAsync(client, there.GetStream()), RelayAsync(there.GetStream(), client));
    }

    private async Task RelayAsync(Stream from, Stream to)
    {
        var buffer = new byte[1 << 16];
        while (await from.ReadAsync(buffer, End) is > 0 and var count)
        {
            await Task.Delay(oneWay, End);
            await to.WriteAsync(buffer.AsMemory(0, count), End);
        }
    }
}
