using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Passes what one server's COPY sends to the other's, as it comes: nothing of it is parsed, and no row is held whole.</summary>
internal static class CopyStream
{
    /// <summary>How much is passed on, accounted for and slowed down at a time.</summary>
    private const int BufferSize = 128 * 1024;

    /// <summary>Called for each piece that was passed on, with its bytes and, in the text format, the ends of rows in it.</summary>
    public delegate ValueTask Passed(int bytes, int rows, CancellationToken cancellationToken);

    /// <param name="source">Where <paramref name="select"/> is asked.</param>
    /// <param name="select">A query in parentheses.</param>
    /// <param name="target">In a transaction of the caller, which is not to be committed where this throws.</param>
    /// <param name="into">Table and columns.</param>
    /// <param name="format">The same on both sides.</param>
    /// <param name="passed">May wait: nothing is read meanwhile.</param>
    /// <param name="cancellationToken">Ends both sides.</param>
    public static async Task RelayAsync(
        NpgsqlConnection source, string select, NpgsqlConnection target, string into, CopyFormat format, Passed passed, CancellationToken cancellationToken)
    {
        var binary = format == CopyFormat.Binary;
        await using var from = binary
            ? await source.BeginRawBinaryCopyAsync($"COPY {select} TO STDOUT (FORMAT binary)", cancellationToken)
            : Raw(((StreamReader)await source.BeginTextExportAsync($"COPY {select} TO STDOUT", cancellationToken)).BaseStream);
        await using var to = binary
            ? await target.BeginRawBinaryCopyAsync($"COPY {into} FROM STDIN (FORMAT binary)", cancellationToken)
            : Raw(((StreamWriter)await target.BeginTextImportAsync($"COPY {into} FROM STDIN", cancellationToken)).BaseStream);
        try
        {
            await PassAsync(from, to, binary, passed, cancellationToken);
        }
        catch
        {
            await AbandonAsync(from, to);
            throw;
        }
    }

    private static async Task PassAsync(NpgsqlRawCopyStream from, NpgsqlRawCopyStream to, bool binary, Passed passed, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        while (true)
        {
            // The servers send each row by itself.
            var filled = 0;
            int read;
            do
            {
                read = await from.ReadAsync(buffer.AsMemory(filled), cancellationToken);
                filled += read;
            }
            while (read > 0 && filled < buffer.Length);
            if (filled == 0)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, filled), cancellationToken);
            // A line end inside a value is escaped in the text format, so each one ends a row.
            await passed(filled, binary ? 0 : buffer.AsSpan(0, filled).Count((byte)'\n'), cancellationToken);
        }
    }

    /// <summary>The stream below: decoding the text would take a first value's U+FEFF for a byte order mark, and drop it.</summary>
    private static NpgsqlRawCopyStream Raw(Stream stream) => (NpgsqlRawCopyStream)stream;

    /// <summary>Without it the end of the streams would read the rest of the table, and finish what was written so far.</summary>
    private static async Task AbandonAsync(NpgsqlRawCopyStream from, NpgsqlRawCopyStream to)
    {
        foreach (var stream in new[] { to, from })
        {
            try
            {
                await stream.CancelAsync();
            }
            catch (Exception exception) when (exception is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException)
            {
                // The connection is broken already, which ends it as well.
            }
        }
    }
}
