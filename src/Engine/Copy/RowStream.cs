using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>COPY from one server into the other, without a look at the rows.</summary>
internal static class RowStream
{
    private const int BufferSize = 64 * 1024;

    /// <param name="source">Where the rows come from, with the pinned settings.</param>
    /// <param name="from">A table with its columns, or a query in parentheses.</param>
    /// <param name="target">Where they go, with the same settings.</param>
    /// <param name="into">A table with its columns.</param>
    /// <param name="cancellationToken">Ends both; the caller's transaction must not be committed then.</param>
    public static async Task<(long Rows, long Bytes)> SendAsync(NpgsqlConnection source, string from, NpgsqlConnection target, string into, CancellationToken cancellationToken)
    {
        using var reader = await source.BeginTextExportAsync($"COPY {from} TO STDOUT", cancellationToken);
        await using var writer = await target.BeginTextImportAsync($"COPY {into} FROM STDIN", cancellationToken);
        // The bytes as they are: decoding them would take a first value's U+FEFF for a byte order mark, and drop it.
        var input = ((StreamReader)reader).BaseStream;
        var output = ((StreamWriter)writer).BaseStream;
        var buffer = new byte[BufferSize];
        long rows = 0, bytes = 0;
        int read;
        while ((read = await input.ReadAsync(buffer.AsMemory(), cancellationToken)) > 0)
        {
            // A line end inside a value is escaped in this format, so each one ends a row.
            rows += buffer.AsSpan(0, read).Count((byte)'\n');
            bytes += read;
            await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return (rows, bytes);
    }
}
