package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/web"
)

// Header keeps what http.Header keeps, and in the order of the fields.
func TestHeaderIsAsInNetHTTP(t *testing.T) {
	names := rapid.SampledFrom([]string{"Content-Type", "content-type", "ETag", "Etag", "vary", "VARY", "X-A", "x-b", "@", "`"})
	rapid.Check(t, func(t *rapid.T) {
		var h web.Header
		like := http.Header{}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			name, value := names.Draw(t, "name"), rapid.StringN(0, 3, -1).Draw(t, "value")
			switch rapid.SampledFrom([]string{"add", "set", "del"}).Draw(t, "step") {
			case "add":
				h.Add(name, value)
				like.Add(name, value)
			case "set":
				h.Set(name, value)
				like.Set(name, value)
			case "del":
				h.Del(name)
				like.Del(name)
			}
			if got, want := h.Get(name), like.Get(name); got != want {
				t.Fatalf("%s of %q: got %q, want %q", name, h, got, want)
			}
			if got, want := h.Values(name), like.Values(name); !slices.Equal(got, want) {
				t.Fatalf("the values of %s of %q: got %q, want %q", name, h, got, want)
			}
			if got, want := len(h), strings.Count(flat(like), "\n"); got != want {
				t.Fatalf("%q has %d fields, want %d", h, got, want)
			}
		}
	})
}

// flat returns a line for each field.
func flat(h http.Header) string {
	var b strings.Builder
	for name, values := range h {
		for _, value := range values {
			b.WriteString(name + ": " + strings.ReplaceAll(value, "\n", "") + "\n")
		}
	}
	return b.String()
}

func TestStatusesAndMethodsAreThoseOfNetHTTP(t *testing.T) {
	got := []any{
		web.StatusOK,
		web.StatusCreated,
		web.StatusNoContent,
		web.StatusNotModified,
		web.StatusBadRequest,
		web.StatusUnauthorized,
		web.StatusForbidden,
		web.StatusNotFound,
		web.StatusMethodNotAllowed,
		web.StatusRequestTimeout,
		web.StatusConflict,
		web.StatusPreconditionFailed,
		web.StatusRequestEntityTooLarge,
		web.StatusUnsupportedMediaType,
		web.StatusUpgradeRequired,
		web.StatusTooManyRequests,
		web.StatusInternalServerError,
		web.StatusNotImplemented,
		web.StatusServiceUnavailable,
		web.StatusGatewayTimeout,
		web.StatusInsufficientStorage,
		web.MethodDelete,
		web.MethodGet,
		web.MethodHead,
		web.MethodOptions,
		web.MethodPatch,
		web.MethodPost,
	}
	want := []any{
		http.StatusOK,
		http.StatusCreated,
		http.StatusNoContent,
		http.StatusNotModified,
		http.StatusBadRequest,
		http.StatusUnauthorized,
		http.StatusForbidden,
		http.StatusNotFound,
		http.StatusMethodNotAllowed,
		http.StatusRequestTimeout,
		http.StatusConflict,
		http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType,
		http.StatusUpgradeRequired,
		http.StatusTooManyRequests,
		http.StatusInternalServerError,
		http.StatusNotImplemented,
		http.StatusServiceUnavailable,
		http.StatusGatewayTimeout,
		http.StatusInsufficientStorage,
		http.MethodDelete,
		http.MethodGet,
		http.MethodHead,
		http.MethodOptions,
		http.MethodPatch,
		http.MethodPost,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
