; The folder of mcm on the user's PATH, for our installer (installer.nsi) and for Tauri's (tauri-hooks.nsh).
;
; The value is read and written through the system: NSIS cuts its own strings after 1,024 characters, and with them every
; longer PATH. The value keeps its type, its order and its other folders to the letter.

!include LogicLib.nsh
!include WinMessages.nsh

; Opens the key ($0) and reads ";PATH;" into a buffer ($1), the value itself from $6 on, with its type ($2). $8 is 1 when
; the last semicolon is ours. $1 is 0 when there is no value that could be changed.
!macro ReadUserPath
  StrCpy $1 0
  StrCpy $8 0
  System::Call 'advapi32::RegCreateKeyExW(p -2147483647, w "Environment", i 0, p 0, i 0, i 0x2001F, p 0, *p .r0, p 0) i .r4'
  ${If} $4 = 0
    System::Call 'advapi32::RegQueryValueExW(p r0, w "Path", p 0, *i .r2, p 0, *i 0 r3) i .r4'
    ${If} $4 = 2 ; There is none yet.
      StrCpy $2 2
      StrCpy $3 0
      StrCpy $4 0
    ${EndIf}
    ${If} $4 = 0
    ${AndIf} $2 >= 1
    ${AndIf} $2 <= 2 ; REG_SZ or REG_EXPAND_SZ
      IntOp $5 $3 + 4096
      System::Alloc $5
      Pop $1
      System::Call '*$1(&i2 59)'
      IntPtrOp $6 $1 + 2
      ${If} $3 > 0
        System::Call 'advapi32::RegQueryValueExW(p r0, w "Path", p 0, p 0, p r6, *i r3 r3)'
      ${EndIf}
      System::Call 'kernel32::lstrlenW(p r1) i .r4'
      IntOp $5 $4 - 1
      IntOp $5 $5 * 2
      IntPtrOp $5 $1 + $5
      System::Call '*$5(&i2 .r5)'
      ${If} $5 <> 59
        System::Call 'kernel32::lstrcatW(p r1, w ";")'
        StrCpy $8 1
      ${EndIf}
    ${EndIf}
  ${EndIf}
!macroend

; Writes the value, tells the running programs, and closes everything.
!macro WriteUserPath
  System::Call 'kernel32::lstrlenW(p r6) i .r4'
  ${If} $4 = 0
    System::Call 'advapi32::RegDeleteValueW(p r0, w "Path")'
  ${Else}
    IntOp $4 $4 + 1
    IntOp $4 $4 * 2
    System::Call 'advapi32::RegSetValueExW(p r0, w "Path", i 0, i r2, p r6, i r4)'
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
!macroend

!macro CloseUserPath
  ${If} $1 P<> 0
    System::Free $1
  ${EndIf}
  System::Call 'advapi32::RegCloseKey(p r0)'
!macroend

!macro AddToUserPath FOLDER
  !insertmacro ReadUserPath
  ${If} $1 P<> 0
    System::Call 'shlwapi::StrStrIW(p r1, w ";${FOLDER};") p .r5'
    System::Call 'kernel32::lstrlenW(p r1) i .r4'
    StrLen $7 "${FOLDER}"
    IntOp $4 $4 + $7
    ${If} $4 > 32000
      DetailPrint "PATH is too long for one more folder. Add ${FOLDER} yourself."
    ${ElseIf} $5 P= 0
      System::Call 'kernel32::lstrcatW(p r1, w "${FOLDER}")'
      !insertmacro WriteUserPath
    ${EndIf}
  ${EndIf}
  !insertmacro CloseUserPath
!macroend

!macro RemoveFromUserPath FOLDER
  !insertmacro ReadUserPath
  ${If} $1 P<> 0
    StrLen $7 ";${FOLDER}"
    IntOp $7 $7 * 2
    StrCpy $9 0
    ${Do}
      System::Call 'shlwapi::StrStrIW(p r1, w ";${FOLDER};") p .r5'
      ${If} $5 P= 0
        ${Break}
      ${EndIf}
      StrCpy $9 1
      IntPtrOp $3 $5 + $7
      System::Call 'kernel32::lstrlenW(p r3) i .r4'
      IntOp $4 $4 + 1
      IntOp $4 $4 * 2
      System::Call 'kernel32::RtlMoveMemory(p r5, p r3, p r4)'
    ${Loop}
    ${If} $9 = 1
      System::Call 'kernel32::lstrlenW(p r1) i .r4'
      ${If} $8 = 1
      ${AndIf} $4 > 1
        IntOp $5 $4 - 1
        IntOp $5 $5 * 2
        IntPtrOp $5 $1 + $5
        System::Call '*$5(&i2 0)'
      ${EndIf}
      !insertmacro WriteUserPath
    ${EndIf}
  ${EndIf}
  !insertmacro CloseUserPath
!macroend
