using System.Globalization;

namespace HerokuMigrator.Lab;

/// <summary>What has to stand beside every figure that is measured.</summary>
internal static class BenchMachine
{
    public static string Load => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    public static string Description => string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores, load {Load}");

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>Where the console face keeps its home; its embedded servers may run as another user.</summary>
    public static string CreateStateFolder()
    {
        var folder = Directory.CreateTempSubdirectory("hmbench-");
        folder.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        return folder.FullName;
    }
}
