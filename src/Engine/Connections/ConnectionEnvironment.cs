namespace HerokuMigrator.Connections;

/// <summary>What libpq looks at beside the connection string: the environment's variables, the home folder, the name of the user.</summary>
public sealed record ConnectionEnvironment
{
    /// <summary>That of this process.</summary>
    public static ConnectionEnvironment Current => new()
    {
        Variables = System.Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!, StringComparer.Ordinal),
        HomeFolder = System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile),
        UserName = System.Environment.UserName,
    };

    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Where <c>.pgpass</c>, <c>.pg_service.conf</c> and <c>.postgresql/</c> are looked for; empty: nowhere.</summary>
    public string HomeFolder { get; init; } = "";

    /// <summary>The user where none is named.</summary>
    public string UserName { get; init; } = "";

    /// <summary>Null where it is not set; an empty value counts as set, as for libpq.</summary>
    internal string? Variable(string name) => Variables.GetValueOrDefault(name);
}
