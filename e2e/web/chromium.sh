#!/bin/sh
# Installs Debian's Chromium without windows, which the tests of the demo drive, if it is
# missing. Where it cannot be had they drive the whole Chromium, which takes twice the
# processor's time.
set -eu
command -v chromium-headless-shell >/dev/null && exit 0
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null; } ||
	command -v chromium >/dev/null
