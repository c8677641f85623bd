using System.Net;
using System.Net.Sockets;

namespace HerokuMigrator.Integration;

/// <summary>Listens on a free loopback port until it is disposed of, and serves each client as the kind of service does.</summary>
internal abstract class LoopbackService : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    protected LoopbackService()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    protected int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Cancelled when the service is to end.</summary>
    protected CancellationToken End => _end.Token;

    public virtual async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    /// <summary>Serves one client; ends with it, or with the service.</summary>
    protected abstract Task ServeAsync(Stream client);

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                clients.Add(GuardAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task GuardAsync(TcpClient client)
    {
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await ServeAsync(client.GetStream());
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The client has gone, or the service is to end.
            }
        }
    }
}
