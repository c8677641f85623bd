namespace HerokuMigrator.Connections;

/// <summary>Finds a service (keyword <c>service</c> or PGSERVICE) in the files that libpq looks at.</summary>
internal static class ServiceFileReader
{
    // Where the libraries of Debian, and those built without a prefix of their own, have it.
    private static readonly string[] SystemFolders = ["/etc/postgresql-common", "/usr/local/pgsql/etc", "/etc/sysconfig/pgsql", "/etc"];

    /// <summary>The settings of a service.</summary>
    /// <exception cref="MigrationException">ConnectionServiceUnknown, ConnectionServiceInvalid.</exception>
    public static IReadOnlyDictionary<string, string> Read(string service, string? serviceFile, ConnectionEnvironment environment)
    {
        var explicitFile = serviceFile ?? environment.Variable("PGSERVICEFILE");
        var files = new List<string>();
        if (explicitFile is not null)
        {
            if (!File.Exists(explicitFile))
                throw Unknown(service, $"the service file {explicitFile} does not exist");
            files.Add(explicitFile);
        }
        else if (environment.HomeFolder.Length > 0)
        {
            files.Add(Path.Combine(environment.HomeFolder, ".pg_service.conf"));
        }

        IEnumerable<string> systemFolders = environment.Variable("PGSYSCONFDIR") is { } folder ? [folder] : SystemFolders;
        files.AddRange(systemFolders.Select(folder => Path.Combine(folder, "pg_service.conf")));

        var existing = files.Where(File.Exists).ToList();
        return existing.Select(file => ReadGroup(file, service)).FirstOrDefault(group => group is not null)
            ?? throw Unknown(service, existing.Count == 0 ? "there is no service file" : $"it is not in {string.Join(", ", existing)}");
    }

    private static Dictionary<string, string>? ReadGroup(string file, string service)
    {
        Dictionary<string, string>? group = null;
        var number = 0;
        foreach (var raw in File.ReadLines(file))
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line[0] == '[')
            {
                if (group is not null)
                    return group;
                if (line.StartsWith($"[{service}]", StringComparison.Ordinal))
                    group = new Dictionary<string, string>(StringComparer.Ordinal);
                continue;
            }

            if (group is not null)
                AddLine(group, line, file, number);
        }

        return group;
    }

    private static void AddLine(Dictionary<string, string> group, string line, string file, int number)
    {
        if (line.StartsWith("ldap", StringComparison.Ordinal))
            throw Invalid(file, number, "settings are to be asked of an LDAP server, which is not supported");
        var equals = line.IndexOf('=');
        if (equals < 0)
            throw Invalid(file, number, "a line is not of the form keyword=value");
        var keyword = line[..equals];
        if (keyword is "service" or "servicefile")
            throw Invalid(file, number, "a service cannot name another service");
        if (!LibpqKeywords.All.ContainsKey(keyword))
            throw Invalid(file, number, "libpq does not know the keyword; no blank may stand before the =");
        group.TryAdd(keyword, line[(equals + 1)..]);
    }

    private static MigrationException Unknown(string service, string cause) =>
        new("ConnectionServiceUnknown", ErrorKind.ObjectNotFound, $"The connection service {service} was not found: {cause}.", "Name a service that exists, or set PGSERVICEFILE to the file that has it.")
        {
            Subject = service,
        };

    private static MigrationException Invalid(string file, int line, string cause) =>
        new("ConnectionServiceInvalid", ErrorKind.InvalidData, $"The service file {file}, line {line}: {cause}.", "Mend that line, then run the same command again.")
        {
            Subject = file,
        };
}
