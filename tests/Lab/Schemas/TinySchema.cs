namespace HerokuMigrator.Lab;

/// <summary>Seven small tables, for tests of something else than schemas: identity, cascade, quoted names, partitions, no key, a sequence.</summary>
public static class TinySchema
{
    public static Task CreateAsync(HerokuLikeDatabase database, CancellationToken cancellationToken) =>
        LabSchema.LoadAsync(database, ["tiny.sql"], scale: 1, cancellationToken);
}
