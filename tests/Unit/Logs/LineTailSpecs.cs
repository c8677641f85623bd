using HerokuMigrator.State;
using Xunit;

namespace HerokuMigrator.Unit.Logs;

public sealed class LineTailSpecs : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hm-tail-");

    private string FilePath => Path.Combine(_folder.FullName, "log");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Only_whole_lines_are_told_and_each_once()
    {
        var tail = new LineTail(FilePath);
        Assert.Empty(tail.Read());
        File.AppendAllText(FilePath, "one\ntw");
        Assert.Equal(["one"], tail.Read());
        Assert.Empty(tail.Read());
        File.AppendAllText(FilePath, "o\nKäse\n");
        Assert.Equal(["two", "Käse"], tail.Read());
    }

    [Fact]
    public void A_line_that_is_longer_than_a_piece_is_told_whole()
    {
        var line = new string('x', 3_000_000);
        File.WriteAllText(FilePath, $"{line}\nshort\n");
        Assert.Equal([line, "short"], new LineTail(FilePath).Read());
    }

    [Fact]
    public void A_file_that_takes_the_place_of_another_is_read_from_its_start()
    {
        File.WriteAllText(FilePath, "first, and long\n");
        var tail = new LineTail(FilePath);
        Assert.Single(tail.Read());
        File.WriteAllText(FilePath, "new\n");
        Assert.Equal(["new"], tail.Read());
    }
}
