using System.Runtime.InteropServices;
using System.Text;
using HerokuMigrator.Processes;

namespace HerokuMigrator.Connections;

/// <summary>Writes the service and password files by which programs outside reach the databases.</summary>
internal static class ServiceFiles
{
    public const string ServiceFileName = "pg_service.conf";
    public const string PasswordFileName = "pgpass";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly string[] CopiedFiles = ["sslrootcert", "sslcert", "sslkey"];

    public static async Task WriteAsync(
        string folder,
        IReadOnlyDictionary<string, ConnectionSettings> byServiceName,
        IReadOnlyDictionary<string, string> serverSettings,
        string? owner,
        CancellationToken cancellationToken)
    {
        var account = owner is not null && System.Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? UserAccount.Find(owner) : null;
        var path = Path.GetFullPath(folder);
        CreateFolder(path, account);

        var services = new StringBuilder();
        var passwords = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, settings) in byServiceName.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
                throw new ArgumentException($"'{name}' is not a name for a service.", nameof(byServiceName));

            var entry = settings.ToServiceEntry(Path.Combine(path, PasswordFileName), serverSettings).ToDictionary(StringComparer.Ordinal);
            if (account is not null)
                await CopyFilesAsync(path, name, entry, account, cancellationToken);
            services.Append('[').Append(name).Append("]\n");
            foreach (var (keyword, value) in entry)
                services.Append(keyword).Append('=').Append(value).Append('\n');
            services.Append('\n');
            AddPasswords(passwords, settings);
        }

        // The passwords first: a service file never points to a password file that is not there.
        var lines = string.Concat(passwords.Select(pair => $"{pair.Key}:{pair.Value}\n"));
        await ReplaceAsync(Path.Combine(path, PasswordFileName), Encoding.UTF8.GetBytes(lines), account, cancellationToken);
        await ReplaceAsync(Path.Combine(path, ServiceFileName), Encoding.UTF8.GetBytes(services.ToString()), account, cancellationToken);
    }

    public static IReadOnlyDictionary<string, string?> Environment(string folder)
    {
        var names = LibpqKeywords.All.Values.Select(keyword => keyword.Variable).OfType<string>()
            .Concat(["PGREQUIRESSL", "PGSERVICEFILE", "PGSYSCONFDIR", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCLUSTER"])
            // Ours, with their passwords: the programs of Bucardo run on, as another user where this one is root.
            .Concat(["HEROKU_URL", "PLANETSCALE_URL"])
            .Distinct(StringComparer.Ordinal);
        var environment = names.ToDictionary(name => name, _ => (string?)null, StringComparer.Ordinal);
        environment["PGSERVICEFILE"] = Path.Combine(Path.GetFullPath(folder), ServiceFileName);
        return environment;
    }

    private static void AddPasswords(Dictionary<string, string> passwords, ConnectionSettings settings)
    {
        foreach (var host in settings.Hosts)
        {
            if (settings.PasswordOf(host) is not { } password)
                continue;
            if (password.Any(c => c is '\n' or '\r' or '\0'))
                throw new MigrationException("ServiceEntryImpossible", ErrorKind.InvalidData, "The password holds a line break, which no password file can hold.", "Give the role another password, then run the same command again.");
            foreach (var (key, escaped) in PasswordFile.Lines(host, settings.Address.Database, settings.Address.User, password))
            {
                if (passwords.TryGetValue(key, out var other) && other != escaped)
                    throw new MigrationException("ServiceEntryImpossible", ErrorKind.InvalidData, $"Two connections to {settings.Address} have different passwords.", "Give the right password in both connection strings.") { Subject = settings.Address.ToString() };
                passwords[key] = escaped;
            }
        }
    }

    private static async Task CopyFilesAsync(string folder, string service, Dictionary<string, string> entry, UserAccount account, CancellationToken cancellationToken)
    {
        foreach (var keyword in CopiedFiles)
        {
            if (!entry.TryGetValue(keyword, out var original) || original == ServerCertificateCheck.SystemBundle || !File.Exists(original))
                continue;
            var copy = Path.Combine(folder, $"{service}.{keyword}");
            await ReplaceAsync(copy, await File.ReadAllBytesAsync(original, cancellationToken), account, cancellationToken);
            entry[keyword] = copy;
        }
    }

    private static void CreateFolder(string path, UserAccount? account)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, Private | UnixFileMode.UserExecute);
        if (account is not null)
            Own(path, account);
    }

    /// <summary>A reader sees the old file or the new one, and nobody else ever sees either.</summary>
    private static async Task ReplaceAsync(string path, byte[] content, UserAccount? account, CancellationToken cancellationToken)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = Private;
            await using (var stream = new FileStream(temporary, options))
            {
                await stream.WriteAsync(content, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            if (account is not null)
                Own(temporary, account);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void Own(string path, UserAccount account)
    {
        if (ChangeOwner(path, account.UserId, account.GroupId) != 0)
            throw new IOException($"{path} could not be given to the user {account.Name}: error {Marshal.GetLastPInvokeError()}.");
    }

    [DllImport("libc", EntryPoint = "lchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int user, int group);
}
