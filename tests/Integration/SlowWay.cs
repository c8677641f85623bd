using System.Net;
using System.Net.Sockets;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>A long way to a server: every byte arrives, each a while later.</summary>
internal sealed class SlowWay : IAsyncDisposable
{
    private readonly PostgresServer _server;
    private readonly TimeSpan _oneWay;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    public SlowWay(PostgresServer server, TimeSpan oneWay)
    {
        (_server, _oneWay) = (server, oneWay);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The same URL by the long way.</summary>
    public string Along(string url) => url.Replace($":{_server.Port}/", $":{((IPEndPoint)_listener.LocalEndpoint).Port}/", StringComparison.Ordinal);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                clients.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, _server.Port, _end.Token);
            await Task.WhenAny(RelayAsync(client.GetStream(), server.GetStream()), RelayAsync(server.GetStream(), client.GetStream()));
        }
    }

    private async Task RelayAsync(Stream from, Stream to)
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (await from.ReadAsync(buffer, _end.Token) is > 0 and var count)
            {
                await Task.Delay(_oneWay, _end.Token);
                await to.WriteAsync(buffer.AsMemory(0, count), _end.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One of both has gone, or the way is to end.
        }
    }
}
