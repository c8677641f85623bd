using System.Diagnostics;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Writers that keep a source busy as an application does: they write at a steady rate, reconnect when their sessions are ended,
/// back off when they are refused and go on when they are let in again. What they saw committed is in <see cref="Ledger"/>.
/// </summary>
public sealed class Workload : IAsyncDisposable
{
    private readonly WorkloadStatistics _statistics = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly WorkloadOptions _options;
    private readonly HerokuLikeDatabase _database;
    private readonly List<Task> _running = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    private Workload(HerokuLikeDatabase database, WorkloadOptions options)
    {
        _database = database;
        _options = options;
        Ledger = options.Ledger ?? new Ledger();
    }

    public Ledger Ledger { get; }

    /// <summary>Transactions that this workload committed.</summary>
    public long Committed => _statistics.Committed;

    /// <summary>Transactions that were rolled back on purpose.</summary>
    public long RolledBack => _statistics.RolledBack;

    /// <summary>Attempts that ended with "permission denied" or "read-only transaction".</summary>
    public long Refused => _statistics.Refused;

    /// <summary>Deadlocks and serialization failures; the writer went on with another transaction.</summary>
    public long Retried => _statistics.Retried;

    /// <summary>Sessions that broke; the writer connected again.</summary>
    public long Disconnected => _statistics.Disconnected;

    public DateTimeOffset? FirstRefusedAt => Pauses is [var first, ..] ? first.RefusedAt : null;

    public DateTimeOffset? LastCommittedAt => _statistics.LastCommittedAt;

    /// <summary>The times in which writers were refused, in order; a switch makes one, its undo ends it.</summary>
    public IReadOnlyList<WritePause> Pauses => _statistics.Pauses;

    /// <summary>From the first statement to the return of COMMIT, of the slowest transaction: how long a writer was held up.</summary>
    public TimeSpan LongestTransaction => _statistics.LongestTransaction;

    public long Reads => _statistics.Read;

    public TimeSpan LongestRead => _statistics.LongestRead;

    /// <summary>What should not have happened: anything but refusals, deadlocks and broken sessions.</summary>
    public IReadOnlyList<WorkloadError> Errors => _statistics.Errors;

    /// <summary>Committed transactions by kind.</summary>
    public IReadOnlyDictionary<string, long> Kinds => _statistics.Kinds;

    /// <summary>Committed transactions a second since the start.</summary>
    public double Rate => Committed / _watch.Elapsed.TotalSeconds;

    /// <summary>Begins to write to a database that has the <see cref="ShopSchema"/>.</summary>
    public static Workload StartShop(HerokuLikeDatabase database, WorkloadOptions? options = null) =>
        Start(database, ShopOperations.All, ShopOperations.Truncations, ShopOperations.Read, options ?? new WorkloadOptions());

    /// <summary>Begins to write to a database that has the <see cref="TinySchema"/>.</summary>
    public static Workload StartTiny(HerokuLikeDatabase database, WorkloadOptions? options = null) =>
        Start(database, TinyOperations.All, TinyOperations.Truncations, TinyOperations.Read, options ?? new WorkloadOptions());

    /// <summary>Begins to write to a database that has nothing but the ledger.</summary>
    public static Workload StartLedgerOnly(HerokuLikeDatabase database, WorkloadOptions options) =>
        Start(database, [new WorkloadOperation("ledger", 1, ByCredential: true, _ => Task.CompletedTask)], [], "SELECT count(*) FROM public.ledger", options);

    /// <summary>Waits until so many more transactions are committed; throws TimeoutException with the writers' errors.</summary>
    public async Task WaitForCommitsAsync(long more, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var wanted = Committed + more;
        var watch = Stopwatch.StartNew();
        while (Committed < wanted)
        {
            if (watch.Elapsed > timeout)
            {
                throw new TimeoutException($"The writers committed {Committed - wanted + more} of {more} transactions in {timeout}; refused {Refused}, disconnected {Disconnected}. {string.Join("; ", Errors.Take(5))}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>Ends every transaction under way and returns when no writer writes any more; can be called twice.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
        _watch.Stop();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    public override string ToString() =>
        $"{Committed} committed ({Rate:0}/s), {RolledBack} rolled back, {Refused} refused, {Retried} retried, {Disconnected} disconnected, {Ledger.Uncertain.Count} uncertain, {Errors.Count} errors, slowest {LongestTransaction.TotalMilliseconds:0} ms";

    private static Workload Start(HerokuLikeDatabase database, IReadOnlyList<WorkloadOperation> operations, IReadOnlyList<WorkloadOperation> truncations, string read, WorkloadOptions options)
    {
        var workload = new Workload(database, options);
        var interval = TimeSpan.FromSeconds(options.Clients / options.TransactionsPerSecond);
        for (var number = 0; number < options.Clients; number++)
        {
            var byCredential = number % 4 == 3;
            var own = byCredential ? operations.Where(operation => operation.ByCredential).ToList() : operations;
            workload._running.Add(workload.WriteAsync(number, byCredential ? database.Credential : database.Owner, own, interval));
        }

        var holding = new WorkloadOperation("long", 1, ByCredential: false, session => session.ExecuteAsync("SELECT pg_sleep(2)"));
        workload._running.AddRange(Enumerable.Range(0, options.LongTransactions).Select(index => workload.WriteAsync(options.Clients + 10 + index, database.Owner, [holding], TimeSpan.FromSeconds(5))));
        workload._running.AddRange(Enumerable.Range(0, options.Readers).Select(_ => workload.ReadAsync(read)));
        if (options.TruncateEvery is { } every)
        {
            var wanted = truncations.Take(options.TruncateReferenced ? 2 : 1);
            workload._running.AddRange(wanted.Select((truncation, index) => workload.WriteAsync(options.Clients + index, database.Owner, [truncation], every)));
        }

        return workload;
    }

    private async Task WriteAsync(int number, LabRole role, IReadOnlyList<WorkloadOperation> operations, TimeSpan interval)
    {
        await Task.Yield();
        var connectionString = new NpgsqlConnectionStringBuilder(_database.ConnectionStringFor(role)) { MaxAutoPrepare = 200, AutoPrepareMinUsages = 2, ApplicationName = $"writer {number}" };
        await using var writer = new Writer(connectionString.ConnectionString, operations, Ledger, _statistics, number, _options.Seed);
        await writer.RunAsync(interval, _stopping.Token);
    }

    private async Task ReadAsync(string sql)
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(_database.ConnectionStringFor(_database.Reader));
                await connection.OpenAsync(_stopping.Token);
                while (!_stopping.IsCancellationRequested)
                {
                    var watch = Stopwatch.StartNew();
                    await using var command = new NpgsqlCommand(sql, connection);
                    await command.ExecuteScalarAsync(_stopping.Token);
                    _statistics.CountRead(watch.Elapsed);
                    await Task.Delay(100, _stopping.Token);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (PostgresException exception) when (exception.SqlState[..2] is not ("57" or "53"))
            {
                _statistics.AddError(new WorkloadError("read", exception.SqlState, exception.MessageText, DateTimeOffset.UtcNow));
                await Task.Delay(100, CancellationToken.None);
            }
            catch (NpgsqlException)
            {
                _statistics.CountDisconnect();
                await Task.Delay(100, CancellationToken.None);
            }
        }
    }
}
