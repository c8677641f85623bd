namespace HerokuMigrator.Lab;

/// <summary>The lab as a program: <c>serve</c> for trying things by hand.</summary>
internal static class LabCommandLine
{
    private const string Usage = """
        usage: HerokuMigrator.Lab serve [--tiny] [--scale N] [--rate N] [--clients N]

          serve   starts a Heroku-like and a PlanetScale-like server, fills the first, writes to it where a rate
                  is given, prints HEROKU_URL and PLANETSCALE_URL for a shell to evaluate, and stops when its
                  input ends or on SIGINT or SIGTERM
        """;

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            return arguments switch
            {
                ["serve", .. var rest] => await Serve.RunAsync(LabArguments.Parse(rest, ["tiny"], ["scale", "rate", "clients"]), cancellationToken),
                _ => throw new ArgumentException(Usage, nameof(arguments)),
            };
        }
        catch (ArgumentException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
        catch (LabException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 130;
        }
    }
}
