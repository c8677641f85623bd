using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What is made on the source while it replicates is told without being asked for, and brought to the target when its operator says so.</summary>
public sealed class CarryOverSpecs(LabPair lab)
{
    private const string Schema = """
        CREATE TABLE public.orders (id integer PRIMARY KEY, note text); INSERT INTO public.orders SELECT n, 'order ' || n FROM generate_series(1, 3000) n;
        CREATE TABLE public.marks (id integer PRIMARY KEY); INSERT INTO public.marks SELECT generate_series(1, 300);
        CREATE TABLE public.events (id bigint, at integer, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE public.events_0 PARTITION OF public.events FOR VALUES FROM (0) TO (100);
        CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (100) TO (200);
        INSERT INTO public.events SELECT n, n % 200 FROM generate_series(1, 500) n;
        CREATE TABLE public.plain (line text, more integer); INSERT INTO public.plain VALUES ('a', 1), ('b', 2);
        CREATE TABLE public.narrow (id integer PRIMARY KEY, gone text, kept text); INSERT INTO public.narrow VALUES (1, 'x', 'y'), (2, 'x', 'y');
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        """;

    /// <summary>Values of before are not what the default of now says; of its own in each row; of a sequence; in partitions; without a key; with a constraint, an index, a trigger.</summary>
    private const string Changes = """
        ALTER TABLE public.orders ADD COLUMN "State" text NOT NULL DEFAULT 'o''ld';
        ALTER TABLE public.orders ALTER COLUMN "State" SET DEFAULT 'new';
        ALTER TABLE public.orders ADD COLUMN amount numeric(12, 2);
        ALTER TABLE public.orders ADD CONSTRAINT amounts CHECK (amount >= 0);
        ALTER TABLE public.marks ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN number serial;
        ALTER TABLE public.marks ADD CONSTRAINT tokens UNIQUE (token);
        CREATE INDEX "by State" ON public.orders ("State") WHERE amount IS NOT NULL;
        ALTER TABLE public.events ADD COLUMN flag boolean DEFAULT true;
        ALTER TABLE public.plain ADD COLUMN late text DEFAULT 'z';
        CREATE TABLE public.items (id serial PRIMARY KEY, of_order integer NOT NULL REFERENCES public.orders, kind text DEFAULT 'k');
        INSERT INTO public.items (of_order) SELECT n FROM generate_series(1, 100) n;
        CREATE INDEX items_of_order ON public.items (of_order);
        CREATE TRIGGER touched BEFORE INSERT ON public.items FOR EACH ROW EXECUTE FUNCTION public.touch();
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tables_columns_and_indexes_are_told_by_the_worker_and_carried_over_under_a_writer_without_a_wrong_value()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using (var start = HostProgram.Start(move, "start"))
        {
            var (exitCode, _, errors) = await start.WaitAsync(Token);
            Assert.True(exitCode == 0, errors);
        }

        await using var migrator = move.NewMigrator();
        await using var writer = OrderWriter.Start(move.Source);
        await Owner.ExecuteAsync(move.Source, Changes, Token);
        writer.UseNewColumns();
        await WaitForEventAsync(move, "%\"public\".\"items\" is new%-CarryOver%column \"State\" of \"public\".\"orders\"%");
        var blocked = await migrator.GetStatusAsync(Token);
        Assert.Contains("-CarryOver", Assert.Single(blocked.SwitchReasons, reason => reason.Id == "SchemaDrift").Remedy, StringComparison.Ordinal);

        var plan = await migrator.DescribeStartAsync(new StartOptions { CarryOver = true }, Token);
        Assert.Contains(plan.Steps, step => step.Contains("table \"public\".\"items\"", StringComparison.Ordinal));
        Assert.Contains(plan.Steps, step => step.Contains("DEFAULT 'o''ld'::text NOT NULL", StringComparison.Ordinal));
        Assert.False(await move.AskTargetAsync<bool>("SELECT to_regclass('public.items') IS NOT NULL", Token));
        var answer = await FaceCall.Of(move, "start", "--carry-over").RunAsync(Token);
        Assert.True(answer.ExitCode == 0, answer.Errors);
        await migrator.WaitForAsync(status => status.ReadyToSwitch && status.LagSeconds < 5, Token);
        Assert.DoesNotContain((await migrator.GetStatusAsync(Token)).SwitchReasons, reason => reason.Id is "SchemaDrift" or "MissingObjects");
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await writer.StopAsync();
        Assert.True(writer.Committed > 100, $"{writer.Committed} commits");
        await AssertEqualAsync(move, migrator);
        Assert.Equal("'new'::text", await move.AskTargetAsync<string>("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attname = 'State'", Token));
        await migrator.StopAsync(Token);
    }

    [Fact]
    public async Task What_cannot_be_carried_is_named_with_its_remedy_and_accepted_once_both_sides_have_it()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await Owner.ExecuteAsync(move.Source, Schema, Token);
        await using var migrator = move.NewMigrator();
        await migrator.StartAsync(Token);
        await Owner.ExecuteAsync(
            move.Source, "ALTER TABLE public.narrow DROP COLUMN gone; CREATE TYPE public.mood AS ENUM ('good', 'bad'); ALTER TABLE public.narrow ADD COLUMN mood public.mood DEFAULT 'good'; UPDATE public.narrow SET mood = 'bad' WHERE id = 2; DROP TABLE public.plain", Token);
        await migrator.StartAsync(new StartOptions { CarryOver = true }, Token);
        var told = Assert.Single(move.Events.Warnings, warning => warning.Contains("narrow", StringComparison.Ordinal));
        Assert.Contains("make type public.mood", told, StringComparison.Ordinal);
        const string remedy = "ALTER TABLE \"public\".\"narrow\" DROP COLUMN \"gone\", ADD COLUMN IF NOT EXISTS \"mood\" public.mood DEFAULT 'good'::public.mood;";
        Assert.Contains(remedy, told, StringComparison.Ordinal);
        Assert.Contains(move.Events.Warnings, warning => warning.Contains("DROP TABLE \"public\".\"plain\";", StringComparison.Ordinal));
        await Assert.ThrowsAsync<MigrationException>(() => migrator.SwitchAsync(new SwitchOptions(), Token));

        await Owner.ExecuteAsync(move.Target, "CREATE TYPE public.mood AS ENUM ('good', 'bad'); DROP TABLE public.plain; " + remedy, Token);
        await migrator.StartAsync(new StartOptions { CarryOver = true }, Token);
        await Owner.ExecuteAsync(move.Source, "UPDATE public.narrow SET mood = 'bad' WHERE id = 1", Token);
        await migrator.SwitchAsync(new SwitchOptions(), Token);
        await AssertEqualAsync(move, migrator);
        await migrator.StopAsync(Token);
        await Assert.ThrowsAsync<MigrationException>(() => migrator.StartAsync(new StartOptions { CarryOver = true }, Token));
    }

    private static async Task AssertEqualAsync(LabMove move, Migrator migrator)
    {
        var comparison = await DatabaseContents.CompareAsync(move.Source, move.Target, Token);
        Assert.True(comparison.AreEqual, comparison.ToString());
        Assert.All((await migrator.CompareObjectsAsync(Token)).Where(kind => kind.Kind is not "Extension"), kind => Assert.True(kind.Outcome == ComparisonOutcome.Equal, $"{kind}\n{string.Join('\n', kind.Differences)}"));
    }

    private static async Task WaitForEventAsync(LabMove move, string pattern)
    {
        var until = DateTimeOffset.UtcNow.AddMinutes(3);
        while (await move.AskTargetAsync<long>($"SELECT count(*) FROM heroku_migrator.event WHERE kind = 'drift' AND message LIKE '{pattern.Replace("'", "''", StringComparison.Ordinal)}'", Token) == 0)
        {
            Assert.True(DateTimeOffset.UtcNow < until, await move.AskTargetAsync<string>("SELECT string_agg(kind || ': ' || message, E'\\n') FROM heroku_migrator.event", Token));
            await Task.Delay(200, Token);
        }
    }

    /// <summary>Changes orders until writes are refused, with the new columns once they are there.</summary>
    private sealed class OrderWriter : IAsyncDisposable
    {
        private const string Before = "INSERT INTO public.orders (id, note) SELECT coalesce(max(id), 0) + 1, 'written' FROM public.orders; UPDATE public.orders SET note = note || '.' WHERE id = 1 + (random() * 2999)::int; DELETE FROM public.orders WHERE id = 1000 + (random() * 1999)::int";
        private const string After = "; UPDATE public.orders SET amount = random() * 100, \"State\" = 'at ' || clock_timestamp() WHERE id = 1 + (random() * 2999)::int; UPDATE public.marks SET token = gen_random_uuid() WHERE id = 1 + (random() * 299)::int; UPDATE public.events SET flag = random() < 0.5 WHERE id = 1 + (random() * 499)::int; INSERT INTO public.items (of_order) SELECT min(id) FROM public.orders";

        private readonly CancellationTokenSource _stop = new();
        private readonly Task _work;
        private volatile string _sql = Before;

        private OrderWriter(LabDatabase source) => _work = Task.Run(() => RunAsync(source));

        public int Committed { get; private set; }

        public static OrderWriter Start(LabDatabase source) => new(source);

        public void UseNewColumns() => _sql = Before + After;

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _work;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
        }

        private async Task RunAsync(LabDatabase source)
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    await Owner.ExecuteAsync(source, _sql, CancellationToken.None);
                    Committed++;
                }
                catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.DeadlockDetected)
                {
                    // The fence, or the locks of a change of the schema.
                }
            }
        }
    }
}
