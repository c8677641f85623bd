namespace HerokuMigrator.Reporting.Html;

/// <summary>Where values from nought on stand above a line, with round numbers beside it.</summary>
internal sealed class ValueAxis
{
    private const int WantedTicks = 4;

    private readonly double _top;
    private readonly double _height;
    private readonly double _step;
    private readonly double _most;

    /// <param name="largest">The largest value.</param>
    /// <param name="top">Where the highest tick stands.</param>
    /// <param name="height">How far below it nought is.</param>
    /// <param name="whole">Ticks are whole numbers, as nobody sees half a row.</param>
    public ValueAxis(double largest, double top, double height, bool whole)
    {
        (_top, _height) = (top, height);
        var rough = Math.Max(largest, whole ? WantedTicks : 1e-9) / WantedTicks;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        _step = power * ((double[])[1, 2, 2.5, 5, 10]).First(step => step * power >= rough * 0.999 && !(whole && step * power % 1 != 0));
        _most = _step * Math.Max(1, Math.Ceiling((largest / _step) - 0.001));
    }

    public double Place(double value) => _top + (_height * (1 - Math.Clamp(value / _most, 0, 1)));

    public IEnumerable<(double Y, string Label)> Ticks()
    {
        for (var at = 0; at * _step <= _most * 1.001; at++)
        {
            yield return (Place(at * _step), ReportFormats.Figure(at * _step));
        }
    }
}
