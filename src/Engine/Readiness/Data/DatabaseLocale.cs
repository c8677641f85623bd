using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>What a database sorts and folds text by where a column says nothing else.</summary>
internal sealed record DatabaseLocale(string Collate, string CharacterType, string Provider, string ProviderLocale, string Encoding, string Owner)
{
    /// <summary>As JSON, since the columns differ between the versions of PostgreSQL: 15 added the provider, 17 renamed the locale.</summary>
    private const string Sql = """
        SELECT d.datcollate::text, d.datctype::text, coalesce(to_jsonb(d)->>'datlocprovider', 'c'),
               coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''), pg_encoding_to_char(d.encoding)::text, pg_get_userbyid(d.datdba)::text
        FROM pg_database d WHERE d.datname = current_database()
        """;

    /// <summary>The case of every character of the basic plane under the default collation, in one word; about 0.2 s of the server's time.</summary>
    private const string CaseSql = """
        SELECT md5(string_agg(lower(chr(i)), '' ORDER BY i)) || md5(string_agg(upper(chr(i)), '' ORDER BY i))
        FROM generate_series(1, 65535) i WHERE i NOT BETWEEN 55296 AND 57343
        """;

    /// <summary>Both sides, read once a run.</summary>
    public static Task<(DatabaseLocale Source, DatabaseLocale Target)> OnceAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        context.OnceAsync(nameof(DatabaseLocale), ReadBothAsync, cancellationToken);

    public static async Task<bool> CaseDiffersAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancellationToken) =>
        await source.ScalarAsync<string>(CaseSql, cancellationToken) != await target.ScalarAsync<string>(CaseSql, cancellationToken);

    public bool SortsLike(DatabaseLocale other) =>
        Provider == other.Provider
        && (Provider == "c" ? Plain(Collate) == Plain(other.Collate) && Plain(CharacterType) == Plain(other.CharacterType) : ProviderLocale == other.ProviderLocale);

    /// <summary>Statements that make an empty database anew so that it sorts like this one.</summary>
    public string CreateAnew(string database, string owner) =>
        $"""
        -- on the target, connected to another database, as a role with CREATEDB; this database must hold nothing
        DROP DATABASE {database};
        CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING {SqlName.Literal(Encoding)} {Options};
        """;

    public override string ToString() => Provider switch
    {
        "i" => $"ICU {ProviderLocale}",
        "b" => $"the built-in provider's {ProviderLocale}",
        _ => Collate == CharacterType ? Collate : $"{Collate} (characters: {CharacterType})",
    };

    private string Options
    {
        get
        {
            var system = $"LC_COLLATE {SqlName.Literal(Collate)} LC_CTYPE {SqlName.Literal(CharacterType)}";
            return Provider switch
            {
                "i" => $"LOCALE_PROVIDER icu ICU_LOCALE {SqlName.Literal(ProviderLocale)} {system}",
                "b" => $"LOCALE_PROVIDER builtin BUILTIN_LOCALE {SqlName.Literal(ProviderLocale)} {system}",
                _ => system,
            };
        }
    }

    /// <summary>en_US.UTF-8 and en_US.utf8 are two spellings of one locale; so are C and POSIX.</summary>
    private static string Plain(string locale) =>
        locale is "POSIX" ? "c" : locale.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    private static async Task<(DatabaseLocale Source, DatabaseLocale Target)> ReadBothAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        return (await ReadAsync(source, cancellationToken), await ReadAsync(target, cancellationToken));
    }

    private static async Task<DatabaseLocale> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await connection.ListAsync(
            Sql, row => new DatabaseLocale(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5)), cancellationToken)).Single();
}
