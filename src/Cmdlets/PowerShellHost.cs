using System.Management.Automation;
using System.Management.Automation.Host;

namespace HerokuMigrator.Commands;

/// <summary>What the module must know of the PowerShell that it runs in.</summary>
internal static class PowerShellHost
{
    private static readonly string ModuleFolder = Path.GetDirectoryName(typeof(PowerShellHost).Assembly.Location) ?? "";

    /// <summary>True where a prompt can be answered.</summary>
    public static bool IsInteractive(PSHost? host)
    {
        // Jobs and hosts that only run scripts have no console behind their prompts.
        if (host?.UI is null || host.Name == "Default Host" || !Environment.UserInteractive)
        {
            return false;
        }

        // -NonInteractive can be shortened as far as -noni.
        var nonInteractive = Environment.GetCommandLineArgs().Skip(1).Any(argument =>
            argument.Length >= 5 && argument[0] is '-' or '/'
            && "noninteractive".StartsWith(argument.TrimStart('-', '/'), StringComparison.OrdinalIgnoreCase)
            && argument.TrimStart('-', '/').Length >= 4);
        return !nonInteractive && !(host.Name == "ConsoleHost" && Console.IsInputRedirected);
    }

    /// <summary>True where a progress bar is seen.</summary>
    public static bool IsWatched(PSHost? host) => IsInteractive(host) && !(host!.Name == "ConsoleHost" && (Console.IsOutputRedirected || Console.IsErrorRedirected));

    /// <summary>This PowerShell, started again without a terminal, as the worker of a migration.</summary>
    public static WorkerCommand WorkerFor(string name)
    {
        var module = Path.Join(ModuleFolder, "HerokuMigrator.psd1");
        var script = $"Import-Module '{module.Replace("'", "''", StringComparison.Ordinal)}'; "
            + $"exit [{typeof(WorkerHost).FullName}]::Run('{name}')";
        string[] arguments = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script];
        var (program, first) = Executable();
        return new WorkerCommand(program, [.. first, .. arguments]);
    }

    /// <summary>pwsh itself, also where the process is <c>dotnet pwsh.dll</c> or another program that hosts PowerShell.</summary>
    private static (string Program, string[] Arguments) Executable()
    {
        var process = Environment.ProcessPath;
        if (process is not null && Path.GetFileNameWithoutExtension(process) == "pwsh")
        {
            return (process, []);
        }

        var home = Path.GetDirectoryName(typeof(PSObject).Assembly.Location) ?? "";
        var assembly = Path.Join(home, "pwsh.dll");
        if (process is not null && Path.GetFileNameWithoutExtension(process) == "dotnet" && File.Exists(assembly))
        {
            // The .NET tool. The pwsh beside it may be run by its owner only, and looks for .NET by itself.
            return (process, [assembly]);
        }

        var program = Path.Join(home, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
        return (File.Exists(program) ? program : "pwsh", []);
    }
}
