using System.Collections.Concurrent;
using HerokuMigrator.Schema;
using Xunit;

namespace HerokuMigrator.Unit.Schema;

public sealed class BuildQueueSpecs
{
    private readonly ConcurrentQueue<string> _begun = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_longest_piece_begins_first_and_a_tables_last_one_after_its_others()
    {
        await new BuildQueue([Piece("a", 1), Piece("b", 3), Piece("c", 2), Piece("a", 9, isLast: true), Piece("d", 8, isLast: true), Piece(null, 2.5)]).RunAsync(1, Token);
        Assert.Equal(["d 8", "b 3", " 2.5", "c 2", "a 1", "a 9"], _begun);
    }

    [Fact]
    public async Task Pieces_that_are_done_at_once_can_run_side_by_side()
    {
        await new BuildQueue([Piece("a", 2), Piece("b", 1), Piece(null, 0), Piece("a", 3, isLast: true)]).RunAsync(4, Token);
        Assert.Equal(4, _begun.Count);
    }

    [Fact]
    public async Task No_more_run_side_by_side_than_are_allowed_to()
    {
        var now = 0;
        var seen = new ConcurrentQueue<int>();
        var pieces = Enumerable.Range(0, 20).Select(number => new BuildPiece($"t{number % 4}", number, number % 5 == 0, async token =>
        {
            seen.Enqueue(Interlocked.Increment(ref now));
            await Task.Delay(5, token);
            Interlocked.Decrement(ref now);
        }));
        await new BuildQueue([.. pieces]).RunAsync(3, Token);
        Assert.Equal(3, seen.Max());
    }

    [Fact]
    public async Task The_first_failure_ends_the_others_and_is_thrown()
    {
        var ended = false;
        var waiting = new BuildPiece("a", 5, false, async token =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                ended = true;
            }
        });
        var failing = new BuildPiece("b", 4, false, async _ =>
        {
            await Task.Yield();
            throw new InvalidOperationException("no room");
        });
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => new BuildQueue([waiting, failing, Piece("b", 1, isLast: true)]).RunAsync(2, Token));
        Assert.Equal("no room", failure.Message);
        Assert.True(ended);
        Assert.Empty(_begun);
    }

    private BuildPiece Piece(string? table, double length, bool isLast = false) => new(table, length, isLast, _ =>
    {
        _begun.Enqueue(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{table} {length}"));
        return Task.CompletedTask;
    });
}
