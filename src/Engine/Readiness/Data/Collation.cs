using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class Collation : IReadinessCheck
{
    /// <summary>As JSON, since the columns differ between the versions of PostgreSQL: 15 added the provider, 17 renamed the locale.</summary>
    private const string Sql = """
        SELECT d.datcollate::text, d.datctype::text, coalesce(to_jsonb(d)->>'datlocprovider', 'c'),
               coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', '')
        FROM pg_database d WHERE d.datname = current_database()
        """;

    public string Id => nameof(Collation);

    public string Group => CheckGroup.Data;

    public string Title => "Both databases sort text in the same way";

    private sealed record Locale(string Collate, string CharacterType, string Provider, string ProviderLocale)
    {
        public override string ToString() => Provider switch
        {
            "i" => $"ICU {ProviderLocale}",
            "b" => $"the built-in provider's {ProviderLocale}",
            _ => Collate == CharacterType ? Collate : $"{Collate} (characters: {CharacterType})",
        };

        public bool SortsLike(Locale other) =>
            Provider == other.Provider
            && (Provider == "c" ? Plain(Collate) == Plain(other.Collate) && Plain(CharacterType) == Plain(other.CharacterType) : ProviderLocale == other.ProviderLocale);

        /// <summary>en_US.UTF-8 and en_US.utf8 are two spellings of one locale; so are C and POSIX.</summary>
        private static string Plain(string locale) =>
            locale is "POSIX" ? "c" : locale.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (from, to) = (await ReadAsync(source, cancellationToken), await ReadAsync(target, cancellationToken));
        return from.SortsLike(to)
            ? Finding.Pass($"Both databases sort by {from}.")
            : Finding.Warning(
                $"The source sorts text by {from}, the target by {to}.",
                "ORDER BY, comparisons of text, upper() and lower() may give other results after the switch. The rows themselves are moved rightly.",
                "Create the target database anew with the source's locale (CREATE DATABASE … LOCALE … TEMPLATE template0;), or make sure that the application does not depend on the order.",
                [await CatalogQuestions.DatabaseAsync(target, cancellationToken)]);
    }

    private static async Task<Locale> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await connection.ListAsync(Sql, row => new Locale(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancellationToken)).Single();
}
