//! The hooks of PowerShell and nushell, which share neither syntax nor habits with POSIX shells and fish.
//!
//! PowerShell's is written by its documentation (`LocationChangedAction`, a wrapped `prompt`). nushell evaluates no text: it
//! reads names and values as JSON, and its hook is a file that it loads at its start.

/// The file's size and time stand for its content: reading a pipe would wait.
pub(super) const POWERSHELL: &str = r#"
$global:__mcm_program = @MCM@
$env:MCM_HOOK = "@VERSION@:$PID"
$global:__mcm_key = ''
function global:__mcm_look {
  $mcm_here = $ExecutionContext.SessionState.Path.CurrentFileSystemLocation.ProviderPath
  $mcm_folder = $mcm_here; $mcm_new = ''; $mcm_text = ''
  while ($mcm_folder) {
    $mcm_item = Get-Item -LiteralPath ([IO.Path]::Combine($mcm_folder, '.mcm.toml')) -Force -ErrorAction Ignore
    if ($mcm_item) { $mcm_text = "$($mcm_item.Length):$($mcm_item.LastWriteTimeUtc.Ticks)"; break }
    if ((Get-Item -LiteralPath $mcm_folder -Force -ErrorAction Ignore).LinkType) { $mcm_new = $mcm_here }
    $mcm_folder = [IO.Path]::GetDirectoryName($mcm_folder)
  }
  if ($mcm_text) { $mcm_new = $mcm_here }
  $mcm_mark = "$([bool]$env:MCM_HOOK_STATE)$($env:PATH -like '*mcm-shims*')"
  "$mcm_new|$mcm_folder|$mcm_text|$mcm_mark"
}
function global:__mcm_hook {
  $mcm_status = $global:LASTEXITCODE
  if ((__mcm_look) -cne $global:__mcm_key) {
    $mcm_lines = & $global:__mcm_program hook-lines --shell powershell | Out-String
    if ($LASTEXITCODE -eq 0 -and $mcm_lines.Trim()) { Invoke-Expression $mcm_lines }
    $global:__mcm_key = __mcm_look
  }
  $global:LASTEXITCODE = $mcm_status
}
function global:mcm {
  if ($args.Count -eq 2 -and $args[0] -ceq 'use' -and @('-h', '--help') -cnotcontains $args[1]) {
    $mcm_choice = if ($args[1] -ceq '--off') { @('--off') } else { @('--use', $args[1]) }
    $mcm_lines = & $global:__mcm_program hook-lines --shell powershell @mcm_choice | Out-String
    if ($LASTEXITCODE -ne 0) { return }
    if ($mcm_lines.Trim()) { Invoke-Expression $mcm_lines; return }
  }
  if ($args.Count -gt 0 -and $args[0] -ceq 'doctor') {
    $mcm_hook = $env:MCM_HOOK
    $mcm_action = $ExecutionContext.SessionState.InvokeCommand.LocationChangedAction
    if ("$function:prompt" -like '*__mcm_hook*' -and $mcm_action) { $env:MCM_HOOK = "${mcm_hook}:intact" }
    try { & $global:__mcm_program @args } finally { $env:MCM_HOOK = $mcm_hook }
    return
  }
  if ($MyInvocation.ExpectingInput) { $input | & $global:__mcm_program @args } else { & $global:__mcm_program @args }
  if ($LASTEXITCODE -eq 0 -and $args.Count -gt 0 -and @('allow', 'deny', 'environment') -ccontains $args[0]) {
    $global:__mcm_key = ''
    __mcm_hook
  }
}
if ($null -eq $global:__mcm_prompt) {
  $global:__mcm_prompt = $function:prompt
  function global:prompt { __mcm_hook; & $global:__mcm_prompt }
  $mcm_action = [EventHandler[System.Management.Automation.LocationChangedEventArgs]] { param($mcm_sender, $mcm_change) __mcm_hook }
  $mcm_before = $ExecutionContext.SessionState.InvokeCommand.LocationChangedAction
  $ExecutionContext.SessionState.InvokeCommand.LocationChangedAction = if ($mcm_before) { [Delegate]::Combine($mcm_before, $mcm_action) } else { $mcm_action }
}
"#;

/// A list is no variable of a process, so the key stays in this shell.
pub(super) const NUSHELL: &str = r#"
# Made by "mcm hook nushell".
const __mcm_program = @MCM@
export-env {
  $env.MCM_HOOK = $"@VERSION@:($nu.pid)"
  $env.__mcm_key = []
  $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append { || __mcm_hook })
}
def --env __mcm_apply [text: string] {
  let lines = ($text | from json)
  for name in $lines.unset { hide-env --ignore-errors $name }
  load-env $lines.set
  if ($env.PATH | describe) == 'string' { $env.PATH = ($env.PATH | split row (char esep)) }
}
def __mcm_lines [choice: list<string>] {
  let run = (^$__mcm_program hook-lines --shell nushell ...$choice | complete)
  print --stderr --no-newline $run.stderr
  if $run.exit_code == 0 { $run.stdout | str trim } else { null }
}
def __mcm_look [] {
  mut folder = $env.PWD
  mut new = ''
  while $folder != '/' and not ($folder | path join .mcm.toml | path exists --no-symlink) {
    if ($folder | path type) == 'symlink' { $new = $env.PWD }
    $folder = ($folder | path dirname)
  }
  let file = ($folder | path join .mcm.toml)
  let is_file = ($file | path type) == 'file'
  let text = if $is_file { try { ls -D $file | select modified size | first | to nuon } catch { '' } } else { '' }
  if $folder != '/' or $is_file { $new = $env.PWD }
  [$new $folder $text ('MCM_HOOK_STATE' in $env) ($env.PATH | any {|one| ($one | into string) ends-with '/mcm-shims' })]
}
def --env __mcm_hook [] {
  if (__mcm_look) == $env.__mcm_key? { return }
  let lines = (__mcm_lines [])
  if $lines != null and $lines != '' { __mcm_apply $lines }
  $env.__mcm_key = (__mcm_look)
}
alias __mcm_cd = cd
def --env cd [folder?: directory] {
  if $folder == null { __mcm_cd } else { __mcm_cd $folder }
  __mcm_hook
}
def --env --wrapped mcm [...words] {
  let first = ($words | get --optional 0)
  if ($words | length) == 2 and $first == 'use' and $words.1 not-in ['-h' '--help'] {
    let lines = (__mcm_lines (if $words.1 == '--off' { ['--off'] } else { ['--use' $words.1] }))
    if $lines == null { error make --unspanned { msg: 'mcm use changed nothing.' } }
    if $lines != '' { __mcm_apply $lines; return }
  }
  if $first == 'doctor' {
    let prompts = ($env.config.hooks.pre_prompt? | default [])
    let is_drawn = ($prompts | any {|one| ($one | describe) == 'closure' and (view source $one) =~ '__mcm_hook' })
    let is_intact = ($is_drawn and (view source cd) =~ '__mcm_hook')
    let mark = (if $is_intact { $"($env.MCM_HOOK):intact" } else { $env.MCM_HOOK })
    with-env { MCM_HOOK: $mark } { ^$__mcm_program ...$words }
    return
  }
  ^$__mcm_program ...$words
  if $first in [allow deny environment] {
    $env.__mcm_key = []
    __mcm_hook
  }
}
"#;
