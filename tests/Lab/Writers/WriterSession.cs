using Npgsql;

namespace HerokuMigrator.Lab;

/// <summary>What one operation of a workload may use: one writer's connection, within one transaction.</summary>
internal sealed class WriterSession(NpgsqlConnection connection, int writer, Random random, CancellationToken cancellationToken)
{
    public int Writer { get; } = writer;

    public Random Random { get; } = random;

    public Task ExecuteAsync(string sql, params object[] parameters) => ScalarAsync(sql, parameters);

    public async Task<object?> ScalarAsync(string sql, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>A number from 1 to the given one.</summary>
    public int Any(int most) => Random.Next(1, most + 1);

    /// <summary>A number that no row of the filled schema has, and that hardly comes twice.</summary>
    public int AnyNew() => Random.Next(100_000, int.MaxValue);

    public T Pick<T>(params T[] values) => values[Random.Next(values.Length)];

    /// <summary>Text with all that COPY, CSV and SQL must escape.</summary>
    public string AwkwardText() => Pick("", " ", "\t", "a\nb", "a\r\nb", "\\N", "\\.", "\\", "'", "\"", "{NULL}", "ü 🎉 日本語", "100%", new string('x', 3000)) + Random.Next();
}

/// <param name="Kind">Its name in counters and in the ledger.</param>
/// <param name="Weight">How often it comes, among all of its workload.</param>
/// <param name="ByCredential">True where the second credential may do it too.</param>
internal sealed record WorkloadOperation(string Kind, int Weight, bool ByCredential, Func<WriterSession, Task> RunAsync)
{
    /// <summary>A rolled-back transaction is no transaction: nothing of it may ever be on either side.</summary>
    public bool RollsBack { get; init; }
}
