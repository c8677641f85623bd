using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using HerokuMigrator.Lab;

namespace HerokuMigrator.Integration;

/// <summary>
/// As much of PgBouncer's transaction mode as a client can tell it by: every client session is answered by whichever server session
/// was used last and is in no transaction. Lets everybody in, as the lab's superuser.
/// </summary>
internal sealed class TransactionPooler : LoopbackService
{
    private const byte ReadyForQuery = (byte)'Z';

    private readonly LabDatabase _database;
    private readonly ConcurrentStack<Stream> _idle = new();

    public TransactionPooler(LabDatabase database) => _database = database;

    public string Url => $"postgres://anybody@127.0.0.1:{Port}/{Uri.EscapeDataString(_database.Name)}?sslmode=disable";

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var server in _idle)
        {
            await server.DisposeAsync();
        }
    }

    protected override async Task ServeAsync(Stream client)
    {
        await GreetAsync(client);
        while (await ServeTransactionAsync(client))
        {
        }
    }

    /// <summary>From the first message outside of a transaction to the end of the transaction that it begins.</summary>
    private async Task<bool> ServeTransactionAsync(Stream client)
    {
        var first = await ReadAsync(client);
        if (first[0] == 'X')
        {
            return false;
        }

        var server = _idle.TryPop(out var idle) ? idle : await ConnectAsync();
        for (var message = first; ; message = await ReadAsync(client))
        {
            await server.WriteAsync(message, End);
            if (message[0] is (byte)'S' or (byte)'Q' && await RelayAnswerAsync(server, client) == 'I')
            {
                _idle.Push(server);
                return true;
            }
        }
    }

    /// <returns>The state of the transaction: I for none.</returns>
    private async Task<char> RelayAnswerAsync(Stream server, Stream? client)
    {
        while (true)
        {
            var message = await ReadAsync(server);
            if (client is not null)
            {
                await client.WriteAsync(message, End);
            }

            if (message[0] == ReadyForQuery)
            {
                return (char)message[5];
            }
        }
    }

    private async Task GreetAsync(Stream client)
    {
        while (true)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(await ReadExactlyAsync(client, 4));
            var startup = await ReadExactlyAsync(client, length - 4);
            if (BinaryPrimitives.ReadInt32BigEndian(startup) == 3 << 16)
            {
                break;
            }

            // A request for encryption.
            await client.WriteAsync("N"u8.ToArray(), End);
        }

        byte[] greeting =
        [
            .. Message('R', [0, 0, 0, 0]),
            .. Message('S', "server_version\015.0\0"u8), .. Message('S', "client_encoding\0UTF8\0"u8), .. Message('S', "TimeZone\0UTC\0"u8),
            .. Message('S', "integer_datetimes\0on\0"u8), .. Message('S', "standard_conforming_strings\0on\0"u8),
            .. Message('K', [0, 0, 0, 7, 0, 0, 0, 7]),
            .. Message((char)ReadyForQuery, "I"u8),
        ];
        await client.WriteAsync(greeting, End);
    }

    private async Task<Stream> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_database.Server.SocketFolder, $".s.PGSQL.{_database.Server.Port}")), End);
        var server = new NetworkStream(socket, ownsSocket: true);
        byte[] body = [0, 3, 0, 0, .. Encoding.UTF8.GetBytes($"user\0{PostgresServer.Superuser}\0database\0{_database.Name}\0client_encoding\0UTF8\0\0")];
        var startup = new byte[body.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(startup, startup.Length);
        body.CopyTo(startup, 4);
        await server.WriteAsync(startup, End);
        await RelayAnswerAsync(server, client: null);
        return server;
    }

    private static byte[] Message(char type, ReadOnlySpan<byte> body)
    {
        var message = new byte[body.Length + 5];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length + 4);
        body.CopyTo(message.AsSpan(5));
        return message;
    }

    private async Task<byte[]> ReadAsync(Stream stream)
    {
        var head = await ReadExactlyAsync(stream, 5);
        return [.. head, .. await ReadExactlyAsync(stream, BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4)];
    }

    private async Task<byte[]> ReadExactlyAsync(Stream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, End);
        return bytes;
    }
}
