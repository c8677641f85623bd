using System.Net.Sockets;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>Stands between the migrator and one server, and delays, freezes or cuts what passes. Bytes go through as they are, so TLS does too.</summary>
internal sealed class FaultProxy(PostgresServer server) : LoopbackService
{
    private readonly Lock _lock = new();
    private readonly List<CancellationTokenSource> _open = [];
    private TaskCompletionSource _flow = Flowing();
    private volatile bool _refuses;
    private int _delayMs;

    /// <summary>Each piece waits that long, in either direction.</summary>
    public TimeSpan Delay
    {
        set => Volatile.Write(ref _delayMs, (int)value.TotalMilliseconds);
    }

    /// <summary>New connections are closed at once, as by a server that is away.</summary>
    public bool Refuses
    {
        set => _refuses = value;
    }

    /// <summary>The same database, by way of here.</summary>
    public string UrlOf(LabDatabase database) => database.Url.Replace($":{server.Port}/", $":{Port}/", StringComparison.Ordinal);

    /// <summary>Closes all connections of now, with what is on its way; new ones are let through.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            foreach (var one in _open)
            {
                one.Cancel();
            }
        }
    }

    /// <summary>Nothing passes any more, and nobody is told, as by a network that swallows packets.</summary>
    public void Freeze()
    {
        lock (_lock)
        {
            _flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Thaw()
    {
        lock (_lock)
        {
            _flow.TrySetResult();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        Thaw();
        Cut();
        await base.DisposeAsync();
    }

    protected override async Task ServeAsync(Stream client)
    {
        if (_refuses)
        {
            return;
        }

        using var connection = new TcpClient { NoDelay = true };
        try
        {
            await connection.ConnectAsync("127.0.0.1", server.Port, End);
        }
        catch (SocketException)
        {
            // A server that is away is away for whoever asks here.
            return;
        }

        using var together = CancellationTokenSource.CreateLinkedTokenSource(End);
        lock (_lock)
        {
            _open.Add(together);
        }

        await using var stream = connection.GetStream();
        await Task.WhenAny(RelayAsync(client, stream, together.Token), RelayAsync(stream, client, together.Token));
        lock (_lock)
        {
            _open.Remove(together);
        }

        await together.CancelAsync();
    }

    private async Task RelayAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                await Task.Delay(Volatile.Read(ref _delayMs), cancellationToken);
                await FlowAsync().WaitAsync(cancellationToken);
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two has gone, or was cut.
        }
    }

    private Task FlowAsync()
    {
        lock (_lock)
        {
            return _flow.Task;
        }
    }

    private static TaskCompletionSource Flowing()
    {
        var flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        flow.SetResult();
        return flow;
    }
}
