using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>
/// Switches and undoes them, again and again, under writers of the shop, some of whose transactions are long; in one round an INSERT … SELECT of a minute is in flight.
/// Each switch must leave every transaction that a writer saw committed on the target, and none may commit on the source after it.
/// </summary>
internal static class SwitchBench
{
    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        var program = arguments.Required("console");
        var rounds = (int)arguments.Number("rounds", 50);
        var workload = new WorkloadOptions
        {
            Clients = (int)arguments.Number("clients", 16),
            TransactionsPerSecond = arguments.Number("rate", 500),
            LongTransactions = (int)arguments.Number("long", 2),
        };
        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{BenchMachine.Description}; {workload.Clients} sessions, {workload.TransactionsPerSecond} transactions a second, {workload.LongTransactions} more sessions with transactions of 2 s"));
        if (arguments.Has("forerunner"))
        {
            await ForerunnerSwitch.MeasureAsync(workload, cancellationToken);
        }

        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        var stateFolder = BenchMachine.CreateStateFolder();
        try
        {
            await ShopSchema.CreateAsync(source.Database, arguments.Number("scale", 1), cancellationToken);
            await using var writers = Workload.StartShop(source.Database, workload);
            var face = new ConsoleFace(program, source.Url, target.Url, stateFolder, []);
            await face.RunAsync(MigrationStep.Start, cancellationToken);
            var pauses = new List<Round>();
            for (var round = 1; round <= rounds; round++)
            {
                await face.RunAsync(MigrationStep.WaitUntilReady, cancellationToken);
                await writers.WaitForCommitsAsync(200, TimeSpan.FromSeconds(60), cancellationToken);
                pauses.Add(await SwitchAsync(face, writers, source.Database, target.Database, round, withBulk: round == (rounds + 1) / 2, cancellationToken));
                await Console.Out.WriteLineAsync($"{round,3}: {pauses[^1]}");
                await face.RunAsync(MigrationStep.Undo, cancellationToken);
                if (writers.Errors.Count > 0)
                {
                    throw new DemoException($"Writers met errors: {string.Join("; ", writers.Errors.Take(5))}");
                }
            }

            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{rounds} switches and undos, {writers.Committed:#,0} transactions at {writers.Rate:0} a second, none lost, none after a fence; write pause (first refusal to safe): median {Median(pauses, round => round.Seen):0} ms, worst {pauses.Max(round => round.Seen):0} ms; from the locks on: median {Median(pauses, round => round.Told):0} ms, worst {pauses.Max(round => round.Told):0} ms; load {BenchMachine.Load}"));
            await face.RunAsync(MigrationStep.Stop, cancellationToken);
            return 0;
        }
        finally
        {
            LeftoverProcesses.Kill(stateFolder);
            Directory.Delete(stateFolder, recursive: true);
        }
    }

    private static async Task<Round> SwitchAsync(
        ConsoleFace face, Workload writers, HerokuLikeDatabase source, PlanetScaleLikeDatabase target, int round, bool withBulk, CancellationToken cancellationToken)
    {
        await using var bulk = withBulk ? await BulkInsert.StartAsync(source, round, cancellationToken) : null;
        var done = await face.RunAsync(MigrationStep.Switch, cancellationToken);
        var committed = writers.Committed;
        await Task.Delay(300, cancellationToken);
        if (writers.Committed != committed)
        {
            throw new DemoException($"{writers.Committed - committed} transactions were committed on the source after switch {round}.");
        }

        var ledger = await LedgerCheck.CompareAsync(writers.Ledger, target.AdminConnectionString, cancellationToken);
        if (!ledger.IsComplete)
        {
            throw new DemoException($"After switch {round}: {ledger}");
        }

        if (bulk is not null)
        {
            await bulk.MustBeOnAsync(target, cancellationToken);
        }

        if (writers.Pauses is not [.., { ResumedAt: null } pause])
        {
            throw new DemoException($"No writer was refused after switch {round}.");
        }

        var seen = (done.SafeAt!.Value - pause.RefusedAt).TotalMilliseconds;
        return new Round(seen, done.WritePauseMs!.Value, done.FailedAttemptsMs ?? 0, done.LockAttempts ?? 0, string.Join(", ", done.Steps.Select(step => $"{step.Name} {step.DurationMs:0}")));
    }

    private static double Median(List<Round> rounds, Func<Round, double> of) => BenchMachine.Median(rounds.Select(of));

    /// <param name="Seen">Milliseconds from the first refusal that a writer met to the moment that the target was safe.</param>
    /// <param name="Told">Milliseconds that the switch told.</param>
    private sealed record Round(double Seen, double Told, double Failed, int Attempts, string Steps)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seen {Seen:0} ms, told {Told:0} ms, {Attempts} attempts, {Failed:0} ms of failed ones; {Steps}");
    }

    /// <summary>A statement that is at work for a minute; whatever of it commits must be on the target.</summary>
    private sealed class BulkInsert : IAsyncDisposable
    {
        private const int Rows = 60;
        private readonly NpgsqlConnection _connection;
        private readonly Task<int> _statement;
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private readonly int _round;

        private BulkInsert(NpgsqlConnection connection, int round)
        {
            (_connection, _round) = (connection, round);
            var command = new NpgsqlCommand(string.Create(
                CultureInfo.InvariantCulture, $"INSERT INTO public.ledger (id, writer, seq, kind) SELECT gen_random_uuid(), -{round}, g, 'bulk' FROM generate_series(1, {Rows}) g WHERE pg_sleep(1) IS NOT NULL"), connection) { CommandTimeout = 0 };
            _statement = command.ExecuteNonQueryAsync(CancellationToken.None);
        }

        public static async Task<BulkInsert> StartAsync(HerokuLikeDatabase source, int round, CancellationToken cancellationToken)
        {
            var connection = new NpgsqlConnection(source.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            var bulk = new BulkInsert(connection, round);
            await Task.Delay(2000, cancellationToken);
            return bulk;
        }

        public async Task MustBeOnAsync(LabDatabase target, CancellationToken cancellationToken)
        {
            var committed = await _statement;
            await using var connection = new NpgsqlConnection(target.AdminConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM public.ledger WHERE writer = -{_round}"), connection);
            var there = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
            if (there != committed)
            {
                throw new DemoException($"The long statement committed {committed} rows; {there} are on the target.");
            }

            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"     an INSERT … SELECT of {_watch.Elapsed.TotalSeconds:0} s was in flight: its {committed} rows are on the target"));
        }

        public ValueTask DisposeAsync() => _connection.DisposeAsync();
    }
}
