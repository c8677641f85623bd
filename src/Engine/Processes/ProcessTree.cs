using System.ComponentModel;
using System.Diagnostics;

namespace HerokuMigrator.Processes;

/// <summary>One process, told apart from a later one with the same id by the time it was started.</summary>
internal sealed record ProcessMember(int Id, int ParentId, string StartTicks)
{
    public void Kill()
    {
        try
        {
            if (ProcessTree.Read(Id) != this && ProcessTree.Read(Id)?.StartTicks != StartTicks)
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

/// <summary>The processes below another one, as Linux tells them in /proc; empty on other systems.</summary>
internal static class ProcessTree
{
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

    public static ProcessMember? Read(int id)
    {
        try
        {
            // The name in parentheses may hold blanks and parentheses; the fields follow its last one.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessMember(id, int.Parse(fields[1]), fields[19]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
