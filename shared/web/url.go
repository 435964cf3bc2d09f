package web

import (
	"net/url"
	"strings"
)

// ParseURL is url.Parse. It reads the URLs of most requests, which are absolute and have nothing
// that is to be decoded before the query, in one pass.
func ParseURL(text string) (*url.URL, error) {
	scheme, rest, found := strings.Cut(text, "://")
	at := strings.IndexByte(rest, '/')
	if !found || at <= 0 || scheme != "http" && scheme != "https" {
		return url.Parse(text)
	}
	host, path := rest[:at], rest[at:]
	query := ""
	if end := strings.IndexByte(path, '?'); end >= 0 {
		path, query = path[:end], path[end+1:]
		if query == "" {
			return url.Parse(text) // it notes the mark
		}
	}
	if !plainHost(host) || !all(path, isPlain) || !all(query, isQuery) {
		return url.Parse(text)
	}
	return &url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query}, nil
}

// plainHost says whether a host is a name or an address of IPv4, and a port if there is one.
func plainHost(host string) bool {
	name, port, _ := strings.Cut(host, ":")
	return name != "" && all(name, isPlain) && all(port, func(c byte) bool { return '0' <= c && c <= '9' })
}

func all(text string, is func(byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return true
}

// isPlain is for what stands for itself in a path, whether it is encoded or not.
func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '/' || c == '.' || c == '-' || c == '_' || c == '~'
}

// isQuery is for what url.Parse takes in a query as it is.
func isQuery(c byte) bool { return ' ' < c && c < 0x7f && c != '#' }
