namespace HerokuMigrator.Lab;

/// <summary>Something is not as it must be: what the demo exits with 1 for.</summary>
public sealed class DemoException : Exception
{
    public DemoException()
    {
    }

    public DemoException(string message)
        : base(message)
    {
    }

    public DemoException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
