using System.ComponentModel;
using System.Diagnostics;

namespace HerokuMigrator.Processes;

/// <summary>One process, told apart from a later one with the same id by the time it was started.</summary>
internal sealed record ProcessMember(int Id, int ParentId, string StartTicks)
{
    /// <summary>The parent may be another by now: who loses it gets init's.</summary>
    public bool IsRunning => ProcessTree.Read(Id)?.StartTicks == StartTicks;

    public void Kill()
    {
        try
        {
            if (!IsRunning)
                return;
            using var process = Process.GetProcessById(Id);
            process.Kill();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // Gone already.
        }
    }
}

/// <summary>
/// The processes below another one, as Linux tells them in /proc; empty on other systems.
/// Process.Kill(entireProcessTree) does not reach the children of a program that has ended.
/// </summary>
internal static class ProcessTree
{
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(2);

    public static IReadOnlyList<ProcessMember> Below(int rootId)
    {
        if (!OperatingSystem.IsLinux())
            return [];

        var all = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? Read(id) : null)
            .OfType<ProcessMember>()
            .ToLookup(member => member.ParentId);
        var found = new List<ProcessMember>();
        var open = new Queue<int>([rootId]);
        while (open.TryDequeue(out var parent))
        {
            foreach (var child in all[parent])
            {
                found.Add(child);
                open.Enqueue(child.Id);
            }
        }

        return found;
    }

    /// <summary>Kills them, and waits until they are gone, which the system brings about a little later.</summary>
    public static async Task KillAsync(IReadOnlyList<ProcessMember> members)
    {
        foreach (var member in members)
            member.Kill();
        var started = Stopwatch.GetTimestamp();
        while (members.Any(member => member.IsRunning) && Stopwatch.GetElapsedTime(started) < Dying)
            await Task.Delay(10);
    }

    /// <summary>Null where it runs no more, even if nobody has taken note of its end yet.</summary>
    public static ProcessMember? Read(int id)
    {
        try
        {
            // The name in parentheses may hold blanks and parentheses; the fields follow its last one.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new ProcessMember(id, int.Parse(fields[1]), fields[19]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
