namespace HerokuMigrator.Readiness;

internal sealed class SourceCanCreateSchema : IReadinessCheck
{
    public string Id => nameof(SourceCanCreateSchema);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role may create schemas on the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        if (await source.ScalarAsync<bool>("SELECT has_database_privilege(current_database(), 'CREATE')", cancellationToken))
        {
            return Finding.Pass("The role may create schemas on the source.");
        }

        var (role, database) = (await CatalogQuestions.RoleAsync(source, cancellationToken), await CatalogQuestions.DatabaseAsync(source, cancellationToken));
        return Finding.Blocked(
            $"The role {role} may not create schemas in the source database {database}.",
            "Captured changes are kept in schemas of their own until the migration is completed.",
            $"GRANT CREATE ON DATABASE {database} TO {role};",
            [database]);
    }
}
