#!/bin/sh
# Installs Debian's HAProxy and nginx, which the tests of several machines need, if they are
# missing, and starts neither. Where they cannot be had those tests skip themselves.
set -u
command -v haproxy >/dev/null && command -v nginx >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # so that the packages start no service
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy nginx-light; } >/dev/null 2>&1 ||
	echo "no HAProxy and nginx here: their tests skip themselves"
