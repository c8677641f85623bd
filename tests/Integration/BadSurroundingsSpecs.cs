using HerokuMigrator.Catalog;
using HerokuMigrator.Lab;
using Xunit;

namespace HerokuMigrator.Integration;

/// <summary>Databases and machines that a migration cannot be made on: refused before anything is touched.</summary>
public sealed class BadSurroundingsSpecs(LabPair lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_target_with_tables_in_it_is_refused_and_keeps_them()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await move.Target.ExecuteAsync("CREATE TABLE public.precious (id int PRIMARY KEY); INSERT INTO public.precious VALUES (1), (2)", Token);
        var input = await BadInput.OnAsync(move);

        (await input.FailAsync("start")).MustBe("NotReady", ErrorKind.InvalidOperation, 3, "name an empty database as target").MustSay("[TargetEmpty]", "\"public\".\"precious\"");
        var forPeople = await FaceCall.Of(move, "start").RunAsync(Token);
        Assert.Equal((3, ""), (forPeople.ExitCode, forPeople.Output));
        Assert.Contains("NotReady: ", forPeople.Errors, StringComparison.Ordinal);
        Assert.Contains("name an empty database as target", forPeople.Errors, StringComparison.Ordinal);
        Canary.Of(move).MustBeAbsentFrom("the standard error", forPeople.Errors);
        await input.NothingChangedAsync();
        Assert.Equal(2, await move.AskTargetAsync<long>("SELECT count(*) FROM public.precious", Token));
    }

    [Fact]
    public async Task Source_and_target_that_are_one_database_are_refused_by_whatever_name()
    {
        await using var move = await lab.NewMoveAsync(Token);
        var database = move.Source;
        var other = new LabRole(database.Credential.Name, database.Credential.Password);
        var input = await BadInput.OnAsync(move);
        string[] names =
        [
            database.Url,
            database.UrlVerifyFull,
            database.UrlFor(other),
            $"host={database.Server.SocketFolder} port={database.Server.Port} user={PostgresServer.Superuser} dbname={database.Name}",
            $"postgresql://localhost:{database.Server.Port}/{database.Name}?user={Uri.EscapeDataString(database.Owner.Name)}&password={Uri.EscapeDataString(database.Owner.Password)}",
        ];

        foreach (var name in names)
        {
            (await input.FailInEngineAsync("start", move.Options with { TargetUrl = name })).MustBe("SameDatabase", ErrorKind.InvalidArgument, 3, "-TargetUrl");
            (await input.FailInEngineAsync("start", move.Options with { SourceUrl = name, TargetUrl = database.Url })).MustBe("SameDatabase", ErrorKind.InvalidArgument, 3, "-TargetUrl");
        }

        (await input.FailAsync("start", options => options with { TargetUrl = names[1] })).MustBe("SameDatabase", ErrorKind.InvalidArgument, 3, "PLANETSCALE_URL");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_role_that_may_not_create_is_refused_on_either_side()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        foreach (var database in new LabDatabase[] { move.Source, move.Target })
        {
            var (name, role) = (SqlName.Quote(database.Name), SqlName.Quote(database.Owner.Name));
            await database.ExecuteAsync($"ALTER DATABASE {name} OWNER TO postgres; GRANT CONNECT ON DATABASE {name} TO {role}", Token);
        }

        var input = await BadInput.OnAsync(move);

        var failure = await input.FailAsync("start");
        failure.MustBe("NotReady", ErrorKind.InvalidOperation, 3, $"GRANT CREATE ON DATABASE {SqlName.Quote(move.Source.Name)}").MustSay("[SourceCanCreateSchema]", "[TargetCanCreate]");
        Assert.Contains($"GRANT CREATE ON DATABASE {SqlName.Quote(move.Target.Name)}", failure.Action, StringComparison.Ordinal);
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_target_role_without_session_replication_role_is_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        await move.Target.ExecuteAsync($"REVOKE SET ON PARAMETER session_replication_role FROM {SqlName.Quote(move.Target.Owner.Name)}", Token);
        var input = await BadInput.OnAsync(move);

        (await input.FailAsync("start")).MustBe("NotReady", ErrorKind.InvalidOperation, 3, "session_replication_role").MustSay("[TargetReplicationRole]");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_schema_bucardo_of_somebody_else_is_refused_and_kept()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await move.Source.ExecuteAsync("CREATE SCHEMA bucardo; CREATE TABLE bucardo.theirs (id int)", Token);
        var input = await BadInput.OnAsync(move);

        (await input.FailAsync("start")).MustBe("LeftoverBucardo", ErrorKind.ResourceExists, 3, "Test-MigrationReadiness");
        (await input.FailAsync("stop")).MustBe("MigrationUnknown", ErrorKind.ObjectNotFound, 3, "-Name");
        await input.NothingChangedAsync();
    }

    [Fact]
    public async Task A_machine_without_bucardo_is_refused()
    {
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var input = await BadInput.OnAsync(move);
        using var programs = new FewPrograms("sh", "test", "setpriv", "chown", "touch");

        var failure = await input.FailInFaceAsync(FaceCall.Of(move, "start", "--json", "--verbose") with { SearchPath = programs.Folder });
        failure.MustBe("NotReady", ErrorKind.InvalidOperation, 3, "apt-get install bucardo").MustSay("[ProgramsInstalled]", "bucardo was not found");
        await input.NothingChangedAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(move.StateRoot));
    }

    [Fact]
    public async Task A_machine_without_the_programs_of_PostgreSQL_is_refused()
    {
        var hidden = await FewPrograms.HidePostgresAsync(Token);
        Assert.SkipWhen(hidden.Wrapper is null, hidden.Reason);
        await using var move = await lab.NewMoveAsync(Token);
        await TinySchema.CreateAsync(move.Source, Token);
        var input = await BadInput.OnAsync(move);

        // What is hidden is hidden from that one process only; this one still starts pg_dump.
        var failure = await input.FailInFaceAsync(FaceCall.Of(move, "start", "--json", "--verbose") with { Wrapper = hidden.Wrapper! });
        failure.MustBe("NotReady", ErrorKind.InvalidOperation, 3, "apt-get install postgresql-client").MustSay("[ProgramsInstalled]", "pg_dump was not found", "pg_restore was not found", "psql was not found", "initdb was not found");
        Assert.Contains("postgresql-plperl", failure.Action, StringComparison.Ordinal);
        await input.NothingChangedAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(move.StateRoot));
    }
}
