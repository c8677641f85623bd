namespace HerokuMigrator.Integration;

/// <summary>The spec shows, on real servers, a database where the check of this id finds something.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class FiresAttribute(string checkId) : Attribute
{
    public string CheckId { get; } = checkId;
}

/// <summary>The spec shows, on real servers, a database where the check of this id finds nothing.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class PassesAttribute(string checkId) : Attribute
{
    public string CheckId { get; } = checkId;
}
