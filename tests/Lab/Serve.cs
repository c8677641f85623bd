namespace HerokuMigrator.Lab;

/// <summary>Keeps a pair of servers up for whoever wants to try something by hand.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(LabArguments arguments, CancellationToken cancellationToken)
    {
        await using var source = await HerokuLikeServer.StartAsync(cancellationToken);
        await using var target = await PlanetScaleLikeServer.StartAsync(cancellationToken);
        var tiny = arguments.Has("tiny");
        await (tiny ? TinySchema.CreateAsync(source.Database, cancellationToken) : ShopSchema.CreateAsync(source.Database, arguments.Number("scale", 1), cancellationToken));

        var rate = arguments.Number("rate", 0);
        var options = new WorkloadOptions { TransactionsPerSecond = rate, Clients = (int)arguments.Number("clients", 8) };
        await using var workload = rate == 0 ? null : tiny ? Workload.StartTiny(source.Database, options) : Workload.StartShop(source.Database, options);

        await Console.Out.WriteLineAsync($"export HEROKU_URL={ShellQuote(source.Url)}");
        await Console.Out.WriteLineAsync($"export PLANETSCALE_URL={ShellQuote(target.Url)}");
        await Console.Out.WriteLineAsync($"# superuser: psql {string.Join(' ', source.Server.AdminArguments(source.Database.Name))}");
        await Console.Out.WriteLineAsync($"# superuser: psql {string.Join(' ', target.Server.AdminArguments(target.Database.Name))}");
        await Console.Out.FlushAsync(cancellationToken);
        await WaitForEndOfInputAsync(cancellationToken);
        if (workload is not null)
        {
            await workload.StopAsync();
            await Console.Out.WriteLineAsync($"# {workload}");
        }

        return 0;
    }

    private static string ShellQuote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static async Task WaitForEndOfInputAsync(CancellationToken cancellationToken)
    {
        // Reading a console cannot be cancelled, so the reader is left behind where a signal comes first.
        var reading = Task.Run(() => Console.In.ReadToEnd(), CancellationToken.None);
        await Task.WhenAny(reading, Task.Delay(Timeout.Infinite, cancellationToken));
    }
}
