using HerokuMigrator.Lab;
using Npgsql;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>What goes on at the source while it is looked at.</summary>
public sealed class ReadinessOfLoadSpecs(LabPair lab)
{
    [Fact]
    [Fires("WriteRate")]
    public async Task A_source_that_is_written_faster_than_it_could_be_applied_is_a_warning_with_the_busiest_table()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.\"Clicks\" (id bigint); CREATE TABLE public.quiet (id bigint)", token);

        ReadinessCheck check;
        await using (WriterOfMany.Start(move.Source, "INSERT INTO public.\"Clicks\" SELECT generate_series(1, 100000)"))
        {
            check = await move.CheckAsync("WriteRate");
        }

        check.MustBe(CheckStatus.Warning, "\"public\".\"Clicks\"");
        Assert.Matches(@"Changed rows of all tables: \d+ rows/s in the \d+\.\d s", check.Finding);
    }

    [Fact]
    [Passes("WriteRate")]
    public async Task A_quiet_source_passes_with_the_rate_that_was_seen()
    {
        var token = TestContext.Current.CancellationToken;
        await using var move = await lab.NewMoveAsync(token);
        await move.Source.ExecuteAsOwnerAsync("CREATE TABLE public.quiet (id bigint)", token);

        var check = await move.CheckAsync("WriteRate");

        check.MustBe(CheckStatus.Pass);
        Assert.Contains("0 rows/s in the", check.Finding, StringComparison.Ordinal);
    }

    /// <summary>Runs one statement after the other until it is disposed of.</summary>
    private sealed class WriterOfMany : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _writing;

        private WriterOfMany(LabDatabase database, string sql) => _writing = WriteAsync(database, sql);

        public static WriterOfMany Start(LabDatabase database, string sql) => new(database, sql);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _writing;
            _end.Dispose();
        }

        private async Task WriteAsync(LabDatabase database, string sql)
        {
            await using var connection = new NpgsqlConnection(database.AdminConnectionString);
            await connection.OpenAsync();
            while (!_end.IsCancellationRequested)
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync();
            }
        }
    }
}
