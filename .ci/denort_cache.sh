#!/usr/bin/env bash
# Lets `deno compile` work on a machine that reaches the npm registry but not Deno's own downloads.
#
# `deno compile` puts the program behind "denort", a runtime that it fetches once for each version of
# Deno and each target, and keeps as $DENO_DIR/dl/release/v<version>/denort-<target>.zip. There are
# programs on npm that were built by `deno compile` of the same version: denort with their own code
# behind it. Their ELF image ends with its section header table, so what stands before that end is
# denort as it was, and is put where Deno looks for it. The packages are pinned by their integrity.
#
# For Deno 2.7.11 and Linux. Nobody who can reach Deno's downloads needs this.
set -euo pipefail

deno_version=2.7.11
package_version=0.22.2
cache=${DENO_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/deno}/dl/release/v$deno_version
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$cache"

# fill NPM-PLATFORM TARGET INTEGRITY
fill() {
  local zip=$cache/denort-$2.zip tarball
  if [ -s "$zip" ]; then
    echo "denort for $2: already there"
    return
  fi
  (cd "$scratch" && npm pack --silent "@stdy/cli-$1@$package_version" >/dev/null)
  tarball=$scratch/stdy-cli-$1-$package_version.tgz
  if [ "sha512-$(openssl dgst -sha512 -binary "$tarball" | base64 -w0)" != "$3" ]; then
    echo "denort for $2: the package is not the one that was checked" >&2
    return 1
  fi
  tar -xzf "$tarball" -C "$scratch" package/bin/steady
  python3 - "$scratch/package/bin/steady" "$zip" "Deno/$deno_version" <<'PYTHON'
import os
import struct
import sys
import zipfile

program, target, marker = sys.argv[1:]
with open(program, "rb") as file:
    image = file.read()
if image[:5] != b"\x7fELF\x02":
    sys.exit("not a 64-bit ELF image")
(table,) = struct.unpack_from("<Q", image, 0x28)
size, count = struct.unpack_from("<HH", image, 0x3A)
runtime = image[: table + size * count]
if marker.encode() not in runtime:
    sys.exit(f"not built with {marker}")
entry = zipfile.ZipInfo("denort")
entry.external_attr = 0o100755 << 16
with zipfile.ZipFile(target + ".part", "w") as archive:
    archive.writestr(entry, runtime)
os.replace(target + ".part", target)
PYTHON
  rm -rf "$scratch/package" "$tarball"
  echo "denort for $2: cached"
}

fill linux-x64 x86_64-unknown-linux-gnu \
  sha512-kp5QdG26EC8gEzVXI0YgzmiiFHz7DFCNRLNfAWa2rDPHr/jUBnfkP8AlbTPmv0YNQpnKn1wzSWHFw88fn/OTog==
fill linux-arm64 aarch64-unknown-linux-gnu \
  sha512-HjSQdAt40CpYIauUKJ1xyIEsdrf5LtQP1x8Su7BEZJN94807ROJXxabW+jXyc48823tVBkrnxNUUTrBK4TVTRw==
