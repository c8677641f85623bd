using System.Reflection;
using Xunit;

namespace HerokuMigrator.Integration;

public sealed class EveryCheckSpecs
{
    [Fact]
    public void Every_check_has_a_spec_where_it_fires() => Assert.Equal(Ids, Named<FiresAttribute>(one => one.CheckId));

    [Fact]
    public void Every_check_has_a_spec_where_it_passes() => Assert.Equal(Ids, Named<PassesAttribute>(one => one.CheckId));

    private static SortedSet<string> Ids => new(Migrator.ReadinessCheckIds, StringComparer.Ordinal);

    private static SortedSet<string> Named<T>(Func<T, string> id)
        where T : Attribute =>
        new(
            Assembly.GetExecutingAssembly().GetTypes()
                .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static))
                .Where(method => method.GetCustomAttributes<FactAttribute>().Any())
                .SelectMany(method => method.GetCustomAttributes<T>()).Select(id),
            StringComparer.Ordinal);
}
