//go:build !js

package main

// The roots of Mozilla, for a machine that has no certificates of authorities, such as a container
// with nothing but this program. The server needs them to ask issuers for their keys.
import _ "golang.org/x/crypto/x509roots/fallback"
