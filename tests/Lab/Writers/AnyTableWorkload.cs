using System.Collections.Concurrent;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Writers for a database that they know nothing of: they go round all tables, and insert, update, delete and change keys, in the owner's name.
/// What a constraint or a trigger of the schema refuses is counted and left out. They go on until stopped, a fence or not.
/// </summary>
public sealed class AnyTableWorkload : IAsyncDisposable
{
    private const int Clients = 3;

    private readonly HerokuLikeDatabase _database;
    private readonly IReadOnlyList<AnyTable> _tables;
    private readonly WorkloadStatistics _statistics = new();
    private readonly ConcurrentDictionary<string, long> _skipped = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<AnyTable, byte> _written = new(ReferenceEqualityComparer.Instance);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _running = [];
    private int _next;

    private AnyTableWorkload(HerokuLikeDatabase database, IReadOnlyList<AnyTable> tables)
    {
        _database = database;
        _tables = tables;
    }

    /// <summary>Statements that were committed and changed a row.</summary>
    public long Committed => _statistics.Committed;

    /// <summary>Statements that the fence, or a privilege, refused.</summary>
    public long Refused => _statistics.Refused;

    /// <summary>Statements that the schema refused, by SQLSTATE.</summary>
    public IReadOnlyDictionary<string, long> Skipped => new Dictionary<string, long>(_skipped, StringComparer.Ordinal);

    /// <summary>Tables, and partitioned parents, that a committed statement changed.</summary>
    public int TablesWritten => _written.Count;

    internal IEnumerable<AnyTable> Written => _written.Keys;

    /// <summary>Statements that were committed and changed a row, by what they did.</summary>
    public IReadOnlyDictionary<string, long> Kinds => _statistics.Kinds;

    public int Tables => _tables.Count;

    /// <summary>What no writer should meet: anything but a refusal of the schema or of the fence.</summary>
    public IReadOnlyList<WorkloadError> Errors => _statistics.Errors;

    public static async Task<AnyTableWorkload> StartAsync(HerokuLikeDatabase database, double statementsPerSecond, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var tables = (await AnyTable.ReadAllAsync(database, cancellationToken)).OrderBy(_ => random.Next()).ToList();
        var workload = new AnyTableWorkload(database, tables);
        if (tables.Count > 0)
        {
            workload._running.AddRange(Enumerable.Range(0, Clients).Select(number => workload.WriteAsync(new Random(seed + number), TimeSpan.FromSeconds(Clients / statementsPerSecond))));
        }

        return workload;
    }

    /// <summary>Returns when so many statements were committed since the start, or the time is over: a schema may refuse nearly everything.</summary>
    public async Task WaitForCommitsAsync(long wanted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var until = DateTimeOffset.UtcNow + timeout;
        while (Committed < wanted && DateTimeOffset.UtcNow < until)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task WriteAsync(Random random, TimeSpan interval)
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(_database.ConnectionString);
                await connection.OpenAsync(_stopping.Token);
                while (!_stopping.IsCancellationRequested)
                {
                    await WriteOneAsync(connection, random);
                    await Task.Delay(interval, _stopping.Token);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (NpgsqlException exception)
            {
                _statistics.AddError(new WorkloadError("session", exception.SqlState ?? "", exception.Message, DateTimeOffset.UtcNow));
                await Task.Delay(200, CancellationToken.None);
            }
        }
    }

    private async Task WriteOneAsync(NpgsqlConnection connection, Random random)
    {
        var table = _tables[(Interlocked.Increment(ref _next) & int.MaxValue) % _tables.Count];
        var (kind, sql) = Choose(table, random);
        var begunAt = DateTimeOffset.UtcNow;
        try
        {
            // A statement that has begun is carried through: nobody need ask whether it was committed.
            await using var command = new NpgsqlCommand(sql, connection);
            if (await command.ExecuteNonQueryAsync(CancellationToken.None) > 0)
            {
                _statistics.CountCommit(kind, begunAt, DateTimeOffset.UtcNow);
                _written.TryAdd(table, 0);
            }
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            _statistics.CountRefusal(DateTimeOffset.UtcNow);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.DeadlockDetected)
        {
            _statistics.CountRetry();
        }
        catch (PostgresException exception) when (exception.SqlState[..2] is "21" or "22" or "23" or "42" or "27" or "44" or "54" or "55" or "P0" or "XX" or "0A" or "38" or "39")
        {
            _skipped.AddOrUpdate($"{exception.SqlState} {kind}", 1, (_, count) => count + 1);
        }
    }

    private static (string Kind, string Sql) Choose(AnyTable table, Random random) => random.Next(10) switch
    {
        < 4 => ("insert", table.Insert()),
        < 7 => table.Update(random) is { } sql ? ("update", sql) : ("insert", table.Insert()),
        < 9 => table.ChangeKey(random) is { } sql ? ("key", sql) : ("insert", table.Insert()),
        _ => ("delete", table.Delete()),
    };
}
