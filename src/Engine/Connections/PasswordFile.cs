using System.Text;

namespace HerokuMigrator.Connections;

/// <summary>libpq's password files: lines of <c>host:port:database:user:password</c>, where * stands for anything and \ escapes \ and :.</summary>
internal static class PasswordFile
{
    private const UnixFileMode ForOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Folders of sockets that some libpq was built to take for its default one, for which password files say localhost.</summary>
    private static readonly string[] DefaultSocketFolders = ["/var/run/postgresql", "/tmp"];

    /// <summary>The password of the first line that matches; null where none does, or where libpq would not read the file.</summary>
    public static string? Find(string path, ConnectionHost host, string database, string user, ICollection<string> notes)
    {
        if (!File.Exists(path))
            return null;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ForOthers) != UnixFileMode.None)
        {
            notes.Add($"The password file {path} is ignored, as others may read it; run chmod 0600 on it.");
            return null;
        }

        string[] names = host.IsSocket && DefaultSocketFolders.Contains(host.Name) ? [host.Name, "localhost"] : [host.Verified];
        return ReadLines(path, notes)
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(Split)
            .Where(fields => fields.Count >= 5
                && names.Any(name => Matches(fields[0], name))
                && Matches(fields[1], host.Port.ToString())
                && Matches(fields[2], database)
                && Matches(fields[3], user))
            .Select(fields => Unescape(fields[4]))
            .FirstOrDefault(password => password.Length > 0);
    }

    /// <summary>The two halves of the lines that make libpq find a password: what they are looked up by, and the password.</summary>
    public static IEnumerable<(string Key, string Password)> Lines(ConnectionHost host, string database, string user, string password)
    {
        string[] names = host.IsSocket && DefaultSocketFolders.Contains(host.Name) ? [host.Name, "localhost"] : [host.Verified];
        return names.Select(name => (string.Join(':', new[] { name, host.Port.ToString(), database, user }.Select(Escape)), Escape(password)));
    }

    private static IEnumerable<string> ReadLines(string path, ICollection<string> notes)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            notes.Add($"The password file {path} is ignored, as it cannot be read.");
            return [];
        }
    }

    /// <summary>At the colons that no backslash escapes; the fields keep their backslashes.</summary>
    private static List<string> Split(string line)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == ':')
            {
                fields.Add(field.ToString());
                field.Clear();
                continue;
            }

            field.Append(line[i]);
            if (line[i] == '\\' && i + 1 < line.Length)
                field.Append(line[++i]);
        }

        fields.Add(field.ToString());
        return fields;
    }

    private static bool Matches(string field, string value) => field == "*" || Unescape(field) == value;

    private static string Unescape(string field)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 1 < field.Length)
                i++;
            plain.Append(field[i]);
        }

        return plain.ToString();
    }

    private static string Escape(string value) => value.Replace("\\", "\\\\").Replace(":", "\\:");
}
