using System.Text;

namespace HerokuMigrator.State;

/// <summary>Reads the lines that come to the end of a file that others write; a file that is not there, or not readable, has none.</summary>
internal sealed class LineTail(string path)
{
    private const int PieceBytes = 1 << 20;

    private long _position;

    /// <summary>Whole lines since the last call, a piece of the file in memory at a time.</summary>
    public IEnumerable<string> Read()
    {
        var wanted = PieceBytes;
        while (ReadPiece(wanted) is { Length: > 0 } piece)
        {
            // Cut after the last line end: a sign of several bytes may not be there whole yet.
            var end = Array.LastIndexOf(piece, (byte)'\n') + 1;
            if (end == 0 && piece.Length < wanted)
            {
                yield break;
            }

            wanted = end == 0 ? wanted * 2 : PieceBytes;
            _position += end;
            foreach (var line in Encoding.UTF8.GetString(piece, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                yield return line;
            }
        }
    }

    private byte[] ReadPiece(int most)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length < _position)
            {
                // A new file has taken the place of the full one.
                _position = 0;
            }

            stream.Seek(_position, SeekOrigin.Begin);
            var piece = new byte[Math.Min(most, stream.Length - _position)];
            var read = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
            return piece[..read];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
