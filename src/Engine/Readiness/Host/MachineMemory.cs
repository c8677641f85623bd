using System.Globalization;

namespace HerokuMigrator.Readiness;

/// <summary>How much memory programs can still have, by the kernel and by the limits of the container.</summary>
internal static class MachineMemory
{
    /// <summary>In bytes; null where this system does not tell.</summary>
    public static long? Available()
    {
        var room = new[] { OfKernel("/proc/meminfo") }.Concat(OfGroups("/proc/self/cgroup", "/sys/fs/cgroup")).OfType<long>().ToList();
        return room.Count == 0 ? null : Math.Max(0, room.Min());
    }

    internal static long? OfKernel(string meminfo) =>
        Lines(meminfo).Where(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)).Select(line => Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024).FirstOrDefault();

    /// <summary>What is left below each limit, from the process's own group up to the root of both kinds of groups.</summary>
    internal static IEnumerable<long?> OfGroups(string membership, string root)
    {
        foreach (var fields in Lines(membership).Select(line => line.Split(':', 3)).Where(fields => fields.Length == 3))
        {
            var isSecond = fields[0] == "0" && fields[1].Length == 0;
            if (!isSecond && !fields[1].Split(',').Contains("memory"))
            {
                continue;
            }

            var (top, limit, used) = isSecond ? (root, "memory.max", "memory.current") : (Path.Combine(root, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes");
            for (var path = fields[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                yield return Room(Path.Combine(top, path), limit, used);
                if (path.Length == 0)
                {
                    break;
                }
            }
        }
    }

    /// <summary>Pages of files that nobody has used lately count as used, and are given back on demand.</summary>
    private static long? Room(string group, string limit, string used)
    {
        var most = Number(Lines(Path.Combine(group, limit)).FirstOrDefault());
        var now = Number(Lines(Path.Combine(group, used)).FirstOrDefault());
        var cached = Lines(Path.Combine(group, "memory.stat")).Where(line => line.StartsWith("inactive_file ", StringComparison.Ordinal) || line.StartsWith("total_inactive_file ", StringComparison.Ordinal))
            .Select(line => Number(line.Split(' ')[1])).Max() ?? 0;
        return most - now + cached;
    }

    /// <summary>A limit that is "max", or that the first kind of groups writes as nearly 2^63, is none.</summary>
    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < long.MaxValue / 2 ? number : null;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
