namespace HerokuMigrator.Copy;

/// <summary>The pace of a copy over the last seconds, and of its work since it was taken up, 5 minutes at most: the time left shall not jump with every pause.</summary>
internal sealed class RateWindow(TimeProvider time)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    private readonly List<Sample> _samples = [];

    public sealed record Rates(double WorkPerSecond, double SentPerSecond, double RowsPerSecond);

    public void Clear() => _samples.Clear();

    public Rates Add(long work, long sent, long rows)
    {
        var now = new Sample(time.GetTimestamp(), work, sent, rows);
        _samples.RemoveAll(sample => time.GetElapsedTime(sample.At, now.At) > Long);
        var (near, far) = (Since(now, Short), Since(now, Long));
        if (_samples.Count == 0 || time.GetElapsedTime(_samples[^1].At, now.At) >= Least)
        {
            _samples.Add(now);
        }

        return new Rates(
            PerSecond(far, now, sample => sample.Work),
            PerSecond(near, now, sample => sample.Sent),
            PerSecond(near, now, sample => sample.Rows));
    }

    private Sample? Since(Sample now, TimeSpan window) => _samples.Count == 0 ? null : _samples.FirstOrDefault(sample => time.GetElapsedTime(sample.At, now.At) <= window, _samples[^1]);

    private double PerSecond(Sample? from, Sample now, Func<Sample, long> value) =>
        from is { } first && time.GetElapsedTime(first.At, now.At) is { TotalSeconds: > 0.5 and var seconds } ? (value(now) - value(first)) / seconds : 0;

    private sealed record Sample(long At, long Work, long Sent, long Rows);
}
