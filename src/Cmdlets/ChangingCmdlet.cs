using System.Management.Automation;
using System.Management.Automation.Host;
using System.Reflection;

namespace HerokuMigrator.Commands;

/// <summary>A cmdlet that changes a database: -WhatIf and prompts say what the engine would do, with the real names.</summary>
public abstract class ChangingCmdlet : MigrationCmdlet
{
    /// <summary>True where the operation shall be done now. Fails at once where a prompt is due and nobody can answer it.</summary>
    /// <param name="operation">The operation's name as <see cref="Migrator.DescribeAsync"/> takes it.</param>
    /// <param name="force">Stands in for the answer yes, unless -Confirm is given too.</param>
    /// <param name="describe">Says what it would do, where that rests on the cmdlet's own parameters.</param>
    private protected bool Approve(string operation, bool force = false, Func<Migrator, CancellationToken, Task<OperationPlan>>? describe = null)
    {
        var command = GetType().GetCustomAttribute<CmdletAttribute>()!;
        var title = $"{command.VerbName}-{command.NounName}";
        var whatIf = Given("WhatIf") ?? LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        if (!whatIf)
        {
            if (!WillPrompt(command.ConfirmImpact, force))
            {
                return true;
            }

            if (!PowerShellHost.IsInteractive(Host))
            {
                ThrowConfirmationRequired(title);
            }
        }

        var plan = Use(describe ?? ((migrator, cancellationToken) => migrator.DescribeAsync(operation, cancellationToken)));
        var steps = string.Concat(plan.Steps.Select(step => $"{Environment.NewLine}  - {step}"));
        try
        {
            return ShouldProcess($"{title} on {plan.Subject}:{steps}", $"{plan.Subject}{steps}{Environment.NewLine}Go on?", title);
        }
        catch (Exception exception) when (exception is HostException or PSInvalidOperationException or NotImplementedException)
        {
            ThrowConfirmationRequired(title);
            throw;
        }
    }

    private bool WillPrompt(ConfirmImpact impact, bool force)
    {
        if (Given("Confirm") is { } confirm)
        {
            return confirm;
        }

        var threshold = LanguagePrimitives.ConvertTo<ConfirmImpact>(GetVariableValue("ConfirmPreference") ?? ConfirmImpact.High);
        return !force && threshold != ConfirmImpact.None && impact >= threshold;
    }

    private bool? Given(string parameter) =>
        MyInvocation.BoundParameters.TryGetValue(parameter, out var value) ? LanguagePrimitives.IsTrue(value) : null;

    private void ThrowConfirmationRequired(string title) =>
        Fail(FaceErrors.ConfirmationRequired(title, "-Force"));
}

/// <summary>A cmdlet that asks before it acts, unless -Force or -Confirm:$false is given.</summary>
public abstract class GuardedCmdlet : ChangingCmdlet
{
    /// <summary>Do not ask. Skips no safety check.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }
}
