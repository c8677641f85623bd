namespace HerokuMigrator;

/// <summary>A part of a switch, and when it was at work. Under the fence most run beside each other.</summary>
/// <param name="Name">What it does.</param>
/// <param name="StartMs">Milliseconds from the moment that writes were held back; negative before it.</param>
/// <param name="DurationMs">Milliseconds that it took.</param>
public sealed record SwitchStep(string Name, double StartMs, double DurationMs)
{
    public override string ToString() => $"{Name} {DurationMs:0} ms";
}
