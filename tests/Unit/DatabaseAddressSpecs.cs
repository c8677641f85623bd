using System.Text.Json;
using Xunit;

namespace HerokuMigrator.Unit;

public sealed class DatabaseAddressSpecs
{
    [Fact]
    public void It_comes_back_from_a_certificate_without_its_connection_string()
    {
        var format = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        var text = JsonSerializer.Serialize(new DatabaseAddress("db.example.org", 5433, "Käse.Bröt", "owner", "postgres://owner:s3cret@db.example.org:5433/k"), format);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        var back = JsonSerializer.Deserialize<DatabaseAddress>(text, format)!;
        Assert.Equal(("db.example.org", 5433, "Käse.Bröt", "owner"), (back.Host, back.Port, back.Database, back.User));
        Assert.Null(back.RevealConnectionString());
    }
}
