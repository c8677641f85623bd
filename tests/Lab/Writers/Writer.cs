using System.Diagnostics;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>One client that writes transactions at its share of the rate, and goes on after whatever happens to it.</summary>
internal sealed class Writer : IAsyncDisposable
{
    private static readonly TimeSpan BackOff = TimeSpan.FromMilliseconds(50);

    // Not allowed; read-only transaction; connections to the database are not allowed.
    private static readonly string[] Refusals = ["42501", "25006"];
    private static readonly string[] Retries = ["40P01", "40001"];

    private readonly string _connectionString;
    private readonly IReadOnlyList<WorkloadOperation> _operations;
    private readonly Ledger _ledger;
    private readonly WorkloadStatistics _statistics;
    private readonly int _number;
    private readonly Random _random;
    private NpgsqlConnection? _connection;
    private long _sequence;

    public Writer(string connectionString, IReadOnlyList<WorkloadOperation> operations, Ledger ledger, WorkloadStatistics statistics, int number, int seed)
    {
        _connectionString = connectionString;
        _operations = [.. operations.SelectMany(operation => Enumerable.Repeat(operation, operation.Weight))];
        _ledger = ledger;
        _statistics = statistics;
        _number = number;
        _random = new Random((seed * 1000) + number);
    }

    /// <summary>Writes until cancelled; a transaction that has begun is ended first.</summary>
    public async Task RunAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var next = interval * _random.NextDouble();
        while (!cancellationToken.IsCancellationRequested)
        {
            if (next - clock.Elapsed is { Ticks: > 0 } wait)
            {
                await Task.Delay(wait, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            var wentWell = await WriteAsync(_operations[_random.Next(_operations.Count)], cancellationToken);
            next = wentWell ? Later(next + interval, clock.Elapsed - TimeSpan.FromMilliseconds(200)) : clock.Elapsed + BackOff;
        }
    }

    /// <summary>Writes one transaction; false where it did not commit.</summary>
    public async Task<bool> WriteAsync(WorkloadOperation operation, CancellationToken cancellationToken)
    {
        var begunAt = DateTimeOffset.UtcNow;
        var entry = new LedgerEntry(Guid.NewGuid(), _number, operation.Kind, begunAt);
        var committing = false;
        try
        {
            var connection = await ConnectAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            await RunInTransactionAsync(connection, operation, entry);
            if (operation.RollsBack)
            {
                await transaction.RollbackAsync(CancellationToken.None);
                _statistics.CountRollback();
                return true;
            }

            committing = true;
            await transaction.CommitAsync(CancellationToken.None);
            var at = DateTimeOffset.UtcNow;
            _ledger.AddCommitted(entry with { At = at });
            _statistics.CountCommit(operation.Kind, begunAt, at);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (PostgresException exception) when (Refusals.Contains(exception.SqlState))
        {
            _statistics.CountRefusal(DateTimeOffset.UtcNow);
            return false;
        }
        catch (PostgresException exception) when (Retries.Contains(exception.SqlState))
        {
            _statistics.CountRetry();
            return false;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            if (committing)
            {
                _ledger.AddUncertain(entry);
            }

            _statistics.CountDisconnect();
            await DisposeAsync();
            return false;
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException)
        {
            var state = (exception as PostgresException)?.SqlState ?? "";
            _statistics.AddError(new WorkloadError(operation.Kind, state, exception.Message, DateTimeOffset.UtcNow));
            await DisposeAsync();
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        var connection = Interlocked.Exchange(ref _connection, null);
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task RunInTransactionAsync(NpgsqlConnection connection, WorkloadOperation operation, LedgerEntry entry)
    {
        // Once begun, a transaction is carried through: a stop must not look like a lost one.
        var session = new WriterSession(connection, _number, _random, CancellationToken.None);
        // Either end of a transaction, so that the ledger is neither always the first nor always the last table written.
        var ledgerFirst = _random.Next(2) == 0;
        if (ledgerFirst)
        {
            await WriteLedgerAsync(session, entry);
        }

        await operation.RunAsync(session);
        if (!ledgerFirst)
        {
            await WriteLedgerAsync(session, entry);
        }
    }

    private Task WriteLedgerAsync(WriterSession session, LedgerEntry entry) =>
        session.ExecuteAsync("INSERT INTO public.ledger (id, writer, seq, kind) VALUES ($1, $2, $3, $4)", entry.Id, _number, ++_sequence, entry.Kind);

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: System.Data.ConnectionState.Open } open)
        {
            return open;
        }

        await DisposeAsync();
        var connection = new NpgsqlConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        return _connection = connection;
    }

    /// <summary>The session was ended, or the server is away or not ready: nothing that a client could not meet any day.</summary>
    private bool IsBroken(Exception exception) => exception switch
    {
        PostgresException { SqlState: "57P01" or "57P02" or "57P03" or "53300" } => true,
        PostgresException => false,
        NpgsqlException => true,
        InvalidOperationException => _connection is not { State: System.Data.ConnectionState.Open },
        _ => false,
    };

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
