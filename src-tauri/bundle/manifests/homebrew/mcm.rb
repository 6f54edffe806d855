class Mcm < Formula
  desc "Sign in to Azure, Google Cloud and AWS, and give their tools credentials"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    url "@DOWNLOADS@/mcm_@VERSION@_macos-universal.tar.gz"
    sha256 "@SHA256(mcm_@VERSION@_macos-universal.tar.gz)@"
  end

  on_linux do
    depends_on arch: :x86_64

    url "@DOWNLOADS@/mcm_@VERSION@_linux-x86_64.tar.gz"
    sha256 "@SHA256(mcm_@VERSION@_linux-x86_64.tar.gz)@"
  end

  def install
    bin.install "mcm", "mcm-full"
    man1.install "man/mcm.1"
    bash_completion.install "completions/mcm.bash" => "mcm"
    fish_completion.install "completions/mcm.fish"
    zsh_completion.install "completions/_mcm"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/mcm --version")
  end
end
