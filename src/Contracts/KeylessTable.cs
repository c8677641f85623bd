namespace HerokuMigrator;

/// <summary>What a start does about tables without a key that their changes could be replayed by.</summary>
public enum KeylessTable
{
    /// <summary>Their rows are copied at the start, and under the fence those of the tables that were written since.</summary>
    Copy,

    /// <summary>They are made on the target, and no row of them is copied.</summary>
    Skip,

    /// <summary>Where there is one, the start ends with an error before it changes anything.</summary>
    Refuse,
}
