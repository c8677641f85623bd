using HerokuMigrator.Logs;
using Xunit;

namespace HerokuMigrator.Unit.Logs;

public sealed class MessageSpecs
{
    [Theory]
    [InlineData("Copied \"public\".\"Käse.Bröt\" again: \"public\".\"Käse.Bröt\".", "\"public\".\"Käse.Bröt\"")]
    [InlineData("\"a\"\"b\".\"c\" was adopted.", "\"a\"\"b\".\"c\"")]
    [InlineData("\"public\".\"a\" and \"public\".\"b\" differ.", null)]
    [InlineData("Nothing is named.", null)]
    public void The_table_of_a_message_is_the_only_one_that_it_names(string message, string? table) => Assert.Equal(table, NamedTable.Find(message));

    [Theory]
    [InlineData("to postgres://app:S3cr3t/x@db.example:5432/shop now", "to postgres://app:********@db.example:5432/shop now")]
    [InlineData("to postgres://app:S3c@r3t/x@db.example:5432/shop now", "to postgres://app:********@db.example:5432/shop now")]
    [InlineData("host=db.example password='S3cr3t it''s' user=app", "host=db.example password=******** user=app")]
    [InlineData("PGPASSWORD=S3cr3t psql", "PGPASSWORD=******** psql")]
    [InlineData("user@db.example:5432/shop, no password given", "user@db.example:5432/shop, no password given")]
    public void What_has_the_form_of_a_password_is_masked_and_hosts_stay(string message, string expected) => Assert.Equal(expected, SecretMask.Of(null).Redact(message));

    [Theory]
    [InlineData("duplicate key: Key (email)=(a@b.example) already exists.", "duplicate key: Key (email)=(…) already exists.")]
    [InlineData("Key (a, b)=(1, (x) y) is not present in table \"t\".", "Key (a, b)=(…) is not present in table \"t\".")]
    [InlineData("null value: Failing row contains (1, a@b.example, (2)).", "null value: Failing row contains (…).")]
    [InlineData("bad date: COPY people, line 3, column born: \"31.2.\"", "bad date: COPY people, line 3, column born: \"…\"")]
    [InlineData("COPY people, line 3: \"1\ta@b.example\"", "COPY people, line 3: \"…\"")]
    [InlineData("COPY people took 3 s.", "COPY people took 3 s.")]
    public void What_servers_quote_of_rows_is_masked(string message, string expected) => Assert.Equal(expected, RowValues.Mask(message));
}
