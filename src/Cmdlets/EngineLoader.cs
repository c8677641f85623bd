using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace HerokuMigrator.Commands;

/// <summary>
/// Loads the engine and what it depends on from Dependencies/ into a context of its own,
/// so that another module's version of Npgsql, say, can live in the same session.
/// </summary>
public sealed class EngineLoader : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private const string EngineName = "HerokuMigrator.Engine";
    private static readonly DependencyContext Dependencies = new();

    public void OnImport()
    {
        AssemblyLoadContext.Default.Resolving -= ResolveEngine;
        AssemblyLoadContext.Default.Resolving += ResolveEngine;
    }

    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= ResolveEngine;

    private static Assembly? ResolveEngine(AssemblyLoadContext context, AssemblyName name) =>
        name.Name == EngineName ? Dependencies.LoadFromAssemblyName(name) : null;

    private sealed class DependencyContext : AssemblyLoadContext
    {
        private static readonly Assembly Contracts = typeof(Migration).Assembly;
        private readonly string _folder =
            Path.Join(Path.GetDirectoryName(typeof(DependencyContext).Assembly.Location), "Dependencies");

        public DependencyContext()
            : base("HerokuMigrator")
        {
        }

        /// <summary>The contracts are shared with PowerShell; whatever is not ours comes from the default context.</summary>
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            if (assemblyName.Name == Contracts.GetName().Name)
            {
                return Contracts;
            }

            var file = Path.Join(_folder, assemblyName.Name + ".dll");
            return File.Exists(file) ? LoadFromAssemblyPath(file) : null;
        }
    }
}
