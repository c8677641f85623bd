BeforeDiscovery {
    $types = 'ReadinessReport', 'ReadinessCheck', 'MigrationEstimate', 'EstimatedTime', 'ReadinessInventory', 'Migration', 'SyncStatus', 'CopyStatus', 'CopyItem', 'TableProof',
        'DataComparison', 'DataDifference', 'ObjectComparison', 'ObjectDifference', 'TrafficSwitch', 'OperationPlan'
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $secret = 'S3cr3t-never-shown'
    $rendering = $PSStyle.OutputRendering
    $PSStyle.OutputRendering = 'PlainText'
    $address = [HerokuMigrator.DatabaseAddress]::new('db.example', 5432, 'shop', 'app', "postgres://app:$secret@db.example/shop")
    $now = [DateTimeOffset]::new(2026, 11, 27, 1, 2, 3, [timespan]::Zero)
    $time = [HerokuMigrator.EstimatedTime]@{ Seconds = 200; Basis = '2 GB' }
    $estimate = [HerokuMigrator.MigrationEstimate]@{ Copy = $time; Index = $time; WritePause = $time }
    $inventory = [HerokuMigrator.ReadinessInventory]@{
        SourceVersion = 'PostgreSQL 13'; TargetVersion = 'PostgreSQL 17'
        Extensions = [HerokuMigrator.InventoryExtension[]] @([HerokuMigrator.InventoryExtension]::new('citext', '1.6', 'public', '1.6')); Clients = [HerokuMigrator.InventoryClient[]] @([HerokuMigrator.InventoryClient]::new('app', 'puma', 5))
        Settings = [HerokuMigrator.InventorySetting[]] @([HerokuMigrator.InventorySetting]::new('work_mem', '4MB', '16MB'))
    }
    $check = [HerokuMigrator.ReadinessCheck]@{ Id = 'Odd'; Group = 'Schema'; Title = 'Odd'; Status = 'Warning'; Finding = 'found odd'; Remedy = 'ALTER TABLE odd;' }
    $item = [HerokuMigrator.CopyItem]::new('public.events', 52)
    $copy = [HerokuMigrator.CopyStatus]@{ SampledAt = $now; BytesTotal = 2500000000; BytesDone = 1200000000; Percent = 48; MBPerSecond = 38; SecondsLeft = 3661; Running = [HerokuMigrator.CopyItem[]] @($item) }
    $proof = [HerokuMigrator.TableProof]::new('"public"."orders"', $now, 'Equal', $now)
    $rowDifference = [HerokuMigrator.DataDifference]@{ Kind = 'Changed'; Key = 'id=1'; Source = 'a'; Target = 'b'; Columns = [string[]] 'name' }
    $objectDifference = [HerokuMigrator.ObjectDifference]@{ Kind = 'Missing'; Object = 'public.idx'; Source = 'CREATE INDEX' }
    $samples = @{
        ReadinessReport    = [HerokuMigrator.ReadinessReport]@{ Name = 'shop'; Source = $address; Target = $address; CheckedAt = $now; Checks = [HerokuMigrator.ReadinessCheck[]] @($check); Estimate = $estimate; Inventory = $inventory }
        ReadinessCheck     = $check
        MigrationEstimate  = $estimate
        EstimatedTime      = $time
        ReadinessInventory = $inventory
        Migration          = [HerokuMigrator.Migration]@{ Name = 'shop'; Phase = 'Replicating'; Source = $address; Target = $address; StartedAt = $now; Tables = 47; RowsCopied = 1234567; TablesLeftOut = [string[]] 'public.odd'; Home = '/var/lib/x' }
        SyncStatus         = [HerokuMigrator.SyncStatus]@{ Name = 'shop'; Phase = 'Copying'; Health = 'Degraded'; Source = $address; Target = $address; SampledAt = $now; Tables = 47; TablesCopied = 12; RowsCopied = 1234567; Copy = $copy; Backlog = 12345; LagSeconds = 200; Problems = [string[]] 'slow disk'; Proofs = [HerokuMigrator.TableProof[]] @($proof) }
        CopyStatus         = $copy
        CopyItem           = $item
        TableProof         = $proof
        DataComparison     = [HerokuMigrator.DataComparison]@{ Name = 'shop'; Table = '"public"."orders"'; Outcome = 'Different'; SourceRows = 1234567; TargetRows = 1234567; RowsDiffering = 1; Differences = [HerokuMigrator.DataDifference[]] @($rowDifference); Bytes = 34000000; Seconds = 200; ComparedAt = $now; Chunks = 3; ChunksCompared = 3 }
        DataDifference     = $rowDifference
        ObjectComparison   = [HerokuMigrator.ObjectComparison]@{ Name = 'shop'; Kind = 'Index'; Outcome = 'Different'; Objects = 12; Differences = [HerokuMigrator.ObjectDifference[]] @($objectDifference); ComparedAt = $now }
        ObjectDifference   = $objectDifference
        TrafficSwitch      = [HerokuMigrator.TrafficSwitch]@{ Name = 'shop'; Phase = 'Switched'; Source = $address; Target = $address; FencedAt = $now; SafeAt = $now; WritePauseMs = 812.4; TablesFenced = 47; Roles = [string[]] ('app', 'reporting'); CertificateFile = '/var/lib/x/c.json' }
        OperationPlan      = [HerokuMigrator.OperationPlan]@{ Name = 'shop'; Subject = 'app@db.example:5432/shop'; Steps = [string[]] ('first', 'second') }
    }
    # One job for all of them: each costs a new PowerShell. Each goes there by itself, as what several of them hold would be cut off at the depth of the first one.
    $names = @($samples.Keys)
    $job = Start-Job {
        param($module, $texts)
        Import-Module $module
        foreach ($text in $texts) { , [Management.Automation.PSSerializer]::Deserialize($text) }
    } -ArgumentList $ModuleManifest, @($names | ForEach-Object { [Management.Automation.PSSerializer]::Serialize($samples[$_], 5) })
    $returned = @{}
    $received = @($job | Receive-Job -Wait -AutoRemoveJob)
    for ($i = 0; $i -lt $names.Count; $i++) { $returned[$names[$i]] = $received[$i] }

    # A property as it can be compared after a serialization: nested objects by what they say.
    function Get-Plain($Value) {
        if ($null -eq $Value) { return '' }
        if ($Value -is [Collections.IEnumerable] -and $Value -isnot [string]) { return ($Value | ForEach-Object { Get-Plain $_ }) -join ';' }
        "$Value"
    }
}

AfterAll { $PSStyle.OutputRendering = $rendering }

Describe 'An output of type <_>' -ForEach $types {
    BeforeAll { $sample = $samples[$_] }

    It 'says something of itself in a text' {
        "$sample" | Should -Not -BeNullOrEmpty
        "$sample" | Should -Not -Match '^HerokuMigrator\.|\{ |S3cr3t'
    }

    It 'has a view of its own, as a table and as a list' {
        foreach ($text in ($sample | Out-String), ($sample | Format-Table | Out-String -Width 250), ($sample | Format-List | Out-String)) {
            $text.Trim() | Should -Not -BeNullOrEmpty
            $text | Should -Not -Match "$secret|`e"
            # What nobody made readable: names of types, and numbers without an end.
            $text | Should -Not -Match 'HerokuMigrator\.|\d{7}|System\.'
        }
    }

    It 'survives ConvertTo-Json without a secret' {
        $json = $sample | ConvertTo-Json -Depth 6 -EnumsAsStrings -WarningVariable cut -WarningAction SilentlyContinue
        $cut | Should -BeNullOrEmpty
        $json | Should -Not -Match $secret
        $copy = $json | ConvertFrom-Json
        foreach ($name in 'Name', 'Table', 'Kind', 'Id', 'Seconds', 'Percent', 'SourceVersion') {
            if ($sample.PSObject.Properties[$name]) { "$($copy.$name)" | Should -Be "$($sample.$name)" }
        }
    }

    It 'survives Export-Clixml and Import-Clixml without a secret' {
        $file = Join-Path $TestDrive "$_.xml"
        $sample | Export-Clixml $file
        Get-Content -Raw $file | Should -Not -Match $secret
        $copy = Import-Clixml $file
        # Moments become objects of their own kind; the views below show them alike.
        foreach ($property in $sample.PSObject.Properties | Where-Object Value -IsNot ([DateTimeOffset])) { Get-Plain $copy.($property.Name) | Should -Be (Get-Plain $property.Value) -Because $property.Name }
        ($copy | Out-String -Width 200) | Should -Be ($sample | Out-String -Width 200)
    }

    It 'survives a job without a secret' {
        $copy = $returned[$_]
        $copy.PSObject.TypeNames[0] | Should -Be "Deserialized.HerokuMigrator.$_"
        ($copy | Out-String -Width 200) | Should -Be ($sample | Out-String -Width 200)
        [Management.Automation.PSSerializer]::Serialize($copy) | Should -Not -Match $secret
        if ($sample.PSObject.Properties['Source'] -and $sample.Source -isnot [string]) { $copy.Source.Host | Should -Be 'db.example' }
    }
}

Describe 'Views' {
    It 'show sizes and durations for people' {
        $samples.SyncStatus | Format-List | Out-String | Should -Match '(?s)RowsCopied\s*: 1,234,567.*Backlog\s*: 12,345 changes.*Lag\s*: 3 min 20 s'
        $samples.CopyStatus | Format-Table | Out-String -Width 200 | Should -Match '48 %\s+1\.2 GB\s+2\.5 GB\s+38\.0 MB/s\s+0\s+1 h 1 min\s+public\.events 52 %'
        $samples.DataComparison | Format-List | Out-String | Should -Match '(?s)Size\s*: 34 MB.*Duration\s*: 3 min 20 s'
        $samples.TrafficSwitch | Format-Table | Out-String -Width 200 | Should -Match 'shop\s+Switched\s+812 ms\s+47'
    }

    It 'have colours where they are wanted, and none elsewhere' {
        $samples.SyncStatus | Out-String | Should -Not -Match "`e"
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $text = $samples.SyncStatus | Out-String
        }
        finally { $PSStyle.OutputRendering = 'PlainText' }
        $text | Should -Match ([regex]::Escape("$($PSStyle.Foreground.Yellow)Degraded$($PSStyle.Reset)"))
    }
}
