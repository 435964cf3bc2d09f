//go:build !js

package edge

import "net/netip"

// private are the address blocks that lead to no public server and that netip does not know.
// IANA IPv4 and IPv6 Special-Purpose Address Registries.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // of a carrier's network
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // of protocols, as Teredo, whose addresses lead to one of IPv4
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"),
}

// global is the block of IPv6 that has all public servers.
var global = netip.MustParsePrefix("2000::/3")

// embedding are the blocks of IPv6 whose addresses lead to an IPv4 address, and where that stands.
var embedding = []struct {
	netip.Prefix
	at int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

// isPublic says whether an address can be that of a public server.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range private {
		if p.Contains(ip) {
			return false
		}
	}
	for _, e := range embedding {
		if e.Contains(ip) {
			b := ip.As16()
			return isPublic(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
		}
	}
	return ip.Is4() || global.Contains(ip)
}
