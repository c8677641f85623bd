namespace HerokuMigrator.Unit.Copy;

/// <summary>A clock that stands still until it is told otherwise.</summary>
internal sealed class HandClock : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => _now;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddMilliseconds(_now);

    public void Pass(double seconds) => _now += (long)(seconds * 1000);
}
