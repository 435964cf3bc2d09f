//go:build !js

package edge

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicAddresses(t *testing.T) { // W5
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
		"192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "fe80::1", "fe80::1%eth0",
		"fc00::1", "fdff::1", "ff02::1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2001:db8::1", "100::1",
		"::127.0.0.1", "::ffff:0:127.0.0.1", "fec0::1", "2001::f5ff:fffe", "2001:2::1", "3fff::1", "4000::1",
	} {
		if isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is public", text)
		}
		if err := onlyPublic("tcp", netip.AddrPortFrom(netip.MustParseAddr(text), 443).String(), nil); err == nil {
			t.Errorf("a connection to %s is allowed", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.167.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "2002:101:101::", "::ffff:1.1.1.1"} {
		if !isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is not public", text)
		}
		if err := onlyPublic("tcp", netip.AddrPortFrom(netip.MustParseAddr(text), 443).String(), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
