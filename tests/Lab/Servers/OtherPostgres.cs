namespace HerokuMigrator.Lab;

/// <summary>A PostgreSQL of another version than the lab's own, where one is here; build/prerequisites.sh tries to fetch 13.</summary>
public static class OtherPostgres
{
    /// <summary>The folder of its programs; null, with the reason, where there is none that the server's user can run.</summary>
    public static async Task<(string? BinFolder, string Reason)> FindAsync(int major, CancellationToken cancellationToken)
    {
        var folders = new List<string> { $"/usr/lib/postgresql/{major}/bin" };
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            folders.Add(Path.Combine(folder.FullName, "out", $"postgresql-{major}", "bin"));
        }

        if (folders.Find(folder => File.Exists(Path.Combine(folder, "postgres"))) is not { } found)
        {
            return (null, $"PostgreSQL {major} is not here (build.sh prerequisites fetches it with npm, where that is)");
        }

        try
        {
            await LabCommand.RunAsServerUserAsync(Path.Combine(found, "postgres"), ["--version"], input: null, cancellationToken);
            return (found, "");
        }
        catch (LabException exception)
        {
            return (null, $"PostgreSQL {major} is in {found}, but user {LabMachine.ServerUser.Name} cannot run it: {exception.Message}");
        }
    }

    /// <summary>A role with a database of its own on a server that speaks no TLS; returns its URL.</summary>
    public static async Task<string> CreateDatabaseAsync(PostgresServer server, CancellationToken cancellationToken)
    {
        var role = LabRole.Create("u");
        var name = "d" + LabRole.RandomHex(6);
        await server.ExecuteAsync("postgres", $"CREATE ROLE {SqlText.QuoteIdentifier(role.Name)} LOGIN PASSWORD {SqlText.QuoteLiteral(role.Password)}", cancellationToken);
        await server.ExecuteAsync("postgres", $"CREATE DATABASE {SqlText.QuoteIdentifier(name)} OWNER {SqlText.QuoteIdentifier(role.Name)}", cancellationToken);
        await server.ExecuteAsync(name, $"ALTER SCHEMA public OWNER TO {SqlText.QuoteIdentifier(role.Name)}", cancellationToken);
        return $"postgres://{Uri.EscapeDataString(role.Name)}:{Uri.EscapeDataString(role.Password)}@127.0.0.1:{server.Port}/{name}?sslmode=disable";
    }
}
