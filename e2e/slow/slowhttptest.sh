#!/bin/sh
# Installs Debian's slowhttptest, which the tests of slow clients need, if it is missing. Where it
# cannot be had those tests skip themselves.
set -u
command -v slowhttptest >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends slowhttptest; } >/dev/null 2>&1 ||
	echo "no slowhttptest here: the tests of slow clients skip themselves"
