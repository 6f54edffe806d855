cask "multi-cloud-manager" do
  version "@VERSION@"
  sha256 "@SHA256(multi-cloud-manager_@VERSION@_universal.dmg)@"

  url "@DOWNLOADS@/multi-cloud-manager_#{version}_universal.dmg"
  name "Multi-Cloud Manager"
  desc "Sign in to Azure, Google Cloud and AWS, and switch between accounts"
  homepage "@HOMEPAGE@"

  conflicts_with formula: "mcm"
  depends_on macos: ">= :big_sur"

  app "Multi-Cloud Manager.app"
  binary "#{appdir}/Multi-Cloud Manager.app/Contents/MacOS/mcm"
  manpage "#{appdir}/Multi-Cloud Manager.app/Contents/Resources/man/mcm.1"
  bash_completion "#{appdir}/Multi-Cloud Manager.app/Contents/Resources/completions/mcm.bash"
  fish_completion "#{appdir}/Multi-Cloud Manager.app/Contents/Resources/completions/mcm.fish"
  zsh_completion "#{appdir}/Multi-Cloud Manager.app/Contents/Resources/completions/_mcm"

  uninstall quit: "io.github.multicloudmanager"

  zap trash: [
    "~/Library/Application Support/io.github.multicloudmanager",
    "~/Library/LaunchAgents/io.github.multicloudmanager.plist",
    "~/Library/WebKit/io.github.multicloudmanager",
  ]

  caveats "To remove your sign-ins from the keychain as well, disconnect your accounts before you uninstall."
end
