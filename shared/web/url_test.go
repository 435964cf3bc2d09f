package web_test

import (
	"net/url"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/web"
)

func sameURL(t interface{ Errorf(string, ...any) }, text string) {
	got, err := web.ParseURL(text)
	want, wantErr := url.Parse(text)
	if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
		t.Errorf("%q: got %#v, %v; want %#v, %v", text, got, err, want, wantErr)
	}
}

func TestParseURLIsThatOfNetURL(t *testing.T) {
	for _, text := range []string{
		"http://a/", "https://a.example:8787/trpc/sync.pull?input=%7B%22a%22%3A1%7D", "http://127.0.0.1:80/s/a/b?x", "http://a/?", "http://a", "http:///x",
		"http://[::1]:80/x", "http://a:/x", "http://a:8b/x", "http://u@a/x", "http://a/x%2Fy", "http://a/x%zz", "http://a/ä", "http://a/x y", "http://a/x?a b",
		"http://a/x?a\x7f", "http://a/x#f", "http://a/x?y#f", "http://a/x;y=1,2", "HTTP://a/x", "ftp://a/x", "/x://y/", "://a/", "http://a_b/x", "http://a/b~c?q=\x00",
	} {
		sameURL(t, text)
	}
	part := rapid.StringOf(rapid.RuneFrom([]rune("ab0/:?#%&=.-_~ @[]é\x01\x7f;,+")))
	rapid.Check(t, func(t *rapid.T) {
		sameURL(t, rapid.SampledFrom([]string{"http://", "https://", "http:", "x://", ""}).Draw(t, "scheme")+part.Draw(t, "host")+
			rapid.SampledFrom([]string{"/", ""}).Draw(t, "slash")+part.Draw(t, "path"))
	})
}
