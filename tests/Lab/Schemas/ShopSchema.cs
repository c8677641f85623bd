namespace HerokuMigrator.Lab;

/// <summary>A shop whose schemas have every shape that a migration must carry: see the SQL files beside this one.</summary>
public static class ShopSchema
{
    /// <summary>Creates and fills it.</summary>
    /// <param name="database">An empty database.</param>
    /// <param name="scale">1 gives some 45,000 rows; the many small tables keep their size.</param>
    public static Task CreateAsync(HerokuLikeDatabase database, double scale, CancellationToken cancellationToken) =>
        LabSchema.LoadAsync(database, ["shop-1-tables.sql", "shop-2-data.sql", "shop-3-rules.sql"], scale, cancellationToken);

    public static Task CreateAsync(HerokuLikeDatabase database, CancellationToken cancellationToken) =>
        CreateAsync(database, scale: 1, cancellationToken);

    /// <summary>Adds privileges to write whose grantor is the second credential, where a fence cannot reach them.</summary>
    public static Task GrantByOthersAsync(HerokuLikeDatabase database, CancellationToken cancellationToken) =>
        LabSchema.LoadAsync(database, ["shop-grants-by-others.sql"], scale: 1, cancellationToken);
}
