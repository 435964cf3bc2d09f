#!/bin/sh
# Installs Debian's buildah, which builds the image of docs/machines/Dockerfile without a daemon,
# if it is missing. Where it cannot be had the test of the image skips itself.
set -u
command -v buildah >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # so that the packages start no service
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends buildah; } >/dev/null 2>&1 ||
	echo "no buildah here: the test of the image skips itself"
