; What Tauri's installer does for mcm as well: its folder on the user's PATH. Named in tauri.json.

!include "${__FILEDIR__}/user-path.nsh"

!macro NSIS_HOOK_POSTINSTALL
  !insertmacro AddToUserPath "$INSTDIR"
!macroend

!macro NSIS_HOOK_POSTUNINSTALL
  ; The installer runs the old uninstaller before an update.
  ${If} $UpdateMode <> 1
    !insertmacro RemoveFromUserPath "$INSTDIR"
    ; Tauri removes an entry of the product's name; ours has the app's identifier.
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "${BUNDLEID}"
  ${EndIf}
!macroend
