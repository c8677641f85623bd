namespace HerokuMigrator.Lab;

/// <summary>The lab itself failed: a server did not start, a helper command ended badly. Never a finding about the product.</summary>
public sealed class LabException : Exception
{
    public LabException()
    {
    }

    public LabException(string message)
        : base(message)
    {
    }

    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
