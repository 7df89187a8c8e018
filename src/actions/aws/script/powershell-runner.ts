/**
 * The PowerShell program around a script of a runbook: as python-runner.ts, with what is printed unbounded but for the
 * limit of a file's size. The script's last object is its result.
 */

/** Given to `pwsh -Command`. */
export const powerShellLoader =
  '$job = [Console]::In.ReadToEnd() | ConvertFrom-Json; & ([scriptblock]::Create($job.runner)) $job';

export const powerShellRunner = String.raw`
param($job)
$out = [Console]::OpenStandardOutput()
[Console]::SetOut([Console]::Error)
[Console]::Error.Write($job.opening)
foreach ($entry in $job.env.PSObject.Properties) { [Environment]::SetEnvironmentVariable($entry.Name, $entry.Value) }
$env:InputPayload = $job.inputPayload
$report = $null
try {
  if ($null -ne $job.attachment) {
    $file = Join-Path $PWD $job.attachment.name
    [IO.File]::WriteAllBytes($file, [Convert]::FromBase64String($job.attachment.bytes))
    if ($file.ToLower().EndsWith('.zip')) {
      $archive = [IO.Compression.ZipFile]::OpenRead($file)
      $size = ($archive.Entries | Measure-Object -Property Length -Sum).Sum
      $count = $archive.Entries.Count
      $archive.Dispose()
      if ($count -gt $job.attachment.limits.files -or $size -gt $job.attachment.limits.bytes) { throw "$($job.attachment.name) is larger than is unpacked" }
      [IO.Compression.ZipFile]::ExtractToDirectory($file, $PWD.Path)
    }
  }
} catch {
  $report = @{ kind = 'attachment'; message = "$($job.attachment.name) cannot be unpacked: $($_.Exception.Message)" }
}
if ($null -eq $report) {
  try {
    $values = @(& ([scriptblock]::Create($job.script)) 3>&1 4>&1 5>&1 6>&1 | ForEach-Object {
      if ($_ -is [Management.Automation.InformationalRecord] -or $_ -is [Management.Automation.InformationRecord]) {
        [Console]::Error.WriteLine("$_")
      } else { , $_ }
    })
    $last = if ($values.Count -eq 0) { $null } else { $values[-1] }
    $payload = ConvertTo-Json -InputObject $last -Depth 50 -Compress
    $report = if ($payload.Length -gt $job.payloadBytesMax) { @{ kind = 'tooLarge'; bytes = $payload.Length } } else { @{ kind = 'returned'; payload = $payload; digits = @() } }
  } catch {
    $at = $_.InvocationInfo
    $report = @{ kind = 'raised'; type = $_.Exception.GetType().Name; message = $_.Exception.Message
      frames = @(@{ file = 'Script'; isOwn = $true; line = $at.ScriptLineNumber; name = 'script'; text = "$($at.Line)".Trim() }) }
  }
}
$bytes = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $report -Depth 5 -Compress) + [char]10)
$out.Write($bytes, 0, $bytes.Length)
$out.Flush()
`;
