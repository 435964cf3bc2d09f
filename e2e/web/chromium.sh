#!/bin/sh
# Installs Debian's Chromium, which the tests of the demo drive, if it is missing.
set -eu
command -v chromium >/dev/null && exit 0
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium >/dev/null
