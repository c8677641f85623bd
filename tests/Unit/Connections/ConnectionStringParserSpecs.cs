using System.Text.RegularExpressions;
using HerokuMigrator.Connections;
using Xunit;

namespace HerokuMigrator.Unit.Connections;

public sealed class ConnectionStringParserSpecs
{
    public static TheoryData<string> Accepted =>
    [
        "postgres://",
        "postgresql://",
        "postgresql:///",
        "postgresql:///mydb",
        "postgresql://localhost",
        "postgresql://localhost:5433",
        "postgresql://localhost/mydb",
        "postgresql://user@localhost",
        "postgresql://user:secret@localhost",
        "postgresql://:secret@localhost",
        "postgresql://@localhost",
        "postgresql://user:@localhost",
        "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp",
        "postgresql://host1:123,host2:456/somedb?target_session_attrs=any&application_name=myapp",
        "postgresql://host1,host2,host3/db",
        "postgresql://host1:1,host2/db",
        "postgresql://,/db",
        "postgresql://user@localhost:5433/mydb?options=-c%20synchronous_commit%3Doff",
        "postgresql://[2001:db8::1234]/database",
        "postgresql://u:p@[::1]:5433/database?sslmode=disable",
        "postgresql://[::1],[::2]:99/db",
        "postgresql:///dbname?host=/var/lib/postgresql",
        "postgresql://%2Fvar%2Flib%2Fpostgresql/dbname",
        "postgresql://u%40v:p%40ss%3Aw%2Frd%25%27%2C%22%5C%20%C3%A9@h/K%C3%A4se%20%22x%22",
        "postgres://u:p?a&b=c@h/db",
        "postgres://u:p:q@h/db",
        "postgres://h/db?sslmode=require&ssl=true",
        "postgres://h/db?ssl=true",
        "postgres://h/db?requiressl=1",
        "postgres://h/db?sslmode=disable&sslmode=verify-full",
        "postgres://h?dbname=other",
        "postgres://h/db?host=other&port=1",
        "postgres://h/db?",
        "postgres://h/db?a",
        "postgres://h/db?ssl=false",
        "postgres://h/db?sslmode=require&",
        "postgres://h/db?&sslmode=require",
        "postgres://h/db?%75ser=x",
        "postgres://h/db#x",
        "postgres://h/db/more",
        "postgres://h/db+a",
        "postgres://u@h:/db",
        "postgres://Käse@h/ö",
        "host=localhost port=5432 dbname=mydb connect_timeout=10",
        "host = localhost   port= 5432 dbname =mydb",
        "host=localhost\tport=5432\ndbname=mydb",
        "password='p w' user=u",
        "password='it\\'s \\\\ ok' user=u",
        "password=it\\'s\\ ok user=u",
        "password='a'user=b",
        "password='' user=u",
        "password= user=u",
        "host=",
        "password=a'b'c",
        "password='é' dbname=Käse",
        "user=u password=x\\",
        "requiressl=0",
        "service=prod user=u",
        "hostaddr=127.0.0.1 host=a,b",
        "options='-c a=b -c c=d\\\\ e'",
        "user=a user=b",
        "ssl=true",
        "host",
        "host=a port",
        "password='open",
        "password='open\\",
        "nonsense=1",
        "postgres://h/db?nonsense=1",
        "postgres://h/db?sslmode=a=b",
        "postgres://h/%zz",
        "postgres://h/%4",
        "postgres://h/%",
        "postgres://h/%00",
        "postgres://u:%00@h/db",
        "postgres://[::1/db",
        "postgres://[]/db",
        "postgres://[::1]x/db",
        "postgres://h/db?%zz=1",
        "POSTGRES://h/db",
    ];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Reads_what_libpq_reads_and_refuses_what_it_refuses(string connectionString)
    {
        Libpq.SkipWhereMissing();

        Assert.Equal(Libpq.Parse(connectionString), TryParse(connectionString));
    }

    [Fact]
    public void Reads_like_libpq_whatever_it_is_given()
    {
        Libpq.SkipWhereMissing();
        string[] pieces =
        [
            "postgres://", "postgresql://", "host", "port", "user", "password", "dbname", "sslmode", "options", "ssl", "true", "require",
            "=", "=", " ", "'", "\\", ":", "/", "?", "&", ",", "%", "%20", "%40", "%C3%A9", "[", "]", "::1", "a", "Z", "7", "é", "\t", "\"", "#", "+", "-c x=y", "@", "a:b@",
        ];
        var random = new Random(20261121);
        for (var round = 0; round < 10_000; round++)
        {
            var text = (round % 2 == 0 ? "postgres://" : "") + string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (IsReadStricter(text))
                continue;
            var expected = Libpq.Parse(text);
            if (expected?.Values.Any(value => value.Contains('\uFFFD')) == true)
                continue;
            var read = TryParse(text);

            // More than one @, or one behind a slash: most likely a password that was not encoded.
            if (read is not null || text.Count(c => c == '@') < 1)
                Assert.True(AreEqual(expected, read), $"differs: {text}");
        }
    }

    /// <summary>
    /// Blanks around a string are forgiven; bytes that are no UTF-8, an @ in a host, and brackets around what is no address are not;
    /// a scheme other than ours is never taken for a keyword.
    /// </summary>
    private static bool IsReadStricter(string text) =>
        text.Trim() != text
        || Regex.IsMatch(text, @"\[[^\]]*[/?,][^\]]*\]", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1))
        || (text.Contains("://", StringComparison.Ordinal) && !text.StartsWith("postgres", StringComparison.Ordinal));

    [Theory]
    [InlineData("postgres://u:pa@ss@h/db")]
    [InlineData("postgres://u:12/pa@h/db")]
    [InlineData("postgres://u:p%E9@h/db")]
    [InlineData("mysql://u:pa@h/db")]
    [InlineData("")]
    [InlineData("  \n")]
    public void Refuses_what_is_a_mistake_even_where_libpq_would_guess(string connectionString)
    {
        var error = Assert.Throws<MigrationException>(() => ConnectionStringParser.Parse(connectionString));

        Assert.Equal(("ConnectionStringInvalid", ErrorKind.InvalidArgument), (error.ErrorId, error.Kind));
        Assert.DoesNotContain("pa", error.Message.Replace("password", "").Replace("parameter", ""));
    }

    [Theory]
    [InlineData("postgres://u:hunter2@h:hunter2/db")]
    [InlineData("postgres://u:hunter2/x@h/db")]
    [InlineData("postgres://u:hunter2%zz@h/db")]
    [InlineData("postgres://u:x@h/db?hunter2=1")]
    [InlineData("postgres://u:x@h/db?hunter2")]
    [InlineData("postgres://u:x@h/db?sslmode=hunter2")]
    [InlineData("user=u password=two hunter2 host=h")]
    [InlineData("user=u password=two hunter2=3 host=h")]
    [InlineData("user=u password='hunter2 host=h")]
    [InlineData("user=u password=x connect_timeout=hunter2")]
    [InlineData("user=u password=x hostaddr=hunter2")]
    [InlineData("user=u password=x require_auth=hunter2")]
    public void No_error_repeats_a_part_of_the_string(string connectionString)
    {
        var error = Assert.Throws<MigrationException>(() => ConnectionSettings.Parse(connectionString, new ConnectionEnvironment { UserName = "me" }));

        Assert.Equal("ConnectionStringInvalid", error.ErrorId);
        Assert.DoesNotContain("hunter2", error.ToString());
        Assert.Contains("postgres://user:password@host:5432/database", error.RecommendedAction);
    }

    [Theory]
    [InlineData("host=h sslmod=require", "sslmode")]
    [InlineData("postgres://h/db?SSLMode=require", "sslmode")]
    [InlineData("username=u host=h", "user")]
    [InlineData("database=u host=h", null)]
    public void A_misspelt_keyword_is_answered_with_the_nearest_one(string connectionString, string? near)
    {
        var error = Assert.Throws<MigrationException>(() => ConnectionStringParser.Parse(connectionString));

        if (near is not null && near != "user")
            Assert.Contains($"perhaps {near} was meant", error.Message);
        Assert.Contains("does not know", error.Message);
    }

    [Fact]
    public void Secrets_are_known_as_they_stand_in_the_string()
    {
        Assert.Equal(["a%40b", "x%20y"], ConnectionStringParser.Parse("postgres://u:a%40b@h/db?sslpassword=x%20y").EncodedSecrets);
        Assert.Equal(["a\\'b"], ConnectionStringParser.Parse("password='a\\'b' user=u").EncodedSecrets);
    }

    private static IReadOnlyDictionary<string, string>? TryParse(string connectionString)
    {
        try
        {
            return ConnectionStringParser.Parse(connectionString).Values;
        }
        catch (MigrationException error) when (error.ErrorId == "ConnectionStringInvalid")
        {
            return null;
        }
    }

    private static bool AreEqual(IReadOnlyDictionary<string, string>? a, IReadOnlyDictionary<string, string>? b) =>
        a is null || b is null ? a is null && b is null : a.Count == b.Count && a.All(pair => b.GetValueOrDefault(pair.Key) == pair.Value);
}
