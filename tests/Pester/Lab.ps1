# A Heroku-like and a PlanetScale-like server for one test file. Dot-source after Shared.ps1; needs the built lab.
$LabProgram = $env:HEROKU_MIGRATOR_LAB
if (-not $LabProgram) {
    $LabProgram = [IO.Path]::GetFullPath("$PSScriptRoot/../../out/lab/HerokuMigrator.Lab.dll")
}

class Lab {
    [Diagnostics.Process] $Process
    [string] $SourceUrl
    [string] $TargetUrl
    [string] $StateFolder
    hidden [hashtable] $Before = @{}

    # Starts the servers; the arguments are those of the lab's verb "serve".
    Lab([string] $program, [string[]] $arguments) {
        $start = [Diagnostics.ProcessStartInfo]::new('dotnet')
        foreach ($argument in @($program, 'serve') + $arguments) { $start.ArgumentList.Add($argument) }
        $start.RedirectStandardInput = $true
        $start.RedirectStandardOutput = $true
        $this.Process = [Diagnostics.Process]::Start($start)
        while (-not $this.TargetUrl) {
            $line = $this.Process.StandardOutput.ReadLine()
            if ($null -eq $line) { throw 'The lab ended before its servers were up.' }
            if ($line -match "^export HEROKU_URL='(.*)'$") { $this.SourceUrl = $Matches[1].Replace("'\''", "'") }
            if ($line -match "^export PLANETSCALE_URL='(.*)'$") { $this.TargetUrl = $Matches[1].Replace("'\''", "'") }
        }
        # The embedded Bucardo runs as another user where the tests run as root, so the folder must be reachable; its path must be short, for sockets.
        $this.StateFolder = Join-Path ([IO.Path]::GetTempPath()) "hm-$([guid]::NewGuid().ToString('N').Substring(0, 8))"
        New-Item -ItemType Directory $this.StateFolder | Out-Null
    }

    # Makes its databases and its folder those that a cmdlet takes where none is named; Stop takes that back.
    [void] MakeDefault() {
        $environment = @{ XDG_STATE_HOME = $this.StateFolder; HEROKU_URL = $this.SourceUrl; PLANETSCALE_URL = $this.TargetUrl }
        foreach ($name in $environment.Keys) {
            $this.Before[$name] = [Environment]::GetEnvironmentVariable($name)
            [Environment]::SetEnvironmentVariable($name, $environment[$name])
        }
    }

    # The passwords in all shapes in which they could leak.
    [string[]] Secrets() {
        return @($this.SourceUrl, $this.TargetUrl) | ForEach-Object {
            $encoded = [regex]::Match($_, '^\w+://[^:]*:([^@]*)@').Groups[1].Value
            $encoded, [uri]::UnescapeDataString($encoded)
        }
    }

    # The last line that the lab printed tells nothing here; its end matters.
    [void] Stop() {
        foreach ($name in $this.Before.Keys) { [Environment]::SetEnvironmentVariable($name, $this.Before[$name]) }
        $this.Process.StandardInput.Close()
        if (-not $this.Process.WaitForExit(60000)) { $this.Process.Kill($true) }
        Remove-Item -Recurse -Force $this.StateFolder
    }
}

function Should-HoldNoSecret([string] $Text) {
    foreach ($secret in $lab.Secrets()) { $Text.Contains($secret) | Should -BeFalse }
}

# The variables by which psql finds a database. They go by the environment, as an argument list can be read by everyone.
function Get-PsqlVariable {
    param([Parameter(Mandatory)] [string] $Url)
    $uri = [uri] $Url
    $user, $password = $uri.UserInfo.Split(':', 2) | ForEach-Object { [uri]::UnescapeDataString($_) }
    $query = [Web.HttpUtility]::ParseQueryString($uri.Query)
    @{
        PGHOST = $uri.Host; PGPORT = $uri.Port; PGUSER = $user; PGPASSWORD = $password
        PGDATABASE = [uri]::UnescapeDataString($uri.AbsolutePath.Substring(1))
        PGSSLMODE = $query['sslmode'] ?? 'require'; PGSSLROOTCERT = $query['sslrootcert']
    }
}

# Rows of a query, unaligned.
function Invoke-Query {
    param([Parameter(Mandatory)] [string] $Url, [Parameter(Mandatory)] [string] $Sql)
    $settings = Get-PsqlVariable $Url
    try {
        foreach ($name in $settings.Keys) { Set-Item "Env:$name" $settings[$name] }
        $rows = psql -XqAt -v ON_ERROR_STOP=1 -c $Sql
        if ($LASTEXITCODE -ne 0) { throw "psql failed: $Sql" }
        $rows
    }
    finally {
        Remove-Item -ErrorAction Ignore -Path @($settings.Keys | ForEach-Object { "Env:$_" })
    }
}

# One line a table: its name, its rows, and a sum over their content.
function Get-TableContent {
    param([Parameter(Mandatory)] [string] $Url)
    $tables = Invoke-Query $Url @'
select format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'heroku_migrator', 'bucardo', 'heroku_ext') and n.nspname !~ '^pg_toast'
order by 1
'@
    foreach ($table in $tables) {
        "$table " + (Invoke-Query $Url "select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from $table t")
    }
}

# Schemas, relations, triggers and functions that are there, and who may do what with them.
function Get-Footprint {
    param([Parameter(Mandatory)] [string] $Url)
    Invoke-Query $Url @'
select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') from pg_namespace where nspname !~ '^pg_(temp|toast_temp)'
union all select 'relation ' || oid::regclass || ' ' || relkind::text || ' ' || coalesce(relacl::text, '') from pg_class where relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
union all select 'trigger ' || tgrelid::regclass || ' ' || tgname from pg_trigger
union all select 'function ' || oid::regprocedure || ' ' || coalesce(proacl::text, '') from pg_proc where pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
union all select 'setting ' || setrole || ' ' || setdatabase || ' ' || setconfig::text from pg_db_role_setting
order by 1
'@
}
