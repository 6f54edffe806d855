; An installer for Windows that makensis makes on Linux, without a download: scripts/windows-installer. For this user, in
; the folder and with the registry keys of Tauri's installer, so that either of them updates the other.
;
; Needs VERSION, FILE_VERSION (four numbers), PROGRAMS (the folder of the .exe files), ROOT (the repository), OUTPUT.
; WEBVIEW2_BOOTSTRAPPER may name Microsoft's bootstrapper, which then comes along.

Target amd64-unicode
ManifestDPIAware true
!ifdef QUICK ; for tests
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif

!include MUI2.nsh
!include FileFunc.nsh
!include Win\COM.nsh
!include Win\Propkey.nsh
!include user-path.nsh

!define PRODUCT "Multi-Cloud Manager"
!define PROGRAM "multi-cloud-manager.exe"
!define PUBLISHER "Multi-Cloud Manager maintainers"
!define SCHEME "io.github.multicloudmanager"
!define PRODUCT_KEY "Software\${PUBLISHER}\${PRODUCT}"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${PRODUCT}"
!define WEBVIEW2_KEY "Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define OPEN_LINK '"$INSTDIR\${PROGRAM}" "%1"'

Name "${PRODUCT}"
OutFile "${OUTPUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\${PRODUCT}"
InstallDirRegKey HKCU "${PRODUCT_KEY}" ""
VIProductVersion "${FILE_VERSION}"
VIAddVersionKey ProductName "${PRODUCT}"
VIAddVersionKey FileDescription "${PRODUCT}"
VIAddVersionKey CompanyName "${PUBLISHER}"
VIAddVersionKey LegalCopyright "${PUBLISHER}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey ProductVersion "${VERSION}"

!define MUI_ICON "${ROOT}/icons/icon.ico"
!define MUI_UNICON "${ROOT}/icons/icon.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\${PROGRAM}"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English

; A program that runs cannot be replaced. A silent run then ends with status 2 and changes nothing.
!macro RequireNoneRunning
  ${Do}
    StrCpy $1 ""
    !insertmacro FindRunning "${PROGRAM}"
    !insertmacro FindRunning "mcm.exe"
    !insertmacro FindRunning "mcm-full.exe"
    ${If} $1 == ""
      ${Break}
    ${EndIf}
    ${If} ${Cmd} `MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$1 is running. Close it, then choose Retry." /SD IDCANCEL IDCANCEL`
      SetErrorLevel 2
      Quit
    ${EndIf}
  ${Loop}
!macroend

!macro FindRunning FILE
  ${If} ${FileExists} "$INSTDIR\${FILE}"
    ClearErrors
    FileOpen $0 "$INSTDIR\${FILE}" a
    ${If} ${Errors}
      StrCpy $1 "${FILE}"
    ${Else}
      FileClose $0
    ${EndIf}
  ${EndIf}
!macroend

; Windows shows notifications only of a program whose entry in the start menu has the program's identifier.
!macro SetAppUserModelId LINK
  !insertmacro ComHlpr_CreateInProcInstance ${CLSID_ShellLink} ${IID_IShellLink} r0 ""
  ${If} $0 P<> 0
    ${IUnknown::QueryInterface} $0 '("${IID_IPersistFile}",.r1)'
    ${If} $1 P<> 0
      ${IPersistFile::Load} $1 '("${LINK}", ${STGM_READWRITE})'
      ${IUnknown::QueryInterface} $0 '("${IID_IPropertyStore}",.r2)'
      ${If} $2 P<> 0
        System::Call 'Oleaut32::SysAllocString(w "${SCHEME}") i.r3'
        System::Call '*${SYSSTRUCT_PROPERTYKEY}(${PKEY_AppUserModel_ID})p.r4'
        System::Call '*${SYSSTRUCT_PROPVARIANT}(${VT_BSTR},,&i4 $3)p.r5'
        ${IPropertyStore::SetValue} $2 '($4,$5)'
        ${IPropertyStore::Commit} $2 ""
        System::Call 'Oleaut32::SysFreeString($3)'
        System::Free $4
        System::Free $5
        ${IUnknown::Release} $2 ""
        ${IPersistFile::Save} $1 '("${LINK}",1)'
      ${EndIf}
      ${IUnknown::Release} $1 ""
    ${EndIf}
    ${IUnknown::Release} $0 ""
  ${EndIf}
!macroend

Section "WebView2"
  SetRegView 32
  ReadRegStr $0 HKLM "SOFTWARE\${WEBVIEW2_KEY}" "pv"
  SetRegView 64
  ${If} $0 == ""
    ReadRegStr $0 HKCU "SOFTWARE\${WEBVIEW2_KEY}" "pv"
  ${EndIf}
  ${If} $0 == ""
    !ifdef WEBVIEW2_BOOTSTRAPPER
      InitPluginsDir
      File "/oname=$PLUGINSDIR\webview2.exe" "${WEBVIEW2_BOOTSTRAPPER}"
      DetailPrint "Installing Microsoft's WebView2 runtime"
      ExecWait '"$PLUGINSDIR\webview2.exe" /silent /install' $1
      ${If} $1 <> 0
        DetailPrint "WebView2 could not be installed ($1). mcm works without it; the app needs it."
      ${EndIf}
    !else
      DetailPrint "Microsoft's WebView2 runtime is missing. mcm works without it; the app says where to get it."
    !endif
  ${EndIf}
SectionEnd

Section "Install"
  !insertmacro RequireNoneRunning
  SetOutPath "$INSTDIR"
  File "${PROGRAMS}/${PROGRAM}"
  File "${PROGRAMS}/mcm.exe"
  File "${PROGRAMS}/mcm-full.exe"
  ; What MinGW links is loaded from a file; Microsoft's linker puts it into the program.
  !if /FileExists "${PROGRAMS}/WebView2Loader.dll"
    File "${PROGRAMS}/WebView2Loader.dll"
  !endif
  File "${ROOT}/LICENSE-MIT"
  File "${ROOT}/LICENSE-APACHE"
  SetOutPath "$INSTDIR\man"
  File "${ROOT}/src-tauri/bundle/mcm.1"
  SetOutPath "$INSTDIR\completions"
  File "${ROOT}/src-tauri/bundle/completions/*"
  SetOutPath "$INSTDIR"

  WriteRegStr HKCU "Software\Classes\${SCHEME}" "" "URL:${SCHEME} protocol"
  WriteRegStr HKCU "Software\Classes\${SCHEME}" "URL Protocol" ""
  WriteRegStr HKCU "Software\Classes\${SCHEME}\DefaultIcon" "" '"$INSTDIR\${PROGRAM}",0'
  WriteRegStr HKCU "Software\Classes\${SCHEME}\shell\open\command" "" '${OPEN_LINK}'

  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${PRODUCT_KEY}" "" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "MainBinaryName" "${PROGRAM}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${PRODUCT}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" '"$INSTDIR\${PROGRAM}"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "${PUBLISHER}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" '"$INSTDIR"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" $0

  CreateShortcut "$SMPROGRAMS\${PRODUCT}.lnk" "$INSTDIR\${PROGRAM}"
  !insertmacro SetAppUserModelId "$SMPROGRAMS\${PRODUCT}.lnk"
  !insertmacro AddToUserPath "$INSTDIR"
SectionEnd

; The accounts and their sign-ins are the user's: they stay, as with every other package. mcm and the app remove them.
Section "Uninstall"
  !insertmacro RequireNoneRunning
  Delete "$INSTDIR\${PROGRAM}"
  Delete "$INSTDIR\mcm.exe"
  Delete "$INSTDIR\mcm-full.exe"
  Delete "$INSTDIR\WebView2Loader.dll"
  Delete "$INSTDIR\LICENSE-MIT"
  Delete "$INSTDIR\LICENSE-APACHE"
  Delete "$INSTDIR\man\mcm.1"
  RMDir "$INSTDIR\man"
  Delete "$INSTDIR\completions\_mcm"
  Delete "$INSTDIR\completions\mcm.*"
  RMDir "$INSTDIR\completions"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"

  ReadRegStr $0 HKCU "Software\Classes\${SCHEME}\shell\open\command" ""
  ${If} $0 == '${OPEN_LINK}'
    DeleteRegKey HKCU "Software\Classes\${SCHEME}"
  ${EndIf}
  DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "${SCHEME}"
  Delete "$SMPROGRAMS\${PRODUCT}.lnk"
  !insertmacro RemoveFromUserPath "$INSTDIR"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "${PRODUCT_KEY}"
  DeleteRegKey /ifempty HKCU "Software\${PUBLISHER}"
SectionEnd
