namespace HerokuMigrator.Processes;

/// <summary>An account of this machine, as /etc/passwd has it.</summary>
public sealed record UserAccount(string Name, int UserId, int GroupId, string Home)
{
    /// <exception cref="MigrationException">UserUnknown.</exception>
    public static UserAccount Find(string name) =>
        TryFind(name) ?? throw new MigrationException(
            "UserUnknown",
            ErrorKind.ObjectNotFound,
            $"The user {name} does not exist on this machine.",
            $"Create it (useradd --system --create-home {name}), or name another user, then run the same command again.")
        {
            Subject = name,
        };

    public static UserAccount? TryFind(string name)
    {
        const string Accounts = "/etc/passwd";
        if (!File.Exists(Accounts))
            return null;
        return File.ReadLines(Accounts)
            .Select(line => line.Split(':'))
            .Where(fields => fields.Length >= 6 && (fields[0] == name || fields[2] == name))
            .Select(fields => new UserAccount(fields[0], int.Parse(fields[2]), int.Parse(fields[3]), fields[5]))
            .FirstOrDefault();
    }
}
